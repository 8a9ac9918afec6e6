"""The threads of one process: some decide, some write back, some call webhooks, one finds agents for tickets that wait,
one keeps all of their leases alive."""

import os
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from ulid import ULID

from bridge.ahead import LookAhead
from bridge.caller import Caller
from bridge.errors import whereabouts
from bridge.pipeline import Pipeline
from bridge.ports import Clock
from bridge.queueing import Matcher
from bridge.signal import Signal
from bridge.store import Store, agenda, leases, mailbox
from bridge.store.ear import Ear
from bridge.writeback import WriteBack

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=10)
"""How long a worker may be silent before another takes its tickets over."""

_BEAT_SECONDS = 2.0
_PACE_SECONDS = 0.25
_GAP_SECONDS = 0.05
"""The time between two looks for what others planned: a busy bridge announces hundreds of times a second."""

_IDLE_SECONDS = 5.0
_CLAIM_MAX = 4
_CALLERS = 2


class Workers:
    """`deciders` threads that turn deliveries into planned operations, `writers` threads that carry them out, two that
    call webhooks, so that no receiver keeps a desk waiting, and one that gives waiting tickets to agents.

    Deciders wait on `signal`, the others on signals that deciders ring. For what other processes leave, what is due
    later and what was not heard, one thread looks when PostgreSQL tells of news, and every quarter of a second; it
    sends one of those for whom there is something, who sends the next. `identity` is this process's name among all that
    share the database.
    """

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        writeback: WriteBack,
        caller: Caller,
        matcher: Matcher,
        *,
        ahead: LookAhead,
        signal: Signal,
        clock: Clock,
        deciders: int,
        writers: int,
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._writeback = writeback
        self._ahead = ahead
        self._caller = caller
        self._matcher = matcher
        self._signal = signal
        self._planned = Signal()
        self._told = Signal()
        self._freed = Signal()
        self._news = threading.Event()
        self._clock = clock
        self._stop = threading.Event()
        self.identity = f"{socket.gethostname()}/{os.getpid()}/{ULID()}"
        roles: list[tuple[str, Callable[[str], bool], Signal]] = [
            *((f"{self.identity}/decider-{n}", self.decide, self._signal) for n in range(deciders)),
            *((f"{self.identity}/writer-{n}", self.write, self._planned) for n in range(writers)),
            *((f"{self.identity}/caller-{n}", self.call, self._told) for n in range(_CALLERS)),
            (f"{self.identity}/matcher", self.match, self._freed),
        ]
        self._owners = [owner for owner, _, _ in roles]
        self._ear = Ear(store, self._news.set)
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._pacer = threading.Thread(target=self._pace, name="pace", daemon=True)
        self._threads = [
            threading.Thread(target=self._loop, args=role, name=role[0].rsplit("/", 1)[1], daemon=True)
            for role in roles
        ]

    def start(self) -> None:
        """Begin to work."""
        self._ear.start()
        for thread in (self._heart, self._pacer, *self._threads):
            thread.start()

    def stop(self) -> None:
        """Finish what is in hand, let go of what was not begun and end every thread."""
        self._stop.set()
        self._news.set()
        for signal in (self._signal, self._planned, self._told, self._freed):
            signal.ring_all()
        for thread in (*self._threads, self._heart, self._pacer):
            thread.join()
        self._ear.stop()
        try:
            let_go(self._store, self._owners, self._clock())
        except Exception as error:  # noqa: BLE001 - the database may be away: then the leases run out by themselves
            log.error("could not let go", error=type(error).__name__, at=whereabouts(error))

    def decide(self, owner: str) -> bool:
        """Work on some tickets that are due; False where there are none."""
        boxes = mailbox.claim(self._store, owner, self._clock(), LEASE, _CLAIM_MAX)
        if boxes:
            self._signal.ring()  # there may be more for another decider
        if len(boxes) == _CLAIM_MAX:
            self._ahead.before(boxes)
        for box in boxes:
            if self._stop.is_set():
                break
            self._pipeline.handle(box, owner)
            self._planned.ring()
            self._told.ring()
        return bool(boxes)

    def write(self, owner: str) -> bool:
        """Carry out one operation that is due, or many together; False where there is none."""
        worked = self._writeback.run_one(owner)
        if worked:
            self._signal.ring()
            self._planned.ring()  # there may be more for another writer
        return worked

    def call(self, owner: str) -> bool:
        """Send one message to a webhook that is due; False where there is none."""
        sent = self._caller.run_one(owner)
        if sent:
            self._told.ring()
        return sent

    def match(self, owner: str) -> bool:
        """Offer waiting tickets to agents, where it is time to look; False where none was called by that."""
        del owner  # nothing is leased: who matches does so within one transaction
        matched = self._matcher.run_one()
        if matched:
            self._signal.ring()
        return matched

    def _loop(self, owner: str, work: Callable[[str], bool], signal: Signal) -> None:
        failed = False
        while not self._stop.is_set():
            rung = signal.count
            try:
                if failed:  # what it still holds it would go on renewing and never work on
                    let_go(self._store, [owner], self._clock())
                failed = False
                busy = work(owner)
            except Exception as error:  # noqa: BLE001 - the database may be away for a while: the thread must outlive it
                failed = True
                log.error("worker met an error", owner=owner, error=type(error).__name__, at=whereabouts(error))
                self._stop.wait(1.0)
                continue
            if not busy:
                signal.wait_beyond(rung, _IDLE_SECONDS)

    def _pace(self) -> None:
        while not self._stop.is_set():
            self._news.wait(_PACE_SECONDS)
            self._news.clear()
            try:
                due = agenda.due(self._store, self._clock())
            except Exception as error:  # noqa: BLE001 - see _loop
                log.error("could not look for work", error=type(error).__name__, at=whereabouts(error))
                self._stop.wait(1.0)
                continue
            for there_is, signal in zip(due, (self._signal, self._planned, self._told, self._freed), strict=True):
                if there_is:
                    signal.ring()
            self._stop.wait(_GAP_SECONDS)

    def _beat(self) -> None:
        while not self._stop.wait(_BEAT_SECONDS):
            began = self._writeback.tenure.now()
            try:
                freed = beat(self._store, self._owners, self._clock())
            except Exception as error:  # noqa: BLE001 - see _loop
                log.error("heartbeat met an error", error=type(error).__name__, at=whereabouts(error))
                continue
            self._writeback.tenure.renewed(self._owners, began)
            if freed:
                log.warning("took over from a silent worker", count=freed)
                self._news.set()


def beat(store: Store, owners: Sequence[str], now: datetime) -> int:
    """Renew the leases of these owners and free those of silent ones; how many were freed."""
    with store.writing() as connection:
        leases.renew(connection, owners, now + LEASE)
        return leases.take_over(connection, now)


def let_go(store: Store, owners: Sequence[str], now: datetime) -> None:
    """Free whatever these owners hold, due at once."""
    with store.writing() as connection:
        leases.let_go(connection, owners, now)
