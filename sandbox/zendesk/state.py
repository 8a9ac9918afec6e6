"""What a Zendesk account holds: people, groups, organisations, fields and tickets, seeded with the default account."""

import itertools
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.common import people

ACCOUNT_ID = 21842610
BRAND_ID = 8447346621310
FORM_ID = 8646151517822

CATEGORIES = ("new", "open", "pending", "hold", "solved", "closed")
"""The statuses in their order of life; custom statuses each belong to one of them."""

STATUSES = {"offline": 2, "online": 3, "away": 4, "transfers_only": 5}
"""Ids of the unified agent statuses (vendors' facts: 2 Offline, 3 Online, 4 Away, 5 Transfers only)."""

CHANNEL = "support"
CAPACITY = 10
"""Work items an agent takes on the support channel, as the default capacity rule says."""

_SYSTEM_FIELDS = (
    ("subject", "Subject"),
    ("description", "Description"),
    ("status", "Status"),
    ("tickettype", "Type"),
    ("priority", "Priority"),
    ("group", "Group"),
    ("assignee", "Assignee"),
)


@dataclass(eq=False)
class User:
    """An agent, an admin or a customer."""

    id: int
    name: str
    email: str
    role: Literal["end-user", "agent", "admin"]
    created_at: float
    organization_id: int | None = None
    group_ids: list[int] = field(default_factory=list)
    skill_ids: list[str] = field(default_factory=list)
    status: str = "online"
    status_at: float = 0.0
    version: int = 1

    @property
    def is_staff(self) -> bool:
        """True for agents and admins."""
        return self.role != "end-user"

    def __str__(self) -> str:
        return self.email


@dataclass(frozen=True)
class Group:
    """A team of agents."""

    id: int
    name: str
    created_at: float


@dataclass(frozen=True)
class Membership:
    """One agent in one group."""

    id: int
    user_id: int
    group_id: int
    created_at: float


@dataclass(frozen=True)
class Organization:
    """A customer company; `fields` are the values of the organisation fields."""

    id: int
    name: str
    domains: tuple[str, ...]
    fields: dict[str, Any]
    created_at: float


@dataclass(frozen=True)
class TicketField:
    """A ticket field; `options` are the values a drop-down takes."""

    id: int
    type: str
    title: str
    removable: bool = True
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class CustomStatus:
    """A ticket status with its category; the first of each category is its default."""

    id: int
    category: str
    label: str
    default: bool


@dataclass(frozen=True)
class Skill:
    """A routing attribute value, such as Language: german."""

    id: str
    attribute_id: str
    attribute: str
    name: str


@dataclass(frozen=True)
class Comment:
    """A public reply or an internal note; it is an event of its audit."""

    id: int
    audit_id: int
    author_id: int
    body: str
    html_body: str
    public: bool
    channel: str
    created_at: float
    attachments: list[dict[str, Any]] = field(default_factory=list)


@dataclass(eq=False)
class Audit:
    """One saved action on a ticket: all its events have one author, one time, one `metadata`."""

    id: int
    ticket_id: int
    author_id: int
    channel: str
    created_at: float
    metadata: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)


@dataclass(eq=False)
class Ticket:
    """A ticket; `fields` holds what an update may change, under the names of the REST API.

    `updated_at` moves with every audit, `generated_at` with any change at all (as in the incremental export).
    """

    id: int
    created_at: float
    channel: str
    submitter_id: int
    description: str
    fields: dict[str, Any]
    updated_at: float = 0.0
    generated_at: float = 0.0
    custom_fields: dict[int, Any] = field(default_factory=dict)
    skill_ids: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    audits: list[Audit] = field(default_factory=list)
    followup_of: int | None = None
    followup_ids: list[int] = field(default_factory=list)
    deleted: bool = False

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    @property
    def is_public(self) -> bool:
        """True where the customer sees any of it."""
        return any(comment.public for comment in self.comments)


class Account:
    """All of it; guarded by the lock of the desk.

    `routing` is the tag whose tickets Zendesk gives out by itself, "" where it does so with all, None where with none;
    it is shown in the account's settings and not played.
    """

    def __init__(self, chance: random.Random, now: float, capacity: int = CAPACITY) -> None:
        self.chance = chance
        self.capacity = capacity
        self.routing: str | None = None
        self.users: dict[int, User] = {}
        self.groups: dict[int, Group] = {}
        self.organizations: dict[int, Organization] = {}
        self.tickets: dict[int, Ticket] = {}
        self.skills: dict[str, Skill] = {}
        self.fields: dict[int, TicketField] = {}
        self.statuses: dict[int, CustomStatus] = {}
        self.memberships: list[Membership] = []
        self._by_email: dict[str, User] = {}
        self._ids = itertools.count(8447388090494, 38)
        self._ticket_ids = itertools.count(5158)
        self.bridge = self._seed(now)

    # Ids and lookups --------------------------------------------------------------------------------------------------

    def next_id(self) -> int:
        """A new id for anything but a ticket; beyond 32 bits, as Zendesk's are."""
        return next(self._ids)

    def next_ticket_id(self) -> int:
        """Tickets count up one by one."""
        return next(self._ticket_ids)

    def uuid(self) -> str:
        """A new event id."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def ulid(self) -> str:
        """A new id of a webhook or an invocation: 26 letters of Crockford's base 32."""
        return "01" + "".join(self.chance.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=24))

    def staff(self) -> Iterator[User]:
        """Agents and admins."""
        return (user for user in self.users.values() if user.is_staff)

    def user_by_email(self, email: str) -> User | None:
        """The user with this address, in any case of letters."""
        return self._by_email.get(email.lower())

    def customer(self, email: str, name: str | None, now: float) -> User:
        """The customer with this address, made where there is none."""
        known = self.user_by_email(email)
        if known:
            return known
        domain = email.rpartition("@")[2].lower()
        home = next((each.id for each in self.organizations.values() if domain in each.domains), None)
        return self._add_user(name or email.partition("@")[0], email, "end-user", now, organization_id=home)

    def downgrade(self, agent: User) -> None:
        """Make an agent a customer, in no group."""
        agent.role, agent.group_ids = "end-user", []
        self.memberships = [each for each in self.memberships if each.user_id != agent.id]

    def work_items(self, agent: User) -> list[Ticket]:
        """What counts against an agent's capacity: assigned and open."""
        return [
            ticket
            for ticket in self.tickets.values()
            if ticket["assignee_id"] == agent.id and ticket["status"] in {"new", "open"} and not ticket.deleted
        ]

    def default_status(self, category: str) -> int:
        """The custom status that a plain `status` stands for."""
        return next(status.id for status in self.statuses.values() if status.category == category and status.default)

    # The default account ----------------------------------------------------------------------------------------------

    def _seed(self, now: float) -> User:
        groups = {team.key: Group(self.next_id(), team.name, now) for team in people.TEAMS}
        self.groups = {group.id: group for group in groups.values()}
        for home in people.ORGANISATIONS:
            values = {"tier": home.tier, "plan": home.plan, "account_owner": home.account_owner}
            organization = Organization(self.next_id(), home.name, (home.domain,), values, now)
            self.organizations[organization.id] = organization
        self._seed_fields()
        for agent in people.AGENTS:
            skills = [self._skill("Skill", name) for name in agent.skills]
            skills += [self._skill("Language", name) for name in agent.languages]
            member_of = [groups[team].id for team in agent.teams]
            self._add_user(agent.name, agent.email, "agent", now, group_ids=member_of, skill_ids=skills)
        bridge = people.INTEGRATION
        return self._add_user(bridge.name, bridge.email, "admin", now, status="offline")

    def _seed_fields(self) -> None:
        for kind, title in _SYSTEM_FIELDS:
            self.add_field(kind, title, removable=False)
        self.add_field("text", "Triage category")
        self.add_field("tagger", "Product area", options=("api", "billing", "login"))
        for category in CATEGORIES:
            self.add_status(category, category.capitalize(), default=True)

    def add_field(self, kind: str, title: str, *, removable: bool = True, options: tuple[str, ...] = ()) -> TicketField:
        """A new ticket field."""
        made = TicketField(self.next_id(), kind, title, removable, options)
        self.fields[made.id] = made
        return made

    def add_status(self, category: str, label: str, *, default: bool = False) -> CustomStatus:
        """A new ticket status of a category."""
        made = CustomStatus(self.next_id(), category, label, default)
        self.statuses[made.id] = made
        return made

    def _skill(self, attribute: str, name: str) -> str:
        for skill in self.skills.values():
            if (skill.attribute, skill.name) == (attribute, name):
                return skill.id
        siblings = (skill.attribute_id for skill in self.skills.values() if skill.attribute == attribute)
        skill = Skill(self.uuid(), next(siblings, None) or self.uuid(), attribute, name)
        self.skills[skill.id] = skill
        return skill.id

    def _add_user(
        self, name: str, email: str, role: Literal["end-user", "agent", "admin"], now: float, **more: Any
    ) -> User:
        user = User(self.next_id(), name, email, role, now, status_at=now, **more)
        self.users[user.id] = self._by_email[email.lower()] = user
        self.memberships += [Membership(self.next_id(), user.id, group_id, now) for group_id in user.group_ids]
        return user
