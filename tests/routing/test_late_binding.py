"""What an operations lead expects of the router, one situation a test."""

from dataclasses import replace

import pytest

from bridge.routing import LiveAgent, Norms, Plan, Ring, Rules, Snapshot, Strategy, WaitingTicket, WhenAway, Work, route

BILLING = frozenset({"billing"})
TECH = frozenset({"tech"})
FRENCH = frozenset({"french"})
LATE = {"billing": Rules()}
NORMS = Norms()


def agent(name: str, *, busy: float = 0.0, **more: object) -> LiveAgent:
    """An agent of the billing team, at work on something for so many minutes more, or on nothing."""
    work = (Work(f"{name}'s", busy),) if busy else ()
    return replace(LiveAgent(name, BILLING, load=len(work), work=work), **more)  # type: ignore[arg-type] # by name


def ticket(name: str, **more: object) -> WaitingTicket:
    """A ticket for anybody in billing."""
    return replace(WaitingTicket(name, "billing", "refund", (Ring(BILLING),)), **more)  # type: ignore[arg-type] # by name


def plan(
    tickets: list[WaitingTicket], agents: list[LiveAgent], norms: Norms = NORMS, rules: dict[str, Rules] = LATE
) -> Plan:
    return route(Snapshot(tuple(tickets), tuple(agents), norms, rules))


def given(found: Plan) -> dict[str, str | None]:
    return {placement.ticket: placement.agent for placement in found.placements}


def test_a_ticket_waits_until_somebody_is_free_rather_than_in_a_busy_agents_hands() -> None:
    found = plan([ticket("t")], [agent("ana", busy=5), agent("bo", busy=9)])
    assert given(found) == {}
    assert found.waiting == {"t": "2 busy"}
    assert found.wake_in is not None


def test_two_slots_give_a_busy_agent_the_next_ticket_ahead() -> None:
    found = plan([ticket("t")], [agent("ana", busy=5)], rules={"billing": Rules(slots=2)})
    assert given(found) == {"t": "ana"}


def test_among_equals_the_one_whose_promise_is_nearer_comes_first() -> None:
    soon, later = ticket("soon", due_in=10.0, promise=240.0), ticket("later", due_in=200.0, promise=240.0, waited=300.0)
    assert given(plan([later, soon], [agent("ana")])) == {"soon": "ana"}


def test_a_customer_of_more_weight_comes_before_one_who_is_as_near_to_the_promise() -> None:
    usual, vip = ticket("usual", due_in=60.0, promise=240.0), ticket("vip", due_in=60.0, promise=240.0, weight=4.0)
    assert given(plan([usual, vip], [agent("ana")])) == {"vip": "ana"}


def test_of_two_alike_the_one_that_takes_less_time_comes_first() -> None:
    norms = Norms({"refund": 20.0, "address": 4.0})
    assert given(plan([ticket("long"), ticket("short", topic="address")], [agent("ana")], norms)) == {"short": "ana"}


def test_the_quicker_agent_gets_it_and_the_plan_says_so() -> None:
    found = plan([ticket("t")], [agent("ana", minutes={"refund": 20.0}), agent("bo", minutes={"refund": 8.0})])
    assert given(found) == {"t": "bo"}
    assert found.placements[0].because == "quicker than ana: 12 min less"


def test_the_only_french_speaker_is_kept_free_of_what_others_can_do() -> None:
    norms = Norms({"refund": 10.0}, demand={("refund", frozenset()): 0.7, ("refund", FRENCH): 0.3})
    agents = [agent("ana", skills=FRENCH, minutes={"refund": 9.0}), agent("bo", minutes={"refund": 10.0})]
    found = plan([ticket("english")], agents, norms)
    assert given(found) == {"english": "bo"}
    assert found.placements[0].because == "keeps ana free for what fewer can do"


def test_under_pressure_a_follow_up_waits_for_its_agent_and_on_a_calm_day_a_free_colleague_takes_it() -> None:
    known, agents = ticket("t", followup=True, last_agent="ana"), [agent("ana", busy=5.0), agent("bo")]
    assert given(plan([known], agents)) == {"t": "bo"}
    others = [ticket(f"t{number}", rings=(Ring(TECH),)) for number in range(8)]
    assert plan([known, *others], agents).waiting["t"] == "waits about 5 min for ana, who answered it last"


def test_after_an_hour_a_follow_up_waits_for_its_agent_no_longer() -> None:
    known = ticket("t", followup=True, last_agent="ana", waited=61.0)
    others = [ticket(f"t{number}", rings=(Ring(TECH),)) for number in range(8)]
    assert given(plan([known, *others], [agent("ana", busy=5.0), agent("bo")])) == {"t": "bo"}


def test_a_follow_up_goes_to_another_when_its_agent_is_long_away() -> None:
    away = agent("ana", available=False, back_in=900.0)
    assert given(plan([ticket("t", followup=True, last_agent="ana")], [away, agent("bo")])) == {"t": "bo"}


def test_skills_are_given_up_in_the_written_order_as_time_goes_by() -> None:
    rings = (Ring(BILLING, FRENCH), Ring(BILLING, after=30.0), Ring(BILLING | TECH, after=60.0))
    cy = replace(agent("cy"), teams=TECH)
    for waited, expected in ((0.0, {}), (30.0, {"t": "bo"})):
        assert given(plan([ticket("t", rings=rings, waited=waited)], [agent("bo"), cy])) == expected
    assert given(plan([ticket("t", rings=rings, waited=60.0)], [agent("bo", busy=9), cy])) == {"t": "cy"}


def test_it_wants_to_be_asked_again_when_the_next_ring_is_reached() -> None:
    rings = (Ring(BILLING, FRENCH), Ring(BILLING, after=30.0))
    found = plan([ticket("t", rings=rings, waited=28.0)], [agent("bo")])
    assert found.waiting == {"t": "1 lack a skill"}
    assert found.wake_in == 2.0


@pytest.mark.parametrize(
    ("when_away", "gone", "expected"),
    [
        (WhenAway.HAND_BACK, 30.0, {"t": None}),
        (WhenAway.HAND_BACK, 5.0, {}),
        (WhenAway.KEEP, 30.0, {}),
        (WhenAway.REASSIGN, 30.0, {}),
    ],
)
def test_what_an_agent_who_has_gone_still_holds_follows_the_teams_rule(
    when_away: WhenAway, gone: float, expected: dict[str, str | None]
) -> None:
    away = agent("ana", available=False, gone=gone, back_in=600.0, load=1)
    rules = {"billing": Rules(when_away=when_away, grace=10.0)}
    assert given(plan([ticket("t", holder="ana")], [away], rules=rules)) == expected


@pytest.mark.parametrize("when_away", [WhenAway.HAND_BACK, WhenAway.REASSIGN])
def test_a_free_colleague_takes_over_from_an_agent_who_has_gone(when_away: WhenAway) -> None:
    away = agent("ana", available=False, gone=30.0, back_in=600.0, load=1)
    rules = {"billing": Rules(when_away=when_away)}
    assert given(plan([ticket("t", holder="ana")], [away, agent("bo")], rules=rules)) == {"t": "bo"}


def test_what_has_just_been_moved_stays_and_who_comes_back_soon_keeps_their_tickets() -> None:
    rules = {"billing": Rules(when_away=WhenAway.HAND_BACK, settle=30.0, guard=15.0)}
    for moved, back_in, expected in ((29.0, 600.0, {}), (30.0, 600.0, {"t": None}), (None, 15.0, {})):
        away = agent("ana", available=False, gone=60.0, back_in=back_in, load=1)
        assert given(plan([ticket("t", holder="ana", moved=moved)], [away], rules=rules)) == expected


def test_who_is_about_to_begin_a_ticket_keeps_it_whoever_else_is_free() -> None:
    tickets = [ticket("t", holder="ana"), *(ticket(f"t{number}", rings=(Ring(TECH),)) for number in range(8))]
    for minutes, expected in ((2.0, {}), (90.0, {"t": "bo"})):
        assert given(plan(tickets, [replace(agent("ana", busy=minutes), load=2), agent("bo")])) == expected


def test_what_is_long_late_holds_back_nothing_that_can_still_be_in_time() -> None:
    hopeless = ticket("hopeless", waited=600.0, due_in=-540.0, promise=60.0)
    in_time = ticket("in time", waited=50.0, due_in=1.0, promise=60.0, weight=1.6)
    assert given(plan([hopeless, in_time], [agent("ana")])) == {"in time": "ana"}


def test_it_wants_to_be_asked_again_when_somebody_comes_back() -> None:
    found = plan([ticket("t")], [agent("ana", available=False, back_in=3.0)])
    assert (found.waiting, found.wake_in) == ({"t": "1 not available"}, 3.0)


def test_nothing_is_given_just_before_a_shift_ends() -> None:
    found = plan([ticket("t")], [agent("ana", shift_left=14.0)])
    assert found.waiting == {"t": "1 about to leave"}
    assert given(plan([ticket("t")], [agent("ana", shift_left=16.0)])) == {"t": "ana"}


def test_who_has_had_far_more_than_the_others_is_passed_over_while_another_can() -> None:
    shares = [agent("ana", worked=300.0, present=480.0), agent("bo", worked=90.0, present=480.0)]
    quick = replace(shares[0], minutes={"refund": 2.0})
    found = plan([ticket("t")], [quick, shares[1]])
    assert given(found) == {"t": "bo"}
    assert found.placements[0].because == "ana has had more than their share"
    assert given(plan([ticket("t")], [quick, replace(shares[1], available=False)])) == {"t": "ana"}


def test_a_share_is_of_the_work_of_the_team_however_idle_the_others_are() -> None:
    ana = agent("ana", worked=470.0, present=480.0, minutes={"refund": 5.0})
    bo = agent("bo", worked=130.0, present=480.0)
    idle = [replace(agent(f"cy{number}", worked=5.0, present=480.0), teams=TECH) for number in range(10)]
    assert given(plan([ticket("t")], [ana, bo, *idle])) == {"t": "bo"}


def test_a_channel_that_is_full_for_an_agent_goes_to_another() -> None:
    chatting = agent("ana", channels={"chat": 1}, work=(Work("c", 5.0, "chat"),), load=1)
    rules = {"billing": Rules(slots=3)}
    chat = ticket("t", channel="chat")
    assert given(plan([chat], [chatting], rules=rules)) == {}
    assert given(plan([ticket("t", channel="email")], [chatting], rules=rules)) == {"t": "ana"}


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [(Strategy.ROUND_ROBIN, "ana"), (Strategy.LEAST_LOADED, "bo"), (Strategy.BALANCED, "cy")],
)
def test_assigned_at_arrival_the_strategy_names_the_agent(strategy: Strategy, expected: str) -> None:
    agents = [
        agent("ana", load=5, capacity=6, idle=60.0),
        agent("bo", load=1, capacity=2, idle=10.0),
        agent("cy", load=2, capacity=20, idle=5.0),
    ]
    found = plan([ticket("t")], agents, rules={"billing": Rules(strategy=strategy)})
    assert given(found) == {"t": expected}


def test_in_the_morning_the_first_to_come_is_not_given_what_waits_for_everybody() -> None:
    early, due = agent("ana", capacity=9), agent("bo", available=False, back_in=5.0)
    rules = {"billing": Rules(strategy=Strategy.BALANCED)}
    night = [ticket(f"t{number}") for number in range(6)]
    assert len(given(plan(night, [early, due], rules=rules))) == 1
    both = plan(night, [early, replace(due, available=True, back_in=0.0)], rules=rules)
    assert sorted(map(str, given(both).values())) == ["ana"] * 3 + ["bo"] * 3


def test_a_ticket_that_nobody_may_have_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one ring"):
        ticket("t", rings=())
