"""What a desk tells us: the raw delivery, the verified delivery, and the events that it says happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bridge.model.people import Actor, AgentStatus
from bridge.model.ticket import Message, Ticket, TicketRef


@dataclass(frozen=True, slots=True)
class RawDelivery:
    """One HTTP request as it arrived, nothing trusted yet.

    `headers` has lower-case names; `secret_path` is the part of the path after the desk's name (None where there is
    none); `received_at` is UTC.
    """

    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime
    secret_path: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified delivery.

    `dedupe_key` is unique within the desk, and the same for every repetition where the vendor names its deliveries.
    `keep` is False for what needs an answer but no work (a ping).
    """

    desk: str
    dedupe_key: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    received_at: datetime
    keep: bool = True


class EventKind(StrEnum):
    """What happened. An adapter that meets a kind it does not know says `UNKNOWN` and keeps `Event.kind_raw`."""

    TICKET_CREATED = "ticket_created"
    TICKET_CHANGED = "ticket_changed"
    REQUESTER_REPLIED = "requester_replied"
    AGENT_REPLIED = "agent_replied"
    NOTE_ADDED = "note_added"
    ASSIGNED = "assigned"
    TEAM_CHANGED = "team_changed"
    STATUS_CHANGED = "status_changed"
    PRIORITY_CHANGED = "priority_changed"
    TAGS_CHANGED = "tags_changed"
    FIELDS_CHANGED = "fields_changed"
    RATED = "rated"
    MERGED = "merged"
    DELETED = "deleted"
    AGENT_CHANGED = "agent_changed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened at a desk.

    `snapshot` is the ticket as the event carries it, None where it carries too little to decide on; `snapshot.complete`
    says whether a decision can be made without a read. `burst` is the same for all events of one save (Zendesk's
    `meta.sequence.id`). `ticket` is None for events about an agent, which set `agent_id` and `agent_status`;
    `version` orders those of one agent (a lower one is stale).
    """

    desk: str
    kind: EventKind
    kind_raw: str
    ticket: TicketRef | None = None
    actor: Actor = field(default_factory=Actor)
    occurred_at: datetime | None = None
    burst: str | None = None
    snapshot: Ticket | None = None
    message: Message | None = None
    agent_id: str | None = None
    agent_status: AgentStatus | None = None
    version: int | None = None
    merged_into: TicketRef | None = None
