"""What an Intercom workspace holds: people, tags, attributes, conversations and tickets with their parts."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

State = Literal["open", "closed", "snoozed"]
AuthorType = Literal["admin", "user", "bot"]

PRIORITIES = ("none", "low", "medium", "high", "urgent")
"""The words of version 2.16 for a conversation's priority."""


@dataclass
class Admin:
    """A teammate; `id` is text here, some payloads show it as a number."""

    id: str
    name: str
    email: str
    team_ids: list[str] = field(default_factory=list)
    has_inbox_seat: bool = True
    away: bool = False
    reassign: bool = False
    away_reason_id: str | None = None


@dataclass
class Team:
    """A team of admins; `distribution` other than `manual` is shown and not played."""

    id: str
    name: str
    admin_ids: list[str]
    distribution: str = "manual"


@dataclass
class AwayReason:
    """Why an admin is away."""

    id: str
    label: str
    emoji: str


@dataclass
class Company:
    """A customer's company; `company_id` is the customer's own key, `id` Intercom's."""

    id: str
    company_id: str
    name: str
    domain: str
    plan: str
    created_at: int
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass
class Contact:
    """A person who writes in: `user` or `lead`."""

    id: str
    email: str
    name: str | None
    created_at: int
    updated_at: int
    external_id: str | None = None
    role: str = "user"
    phone: str | None = None
    company_ids: list[str] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Tag:
    """A word to sort by; applied by its id only."""

    id: str
    name: str


@dataclass
class Tagging:
    """A tag on a conversation or ticket: since when (unix seconds), by which admin."""

    tag: Tag
    at: int
    admin_id: str


@dataclass
class Attribute:
    """A custom attribute of conversations, or of one ticket type; `options` are the labels of a list."""

    id: int
    name: str
    data_type: str
    created_at: int
    options: tuple[str, ...] = ()
    required: bool = False
    archived: bool = False
    description: str = ""

    def accepts(self, value: Any) -> bool:
        """True where the value fits the type; null empties any attribute."""
        if value is None:
            return True
        if self.data_type == "list":
            return value in self.options
        kinds = _JSON_TYPES[self.data_type]
        return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "decimal": (int, float),
    "boolean": (bool,),
    "datetime": (int, str),
}

ATTRIBUTE_TYPES = ("list", *_JSON_TYPES)


@dataclass
class TicketState:
    """A state of tickets; custom ones share the four categories."""

    id: str
    category: str
    internal_label: str
    external_label: str


@dataclass
class TicketType:
    """A form of tickets: its attributes and the states it may have."""

    id: str
    category: str
    name: str
    created_at: int
    attributes: list[Attribute]
    states: list[TicketState]

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of this name, if the type has one."""
        return next((attribute for attribute in self.attributes if attribute.name == name), None)

    def state(self, category: str) -> TicketState:
        """The first state of a category; every type has one for each."""
        return next(state for state in self.states if state.category == category)


@dataclass(frozen=True)
class Author:
    """Who wrote a part: an admin, a user (the contact) or the bot."""

    type: AuthorType
    id: str
    name: str | None
    email: str


@dataclass
class Part:
    """One thing that happened, newest last; `body` is HTML. `extra` holds what only some kinds of part have."""

    id: str
    part_type: str
    author: Author
    at: int
    body: str | None = None
    assigned_to: tuple[str, str] | None = None
    through_api: bool = False
    state: State | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Item:
    """What conversations and tickets share. They draw their ids from one sequence, as Intercom's do."""

    kind: ClassVar[str]

    id: str
    contact: Contact
    created_at: int
    updated_at: int
    open: bool = True
    admin_id: str | None = None
    team_id: str | None = None
    snoozed_until: int | None = None
    tags: dict[str, Tagging] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)

    @property
    def teammates(self) -> list[str]:
        """The ids of the admins who took part, in order of appearance."""
        return list(dict.fromkeys(part.author.id for part in self.parts if part.author.type == "admin"))


@dataclass
class Conversation(Item):
    """A conversation: the first message is its source, everything later a part."""

    kind: ClassVar[str] = "conversation"

    source_id: str = ""
    channel: str = "email"
    subject: str = ""
    body: str = ""
    title: str | None = None
    read: bool = False
    priority: str = "none"
    company_id: str | None = None
    waiting_since: int | None = None

    @property
    def state(self) -> State:
        """Open, snoozed (still open, but out of the way) or closed."""
        if not self.open:
            return "closed"
        return "snoozed" if self.snoozed_until else "open"


@dataclass(kw_only=True)
class Ticket(Item):
    """A ticket: a type, its attributes and a state; `ticket_id` is the number people see."""

    kind: ClassVar[str] = "ticket"

    ticket_id: str
    type: TicketType
    state: TicketState
    is_shared: bool = False
    company_id: str | None = None


@dataclass
class Deleted:
    """A conversation that is no more: only this is left of it."""

    id: str
    at: int
