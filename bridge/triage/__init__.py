"""What a ticket's text says: new words, intent, urgency, sentiment, language, whether a machine wrote it. Pure."""

from bridge.triage.clean import new_words, opening, text_of
from bridge.triage.entities import Extractors
from bridge.triage.keywords import Keywords
from bridge.triage.mail import readable
from bridge.triage.personal import redact
from bridge.triage.reading import triage
from bridge.triage.signals import asks_for_human
from bridge.triage.words import Lexicon, Phrase, Text

__all__ = [
    "Extractors",
    "Keywords",
    "Lexicon",
    "Phrase",
    "Text",
    "asks_for_human",
    "new_words",
    "opening",
    "readable",
    "redact",
    "text_of",
    "triage",
]
