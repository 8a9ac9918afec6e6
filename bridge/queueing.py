"""Tickets and agents brought together: at a ticket's own decision, and by a matcher for those that wait in the queue.

Whoever looks for an agent holds the ledger's lock, so that of all processes one at a time sees the free places and
takes them; queue, ledger and decision are one transaction, and none of it calls a desk.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from bridge.binding import Binding, bind
from bridge.experience import Experience, learnt
from bridge.memory import Memory
from bridge.metrics import Metrics
from bridge.model import NOBODY, Assignment, Case, Mode, Outcome, Place, PlaceState, Status, Target, Ticket, TicketRef
from bridge.ports import Clock, Policy
from bridge.presence import inferred
from bridge.routing import Plan, Snapshot, WhenAway, route
from bridge.situation import AT_WORK, Answers, Situation, snapshot, wait_of
from bridge.store import Store, answers, mailbox, queue, sightings
from bridge.store import roster as rosters

log = structlog.get_logger(__name__)

LEARN_EVERY = timedelta(minutes=1)
"""How old what was learnt from answers may get; it changes slowly."""

_ON_THE_DESK = {Status.NEW, Status.OPEN}
"""Statuses of a ticket that its agent has in hand: the others wait for somebody else, or are done."""


class Matcher:
    """Finds agents for tickets. Thread-safe, also over processes."""

    def __init__(
        self,
        store: Store,
        desks: Collection[str],
        *,
        policy: Callable[[], Policy],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._desks = frozenset(desks)
        self._policy = policy
        self._clock = clock
        self._metrics = metrics
        self._experience = Experience()
        self._learnt_at: datetime | None = None

    def run_one(self) -> bool:
        """Offer waiting tickets to agents, where it is time to look; False where no ticket was called by that."""
        now, policy = self._clock(), self._policy()
        if not queue.due(self._store, now):
            return False
        with self._store.writing() as connection:
            rosters.lock_ledger(self._store, connection)
            if not queue.take(connection, now):
                return False
            return self._match(connection, policy, now)

    def assign(
        self, connection: Connection, policy: Policy, case: Case, outcome: Outcome, memory: Memory
    ) -> tuple[Assignment | None, Place | None]:
        """Whom a case goes to, None where it is not for us to give to anybody; and its place in the queue so far.

        Takes the ledger's lock where an agent is looked for: no other transaction does so until this one has ended.
        """
        target, ref = outcome.target, case.ticket.ref
        place = queue.of(connection, ref)
        if target is None or not _ours_to_give(case.ticket, memory, place) or _elsewhere(policy, case, target, memory):
            return None, place
        rosters.lock_ledger(self._store, connection)
        place = queue.of(connection, ref)
        situation = self._situation(connection, policy)
        asked = _in_line(case, target, place)
        if outcome.mode is not Mode.LIVE or "assignee" in memory.held:
            return look(situation, asked), place
        if place is not None and place.state is PlaceState.OFFERED and _stands(place, asked, situation):
            return place.assignment, place
        if rosters.release(connection, ref):
            situation = self._situation(connection, policy)
        found = self._among_all(connection, situation, asked)
        taken_back = case.ticket.assignee_id is not None and found.agent is None
        return replace(found, agent_id=NOBODY) if taken_back else found, place

    def keep(
        self, connection: Connection, ticket: Ticket, place: Place | None, before: Place | None, now: datetime
    ) -> None:
        """Put a ticket that was decided on where it belongs from now on, None being out of our care."""
        if place is None:
            forget(self._store, connection, ticket.ref, now)
            return
        queue.put(self._store, connection, place)
        if place.state is PlaceState.WAITING:
            rosters.release(connection, ticket.ref)
        elif place.agent is not None and place.bound_at == now:
            rosters.promise(self._store, connection, ticket.ref, place.agent, now)
            queue.took_turn(self._store, connection, place.agent, now)
            self._metrics.assignments.labels(place.wait.target.team, _how(before)).inc()
        elif place.agent is not None and not _counted(connection, ticket):
            rosters.promise(self._store, connection, ticket.ref, place.agent, now)
            rosters.written(connection, ticket.ref, now)

    def _situation(self, connection: Connection, policy: Policy) -> Situation:
        """As the database has it now; what was learnt from answers is looked up once a minute."""
        now = self._clock()
        if self._learnt_at is None or now - self._learnt_at >= LEARN_EVERY:
            self._experience, self._learnt_at = learnt(answers.latest(connection), now), now
        return replace(load(connection, policy, self._desks, now), experience=self._experience)

    def _among_all(self, connection: Connection, situation: Situation, place: Place) -> Assignment:
        """The agent for a ticket, unless another that waits should have them first.

        Most tickets find nobody or nobody before them: that costs one small question each.
        """
        asked, plan = ask(situation, [place])
        if plan.placements and (others := self._waiting(connection, place.ref)):
            asked, plan = ask(situation, [place, *others])
            if any(one.ticket != str(place.ref) for one in plan.placements):
                queue.ring(self._store, connection, situation.now)
        self._ring_later(connection, plan, situation.now)
        return Answers(situation, asked, plan).of(place)

    def _waiting(self, connection: Connection, but: TicketRef) -> list[Place]:
        return [place for place in queue.in_state(connection, PlaceState.WAITING) if place.ref != but]

    def _match(self, connection: Connection, policy: Policy, now: datetime) -> bool:
        situation = self._situation(connection, policy)
        places = queue.in_state(connection, PlaceState.WAITING)
        known = [place for place in places if stands(policy, place) and place.ref.desk in situation.bindings]
        known += _left_behind(connection, situation)
        asked, plan = ask(situation, known)
        by_id = {str(place.ref): place for place in known}
        woken = {(place.ref.desk, place.ref.id): now for place in places if not stands(policy, place)}
        answers = Answers(situation, asked, plan)
        for placement in plan.placements:
            place = by_id[placement.ticket]
            if self._move(connection, situation, place, answers.of(place)):
                woken[place.ref.desk, place.ref.id] = now
        mailbox.wake(self._store, connection, woken)
        self._ring_later(connection, plan, now)
        if woken:
            log.info("matched", looked_at=len(known), called=len(woken))
        return bool(woken)

    def _move(self, connection: Connection, situation: Situation, place: Place, found: Assignment) -> bool:
        """Offer a ticket to its agent with their place reserved, or call it back; False where it has left meanwhile."""
        if found.agent is None:
            return queue.recall(connection, place, situation.now)
        if not queue.offer(connection, place, found, situation.now):
            return False
        rosters.promise(self._store, connection, place.ref, found.agent, situation.now)
        return True

    def _ring_later(self, connection: Connection, plan: Plan, now: datetime) -> None:
        if plan.wake_in is not None:
            queue.ring(self._store, connection, now + timedelta(minutes=plan.wake_in))


def load(connection: Connection, policy: Policy, desks: Collection[str], now: datetime) -> Situation:
    """Everything the router has to know beside the tickets, as the database has it."""
    known, turns, seen = rosters.load(connection), queue.turns(connection), sightings.load(connection)
    bindings = {name: bind(policy, roster) for name, roster in known.items() if name in desks}
    guessed = {name: _as_they_seem(policy, binding, turns, seen, now) for name, binding in bindings.items()}
    promised, in_hand = rosters.promised(connection), _in_hand(connection, policy)
    return Situation(policy, guessed, promised, turns, now, in_hand=in_hand)


def _in_hand(connection: Connection, policy: Policy) -> dict[str, list[str]]:
    """The channels of what agents have in hand from us, of those agents whose channels are limited."""
    members = (member for team in policy.teams() for member in policy.members(team))
    found: dict[str, list[str]] = {member.name: [] for member in members if member.channels}
    if not found:
        return found
    for place in queue.held_by(connection, found, PlaceState.OFFERED, PlaceState.GIVEN):
        if place.agent is not None and _on_the_desk(connection, place):
            found[place.agent].append(place.wait.channel.value)
    return found


def _as_they_seem(
    policy: Policy,
    binding: Binding,
    turns: Mapping[str, datetime],
    seen: Mapping[tuple[str, str], datetime],
    now: datetime,
) -> Binding:
    """The agents of a desk, those whose availability it hides as what they do tells."""
    hidden = {name: one for name, one in binding.agents.items() if one.inferred and name in turns}
    if not hidden:
        return binding
    teams = {member.name: team for team in policy.teams() for member in policy.members(team)}
    guessed = {
        name: inferred(one, turns[name], seen.get((binding.desk, one.id)), policy.hours(teams[name], name), now)
        for name, one in hidden.items()
    }
    return replace(binding, agents={**binding.agents, **guessed})


def ask(situation: Situation, places: Sequence[Place]) -> tuple[Snapshot, Plan]:
    """What the router is asked about tickets, and its plan."""
    asked = snapshot(situation, places)
    return asked, route(asked)


def look(situation: Situation, place: Place) -> Assignment:
    """Whom a ticket would go to if no other waited; nothing comes of it."""
    return Answers(situation, *ask(situation, [place])).of(place)


def stands(policy: Policy, place: Place) -> bool:
    """Whether the teams that a ticket waits for are still there: the policy may have changed since."""
    return {place.wait.target.team, place.wait.target.then} <= {*policy.teams(), None}


def forget(store: Store, connection: Connection, ref: TicketRef, now: datetime) -> None:
    """Take a ticket out of the router's care and give back the place that is promised to it."""
    left = queue.leave(connection, ref)
    if rosters.release(connection, ref) or left:
        queue.ring(store, connection, now)


def rest(store: Store, connection: Connection, ref: TicketRef, now: datetime) -> None:
    """Give back the place that is promised to a ticket, which waits for its requester or a third party.

    An offer keeps its place: it is about to be decided on.
    """
    place = queue.of(connection, ref)
    if (place is None or place.state is PlaceState.GIVEN) and rosters.release(connection, ref):
        queue.ring(store, connection, now)


def after(
    case: Case,
    outcome: Outcome,
    memory: Memory,
    assignment: Assignment | None,
    before: Place | None,
    *,
    given: bool,
    now: datetime,
) -> Place | None:
    """A ticket's place once a decision on it stands; `given` says whether an assignee is written with it. Pure."""
    target = outcome.target
    if "assignee" in memory.held or outcome.mode is not Mode.LIVE:
        return None
    if assignment is None or target is None:
        return _in_hands(case, target, before)
    waiting = _in_line(case, target, before)
    if assignment.agent is None:
        return waiting
    told = replace(assignment, candidates=())
    held = replace(waiting, state=PlaceState.GIVEN, agent=assignment.agent, bound_at=now, assignment=told)
    return held if given else None


def _in_line(case: Case, target: Target, before: Place | None) -> Place:
    """The place of a ticket that waits, whatever place it had before."""
    wait = wait_of(case, target)
    if before is None:
        return Place(case.ticket.ref, PlaceState.WAITING, wait)
    known = replace(wait, last_agent=before.wait.last_agent or before.agent)
    return Place(case.ticket.ref, PlaceState.WAITING, known, moved_at=before.moved_at)


def _in_hands(case: Case, target: Target | None, before: Place | None) -> Place | None:
    """The place of a ticket that its agent has from the router, also where it was solved and has come back."""
    ticket, agent = case.ticket, case.standing.assignee
    if ticket.assignee_id is None or agent is None:
        return None
    if target is None:
        return before
    given = Assignment(target.team, ticket.team_id, agent, ticket.assignee_id, "has it already")
    wait = replace(wait_of(case, target), last_agent=agent)
    bound_at, moved_at = (before.bound_at, before.moved_at) if before is not None else (None, None)
    return Place(ticket.ref, PlaceState.GIVEN, wait, agent, bound_at, moved_at, given)


def _ours_to_give(ticket: Ticket, memory: Memory, place: Place | None) -> bool:
    """False where somebody has a ticket from whom the router does not want to take it."""
    if ticket.assignee_id is None:
        return True
    if place is None or "assignee" in memory.held:
        return False
    given = place.assignment.agent_id if place.assignment is not None else None
    return place.state is not PlaceState.GIVEN or given != ticket.assignee_id


def _elsewhere(policy: Policy, case: Case, target: Target, memory: Memory) -> bool:
    """Whether somebody has put a ticket into a team none of whose agents a decision could give it to."""
    return "team" in memory.held and case.standing.team not in policy.in_turn(target.team, target.then)


def _stands(offered: Place, asked: Place, situation: Situation) -> bool:
    """Whether an offer holds for what the ticket is by now, and its agent is still at work."""
    there = situation.bindings[asked.ref.desk].agents.get(offered.agent or "")
    return offered.wait.target == asked.wait.target and there is not None and there.status in AT_WORK


def _left_behind(connection: Connection, situation: Situation) -> Iterator[Place]:
    """Tickets in the hands of agents who have gone, in teams that do not leave them there."""
    policy = situation.policy
    if all(policy.routing(team).when_away is WhenAway.KEEP for team in policy.teams()):
        return
    gone = [agent.name for agent in snapshot(situation, []).agents if not agent.available]
    for place in queue.held_by(connection, gone, PlaceState.GIVEN):
        if stands(policy, place) and _on_the_desk(connection, place):
            yield place


def _on_the_desk(connection: Connection, place: Place) -> bool:
    known, _ = mailbox.recall(connection, place.ref)
    return known is not None and known.status in _ON_THE_DESK


def _counted(connection: Connection, ticket: Ticket) -> bool:
    """Whether the desk itself tells how much a ticket's agent has in hand."""
    roster = rosters.load(connection).get(ticket.ref.desk)
    return roster is not None and any(one.id == ticket.assignee_id and one.load is not None for one in roster.agents)


def _how(before: Place | None) -> str:
    """How an agent came to a ticket, for the metrics."""
    if before is None:
        return "arrival"
    return "moved" if before.moved_at is not None else "queue"
