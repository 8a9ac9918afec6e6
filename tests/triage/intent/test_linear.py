"""The linear classifier: what is like a class stands out against what is like none, and what lies between two too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bridge.triage.intent import linear
from bridge.triage.intent.waves import WAVES, waves


def laid(rows: NDArray[np.float64], terms: int) -> linear.Rows:
    """Rows whose first columns are terms and whose others lie close."""
    return linear.Rows(csr_array(rows[:, :terms].astype(np.float32)), rows[:, terms:].astype(np.float32))


def learn(rows: linear.Rows, targets: list[int], *, bend: bool = False) -> linear.Weights:
    return linear.fit(rows, np.array(targets), len(set(targets)), np.ones(len(targets)), bend=bend)


def told(rows: NDArray[np.float64], targets: list[int], asked: NDArray[np.float64], *, bend: bool) -> list[int]:
    margins = learn(laid(rows, 0), targets, bend=bend).margins(laid(asked, 0))
    return [int(best) for best in margins.argmax(axis=1)]


@pytest.mark.parametrize("bend", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
def test_a_stranger_is_further_below_a_classs_own_by_their_likeness(classes: int, bend: bool) -> None:
    rows = np.repeat(np.eye(classes, classes + 1), 6, axis=0)
    targets = [at // 6 for at in range(len(rows))]
    asked = np.stack([rows[0], np.eye(classes + 1)[-1]])
    plain = learn(laid(rows, classes + 1), targets).margins(laid(asked, classes + 1))
    pulled = learn(laid(rows, 0), targets, bend=bend).margins(laid(asked, 0))
    assert pulled[0, 0] - plain[0, 0] > linear.PULL
    assert pulled[1].max() < pulled[0, 0] - linear.PULL
    assert pulled[0].argmax() == 0


def test_only_the_columns_that_are_close_draw() -> None:
    rows = np.array([[1.0, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 1, 0, 1]])
    plain, pulled = (learn(laid(rows, terms), [0, 0, 1, 1]) for terms in (4, 2))
    assert pulled.terms == pytest.approx(plain.terms[:2])
    drawn = pulled.close - plain.terms[2:]
    assert (np.diag(drawn) > linear.PULL).all()
    assert (drawn[~np.eye(2, dtype=bool)] < 0).all()


def test_a_class_that_lies_between_others_is_told() -> None:
    rows = np.column_stack([np.repeat(np.linspace(-2, 2, 5), 10), np.ones(50)])
    targets = [at // 10 for at in range(50)]
    plain = learn(laid(rows, 2), targets).margins(laid(rows[::10], 2)).argmax(axis=1)
    assert plain[2] != 2
    assert told(rows, targets, rows[::10], bend=False) == [0, 1, 2, 3, 4]


def test_a_class_that_another_surrounds_is_told_where_planes_bend() -> None:
    round_about = 2 * np.stack([[np.cos(at), np.sin(at)] for at in np.arange(40) * np.pi / 20])
    rows = np.concatenate([np.zeros((40, 2)), round_about])
    targets = [at // 40 for at in range(80)]
    asked = np.concatenate([[[0.0, 0.0]], round_about[::5]])
    assert told(rows, targets, asked, bend=True) == [0] + [1] * 8
    assert told(rows, targets, asked, bend=False) != [0] + [1] * 8


@pytest.mark.parametrize("bend", [False, True])
def test_a_class_without_a_known_word_has_weights_all_the_same(bend: bool) -> None:
    rows = np.array([[1.0, 0], [1, 0], [0, 0], [0, 0]])
    weights = learn(laid(rows, 0), [0, 0, 1, 1], bend=bend)
    assert len(weights.close) == 2 + bend * WAVES
    assert np.isfinite(weights.close).all()


@given(st.lists(st.floats(-1, 1), min_size=16, max_size=16))
def test_products_of_waves_tell_how_far_rows_lie_from_each_other(numbers: list[float]) -> None:
    one, other = np.array(numbers, np.float32).reshape(2, 8)
    far = float(((one - other) ** 2).sum())
    assert float(waves(one) @ waves(other)) == pytest.approx(4 * np.exp(-far / 4), abs=0.4)
