"""The normalised snapshot of a ticket: common words, with the vendor's own values kept beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bridge.model.people import Actor, ActorKind, Requester


class Status(StrEnum):
    """Where a ticket stands. `PENDING` waits for the requester, `ON_HOLD` for a third party, `CLOSED` is final."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DELETED = "deleted"
    UNKNOWN = "unknown"


class Priority(StrEnum):
    """How much a ticket matters. `NONE`: nobody has said. Order is `Priority.rank`."""

    NONE = "none"
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """0 for none up to 4 for urgent."""
        return list(Priority).index(self)


class Channel(StrEnum):
    """How the requester came in; `OTHER` keeps its meaning in `Ticket.channel_raw`."""

    EMAIL = "email"
    WEB = "web"
    CHAT = "chat"
    PHONE = "phone"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    SOCIAL = "social"
    COMMERCE = "commerce"
    API = "api"
    OTHER = "other"


class Visibility(StrEnum):
    """Who may read a message. There is no default: an adapter that cannot tell must say private."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class TicketRef:
    """One ticket of one desk. `id` is the adapter's text for it; Intercom's starts `conversation:` or `ticket:`."""

    desk: str
    id: str

    def __str__(self) -> str:
        return f"{self.desk}:{self.id}"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file on a message; `url` is the vendor's and is never fetched with our credential."""

    name: str
    content_type: str | None = None
    size: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the conversation, `text` as plain text; `visibility` as the vendor says it, never guessed public."""

    id: str
    author: Actor
    visibility: Visibility
    text: str = field(repr=False)
    created_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()


def owned(field: str) -> frozenset[str]:
    """What belongs to a person who sets a field of a ticket: who chooses an agent has chosen the team."""
    return frozenset({"assignee", "team"}) if field == "assignee" else frozenset({field})


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it was when read.

    `status_raw`, `status_custom_id`, `priority_raw`, `channel_raw` and `type` are the vendor's values verbatim, what a
    write-back starts from, so that a round trip never demotes a ticket. `stamp` is the vendor's version stamp verbatim
    (ISO text or unix seconds as text). `messages` is oldest first and may be partial when the snapshot came from an
    event: `complete` is True only where nothing that a decision reads is missing. `touched` are those of `assignee`,
    `team`, `priority` and `type` that a person has set, also where it was undone since, as far as the read shows.
    """

    ref: TicketRef
    subject: str
    requester: Requester | None
    status: Status
    status_raw: str | None = None
    status_custom_id: str | None = None
    priority: Priority = Priority.NONE
    priority_raw: str | None = None
    channel: Channel = Channel.OTHER
    channel_raw: str | None = None
    type: str | None = None
    assignee_id: str | None = None
    team_id: str | None = None
    tags: frozenset[str] = frozenset()
    fields: Mapping[str, object] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    stamp: str | None = None
    url: str | None = None
    complete: bool = True
    touched: frozenset[str] = frozenset()

    @property
    def is_final(self) -> bool:
        """True where the desk accepts no more changes or there is nothing left to change."""
        return self.status in {Status.CLOSED, Status.DELETED}

    @property
    def waiting_since(self) -> datetime | None:
        """When the requester wrote the first public message that no agent has answered; None where nobody waits."""
        first = None
        for message in self.messages:
            if message.visibility is not Visibility.PUBLIC:
                continue
            if message.author.kind is ActorKind.AGENT:
                first = None
            elif message.author.kind is ActorKind.REQUESTER:
                first = first or message.created_at
        return first


@dataclass(frozen=True, slots=True)
class TicketSummary:
    """One earlier ticket of a requester, as far as a history needs it."""

    ref: TicketRef
    subject: str
    status: Status
    assignee_id: str | None
    created_at: datetime | None
    updated_at: datetime | None
