"""Whom the policy's names mean at a desk, and what each person already carries over all desks."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import rules
from bridge.binding import Binding, bind, members_now
from bridge.model import AgentRecord, AgentStatus, Member, Roster, TeamRecord
from tests.conftest import Clock

POLICY = """
policy: deskbridge/v1
mode: live
teams:
  billing: {members: {ana: {capacity: 3}, bo: {capacity: 4}}}
  general: {members: {ana: {capacity: 3}}}
triage:
  intent: {act: 0.8, suggest: 0.5}
  words: {billing: [invoice]}
route:
  - {name: everything, to: {team: billing}}
bindings:
  acme: {teams: {billing: Money}, agents: {ana: ANA@acme.example}}
"""

loads = st.none() | st.integers(0, 9)
records = st.builds(
    AgentRecord, id=st.just("7"), name=st.just("Ana"), status=st.sampled_from(AgentStatus), load=loads, limit=loads
)


def desk(name: str, record: AgentRecord | None) -> Binding:
    return Binding(name, {}, {"ana": record} if record else {}, {}, ())


@given(st.lists(st.none() | records, min_size=1, max_size=3), st.lists(st.integers(0, 4), min_size=3, max_size=3),
       st.integers(0, 9))  # fmt: skip
def test_a_persons_load_is_what_all_desks_count_and_all_promises_since(
    found: list[AgentRecord | None], promises: list[int], capacity: int
) -> None:
    everywhere = [desk(f"desk-{n}", record) for n, record in enumerate(found)]
    promised = {(binding.desk, "ana"): count for binding, count in zip(everywhere, promises, strict=False) if count}
    (agent,) = members_now([Member("ana", capacity)], everywhere[0], everywhere, promised)
    counted = [record.load for record in found if record and record.load is not None]
    assert (agent.load or 0) == sum(counted) + sum(promised.values())
    assert (agent.load is None) == (not counted and not promised)
    assert agent.capacity <= capacity
    here = found[0]
    assert (agent.id, agent.status) == (("7", here.status) if here else (None, AgentStatus.GONE))
    if here and here.limit is not None:
        at_desk = (here.load or 0) + promised.get(("desk-0", "ana"), 0)
        room_of_desk, room_of_person = here.limit - at_desk, capacity - (agent.load or 0)
        assert max(0, agent.capacity - (agent.load or 0)) == max(0, min(room_of_desk, room_of_person))
    else:
        assert agent.capacity == capacity


def test_a_promise_at_a_desk_where_the_person_is_unknown_counts_too() -> None:
    everywhere = [desk("acme", AgentRecord("7", "Ana", load=1)), desk("globex", None)]
    (agent,) = members_now([Member("ana", 5)], everywhere[0], everywhere, {("globex", "ana"): 2})
    assert agent.load == 3


def roster(**more: Any) -> Roster:
    agents = (AgentRecord("7", "Ana Alvarez", email="ana@ACME.example"), AgentRecord("8", "BO"))
    return Roster("acme", Clock().now, agents, (TeamRecord("10", "money"),), **more)


def test_names_are_found_by_binding_mail_or_name_whatever_their_case() -> None:
    found = bind(rules.loads(POLICY), roster())
    assert found.team_ids == {"billing": "10"}
    assert {name: record.id for name, record in found.agents.items()} == {"ana": "7", "bo": "8"}
    assert found.names == {"7": "Ana Alvarez", "8": "BO"}


def test_each_name_that_is_missing_is_told_once_with_what_there_is() -> None:
    policy = rules.loads(POLICY.replace("ANA@acme.example", "ann@acme.example").replace("Money", "Cash"))
    assert bind(policy, roster()).missing == (
        "team 'billing' (bound to 'Cash') is not on desk 'acme', which has: money",
        "agent 'ana' (bound to 'ann@acme.example') is not on desk 'acme', which has: BO, ana@ACME.example",
        "team 'general' is not on desk 'acme', which has: money",
    )
