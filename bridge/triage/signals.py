"""Urgency, sentiment and the wish for a human, from small word lists in English, German, French and Spanish."""

from typing import Final

from bridge.model import Finding
from bridge.triage.words import Phrase, Text, found

# One line a language: English, German, French, Spanish. Only what rarely means anything else belongs here.
_CRITICAL: Final = (
    "emergency", "production is down", "production down", "site is down", "everything is down", "system is down",
    "down for everyone", "completely down", "data loss", "lost all our data", "security breach", "we were hacked",
    "notfall", "produktion steht", "komplett ausgefallen", "nichts geht mehr", "datenverlust", "gehackt",
    "panne totale", "plus rien ne marche", "perte de données", "piraté",
    "emergencia", "todo está caído", "caída total", "pérdida de datos", "hackeado",
)  # fmt: skip
_HIGH: Final = (
    "urgent", "urgently", "asap", "as soon as possible", "immediately", "right now", "right away", "deadline",
    "time sensitive", "blocked", "blocking us", "can not work", "cannot work", "can't work",
    "dringend", "eilig", "sofort", "umgehend", "so schnell wie möglich", "unverzüglich", "blockiert",
    "urgence", "urgente", "au plus vite", "immédiatement", "dès que possible", "tout de suite", "bloqué", "en panne",
    "urgentemente", "cuanto antes", "lo antes posible", "inmediatamente", "de inmediato", "ahora mismo",
)  # fmt: skip
_LOW: Final = (
    "not urgent", "no rush", "no hurry", "whenever you have time", "when you have time", "when you get a chance",
    "nicht dringend", "keine eile", "eilt nicht", "wenn sie zeit haben",
    "pas urgent", "rien d'urgent", "pas pressé", "quand vous aurez le temps",
    "no es urgente", "sin prisa", "cuando tengan tiempo", "cuando puedan",
)  # fmt: skip
_NEGATIVE: Final = (
    "angry", "furious", "unacceptable", "ridiculous", "terrible", "awful", "worst", "disgusting", "useless", "scam",
    "disappointed", "frustrated", "frustrating", "fed up", "not happy", "unhappy", "sick of", "waste of time",
    "nobody answers", "no one answers", "still waiting", "third time", "cancel my account", "switch to a competitor",
    "wütend", "unverschämt", "inakzeptabel", "katastrophe", "enttäuscht", "frustriert", "nicht zufrieden", "frechheit",
    "unzufrieden", "schrecklich", "immer noch nicht", "zum dritten mal", "es reicht",
    "inacceptable", "scandaleux", "déçu", "déçue", "mécontent", "mécontente", "furieux", "furieuse", "honteux",
    "ras le bol", "toujours pas", "inadmissible", "pas content",
    "inaceptable", "enfadado", "enfadada", "decepcionado", "decepcionada", "vergüenza", "pésimo", "horrible",
    "harto", "harta", "indignado", "todavía no",
    "😡", "🤬", "😠", "👎",
)  # fmt: skip
_POSITIVE: Final = (
    "thank you so much", "thanks a lot", "excellent", "awesome", "amazing", "love it", "love your",
    "perfect", "wonderful", "very happy", "well done",
    "vielen dank", "herzlichen dank", "großartig", "ausgezeichnet", "sehr zufrieden", "wunderbar", "klasse",
    "merci beaucoup", "génial", "parfait", "très satisfait", "formidable", "bravo", "excellente",
    "muchas gracias", "genial", "excelente", "perfecto", "muy contento", "muy contenta", "estupendo", "maravilloso",
    "😀", "😊", "❤️", "👍", "🎉",
)  # fmt: skip
_HUMAN: Final = (
    "speak to a human", "talk to a human", "speak with a human", "talk to a person", "speak to a person",
    "real person", "real human", "human agent", "speak to someone", "talk to someone", "speak to a manager",
    "talk to a manager", "speak to your manager", "call me", "not a bot",
    "mit einem menschen sprechen", "echten menschen", "mit jemandem sprechen", "ihren vorgesetzten",
    "mit einem mitarbeiter sprechen", "rufen sie mich an", "kein bot",
    "parler à un humain", "parler à une personne", "parler à quelqu'un", "vraie personne", "un conseiller",
    "un responsable", "appelez moi", "rappelez moi",
    "hablar con una persona", "hablar con un humano", "hablar con alguien", "persona real", "un agente humano",
    "un supervisor", "llámenme",
)  # fmt: skip


def _compiled(words: tuple[str, ...]) -> tuple[Phrase, ...]:
    return tuple(map(Phrase, words))


_URGENCY: Final = tuple(
    (level, _compiled(words)) for level, words in (("critical", _CRITICAL), ("low", _LOW), ("high", _HIGH))
)
"""Looked at in this order: `not urgent` has `urgent` in it, and an outage is one however politely it is told."""

_BAD, _GOOD, _PERSON = _compiled(_NEGATIVE), _compiled(_POSITIVE), _compiled(_HUMAN)


def urgency(text: Text) -> Finding | None:
    """low, normal, high or critical with the words that say so; None for a text without a word."""
    for level, phrases in _URGENCY:
        because = found(phrases, text)
        if because:
            return Finding(level, _confidence(len(because)), because)
    return _nothing_said("normal", text)


def sentiment(text: Text) -> Finding | None:
    """negative, neutral or positive with the words that say so; None for a text without a word.

    The side with more words wins; as many of both is neutral.
    """
    bad, good = found(_BAD, text), found(_GOOD, text)
    if len(bad) == len(good):
        return _nothing_said("neutral", text)
    value, because = ("negative", bad) if len(bad) > len(good) else ("positive", good)
    return Finding(value, _confidence(abs(len(bad) - len(good))), because)


def asks_for_human(text: Text) -> tuple[str, ...]:
    """The words with which the requester asks for a person, none where they do not."""
    return found(_PERSON, text)


def _confidence(words: int) -> float:
    """0.7 for one word, 0.8 for two, 0.9 for more: an order, not a measured frequency."""
    return round(0.6 + 0.1 * min(words, 3), 1)


def _nothing_said(value: str, text: Text) -> Finding | None:
    return Finding(value, 0.6) if text.words.strip() else None
