"""Whether a machine wrote the message: an auto-reply, an out-of-office note or a bounce."""

from collections.abc import Mapping
from typing import Final

from bridge.model import Finding, Ticket
from bridge.triage.words import Phrase, Text, found

AUTO_REPLY: Final = "auto_reply"
BOUNCE: Final = "bounce"

_BY_HEADER: Final = 0.99
_BY_SUBJECT: Final = 0.95
_BY_BODY: Final = 0.85

_OPENING: Final = 300
"""Characters at the start of a message in which an auto-reply says what it is; further down people talk of one."""

_MAILERS: Final = ("mailer-daemon", "postmaster", "mail-daemon")

# English, German, French, Spanish, Italian, Portuguese, Dutch, Japanese
_REPLY_SUBJECTS: Final = (
    "automatic reply", "auto reply", "autoreply", "out of office", "out of the office",
    "automatische antwort", "abwesenheitsnotiz", "abwesend",
    "réponse automatique", "absence du bureau",
    "respuesta automática", "fuera de la oficina",
    "risposta automatica", "fuori ufficio",
    "resposta automática", "fora do escritório",
    "automatisch antwoord", "afwezigheidsbericht",
    "自動応答", "自動返信", "不在通知",
)  # fmt: skip
_REPLY_OPENINGS: Final = (
    "i am out of the office", "i'm out of the office", "i am currently out of the office", "i am on vacation",
    "i am currently on leave", "this is an automated response", "this is an automatic reply",
    "ich bin nicht im büro", "ich bin derzeit nicht im büro", "ich bin im urlaub", "bin ich nicht im büro",
    "dies ist eine automatische antwort",
    "je suis absent du bureau", "je suis absente du bureau", "je suis en congé", "je suis actuellement absent",
    "ceci est une réponse automatique",
    "estoy fuera de la oficina", "me encuentro fuera de la oficina", "esta es una respuesta automática",
    "sono fuori ufficio", "estou fora do escritório", "ik ben niet op kantoor", "不在にしております",
)  # fmt: skip
_BOUNCE_SUBJECTS: Final = (
    "undelivered mail returned to sender", "undeliverable", "delivery status notification", "mail delivery failed",
    "mail delivery failure", "failure notice", "returned mail",
    "unzustellbar", "nicht zugestellt", "non remis", "échec de la remise",
    "no se puede entregar", "no entregado", "mancata consegna", "não entregue", "niet bezorgd", "配信不能",
)  # fmt: skip

_SUBJECT_SIGNS: Final = (
    (BOUNCE, tuple(map(Phrase, _BOUNCE_SUBJECTS))),
    (AUTO_REPLY, tuple(map(Phrase, _REPLY_SUBJECTS))),
)
_BODY_SIGNS: Final = tuple(map(Phrase, _REPLY_OPENINGS))


def automatic(ticket: Ticket, body: str) -> Finding | None:
    """auto_reply or bounce with the sign that says so, None for what a person wrote; `body` is the newest message.

    Mail headers count most (RFC 3834), where the desk puts them into the ticket's fields; then the sender, the subject,
    and the opening of the body.
    """
    return _by_headers(ticket.fields) or _by_sender(ticket) or _by_words(ticket.subject, body)


def _by_headers(fields: Mapping[str, object]) -> Finding | None:
    headers = {name.casefold(): str(value).strip().casefold() for name, value in fields.items()}
    if headers.get("content-type", "").startswith("multipart/report") or headers.get("return-path") == "<>":
        return Finding(BOUNCE, _BY_HEADER, ("multipart/report or an empty return path",))
    if headers.get("auto-submitted", "no").split(";")[0].strip() not in {"no", "", "none"}:
        return Finding(AUTO_REPLY, _BY_HEADER, (f"auto-submitted: {headers['auto-submitted'][:40]}",))
    signs = ("x-autoreply", "x-autorespond", "x-auto-reply")
    return next((Finding(AUTO_REPLY, _BY_HEADER, (sign,)) for sign in signs if headers.get(sign)), None)


def _by_sender(ticket: Ticket) -> Finding | None:
    email = (ticket.requester and ticket.requester.email) or ""
    mailer = email.partition("@")[0].casefold()
    return Finding(BOUNCE, _BY_HEADER, (mailer,)) if mailer in _MAILERS else None


def _by_words(subject: str, body: str) -> Finding | None:
    heading = Text(subject)
    for value, phrases in _SUBJECT_SIGNS:
        because = tuple(phrase.written for phrase in phrases if phrase.starts(heading))
        if because:
            return Finding(value, _BY_SUBJECT, because)
    because = found(_BODY_SIGNS, Text(body[:_OPENING]))
    return Finding(AUTO_REPLY, _BY_BODY, because) if because else None
