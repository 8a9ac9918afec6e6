"""Random wishes, edits and replies on one ticket of each desk: what is planned and performed is what the model says."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from bridge.errors import Conflict
from bridge.memory import Memory, applied
from bridge.model import NOBODY, Change, Operation, Priority, Roster, Status, Ticket, TicketRef
from bridge.ports import Desk
from bridge.wish import settle
from deskbridge.vendors import VENDORS
from sandbox.common.people import AGENTS, TEAMS
from sandbox.common.server import start
from tests.conftest import Clock
from tests.contract.world import OpenGate
from tests.core.world import OPTIONS, SANDBOXES, People

MORE_OPTIONS: dict[str, dict[str, str]] = {
    "intercom": {"priority_attribute": "priority", "type_attribute": "issue_type"}
}
TYPES = {"zendesk": "incident", "freshdesk": "Incident", "intercom": "Incident"}
TAGS = ("money", "vip", "lawyer")
TEAM_OF = {agent.email: next(team.name for team in TEAMS if team.key in agent.teams) for agent in AGENTS}

tags = st.frozensets(st.sampled_from(TAGS), max_size=2)
hands = st.sampled_from([None, "nobody", *TEAM_OF, *(team.name for team in TEAMS)])
"""Whose a ticket shall be: left as it is, nobody's, an agent's (in their team), or a team's alone."""

wishes = st.fixed_dictionaries(
    {
        "whose": hands,
        "priority": st.sampled_from([None, Priority.NORMAL, Priority.HIGH, Priority.URGENT]),
        "status": st.sampled_from([None, None, Status.OPEN, Status.PENDING]),
        "typed": st.booleans(),
        "add_tags": tags,
        "remove_tags": tags,
        "note": st.sampled_from([None, "<p>Look here</p>"]),
    }
)
edits = st.fixed_dictionaries(
    {},
    optional={
        "whose": st.sampled_from(list(TEAM_OF)),
        "priority": st.sampled_from(["low", "high"]),
        "status": st.sampled_from(["open", "pending"]),
        "add_tags": st.lists(st.sampled_from([*TAGS, "by-hand"]), min_size=1, max_size=2),
        "remove_tags": st.lists(st.sampled_from(TAGS), min_size=1, max_size=1),
    },
)


class Account(People):
    """A running sandbox desk and an adapter that is connected to it, with nobody between them."""

    def __init__(self, vendor: str, clock: Clock) -> None:
        self.vendor, self.clock = vendor, clock
        self.running = start(SANDBOXES[vendor](clock=clock.unix, plan="unlimited"))
        given = {"url": self.running.url, **OPTIONS[vendor], **MORE_OPTIONS.get(vendor, {})}
        kind = VENDORS[vendor]
        self.desk: Desk = kind.desk("acme", kind.options.model_validate(given), gate=OpenGate(), clock=clock)
        self.roster: Roster = self.desk.roster()
        self.operations = 0

    def wish(self, wanted: dict[str, Any], ticket: Ticket, memory: Memory) -> Change:
        """What a policy might want of a ticket, without what cannot be said, is so already or is a person's."""
        whose = wanted["whose"]
        team = None if ticket.assignee_id and whose not in TEAM_OF else TEAM_OF.get(whose, whose)
        change = Change(
            assignee_id=NOBODY if whose == "nobody" else self.agent_id(whose),
            team_id=next((each.id for each in self.roster.teams if each.name == team), None),
            status=wanted["status"],
            priority=wanted["priority"],
            type=TYPES[self.vendor] if wanted["typed"] else None,
            add_tags=wanted["add_tags"],
            remove_tags=wanted["remove_tags"] - wanted["add_tags"],
            note=wanted["note"],
        )
        return settle(change, ticket, memory, self.desk.can).change

    def agent_id(self, email: str | None) -> str | None:
        return next((each.id for each in self.roster.agents if each.email == email), None)

    def plan(self, change: Change, ticket: Ticket) -> Operation:
        self.operations += 1
        return self.desk.plan(f"operation-{self.operations:05}", change, ticket)

    def close(self) -> None:
        self.desk.close()
        self.running.stop()


class Planner(RuleBasedStateMachine):
    """One ticket, on which wishes are carried out while people edit and reply."""

    def __init__(self, account: Account) -> None:
        super().__init__()
        self.at = account
        self.number = account.customer("Charged twice", "Please refund the invoice.")
        self.ref = TicketRef("acme", self.number)
        self.memory = Memory()

    @rule(wanted=wishes)
    def carry_out(self, wanted: dict[str, Any]) -> None:
        """Undisturbed, the ticket becomes what the model says; every step can be found; nothing is left to do."""
        before = self._read()
        change = self.at.wish(wanted, before, self.memory)
        operation = self.at.plan(change, before)
        seen: Ticket | None = None
        for step in operation.steps:
            seen = self.at.desk.perform(step, seen).seen
            assert self.at.desk.find(step) is not None
        after = self._read()
        assert shown(after) == shown(applied(change, before))
        assert notes(after) - notes(before) == (change.note is not None)
        assert self.at.plan(replace(change, note=None), after).steps == ()

    @rule(wanted=wishes, edit=edits, done=st.integers(0, 3))
    def carry_out_while_a_person_edits(self, wanted: dict[str, Any], edit: dict[str, Any], done: int) -> None:
        """The edit stands; what it did not touch is as the wish would have it, or the wish is told to be too late."""
        before = self._read()
        change = self.at.wish(wanted, before, self.memory)
        steps = self.at.plan(change, before).steps
        for step in steps[:done]:
            self.at.desk.perform(step, None)
        unedited = self._read()
        self._edit(edit)
        edited = self._read()
        try:
            for step in steps[done:]:
                self.at.desk.perform(step, None)
        except Conflict:
            change = Change()
        after = self._read()
        theirs = {name for name, value in shown(edited).items() if value != shown(unedited)[name]} - {"tags"}
        want = shown(applied(change, edited)) | {name: shown(edited)[name] for name in theirs}
        if change == Change():  # how far it came before the conflict is not told
            want = {name: want[name] for name in theirs}
        assert {name: shown(after)[name] for name in want if name != "tags"} == {
            n: v for n, v in want.items() if n != "tags"
        }
        assert after.tags >= (edited.tags - unedited.tags) - change.remove_tags

    @rule(edit=edits)
    def edit(self, edit: dict[str, Any]) -> None:
        self._edit(edit)

    @rule()
    def reply(self) -> None:
        self.at.clock.turn(2)
        self.at.customer("", "Any news?", ticket=self.number)

    def _edit(self, edit: dict[str, Any]) -> None:
        self.at.clock.turn(2)
        whose = edit.get("whose")
        given = {"assignee": whose, "team": TEAM_OF[whose]} if whose else {}
        rest = {name: value for name, value in edit.items() if name != "whose"}
        if "priority" in edit:  # Intercom's own, which only people set, hides the attribute that we write
            self.memory = Memory(held=frozenset({"priority"}))
        if given or rest:
            self.at.agent(self.number, set={**given, **rest})

    def _read(self) -> Ticket:
        self.at.clock.turn(2)
        return self.at.desk.fetch(self.ref)


def shown(ticket: Ticket) -> dict[str, object]:
    """What the model speaks of. Desks open a new ticket by themselves once somebody has it."""
    return {
        "assignee": ticket.assignee_id,
        "team": ticket.team_id,
        "priority": ticket.priority,
        "status": Status.OPEN if ticket.status is Status.NEW else ticket.status,
        "type": ticket.type,
        "tags": ticket.tags,
    }


def notes(ticket: Ticket) -> int:
    return sum("Look here" in message.text for message in ticket.messages)


@pytest.fixture(params=sorted(SANDBOXES))
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    made = Account(request.param, Clock())
    yield made
    made.close()


def test_what_is_planned_and_performed_is_what_the_model_says(account: Account) -> None:
    run_state_machine_as_test(
        partial(Planner, account),  # type: ignore[arg-type]  # it calls whatever makes a machine
        settings=settings(
            max_examples=12, stateful_step_count=10, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
