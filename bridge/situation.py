"""The router's snapshot, out of the policy, the desks' agents as last read, our ledger and the queue; and its answer
in the words of a decision. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise, repeat
from math import inf
from typing import Final

from bridge.binding import Binding
from bridge.calendars import Calendar
from bridge.experience import SHARED_OVER, Experience
from bridge.model import (
    LANGUAGE,
    ActorKind,
    AgentStatus,
    Assignment,
    Candidate,
    Case,
    Member,
    Place,
    Priority,
    Target,
    Visibility,
    Wait,
)
from bridge.ports import Policy
from bridge.routing import LiveAgent, Placement, Plan, Ring, Rules, Snapshot, Strategy, WaitingTicket, Work
from bridge.routing.crew import Crew, reached
from bridge.routing.snapshot import UNKNOWN_MINUTES

AT_WORK: Final = frozenset({AgentStatus.ONLINE, AgentStatus.UNKNOWN})
"""Statuses in which a desk lets somebody be given work; where a plan hides it, calendars and slots have to do."""

OVERFLOW_AFTER: Final = timedelta(minutes=15)
"""How long a ticket waits for its own team before another may have it, unless `wait_at_most` says otherwise."""

WEIGHTS: Final[Mapping[Priority, float]] = {
    Priority.URGENT: 8.0,
    Priority.HIGH: 3.0,
    Priority.NORMAL: 1.0,
    Priority.NONE: 1.0,
    Priority.LOW: 0.5,
}
"""What a minute of waiting costs compared with a normal ticket's."""

_MINUTE: Final = timedelta(minutes=1)

Promised = Mapping[tuple[str, str], int]
"""Places promised and not yet in a desk's own count, by desk and the policy's name of the agent."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the router has to know beside the tickets, at one moment.

    `turns` is when each agent, by the policy's name, was last given something, `experience` what answers have taught,
    `in_hand` the channels of what agents have from us, of those whose channels are limited.
    """

    policy: Policy
    bindings: Mapping[str, Binding]
    promised: Promised
    turns: Mapping[str, datetime]
    now: datetime
    experience: Experience = field(default_factory=Experience)
    in_hand: Mapping[str, Sequence[str]] = field(default_factory=dict)


def wait_of(case: Case, target: Target) -> Wait:
    """What the router has to know of a case that is to go to a target."""
    ticket, triage = case.ticket, case.triage
    agents = (one for one in ticket.messages if one.author.kind is ActorKind.AGENT)
    answers = [one for one in agents if one.visibility is Visibility.PUBLIC]
    return Wait(
        target=target,
        since=ticket.waiting_since or ticket.created_at or case.now,
        priority=ticket.priority,
        channel=ticket.channel,
        topic=triage.intent.value if triage.intent is not None else "",
        language=triage.language.value if triage.language is not None else None,
        tier=_text_fact(case, "requester.tier"),
        answered=bool(answers),
        favoured=_favoured(case, target),
    )


def _text_fact(case: Case, name: str) -> str | None:
    fact = case.facts.get(name)
    return str(fact.value) if fact is not None and fact.known else None


def _favoured(case: Case, target: Target) -> str | None:
    """Who answered this requester last, where the rule prefers them and it is no longer ago than it says."""
    fact = case.facts.get("last_agent")
    if target.prefer_last_agent is None or fact is None or not fact.known:
        return None
    late = fact.as_of is not None and case.now - fact.as_of > target.prefer_last_agent
    return None if late else str(fact.value)


def snapshot(situation: Situation, places: Iterable[Place]) -> Snapshot:
    """What the router is asked: the tickets at these places, and every agent of the policy as they are now."""
    policy = situation.policy
    agents = _agents(situation)
    return Snapshot(
        tickets=tuple(_ticket(place, situation, agents) for place in places),
        agents=tuple(agents.values()),
        norms=situation.experience.norms,
        rules={name: policy.routing(name) for name in policy.teams()},
    )


def _agents(situation: Situation) -> dict[str, LiveAgent]:
    """Every member of any team, by name."""
    policy = situation.policy
    roles: dict[str, dict[str, Member]] = {}
    for team in policy.teams():
        for member in policy.members(team):
            roles.setdefault(member.name, {})[team] = member
    shifts = _Shifts(situation.now)
    return {name: _agent(name, role, situation, shifts) for name, role in roles.items()}


def _agent(name: str, role: Mapping[str, Member], situation: Situation, shifts: "_Shifts") -> LiveAgent:
    """One person over all of their teams and desks."""
    hours = {team: shifts.of(situation.policy.hours(team, name)) for team in role}
    on = frozenset(team for team, shift in hours.items() if shift.open)
    desks = list(_desks(name, situation))
    seats = frozenset(seat(desk.name) for desk in desks if desk.room)
    load, known = sum(desk.load for desk in desks), list(role.values())
    effort = situation.experience.effort
    available = bool(on) and any(desk.at_work for desk in desks)
    return LiveAgent(
        name=name,
        teams=on or frozenset(role),
        skills=frozenset().union(*map(_skills, known), seats, {_being(name)}),
        available=available,
        gone=0.0 if available else _gone(hours.values(), desks, situation.now),
        back_in=0.0 if available else inf if on else min(shift.back for shift in hours.values()),
        shift_left=max((hours[team].left for team in on), default=0.0),
        capacity=min(member.capacity for member in known),
        channels=_channel_limits(known),
        load=load,
        work=tuple(Work("", UNKNOWN_MINUTES, channel) for channel in _channels(situation.in_hand.get(name, ()), load)),
        minutes={topic: effort.of(name, topic) for topic in effort.minutes},
        worked=situation.experience.worked.get(name, 0.0),
        present=_present(desks, [situation.policy.hours(team, name) for team in role], situation.now),
        idle=_minutes(situation.now - situation.turns[name]) if name in situation.turns else inf,
    )


def _channel_limits(known: Sequence[Member]) -> dict[str, int]:
    """The most tickets of each channel at once; in two teams, the smaller of both."""
    limits: dict[str, int] = {}
    for channel, places in (limit for member in known for limit in member.channels.items()):
        limits[channel] = min(places, limits.get(channel, places))
    return limits


def _channels(known: Sequence[str], load: int) -> list[str]:
    """The channel of each ticket in somebody's hands, empty where nothing tells."""
    return [*known, *repeat("", load)][:load]


def _skills(member: Member) -> frozenset[str]:
    return member.skills | frozenset(map(speaking, member.languages))


def seat(desk: str) -> str:
    """The skill of who can be given tickets of a desk now."""
    return f"a free seat at {desk}"


def speaking(language: str) -> str:
    """The skill of who writes a language."""
    return f"language {language}"


def _being(agent: str) -> str:
    """The skill of one agent alone, for tickets whose customers know them."""
    return f"{agent} knows the customer"


@dataclass(frozen=True, slots=True)
class _AtDesk:
    """A person at one desk: what they hold there with what we promised since, and whether they take more."""

    name: str
    load: int
    at_work: bool
    room: bool
    since: datetime | None


def _desks(name: str, situation: Situation) -> Iterator[_AtDesk]:
    for desk, binding in situation.bindings.items():
        record = binding.agents.get(name)
        load = (record.load or 0 if record is not None else 0) + situation.promised.get((desk, name), 0)
        at_work = record is not None and record.status in AT_WORK
        room = at_work and record is not None and (record.limit is None or load < record.limit)
        yield _AtDesk(desk, load, at_work, room, record.since if record is not None else None)


def _present(desks: Iterable[_AtDesk], hours: Sequence[Calendar | None], now: datetime) -> float:
    """Minutes within `SHARED_OVER` for which an agent has been at a desk, in the hours of whichever team has most."""
    came = min((desk.since for desk in desks if desk.at_work and desk.since is not None), default=now)
    start = max(came, now - SHARED_OVER)
    return max(_minutes(now - start if one is None else one.between(start, now)) for one in hours)


def _gone(shifts: Iterable["_Shift"], desks: Iterable[_AtDesk], now: datetime) -> float:
    """Minutes since an agent was last on shift and at any desk."""
    off_shift = min(shift.gone for shift in shifts)
    away = min((_minutes(now - desk.since) for desk in desks if not desk.at_work and desk.since), default=0.0)
    return max(off_shift, away)


@dataclass(frozen=True, slots=True)
class _Shift:
    """Whether it is open, how many minutes more, how many until it opens, and since it closed."""

    open: bool
    left: float = inf
    back: float = 0.0
    gone: float = 0.0


class _Shifts:
    """What each calendar says now, worked out once however many people go by it."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._known: dict[int, _Shift] = {}

    def of(self, hours: Calendar | None) -> _Shift:
        if hours is None:
            return _Shift(open=True)
        found = self._known.get(id(hours))
        if found is None:
            found = self._known[id(hours)] = self._ask(hours)
        return found

    def _ask(self, hours: Calendar) -> _Shift:
        if hours.is_open(self._now):
            return _Shift(open=True, left=self._until(hours.next_close(self._now)))
        closed = hours.last_close(self._now)
        gone = inf if closed is None else _minutes(self._now - closed)
        return _Shift(open=False, left=0.0, back=self._until(hours.next_open(self._now)), gone=gone)

    def _until(self, at: datetime | None) -> float:
        return inf if at is None else _minutes(at - self._now)


def _ticket(place: Place, situation: Situation, agents: Mapping[str, LiveAgent]) -> WaitingTicket:
    wait, policy, now = place.wait, situation.policy, situation.now
    team = wait.target.team
    opening = policy.opening(team)
    waited = _minutes(now - wait.since if opening is None else opening.between(wait.since, now))
    promised = None if wait.answered else policy.promise(wait.priority, wait.tier)
    promise = None if promised is None else _minutes(promised)
    return WaitingTicket(
        id=str(place.ref),
        team=team,
        topic=wait.topic,
        rings=tuple(_rings(place, policy, agents)),
        channel=wait.channel.value,
        weight=WEIGHTS[wait.priority],
        waited=max(waited, 0.0),
        due_in=None if promise is None else promise - waited,
        promise=promise,
        followup=wait.answered,
        last_agent=wait.last_agent,
        preferred=wait.target.preferred | ({_being(wait.favoured)} if wait.favoured is not None else set()),
        holder=place.agent,
        moved=None if place.moved_at is None else _minutes(now - place.moved_at),
    )


def _rings(place: Place, policy: Policy, agents: Mapping[str, LiveAgent]) -> Iterator[Ring]:
    """Who may have a ticket by and by: skills are given up as the rule says, and another team takes over."""
    target, needs = place.wait.target, wanted(place, policy) | {seat(place.ref.desk)}
    others = dict(_taking_over(target, needs, policy, agents))
    for after in sorted({timedelta(), *(step.after for step in target.relax), *others.values()}):
        dropped = frozenset[str]().union(*(step.without for step in target.relax if step.after <= after))
        spoken = {speaking(place.wait.language)} if LANGUAGE in dropped and place.wait.language else set()
        helping = [team for team, when in others.items() if when <= after]
        asked = frozenset({target.team, *helping})
        yield Ring(asked, needs - dropped - spoken, _minutes(after), _given_up(dropped, helping))


def wanted(place: Place, policy: Policy) -> frozenset[str]:
    """All that whoever gets a ticket must have beside a seat at its desk: the rule's skills and, if anybody in the team
    lists it, its language.
    """
    spoken = {language for member in policy.members(place.wait.target.team) for language in member.languages}
    language = {speaking(place.wait.language)} if place.wait.language in spoken and place.wait.language else set()
    return place.wait.target.skills | language


def _given_up(skills: Collection[str], teams: Collection[str]) -> str:
    parts = [*(f"no longer asks for {skill}" for skill in sorted(skills)), *(f"{team} may take it" for team in teams)]
    return "; ".join(parts)


def _taking_over(
    target: Target, needs: frozenset[str], policy: Policy, agents: Mapping[str, LiveAgent]
) -> Iterator[tuple[str, timedelta]]:
    """When each other team may have a ticket: no later than the one before where nobody of that can have it now."""
    after = timedelta()
    patience = target.wait_at_most if target.wait_at_most is not None else OVERFLOW_AFTER
    for team, follower in pairwise(policy.in_turn(target.team, target.then)):
        if _can_have(team, needs, policy, agents):
            after += patience
        patience = OVERFLOW_AFTER
        yield follower, after


def _can_have(team: str, needs: frozenset[str], policy: Policy, agents: Mapping[str, LiveAgent]) -> bool:
    """Whether anybody in a team is at work for a ticket and, where it is given out at arrival, has room."""
    own = [agents[member.name] for member in policy.members(team)]
    able = [one for one in own if one.available and team in one.teams and needs <= one.skills]
    return any(one.load < one.capacity or policy.routing(team).strategy is Strategy.LATE for one in able)


def _minutes(span: timedelta) -> float:
    return span / _MINUTE


class Answers:
    """What a plan says of the tickets that the router was asked about, in the words of a decision."""

    def __init__(self, situation: Situation, asked: Snapshot, plan: Plan) -> None:
        self._situation = situation
        self._asked = asked
        self._plan = plan
        self._crew = Crew(asked.agents, asked.tickets, asked.norms)
        self._tickets = {ticket.id: ticket for ticket in asked.tickets}
        self._placed = {one.ticket: one for one in plan.placements}
        self._busy = {one.agent for one in plan.placements}

    def of(self, place: Place) -> Assignment:
        """The agent of the ticket at a place with the reasons, or that it waits in its team."""
        target, ticket = place.wait.target, self._tickets[str(place.ref)]
        binding = self._situation.bindings[place.ref.desk]
        placed = self._placed.get(ticket.id)
        looked_at = tuple(self._candidates(binding, ticket, placed))
        if placed is None or placed.agent is None:
            because = placed.because if placed is not None else self._plan.waiting.get(ticket.id, "waits for an agent")
            return Assignment(target.team, binding.team_ids.get(target.team), None, None, because, looked_at)
        agent = self._asked.agents[self._crew.number[placed.agent]]
        line = self._situation.policy.in_turn(target.team, target.then)
        team = next((one for one in line if one in agent.teams), target.team)
        agent_id, known = binding.agents[agent.name].id, ticket.last_agent
        because = placed.because if known in {None, agent.name} else f"taken over from {known}; {placed.because}"
        return Assignment(team, binding.team_ids.get(team), agent.name, agent_id, because, looked_at)

    def _candidates(self, binding: Binding, ticket: WaitingTicket, placed: Placement | None) -> Iterator[Candidate]:
        """Everybody in the teams that may have a ticket, and why each gets it or not."""
        ring = reached(ticket)
        hurdles = list(self._crew.hurdles(ticket, ring, self._asked.rules.get(ticket.team, Rules())))
        for number, agent in enumerate(self._asked.agents):
            if ring.teams.isdisjoint(agent.teams):
                continue
            chosen = placed is not None and placed.agent == agent.name
            words = placed.because if placed is not None and chosen else _absent(agent, self._situation, binding)
            words = words or next((hurdle.words(agent) for hurdle in hurdles if not hurdle.passed[number]), None)
            yield Candidate(agent.name, chosen, words or self._beaten(agent, placed), agent.load, agent.capacity)

    def _beaten(self, agent: LiveAgent, placed: Placement | None) -> str:
        """Why an agent who could have a ticket does not get it."""
        if agent.name in self._busy:
            return "gets another ticket"
        return (
            f"could have it, {placed.agent} comes first"
            if placed is not None
            else "could have it, but the wait is worth it"
        )


def _absent(agent: LiveAgent, situation: Situation, binding: Binding) -> str | None:
    """Why an agent is not there for a desk's tickets, None where they are."""
    record = binding.agents.get(agent.name)
    if record is None:
        return "not at this desk"
    if record.status not in AT_WORK:
        return f"{record.status.value} (inferred)" if record.inferred else record.status.value
    if seat(binding.desk) not in agent.skills:
        return f"full at the desk itself: {record.limit}"
    if not agent.available:
        back = "" if agent.back_in == inf else f" until {situation.now + agent.back_in * _MINUTE:%a %H:%M} UTC"
        return f"off shift{back}"
    return None
