"""The requester's new words: what is left of messages without quoted text, forwarded headers and signatures."""

import re
from collections.abc import Iterator, Sequence
from itertools import dropwhile, takewhile
from typing import Final

from bridge.model import ActorKind, Message, Ticket, Visibility

_LONGEST_MARK: Final = 300
"""Longer lines are somebody's words; this also keeps the patterns below linear in the whole text."""

_ANSWERED: Final = re.compile(
    r"""
      on\ .+\ wrote:                         # Gmail, Apple Mail, Thunderbird: On 3 May 2026 at 10:00, Ana wrote:
    | am\ .+\ schrieb\b.*:
    | le\ .+\ a\ écrit\s?:
    | el\ .+\ escribió:
    | il\ .+\ ha\ scritto:
    | em\ .+\ escreveu:
    | op\ .+\ (schreef\b.*|het\ volgende\ geschreven):
    | .{1,80}のメール\s?[::]?
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""The line with which a mail client starts the message that is answered; it also names a day or an address."""

_DAY_OR_ADDRESS: Final = re.compile(r"\d|@")

_ORIGINAL: Final = re.compile(
    r"""
      -{2,}\s*(original\ message|ursprüngliche\ nachricht|message\ d'origine|mensaje\ original
               |messaggio\ originale|mensagem\ original|oorspronkelijk\ bericht|元のメッセージ)\s*-{2,}
    """,
    re.IGNORECASE | re.VERBOSE,
)
_FORWARD_STARTS: Final = re.compile(
    r"-{2,}\s*(forwarded\ message|weitergeleitete\ nachricht|message\ transféré|mensaje\ reenviado"
    r"|messaggio\ inoltrato|mensagem\ encaminhada|doorgestuurd\ bericht|転送されたメッセージ)\s*-{2,}"
    r"|begin\ forwarded\ message:|anfang\ der\ weitergeleiteten\ nachricht:",
    re.IGNORECASE,
)

_FROM: Final = re.compile(r"\*?(from|von|de|da|van|差出人)\s?[::]\*?\s*\S", re.IGNORECASE)
_HEADER: Final = re.compile(
    r"\*?(from|von|de|da|van|差出人|sent|gesendet|envoyé|enviado(\ el|\ em)?|inviato|verzonden|送信日時"
    r"|date|datum|data|fecha"
    r"|to|an|à|para|a|aan|宛先|cc|subject|betreff|objet|asunto|oggetto|assunto|onderwerp|件名|reply-to)\s?[::]\*?",
    re.IGNORECASE,
)
_SENT_FROM: Final = re.compile(
    r"(sent\ from\ (my|outlook|mail|yahoo)|get\ outlook\ for|von\ meinem\ .{1,40}\ gesendet|gesendet\ (von|mit)\ "
    r"|envoyé\ (de|depuis)\ mon|enviado\ desde\ mi|inviato\ da(l\ mio)?\ |enviado\ do\ meu|verzonden\ vanaf"
    r"|verstuurd\ vanaf|iphoneから送信)",
    re.IGNORECASE,
)


def text_of(ticket: Ticket) -> str:
    """The subject and the requester's newest public words, cleaned: what they wrote since an agent last answered.

    Notes are never read.
    """
    parts = (ticket.subject, *(new_words(message.text) for message in _newest(ticket.messages)))
    return "\n\n".join(part for part in parts if part.strip())


def new_words(message: str) -> str:
    """A message without what its mail client added: quoted text, forwarded headers, signature. Linear in its length."""
    lines = message.replace("\r\n", "\n").split("\n")
    return "\n".join(_own(lines)).strip()


def _newest(messages: Sequence[Message]) -> list[Message]:
    public = [message for message in messages if message.visibility is Visibility.PUBLIC]
    since = dropwhile(lambda message: message.author.kind is not ActorKind.REQUESTER, reversed(public))
    run = takewhile(lambda message: message.author.kind is not ActorKind.AGENT, since)
    return [message for message in run if message.author.kind is ActorKind.REQUESTER][::-1]


def _own(lines: Sequence[str]) -> Iterator[str]:
    forwarded = said = False
    for index, line in enumerate(lines):
        mark = line.strip() if len(line) <= _LONGEST_MARK else ""
        if _FORWARD_STARTS.fullmatch(mark):
            forwarded = True
        elif forwarded and not said and (not mark or _HEADER.match(mark)):
            continue
        elif line.rstrip("\r") == "-- " or _ends(mark, lines, index):
            return
        elif not mark.startswith(">"):
            said = said or bool(line.strip())
            yield line


def _ends(mark: str, lines: Sequence[str], index: int) -> bool:
    """True where the requester's own words end: a quote, the sign of a device or a block of mail headers begins."""
    if not mark:
        return False
    two = f"{mark} {lines[index + 1].strip()}" if index + 1 < len(lines) else mark
    return (
        mark == "--"
        or bool(_ORIGINAL.fullmatch(mark) or _SENT_FROM.match(mark))
        or _answers(mark, two)
        or _heads_mail(mark, lines[index + 1 : index + 5])
    )


def _answers(mark: str, two: str) -> bool:
    """True for the line before a quote, also where the client broke it in two."""
    if not _DAY_OR_ADDRESS.search(mark):
        return False
    return bool(_ANSWERED.fullmatch(mark) or (len(two) <= _LONGEST_MARK and _ANSWERED.fullmatch(two)))


def _heads_mail(mark: str, following: Sequence[str]) -> bool:
    """True for `From:` with at least two more header lines right after it, as Outlook quotes."""
    more = sum(bool(_HEADER.match(line.strip())) for line in following if len(line) <= _LONGEST_MARK)
    return bool(_FROM.match(mark)) and more >= 2
