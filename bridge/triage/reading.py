"""The one entry of triage: a ticket's cleaned text in, everything it says out."""

from bridge.model import Ticket, Triage
from bridge.triage.automatic import automatic
from bridge.triage.entities import Extractors
from bridge.triage.keywords import Keywords
from bridge.triage.language import language
from bridge.triage.signals import sentiment, signals, urgency
from bridge.triage.words import Text

_ONLY_URLS = Extractors(())


def triage(
    ticket: Ticket, text: str, keywords: Keywords, *, suggest: float, extractors: Extractors = _ONLY_URLS
) -> Triage:
    """What `text` (as `text_of` gives it) says; an intent less sure than `suggest` is not told."""
    words = Text(text)
    intent = keywords.intent(Text(ticket.subject), words)
    return Triage(
        intent=intent if intent is not None and intent.confidence >= suggest else None,
        urgency=urgency(words),
        sentiment=sentiment(words),
        language=language(words.raw),
        automatic=automatic(ticket, text.removeprefix(ticket.subject)),
        signals=signals(ticket, words),
        entities=extractors.entities(words),
    )
