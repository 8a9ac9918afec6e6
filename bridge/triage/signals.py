"""What a text signals beside its intent, each with the words that say so, from the word lists of `lexicon`."""

from typing import Final

from bridge.model import ActorKind, Attachment, Finding, Message, Ticket, Visibility
from bridge.triage import lexicon
from bridge.triage.clean import newest
from bridge.triage.words import Phrase, Text, found

ASKS_FOR_HUMAN: Final = "asks_for_human"
CHURN: Final = "churn"
LEGAL: Final = "legal"
BUG: Final = "bug"
REPEAT: Final = "repeat_contact"
DRIFT: Final = "topic_drift"


def _compiled(words: tuple[str, ...]) -> tuple[Phrase, ...]:
    return tuple(map(Phrase, dict.fromkeys(words)))


_URGENCY: Final = tuple(
    (level, _compiled(words))
    for level, words in (("critical", lexicon.CRITICAL), ("low", lexicon.LOW), ("high", lexicon.HIGH))
)
"""Looked at in this order: `not urgent` has `urgent` in it, and an outage is one however politely it is told."""

_DENIED, _UNWISHED = (
    tuple(f" {' '.join(Text(one).tokens)}" for one in each) for each in (lexicon.DENIED, lexicon.UNWISHED)
)
_BAD, _GOOD, _PERSON = _compiled(lexicon.NEGATIVE), _compiled(lexicon.POSITIVE), _compiled(lexicon.HUMAN)
_LEAVES, _LAW, _FAULTS = _compiled(lexicon.CHURN), _compiled(lexicon.LEGAL), _compiled(lexicon.BUG)
_AGAIN, _ANOTHER = _compiled(lexicon.REPEAT), _compiled(lexicon.ANOTHER)


def urgency(text: Text) -> Finding | None:
    """low, normal, high or critical with the words that say so; None for a text without a word."""
    for level, phrases in _URGENCY:
        because = _meant(phrases, text, _DENIED)
        if because:
            return Finding(level, _confidence(len(because)), because)
    return _nothing_said("normal", text)


def sentiment(text: Text) -> Finding | None:
    """negative, neutral or positive with the words that say so; None for a text without a word.

    The side with more words wins; as many of both is neutral.
    """
    bad, good = _meant(_BAD, text, _DENIED), _meant(_GOOD, text, _DENIED)
    if len(bad) == len(good):
        return _nothing_said("neutral", text)
    value, because = ("negative", bad) if len(bad) > len(good) else ("positive", good)
    return Finding(value, _confidence(abs(len(bad) - len(good))), because)


def asks_for_human(text: Text) -> tuple[str, ...]:
    """The words with which the requester asks for a person, none where they do not."""
    return _meant(_PERSON, text, _UNWISHED)


def signals(ticket: Ticket, text: Text) -> tuple[Finding, ...]:
    """Everything else that `text`, the new words of `ticket`, signals, in a fixed order; each at most once."""
    told = (
        _told(ASKS_FOR_HUMAN, asks_for_human(text)),
        _told(CHURN, _meant(_LEAVES, text, _UNWISHED)),
        _told(LEGAL, _meant(_LAW, text, _DENIED)),
        _bug(ticket, text),
        _repeat(ticket, text),
        _drift(ticket, text),
    )
    return tuple(finding for finding in told if finding is not None)


def _meant(phrases: tuple[Phrase, ...], text: Text, denials: tuple[str, ...]) -> tuple[str, ...]:
    """The phrases that the text has, without those that it denies each time it has them, right before them."""
    return tuple(phrase.written for phrase in phrases if phrase.is_in(text) and not _denies(text, phrase, denials))


def _denies(text: Text, phrase: Phrase, denials: tuple[str, ...]) -> bool:
    before = text.words.split(phrase.needle)[:-1]
    return all(f" {part}".endswith(denials) for part in before)


def _told(value: str, because: tuple[str, ...]) -> Finding | None:
    return Finding(value, _confidence(len(because)), because) if because else None


def _bug(ticket: Ticket, text: Text) -> Finding | None:
    """Words of a fault; a picture beside them makes it surer and is named among the reasons."""
    because = _meant(_FAULTS, text, _DENIED)
    pictures = [file for message in newest(ticket.messages) for file in message.attachments if _is_picture(file)]
    if not because:
        return None
    shown = ("a picture is attached",) if pictures else ()
    return Finding(BUG, _confidence(len(because) + 2 * len(shown)), because + shown)


_PICTURES: Final = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".heic", ".mp4", ".mov", ".webm")


def _is_picture(file: Attachment) -> bool:
    kind = file.content_type or ""
    return kind.startswith(("image/", "video/")) or file.name.casefold().endswith(_PICTURES)


def _repeat(ticket: Ticket, text: Text) -> Finding | None:
    """They say that they write again, or have written twice or more since anybody answered."""
    because = found(_AGAIN, text)
    unanswered = len(newest(ticket.messages)) if _last_public(ticket) is ActorKind.REQUESTER else 0
    counted = (f"{unanswered} messages without an answer",) if unanswered > 1 else ()
    return _told(REPEAT, because + counted)


def _last_public(ticket: Ticket) -> ActorKind | None:
    spoken = [message.author.kind for message in ticket.messages if message.visibility is Visibility.PUBLIC]
    return spoken[-1] if spoken else None


_LONG_ENOUGH: Final = 6
"""Telling words that a message has at least before its topic is compared."""

_TELLING: Final = 5
"""Characters from which on a word tells of a topic; shorter ones are mostly grammar."""


def _drift(ticket: Ticket, text: Text) -> Finding | None:
    """A new question in a thread that an agent has answered: they say so, or no telling word is one of before."""
    last = newest(ticket.messages)
    before = ticket.messages[: ticket.messages.index(last[0])] if last else ()
    if not any(_answers(message) for message in before):
        return None
    said = found(_ANOTHER, text)
    if said:
        return Finding(DRIFT, 0.9, said)
    old = _topic(" ".join([ticket.subject, *(message.text for message in before)]))
    new = _topic(" ".join(message.text for message in last))
    if len(new) < _LONG_ENOUGH or not new.keys().isdisjoint(old):
        return None
    return Finding(DRIFT, 0.6, tuple(sorted(new.values(), key=len, reverse=True)[:3]))


def _answers(message: Message) -> bool:
    return message.author.kind is ActorKind.AGENT and message.visibility is Visibility.PUBLIC


def _topic(text: str) -> dict[str, str]:
    """The telling words of a text by their beginnings."""
    return {word[:_STEM]: word for word in Text(text).tokens if len(word) >= _TELLING}


_STEM: Final = 7
"""Characters of a word that are compared, so that its endings do not count."""


def _confidence(words: int) -> float:
    """0.7 for one word, 0.8 for two, 0.9 for more: an order, not a measured frequency."""
    return round(0.6 + 0.1 * min(words, 3), 1)


def _nothing_said(value: str, text: Text) -> Finding | None:
    return Finding(value, 0.6) if text.words.strip() else None
