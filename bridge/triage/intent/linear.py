"""A linear support vector machine, one class against the rest; only fitting needs scikit-learn."""

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

COST: Final = 0.5
"""The SVM's C: of 0.5, 1 and 2 the best on a quarter of BANKING77's training set, held out."""


@dataclass(frozen=True, slots=True)
class Weights:
    """`coef` has a row for each column of the matrix it was fitted on, and a column a class; `bias` one a class."""

    coef: NDArray[np.float32]
    bias: NDArray[np.float32]

    def margins(self, matrix: Any) -> NDArray[np.float32]:
        """How far each row is on each class's side: one row a text, one column a class."""
        margins: NDArray[np.float32] = np.asarray(matrix @ self.coef + self.bias, np.float32)
        return margins


def fit(matrix: Any, targets: NDArray[np.int64], classes: int, count: NDArray[np.float64]) -> Weights:
    """Weights by which `targets` (numbers below `classes`, each there at least once) follow from the rows, each of
    which counts as `count` says.

    Rare classes weigh more, by the root of how rare they are: fully balanced they would be told too often.
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
    return Weights(np.ascontiguousarray(coef.T, np.float32), bias.astype(np.float32))
