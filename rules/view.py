"""What conditions read of a case: every source of a value, and how an explanation shows what it gave."""

import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from bridge.calendars import Calendar
from bridge.model import ActorKind, Attachment, Case, Finding, Message, Visibility
from bridge.triage import Lexicon, Text, asks_for_human
from rules.operators import Urgency, duration_words


@dataclass(frozen=True)
class View:
    """A case as conditions read it; what takes work is done once, when first asked for.

    `bound_tags` and `bound_fields` map the policy's names to the desk's. `lexicon` has all words that the policy looks
    for. `answers` are those given already, by the identity of what was asked.
    """

    case: Case
    calendars: Mapping[str, Calendar]
    lexicon: Lexicon
    bound_tags: Mapping[str, str]
    bound_fields: Mapping[str, str]
    answers: dict[int, bool | None] = field(default_factory=dict)

    @cached_property
    def text(self) -> Text:
        """The subject and the requester's new words."""
        return Text(self.case.text)

    @cached_property
    def subject(self) -> Text:
        """The subject."""
        return Text(self.case.ticket.subject)

    @cached_property
    def text_utf8(self) -> bytes:
        """The text as patterns read it."""
        return self.text.raw.encode()

    @cached_property
    def subject_utf8(self) -> bytes:
        """The subject as patterns read it."""
        return self.subject.raw.encode()

    @cached_property
    def text_phrases(self) -> frozenset[tuple[str, ...]]:
        """The policy's words and phrases that the text has."""
        return self.lexicon.find(self.text)

    @cached_property
    def subject_phrases(self) -> frozenset[tuple[str, ...]]:
        """The policy's words and phrases that the subject has."""
        return self.lexicon.find(self.subject)

    @cached_property
    def human(self) -> tuple[str, ...]:
        """The words that ask for a person."""
        return asks_for_human(self.text)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of files that the requester attached where everybody sees them."""
        return frozenset(kind_of(file) for message in self.said_by(ActorKind.REQUESTER) for file in message.attachments)

    def said_by(self, kind: ActorKind) -> list[Message]:
        """The public messages of the requester or of agents, oldest first."""
        return [
            message
            for message in self.case.ticket.messages
            if message.visibility is Visibility.PUBLIC and message.author.kind is kind
        ]

    def in_policy_words(self, tags: frozenset[str]) -> frozenset[str]:
        """Tags by the policy's names, where it has one for them."""
        if not self.bound_tags:
            return tags
        theirs = {desk: own for own, desk in self.bound_tags.items()}
        return frozenset(theirs.get(tag, tag) for tag in tags - (self.bound_tags.keys() - theirs.keys()))

    def since(self, start: datetime | None, calendar: str | None) -> timedelta | None:
        """How long ago something was, in the open hours of a calendar where one is named; None where it never was."""
        if start is None:
            return None
        past = max(self.case.now - start, timedelta())
        return past if calendar is None else self.calendars[calendar].between(self.case.now - past, self.case.now)

    @cached_property
    def waiting_since(self) -> datetime | None:
        """When the requester began to wait for an answer; None where nobody waits."""
        return self.case.ticket.waiting_since


_TYPES: Final = mimetypes.MimeTypes()
"""Python's own table; the module's functions would read the machine's files and differ from host to host."""

_KINDS: Final[Mapping[str, str]] = {
    "application/pdf": "pdf",
    "application/zip": "archive",
    "application/x-tar": "archive",
    "application/gzip": "archive",
    "application/x-7z-compressed": "archive",
}


def kind_of(attachment: Attachment) -> str:
    """image, video, audio, pdf, text, archive or other, by the type that the desk gives, else by the name."""
    given = (attachment.content_type or "").partition(";")[0].strip().casefold()
    if given in {"", "application/octet-stream"}:
        given = _TYPES.guess_type(attachment.name)[0] or ""
    family = given.partition("/")[0]
    return _KINDS.get(given) or (family if family in {"image", "video", "audio", "text"} else "other")


def shown(value: object) -> str:
    """A value in an explanation, cut where it is long."""
    if value is None:
        return "unknown"
    if isinstance(value, timedelta):
        return duration_words(value)
    if isinstance(value, list | tuple | set | frozenset):
        several = map(str, value if isinstance(value, list | tuple) else sorted(value))
        words = ", ".join(several) or "none"
    else:
        words = f"{value:.15g}" if isinstance(value, float) else str(value)
    return words if len(words) <= 60 else f"{words[:59]}…"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from; equal names mean equal sources. `read` gives None for the unknown.

    `least` is the confidence from which a finding counts, `calendar` the one in whose open hours a time is counted.
    """

    name: str
    read: Callable[[View], Any]
    tell: Callable[[View], str] | None = None
    least: float = 0.0
    calendar: str | None = None

    def told(self, view: View) -> str:
        """The value in words."""
        return self.tell(view) if self.tell else shown(self.read(view))


def fact(key: str, name: str) -> Source:
    """A fact by its name, as enrichment gives it."""

    def read(view: View) -> object:
        known = view.case.facts.get(name)
        return None if known is None else known.value

    def tell(view: View) -> str:
        known = view.case.facts.get(name)
        return f"unknown ({known.reason})" if known and not known.known and known.reason else shown(read(view))

    return Source(key, read, tell)


def own_field(key: str, name: str) -> Source:
    """One of the ticket's custom fields, by the policy's name for it."""
    return Source(key, lambda view: view.case.ticket.fields.get(view.bound_fields.get(name, name)))


def requester_field(key: str, name: str) -> Source:
    """One of the requester's custom fields, by the desk's name for it."""
    return Source(key, lambda view: (requester := view.case.ticket.requester) and requester.fields.get(name))


def organisation_field(key: str, name: str) -> Source:
    """One of the organisation's custom fields, by the desk's name for it."""
    return Source(key, lambda view: (there := _organisation(view)) and there.fields.get(name))


def finding(key: str, least: float) -> Source:
    """What triage found, unknown where it is less sure than `least`."""
    of = _NO_AUTOMATIC if key == "automatic" else None

    def read(view: View) -> str | None:
        found: Finding | None = getattr(view.case.triage, key) or of
        if found is None or found.confidence < least:
            return None
        return Urgency(found.value) if key == "urgency" else found.value

    def tell(view: View) -> str:
        found: Finding | None = getattr(view.case.triage, key)
        if found is None:
            return shown(read(view))
        sure = f"{found.confidence:.2f}"
        if found.confidence < least:
            return f"unknown (perhaps {found.value}, at {sure} below {least:.2f})"
        return f"{found.value} ({sure})"

    return Source(f"{key}@{least}" if least else key, read, tell, least=least)


_NO_AUTOMATIC: Final = Finding("none", 1.0)
"""A message in which nothing speaks for a machine is a person's."""


def since(key: str, calendar: str | None) -> Source:
    """How long ago a ticket was created (`age`), changed (`idle`), or its requester first wrote in vain (`waiting`)."""
    starts: dict[str, Callable[[View], datetime | None]] = {
        "age": lambda view: view.case.ticket.created_at,
        "idle": lambda view: view.case.ticket.updated_at,
        "waiting": lambda view: view.waiting_since,
    }
    start = starts[key]
    name = f"{key}@{calendar}" if calendar else key
    return Source(name, lambda view: view.since(start(view), calendar), calendar=calendar)


def open_calendars(asked: frozenset[str]) -> Source:
    """Which of the calendars that a condition asks about are open now."""

    def read(view: View) -> frozenset[str]:
        return frozenset(name for name in asked if view.calendars[name].is_open(view.case.now))

    return Source(f"within {sorted(asked)}", read, lambda view: f"open: {shown(read(view))}")


def phrases(key: str) -> Source:
    """Which of the policy's words a text has; explanations tell the policy's words, never the ticket's."""
    found: Callable[[View], frozenset[tuple[str, ...]]] = (
        (lambda view: view.subject_phrases) if key == "subject" else (lambda view: view.text_phrases)
    )
    return Source(key, found, lambda view: shown(frozenset(" ".join(tokens) for tokens in found(view))))


def raw_text(key: str) -> Source:
    """A text as it is written, in UTF-8, for patterns; it is never shown."""
    text: Callable[[View], bytes] = (
        (lambda view: view.subject_utf8) if key == "subject" else (lambda view: view.text_utf8)
    )
    return Source(f"{key} as written", text, lambda view: f"{len(text(view).decode())} characters")


def _organisation(view: View) -> Any:
    return view.case.ticket.requester and view.case.ticket.requester.organisation


def _domain(view: View) -> str | None:
    email = view.case.ticket.requester and view.case.ticket.requester.email
    return email.rpartition("@")[2] if email and "@" in email else None


def _human(view: View) -> str:
    return f"true ({', '.join(map(repr, view.human))})" if view.human else "false"


def _signals(view: View) -> str:
    return "; ".join(f"{one.value} ({', '.join(map(repr, one.because))})" for one in view.case.triage.signals) or "none"


def _requester(part: str) -> Callable[[View], Any]:
    return lambda view: getattr(view.case.ticket.requester, part, None)


_SOURCES: Final = (
    Source("event", lambda view: view.case.event),
    Source("desk", lambda view: view.case.ticket.ref.desk),
    Source("status", lambda view: view.case.ticket.status),
    Source("priority", lambda view: view.case.ticket.priority),
    Source("channel", lambda view: view.case.ticket.channel),
    Source("desk.status", lambda view: view.case.ticket.status_raw),
    Source("desk.priority", lambda view: view.case.ticket.priority_raw),
    Source("desk.channel", lambda view: view.case.ticket.channel_raw),
    Source("type", lambda view: view.case.ticket.type),
    Source("assignee", lambda view: view.case.standing.assignee),
    Source("team", lambda view: view.case.standing.team),
    Source("previous_assignees", lambda view: view.case.standing.previous_assignees),
    Source("tags", lambda view: view.in_policy_words(view.case.ticket.tags)),
    Source("previous_tags", lambda view: view.in_policy_words(view.case.standing.previous_tags)),
    Source("attachments", lambda view: view.kinds),
    Source("asks_for_human", lambda view: bool(view.human), _human),
    Source("signals", lambda view: frozenset(one.value for one in view.case.triage.signals), _signals),
    Source("entities", lambda view: frozenset(one.name for one in view.case.triage.entities)),
    Source("requester.name", _requester("name")),
    Source("requester.email", _requester("email")),
    Source("requester.domain", _domain),
    Source("requester.locale", _requester("locale")),
    Source("requester.external_id", _requester("external_id")),
    Source("requester.organisation", lambda view: (there := _organisation(view)) and there.name),
    Source("organisation.tags", lambda view: frozenset(there.tags) if (there := _organisation(view)) else frozenset()),
    Source("messages.requester", lambda view: len(view.said_by(ActorKind.REQUESTER))),
    Source("messages.agent", lambda view: len(view.said_by(ActorKind.AGENT))),
    fact("requester.tier", "requester.tier"),
    fact("requester.plan", "requester.plan"),
    fact("requester.account_owner", "requester.account_owner"),
    fact("contacts_24h", "contacts_24h"),
    fact("previous_tickets", "previous_tickets"),
    fact("open_tickets", "open_tickets"),
    fact("last_agent", "last_agent"),
)

SOURCES: Final[Mapping[str, Source]] = {source.name: source for source in _SOURCES}
"""Where the value of each plain key of a condition comes from."""

OWN: Final[Mapping[str, Callable[[str, str], Source]]] = {
    "field.*": own_field,
    "fact.*": fact,
    "requester.field.*": requester_field,
    "organisation.field.*": organisation_field,
}
"""The same for keys of a team's own making."""
