"""Whether a machine wrote the message: an auto-reply, a bounce, advertising, or the same words again and again."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from bridge.model import ActorKind, Finding, Ticket
from bridge.triage.words import Phrase, Text, found

AUTO_REPLY: Final = "auto_reply"
BOUNCE: Final = "bounce"
SPAM: Final = "spam"
LOOP: Final = "loop"

_BY_HEADER: Final = 0.99
_BY_SUBJECT: Final = 0.95
_BY_BODY: Final = 0.85

_OPENING: Final = 300
"""Characters at the start of a message in which an auto-reply says what it is; further down people talk of one."""

_MAILERS: Final = ("mailer-daemon", "postmaster", "mail-daemon")

_ANSWERING_HEADERS: Final = ("x-autoreply", "x-autorespond", "x-auto-reply")
"""What vacation programs set before and beside RFC 3834's Auto-Submitted."""

# English, German, French, Spanish, Italian, Portuguese, Dutch, Japanese
_REPLY_SUBJECTS: Final = (
    "automatic reply", "auto reply", "autoreply", "out of office", "out of the office",
    "automatische antwort", "abwesenheitsnotiz", "abwesend", "abwesenheit",
    "réponse automatique", "absence du bureau", "absent du bureau", "message d'absence",
    "respuesta automática", "fuera de la oficina",
    "risposta automatica", "fuori ufficio",
    "resposta automática", "fora do escritório", "ausência temporária",
    "automatisch antwoord", "afwezigheidsbericht", "afwezig",
    "自動応答", "自動返信", "不在通知",
)  # fmt: skip
_REPLY_OPENINGS: Final = (
    "i am out of the office", "i'm out of the office", "i am currently out of the office", "i am on vacation",
    "i am currently on leave", "this is an automated response", "this is an automatic reply",
    "currently out of the office",
    "i am on annual leave", "i'm away from my desk", "i am away from my desk", "this mailbox is automated",
    "this mailbox is not monitored", "limited access to e mail", "limited access to email",
    "this is an automated message",
    "i am on parental leave", "we have received your message and will get back", "i will be out of the office",
    "ich bin nicht im büro", "ich bin derzeit nicht im büro", "bin ich nicht im büro", "ich bin im urlaub",
    "nicht im hause", "derzeit im urlaub", "derzeit abwesend", "zurzeit abwesend", "wird nicht weitergeleitet",
    "dies ist eine automatische antwort", "dies ist eine automatische nachricht", "bin ich nicht erreichbar",
    "je suis absent du bureau", "je suis absente du bureau", "je suis en congé", "je suis en congés",
    "je suis actuellement absent", "je suis actuellement absente", "actuellement absent", "actuellement absente",
    "ceci est une réponse automatique", "ceci est un message automatique",
    "estoy fuera de la oficina", "me encuentro fuera de la oficina", "esta es una respuesta automática",
    "estoy de vacaciones hasta", "este es un mensaje automático",
    "sono fuori ufficio", "sono in ferie fino", "al momento sono assente", "questa è una risposta automatica",
    "estou fora do escritório", "estou ausente do escritório", "estou de férias até", "estarei de férias até",
    "esta é uma resposta automática", "esta é uma mensagem automática",
    "ik ben niet op kantoor", "ben ik afwezig", "ik ben met vakantie tot", "ik ben afwezig tot",
    "dit is een automatisch antwoord",
    "不在にしております", "休暇をいただいております", "自動返信です", "自動送信されています",
)  # fmt: skip
_BOUNCE_SUBJECTS: Final = (
    "undelivered mail returned to sender", "undeliverable", "delivery status notification", "mail delivery failed",
    "mail delivery failure", "failure notice", "returned mail", "mail delivery subsystem", "message not delivered",
    "unzustellbar", "nicht zugestellt", "non remis", "échec de la remise", "échec de remise",
    "no se puede entregar", "no entregado", "mancata consegna", "non recapitabile", "não entregue",
    "não foi possível entregar",
    "niet bezorgd", "niet bestelbaar", "配信不能", "配信できません",
)  # fmt: skip
_ADVERTISING: Final = (
    "seo services", "seo service", "seo optimierung", "backlinks", "guest post", "link building", "da 60",
    "price list",
    "first page of google", "seite 1 bei google", "rank on google", "increase your traffic", "boost your ranking",
    "lottery winner", "claim your prize", "you have been selected", "inheritance", "beneficiary", "million dollars",
    "bank details", "guaranteed returns", "bitcoin investment", "double your money", "join our telegram",
    "casino bonus",
    "online casino", "viagra", "cheap pills", "work from home", "earn money online", "business proposal",
    "adult dating",
    "festpreis", "schnelles geld", "gewinnspiel gewonnen", "erbschaft", "millionen dollar",
    "référencement naturel", "première page de google", "gagnez de l'argent", "héritage",
    "posicionamiento web", "primera página de google", "gane dinero", "herencia",
    "prima pagina di google", "guadagna online", "eredità", "primeira página do google", "ganhe dinheiro", "herança",
    "eerste pagina van google", "verdien geld", "erfenis", "副業で稼ぐ", "必ず儲かる", "当選しました",
)  # fmt: skip

_SUBJECT_SIGNS: Final = (
    (BOUNCE, tuple(map(Phrase, _BOUNCE_SUBJECTS))),
    (AUTO_REPLY, tuple(map(Phrase, _REPLY_SUBJECTS))),
)
_BODY_SIGNS: Final = tuple(map(Phrase, _REPLY_OPENINGS))
_SPAM_SIGNS: Final = tuple(map(Phrase, _ADVERTISING))

_SPAM_ENOUGH: Final = 2
"""Phrases of advertising that make it so; one alone a customer may use, unless links go with it."""

_LOOP_ENOUGH: Final = 3
"""How often the same words come from the requester's side before a machine must be at it."""


def automatic(ticket: Ticket, body: str) -> Finding | None:
    """auto_reply, bounce, loop or spam with the sign that says so, None for what a person wrote.

    `body` is the newest message. Mail headers count most (RFC 3834), where the desk puts them into the ticket's fields;
    then the sender, the subject, the opening of the body, and words that come again unchanged.
    """
    return (
        _by_headers(ticket.fields)
        or _by_sender(ticket)
        or _by_words(ticket.subject, body)
        or _by_repetition(ticket)
        or _by_advertising(Text(f"{ticket.subject}\n{body}"))
    )


def _by_headers(fields: Mapping[str, object]) -> Finding | None:
    headers = {name.casefold(): str(value).strip().casefold() for name, value in fields.items()}
    if headers.get("content-type", "").startswith("multipart/report") or headers.get("return-path") == "<>":
        return Finding(BOUNCE, _BY_HEADER, ("multipart/report or an empty return path",))
    submitted = headers.get("auto-submitted", "no")
    if submitted.split(";")[0].strip() not in {"no", "", "none"}:
        return Finding(AUTO_REPLY, _BY_HEADER, (f"auto-submitted: {submitted[:40]}",))
    if headers.get("precedence") in {"auto_reply", "auto-reply"}:
        return Finding(AUTO_REPLY, _BY_HEADER, ("precedence: auto_reply",))
    if headers.get("x-loop"):
        return Finding(LOOP, _BY_HEADER, ("x-loop",))
    if headers.get("x-spam-flag") == "yes":
        return Finding(SPAM, _BY_HEADER, ("x-spam-flag: yes",))
    return next((Finding(AUTO_REPLY, _BY_HEADER, (sign,)) for sign in _ANSWERING_HEADERS if headers.get(sign)), None)


def _by_sender(ticket: Ticket) -> Finding | None:
    email = (ticket.requester and ticket.requester.email) or ""
    mailer = email.partition("@")[0].casefold()
    return Finding(BOUNCE, _BY_HEADER, (mailer,)) if mailer in _MAILERS else None


def _by_words(subject: str, body: str) -> Finding | None:
    heading = Text(_HEADING_ENDS.split(subject, maxsplit=1)[0])
    for value, phrases in _SUBJECT_SIGNS:
        because = tuple(phrase.written for phrase in phrases if _heads(phrase, heading))
        if because:
            return Finding(value, _BY_SUBJECT, because)
    because = found(_BODY_SIGNS, Text(body[:_OPENING]))
    return Finding(AUTO_REPLY, _BY_BODY, because) if because else None


_HEADING_ENDS: Final = re.compile(r"[:\uff1a(\[!]| - ")


def _heads(phrase: Phrase, heading: Text) -> bool:
    """True where the heading is the phrase, or begins with one so long that nobody writes it by chance."""
    return phrase.starts(heading) and (phrase.size >= _BY_NO_CHANCE or len(heading.words.split()) == phrase.size)


_BY_NO_CHANCE: Final = 3
"""Words."""


def _by_repetition(ticket: Ticket) -> Finding | None:
    """A loop where the requester's side has sent the same words several times: people write them anew."""
    said = _texts(ticket)
    if not said:
        return None
    _, times = Counter(said).most_common(1)[0]
    return Finding(LOOP, _BY_BODY, (f"the same words {times} times",)) if times >= _LOOP_ENOUGH else None


def _texts(ticket: Ticket) -> list[str]:
    theirs: Iterable[str] = (m.text for m in ticket.messages if m.author.kind is ActorKind.REQUESTER)
    return [" ".join(text.split()) for text in theirs if len(text) > _SHORT]


_SHORT: Final = 40
"""Characters up to which people do write the same again: `thanks`, `any news?`."""


def _by_advertising(text: Text) -> Finding | None:
    because = found(_SPAM_SIGNS, text)
    links = text.raw.count("http://") + text.raw.count("https://")
    if len(because) + min(links, 1) < _SPAM_ENOUGH or not because:
        return None
    return Finding(SPAM, _BY_BODY, because)
