"""How long what a writer holds is certainly its own still: no write to a desk begins that might arrive after that."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from typing import Final

from bridge.store.leases import LeaseLost

ARRIVES: Final = timedelta(seconds=5)
"""How long a write may be on its way: begun, it has reached the desk by then, or as good as never does.

So much of a lease must be left for a write to begin, and so long a desk without a lock is given before we look whether
an unclear write took effect. The adapters' sockets give up what nobody acknowledges in this time (`adapters.wire`).
"""

Ticks = Callable[[], float]
"""Seconds since some moment, which no correction of the wall clock moves."""

UPTIME: Final[Ticks] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)
"""On Linux also counts what the machine slept, as a lease in the database does not stop either."""


class Tenure:
    """By owner, until when its lease certainly lasts. Thread-safe; a beat of the heart tells of every owner at once."""

    def __init__(self, lease: timedelta, ticks: Ticks = UPTIME) -> None:
        self._lease = lease.total_seconds()
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()
        self.now = ticks

    def taken(self, owner: str, began: float) -> None:
        """What an owner holds it has claimed by a transaction that began then."""
        with self._lock:
            self._until[owner] = began + self._lease

    def renewed(self, owners: Sequence[str], began: float) -> None:
        """A transaction that began then has renewed the leases of these owners, and ends now.

        A lease that may have run out before now stays lost: somebody may have taken the work over in between.
        """
        now = self.now()
        with self._lock:
            for owner in owners:
                if now <= (until := self._until.get(owner, -math.inf)):
                    self._until[owner] = max(until, began + self._lease)

    @contextmanager
    def writing(self, owner: str) -> Iterator[None]:
        """Every write to a desk inside is made on this owner's lease (`require`)."""
        token = _LEFT.set(lambda: self._until[owner] - self.now())
        try:
            yield
        finally:
            _LEFT.reset(token)


_LEFT: Final[ContextVar[Callable[[], float]]] = ContextVar("left", default=lambda: math.inf)


def require() -> None:
    """Raises LeaseLost where a write that begins now might arrive after the running code's lease has ended."""
    if (left := _LEFT.get()()) < ARRIVES.total_seconds():
        raise LeaseLost(f"only {left:.1f} seconds of it are left for a write")
