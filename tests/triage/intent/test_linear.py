"""The linear classifier: what is like a class stands out against what is like none, and what lies between two too."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bridge.triage.intent import linear

NOTHING, EVERYTHING = slice(0), slice(None)


def learn(rows: NDArray[np.float64], targets: list[int], alike: slice) -> linear.Weights:
    return linear.fit(csr_array(rows), np.array(targets), len(set(targets)), np.ones(len(rows)), alike)


@pytest.mark.parametrize("classes", [2, 4])
def test_a_stranger_is_further_below_a_classs_own_by_their_likeness(classes: int) -> None:
    rows = np.repeat(np.eye(classes, classes + 1), 6, axis=0)
    targets = [at // 6 for at in range(len(rows))]
    asked = csr_array(np.stack([rows[0], np.eye(classes + 1)[-1]]))
    plain, pulled = (learn(rows, targets, alike).margins(asked) for alike in (NOTHING, EVERYTHING))
    assert pulled[0, 0] - plain[0, 0] > linear.PULL
    assert pulled[1] == pytest.approx(plain[1], abs=1e-3)
    assert pulled[0].argmax() == 0


def test_only_the_columns_that_are_alike_draw() -> None:
    rows = np.array([[1.0, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 1, 0, 1]])
    plain, pulled = (learn(rows, [0, 0, 1, 1], alike) for alike in (NOTHING, slice(2, 4)))
    assert pulled.coef[:2] == pytest.approx(plain.coef[:2])
    drawn = pulled.coef[2:] - plain.coef[2:]
    assert (np.diag(drawn) > linear.PULL).all()
    assert (drawn[~np.eye(2, dtype=bool)] < 0).all()


def test_a_class_that_lies_between_others_is_told() -> None:
    rows = np.column_stack([np.repeat(np.linspace(-2, 2, 5), 10), np.ones(50)])
    asked = csr_array(rows[::10])
    plain, helped = (
        learn(rows, [at // 10 for at in range(50)], alike).margins(asked).argmax(axis=1).tolist()
        for alike in (NOTHING, EVERYTHING)
    )
    assert plain[2] != 2
    assert helped == [0, 1, 2, 3, 4]


def test_a_class_without_a_known_word_has_weights_all_the_same() -> None:
    rows = np.array([[1.0, 0], [1, 0], [0, 0], [0, 0]])
    assert np.isfinite(learn(rows, [0, 0, 1, 1], EVERYTHING).coef).all()
