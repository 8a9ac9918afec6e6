"""The workspace a sandbox starts with: the common people, Intercom's ids, attributes and ticket types."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.common.people import AGENTS, INTEGRATION, ORGANISATIONS, TEAMS, organisation_of
from sandbox.intercom.model import (
    PRIORITIES,
    Admin,
    Attribute,
    AwayReason,
    Company,
    Contact,
    Conversation,
    Deleted,
    Tag,
    Team,
    Ticket,
    TicketState,
    TicketType,
)

APP_ID = "ab12cd34"
FIRST_ADMIN, FIRST_TEAM, FIRST_TAG, FIRST_ITEM, FIRST_PART = 9001, 5017690, 8800, 215470, 98100

STATES = (
    ("submitted", "Submitted"),
    ("in_progress", "In progress"),
    ("waiting_on_customer", "Waiting on customer"),
    ("resolved", "Resolved"),
    ("in_progress", "Waiting on third party"),
)
"""Category and label of every ticket state; the last one is the custom state that vendors.md 4.1 calls on hold."""

_LABELS = tuple(word.capitalize() for word in PRIORITIES if word != "none")
_CONVERSATION_ATTRIBUTES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("priority", _LABELS),
    ("issue_type", ("Question", "Incident", "Problem", "Task")),
    ("tier", ()),
    ("intent", ()),
    ("language", ()),
)
_TICKET_ATTRIBUTES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("_default_title_", ()),
    ("_default_description_", ()),
    *_CONVERSATION_ATTRIBUTES,
)


@dataclass
class Workspace:
    """Everything the sandbox knows, by id; guarded by the lock of its desk."""

    created_at: int
    chance: random.Random
    admins: dict[str, Admin] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    away_reasons: dict[str, AwayReason] = field(default_factory=dict)
    companies: dict[str, Company] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    attributes: list[Attribute] = field(default_factory=list)
    types: dict[str, TicketType] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    deleted: list[Deleted] = field(default_factory=list)
    item_ids: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_ITEM))
    ticket_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    part_ids: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_PART))
    tag_ids: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_TAG))

    @property
    def integration(self) -> Admin:
        """The admin who owns the access token."""
        return self.admins[str(FIRST_ADMIN)]

    def object_id(self) -> str:
        """A 24-digit hexadecimal id, as contacts and companies have."""
        return f"{self.chance.getrandbits(96):024x}"

    def admin_of(self, email: str) -> Admin | None:
        """The admin with this address."""
        return next((admin for admin in self.admins.values() if admin.email == email), None)

    def team_named(self, name: str) -> Team | None:
        """The team of this name."""
        return next((team for team in self.teams.values() if team.name == name), None)

    def contact_of(self, email: str, name: str | None, now: float) -> Contact:
        """The contact with this address, made where there is none yet; the e-mail's domain selects their company."""
        known = next((contact for contact in self.contacts.values() if contact.email == email.lower()), None)
        if known is None:
            organisation = organisation_of(email)
            companies = [company.id for company in self.companies.values() if _is(company, organisation)]
            known = Contact(self.object_id(), email.lower(), name, int(now), int(now), company_ids=companies)
            self.contacts[known.id] = known
        known.name = name or known.name
        return known

    def tag_named(self, name: str) -> Tag:
        """The tag of this name in any case (tag names do not differ by case), made where there is none yet."""
        known = next((tag for tag in self.tags.values() if tag.name.lower() == name.lower()), None)
        if known is None:
            known = Tag(str(next(self.tag_ids)), name)
            self.tags[known.id] = known
        return known

    def states(self) -> list[TicketState]:
        """Every ticket state once."""
        return list({state.id: state for kind in self.types.values() for state in kind.states}.values())


def _is(company: Company, organisation: object) -> bool:
    return getattr(organisation, "domain", None) == company.domain


def default_workspace(now: float, seed: int) -> Workspace:
    """The account every sandbox starts with, the same for the same seed."""
    space = Workspace(created_at=int(now), chance=random.Random(seed))
    _people(space)
    _companies(space)
    numbers = itertools.count(1)
    space.attributes = _attributes(_CONVERSATION_ATTRIBUTES, numbers, space.created_at)
    states = [TicketState(str(7490 + n), category, label, label) for n, (category, label) in enumerate(STATES)]
    for number, (category, name) in enumerate((("Customer", "Support request"), ("Back-office", "Internal task"))):
        attributes = _attributes(_TICKET_ATTRIBUTES, numbers, space.created_at)
        attributes[0].required = True
        kind = TicketType(str(55 + number), category, name, space.created_at, attributes, states)
        space.types[kind.id] = kind
    return space


def _people(space: Workspace) -> None:
    team_ids = {team.key: str(FIRST_TEAM + n) for n, team in enumerate(TEAMS)}
    for number, agent in enumerate((INTEGRATION, *AGENTS)):
        admin_id = str(FIRST_ADMIN + number)
        space.admins[admin_id] = Admin(admin_id, agent.name, agent.email, [team_ids[key] for key in agent.teams])
    for team in TEAMS:
        team_id = team_ids[team.key]
        members = [admin.id for admin in space.admins.values() if team_id in admin.team_ids]
        space.teams[team_id] = Team(team_id, team.name, members)
    for number, (label, emoji) in enumerate((("On a break", "☕"), ("In a meeting", "📅"), ("Done for today", "🌙"))):
        space.away_reasons[str(number + 1)] = AwayReason(str(number + 1), label, emoji)


def _companies(space: Workspace) -> None:
    for row in ORGANISATIONS:
        facts = {"tier": row.tier, "account_owner": row.account_owner}
        company = Company(
            space.object_id(), row.name.lower(), row.name, row.domain, row.plan, space.created_at, {**facts}
        )
        company.attributes["plan"] = row.plan
        space.companies[company.id] = company


def _attributes(rows: tuple[tuple[str, tuple[str, ...]], ...], numbers: Iterator[int], now: int) -> list[Attribute]:
    return [
        Attribute(next(numbers), name, "list" if options else "string", now, options=options) for name, options in rows
    ]
