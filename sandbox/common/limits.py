"""Counts calls against a vendor's limits in fixed windows of the desk's clock."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """What is left of one limit after a call; `reset` is seconds until the window ends."""

    limit: int
    remaining: int
    reset: int
    spent: bool

    @property
    def retry_after(self) -> int:
        """Whole seconds to wait, as the Retry-After header says it (at least 1)."""
        return max(1, self.reset)


class Limiter:
    """Any number of limits, each named by its key; guarded by the lock of its desk."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used: dict[Hashable, tuple[int, int]] = {}

    def spend(self, key: Hashable, limit: int, *, window: float = 60.0, cost: int = 1) -> Allowance:
        """Take `cost` from the window of `key`; where it does not fit nothing is taken and `spent` is True."""
        now = self._clock()
        index = int(now // window)
        began, used = self._used.get(key, (index, 0))
        used = used if began == index else 0
        fits = used + cost <= limit
        used += cost if fits else 0
        self._used[key] = (index, used)
        return Allowance(limit, limit - used, math.ceil((index + 1) * window - now), not fits)
