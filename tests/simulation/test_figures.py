"""What figures say: intervals by the book, differences in pairs, and inequality."""

from statistics import StatisticsError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbridge.simulation.figures import difference, estimate, gini


def test_an_interval_is_students_and_a_single_world_has_none() -> None:
    found = estimate([1.0, 2.0, 3.0])
    assert [found.mean, found.half] == pytest.approx([2.0, 2.484], abs=0.001)
    assert str(found) == "2.00 ± 2.48"
    assert (str(estimate([4.0])), estimate([4.0]).told) == ("4.00", "+4.00")
    with pytest.raises(StatisticsError):
        estimate([])


def test_a_difference_is_taken_world_by_world_so_that_what_they_share_falls_away() -> None:
    rough = [{"x": 1.0}, {"x": 50.0}, {"x": 9.0}]
    better = [{"x": value["x"] - 1 - number / 100} for number, value in enumerate(rough)]
    found = difference(better, rough, "x")
    assert found is not None
    assert found.told == "-1.01 ± 0.02*"
    assert difference(rough, rough, "x") == estimate([0.0, 0.0, 0.0])
    assert difference(rough, [{}, {}, {}], "x") is None


SHARES = st.lists(st.floats(0.01, 100), min_size=1, max_size=12)


@given(SHARES, st.floats(0.1, 10))
def test_inequality_lies_between_none_and_all_and_no_unit_changes_it(shares: list[float], unit: float) -> None:
    assert -1e-9 <= gini(shares) < 1
    assert gini([share * unit for share in shares]) == pytest.approx(gini(shares), abs=1e-9)


@given(SHARES)
def test_giving_the_richest_more_makes_shares_no_more_equal(shares: list[float]) -> None:
    richer = sorted(shares)
    richer[-1] += 1.0
    assert gini(richer) >= gini(shares) - 1e-9


def test_inequality_of_known_shares() -> None:
    assert [gini(one) for one in ([1.0, 1.0], [0.0, 0.0, 3.0], [0.0, 0.0])] == [0.0, pytest.approx(2 / 3), 0.0]
