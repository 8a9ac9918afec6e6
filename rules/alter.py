"""A case with one of its values other than it is: what an explanation supposes, key by key of the conditions."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from bridge.model import (
    Actor,
    ActorKind,
    Attachment,
    Case,
    Channel,
    Entity,
    EventKind,
    Fact,
    Finding,
    Message,
    Organisation,
    Priority,
    Requester,
    Standing,
    Status,
    Ticket,
    Visibility,
)
from bridge.triage import Phrase, Text
from rules.operators import PREFIXES, own_name
from rules.view import View, kind_of

SAMPLES: Final[Mapping[str, str]] = {
    "image": "a.png",
    "video": "a.mp4",
    "audio": "a.mp3",
    "pdf": "a.pdf",
    "text": "a.txt",
    "archive": "a.zip",
    "other": "a.bin",
}
"""A file of each kind."""

ASKING: Final = "speak to a human"
"""Words that ask for a person."""


def altered(view: View, key: str, value: Any) -> Case | None:
    """The case with another value of `key`, in the policy's words; None where such a ticket cannot be made up.

    Of a finding `value` is a Finding or None, of a set a frozenset, of `text` and `subject` the whole text, of
    `within` the time, of a duration a timedelta; None stands for the unknown.
    """
    prefix = next((one for one in PREFIXES if key.startswith(f"{one}.")), None)
    if prefix is not None:
        return _OWN[prefix](view, own_name(key), value)
    return _KEYS[key](view, value) if key in _KEYS else None


def with_words(text: str, added: frozenset[tuple[str, ...]], removed: frozenset[tuple[str, ...]]) -> str:
    """A text that has the phrases `added` and none of the phrases `removed`, all given by their words."""
    for phrase in removed:
        text = _without(text, phrase)
    return " … ".join(filter(None, (text, *(" ".join(phrase) for phrase in sorted(added)))))


def _without(text: str, phrase: tuple[str, ...]) -> str:
    """A text with its words folded and the phrase taken out of them."""
    needle = Phrase(" ".join(phrase)).needle
    words = Text(text).words
    while needle in words:
        words = words.replace(needle, " … ")
    return words.strip()


Setter = Callable[[View, Any], Case]


def _of_ticket(name: str, kind: Callable[[Any], Any] | None = None) -> Setter:
    def put(view: View, value: Any) -> Case:
        found = kind(value) if kind is not None and value is not None else value
        return _with(view, **{name: found})

    return put


def _with(view: View, **changes: Any) -> Case:
    return replace(view.case, ticket=replace(view.case.ticket, **changes))


def _of_standing(name: str) -> Setter:
    return lambda view, value: replace(view.case, standing=replace(view.case.standing, **{name: value}))


def _of_triage(name: str) -> Setter:
    def put(view: View, value: Finding | None) -> Case:
        told = None if name == "automatic" and value is not None and value.value == "none" else value
        changes: dict[str, Any] = {name: told}
        return replace(view.case, triage=replace(view.case.triage, **changes))

    return put


def _of_requester(name: str) -> Setter:
    return lambda view, value: _with(view, requester=replace(_requester(view), **{name: value}))


def _of_organisation(name: str) -> Setter:
    return lambda view, value: _in_organisation(view, **{name: value})


def _in_organisation(view: View, **changes: Any) -> Case:
    requester = _requester(view)
    there = requester.organisation or Organisation("")
    return _with(view, requester=replace(requester, organisation=replace(there, **changes)))


def _requester(view: View) -> Requester:
    return view.case.ticket.requester or Requester("")


def _domain(view: View, value: str | None) -> Case:
    local = (_requester(view).email or "someone").partition("@")[0]
    return _with(view, requester=replace(_requester(view), email=value and f"{local}@{value}"))


def _fact(view: View, name: str, value: Any) -> Case:
    return replace(view.case, facts={**view.case.facts, name: Fact(name, value, "supposed", view.case.now)})


def _of_facts(name: str) -> Setter:
    return lambda view, value: _fact(view, name, value)


def _field(view: View, name: str, value: Any) -> Case:
    return _with(view, fields={**view.case.ticket.fields, view.bound_fields.get(name, name): value})


def _requester_field(view: View, name: str, value: Any) -> Case:
    requester = _requester(view)
    return _with(view, requester=replace(requester, fields={**requester.fields, name: value}))


def _organisation_field(view: View, name: str, value: Any) -> Case:
    there = _requester(view).organisation
    return _in_organisation(view, fields={**(there.fields if there else {}), name: value})


def _tags(view: View, value: frozenset[str]) -> Case:
    return _with(view, tags=_at_the_desk(view, value))


def _previous_tags(view: View, value: frozenset[str]) -> Case:
    standing: Standing = replace(view.case.standing, previous_tags=_at_the_desk(view, value))
    return replace(view.case, standing=standing)


def _at_the_desk(view: View, tags: frozenset[str]) -> frozenset[str]:
    return frozenset(view.bound_tags.get(tag, tag) for tag in tags)


def _attachments(view: View, kinds: frozenset[str]) -> Case | None:
    """Files of other kinds are taken off, of a kind that lacks one is put on the requester's last message."""
    kept = [
        replace(one, attachments=tuple(file for file in one.attachments if kind_of(file) in kinds))
        for one in view.case.ticket.messages
    ]
    asking = [number for number, one in enumerate(kept) if _is_public(one, ActorKind.REQUESTER)]
    if not asking:
        return None
    put = tuple(Attachment(SAMPLES[kind]) for kind in sorted(kinds - view.kinds))
    kept[asking[-1]] = replace(kept[asking[-1]], attachments=kept[asking[-1]].attachments + put)
    return _with(view, messages=tuple(kept))


def _count(kind: ActorKind) -> Callable[[View, Any], Case | None]:
    """So many public messages of a kind: the oldest are left out, or new ones put before all others."""

    def put(view: View, count: Any) -> Case | None:
        if not isinstance(count, int) or not 0 <= count <= _MESSAGES_MAX:
            return None
        own = [one for one in view.case.ticket.messages if _is_public(one, kind)]
        dropped = {id(one) for one in own[: max(len(own) - count, 0)]}
        new = (Message(f"supposed {number}", Actor(kind), Visibility.PUBLIC, "") for number in range(count - len(own)))
        kept = (one for one in view.case.ticket.messages if id(one) not in dropped)
        return _with(view, messages=(*new, *kept))

    return put


_MESSAGES_MAX: Final = 1_000


def _is_public(message: Message, kind: ActorKind) -> bool:
    return message.visibility is Visibility.PUBLIC and message.author.kind is kind


def _since(name: str) -> Setter:
    return lambda view, span: _with(view, **{name: None if span is None else view.case.now - span})


def _waiting(view: View, span: timedelta | None) -> Case | None:
    """The first message that nobody answered, and those after it where they would stand before it, moved in time."""
    first = view.waiting_since
    if first is None or span is None:
        return None
    moved = view.case.now - span

    def at(message: Message) -> datetime | None:
        if message.created_at is None or message.created_at < first:
            return message.created_at
        return moved if message.created_at == first else max(message.created_at, moved)

    return _with(view, messages=tuple(replace(one, created_at=at(one)) for one in view.case.ticket.messages))


def _now(view: View, now: datetime) -> Case:
    return replace(view.case, now=now)


def _text(view: View, text: str) -> Case:
    return replace(view.case, text=text)


def _subject(view: View, subject: str) -> Case:
    ticket: Ticket = view.case.ticket
    rest = view.case.text.removeprefix(ticket.subject)
    return replace(view.case, ticket=replace(ticket, subject=subject), text=subject + rest)


def _human(view: View, wanted: bool) -> Case:
    asked = frozenset(Phrase(one).tokens for one in view.human)
    put = frozenset({Phrase(ASKING).tokens}) if wanted else frozenset()
    return _text(view, with_words(view.case.text, put, asked))


def _signals(view: View, names: frozenset[str]) -> Case:
    there = [one for one in view.case.triage.signals if one.value in names]
    new = (Finding(name, 1.0) for name in sorted(names - {one.value for one in there}))
    return replace(view.case, triage=replace(view.case.triage, signals=(*there, *new)))


def _entities(view: View, names: frozenset[str]) -> Case:
    there = [one for one in view.case.triage.entities if one.name in names]
    new = (Entity(name, "", 1.0) for name in sorted(names - {one.name for one in there}))
    return replace(view.case, triage=replace(view.case.triage, entities=(*there, *new)))


_FACTS: Final = (
    "requester.tier",
    "requester.plan",
    "requester.account_owner",
    "contacts_24h",
    "previous_tickets",
    "open_tickets",
    "last_agent",
)
_KEYS: Final[Mapping[str, Callable[[View, Any], Case | None]]] = {
    "event": lambda view, value: replace(view.case, event=EventKind(value)),
    "status": _of_ticket("status", Status),
    "priority": _of_ticket("priority", Priority),
    "channel": _of_ticket("channel", Channel),
    "desk.status": _of_ticket("status_raw"),
    "desk.priority": _of_ticket("priority_raw"),
    "desk.channel": _of_ticket("channel_raw"),
    "type": _of_ticket("type"),
    "assignee": _of_standing("assignee"),
    "team": _of_standing("team"),
    "previous_assignees": _of_standing("previous_assignees"),
    "tags": _tags,
    "previous_tags": _previous_tags,
    "attachments": _attachments,
    "messages.requester": _count(ActorKind.REQUESTER),
    "messages.agent": _count(ActorKind.AGENT),
    "within": _now,
    "age": _since("created_at"),
    "idle": _since("updated_at"),
    "waiting": _waiting,
    "subject": _subject,
    "text": _text,
    **{name: _of_triage(name) for name in ("intent", "urgency", "sentiment", "language", "automatic")},
    "asks_for_human": _human,
    "signals": _signals,
    "entities": _entities,
    **{f"requester.{name}": _of_requester(name) for name in ("name", "email", "locale", "external_id")},
    "requester.domain": _domain,
    "requester.organisation": _of_organisation("name"),
    "organisation.tags": lambda view, value: _in_organisation(view, tags=tuple(sorted(value))),
    **{name: _of_facts(name) for name in _FACTS},
}
"""How the value of each plain key is changed; the desk is none of them, at another desk a ticket is another."""

_OWN: Final[Mapping[str, Callable[[View, str, Any], Case]]] = {
    "field": _field,
    "fact": _fact,
    "requester.field": _requester_field,
    "organisation.field": _organisation_field,
}
"""The same for keys of a team's own making."""
