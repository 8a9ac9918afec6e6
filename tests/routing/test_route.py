"""Laws of the router: whom it may choose, whom it must, what it leaves alone, and that its reasons are true."""

import random
from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.routing import LiveAgent, Norms, Plan, Ring, Rules, Snapshot, Strategy, WaitingTicket, matching, route
from bridge.routing.planning import PATIENCE
from bridge.routing.worth import urgency
from tests.routing.worlds import NAMES, snapshots

TEAM = frozenset({"billing"})
ANYBODY = (Ring(TEAM),)

LAW = settings(deadline=None)


def ring_of(ticket: WaitingTicket) -> Ring:
    return [ring for ring in ticket.rings if ring.after <= ticket.waited][-1]


def after(asked: Snapshot, plan: Plan) -> dict[str, str | None]:
    """In whose hands every ticket is once the plan is carried out."""
    placed = {one.ticket: one.agent for one in plan.placements}
    return {ticket.id: placed.get(ticket.id, ticket.holder) for ticket in asked.tickets}


def has_room(asked: Snapshot, plan: Plan, agent: LiveAgent, ticket: WaitingTicket) -> bool:
    """Whether an agent has room for one ticket more once the plan is carried out."""
    hands = after(asked, plan)
    held = [one for one in asked.tickets if hands[one.id] == agent.name]
    before = sum(one.holder == agent.name for one in asked.tickets)
    channel = sum(work.channel == ticket.channel for work in agent.work) + sum(
        one.channel == ticket.channel for one in held
    )
    rules = asked.rules[ticket.team]
    return (
        agent.load - before + len(held) < agent.capacity
        and channel < agent.channels.get(ticket.channel, channel + 1)
        and (rules.strategy is not Strategy.LATE or len(agent.work) + len(held) < rules.slots)
    )


def may_have(asked: Snapshot, agent: LiveAgent, ticket: WaitingTicket) -> bool:
    """Whether an agent who has room may be given a ticket."""
    ring = ring_of(ticket)
    return (
        not ring.teams.isdisjoint(agent.teams)
        and ring.skills <= agent.skills
        and agent.available
        and agent.shift_left > asked.rules[ticket.team].guard
    )


@LAW
@given(snapshots())
def test_nobody_is_given_what_they_may_not_have(asked: Snapshot) -> None:
    agents = {agent.name: agent for agent in asked.agents}
    tickets = {ticket.id: ticket for ticket in asked.tickets}
    for placement in route(asked).placements:
        if placement.agent is not None:
            assert may_have(asked, agents[placement.agent], tickets[placement.ticket])


@LAW
@given(snapshots())
def test_nobody_is_given_more_than_they_have_room_for(asked: Snapshot) -> None:
    plan = route(asked)
    hands = after(asked, plan)
    for agent in asked.agents:
        held = [ticket for ticket in asked.tickets if hands[ticket.id] == agent.name]
        gained = [ticket for ticket in held if ticket.holder != agent.name]
        if not gained:
            continue
        before = sum(ticket.holder == agent.name for ticket in asked.tickets)
        assert agent.load - before + len(held) <= agent.capacity
        channels = Counter([work.channel for work in agent.work] + [ticket.channel for ticket in held])
        for channel in {ticket.channel for ticket in gained} & agent.channels.keys():
            assert channels[channel] <= agent.channels[channel]
        late = [asked.rules[one.team].slots for one in gained if asked.rules[one.team].strategy is Strategy.LATE]
        if len(late) == len(gained):
            assert len(agent.work) + len(held) <= max(late)


@LAW
@given(snapshots(), st.randoms(use_true_random=False))
def test_the_same_snapshot_gives_the_same_plan_in_whatever_order_it_is_listed(
    asked: Snapshot, chance: random.Random
) -> None:
    agents, tickets = list(asked.agents), list(asked.tickets)
    chance.shuffle(agents)
    chance.shuffle(tickets)
    plan, other = route(asked), route(replace(asked, agents=tuple(agents), tickets=tuple(tickets)))
    assert plan == other


@LAW
@given(snapshots())
def test_what_a_person_assigned_is_never_moved(asked: Snapshot) -> None:
    theirs = {ticket.id for ticket in asked.tickets if ticket.by_human}
    assert theirs.isdisjoint(one.ticket for one in route(asked).placements)


def settling(asked: Snapshot) -> Snapshot:
    """The snapshot with every ticket in hands into which the router put it ten minutes ago."""
    holders = [agent.name for agent in asked.agents]
    tickets = (
        replace(one, holder=holders[number % len(holders)], by_human=False, moved=10.0)
        for number, one in enumerate(asked.tickets if holders else ())
    )
    return replace(asked, tickets=tuple(tickets))


@LAW
@given(snapshots().map(settling))
def test_nothing_is_moved_twice_in_the_time_in_which_it_is_to_settle(asked: Snapshot) -> None:
    teams = {ticket.id: ticket.team for ticket in asked.tickets}
    assert all(asked.rules[teams[one.ticket]].settle <= 10.0 for one in route(asked).placements)


@LAW
@given(snapshots())
def test_every_ticket_of_the_queue_is_given_to_somebody_or_told_why_it_waits(asked: Snapshot) -> None:
    plan = route(asked)
    queue = {ticket.id for ticket in asked.tickets if ticket.holder is None}
    assert queue == {one.ticket for one in plan.placements} & queue | set(plan.waiting)
    assert all(plan.waiting.values()) or not asked.agents
    assert (plan.wake_in is None) <= (not plan.waiting)
    assert plan.wake_in is None or plan.wake_in > 0


@LAW
@given(snapshots())
def test_nothing_waits_beyond_the_stated_patience_while_somebody_who_can_is_free(asked: Snapshot) -> None:
    plan = route(asked)
    for ticket in asked.tickets:
        late = asked.rules[ticket.team].strategy is Strategy.LATE
        if ticket.id in plan.waiting and late and (ticket.waited > PATIENCE or not ticket.followup):
            free = [one for one in asked.agents if may_have(asked, one, ticket) and has_room(asked, plan, one, ticket)]
            assert not free


def alike(asked: Snapshot) -> Snapshot:
    """The snapshot with tickets that differ in skills and urgency alone."""
    tickets = (
        replace(one, topic="refund", followup=False, preferred=frozenset(), holder=None, by_human=False, moved=None)
        for one in asked.tickets
    )
    agents = tuple(replace(one, capacity=99) for one in asked.agents)
    return Snapshot(tuple(tickets), agents, rules=dict.fromkeys(asked.rules, Rules()))


@LAW
@given(snapshots().map(alike))
def test_one_more_idle_agent_who_can_never_delays_the_most_urgent_ticket(asked: Snapshot) -> None:
    assume(asked.tickets)
    placed = {one.ticket for one in route(asked).placements}
    urgent = max(asked.tickets, key=urgency)
    extra = LiveAgent("zoe", ring_of(urgent).teams, ring_of(urgent).skills)
    more = route(replace(asked, agents=(*asked.agents, extra)))
    assert urgent.id not in placed or urgent.id in {one.ticket for one in more.placements}


def contest(seed: int) -> Snapshot:
    """One ticket and agents who all can take it, and differ in speed, in knowing it, and in skills."""
    chance = random.Random(seed)
    names = NAMES[: chance.randint(2, 5)]
    agents = (
        LiveAgent(
            name,
            TEAM,
            frozenset(skill for skill in ("kind", "french") if chance.random() < 0.5),
            minutes={"refund": float(chance.randint(1, 30))},
            worked=float(chance.choice((100, 110, 300))),
            present=480.0,
            idle=float(chance.randint(0, 60)),
        )
        for name in names
    )
    known = chance.choice((None, *names))
    ticket = WaitingTicket(
        "t", "billing", "refund", ANYBODY, followup=known is not None, last_agent=known, preferred=frozenset({"kind"})
    )
    demand = {("refund", frozenset[str]()): 0.7, ("refund", frozenset({"french"})): 0.3}
    return Snapshot((ticket,), tuple(agents), Norms({"refund": 10.0}, demand=demand))


@LAW
@given(st.integers(0, 2**32).map(contest))
def test_the_stated_reason_the_other_way_round_changes_the_winner(asked: Snapshot) -> None:
    (placement,) = route(asked).placements
    assert placement.agent is not None
    assert placement.reasons
    rival = placement.reasons[0].rival
    assert rival is not None
    for reason in placement.reasons:
        asked = swapped(asked, reason.what, placement.agent, rival)
    assert route(asked).placements[0].agent != placement.agent


def duel(seed: int) -> Snapshot:
    """A contest of two who never tie."""
    chance, asked = random.Random(seed), contest(seed)
    agents = (replace(one, minutes={"refund": chance.uniform(1, 30)}) for one in asked.agents[:2])
    return replace(asked, agents=tuple(agents))


@LAW
@given(st.integers(0, 2**32).map(duel))
def test_no_more_reasons_are_told_than_it_takes(asked: Snapshot) -> None:
    (placement,) = route(asked).placements
    for reason in placement.reasons:
        assert reason.rival is not None
        assert placement.agent is not None
        assert route(asked).placements[0].agent == placement.agent
        asked = swapped(asked, reason.what, placement.agent, reason.rival)


def swapped(asked: Snapshot, what: str, winner: str, rival: str) -> Snapshot:
    """The same snapshot with two agents' parts in one reason exchanged."""
    one, other = (next(agent for agent in asked.agents if agent.name == name) for name in (winner, rival))
    ticket = asked.tickets[0]
    match what:
        case "effort":
            changed = {winner: replace(one, minutes=other.minutes), rival: replace(other, minutes=one.minutes)}
        case "preferred" | "scarcity":
            skill = frozenset({"kind" if what == "preferred" else "french"})
            changed = {
                winner: replace(one, skills=one.skills - skill | other.skills & skill),
                rival: replace(other, skills=other.skills - skill | one.skills & skill),
            }
        case "share":
            changed = {winner: replace(one, worked=other.worked), rival: replace(other, worked=one.worked)}
        case "turn":
            changed = {winner: replace(one, idle=other.idle - 1), rival: replace(other, idle=one.idle + 1)}
        case _:
            assert what == "handover"
            known = {winner: rival, rival: winner}.get(ticket.last_agent or "", ticket.last_agent)
            return replace(asked, tickets=(replace(ticket, last_agent=known),))
    return replace(asked, agents=tuple(changed.get(agent.name, agent) for agent in asked.agents))


@LAW
@given(st.integers(1, 6), st.integers(1, 6), st.randoms(use_true_random=False))
def test_both_matchings_give_each_row_and_column_once_and_only_what_is_allowed(
    rows: int, columns: int, chance: random.Random
) -> None:
    worth = np.array([[chance.choice((0.0, chance.random())) for _ in range(columns)] for _ in range(rows)])
    totals = {}
    for match in (matching.optimal, matching.greedy):
        pairs = match(worth)
        assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
        assert all(worth[pair] > 0 for pair in pairs)
        totals[match] = sum(worth[pair] for pair in pairs)
        left = worth.copy()
        left[[row for row, _ in pairs], :] = left[:, [column for _, column in pairs]] = 0
        assert left.max() <= 1e-9, "somebody free was left to a ticket that nobody got"
    least = totals[matching.optimal] / min(rows, columns)  # greedy has the worthiest pair of all
    assert least <= totals[matching.greedy] + 1e-9
    assert totals[matching.greedy] <= totals[matching.optimal] + 1e-9
