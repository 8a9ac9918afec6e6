"""One ticket's waiting deliveries in, one decision and one planned operation out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Final
from zlib import crc32

import structlog
from sqlalchemy import Connection
from ulid import ULID

from bridge import callouts, commands, reconcile
from bridge import memory as remembered
from bridge import wish as wishes
from bridge.binding import Binding, addresses, bind, in_policy_words, standing
from bridge.enrichment import Enricher, People
from bridge.errors import BadCredential, DeskError, NotThere, Permanent, Retryable, whereabouts
from bridge.experience import note_answer
from bridge.labelling import Read, words_alone
from bridge.loops import Cap, stopped
from bridge.memory import RESTING, SETTLED, Memory
from bridge.metrics import Metrics
from bridge.model import (
    ActorKind,
    AgentRecord,
    AgentStatus,
    Assignment,
    Case,
    Change,
    Decision,
    Effect,
    Event,
    EventKind,
    Fact,
    Hook,
    Mode,
    Operation,
    Outcome,
    Priority,
    Remark,
    Roster,
    Status,
    Suggestion,
    Ticket,
    TicketRef,
)
from bridge.note import Length, compose
from bridge.ports import Capability, Clock, Desk, Policy
from bridge.presence import note_sightings
from bridge.purpose import Rank, purpose
from bridge.queueing import Matcher, after, forget, rest, stands
from bridge.store import Store, feedback, inbox, journal, outbox, queue
from bridge.store import callouts as outgoing
from bridge.store import mailbox as mailboxes
from bridge.store import roster as rosters
from bridge.store.inbox import Waiting
from bridge.store.leases import LeaseLost
from bridge.store.mailbox import Mailbox
from bridge.store.session import AWAY
from bridge.triage import text_of

log = structlog.get_logger(__name__)

ROSTER = "@roster"
"""The mailbox of a desk's events about agents; no ticket's id begins with @."""

SKEW_MAX = timedelta(seconds=5)
"""How far a desk's clock may be ahead of ours for its stamps to be waited out."""

MISTAKES_MAX = 8
"""So many internal errors in a row, about four minutes of them, and a ticket's deliveries are parked for a person.

A desk that is away or throttles us is asked again for as long as it takes.
"""

_MAY_DECIDE = {EventKind.TICKET_CREATED, EventKind.TICKET_CHANGED, EventKind.REQUESTER_REPLIED}
"""Kinds that may bring something to decide on; the others tell what people did, which the next read shows anyway."""


@dataclass(frozen=True, slots=True)
class ConnectedDesk:
    """A desk with what belongs to it: how far decisions go there, how long a note is, who knows about its customers.

    `people` are the requesters that its enrichers share, None where none of them needs any.
    """

    desk: Desk
    mode: Mode
    enrichers: tuple[Enricher, ...] = ()
    people: People | None = None
    note: Length = "full"

    def with_requester(self, ticket: Ticket) -> Ticket:
        """The ticket with what enrichment has just read of its requester: most events tell the id alone."""
        if self.people is None or ticket.requester is None:
            return ticket
        return replace(ticket, requester=self.people.completed(ticket.requester))

    def close(self) -> None:
        """Give back the connections of all of them."""
        for enricher in self.enrichers:
            enricher.close()
        self.desk.close()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A ticket as it turned out to be, what is remembered with it, and what there is to decide on, if anything.

    `seen_until` is set where a read showed the ticket whole (`reconcile.seen_whole`). `asked` is what agents want
    of us.
    """

    ticket: Ticket | None
    memory: Memory
    trigger: EventKind | None
    seen_until: datetime | None = None
    asked: tuple[commands.Command, ...] = ()


SPREAD_MAX = 5.0
"""Seconds over which those are spread at most who were all told to come back at the same time."""


def patience(attempts: int, key: str, after: float | None = None, *, most: float = 300.0) -> timedelta:
    """How long to wait after so many failures in a row: what the desk asks for (`after`, seconds) and a little more,
    else doubling from a second up to `most`, of which up to half is let off.

    How much differs by `key`, so that not everybody is back at once.
    """
    chance = crc32(f"{key}/{attempts}".encode()) / 2**32
    if after is not None:
        return timedelta(seconds=after + chance * min(SPREAD_MAX, after / 10))
    return timedelta(seconds=min(most, 2.0 ** min(attempts, 30)) * (1 - chance / 2))


def passing(error: DeskError, attempts: int) -> bool:
    """True where the same may succeed later although nobody touches the ticket.

    A credential that the desk does not accept is a matter of the whole desk: its tickets wait until an admin has put it
    right, however long that takes. A lacking permission (HTTP 403) may be about this ticket alone: after as many
    attempts as an internal error gets, a person has to look.
    """
    if isinstance(error, BadCredential):
        return error.code != 403 or attempts < MISTAKES_MAX
    return not isinstance(error, Permanent)


NOBODY_ASKS: Final[Mapping[str, AgentRecord]] = MappingProxyType({})

Suggest = Callable[[Ticket, str], tuple[Suggestion, ...]]
"""What may help with a ticket, given its cleaned text; asked outside any transaction."""


def nothing_to_suggest(ticket: Ticket, text: str) -> tuple[Suggestion, ...]:
    """What a bridge without articles suggests."""
    del ticket, text
    return ()


class Pipeline:
    """Works on one claimed ticket at a time: read, refresh if needed, enrich, triage, decide, route, plan, commit."""

    def __init__(
        self,
        store: Store,
        desks: Mapping[str, ConnectedDesk],
        *,
        policy: Callable[[], Policy],
        gather: Callable[[Ticket, Sequence[Enricher]], Sequence[Fact]],
        suggest: Suggest = nothing_to_suggest,
        read: Read = words_alone,
        matcher: Matcher,
        clock: Clock,
        metrics: Metrics,
        cap: Cap,
    ) -> None:
        self._store = store
        self._desks = desks
        self._matcher = matcher
        self._cap = cap
        self._policy = policy
        self._gather = gather
        self._suggest = suggest
        self._read = read
        self._clock = clock
        self._metrics = metrics

    def handle(self, box: Mailbox, owner: str) -> None:
        """Work on everything that waits in a mailbox and hand it back. Never raises for a ticket's sake.

        A passing fault puts it off, a lasting one parks its deliveries with the reason.
        """
        with self._store.reading() as connection:
            waiting = inbox.waiting(connection, box.desk, box.ticket)
        try:
            with purpose("read", _urgency(box)):
                self._handle(box, owner, waiting)
        except NotThere as error:
            log.info("ticket gone", desk=box.desk, ticket=box.ticket, words=error.words)
            gone = replace(box.snapshot, status=Status.DELETED) if box.snapshot else None
            self._leave(box, owner, waiting, replace(box.memory, conflicts=0), gone)
        except DeskError as error:
            if passing(error, box.attempts):
                self._put_off(box, owner, error.words, after=getattr(error, "after", None))
            else:
                self._park(box, owner, waiting, error.words)
        except LeaseLost:
            log.warning("lease lost", desk=box.desk, ticket=box.ticket)
        except AWAY:  # no fault of the ticket's; the worker lets go of it
            raise
        except Exception as error:  # noqa: BLE001 - one ticket's trouble must not stop the others
            log.error(
                "could not work on a ticket",
                desk=box.desk,
                ticket=box.ticket,
                error=type(error).__name__,
                at=whereabouts(error),
            )
            words = f"internal error: {type(error).__name__}"
            if box.attempts < MISTAKES_MAX:
                self._put_off(box, owner, words)
            else:
                self._park(box, owner, waiting, words)

    def _handle(self, box: Mailbox, owner: str, waiting: Sequence[Waiting]) -> None:
        connected = self._desks.get(box.desk)
        if connected is None:
            raise Permanent(f"desk '{box.desk}' is no longer in the settings")
        events = [event for kept in waiting for event in reconcile.read(connected.desk, kept.delivery)]
        if box.ticket == ROSTER:
            self._agents(box, owner, waiting, events)
            return
        with self._store.reading() as connection:
            known_rosters = rosters.load(connection)
            place = queue.of(connection, TicketRef(box.desk, box.ticket))
        if box.desk not in known_rosters:
            raise Retryable(f"the agents of desk '{box.desk}' have not been read yet", after=1.0)
        policy = self._policy()
        bindings = self._bindings(policy, known_rosters)
        acting_id = known_rosters[box.desk].acting_id
        called = place is not None and (place.calls or not stands(policy, place))
        sighting = see(
            connected.desk,
            box,
            events,
            acting_id,
            asked_at=self._clock(),
            queued=place is not None,
            called=called,
            agents=commands.writers(known_rosters[box.desk]),
        )
        if sighting.ticket is None or sighting.trigger is None:
            ticket, seen_until = sighting.ticket or box.snapshot, sighting.seen_until
            self._leave(box, owner, waiting, sighting.memory, ticket, events=events, seen_until=seen_until)
            return
        case = self._case(policy, bindings[box.desk], sighting.ticket, sighting.trigger, sighting.memory)
        outcome = policy.decide(case, desk=box.desk, desk_mode=connected.mode)
        weighed = _Weighed(
            connected,
            policy,
            bindings,
            case,
            outcome,
            sighting,
            events,
            acting_id,
            self._suggest(case.ticket, case.text),
            self._before(sighting),
        )
        self._commit(box, owner, waiting, weighed)

    def _before(self, sighting: Sighting) -> Sequence[Decision]:
        """The decisions so far, where somebody asks about them."""
        if not sighting.asked or sighting.ticket is None:
            return ()
        with self._store.reading() as connection:
            return journal.of_ticket(connection, sighting.ticket.ref.desk, sighting.ticket.ref.id)

    def _case(self, policy: Policy, binding: Binding, ticket: Ticket, trigger: EventKind, memory: Memory) -> Case:
        connected = self._desks[binding.desk]
        with purpose("enrich"):
            facts = self._gather(ticket, connected.enrichers)
        known = connected.with_requester(ticket)
        return case_of(policy, binding, known, trigger, memory, facts=facts, now=self._clock(), read=self._read)

    def _bindings(self, policy: Policy, known: Mapping[str, Roster]) -> dict[str, Binding]:
        return {name: bind(policy, roster) for name, roster in known.items() if name in self._desks}

    def _commit(self, box: Mailbox, owner: str, waiting: Sequence[Waiting], weighed: "_Weighed") -> None:
        """One transaction: capacity reserved, decision journalled, operation planned, deliveries done."""
        ticket, now = weighed.case.ticket, self._clock()
        known = weighed.sighting.memory
        with self._store.writing() as connection:
            assignment, before = self._matcher.assign(connection, weighed.policy, weighed.case, weighed.outcome, known)
            note_answer(connection, weighed.policy, ticket.ref, weighed.events, ticket)
            note_sightings(self._store, connection, ticket.ref, weighed.events, ticket)
            decision, remains = decide(weighed, assignment, decision_id=str(ULID.from_datetime(now)))
            operation = weighed.connected.desk.plan(decision.id, decision.change, ticket)
            journal.write(connection, decision)
            feedback.keep(self._store, connection, _words(weighed, decision))
            self._tell(connection, decision, callouts.due(decision, known, ticket), now)
            written = bool(operation.steps) and self._put_out(connection, operation, weighed, waiting, now)
            given = written and bool(decision.change.assignee_id)
            place = after(weighed.case, weighed.outcome, known, assignment, before, given=given, now=now)
            self._matcher.keep(connection, ticket, place, before, now)
            inbox.settle(connection, [kept.id for kept in waiting], now)
            mailboxes.hand_back(
                connection,
                owner,
                box,
                due_at=None,
                snapshot=ticket,
                memory=remains,
                operation=operation.id if written else None,
                seen_until=weighed.sighting.seen_until,
            )
        self._metrics.decisions.labels(box.desk, decision.mode).inc()
        log.info(
            "decided",
            desk=box.desk,
            ticket=box.ticket,
            decision=decision.id,
            mode=decision.mode.value,
            team=assignment.team if assignment else None,
            agent=assignment.agent if assignment else None,
            steps=len(operation.steps),
        )

    def _tell(self, connection: Connection, decision: Decision, hooks: Sequence[Hook], now: datetime) -> None:
        """Plan the messages to webhooks; they are parked where a receiver seems to answer them at the desk."""
        if not hooks:
            return
        told = outgoing.decisions_told(connection, decision.ref, now - self._cap.within)
        loop = callouts.stopped(told, self._cap.within)
        planned = callouts.messages(decision, hooks, now)
        outgoing.plan(connection, planned, now, parked=loop)
        if loop is not None:
            log.error("calls parked", desk=decision.ref.desk, ticket=decision.ref.id, words=loop)
            for message in planned:
                self._metrics.callouts.labels(message.webhook, "parked").inc()

    def _put_out(
        self,
        connection: Connection,
        operation: Operation,
        weighed: "_Weighed",
        waiting: Sequence[Waiting],
        now: datetime,
    ) -> bool:
        """Plan the write of an operation; False where it is parked, because our writes seem to go round in a circle."""
        ticket, change = weighed.case.ticket, operation.change
        before = outbox.written(connection, ticket.ref, now - self._cap.within)
        loop = stopped(self._cap, before, change, ticket=ticket, events=weighed.events, acting_id=weighed.acting_id)
        outbox.replace_stopped(connection, ticket.ref, now)
        outbox.add(
            connection,
            operation,
            decision=operation.id,
            rank=4 - max(ticket.priority, change.priority or ticket.priority, key=lambda p: p.rank).rank,
            now=now,
            received_at=min((kept.delivery.received_at for kept in waiting), default=None),
            parked=loop,
        )
        if loop is None:
            self._store.announce(connection)
            return True
        log.error("write parked", desk=ticket.ref.desk, ticket=ticket.ref.id, words=loop)
        self._metrics.operations.labels(ticket.ref.desk, "parked").inc()
        return False

    def _agents(self, box: Mailbox, owner: str, waiting: Sequence[Waiting], events: Sequence[Event]) -> None:
        with self._store.reading() as connection:
            roster = rosters.load(connection).get(box.desk)
        if roster is not None:
            rosters.save(self._store, with_statuses(roster, events))
        self._leave(box, owner, waiting, box.memory, None)

    def _leave(
        self,
        box: Mailbox,
        owner: str,
        waiting: Sequence[Waiting],
        memory: Memory,
        snapshot: Ticket | None,
        *,
        events: Sequence[Event] = (),
        seen_until: datetime | None = None,
    ) -> None:
        """Nothing to write: deliveries are done, what was seen is kept, a ticket at rest gives its agent room."""
        now, ref = self._clock(), TicketRef(box.desk, box.ticket)
        seen = {event.snapshot.status for event in events if event.snapshot}
        seen |= {snapshot.status} if snapshot else {Status.DELETED}
        with self._store.writing() as connection:
            inbox.settle(connection, [kept.id for kept in waiting], now)
            note_answer(connection, self._policy(), ref, events, snapshot)
            note_sightings(self._store, connection, ref, events, snapshot)
            if seen & SETTLED or "assignee" in memory.held or "team" in memory.held - box.memory.held:
                forget(self._store, connection, ref, now)
            elif seen & RESTING:
                rest(self._store, connection, ref, now)
            mailboxes.hand_back(
                connection,
                owner,
                box,
                due_at=None,
                snapshot=snapshot,
                memory=memory,
                seen_until=seen_until,
            )

    def _put_off(self, box: Mailbox, owner: str, words: str, after: float | None = None) -> None:
        wait = patience(box.attempts, f"{box.desk}:{box.ticket}", after)
        log.info("put off", desk=box.desk, ticket=box.ticket, words=words, seconds=wait.total_seconds())
        failures = box.attempts if after is not None else box.attempts + 1  # who is told when to come has not failed
        self._hand_back(box, owner, due_at=self._clock() + wait, attempts=failures)

    def _park(self, box: Mailbox, owner: str, waiting: Sequence[Waiting], words: str) -> None:
        now = self._clock()
        log.error("parked", desk=box.desk, ticket=box.ticket, words=words)
        try:
            with self._store.writing() as connection:
                inbox.settle(connection, [kept.id for kept in waiting], now, words=words)
                forget(self._store, connection, TicketRef(box.desk, box.ticket), now)
                mailboxes.hand_back(connection, owner, box, due_at=None, snapshot=box.snapshot, memory=box.memory)
        except LeaseLost:
            log.warning("lease lost", desk=box.desk, ticket=box.ticket)

    def _hand_back(self, box: Mailbox, owner: str, *, due_at: datetime, attempts: int) -> None:
        try:
            with self._store.writing() as connection:
                mailboxes.hand_back(
                    connection,
                    owner,
                    box,
                    due_at=due_at,
                    snapshot=box.snapshot,
                    memory=box.memory,
                    attempts=attempts,
                )
        except LeaseLost:
            log.warning("lease lost", desk=box.desk, ticket=box.ticket)


def case_of(
    policy: Policy,
    binding: Binding,
    ticket: Ticket,
    trigger: EventKind,
    memory: Memory,
    *,
    facts: Sequence[Fact],
    now: datetime,
    read: Read = words_alone,
) -> Case:
    """Everything that the policy may read of a ticket, with what its triage finds."""
    text = text_of(ticket)
    return Case(
        ticket=ticket,
        event=trigger,
        now=now,
        text=text,
        triage=read(policy, ticket, text),
        facts={fact.name: in_policy_words(fact, binding) for fact in facts},
        standing=standing(ticket, memory, binding),
    )


@dataclass(frozen=True, slots=True)
class _Weighed:
    connected: ConnectedDesk
    policy: Policy
    bindings: Mapping[str, Binding]
    case: Case
    outcome: Outcome
    sighting: Sighting
    events: Sequence[Event]
    acting_id: str | None
    suggestions: tuple[Suggestion, ...]
    before: Sequence[Decision] = ()


def decide(weighed: _Weighed, assignment: Assignment | None, *, decision_id: str) -> tuple[Decision, Memory]:
    """The decision for a weighed case, and what to remember once it is stored. Pure."""
    case, outcome, memory = weighed.case, weighed.outcome, weighed.sighting.memory
    ticket, desk = case.ticket, weighed.connected.desk
    wanted = wishes.wish(weighed.policy, desk.name, outcome.effect, assignment)
    settled = wishes.settle(wanted, ticket, memory, desk.can)
    facts = tuple(case.facts.values())
    remarks = _unsaid(outcome.effect, memory)
    note, summary = _notes(weighed, assignment, settled, remarks)
    answers = _answers(weighed, assignment, decision_id)
    change = commands.handed(weighed.sighting.asked, ticket, memory, settled.change)
    tell = _to_tell(weighed) if note else frozenset[str]()
    decision = Decision(
        id=decision_id,
        ref=ticket.ref,
        at=case.now,
        event=case.event,
        policy_version=weighed.policy.version,
        mode=outcome.mode,
        triage=case.triage,
        facts=facts,
        verdicts=outcome.verdicts,
        assignment=assignment,
        wish=wanted,
        change=wishes.within(outcome.mode, change, _joined(answers, note), tell, summary),
        kept=settled.kept,
        effect=outcome.effect,
        ticket=ticket,
        text=case.text,
        standing=case.standing,
        suggestions=weighed.suggestions,
    )
    said = frozenset(one.rule for one in remarks) if note is not None else frozenset[str]()
    return decision, _remains(weighed, decision, settled.change, said)


def _notes(
    weighed: _Weighed, assignment: Assignment | None, settled: wishes.Settled, remarks: Sequence[Remark]
) -> tuple[str | None, str | None]:
    """The note, and apart from it what the next decision replaces: all but what rules say, where the desk can do so."""
    case, outcome, memory = weighed.case, weighed.outcome, weighed.sighting.memory
    if not _worth_a_note(outcome.mode, settled.change, memory, remarks, outcome.effect.tier):
        return None, None
    written = partial(
        compose,
        mode=outcome.mode,
        triage=case.triage,
        acts_from=weighed.policy.acts_from,
        facts=tuple(case.facts.values()),
        verdicts=outcome.verdicts,
        assignment=assignment,
        wish=settled.change,
        kept=settled.kept,
        names=weighed.bindings[weighed.connected.desk.name].names,
        tier=outcome.effect.tier,
        suggestions=weighed.suggestions,
    )
    length = weighed.connected.note
    if Capability.SUMMARY in weighed.connected.desk.can:
        return written(remarks=remarks, length="off") or None, written(length=length) or None
    return written(remarks=remarks, length=length) or None, None


def _answers(weighed: _Weighed, assignment: Assignment | None, decision_id: str) -> str | None:
    """What is said to agents who asked; nothing where nothing may be written."""
    asked, memory = weighed.sighting.asked, weighed.sighting.memory
    if not asked or weighed.outcome.mode is Mode.SHADOW:
        return None
    return commands.answers(asked, weighed.case.ticket, memory, _background(weighed, assignment, decision_id))


def _background(weighed: _Weighed, assignment: Assignment | None, decision_id: str) -> commands.Background:
    """What there is to answer a command with."""
    desk, case, outcome = weighed.connected.desk.name, weighed.case, weighed.outcome
    now = commands.Background(
        decision=decision_id,
        mode=outcome.mode,
        triage=case.triage,
        verdicts=outcome.verdicts,
        assignment=assignment,
        tier=outcome.effect.tier,
        miss=partial(weighed.policy.nearest_miss, case, desk=desk),
        intents=weighed.policy.intents,
        names=weighed.bindings[desk].names,
    )
    return now.of(weighed.before)


def _words(weighed: _Weighed, decision: Decision) -> list[feedback.Word]:
    """What agents told us of the intent, in whatever mode."""
    asked = weighed.sighting.asked
    if not asked:
        return []
    known = _background(weighed, decision.assignment, decision.id)
    return commands.words(asked, weighed.case.ticket, known, decision.at)


def _joined(answers: str | None, note: str | None) -> str | None:
    return None if answers is None and note is None else (answers or "") + (note or "")


def _remains(weighed: _Weighed, decision: Decision, suggested: Change, said: frozenset[str]) -> Memory:
    """What to remember of a ticket once a decision on it is stored; `said` are the rules whose words its note holds."""
    memory, ticket = weighed.sighting.memory, weighed.case.ticket
    called = callouts.due(decision, memory, ticket)
    return replace(
        remembered.heard(commands.answered(memory, weighed.sighting.asked), ticket),
        decided=True,
        event=decision.event,
        attempted=None,
        suggested=suggested if decision.mode is Mode.SUGGEST else memory.suggested,
        remarked=memory.remarked | said,
        called=callouts.called_already(memory, ticket) | {callouts.key(hook) for hook in called},
        tier=decision.effect.tier or memory.tier,
    )


def _urgency(box: Mailbox) -> Rank:
    if box.snapshot is not None and box.snapshot.priority is Priority.URGENT:
        return Rank.URGENT
    return Rank.BACKGROUND if box.rank == mailboxes.POLLED else Rank.ORDINARY


def _unsaid(effect: Effect, memory: Memory) -> list[Remark]:
    """What no note of ours says yet; a notice stands there too, with those it is for: not every desk can mail it."""
    notices = [Remark(one.rule, f"For {', '.join(sorted(one.to))}: {one.text}") for one in effect.notices]
    return [one for one in (*effect.remarks, *notices) if _is_new(one.rule, memory)]


def _is_new(rule: str, memory: Memory) -> bool:
    """Whether no note says what a rule wants said; the note of a decision that came too late was never written."""
    return bool(memory.conflicts) or rule not in memory.remarked


def _to_tell(weighed: "_Weighed") -> frozenset[str]:
    """The addresses to which the desk is to send a note, where it can: those of notices that no note holds yet."""
    desk, memory = weighed.connected.desk, weighed.sighting.memory
    if Capability.NOTIFY not in desk.can:
        return frozenset()
    new = (one.to for one in weighed.outcome.effect.notices if _is_new(one.rule, memory))
    return addresses(weighed.policy, weighed.bindings[desk.name], frozenset().union(*new))


def _worth_a_note(mode: Mode, change: Change, memory: Memory, remarks: Sequence[Remark], tier: str | None) -> bool:
    """Whether an agent would learn something; `remarks` are those that no note of ours holds yet."""
    if mode is Mode.SHADOW:
        return False
    if remarks or tier not in {None, memory.tier}:
        return True
    if mode is Mode.SUGGEST:
        return not memory.noted or change != memory.suggested
    return change.touches_fields or not memory.noted


def see(
    desk: Desk,
    box: Mailbox,
    events: Sequence[Event],
    acting_id: str | None,
    *,
    asked_at: datetime,
    queued: bool = False,
    called: bool = False,
    agents: Mapping[str, AgentRecord] = NOBODY_ASKS,
) -> Sighting:
    """The ticket behind a mailbox, read from the desk only where the events do not carry it and might matter.

    `queued` says that it is in the router's care, `called` that the router wants it decided on. Raises
    Retryable where there is something to decide on a ticket that is still changing under one stamp.
    """
    known, seen_until = box.snapshot, None
    by_people = (event.kind for event in events if _is_person(event, acting_id))
    memory = remembered.told(box.memory, by_people, (event.kind for event in events if _is_hint(event)))
    creation = _creation(events) if known is None else None
    created = creation.snapshot if creation is not None else None
    if creation is not None and created is not None and creation.actor.kind is ActorKind.AGENT:
        memory = remembered.created_by_a_person(memory, created)
    if creation is not None and created is not None and _only_its_burst(creation, events):
        ticket = created
    elif called or _may_matter(events, memory, acting_id) or (queued and _may_be_gone(events)):
        history = remembered.looks_back(memory, known, queued=queued)
        ticket = desk.fetch(TicketRef(box.desk, box.ticket), history=history)
        seen_until = reconcile.seen_whole(ticket, asked_at)
    elif known is not None and (status := _settled(events, known)) is not None:
        return Sighting(replace(known, status=status), memory, None)
    else:
        return Sighting(None, memory, None)
    memory = remembered.seen(memory, known, ticket, desk.default_priority, created)
    asked = commands.unanswered(ticket, memory, agents)
    trigger = _trigger(memory, ticket, called, asked)
    if trigger is not None:
        _require_settled(desk, ticket, asked_at)
    return Sighting(ticket, commands.heeded(asked, ticket, memory), trigger, seen_until, asked)


def _require_settled(desk: Desk, ticket: Ticket, asked_at: datetime) -> None:
    """Raises Retryable where something else may still happen to a ticket under the very stamp that it shows.

    A lock on that stamp would not refuse a write over it. Clocks that differ by more than `SKEW_MAX` are let be, or
    each ticket would wait for as long.
    """
    if ticket.updated_at is None:
        return
    left = ticket.updated_at + desk.settle - asked_at
    if timedelta(0) < left <= desk.settle + SKEW_MAX:
        raise Retryable("the ticket has only just changed", after=left.total_seconds())


def _settled(events: Sequence[Event], known: Ticket) -> Status | None:
    """The status that the newest event shows, where it needs nobody and is no older than what we know."""
    shown = [(event.snapshot.updated_at, event.snapshot.status) for event in events if event.snapshot]
    at, status = max(((at, status) for at, status in shown if at is not None), default=(None, None))
    if at is None or status not in SETTLED or (known.updated_at is not None and at < known.updated_at):
        return None
    return status


def _creation(events: Sequence[Event]) -> Event | None:
    """The creation that carries the whole ticket, where it is among the events."""
    created = (e for e in events if e.kind is EventKind.TICKET_CREATED and e.snapshot and e.snapshot.complete)
    return next(created, None)


def _only_its_burst(creation: Event, events: Sequence[Event]) -> bool:
    """Whether nothing but the creation's own burst has happened since."""
    return all(event.kind is EventKind.TICKET_CREATED or _same_burst(event, creation) for event in events)


def _same_burst(one: Event, other: Event) -> bool:
    """Whether two events are of one save; a desk that names no bursts leaves that unknown."""
    return one.burst is not None and one.burst == other.burst


def _may_be_gone(events: Sequence[Event]) -> bool:
    """Whether a ticket was merged into another or deleted, which not every desk tells by its status."""
    return any(event.kind in {EventKind.MERGED, EventKind.DELETED} for event in events)


def _may_matter(events: Sequence[Event], memory: Memory, acting_id: str | None) -> bool:
    if not memory.decided or memory.conflicts:
        return True
    return any(
        event.kind is EventKind.TICKET_CREATED
        or _is_hint(event)
        or commands.is_meant(event.message)
        or (event.kind in _MAY_DECIDE and not _is_integration(event, acting_id))
        for event in events
    )


def _is_hint(event: Event) -> bool:
    """Freshdesk's say "look at this ticket" and name one of the changes at most, and nobody who made it."""
    return event.snapshot is None and event.message is None and event.actor.kind is ActorKind.UNKNOWN


def _is_integration(event: Event, acting_id: str | None) -> bool:
    by_us = event.actor.id is not None and event.actor.id == acting_id
    return by_us or event.actor.kind is ActorKind.INTEGRATION


def _is_person(event: Event, acting_id: str | None) -> bool:
    """Whether somebody made a change who is neither the desk, nor a customer, nor we."""
    unknown_or_agent = event.actor.kind in {ActorKind.AGENT, ActorKind.UNKNOWN} and event.actor.id is not None
    return unknown_or_agent and acting_id is not None and event.actor.id != acting_id


def _trigger(memory: Memory, ticket: Ticket, called: bool, asked: Sequence[commands.Command]) -> EventKind | None:
    """What there is to decide on: a ticket not decided yet, news from its requester, a decision that came too late, an
    agent who was found, an agent who asks."""
    if ticket.status in SETTLED:
        return None
    if not memory.decided:
        return EventKind.TICKET_CREATED
    if remembered.has_news(memory, ticket):
        return EventKind.REQUESTER_REPLIED
    if memory.conflicts or asked or (called and "assignee" not in memory.held):
        return memory.event
    return None


def with_statuses(roster: Roster, events: Sequence[Event]) -> Roster:
    """The roster with what events say of its agents; of two about one agent the one with the higher version holds."""
    latest: dict[str, Event] = {}
    for event in events:
        if event.agent_id is None or event.agent_status is None:
            continue
        before = latest.get(event.agent_id)
        if before is None or (event.version or 0) >= (before.version or 0):
            latest[event.agent_id] = event
    statuses: dict[str, AgentStatus] = {
        agent_id: event.agent_status for agent_id, event in latest.items() if event.agent_status is not None
    }
    agents = tuple(replace(agent, status=statuses.get(agent.id, agent.status)) for agent in roster.agents)
    return replace(roster, agents=agents)
