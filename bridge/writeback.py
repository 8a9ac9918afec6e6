"""Operations out to the desks: each step once, read back where its outcome is unclear, never over a human's edit."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from bridge.budget import Held
from bridge.bulk import BulkWrites, Course
from bridge.closed import Closed
from bridge.errors import BadCredential, Conflict, DeskError, NotThere, Permanent, Retryable, whereabouts
from bridge.memory import applied, sent
from bridge.metrics import Metrics
from bridge.model import Receipt, Step, StepState, Ticket
from bridge.pipeline import ConnectedDesk, passing, patience
from bridge.ports import Capability, Clock
from bridge.purpose import Rank, purpose
from bridge.queueing import forget
from bridge.store import Store, inbox, leases, outbox
from bridge.store import mailbox as mailboxes
from bridge.store import roster as rosters
from bridge.store.leases import LeaseLost
from bridge.store.outbox import Work
from bridge.store.session import AWAY
from bridge.tenure import ARRIVES, UPTIME, Tenure, Ticks

log = structlog.get_logger(__name__)

CONFLICTS_MAX = 4
"""So many decisions in a row that came too late, the first and three more, and the operation is parked: somebody is
busy on the ticket."""

SIGHT = timedelta(seconds=1)
"""So long what a step's answer showed of the ticket stands for the look before the next step, counted from its call."""

MISTAKES_MAX = 8
"""So many internal errors in a row, and an operation is parked.

A desk that is away or throttles us is asked again for as long as it takes.
"""


class WriteBack:
    """Carries out one claimed operation at a time, or has many carried out together. Thread-safe."""

    def __init__(
        self,
        store: Store,
        desks: Mapping[str, ConnectedDesk],
        *,
        clock: Clock,
        metrics: Metrics,
        lease: timedelta,
        ticks: Ticks = UPTIME,
    ) -> None:
        self._store = store
        self._desks = desks
        self._clock = clock
        self._metrics = metrics
        self._lease = lease
        self.tenure = Tenure(lease, ticks)
        self._closed = Closed()
        self._bulk = BulkWrites(
            store, desks, clock=clock, metrics=metrics, lease=lease, tenure=self.tenure, settle=self._settle
        )

    def run_one(self, owner: str) -> bool:
        """Carry out what is due next: an urgent operation, many together, or one; False where there is nothing."""
        if not outbox.waits(self._store, self._clock()):
            return False
        courses = self._bulk.courses()
        apart = [desk for desk, course in courses.items() if course is not Course.SINGLY]
        try:
            return (
                self._write(owner, rank_max=outbox.URGENT)
                or self._bulk.run_one(owner, courses)
                or self._write(owner, apart=apart)
            )
        except LeaseLost as lost:
            log.warning("lease lost", owner=owner, words=str(lost))
            self._let_go(owner)
            return True

    def _write(self, owner: str, *, rank_max: int = outbox.LEAST_URGENT, apart: Collection[str] = ()) -> bool:
        began, now = self.tenure.now(), self._clock()
        closed, closed_to_urgent = (self._closed.desks(now, urgent=urgent) for urgent in (False, True))
        work = outbox.claim(
            self._store,
            owner,
            now,
            self._lease,
            rank_max=rank_max,
            apart=apart,
            closed=closed,
            closed_to_urgent=closed_to_urgent,
        )
        if work is None:
            return False
        self.tenure.taken(owner, began)
        with purpose("write", Rank.URGENT if work.rank == outbox.URGENT else Rank.ORDINARY), self.tenure.writing(owner):
            self._safely(work, owner, partial(self._carry_out, work, owner))
        return True

    def _settle(self, work: Work, owner: str, outcome: Receipt | DeskError) -> None:
        """Store what became of an operation that went with others."""
        if isinstance(outcome, Receipt):
            self._safely(work, owner, partial(self._end, work, owner, "done", None))
        else:
            self._safely(work, owner, partial(self._failed, work, owner, 0, outcome))

    def _safely(self, work: Work, owner: str, act: Callable[[], None]) -> None:
        """Do something for an operation; a mistake of ours puts it off, and in the end parks it."""
        try:
            act()
        except (LeaseLost, *AWAY):  # no fault of the operation's; its worker lets go of it
            raise
        except Exception as error:  # noqa: BLE001 - one operation's trouble must not stop the others
            log.error(
                "could not carry out an operation",
                operation=work.operation.id,
                error=type(error).__name__,
                at=whereabouts(error),
            )
            words = f"internal error: {type(error).__name__}"
            if work.attempts < MISTAKES_MAX:
                self._postpone(work, owner, words, unsent=None)
            else:
                self._end(work, owner, "parked", words)

    def _carry_out(self, work: Work, owner: str) -> None:
        connected = self._desks.get(work.operation.ref.desk)
        if connected is None:
            self._end(work, owner, "parked", f"desk '{work.operation.ref.desk}' is no longer in the settings")
            return
        if self._overtaken(connected, work):
            self._decide_again(work, owner, "something has come in since the decision", unsent=True)
            return
        seen: Ticket | None = None
        looked_at = -math.inf
        last = len(work.operation.steps) - 1
        for position, (step, state) in enumerate(zip(work.operation.steps, work.states, strict=True)):
            if state is StepState.DONE:
                continue
            fresh = seen if self.tenure.now() - looked_at < SIGHT.total_seconds() else None
            looked_at = self.tenure.now()
            try:
                seen = self._step(connected, step, state, fresh)
            except DeskError as error:
                self._failed(work, owner, position, error)
                if isinstance(error, Held) and error.every:
                    self._closed.close(connected.desk.name, self._clock(), error.after or 0.0, urgent=work.rank == 0)
                return
            if position < last:
                with self._store.writing() as connection:
                    outbox.step_done(connection, owner, work.operation.id, position, self._clock())
        self._end(work, owner, "done", None)

    def _overtaken(self, connected: ConnectedDesk, work: Work) -> bool:
        """Whether to decide anew before the first step, because more is known of the ticket by now.

        What comes in while a write waits, a lock finds out by itself; without one the fields may look as they did. A
        decision that would be the last one before a person is asked is carried out all the same.
        """
        if Capability.OPTIMISTIC_LOCK in connected.desk.can or set(work.states) != {StepState.PLANNED}:
            return False
        ref = work.operation.ref
        with self._store.reading() as connection:
            news = inbox.has_waiting(connection, ref.desk, ref.id)
            return news and mailboxes.recall(connection, ref)[1].conflicts + 1 < CONFLICTS_MAX - 1

    def _step(self, connected: ConnectedDesk, step: Step, state: StepState, seen: Ticket | None) -> Ticket | None:
        """Perform a step, unless it was started before and its effect is at the desk already."""
        started = state is StepState.STARTED
        receipt = connected.desk.find(step) if started else None
        if receipt is not None:
            return receipt.seen
        try:
            return connected.desk.perform(step, seen).seen
        except Conflict:
            # What changed the ticket may be our own call of before, which took effect only after we had looked.
            late = connected.desk.find(step) if started else None
            if late is None:
                raise
            return late.seen

    def _failed(self, work: Work, owner: str, position: int, error: DeskError) -> None:
        words = str(error)
        match error:
            case Conflict():
                self._decide_again(work, owner, words)
            case Retryable() | BadCredential() if passing(error, work.attempts):
                was_unclear = work.states[position] is StepState.STARTED
                unsent = None if was_unclear else position
                self._postpone(work, owner, words, unsent=unsent, after=getattr(error, "after", None))
            case Permanent() if self._agent_is_gone(work):
                self._decide_again(work, owner, f"{words}; the desk does not have the agent any more")
            case NotThere():
                self._end(work, owner, "dropped", words)
            case Permanent():
                self._end(work, owner, "parked", words)
            case _:  # Unclear, or whatever an adapter did not sort
                self._postpone(work, owner, words, unsent=None, at_least=self._arrival(work))

    def _agent_is_gone(self, work: Work) -> bool:
        """Whether a write was refused that gives the ticket to somebody whom a fresh look at the desk does not show."""
        desk, agent = self._desks[work.operation.ref.desk].desk, work.operation.change.assignee_id
        if not agent:
            return False
        try:
            roster = desk.roster()
        except DeskError:
            return False
        rosters.save(self._store, roster)
        return all(each.id != agent for each in roster.agents)

    def _arrival(self, work: Work) -> timedelta:
        """How long a write may take effect after we have lost sight of it; a lock would refuse it then."""
        locked = Capability.OPTIMISTIC_LOCK in self._desks[work.operation.ref.desk].desk.can
        return timedelta(0) if locked else ARRIVES

    def _let_go(self, owner: str) -> None:
        """What is still this owner's would else be renewed for ever and never worked on."""
        with self._store.writing() as connection:
            leases.let_go(connection, [owner], self._clock())

    def _postpone(
        self,
        work: Work,
        owner: str,
        words: str,
        *,
        unsent: int | None,
        after: float | None = None,
        at_least: timedelta = timedelta(0),
    ) -> None:
        wait = max(at_least, patience(work.attempts, work.operation.id, after))
        log.info("write put off", operation=work.operation.id, words=words, seconds=wait.total_seconds())
        with self._store.writing() as connection:
            due_at, failed = self._clock() + wait, after is None  # who is told when to come has not failed
            outbox.postpone(connection, owner, work.operation.id, due_at, words, unsent=unsent, failed=failed)
        self._metrics.operations.labels(work.operation.ref.desk, "put_off").inc()

    def _decide_again(self, work: Work, owner: str, words: str, *, unsent: bool = False) -> None:
        """The ticket changed under us: the decision is void, its ticket is due at once."""
        now, ref = self._clock(), work.operation.ref
        with self._store.writing() as connection:
            snapshot, memory = mailboxes.recall(connection, ref)
            memory = memory if unsent else sent(memory, work.operation.change)
            again = memory.conflicts + 1 < CONFLICTS_MAX
            remains = replace(memory, attempted=work.operation.change, conflicts=memory.conflicts + 1 if again else 0)
            outbox.finish(connection, owner, work.operation, "superseded" if again else "parked", now=now, words=words)
            if again and work.operation.change.assignee_id:
                rosters.release(connection, ref)
            elif not again:
                forget(self._store, connection, ref, now)
            mailboxes.remember(connection, ref, snapshot, remains)
            if again:
                mailboxes.wake(self._store, connection, {(ref.desk, ref.id): now})
        self._metrics.operations.labels(ref.desk, "superseded" if again else "parked").inc()
        log.info("decided too late", operation=work.operation.id, words=words, again=again)

    def _end(self, work: Work, owner: str, state: str, words: str | None) -> None:
        now, change, ref = self._clock(), work.operation.change, work.operation.ref
        with self._store.writing() as connection:
            snapshot, memory = mailboxes.recall(connection, ref)
            if state == "done":
                outbox.finish_steps(connection, work.operation.id, now)
                if change.assignee_id:  # else it is promised to an operation that comes after this one
                    rosters.written(connection, ref, now)
                remains = replace(sent(memory, change), conflicts=0, noted=True)
                mailboxes.remember(connection, ref, applied(change, snapshot) if snapshot else None, remains)
            else:
                forget(self._store, connection, ref, now)
                remains = replace(sent(memory, change), conflicts=0, attempted=change)
                mailboxes.remember(connection, ref, snapshot, remains)
            if outbox.finish(connection, owner, work.operation, state, now=now, words=words):
                self._store.announce(connection)
        self._metrics.operations.labels(ref.desk, state).inc()
        if state == "done" and work.received_at is not None:
            self._metrics.lag.labels(ref.desk).observe((now - work.received_at).total_seconds())
        (log.info if state == "done" else log.error)(f"write {state}", operation=work.operation.id, words=words)
