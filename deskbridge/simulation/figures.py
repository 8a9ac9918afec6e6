"""What runs come to: the measures of one, and their means over worlds with 95 % intervals, alone and in pairs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from statistics import fmean, stdev
from typing import Final

from scipy.stats import t as student

from deskbridge.simulation.replay import Fate, Run

_HOUR: Final = timedelta(hours=1)

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is measured of a run; None where nothing can be said."""

    name: str
    words: str
    of: Callable[[Run], float | None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over worlds and half of its 95 % interval by Student's t; None from a single world."""

    mean: float
    half: float | None

    def __str__(self) -> str:
        return f"{self.mean:.2f}" if self.half is None else f"{self.mean:.2f} ± {self.half:.2f}"

    @property
    def told(self) -> str:
        """As a difference, with a star where 0 lies outside of its interval."""
        star = "*" if self.half is not None and abs(self.mean) > self.half else ""
        return f"{'+' if self.mean >= 0 else ''}{self}{star}"


def estimate(values: Sequence[float]) -> Estimate:
    """The estimate from one value a world. Raises StatisticsError where there is none."""
    count = len(values)
    half = float(student.ppf(0.975, count - 1)) * stdev(values) / sqrt(count) if count > 1 else None
    return Estimate(fmean(values), half)


def measured(run: Run) -> Values:
    """Every measure of a run that something can be said of, by name."""
    found = {measure.name: measure.of(run) for measure in MEASURES}
    return {name: value for name, value in found.items() if value is not None}


def difference(values: Sequence[Values], others: Sequence[Values], name: str) -> Estimate | None:
    """How much more a measure is than with another policy, world by world; None where either lacks it."""
    pairs = [
        (one[name], other[name]) for one, other in zip(values, others, strict=True) if name in one and name in other
    ]
    return estimate([value - other for value, other in pairs]) if pairs else None


def gini(shares: Sequence[float]) -> float:
    """Inequality: 0 where all have the same, towards 1 where one has all; 0 where nobody has anything."""
    if not sum(shares):
        return 0.0
    ordered, count = sorted(shares), len(shares)
    weighed = sum((2 * rank - count - 1) * share for rank, share in enumerate(ordered, start=1))
    return weighed / (count * sum(ordered))


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _hours_open(fate: Fate, until: datetime) -> float:
    """Hours from a ticket's arrival in which its team is open."""
    return (until - fate.job.at if fate.hours is None else fate.hours.between(fate.job.at, until)) / _HOUR


def _first_response(run: Run) -> float | None:
    return _mean([_hours_open(fate, fate.first_at or run.ended) for fate in run.fates])


def _resolution(run: Run) -> float | None:
    return _mean([((fate.done_at or run.ended) - fate.job.at) / _HOUR for fate in run.fates])


def _kept(run: Run) -> float | None:
    promised = [(fate, fate.promise) for fate in run.fates if fate.promise is not None]
    kept = [
        fate.first_at is not None and _hours_open(fate, fate.first_at) <= promise / _HOUR for fate, promise in promised
    ]
    return _mean([100.0 * one for one in kept])


def _waiting(run: Run) -> float | None:
    return _mean([wait for fate in run.fates for wait in fate.waits])


def _utilisation(run: Run) -> float | None:
    present = sum(run.present.values())
    return 100 * sum(run.worked.values()) / present if present else None


def _inequality(run: Run) -> float | None:
    return gini([run.worked[name] / minutes for name, minutes in run.present.items() if minutes])


def _a_hundred(count: Callable[[Run], int]) -> Callable[[Run], float | None]:
    return lambda run: 100 * count(run) / len(run.fates) if run.fates else None


MEASURES: Final = (
    Measure("first_response", "first response, open hours", _first_response),
    Measure("resolution", "resolution, hours", _resolution),
    Measure("sla_kept", "SLA kept, %", _kept),
    Measure("waiting", "wait for an answer, minutes", _waiting),
    Measure("utilisation", "busy, % of presence", _utilisation),
    Measure("inequality", "inequality of work (Gini)", _inequality),
    Measure("handovers", "hand-overs, of 100 tickets", _a_hundred(lambda run: run.handovers)),
    Measure("writes", "API writes, for 100 tickets", _a_hundred(lambda run: run.writes)),
    Measure("unanswered", "never answered, of 100", _a_hundred(lambda run: sum(not one.answers for one in run.fates))),
)
"""What is measured. A ticket that is not done counts as if it were at the end of the run."""
