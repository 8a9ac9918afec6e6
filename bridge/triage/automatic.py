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
    "automatic reply", "auto reply", "autoreply", "out of office", "out of the office", "vacation reply",
    "read receipt", "lesebestätigung", "accusé de lecture", "confirmación de lectura", "conferma di lettura",
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
    "i will be away from the office", "i will be away from my desk",
    "for urgent matters please contact",
    "this is an automated confirmation", "this is an automatically generated",
    "we have received your request and will",
    "i am on parental leave", "we have received your message and will get back", "i will be out of the office",
    "ich bin nicht im büro", "ich bin derzeit nicht im büro", "bin ich nicht im büro", "ich bin im urlaub",
    "nicht im hause", "derzeit im urlaub", "derzeit abwesend", "zurzeit abwesend", "wird nicht weitergeleitet",
    "in dringenden fällen wenden sie sich", "in dringenden fällen erreichen sie", "nachricht wird nicht gelesen",
    "dies ist eine automatisch generierte", "diese nachricht wurde automatisch", "diese e mail wurde automatisch",
    "wieder im büro bin ich", "wieder erreichbar bin ich",
    "dies ist eine automatische antwort", "dies ist eine automatische nachricht", "bin ich nicht erreichbar",
    "je suis absent du bureau", "je suis absente du bureau", "je suis en congé", "je suis en congés",
    "je suis actuellement absent", "je suis actuellement absente", "actuellement absent", "actuellement absente",
    "je suis absent jusqu", "je suis absente jusqu", "je serai absent du", "je serai absente du",
    "pour toute urgence", "a été généré automatiquement", "ceci est une réponse automatique",
    "ceci est un message automatique",
    "estoy fuera de la oficina", "me encuentro fuera de la oficina", "esta es una respuesta automática",
    "estaré fuera de la oficina", "estaré ausente hasta", "en caso de urgencia contacte",
    "generado automáticamente",
    "estoy de vacaciones hasta", "este es un mensaje automático",
    "sono assente dall'ufficio", "sarò assente dall'ufficio", "sarò fuori ufficio",
    "generato automaticamente",
    "sono fuori ufficio", "sono in ferie fino", "al momento sono assente", "questa è una risposta automatica",
    "estarei fora do escritório", "estarei ausente até", "gerada automaticamente", "gerado automaticamente",
    "estou fora do escritório", "estou ausente do escritório", "estou de férias até", "estarei de férias até",
    "esta é uma resposta automática", "esta é uma mensagem automática",
    "ik ben niet op kantoor", "ben ik afwezig", "ik ben met vakantie tot", "ik ben afwezig tot",
    "dit is een automatisch antwoord", "automatisch gegenereerd",
    "met dringende vragen kunt u", "bij dringende vragen kunt u",
    "voor dringende zaken kunt u",
    "このメールは自動", "休暇中のため", "不在にしております", "休暇をいただいております",
    "自動返信です", "自動送信されています",
)  # fmt: skip
_BOUNCE_SUBJECTS: Final = (
    "undelivered mail returned to sender", "undeliverable", "delivery status notification", "mail delivery failed",
    "mail delivery failure", "failure notice", "returned mail", "mail delivery subsystem", "message not delivered",
    "unzustellbar", "nicht zugestellt", "non remis", "échec de la remise", "échec de remise",
    "no se puede entregar", "no entregado", "mancata consegna", "non recapitabile", "não entregue",
    "não foi possível entregar",
    "niet bezorgd", "niet bestelbaar", "onbestelbaar", "配信不能", "配信できません",
)  # fmt: skip
_BOUNCE_OPENINGS: Final = (
    "this is the mail system at host", "could not be delivered to one or more recipients",
    "delivery to the following recipient failed", "delivery to the following recipients failed",
    "konnte nicht an einen oder mehrere empfänger", "n'a pas pu être remis aux destinataires",
)  # fmt: skip
_MENTIONED: Final = (
    "bank details", "inheritance", "beneficiary", "million dollars", "work from home", "guest post",
    "business proposal", "backlinks", "da 60", "festpreis", "erbschaft", "millionen dollar", "héritage", "herencia",
    "eredità", "herança", "erfenis",
)  # fmt: skip
"""What honest customers mention too, with a link below their name, which therefore makes it no surer."""

_ADVERTISING: Final = (
    "seo services", "seo service", "seo optimierung", "link building",
    "first page of google", "seite 1 bei google", "rank on google", "increase your traffic", "boost your ranking",
    "lottery winner", "claim your prize", "you have been selected",
    "guaranteed returns", "bitcoin investment", "double your money", "join our telegram",
    "casino bonus",
    "online casino", "viagra", "cheap pills", "earn money online",
    "adult dating",
    "schnelles geld", "gewinnspiel gewonnen",
    "référencement naturel", "première page de google", "gagnez de l'argent",
    "posicionamiento web", "primera página de google", "gane dinero",
    "prima pagina di google", "guadagna online", "primeira página do google", "ganhe dinheiro",
    "eerste pagina van google", "verdien geld", "副業で稼ぐ", "必ず儲かる", "当選しました",
)  # fmt: skip

_SUBJECT_SIGNS: Final = (
    (BOUNCE, tuple(map(Phrase, _BOUNCE_SUBJECTS))),
    (AUTO_REPLY, tuple(map(Phrase, _REPLY_SUBJECTS))),
)
_BODY_SIGNS: Final = (
    (BOUNCE, tuple(map(Phrase, _BOUNCE_OPENINGS))),
    (AUTO_REPLY, tuple(map(Phrase, _REPLY_OPENINGS))),
)
_SPAM_SIGNS: Final = tuple(map(Phrase, _ADVERTISING))
_FAINT_SIGNS: Final = tuple(map(Phrase, _MENTIONED))

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
    heading, opening = Text(_HEADING_ENDS.split(subject.lstrip(" [(*"), maxsplit=1)[0]), Text(body[:_OPENING])
    for value, phrases in _SUBJECT_SIGNS:
        because = tuple(phrase.written for phrase in phrases if _heads(phrase, heading))
        if because:
            return Finding(value, _BY_SUBJECT, because)
    said = ((value, found(phrases, opening)) for value, phrases in _BODY_SIGNS)
    return next((Finding(value, _BY_BODY, because) for value, because in said if because), None)


_HEADING_ENDS: Final = re.compile(r"[:\uff1a(\[\]!]| - ")
_ANSWERED: Final = frozenset(("re", "aw", "fw", "fwd", "wg", "tr", "rv", "sv", "res", "antw", "ri"))
"""What stands before the subject of a mail that is answered or passed on."""

_GOES_ON: Final = _ANSWERED.union(
    ("until", "till", "from", "to", "for", "notification", "message", "returning", "failure"),
    ("bis", "vom", "von", "jusqu", "du", "hasta", "desde", "del", "fino", "dal", "até", "de", "tot", "van"),
)
"""How a machine's heading goes on: with a time, a name or what kind of message it is."""


def _heads(phrase: Phrase, heading: Text) -> bool:
    """True where the heading is the phrase, or goes on as only machines do."""
    rest = heading.tokens[phrase.size :]
    likely = _GOES_ON if phrase.size > 1 else _ANSWERED
    return phrase.starts(heading) and (not rest or rest[0] in likely)


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
    because, faint = found(_SPAM_SIGNS, text), found(_FAINT_SIGNS, text)
    linked = bool(because) and ("http://" in text.raw or "https://" in text.raw)
    if len(because) + len(faint) + linked < _SPAM_ENOUGH:
        return None
    return Finding(SPAM, _BY_BODY, because + faint)
