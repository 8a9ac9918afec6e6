"""A linear support vector machine, one class against the rest, and what helps it where rows lie close to each other."""

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

COST: Final = 0.5
"""The SVM's C: of 0.5, 1 and 2 the best on a quarter of BANKING77's training set, held out."""

PULL: Final = 0.5
"""How much the likeness to a class's mean row counts beside the margin. Within BANKING77's training set, 0.5 and 0.75
refused the most of what was held out and of what no bank is asked, taken together; more costs accuracy.
"""

ODDS: Final = 0.3
"""How much the log-odds of all classes at once count beside the margin. Within BANKING77's training set 0.3 brought 0.9
points where a class had ten rows (six draws) and changed nothing where it had a hundred (cross-validation: 0.04); 0.6
costs accuracy there. Ten-row draws refused more of what was held out as well.
"""

_ODDS_COST: Final = 20.0
"""The C of those log-odds, for rows of length 2: of 5 and 20 the better by cross-validation on many rows."""


@dataclass(frozen=True, slots=True)
class Weights:
    """`coef` has a row for each column of the matrix it was fitted on, and a column a class; `bias` one a class."""

    coef: NDArray[np.float32]
    bias: NDArray[np.float32]

    def margins(self, matrix: Any) -> NDArray[np.float32]:
        """How far each row is on each class's side: one row a text, one column a class."""
        margins: NDArray[np.float32] = np.asarray(matrix @ self.coef + self.bias, np.float32)
        return margins


def fit(
    matrix: Any,
    targets: NDArray[np.int64],
    classes: int,
    count: NDArray[np.float64],
    alike: slice,
) -> Weights:
    """Weights by which `targets` (numbers below `classes`, each there at least once) follow from the rows, each of
    which counts as `count` says.

    Rare classes weigh more, by the root of how rare they are: fully balanced they would be told too often. The columns
    `alike` are those in which what means the same lies close; there two more things are added, linear as well:
    the SVM tells classes apart, but not what is like none of them, so each class's mean row, made length 1, is added to
    its weights, as in Rocchio's classifier: what is far from all means has low margins. And a class that lies between
    others cannot be cut off from all of them by one plane, so the log-odds by which classes differ from each
    other are added (softmax regression).
    """
    # A process that only predicts never loads scikit-learn, which publishes no types.
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # noqa: PLC0415 - see above
    from sklearn.svm import LinearSVC  # type: ignore[import-untyped]  # noqa: PLC0415 - see above

    counts = np.bincount(targets, minlength=classes)
    weight = {at: float(np.sqrt(len(targets) / (classes * each))) for at, each in enumerate(counts)}
    weights = _fitted(LinearSVC(C=COST, class_weight=weight, random_state=0), matrix, targets, count)
    close = matrix[:, alike]
    if close.shape[1]:
        odds = _fitted(LogisticRegression(C=_ODDS_COST, class_weight=weight), close.toarray(), targets, count)
        weights.coef[alike] += PULL * _means(close, targets, classes, count) + ODDS * odds.coef
        weights.bias[:] += ODDS * odds.bias
    return weights


def _fitted(machine: Any, rows: Any, targets: NDArray[np.int64], count: NDArray[np.float64]) -> Weights:
    """A machine of scikit-learn's, fitted; of two classes it knows the second alone, and the first is its opposite."""
    from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]  # noqa: PLC0415 - see `fit`

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred passes and more place a margin well enough
        machine.fit(rows, targets, sample_weight=count)
    coef, bias = machine.coef_, machine.intercept_
    if len(coef) == 1:
        coef, bias = np.vstack([-coef, coef]), np.concatenate([-bias, bias])
    return Weights(np.array(coef.T, np.float32, order="C"), bias.astype(np.float32))


def _means(matrix: Any, targets: NDArray[np.int64], classes: int, count: NDArray[np.float64]) -> NDArray[np.float32]:
    """The mean row of each class, made length 1: one column a class."""
    own = csr_array((count, (targets, np.arange(len(targets)))), shape=(classes, len(targets)))
    sums = (own @ matrix).toarray().T
    lengths = np.linalg.norm(sums, axis=0)
    means: NDArray[np.float32] = (sums / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return means
