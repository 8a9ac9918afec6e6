"""Writes that wait in a backlog go to their desk together: when, in jobs of how many, and what becomes of each.

Why it is so stands in docs/adr/006-bulk-writes.md.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from typing import Final, TypeVar, cast

import structlog

from bridge.errors import BadCredential, Conflict, DeskError, Permanent, Retryable, Unclear, whereabouts
from bridge.metrics import Metrics
from bridge.model import Receipt, Step, TicketRef
from bridge.pipeline import ConnectedDesk, patience
from bridge.ports import BulkDesk, Capability, Clock
from bridge.purpose import Rank, purpose
from bridge.store import Store
from bridge.store import bulk as jobs
from bridge.store.bulk import Batch, Standing, Trust
from bridge.store.leases import LeaseLost
from bridge.store.outbox import Work
from bridge.store.session import AWAY
from bridge.tenure import Tenure

log = structlog.get_logger(__name__)

T = TypeVar("T")

BULK_FROM: Final = 10
"""So many writes in a backlog go together: a job costs one call and about three looks, single writes one call each."""

GATHER: Final = timedelta(seconds=10)
"""How long a write may wait for company while more is coming.

A thousand tickets are ten full jobs of at most five calls; with nine single writes before the backlog shows and nine
after it has gone, 68 at the very most and about 40 as jobs really go. Jobs that were not waited for would be more.
"""

JOBS_MAX: Final = 10
"""Jobs of ours at one desk at a time; Zendesk lets an account have 30, and other apps live on the same ones."""

LOOK_FIRST: Final = timedelta(seconds=2)
LOOK_MAX: Final = timedelta(seconds=10)
"""When a job is looked at first; then after twice its age, up to the second."""

JOB_PATIENCE: Final = timedelta(minutes=10)
"""A job that is not over by then is given up, and its writes are read back."""

RESTS: Final = {Trust.UNSURE: timedelta(seconds=2), Trust.BROKEN: timedelta(days=1)}
"""How long a desk gets no bulk calls after a rehearsal that told nothing, or after it broke its word."""

_TRUSTED: Final = {Trust.LOCKED, Trust.PROVEN}


class Course(Enum):
    """What to do with the ordinary writes that wait for a desk."""

    SINGLY = auto()
    WAIT = auto()
    TOGETHER = auto()


def course(standing: Standing, now: datetime, most: int) -> Course:
    """What to do with a desk's writes, where a job takes `most`. Pure."""
    backlog = standing.waiting + standing.coming
    rests = _rests(standing, now)
    if standing.oldest is None or backlog < BULK_FROM or (rests and standing.trust is Trust.BROKEN):
        return Course.SINGLY
    if standing.jobs >= JOBS_MAX:
        return Course.WAIT
    patient = now - standing.oldest < GATHER
    if standing.trust not in _TRUSTED:
        later = Course.WAIT if patient else Course.SINGLY
        return later if standing.jobs or rests else Course.TOGETHER
    if standing.waiting >= most:
        return Course.TOGETHER
    if (standing.coming or standing.jobs) and patient:
        return Course.WAIT
    return Course.TOGETHER if standing.waiting >= BULK_FROM else Course.SINGLY


def _rests(standing: Standing, now: datetime) -> bool:
    rest = RESTS.get(standing.trust)
    return rest is not None and standing.trust_at is not None and now - standing.trust_at < rest


class BulkWrites:
    """Sends jobs and asks after them. Thread-safe; no thread waits for a job.

    `settle` stores what became of an operation that went with others: a receipt, or the error it met.
    """

    def __init__(
        self,
        store: Store,
        desks: Mapping[str, ConnectedDesk],
        *,
        clock: Clock,
        metrics: Metrics,
        lease: timedelta,
        tenure: Tenure,
        settle: Callable[[Work, str, Receipt | DeskError], None],
    ) -> None:
        self._store = store
        self._desks = desks
        self._clock = clock
        self._metrics = metrics
        self._lease = lease
        self._tenure = tenure
        self._settle = settle

    def courses(self) -> dict[str, Course]:
        """What to do now with the writes of each desk that takes bulk calls."""
        able = {name: desk for name in self._desks if (desk := self._able(name)) is not None}
        if not able:
            return {}
        now = self._clock()
        with self._store.reading() as connection:
            return {
                name: course(jobs.standing(connection, name, now, desk.bulk_max), now, desk.bulk_max)
                for name, desk in able.items()
            }

    def run_one(self, owner: str, courses: Mapping[str, Course]) -> bool:
        """Ask after a job that is due, or send one; False where it is time for neither. Raises LeaseLost."""
        due = [name for name, what in courses.items() if what is Course.TOGETHER]
        with purpose("write", Rank.ORDINARY):
            return self._ask(owner) or any(self._send(owner, name) for name in due)

    def _able(self, name: str) -> BulkDesk | None:
        connected = self._desks.get(name)
        able = connected is not None and Capability.BULK in connected.desk.can
        return cast("BulkDesk", connected.desk) if connected is not None and able else None

    # Sending ----------------------------------------------------------------------------------------------------------

    def _send(self, owner: str, name: str) -> bool:
        desk = self._able(name)
        assert desk is not None
        began, now = self._tenure.now(), self._clock()

        def choose(standing: Standing) -> int:
            if course(standing, now, desk.bulk_max) is not Course.TOGETHER:
                return -1
            return desk.bulk_max if standing.trust in _TRUSTED else 0

        batch = jobs.begin(self._store, owner, name, now, self._lease, most=desk.bulk_max, choose=choose)
        if batch is None:
            return False
        self._tenure.taken(owner, began)
        try:
            with self._tenure.writing(owner):
                job = _sorted_out(partial(desk.submit, _steps(desk, batch)))
        except DeskError as error:
            self._not_taken(owner, batch, error)
        else:
            jobs.told(self._store, owner, batch, job, self._clock() + LOOK_FIRST)
            log.info("writes sent together", desk=name, job=job, count=len(batch.works))
            self._metrics.bulk.labels(name, "sent").inc()
        return True

    def _not_taken(self, owner: str, batch: Batch, error: DeskError) -> None:
        """The desk took no job: its writes go together later, or singly; where it may have, they are read back."""
        log.info("writes not sent together", desk=batch.desk, words=str(error), count=len(batch.works))
        if isinstance(error, Unclear) and batch.works:
            self._end(owner, batch, [error] * len(batch.works))
            return
        refused = not isinstance(error, Retryable | Unclear | BadCredential)
        if refused or batch.rehearses is not None:
            self._learn(batch.desk, Trust.BROKEN if refused else Trust.UNSURE, str(error))
        later = isinstance(error, Retryable)
        wait = patience(0, batch.id, getattr(error, "after", None)) if later else timedelta(0)
        jobs.put_back(self._store, owner, batch, self._clock() + wait, str(error), together=later)

    # Asking -----------------------------------------------------------------------------------------------------------

    def _ask(self, owner: str) -> bool:
        began, now = self._tenure.now(), self._clock()
        batch = jobs.claim(self._store, owner, now, self._lease)
        if batch is None:
            return False
        self._tenure.taken(owner, began)
        age, after = now - batch.begun_at, 0.0
        try:
            outcomes = self._outcomes(batch)
        except DeskError as error:
            outcomes, after = None, getattr(error, "after", None) or 0.0
            log.info("could not ask after a bulk job", desk=batch.desk, job=batch.job, words=str(error))
        if outcomes is None and age < JOB_PATIENCE:
            wait = max(timedelta(seconds=after), min(LOOK_MAX, max(LOOK_FIRST, 2 * age)))
            jobs.put_off(self._store, owner, batch, now + wait)
        else:
            words = f"the desk has not said for {age.total_seconds():.0f} s what became of a bulk call"
            self._end(owner, batch, outcomes if outcomes is not None else _all_unclear(batch, words))
        return True

    def _outcomes(self, batch: Batch) -> Sequence[Receipt | DeskError] | None:
        """What the desk says of a job; of one whose name was never heard it cannot be asked."""
        desk = self._able(batch.desk)
        if batch.job is None:
            return _all_unclear(batch, "nobody heard the desk's answer to a bulk call")
        if desk is None:
            return [Permanent(f"desk '{batch.desk}' is no longer in the settings")] * len(batch.works)
        steps = _steps(desk, batch)
        return _sorted_out(partial(desk.outcomes, batch.job, steps)) if steps else []

    def _end(self, owner: str, batch: Batch, outcomes: Sequence[Receipt | DeskError]) -> None:
        """Store what a job says, and forget it."""
        if batch.rehearses is not None:
            self._rehearsed(batch, outcomes)
        else:
            self._look_for_our_mark(batch, outcomes)
            for work, outcome in zip(batch.works, outcomes, strict=True):
                self._settle(work, owner, self._checked(work, outcome))
        with self._store.writing() as connection:
            jobs.over(connection, owner, batch)
        told = any(not isinstance(outcome, Unclear) for outcome in outcomes)
        self._metrics.bulk.labels(batch.desk, "done" if told else "lost").inc()

    def _checked(self, work: Work, outcome: Receipt | DeskError) -> Receipt | DeskError:
        """A conflict may be with ourselves, where a desk begins a job anew that it had carried out in part."""
        desk = self._able(work.operation.ref.desk)
        if desk is None or not isinstance(outcome, Conflict):
            return outcome
        try:
            return desk.find(work.operation.steps[0]) or outcome
        except DeskError as error:
            return Unclear(str(error))

    # Trust ------------------------------------------------------------------------------------------------------------

    def _rehearsed(self, batch: Batch, outcomes: Sequence[Receipt | DeskError]) -> None:
        outcome = outcomes[0] if outcomes else None
        if isinstance(outcome, Conflict):
            self._learn(batch.desk, Trust.LOCKED, None)
        elif isinstance(outcome, Receipt):
            self._learn(batch.desk, Trust.BROKEN, "a bulk call changed a ticket under a stale stamp")
        else:
            self._learn(batch.desk, Trust.UNSURE, str(outcome or "the rehearsal was lost"))

    def _look_for_our_mark(self, batch: Batch, outcomes: Sequence[Receipt | DeskError]) -> None:
        """Once a desk: does a write that a job carried out bear the mark by which a crash would find it?"""
        desk = self._able(batch.desk)
        done = [work for work, outcome in zip(batch.works, outcomes, strict=True) if isinstance(outcome, Receipt)]
        with self._store.reading() as connection:
            known = jobs.trust(connection, batch.desk)
        if desk is None or not done or known is not Trust.LOCKED:
            return
        try:
            found = desk.find(done[0].operation.steps[0])
        except DeskError as error:  # the next job will show it
            log.info("could not look for our mark", desk=batch.desk, words=str(error))
            return
        if found is not None:
            self._learn(batch.desk, Trust.PROVEN, None)
        else:
            self._learn(batch.desk, Trust.BROKEN, "a bulk call did not keep our mark")

    def _learn(self, desk: str, trust: Trust, words: str | None) -> None:
        tell = log.error if trust is Trust.BROKEN else log.info
        tell("bulk calls", desk=desk, trust=trust.value, words=words)
        with self._store.writing() as connection:
            jobs.learn(connection, desk, trust, self._clock(), words)


def _steps(desk: BulkDesk, batch: Batch) -> list[Step]:
    return [desk.rehearsal(TicketRef(batch.desk, batch.rehearses))] if batch.rehearses is not None else batch.steps


def _all_unclear(batch: Batch, words: str) -> list[Receipt | DeskError]:
    return [Unclear(words)] * len(batch.works)


def _sorted_out(call: Callable[[], T]) -> T:
    """What a call to the desk gives. Raises Unclear for an adapter's mistake, after which nothing is certain."""
    try:
        return call()
    except (DeskError, LeaseLost, *AWAY):
        raise
    except Exception as error:
        log.error("a bulk call went wrong", error=type(error).__name__, at=whereabouts(error))
        raise Unclear(f"internal error: {type(error).__name__}") from error
