"""What a Freshdesk account holds: agents, groups, companies, contacts, tickets and their conversations."""

from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.common.history import ActorKind

OPEN, PENDING, RESOLVED, CLOSED, WAITING_ON_CUSTOMER = 2, 3, 4, 5, 6


@dataclass(frozen=True)
class Actor:
    """Who does something; `id` is an agent's or a contact's, 0 for Freshdesk itself."""

    kind: ActorKind
    id: int
    email: str
    admin: bool = False

    def __str__(self) -> str:
        return self.email


SYSTEM = Actor("system", 0, "system")


@dataclass
class Group:
    """A team; `auto_ticket_assign` is 0 where Freshdesk does not assign by itself (1, 2, 3, 12 where it does)."""

    id: int
    name: str
    created_at: float
    auto_ticket_assign: int = 0


@dataclass
class Skill:
    """What some agents know, as an admin lists it."""

    id: int
    name: str
    created_at: float


@dataclass
class Agent:
    """A person who works tickets; `status_at` is when the status was set, unix seconds."""

    id: int
    name: str
    email: str
    created_at: float
    status_at: float
    group_ids: list[int]
    skill_ids: list[int]
    admin: bool = False
    status: Literal["online", "away", "offline"] = "online"


@dataclass
class Company:
    """A customer's organisation, found by the domain of an address."""

    id: int
    name: str
    domain: str
    created_at: float
    custom_fields: dict[str, Any]


@dataclass
class Contact:
    """A customer."""

    id: int
    name: str
    email: str
    company_id: int | None
    created_at: float


@dataclass
class Conversation:
    """A reply (`source` 0) or a note (2) under a ticket; `body` is HTML, `actor` who wrote it."""

    id: int
    ticket_id: int
    actor: Actor
    user_id: int
    body: str
    private: bool
    incoming: bool
    source: int
    created_at: float
    updated_at: float
    from_email: str | None = None
    to_emails: list[str] = field(default_factory=list)
    cc_emails: list[str] = field(default_factory=list)
    bcc_emails: list[str] = field(default_factory=list)


@dataclass
class Summary:
    """The one pinned summary of a ticket."""

    id: int
    body: str
    user_id: int
    created_at: float
    updated_at: float


@dataclass
class Stats:
    """When what happened to a ticket, unix seconds."""

    status_updated_at: float
    agent_responded_at: float | None = None
    requester_responded_at: float | None = None
    first_responded_at: float | None = None
    reopened_at: float | None = None
    resolved_at: float | None = None
    closed_at: float | None = None
    pending_since: float | None = None


@dataclass
class Ticket:
    """A ticket; the attribute names are those of the wire, times unix seconds, `description` HTML."""

    id: int
    subject: str
    description: str
    requester_id: int
    created_at: float
    updated_at: float
    due_by: float
    fr_due_by: float
    stats: Stats
    status: int = OPEN
    priority: int = 1
    source: int = 2
    type: str | None = None
    responder_id: int | None = None
    group_id: int | None = None
    company_id: int | None = None
    product_id: int | None = None
    email_config_id: int | None = None
    internal_agent_id: int | None = None
    internal_group_id: int | None = None
    parent_id: int | None = None
    tags: list[str] = field(default_factory=list)
    cc_emails: list[str] = field(default_factory=list)
    custom_fields: dict[str, Any] = field(default_factory=dict)
    spam: bool = False
    deleted: bool = False
    conversations: list[Conversation] = field(default_factory=list)
    summary: Summary | None = None
