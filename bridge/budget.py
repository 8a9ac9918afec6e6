"""The gate that every vendor call passes: one budget a desk for all processes, pauses they share, a circuit breaker."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, TypeVar

import structlog

from bridge import allowance, purpose, tenure
from bridge.allowance import EVERYTHING, SLICE_LIFE, SPENT, Allowance, Grant, Hold, Terms, Told
from bridge.errors import Retryable
from bridge.metrics import CountingGate, Metrics
from bridge.ports import Call, Clock
from bridge.purpose import Rank
from bridge.store import Store
from bridge.store import budget as shared
from bridge.store.session import AWAY

log = structlog.get_logger(__name__)

T = TypeVar("T")

SLICE_MAX: Final = 64
"""The most calls a process is handed at once, however fast it makes them."""

FAULTS_MAX: Final = 5
FAULTS_WITHIN: Final = timedelta(seconds=60)
"""So many calls in a row without a proper answer, all within that time, and the desk is left alone for a while."""


class Held(Retryable):
    """We hold the call back ourselves: the desk's budget is spent, it told us to slow down, or it does not answer.

    `every` is True where that is so for every call of this rank, False where it is for this kind of call alone; `spent`
    where nothing is wrong and the budget alone is in the way, which comes back by itself.
    """

    def __init__(self, words: str, after: float, *, every: bool = True, spent: bool = False) -> None:
        super().__init__(words, after=after)
        self.every = every
        self.spent = spent


def throttled(error: Retryable) -> bool:
    """True where the desk, or we for it, only holds calls back: what was asked goes on by itself."""
    return error.code == HTTPStatus.TOO_MANY_REQUESTS or isinstance(error, Held)


@dataclass(slots=True)
class _Purse:
    """The calls that one process may still make for ranks up to its own, out of the last grant."""

    grant: Grant
    until: datetime
    left: int


@dataclass(slots=True)
class _Local:
    """What one process knows of a desk between two looks at what is shared. Used under its lock only.

    `costs` is how many calls the vendor counts a kind of call for, `paid` by thread what was taken for the call it is
    making, `owed` what those turned out to count for beyond that. `prober` is the thread that makes the probe.
    """

    terms: Terms
    lock: threading.Lock = field(default_factory=threading.Lock)
    told: Told = field(default_factory=Told)
    known_limit: int | None = None
    purses: dict[Rank, _Purse] = field(default_factory=dict)
    holds: dict[tuple[Rank | None, str | None], tuple[Hold, datetime]] = field(default_factory=dict)
    faults: list[datetime] = field(default_factory=list)
    prober: int | None = None
    costs: dict[str, int] = field(default_factory=dict)
    paid: dict[int, int] = field(default_factory=dict)
    owed: int = 0

    def look_again(self, now: datetime) -> None:
        """Have the next call look at what is shared; what is left of the slices is given back then."""
        for purse in self.purses.values():
            purse.until = min(purse.until, now)


class BudgetGate:
    """Admits calls while the desk's budget for their rank (`bridge.purpose`) lasts, and counts them. Thread-safe.

    The budget, pauses and the breaker are in the database; a process takes a slice of calls for a second at a time and
    spends it in memory. Background calls are taken one by one, so that none is made of a slice while an urgent one is
    refused elsewhere. What another process was told takes at most that second to be heard here.
    """

    def __init__(self, store: Store, terms: Mapping[str, Terms], *, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._counts = CountingGate(metrics)
        self._desks = {desk: _Local(each) for desk, each in terms.items()}

    def admit(self, desk: str, method: str, route: str) -> None:
        """Return when the call may be made. Raises Held; LeaseLost for a write that comes too late on a lease
        (`bridge.tenure`); RuntimeError for a call from inside a transaction.
        """
        if self._store.in_transaction:
            raise RuntimeError(f"{method} {route} inside a transaction: the network may take as long as it likes")
        local, kind, rank = self._desks[desk], f"{method} {route}", purpose.current().rank
        with local.lock:
            now = self._clock()
            hold = self._hold(local, kind, rank, now)
            if hold is None:
                local.paid[threading.get_ident()] = cost = local.costs.get(kind, 1)
                if not self._spend(local, cost, rank, now):
                    hold = self._renew(desk, local, kind, rank, now)
        if hold is not None:
            self._metrics.held.labels(desk, purpose.current().name, hold.reason).inc()
            after = max(0.0, (hold.until - now).total_seconds())
            raise Held(hold.words, after, every=hold.kind is None, spent=hold.reason == SPENT)
        if method != "GET":  # last, since all the above may take its time
            tenure.require()

    def record(self, call: Call) -> None:
        """Count a call that was made, and learn from its answer."""
        self._counts.record(call)
        local = self._desks[call.desk]
        with local.lock:
            now = self._clock()
            self._listen(local, call, now)
            if call.status is None or (call.status >= 500 and call.status != HTTPStatus.NOT_IMPLEMENTED):
                self._faulty(call.desk, local, now)
            else:
                self._answered(call.desk, local)
            if call.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._pause(call, local, now)

    def _hold(self, local: _Local, kind: str, rank: Rank, now: datetime) -> Hold | None:
        """What held such a call back a moment ago, and still does.

        An urgent call believes nothing but a pause, which never ends early: the rest may have changed since.
        """
        for key in ((None, None), (None, kind), (rank, None)):
            hold, until = local.holds.get(key, (None, now))
            if hold is not None and now < until and (rank is not Rank.URGENT or hold.reason == "throttled"):
                return hold
        return None

    def _spend(self, local: _Local, cost: int, rank: Rank, now: datetime) -> bool:
        """Spend calls of a slice that is good enough for this rank, the least precious first."""
        for each in (Rank.ORDINARY, Rank.URGENT):
            purse = local.purses.get(each)
            if purse is not None and rank <= each and purse.left >= cost and now < purse.until:
                purse.left -= cost
                return True
        return False

    def _renew(self, desk: str, local: _Local, kind: str, rank: Rank, now: datetime) -> Hold | None:
        """Ask the database for this call, and with it for the next second's; what holds it back, if anything."""
        purse = local.purses.pop(rank, None)
        wanted = self._wanted(local, rank, purse, now)

        def settle(known: Allowance) -> tuple[Allowance, Grant | Hold]:
            kept = known.returned(purse.grant.at, purse.left) if purse is not None else known
            return kept.take(local.terms, kind, rank, wanted, now)

        given = self._change(desk, local, settle, now)
        if isinstance(given, Hold):
            local.holds[given.rank, given.kind] = (given, min(given.until, now + SLICE_LIFE))
            return given
        cost = local.paid[threading.get_ident()] = local.costs.get(kind, 1)
        if given.probe:
            local.prober = threading.get_ident()
        elif rank is not Rank.BACKGROUND:
            local.purses[rank] = _Purse(given, now + SLICE_LIFE, max(0, given.calls - cost))
        return None

    def _wanted(self, local: _Local, rank: Rank, purse: _Purse | None, now: datetime) -> int:
        """How many calls the next slice should hold: twice the last where that was too small, else what it took."""
        if rank is Rank.BACKGROUND or purse is None:
            return 1
        too_small = now < purse.until
        wanted = 2 * purse.grant.calls if too_small else purse.grant.calls - purse.left
        most = SLICE_MAX if local.known_limit is None else local.terms.budget(local.known_limit) // 16
        return max(1, min(wanted, most, SLICE_MAX))

    def _listen(self, local: _Local, call: Call, now: datetime) -> None:
        """Keep what the headers say for the next look at what is shared; what was not known at all is shared now."""
        kind = f"{call.method} {call.route}"
        more = call.cost - local.paid.pop(threading.get_ident(), 1)
        if more > 0:
            local.owed += more
            local.costs[kind] = max(local.costs.get(kind, 1), call.cost)
        if call.limit is not None or call.remaining is not None:
            lasts = local.terms.window if call.reset_in is None else timedelta(seconds=call.reset_in)
            local.told = Told(call.limit or local.told.limit, call.remaining, now + lasts)
        if more > 0 or (local.known_limit is None and call.limit is not None):
            self._share(call.desk, local, lambda known: (known, None))

    def _faulty(self, desk: str, local: _Local, now: datetime) -> None:
        """Count a call that met no proper answer; too many in a row open the breaker for everybody."""
        local.faults = [*(at for at in local.faults if now - at < FAULTS_WITHIN), now]
        probing = local.prober == threading.get_ident()
        if not probing and len(local.faults) < FAULTS_MAX:
            return
        local.faults, local.prober = [], None if probing else local.prober

        def open_(stored: Allowance) -> tuple[Allowance, bool]:
            ours = stored.breaker is None or probing
            return (stored.broken(now), True) if ours else (stored, False)

        if self._share(desk, local, open_):
            log.warning("a desk does not answer and is left alone for a while", desk=desk)
            self._metrics.pauses.labels(desk, "broken").inc()

    def _answered(self, desk: str, local: _Local) -> None:
        local.faults = []
        if local.prober != threading.get_ident():
            return
        local.prober = None
        local.holds.clear()
        self._share(desk, local, lambda stored: (stored.answering(), True))
        log.info("a desk answers again", desk=desk)

    def _pause(self, call: Call, local: _Local, now: datetime) -> None:
        """Hold back what the 429 is about until it is over, in every process."""
        if call.covers == "ticket":
            return
        asked = call.retry_after if call.retry_after is not None else call.reset_in
        wait = min(allowance.PAUSE_MAX, allowance.PAUSE_DEFAULT if asked is None else asked)
        kind = EVERYTHING if call.covers == "desk" else f"{call.method} {call.route}"
        self._share(call.desk, local, lambda stored: (stored.paused(kind, now + timedelta(seconds=wait)), True))
        log.info("a desk told us to slow down", desk=call.desk, kind=kind, seconds=wait)
        self._metrics.pauses.labels(call.desk, "throttled").inc()

    def _share(self, desk: str, local: _Local, how: Callable[[Allowance], tuple[Allowance, T]]) -> T | None:
        """Change what all processes see; left unsaid while the database is away, so that no call's outcome is lost."""
        now = self._clock()
        local.look_again(now)
        try:
            return self._change(desk, local, how, now)
        except AWAY:
            log.warning("the state of a desk could not be shared", desk=desk)
            return None

    def _change(self, desk: str, local: _Local, how: Callable[[Allowance], tuple[Allowance, T]], now: datetime) -> T:
        """Add to what is shared what we learnt, change it, and keep what others learnt."""
        known, answer = shared.change(
            self._store,
            desk,
            lambda stored: how(stored.heard(local.told).charged(local.owed, local.costs, now)),
        )
        local.told, local.owed, local.costs = Told(), 0, dict(known.costs)
        local.known_limit = known.told.limit
        self._show(desk, local, known, now)
        return answer

    def _show(self, desk: str, local: _Local, known: Allowance, now: datetime) -> None:
        if known.told.limit is not None:
            self._metrics.budget.labels(desk).set(local.terms.budget(known.told.limit))
        self._metrics.handed.labels(desk).set(known.used(local.terms, now))
        self._metrics.broken.labels(desk).set(known.breaker is not None)
