"""The requester's new words: what is left of messages without quoted text, forwarded headers and signatures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import dropwhile, takewhile
from typing import Final

from bridge.model import ActorKind, Message, Ticket, Visibility
from bridge.triage import quotes
from bridge.triage.endings import Stretch
from bridge.triage.lines import QUOTES, is_quoted, mark, marks_of, next_said

_FORWARDS: Final = 5
"""Messages passed on within one another that are opened to find words; keeps the cleaner linear."""


def text_of(ticket: Ticket) -> str:
    """The subject and the requester's newest public words, cleaned: what they wrote since an agent last answered.

    Notes are never read.
    """
    parts = (ticket.subject, *(new_words(message.text) for message in newest(ticket.messages)))
    return "\n\n".join(part for part in parts if part.strip())


def opening(ticket: Ticket) -> Ticket:
    """The ticket as it was before an agent answered: what a model has to read it by when it is new."""
    answered = (
        number
        for number, message in enumerate(ticket.messages)
        if message.visibility is Visibility.PUBLIC and message.author.kind is ActorKind.AGENT and number
    )
    return replace(ticket, messages=ticket.messages[: next(answered, None)])


def newest(messages: Sequence[Message]) -> list[Message]:
    """The requester's public messages since an agent last answered them; where an agent was last, those before."""
    public = [message for message in messages if message.visibility is Visibility.PUBLIC]
    since = dropwhile(lambda message: message.author.kind is not ActorKind.REQUESTER, reversed(public))
    run = takewhile(lambda message: message.author.kind is not ActorKind.AGENT, since)
    return [message for message in run if message.author.kind is ActorKind.REQUESTER][::-1]


def new_words(message: str) -> str:
    """A message without what its mail client added: quoted text, headers, signature, disclaimer. Linear in its length.

    A mail that is passed on without a word of its own keeps the words of the one passed on.
    """
    lines = quotes.apart(message.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    for _ in range(_FORWARDS):
        read = _read(lines, marks_of(lines))
        if read.own or read.passed_on is None:
            return "\n".join(read.own).strip()
        lines = _unquoted(lines[read.passed_on :])
    return ""


@dataclass(slots=True)
class _Read:
    """What one message says itself, and where the one begins that it passes on."""

    own: list[str] = field(default_factory=list)
    passed_on: int | None = None


def _read(lines: Sequence[str], marks: Sequence[str]) -> _Read:
    read = _Read()
    last = 0
    for start, end, passed_on in _stretches(marks):
        stretch = Stretch(lines[start:end], marks[start:end])
        words = stretch.own(said=bool(read.own), passes_on=passed_on is not None)
        if words:
            apart = [""] if read.own and not (marks[last + 1] and marks[start]) else []
            read.own += [*apart, *(lines[start + index] for index in words)]
            last = start + words[-1]
        read.passed_on = passed_on
    return read


def _stretches(marks: Sequence[str]) -> Iterator[tuple[int, int, int | None]]:
    """The stretches between quotes as (start, end, where a message passed on begins after the end)."""
    start = at = 0
    while at < len(marks):
        if not marks[at]:
            at += 1
            continue
        quoted = is_quoted(marks[at])
        found = None if quoted else _marker(marks, at)
        if found is not None:
            yield start, at, found
            return
        told = 0 if quoted else quotes.introduction(marks, at)
        if told or quoted:
            if start < at:
                yield start, at, None
            if told and not is_quoted(next_said(marks, at + told)):
                return
            start = at = at + (told or 1)
        else:
            at += 1
    yield start, at, None


def _marker(marks: Sequence[str], at: int) -> int | None:
    """Where another message begins if a line at `at` says that one follows."""
    if quotes.original(marks, at):
        return quotes.after_headers(marks, at + 1)
    if quotes.reply_above(marks[at]):
        return at + 1
    block = quotes.headers(marks, at)
    return quotes.after_headers(marks, at + block) if block else None


def _unquoted(lines: Sequence[str]) -> list[str]:
    """Apple's clients quote what they pass on: without one level of it."""
    first = next_said([mark(line) for line in lines[:4]], 0)
    if not is_quoted(first):
        return list(lines)
    return [line.lstrip().lstrip("".join(QUOTES)).removeprefix(" ") for line in lines]
