"""The state of one account: the default people of every sandbox in Freshdesk's records, and all that comes after."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from sandbox.common import people
from sandbox.common.history import ActorKind
from sandbox.freshdesk.fields import STATUSES, CustomField
from sandbox.freshdesk.records import (
    OPEN,
    PENDING,
    Actor,
    Agent,
    Company,
    Contact,
    Conversation,
    Group,
    Skill,
    Ticket,
)

LOAD_STATUSES = {OPEN, PENDING}
"""The statuses that count for an agent's load. [I] The reference does not say; the search it suggests counts these."""

_FIRST_ID = 43_000_000_001
_SPAN = 100_000
"""Each kind of record has ids of its own, so that one taken for another is found out."""

R = TypeVar("R", Agent, Company, Contact, Group, Skill)


class Account:
    """Everything an account knows, by id; guarded by the lock of its desk."""

    def __init__(
        self,
        now: Callable[[], float],
        *,
        name: str,
        statuses: Mapping[int, str],
        custom_fields: Iterable[CustomField],
        auto_assign: Mapping[str, int],
        assignment_limit: int,
        summaries: bool,
    ) -> None:
        self.now, self.name = now, name
        self.opened_at = now()
        self.statuses = STATUSES | dict(statuses)
        self.custom_fields = {field.name: field for field in custom_fields}
        self.assignment_limit = assignment_limit
        self.summaries = summaries
        self._ids = {kind: itertools.count(_FIRST_ID + place * _SPAN) for place, kind in enumerate(_KINDS)}
        self._ticket_ids = itertools.count(1)
        self.groups = {row.id: row for row in self._groups(auto_assign)}
        self.skills = {row.id: row for row in self._skills()}
        self.agents = {row.id: row for row in self._agents()}
        self.companies = {row.id: row for row in self._companies()}
        self.contacts: dict[int, Contact] = {}
        self.tickets: dict[int, Ticket] = {}
        self.conversations: dict[int, Conversation] = {}

    def new_id(self, kind: str) -> int:
        """The next id of a kind of record."""
        return next(self._ids[kind])

    def new_ticket_id(self) -> int:
        """Tickets count from 1 in every account."""
        return next(self._ticket_ids)

    def field_id(self, place: int) -> int:
        """The id of a ticket field, by its place in the list."""
        return _FIRST_ID + len(_KINDS) * _SPAN + place

    def agent(self, email: str) -> Agent | None:
        """The agent with this address."""
        return next((agent for agent in self.agents.values() if agent.email == email.lower()), None)

    def group(self, name: str) -> Group | None:
        """The group of this name."""
        return next((group for group in self.groups.values() if group.name == name), None)

    def contact(self, email: str) -> Contact | None:
        """The contact with this address."""
        return next((contact for contact in self.contacts.values() if contact.email == email.lower()), None)

    def contact_for(self, email: str, name: str | None = None) -> Contact:
        """The contact with this address, made where there is none, as Freshdesk does for whoever writes."""
        if found := self.contact(email):
            return found
        domain = email.rpartition("@")[2].lower()
        company = next((row.id for row in self.companies.values() if row.domain == domain), None)
        made = Contact(
            self.new_id("contact"), name or email.partition("@")[0].title(), email.lower(), company, self.now()
        )
        self.contacts[made.id] = made
        return made

    def people(self) -> set[int]:
        """The ids of all agents and contacts: Freshdesk's users."""
        return {*self.agents, *self.contacts}

    def load(self, agent: Agent) -> int:
        """How many tickets an agent has to work on."""
        return sum(
            ticket.responder_id == agent.id and ticket.status in LOAD_STATUSES and not (ticket.deleted or ticket.spam)
            for ticket in self.tickets.values()
        )

    def address(self, person: int | None) -> str | None:
        """The e-mail address of an agent or a contact."""
        found = self.agents.get(person or 0) or self.contacts.get(person or 0)
        return found.email if found else None

    def person(self, person: int) -> str:
        """The name of an agent or a contact."""
        found = self.agents.get(person) or self.contacts.get(person)
        return found.name if found else ""

    def acting(self, agent: Agent, kind: ActorKind) -> Actor:
        """An agent as the one who does something."""
        return Actor(kind, agent.id, agent.email, agent.admin)

    def _groups(self, auto_assign: Mapping[str, int]) -> Iterable[Group]:
        for team in people.TEAMS:
            yield Group(self.new_id("group"), team.name, self.now(), auto_assign.get(team.name, 0))

    def _skills(self) -> Iterable[Skill]:
        for name in sorted({skill for agent in people.AGENTS for skill in _skills_of(agent)}):
            yield Skill(self.new_id("skill"), name, self.now())

    def _agents(self) -> Iterable[Agent]:
        groups = {team.key: group.id for team, group in zip(people.TEAMS, self.groups.values(), strict=True)}
        skills = {skill.name: skill.id for skill in self.skills.values()}
        for person in (*people.AGENTS, people.INTEGRATION):
            yield Agent(
                self.new_id("agent"),
                person.name,
                person.email,
                created_at=self.now(),
                status_at=self.now(),
                group_ids=[groups[key] for key in person.teams],
                skill_ids=[skills[name] for name in _skills_of(person)],
                admin=person.admin,
                status="offline" if person is people.INTEGRATION else "online",
            )

    def _companies(self) -> Iterable[Company]:
        for row in people.ORGANISATIONS:
            fields = {"tier": row.tier, "plan": row.plan, "account_owner": row.account_owner}
            yield Company(self.new_id("company"), row.name, row.domain, self.now(), fields)


_KINDS = ("agent", "group", "skill", "company", "contact", "conversation", "rule", "summary")


def _skills_of(agent: people.Agent) -> list[str]:
    """Freshdesk knows no languages of agents: an account makes skills of them."""
    return [*agent.skills, *(language for language in agent.languages if language != "english")]
