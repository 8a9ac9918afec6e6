"""What holds of every run: nothing is lost, nobody works twice at once or out of hours, the same is always the same."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import Case, Channel
from bridge.routing import Norms, Strategy
from deskbridge.simulation.comparing import BASELINES, at_arrival
from deskbridge.simulation.figures import measured
from deskbridge.simulation.replay import replay
from rules import LoadedPolicy, cases
from rules.schema import Given
from tests.simulation.worlds import MINUTE, MONDAY, job, policy, scenes, team, world

TEAM = policy()
WAYS = [TEAM, *(at_arrival(TEAM, strategy) for strategy in BASELINES.values())]
OFFICE = {"office": {"timezone": "UTC", "hours": {"mon-fri": ["09:00-12:00", "13:00-17:00"]}}}
SEEDS = st.integers(0, 1_000)


@pytest.mark.parametrize("way", WAYS, ids=["late", *BASELINES])
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_every_ticket_is_answered_as_often_as_its_customer_writes_and_no_work_is_lost(
    way: LoadedPolicy, seed: int
) -> None:
    made = scenes().world(seed)
    run = replay(way, made)
    assert [(fate.job, fate.answers) for fate in run.fates] == [(one, len(one.work)) for one in made.jobs]
    assert all(fate.done_at is not None and len(fate.waits) == fate.answers for fate in run.fates)
    assert min((wait for fate in run.fates for wait in fate.waits), default=0.0) >= 0
    assert run.handovers == 0
    assert sum(run.worked.values()) == pytest.approx(sum(sum(one.work) for one in made.jobs))


@pytest.mark.parametrize("strategy", [None, *BASELINES.values()])
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_one_agent_is_done_when_lindley_says_whatever_the_order(strategy: Strategy | None, seed: int) -> None:
    alone = policy(teams={"care": team("ana")})
    way = alone if strategy is None else at_arrival(alone, strategy)
    made = scenes(arrivals={"mon": {"08:00-12:00": 5}}, tickets=[{"share": 1}]).world(seed)
    free = MONDAY
    for one in made.jobs:
        free = max(free, one.at) + sum(one.work) * MINUTE
    ended = max((fate.done_at for fate in replay(way, made).fates if fate.done_at), default=MONDAY)
    assert abs(ended - free) < MINUTE / 1_000


def test_a_world_gives_the_same_run_each_time_and_a_seed_the_same_world() -> None:
    made = scenes().world(7)
    assert scenes().world(7).jobs[0].at == made.jobs[0].at != scenes().world(8).jobs[0].at
    assert [one.work for one in scenes().world(7).jobs] == [one.work for one in made.jobs]
    assert measured(replay(TEAM, made)) == measured(replay(TEAM, made))


def test_an_agents_pace_is_the_same_whoever_else_there_is_and_differs_by_seed() -> None:
    one, other = (replace(scenes().world(seed), spread=0.3) for seed in (1, 2))
    assert one.pace("ana") == one.pace("ana") != one.pace("bo")
    assert one.pace("ana") != other.pace("ana")


def test_nothing_is_begun_out_of_hours_and_a_weekend_is_no_time_that_anybody_was_promised() -> None:
    office = policy(
        teams={"care": team("ana", calendar="office")}, calendars=OFFICE, sla={"first_response": {"normal": "11m"}}
    )
    saturday, lunch = job(5 * 24 + 10), job(12.1)
    run = replay(office, world(lunch, saturday, days=8))
    assert [fate.first_at for fate in run.fates] == [
        MONDAY + timedelta(hours=13, minutes=10),
        MONDAY + timedelta(days=7, hours=9, minutes=10),
    ]
    found = measured(run)
    assert found["sla_kept"] == 100
    assert found["first_response"] == pytest.approx(10 / 60)
    assert run.present == {"ana": (5 * 7 + 7) * 60}
    assert found["utilisation"] == pytest.approx(100 * 20 / (42 * 60))


def test_a_promise_that_nobody_can_keep_is_broken() -> None:
    hasty = policy(sla={"first_response": {"normal": "9m"}})
    assert measured(replay(hasty, world(job(1))))["sla_kept"] == 0


def test_a_ticket_whose_agent_has_gone_is_handed_over_and_the_other_reads_up_on_it() -> None:
    calendars = {day: {"timezone": "UTC", "hours": {day: ["09:00-17:00"]}} for day in ("mon", "tue")}
    members = {name: {"capacity": 5, "calendar": day} for name, day in (("ana", "mon"), ("bo", "tue"))}
    given_back = {"members": members, "when_away": "hand_back", "grace": "1m"}
    shared = replay(
        policy(teams={"care": given_back}, calendars=calendars), world(job(10, (20.0, 5.0), (20 * 60.0,)), days=14)
    )
    kept = replay(
        policy(teams={"care": given_back | {"when_away": "keep"}}, calendars=calendars),
        world(job(10, (20.0, 5.0), (20 * 60.0,)), days=14),
    )
    assert (shared.handovers, kept.handovers) == (1, 0)
    assert shared.worked["bo"] == pytest.approx(5 + Norms().handover + Norms().reread * 20)
    assert kept.worked == {"ana": pytest.approx(25.0), "bo": 0.0}
    assert measured(shared)["resolution"] < measured(kept)["resolution"]


def test_juggling_costs_who_is_given_everything_at_once_and_not_who_has_one_ticket_in_hand() -> None:
    alone = policy(teams={"care": team("ana")})
    flood = replace(world(*(job(1) for _ in range(4))), juggling=0.1)
    late, robin = (replay(way, flood) for way in (alone, at_arrival(alone, Strategy.ROUND_ROBIN)))
    assert late.worked["ana"] == pytest.approx(40.0)
    assert robin.worked["ana"] == pytest.approx(10 * (1.0 + 1.2 + 1.1 + 1.0)), "the first was begun before they came"


def test_what_the_policy_leaves_alone_is_counted_apart() -> None:
    spam = [{"share": 1, "given": {"intent": "spam"}}]
    made = scenes(tickets=spam).world(0)
    run = replay(TEAM, made)
    assert (len(run.fates), run.left_alone) == (0, len(made.jobs))


def test_a_ticket_that_nobody_can_have_is_never_answered_and_waits_to_the_end() -> None:
    always_leaving = {"short": {"timezone": "UTC", "hours": {"mon-sun": ["09:00-09:10"]}}}
    run = replay(policy(teams={"care": team("ana", calendar="short")}, calendars=always_leaving), world(job(1), days=1))
    found = measured(run)
    assert found["unanswered"] == 100
    assert found["resolution"] == pytest.approx(14 * 24, abs=24)


def test_a_second_agent_makes_nobody_wait_longer_where_all_come_at_once() -> None:
    flood = world(*(job(1, (minutes,)) for minutes in (5.0, 20.0, 9.0, 14.0)))
    alone = replay(policy(teams={"care": team("ana")}), flood)
    both = replay(TEAM, flood)
    assert measured(both)["waiting"] < measured(alone)["waiting"]
    ends = sorted(fate.done_at for fate in alone.fates if fate.done_at)
    assert all(later - sooner >= 5 * MINUTE for sooner, later in pairwise(ends)), "one answer at a time"


def test_a_ticket_given_on_arrival_is_written_once_and_one_that_waits_twice() -> None:
    alone = policy(teams={"care": team("ana")})
    flood = world(*(job(1) for _ in range(4)))
    assert replay(alone, flood).writes == 1 + 2 * 3
    assert replay(at_arrival(alone, Strategy.BALANCED), flood).writes == 4


def test_nobody_is_given_more_of_a_channel_at_once_than_their_limit() -> None:
    def chat(read_by: LoadedPolicy) -> Case:
        return cases.case_of(read_by, Given(channel=Channel.CHAT))

    made = world(*(replace(job(1), ask=chat) for _ in range(2)))
    for limits, waits in (({}, 0), ({"chat": 1}, 1), ({"email": 1}, 0)):
        ana = {"capacity": 9, "channels": limits}
        run = replay(policy(teams={"care": {"slots": 2, "members": {"ana": ana}}}), made)
        assert run.writes == len(made.jobs) + waits  # who waits has the team written first
