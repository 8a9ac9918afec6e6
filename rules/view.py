"""What conditions read of a case, each value with the words in which a reason shows it."""

import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from bridge.model import ActorKind, Attachment, Case, Finding, Visibility
from bridge.triage import Text, asks_for_human


@dataclass(frozen=True)
class View:
    """A case as conditions read it; what takes work is done once, when first asked for.

    `act` is the policy's threshold for intents; `bound_tags` and `bound_fields` map the policy's names to the desk's.
    """

    case: Case
    act: float
    bound_tags: Mapping[str, str]
    bound_fields: Mapping[str, str]

    @cached_property
    def tags(self) -> frozenset[str]:
        """The ticket's tags by the policy's names, where it has one for them."""
        theirs = {desk: own for own, desk in self.bound_tags.items()}
        tags = self.case.ticket.tags - (self.bound_tags.keys() - theirs.keys())
        return frozenset(theirs.get(tag, tag) for tag in tags)

    @cached_property
    def text(self) -> Text:
        """The subject and the requester's new words."""
        return Text(self.case.text)

    @cached_property
    def subject(self) -> Text:
        """The subject."""
        return Text(self.case.ticket.subject)

    @cached_property
    def human(self) -> tuple[str, ...]:
        """The words that ask for a person."""
        return asks_for_human(self.text)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of files that the requester attached where everybody sees them."""
        messages = self.case.ticket.messages
        theirs = (m for m in messages if m.visibility is Visibility.PUBLIC and m.author.kind is ActorKind.REQUESTER)
        return frozenset(_kind(attachment) for message in theirs for attachment in message.attachments)


_TYPES: Final = mimetypes.MimeTypes()
"""Python's own table; the module's functions would read the machine's files and differ from host to host."""

_KINDS: Final[Mapping[str, str]] = {
    "application/pdf": "pdf",
    "application/zip": "archive",
    "application/x-tar": "archive",
    "application/gzip": "archive",
    "application/x-7z-compressed": "archive",
}


def _kind(attachment: Attachment) -> str:
    given = (attachment.content_type or "").partition(";")[0].strip().casefold()
    if given in {"", "application/octet-stream"}:
        given = _TYPES.guess_type(attachment.name)[0] or ""
    family = given.partition("/")[0]
    return _KINDS.get(given) or (family if family in {"image", "video", "audio", "text"} else "other")


class Reading(NamedTuple):
    """What a leaf reads: the value (None: unknown) and how a reason shows it."""

    value: object
    shown: str


def _plain(value: object) -> Reading:
    return Reading(None, "unknown") if value is None else Reading(value, shown(value))


def shown(value: object) -> str:
    """A value in a reason, cut where it is long."""
    words = ", ".join(map(str, value)) if isinstance(value, list | tuple | set | frozenset) else str(value)
    return words if len(words) <= 60 else f"{words[:59]}…"


def fact(name: str) -> Callable[[View], Reading]:
    """The reader of a fact by its name, as enrichment gives it."""

    def read(view: View) -> Reading:
        known = view.case.facts.get(name)
        if known is None or not known.known:
            return Reading(None, f"unknown ({known.reason})" if known and known.reason else "unknown")
        return Reading(known.value, shown(known.value))

    return read


def field(name: str) -> Callable[[View], Reading]:
    """The reader of one of the desk's custom fields by the policy's name for it."""
    return lambda view: _plain(view.case.ticket.fields.get(view.bound_fields.get(name, name)))


def finding(found: Finding | None, least: float = 0) -> Reading:
    """What triage found, unknown where it is less sure than `least`."""
    if found is None:
        return Reading(None, "unknown")
    if found.confidence < least:
        return Reading(None, f"unknown (perhaps {found.value}, at {found.confidence:.2f} below {least:.2f})")
    return Reading(found.value, f"{found.value} ({found.confidence:.2f})")


def _requester(part: str) -> Callable[[View], Reading]:
    return lambda view: _plain(getattr(view.case.ticket.requester, part, None))


def _domain(view: View) -> Reading:
    email = view.case.ticket.requester and view.case.ticket.requester.email
    return _plain(email.rpartition("@")[2] if email and "@" in email else None)


def _organisation(view: View) -> Reading:
    organisation = view.case.ticket.requester and view.case.ticket.requester.organisation
    return _plain(organisation.name if organisation else None)


def _automatic(view: View) -> Reading:
    found = view.case.triage.automatic
    return finding(found) if found else Reading("none", "none")


READERS: Final[Mapping[str, Callable[[View], Reading]]] = {
    "event": lambda view: _plain(view.case.event),
    "status": lambda view: _plain(view.case.ticket.status),
    "priority": lambda view: _plain(view.case.ticket.priority),
    "channel": lambda view: _plain(view.case.ticket.channel),
    "type": lambda view: _plain(view.case.ticket.type),
    "urgency": lambda view: finding(view.case.triage.urgency),
    "sentiment": lambda view: finding(view.case.triage.sentiment),
    "language": lambda view: finding(view.case.triage.language),
    "automatic": _automatic,
    "requester_email": _requester("email"),
    "requester_locale": _requester("locale"),
    "requester_domain": _domain,
    "requester_organisation": _organisation,
    "requester_tier": fact("requester.tier"),
    "requester_plan": fact("requester.plan"),
    "requester_account_owner": fact("requester.account_owner"),
    "contacts_24h": fact("contacts_24h"),
    "previous_tickets": fact("previous_tickets"),
    "open_tickets": fact("open_tickets"),
    "last_agent": fact("last_agent"),
}
"""Where the value of each plain leaf comes from."""
