"""One world met by one policy: customers write, agents answer, and the router that serves the desks says who whom."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from typing import Any, Final

import simpy

from bridge.binding import Binding
from bridge.calendars import Calendar
from bridge.experience import Experience, learnt
from bridge.model import AgentRecord, AgentStatus, Case, Mode, Place, PlaceState, TicketRef, Wait
from bridge.queueing import ask
from bridge.routing import Norms, WhenAway
from bridge.situation import Situation, wait_of
from bridge.store.answers import LEARNT_FROM, Given
from deskbridge.simulation.world import Ask, Job, World
from rules import LoadedPolicy

DESK: Final = "simulated"
"""What the only desk of a simulation is called."""

PATIENCE: Final = timedelta(weeks=2)
"""How long after the last day what is left is still worked on."""

LEARN_EVERY: Final = timedelta(hours=1)
"""How old what was learnt from answers may get; with every answer, a run would take ten times as long."""

_MINUTE: Final = timedelta(minutes=1)
_FOREVER: Final = timedelta(days=3_650)

_Steps = Generator[simpy.Event, Any, None]


@dataclass(slots=True)
class Fate:
    """What became of a ticket. Times are the world's; `waits` are the minutes for which each answer was waited for.

    `promise` is how soon the first answer was promised, None where nothing was; `hours` are those in which that counts,
    None for always. `begun` says whether its agent is at work on it.
    """

    job: Job
    wait: Wait
    promise: timedelta | None
    hours: Calendar | None
    since: datetime
    agent: str | None = None
    bound_at: datetime | None = None
    moved_at: datetime | None = None
    last: str | None = None
    first_at: datetime | None = None
    done_at: datetime | None = None
    begun: bool = False
    answers: int = 0
    handovers: int = 0
    waits: list[float] = field(default_factory=list)

    def place(self, ref: TicketRef) -> Place:
        """Its place in the queue, as the pipeline keeps it."""
        wait = replace(self.wait, since=self.since, answered=self.answers > 0, last_agent=self.last)
        state = PlaceState.WAITING if self.agent is None else PlaceState.GIVEN
        return Place(ref, state, wait, self.agent, self.bound_at, self.moved_at)


@dataclass(slots=True)
class Run:
    """What happened: the tickets that the policy routes, how many it leaves alone, and each agent's minutes of work
    from the start to the end of the world. `writes` are those to the desk that the router asked for.
    """

    ended: datetime
    fates: list[Fate] = field(default_factory=list)
    left_alone: int = 0
    writes: int = 0
    worked: dict[str, float] = field(default_factory=dict)
    present: dict[str, float] = field(default_factory=dict)

    @property
    def handovers(self) -> int:
        """Answers to tickets that somebody else had answered before."""
        return sum(fate.handovers for fate in self.fates)


def replay(policy: LoadedPolicy, world: World) -> Run:
    """Runs a world to its end; what is left then is worked on for `PATIENCE` more."""
    team = _Team(policy, world)
    team.env.process(team.customers())
    for name in team.members:
        team.env.process(team.working(name))
    end = (world.end + PATIENCE - world.start) / _MINUTE
    while team.open and team.env.peek() < end:
        team.env.step()
    return team.result()


class _Team:
    """A desk with its agents. The environment counts minutes from the start of the world."""

    def __init__(self, policy: LoadedPolicy, world: World) -> None:
        self.env = simpy.Environment()
        self._policy, self._world = policy, world
        self._roles: dict[str, list[Calendar | None]] = {}
        for team in policy.teams():
            for member in policy.members(team):
                self._roles.setdefault(member.name, []).append(policy.hours(team, member.name))
        self._hands: dict[str, dict[TicketRef, Fate]] = {name: {} for name in self._roles}
        self._bells = {name: self.env.event() for name in self._roles}
        self._waiting: dict[TicketRef, Fate] = {}
        self._cases: dict[Ask, Case] = {}
        self._turns: dict[str, datetime] = {}
        self._given: list[Given] = []
        self._experience, self._learnt_at = Experience(), world.start
        self._awake_at = inf
        self._run = Run(world.end, worked=dict.fromkeys(self._roles, 0.0))
        self.open = len(world.jobs)

    @property
    def members(self) -> tuple[str, ...]:
        """Every member of any team, by name."""
        return tuple(self._roles)

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self._world.start + self.env.now * _MINUTE

    def customers(self) -> _Steps:
        """Tickets come, each at its time."""
        for number, job in enumerate(self._world.jobs):
            yield self.env.timeout(max((job.at - self.now) / _MINUTE, 0.0))
            self._arrived(TicketRef(DESK, str(number)), job)

    def _arrived(self, ref: TicketRef, job: Job) -> None:
        case = self._case(job)
        outcome = self._policy.decide(case, desk=case.ticket.ref.desk, desk_mode=Mode.LIVE)
        if outcome.target is None:
            self._run.left_alone += 1
            self.open -= 1
            return
        wait = wait_of(case, outcome.target)
        wait = replace(wait, priority=outcome.effect.priority or wait.priority, answered=False)
        promise = self._policy.promise(wait.priority, wait.tier)
        fate = Fate(job, wait, promise, self._policy.opening(wait.target.team), job.at)
        self._run.fates.append(fate)
        self._waiting[ref] = fate
        self._match()
        self._run.writes += ref in self._waiting  # its team is written at once, its agent later

    def _case(self, job: Job) -> Case:
        """A ticket as the policy reads it on the day; its text is read once for all tickets of a kind."""
        if job.ask not in self._cases:
            self._cases[job.ask] = job.ask(self._policy)
        case = self._cases[job.ask]
        messages = tuple(replace(one, created_at=job.at) for one in case.ticket.messages)
        ticket = replace(case.ticket, created_at=job.at, updated_at=job.at, messages=messages)
        return replace(case, now=job.at, ticket=ticket)

    def working(self, name: str) -> _Steps:
        """An agent answers what is in their hands, who waits longest first, and begins nothing out of hours."""
        hands = self._hands[name]
        while True:
            if not hands:
                self._bells[name] = self.env.event()
                yield self._bells[name]
            elif off := self._off(name):
                yield self.env.timeout(off / _MINUTE)
            else:
                ref, fate = min(hands.items(), key=lambda item: item[1].since)
                yield from self._answering(name, ref, fate)

    def _off(self, name: str) -> timedelta:
        """How long until an agent is at work; nothing where they are."""
        opens = (self.now if one is None else one.next_open(self.now) for one in self._roles[name])
        return min((at - self.now for at in opens if at is not None), default=_FOREVER)

    def _answering(self, name: str, ref: TicketRef, fate: Fate) -> _Steps:
        begun, fate.begun = self.now, True
        fate.waits.append((begun - fate.since) / _MINUTE)
        yield self.env.timeout(self._minutes(name, fate))
        self._count_work(name, begun)
        del self._hands[name][ref]
        self._answered(name, ref, fate)
        self._match()

    def _minutes(self, name: str, fate: Fate) -> float:
        """What an answer takes: work at the agent's pace, what juggling costs, and reading up on another's ticket."""
        minutes = fate.job.work[fate.answers] * self._world.pace(name)
        minutes *= 1 + min(self._world.juggling * (len(self._hands[name]) - 1), 1.0)
        if fate.last not in {None, name}:
            minutes += _NORMS.handover + _NORMS.reread * fate.job.work[0]
        return minutes

    def _count_work(self, name: str, begun: datetime) -> None:
        span = min(self.now, self._world.end) - begun
        self._run.worked[name] += max(span / _MINUTE, 0.0)

    def _answered(self, name: str, ref: TicketRef, fate: Fate) -> None:
        if fate.first_at is None:
            fate.first_at = self.now
            self._given.append(self._as_learnt(name, fate))
        fate.handovers += fate.last not in {None, name}
        fate.last, fate.begun = name, False
        fate.answers += 1
        if fate.answers < len(fate.job.work):
            self.env.process(self._reply(ref, fate))
        else:
            fate.done_at = self.now
            self.open -= 1

    def _as_learnt(self, name: str, fate: Fate) -> Given:
        """A first answer as the pipeline learns from it: from when the agent was given the ticket, in their hours."""
        assert fate.bound_at is not None
        hours = self._roles[name][0]
        took = self.now - fate.bound_at if hours is None else hours.between(fate.bound_at, self.now)
        return Given(name, fate.wait.topic, fate.wait.target.skills, took / _MINUTE, self.now)

    def _reply(self, ref: TicketRef, fate: Fate) -> _Steps:
        """The customer writes back, and the ticket is in the hands of the agent who has it."""
        yield self.env.timeout(fate.job.delays[fate.answers - 1])
        assert fate.agent is not None
        fate.since = self.now
        self._take(fate.agent, ref, fate)
        self._match()

    def _take(self, name: str, ref: TicketRef, fate: Fate) -> None:
        fate.agent = name
        self._hands[name][ref] = fate
        if not self._bells[name].triggered:
            self._bells[name].succeed()

    def _match(self) -> None:
        """Ask the router, as the pipeline does whenever a ticket comes, an agent is free or its clock strikes."""
        places = [fate.place(ref) for ref, fate in (*self._waiting.items(), *self._left_behind())]
        if not places:
            return
        if off := min(map(self._off, self._roles)):  # nothing can be given to nobody
            self._wake(off / _MINUTE)
            return
        _, plan = ask(self._situation, places)
        for placement in plan.placements:
            self._place(TicketRef(DESK, placement.ticket.partition(":")[2]), placement.agent)
        if plan.wake_in is not None:
            self._wake(plan.wake_in)

    def _left_behind(self) -> Iterator[tuple[TicketRef, Fate]]:
        """Tickets not begun in the hands of agents who have gone, in teams that do not leave them there."""
        for name, hands in self._hands.items():
            if hands and self._off(name):
                for ref, fate in hands.items():
                    if not fate.begun and self._policy.routing(fate.wait.target.team).when_away is not WhenAway.KEEP:
                        yield ref, fate

    @property
    def _situation(self) -> Situation:
        agents = {
            name: AgentRecord(name, name, status=AgentStatus.ONLINE, load=len(hands), since=self._world.start)
            for name, hands in self._hands.items()
        }
        if self.now - self._learnt_at >= LEARN_EVERY:
            self._experience, self._learnt_at = learnt(self._given[-LEARNT_FROM:], self.now), self.now
        binding = Binding(DESK, {}, agents, {}, ())
        in_hand = {name: [fate.wait.channel.value for fate in hands.values()] for name, hands in self._hands.items()}
        return Situation(self._policy, {DESK: binding}, {}, self._turns, self.now, self._experience, in_hand)

    def _place(self, ref: TicketRef, name: str | None) -> None:
        self._run.writes += 1
        fate = self._waiting.pop(ref, None)
        if fate is None:
            holder = next(hands for hands in self._hands.values() if ref in hands)
            fate = holder.pop(ref)
            fate.moved_at = self.now
        fate.agent, fate.bound_at = name, self.now
        if name is None:
            self._waiting[ref] = fate
        else:
            self._turns[name] = self.now
            self._take(name, ref, fate)

    def _wake(self, minutes: float) -> None:
        """Ask again after so many minutes, unless that happens earlier anyway."""
        at = self.env.now + minutes
        if not self.env.now < self._awake_at <= at:
            self._awake_at = at
            self.env.process(self._woken(minutes))

    def _woken(self, minutes: float) -> _Steps:
        yield self.env.timeout(minutes)
        if self._awake_at <= self.env.now:
            self._awake_at = inf
            self._match()

    def result(self) -> Run:
        """What happened so far."""
        self._run.ended = self.now
        self._run.present = {name: max(map(self._open_minutes, roles)) for name, roles in self._roles.items()}
        return self._run

    def _open_minutes(self, hours: Calendar | None) -> float:
        start, end = self._world.start, self._world.end
        return (end - start if hours is None else hours.between(start, end)) / _MINUTE


_NORMS: Final = Norms()
"""What taking over from another takes, as the router itself expects it."""
