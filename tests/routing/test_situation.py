"""What the router is asked: people over all their teams and desks, tickets with who may have them by and by."""

from datetime import datetime, timedelta
from math import inf
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import rules
from bridge.binding import Binding
from bridge.model import (
    LANGUAGE,
    AgentRecord,
    AgentStatus,
    Channel,
    Place,
    PlaceState,
    Priority,
    Relaxation,
    Target,
    TicketRef,
    Wait,
)
from bridge.queueing import look
from bridge.routing import LiveAgent, Ring, WaitingTicket
from bridge.situation import AT_WORK, Situation, seat, snapshot, speaking
from tests.conftest import Clock

POLICY = """
policy: deskbridge/v1
mode: live
calendars:
  day: {timezone: UTC, hours: {mon-sun: ["08:00-16:00"]}}
teams:
  billing:
    slots: 2
    calendar: day
    members: {ana: {capacity: 3, skills: [refunds], languages: [fr]}, bo: {capacity: 4}}
  general: {members: {ana: {capacity: 5, skills: [api]}, cy: {capacity: 9, channels: {chat: 1}}}}
sla:
  first_response: {normal: 2h, urgent: 30m}
  tiers: {enterprise: {normal: 1h}}
route:
  - {name: api, when: {subject: api}, to: {team: general, skills: [api]}}
  - {name: everything, to: {team: billing, skills: [refunds]}}
"""
POLICY_READ = rules.loads(POLICY)
NOON = Clock().now.replace(hour=12, minute=0, second=0, microsecond=0)

loads = st.none() | st.integers(0, 9)
records = st.builds(
    AgentRecord, id=st.just("7"), name=st.just("Ana"), status=st.sampled_from(AgentStatus), load=loads, limit=loads
)


def desk(name: str, record: AgentRecord | None) -> Binding:
    return Binding(name, {"billing": "1", "general": "2"}, {"ana": record} if record else {}, {}, ())


def situation(*desks: Binding, now: datetime = NOON, promised: dict[tuple[str, str], int] | None = None) -> Situation:
    return Situation(POLICY_READ, {one.desk: one for one in desks}, promised or {}, {}, now)


def agent(found: Situation, name: str = "ana") -> LiveAgent:
    return next(one for one in snapshot(found, []).agents if one.name == name)


def everybody(**status: AgentStatus) -> Binding:
    found = {
        name: AgentRecord(name, name, status=status.get(name, AgentStatus.ONLINE), load=0)
        for name in ("ana", "bo", "cy")
    }
    return Binding("acme", {"billing": "1", "general": "2"}, found, {}, ())


def asked(found: Situation, target: Target, **wait: Any) -> WaitingTicket:
    since = wait.pop("since", found.now)
    place = Place(TicketRef("acme", "1"), PlaceState.WAITING, Wait(target, since, **wait))
    return snapshot(found, [place]).tickets[0]


@given(st.lists(st.none() | records, min_size=1, max_size=3), st.lists(st.integers(0, 4), min_size=3, max_size=3))
def test_a_persons_load_is_what_all_desks_count_and_all_promises_since(
    found: list[AgentRecord | None], promises: list[int]
) -> None:
    desks = [desk(f"desk-{n}", record) for n, record in enumerate(found)]
    promised = {(one.desk, "ana"): count for one, count in zip(desks, promises, strict=False) if count}
    ana = agent(situation(*desks, promised=promised))
    assert ana.load == len(ana.work) == sum(one.load or 0 for one in found if one) + sum(promised.values())
    assert ana.capacity == 3
    for one, record in zip(desks, found, strict=True):
        held = (record.load or 0 if record else 0) + promised.get((one.desk, "ana"), 0)
        room = record is not None and record.status in AT_WORK and (record.limit is None or held < record.limit)
        assert (seat(one.desk) in ana.skills) == room
    assert ana.available == any(one is not None and one.status in AT_WORK for one in found)


def test_a_person_has_the_skills_of_all_their_teams_and_works_where_it_is_open() -> None:
    ana = agent(situation(everybody()))
    assert {"refunds", "api", speaking("fr")} <= ana.skills
    assert (ana.teams, ana.shift_left) == (frozenset({"billing", "general"}), inf)
    late = agent(situation(everybody(), now=NOON + timedelta(hours=6)))
    assert late.teams == {"general"}
    bo = agent(situation(everybody(), now=NOON + timedelta(hours=6)), "bo")
    assert (bo.available, bo.gone, bo.back_in) == (False, 120.0, 840.0)
    assert agent(situation(everybody()), "bo").shift_left == 240.0


def test_who_is_away_has_gone_since_we_saw_it_and_nobody_knows_for_how_long() -> None:
    away = AgentRecord("ana", "ana", status=AgentStatus.AWAY, since=NOON - timedelta(minutes=25))
    ana = agent(situation(desk("acme", away)))
    assert (ana.available, ana.gone, ana.back_in) == (False, 25.0, inf)


def test_a_ticket_waits_in_open_hours_for_what_is_promised_to_its_tier() -> None:
    found = situation(everybody(), now=NOON)
    ticket = asked(found, Target("r", "billing"), since=NOON - timedelta(hours=20), tier="enterprise")
    assert (ticket.waited, ticket.promise, ticket.due_in) == (240.0, 60.0, -180.0)
    urgent = asked(found, Target("r", "billing"), since=NOON, priority=Priority.URGENT)
    assert (urgent.promise, urgent.due_in) == (30.0, 30.0)
    assert urgent.weight > ticket.weight
    assert asked(found, Target("r", "billing"), answered=True).due_in is None


def test_skills_are_given_up_and_another_team_asked_in_the_order_of_the_rule() -> None:
    relax = (Relaxation(timedelta(minutes=30), frozenset({"refunds"})),)
    target = Target("r", "billing", frozenset({"refunds"}), "general", timedelta(hours=1), relax=relax)
    here = seat("acme")
    rings = asked(situation(everybody()), target).rings
    assert rings == (
        Ring(frozenset({"billing"}), frozenset({"refunds", here}), 0.0),
        Ring(frozenset({"billing"}), frozenset({here}), 30.0, "no longer asks for refunds"),
        Ring(
            frozenset({"billing", "general"}),
            frozenset({here}),
            60.0,
            "no longer asks for refunds; general may take it",
        ),
    )


def test_another_team_is_asked_at_once_where_nobody_of_its_own_is_there() -> None:
    target = Target("r", "billing", frozenset({"refunds"}), "general", timedelta(hours=1))
    (first, *_) = asked(situation(everybody(ana=AgentStatus.OFFLINE)), target).rings
    assert (first.teams, first.after) == (frozenset({"billing", "general"}), 0.0)


def test_a_language_that_somebody_in_the_team_has_is_asked_for_and_no_other() -> None:
    found = situation(everybody())
    assert speaking("fr") in asked(found, Target("r", "billing"), language="fr").rings[0].skills
    assert asked(found, Target("r", "billing"), language="de").rings[0].skills == {seat("acme")}


def test_who_may_not_have_a_ticket_is_told_why() -> None:
    place = Place(TicketRef("acme", "1"), PlaceState.WAITING, Wait(Target("r", "billing"), NOON, channel=Channel.EMAIL))
    away = look(situation(everybody(ana=AgentStatus.AWAY, bo=AgentStatus.OFFLINE)), place)
    assert {one.name: one.because for one in away.candidates} == {"ana": "away", "bo": "offline"}
    assert away.agent is None
    closed = look(situation(everybody(), now=NOON + timedelta(hours=8)), place)
    assert {one.because for one in closed.candidates if one.name == "bo"} == {
        f"off shift until {NOON + timedelta(days=1):%a} 08:00 UTC"
    }


def test_who_is_at_a_desk_is_present_since_then_in_their_hours() -> None:
    here = AgentRecord("ana", "ana", status=AgentStatus.ONLINE, since=NOON - timedelta(hours=6))
    assert agent(situation(desk("acme", here))).present == 360.0
    bo = Binding("acme", {}, {"bo": here}, {}, ())
    assert agent(situation(bo), "bo").present == 240.0
    assert agent(situation(desk("acme", None))).present == 0.0


CHAIN = """
policy: deskbridge/v1
teams:
  billing: {overflow: general, members: {ana: {capacity: 3, languages: [fr]}}}
  general: {overflow: night, members: {bo: {capacity: 4}}}
  night: {overflow: billing, members: {cy: {capacity: 9, channels: {chat: 3}}, dee: {capacity: 9}}}
  phones: {members: {cy: {capacity: 9, channels: {chat: 1, email: 2}}}}
route: [{name: everything, to: {team: billing}}]
"""


def chained(**status: AgentStatus) -> Situation:
    found = everybody(**status)
    return Situation(rules.loads(CHAIN), {"acme": found}, {}, {}, NOON)


def test_a_team_that_takes_over_overflows_in_its_turn_and_a_circle_ends() -> None:
    asked_for = Target("r", "billing", then="general")
    assert [(set(ring.teams), ring.after) for ring in asked(chained(), asked_for).rings] == [
        ({"billing"}, 0.0),
        ({"billing", "general"}, 15.0),
        ({"billing", "general", "night"}, 30.0),
    ]
    gone = chained(ana=AgentStatus.OFFLINE, bo=AgentStatus.AWAY)
    place = Place(TicketRef("acme", "1"), PlaceState.WAITING, Wait(asked_for, gone.now))
    given_to = look(gone, place)
    assert (given_to.team, given_to.agent) == ("night", "cy")


def test_who_takes_a_ticket_over_is_told_from_whom_and_who_had_it_before_is_not() -> None:
    for known, words in (
        ("ana", "taken over from ana; the only one free who can"),
        ("bo", "the only one free who can"),
    ):
        wait = Wait(Target("r", "general"), NOON, answered=True, last_agent=known)
        found = look(chained(ana=AgentStatus.OFFLINE), Place(TicketRef("acme", "1"), PlaceState.WAITING, wait))
        assert (found.agent, found.because) == ("bo", words)


def test_a_language_is_given_up_where_the_rule_says_so_and_only_then() -> None:
    gone = chained(ana=AgentStatus.OFFLINE)
    kept = Target("r", "billing", then="general")
    relaxed = Target("r", "billing", then="general", relax=(Relaxation(timedelta(hours=1), frozenset({LANGUAGE})),))
    for target, hours, agent in ((kept, 9, None), (relaxed, 0.9, None), (relaxed, 1.1, "bo")):
        wait = Wait(target, gone.now - timedelta(hours=hours), language="fr")
        assert look(gone, Place(TicketRef("acme", "1"), PlaceState.WAITING, wait)).agent == agent


def test_somebody_in_two_teams_has_the_smaller_limit_of_each_channel() -> None:
    assert agent(chained(), "cy").channels == {"chat": 1, "email": 2}
