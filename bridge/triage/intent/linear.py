"""A linear support vector machine, one class against the rest, and what helps it where rows lie close to each other."""

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from bridge.triage.intent.calibration import Floats
from bridge.triage.intent.waves import waves

COST: Final = 0.5
"""The SVM's C: of 0.5, 1 and 2 the best on a quarter of BANKING77's training set, held out."""

PULL: Final = 0.5
"""How much the likeness to a class's mean row counts beside the margin. Within BANKING77's training set, 0.5 and 0.75
refused the most of what was held out and of what no bank is asked, taken together; more costs accuracy.
"""

ODDS: Final = 0.4
"""How much the log-odds of all classes at once count beside the margin. Within BANKING77's training set they brought
1.3 points where a class had ten rows (five draws; waves 0.3 of them), and 0.4 where it had a hundred (two); twice
as much brings less there.
"""

_ODDS_COST: Final = 20.0
"""The C of those log-odds, for rows of length 2: of 5 and 20 the better by cross-validation on many rows."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A row a text: its `terms`, and the columns in which likes lie `close` to each other (none without embeddings)."""

    terms: "csr_array[np.float32]"
    close: Floats

    def at(self, which: NDArray[np.int64]) -> "Rows":
        """Some of the rows."""
        return Rows(self.terms[which], self.close[which])


@dataclass(frozen=True, slots=True)
class Weights:
    """What follows from rows: `terms` has a row for each term, `close` one for each close column and, where they bend,
    one for each wave over those; both have a column a class, and `bias` a number.
    """

    terms: Floats
    close: Floats
    bias: Floats

    def margins(self, rows: Rows) -> Floats:
        """How far each row is on each class's side: one row a text, one column a class."""
        margins: Floats = np.asarray(rows.terms @ self.terms + self.of(rows.close) + self.bias, np.float32)
        return margins

    def of(self, close: Floats) -> Floats:
        """The part of the margins that follows from the close columns, of one row or of several."""
        bends = len(self.close) > close.shape[-1]
        part: Floats = (_bent(close) if bends else close) @ self.close
        return part


def fit(rows: Rows, targets: NDArray[np.int64], classes: int, count: NDArray[np.float64], *, bend: bool) -> Weights:
    """Weights by which `targets` (numbers below `classes`, each there at least once) follow from the rows, each of
    which counts as `count` says.

    Rare classes weigh more, by the root of how rare they are: fully balanced they would be told too often. By the close
    columns two more things are told: the SVM tells classes apart, but not what is like none of them, so each class's
    mean row, made length 1, is added to its weights, as in Rocchio's classifier: what is far from all means has low
    margins. And a class that lies between others cannot be cut off from all of them by one plane, so the log-odds by
    which classes differ from each other are added (softmax regression); with waves, these planes may `bend`.
    """
    # A process that only predicts never loads scikit-learn, which publishes no types.
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # noqa: PLC0415 - see above
    from sklearn.svm import LinearSVC  # type: ignore[import-untyped]  # noqa: PLC0415 - see above

    counts = np.bincount(targets, minlength=classes)
    weight = {at: float(np.sqrt(len(targets) / (classes * each))) for at, each in enumerate(counts)}
    flat = hstack([rows.terms, csr_array(rows.close)], format="csr")
    coef, bias = _fitted(LinearSVC(C=COST, class_weight=weight, random_state=0), flat, targets, count)
    terms, close = np.split(coef, [rows.terms.shape[1]])
    if not len(close):
        return Weights(terms, close, bias)
    by = _bent(rows.close) if bend else rows.close
    odds, shift = _fitted(LogisticRegression(C=_ODDS_COST, class_weight=weight), by, targets, count)
    both = ODDS * odds
    both[: len(close)] += close + PULL * _means(rows.close, targets, classes, count)
    return Weights(terms, both, bias + ODDS * shift)


def _bent(close: Floats) -> Floats:
    """Close columns and the waves over them."""
    return np.concatenate([close, waves(close)], axis=-1)


def _fitted(machine: Any, rows: Any, targets: NDArray[np.int64], count: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Weights and bias of a machine of scikit-learn's; of two classes it knows the second alone, and the first is its
    opposite.
    """
    from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]  # noqa: PLC0415 - see `fit`

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred passes and more place a margin well enough
        machine.fit(rows, targets, sample_weight=count)
    coef, bias = machine.coef_, machine.intercept_
    if len(coef) == 1:
        coef, bias = np.vstack([-coef, coef]), np.concatenate([-bias, bias])
    return np.array(coef.T, np.float32, order="C"), bias.astype(np.float32)


def _means(close: Floats, targets: NDArray[np.int64], classes: int, count: NDArray[np.float64]) -> Floats:
    """The mean row of each class, made length 1: one column a class."""
    own = csr_array((count, (targets, np.arange(len(targets)))), shape=(classes, len(targets)))
    sums = (own @ close).T
    lengths = np.linalg.norm(sums, axis=0)
    means: Floats = (sums / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return means
