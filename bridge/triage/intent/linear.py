"""A linear support vector machine, one class against the rest, pulled to their means; fitting needs scikit-learn."""

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

    Rare classes weigh more, by the root of how rare they are: fully balanced they would be told too often. The
    SVM tells classes apart, but not what is like none of them; so each class's mean row, made length 1 over the columns
    `alike`, is added to its weights, as in Rocchio's classifier: what is far from all means has low margins.
    """
    # A process that only predicts never loads scikit-learn, which publishes no types.
    from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]  # noqa: PLC0415 - see above
    from sklearn.svm import LinearSVC  # type: ignore[import-untyped]  # noqa: PLC0415 - see above

    counts = np.bincount(targets, minlength=classes)
    weight = {at: float(np.sqrt(len(targets) / (classes * each))) for at, each in enumerate(counts)}
    machine = LinearSVC(C=COST, class_weight=weight, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a thousand passes place the margin well enough
        machine.fit(matrix, targets, sample_weight=count)
    coef, bias = machine.coef_, machine.intercept_
    if classes == 2:
        coef, bias = np.vstack([-coef, coef]), np.concatenate([-bias, bias])
    weights = Weights(np.array(coef.T, np.float32, order="C"), bias.astype(np.float32))
    weights.coef[alike] += PULL * _means(matrix[:, alike], targets, classes, count)
    return weights


def _means(matrix: Any, targets: NDArray[np.int64], classes: int, count: NDArray[np.float64]) -> NDArray[np.float32]:
    """The mean row of each class, made length 1: one column a class."""
    own = csr_array((count, (targets, np.arange(len(targets)))), shape=(classes, len(targets)))
    sums = (own @ matrix).toarray().T
    lengths = np.linalg.norm(sums, axis=0)
    means: NDArray[np.float32] = (sums / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return means
