"""What a desk still lets us do: calls handed out against its limit, pauses, and the breaker. Pure."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from bridge.purpose import Rank

SLICE_LIFE: Final = timedelta(seconds=1)
"""How long a process may spend the calls that it was handed, and may go without asking how the desk is."""

TRAVEL: Final = timedelta(seconds=1)
"""How much later than admitted a call may reach the vendor and still be counted in the right window."""

SHARES: Final = {Rank.URGENT: 1.0, Rank.ORDINARY: 0.9, Rank.BACKGROUND: 0.5}
"""How much of the budget each rank may bring the whole to: what matters less leaves room for what matters more."""

PAUSE_DEFAULT: Final = 5.0
PAUSE_MAX: Final = 3_600.0
"""Seconds to keep away after a 429 that does not say for how long, and the longest that one may ask for."""

BREAK_FIRST: Final = timedelta(seconds=5)
BREAK_MAX: Final = timedelta(minutes=5)
"""How long a desk that does not answer is left alone: twice as long each time, up to the second."""

PROBE_LIFE: Final = timedelta(seconds=30)
"""How long the one call may take that finds out whether the desk is back; then another may try."""

SPENT: Final = "budget"
"""Why calls are held back where nothing is wrong: the budget is spent for the moment."""

EVERYTHING: Final = "*"
"""The key of a pause that holds back every call; others are kinds of calls (`METHOD route`)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What we let ourselves take of one desk: all but `headroom` (0 to 1) of its limit in any `window` of its own."""

    headroom: float
    window: timedelta

    def budget(self, limit: int) -> int:
        """The calls in a window; at least one, or we could never ask."""
        return max(1, math.floor(limit * (1 - self.headroom)))


@dataclass(frozen=True, slots=True)
class Told:
    """What the vendor's headers last said: its limit, what is left of it for everybody, and until when that holds."""

    limit: int | None = None
    left: int | None = None
    left_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Breaker:
    """A desk that does not answer: left alone until then, how often in a row that was so, and who is trying until when.

    Once `until` is over one call finds out; `probe_until` is when it is given up for lost.
    """

    until: datetime
    times: int = 1
    probe_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Why calls are held back, until when, and which: those of a rank, of a kind (`METHOD route`), or all (None)."""

    reason: str
    words: str
    until: datetime
    rank: Rank | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Calls handed out for one slice's life, in the second `at`; the one call of a `probe` decides over the breaker."""

    calls: int
    at: int
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Allowance:
    """One desk's state, the same for every process.

    `handed` counts calls handed out by unix second; `costs` is for how many calls the vendor counts some kinds of call.
    """

    told: Told = Told()
    handed: Mapping[int, int] = field(default_factory=dict)
    pauses: Mapping[str, datetime] = field(default_factory=dict)
    breaker: Breaker | None = None
    costs: Mapping[str, int] = field(default_factory=dict)

    def heard(self, told: Told) -> "Allowance":
        """With what the vendor said since; what it did not say stays."""
        limit = told.limit or self.told.limit
        return replace(
            self, told=replace(told, limit=limit) if told.left is not None else replace(self.told, limit=limit)
        )

    def returned(self, at: int, calls: int) -> "Allowance":
        """With calls given back that were handed out in second `at` and never made."""
        if not calls or at not in self.handed:
            return self
        return replace(self, handed={**self.handed, at: max(0, self.handed[at] - calls)})

    def used(self, terms: Terms, now: datetime) -> int:
        """Calls that the vendor may count in the window that ends now, wherever its windows begin."""
        since = _since(terms, now)
        return sum(calls for second, calls in self.handed.items() if second >= since)

    def charged(self, calls: int, costs: Mapping[str, int], now: datetime) -> "Allowance":
        """With calls made beyond those handed out, since some kinds turned out to count for more than one."""
        if not calls:
            return self
        second = int(now.timestamp())
        known = self.costs.items() | costs.items()
        return replace(
            self,
            handed={**self.handed, second: self.handed.get(second, 0) + calls},
            costs={kind: max(cost for each, cost in known if each == kind) for kind, _ in known},
        )

    def take(self, terms: Terms, kind: str, rank: Rank, wanted: int, now: datetime) -> "tuple[Allowance, Grant | Hold]":
        """Hand out about `wanted` calls, at least what one of a kind counts for, or say why there are none now."""
        if hold := self._paused(kind, now):
            return self, hold
        if self.breaker is not None:
            return self._probe(self.breaker, now)
        room = self._room(terms, rank, now)
        least = self.costs.get(kind, 1)
        if self.told.limit is not None:
            least = min(least, _share(terms, self.told.limit, rank))  # or a dear call could never be made
        if room < least:
            free_at = self._room_at(terms, rank, least, now)
            return self, Hold(SPENT, "the desk's call budget is spent", free_at, rank=rank)
        second = int(now.timestamp())
        calls = min(max(wanted, least), room)
        return self._handing(terms, second, calls, now), Grant(calls, second)

    def paused(self, kind: str, until: datetime) -> "Allowance":
        """With calls of a kind (or EVERYTHING) held back until then, or longer where they are already."""
        known = self.pauses.get(kind)
        return replace(self, pauses={**self.pauses, kind: max(until, known) if known else until})

    def broken(self, now: datetime) -> "Allowance":
        """Left alone, because it does not answer: longer than the last time where that is not over."""
        times = self.breaker.times + 1 if self.breaker else 1
        wait = min(BREAK_MAX, BREAK_FIRST * 2 ** min(times - 1, 10))
        return replace(self, breaker=Breaker(now + wait, times))

    def answering(self) -> "Allowance":
        """With the breaker closed."""
        return replace(self, breaker=None)

    def _paused(self, kind: str, now: datetime) -> Hold | None:
        for key, held_kind in ((EVERYTHING, None), (kind, kind)):
            until = self.pauses.get(key)
            if until is not None and now < until:
                return Hold("throttled", "the desk has told us to slow down", until, kind=held_kind)
        return None

    def _probe(self, breaker: Breaker, now: datetime) -> "tuple[Allowance, Grant | Hold]":
        free_at = max(breaker.until, breaker.probe_until or breaker.until)
        if now < free_at:
            words = "the desk does not answer and is left alone for a while; `deskbridge doctor` tells why"
            return self, Hold("broken", words, free_at)
        trying = replace(self, breaker=replace(breaker, probe_until=now + PROBE_LIFE))
        return trying, Grant(1, int(now.timestamp()), probe=True)

    def _room(self, terms: Terms, rank: Rank, now: datetime) -> int:
        """How many calls a rank may be handed; as long as the vendor has not told its limit, any number."""
        if self.told.limit is None:
            return sys.maxsize
        room = _share(terms, self.told.limit, rank) - self.used(terms, now)
        return min(room, self._left_to_us(terms, now)) if rank is Rank.BACKGROUND else room

    def _left_to_us(self, terms: Terms, now: datetime) -> int:
        """Calls until less is left than the headroom, as the vendor last said: then others need theirs."""
        told = self.told
        if told.limit is None or told.left is None or told.left_until is None or now >= told.left_until:
            return sys.maxsize
        return told.left - math.ceil(told.limit * terms.headroom)

    def _room_at(self, terms: Terms, rank: Rank, least: int, now: datetime) -> datetime:
        """When there is room for `least` calls of a rank, as far as can be seen now."""
        assert self.told.limit is not None
        too_many = self.used(terms, now) + least - _share(terms, self.told.limit, rank)
        at = self.told.left_until if rank is Rank.BACKGROUND and self._left_to_us(terms, now) < least else None
        for second in sorted(second for second in self.handed if second >= _since(terms, now)):
            if too_many <= 0:
                break
            too_many -= self.handed[second]
            gone = datetime.fromtimestamp(second + 1, now.tzinfo) + terms.window + SLICE_LIFE + TRAVEL
            at = max(at, gone) if at else gone
        return max(at or now, now + timedelta(milliseconds=100))

    def _handing(self, terms: Terms, second: int, calls: int, now: datetime) -> "Allowance":
        """With calls handed out, and without what is too old to count."""
        since = _since(terms, now)
        kept = {at: count for at, count in self.handed.items() if at >= since and count}
        return replace(
            self,
            handed={**kept, second: kept.get(second, 0) + calls},
            pauses={kind: until for kind, until in self.pauses.items() if until > now},
        )


def _share(terms: Terms, limit: int, rank: Rank) -> int:
    return math.ceil(terms.budget(limit) * SHARES[rank])


def _since(terms: Terms, now: datetime) -> int:
    """The first second in which calls may have been handed out that reach the vendor within the window ending now."""
    return int((now - terms.window - SLICE_LIFE - TRAVEL).timestamp())
