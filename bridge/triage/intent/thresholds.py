"""From what confidence on a label may be acted on: per class, so that a promised precision holds with a bound."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom

SURE: Final = 0.975
"""The promise must hold with this probability ..."""

HORIZON: Final = 500
"""... over the next so many tickets that are acted on, counted together."""

PRIOR: Final = 50
"""A class's own tickets count against so many that were right as often as their confidence says."""

MIN_TICKETS: Final = 5
"""A class with fewer tried tickets at or above its threshold is not acted on."""

SUGGEST: Final = 0.7
"""The precision of what is shown to a person without being acted on."""

NEVER: Final = 2.0
"""A threshold that no confidence reaches."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What cross-validation said of every ticket: predicted class, confidence, whether right, in which quarter it was.

    `familiar` is false where the text was unlike those learnt from; such a one is never acted on.
    """

    predicted: NDArray[np.int32]
    confidence: NDArray[np.float32]
    right: NDArray[np.bool_]
    familiar: NDArray[np.bool_]
    quarter: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.predicted)

    def part(self, chosen: NDArray[np.bool_]) -> "Trial":
        """The tickets that are chosen."""
        return Trial(*(getattr(self, name)[chosen] for name in self.__slots__))


def thresholds(trial: Trial, classes: int, promise: float) -> NDArray[np.float32]:
    """The confidence for each class from which on the `promise` (a precision) holds; NEVER where none is enough.

    A class's threshold is the lowest with a precision of at least `aim` above it, its own tickets weighed against their
    confidence (PRIOR). The aim is the lowest that, chosen on one half of the trial and tried on the other, makes at
    least `promise` of the next HORIZON acted tickets right with probability SURE (beta-binomial, Jeffreys' prior).
    """
    known = trial.part(trial.familiar)
    even = known.quarter % 2 == 0
    halves = [(known.part(even), known.part(~even)), (known.part(~even), known.part(even))]
    for aim in _aims(promise):
        acted = [tried.part(above(tried, _lowest(chosen, classes, aim))) for chosen, tried in halves]
        if _holds(sum(int(each.right.sum()) for each in acted), sum(map(len, acted)), promise):
            return _lowest(known, classes, aim)
    return np.full(classes, NEVER, np.float32)


def above(trial: Trial, lowest: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which tickets of a trial are acted on by these thresholds."""
    acted: NDArray[np.bool_] = trial.familiar & (trial.confidence >= lowest[trial.predicted])
    return acted


def _aims(promise: float) -> NDArray[np.float64]:
    """From the promise to almost never wrong, in steps that shrink as what may be wrong does."""
    return 1 - (1 - promise) * np.geomspace(1, 0.05, 10)


def _lowest(trial: Trial, classes: int, aim: float) -> NDArray[np.float32]:
    found = np.full(classes, NEVER, np.float32)
    order = np.argsort(-trial.confidence, kind="stable")
    predicted, confidence, right = trial.predicted[order], trial.confidence[order], trial.right[order]
    for number in np.unique(predicted):
        own = predicted == number
        sure, tickets = confidence[own], np.arange(1, own.sum() + 1)
        expected = np.cumsum(sure) / tickets
        precision = (np.cumsum(right[own]) + PRIOR * expected) / (tickets + PRIOR)
        enough = np.flatnonzero((precision >= aim) & (tickets >= MIN_TICKETS))
        if len(enough):
            found[number] = sure[enough[-1]]
    return found


def _holds(right: int, acted: int, promise: float) -> bool:
    worst = betabinom.ppf(1 - SURE, HORIZON, right + 0.5, acted - right + 0.5) if acted else 0
    return bool(worst >= promise * HORIZON)
