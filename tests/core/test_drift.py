"""When drift is told, and when it is not."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.drift import ENOUGH, Seen, Sign, Verdict, signs, stability
from bridge.store.models import Usual

MIX = {"billing": 0.5, "login": 0.3, "export": 0.2}
USUAL = Usual(1_000, MIX, left=0.2, novel=0.1, accuracy=0.9)


def told(seen: Seen) -> dict[str, Verdict]:
    return {sign.what: sign.verdict for sign in signs(USUAL, seen)}


def test_the_same_world_is_steady() -> None:
    assert set(told(Seen(500, MIX, 0.2, 0.1, 500, 0.9)).values()) == {Verdict.STEADY}


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (Seen(500, {"billing": 0.1, "login": 0.3, "outage": 0.6}, 0.2, 0.1), "mix of labels"),
        (Seen(500, MIX, 0.4, 0.1), "left to people"),
        (Seen(500, MIX, 0.2, 0.25), "words never seen before"),
        (Seen(500, MIX, 0.2, 0.1, 300, 0.7), "agreement with people"),
    ],
)
def test_each_sign_tells_its_own_change_and_no_other(seen: Seen, what: str) -> None:
    found = told(seen)
    assert found[what] is Verdict.MOVED
    assert {verdict for sign, verdict in found.items() if sign != what} == {Verdict.STEADY}


def test_better_agreement_is_no_drift() -> None:
    assert told(Seen(500, MIX, 0.2, 0.1, 500, 1.0))["agreement with people"] is Verdict.STEADY


def test_of_too_few_tickets_nothing_is_said() -> None:
    assert signs(USUAL, Seen(ENOUGH - 1, {"outage": 1.0}, 1.0, 1.0, ENOUGH - 1, 0.0)) == []
    assert signs(Usual(0), Seen(1_000, MIX)) == []


def test_chance_alone_is_rarely_called_a_change_however_many_labels_there_are() -> None:
    chance = np.random.default_rng(7)
    names = [f"label {number}" for number in range(77)]
    usual = Usual(2_000, dict.fromkeys(names, 1 / 77), 0.2, 0.1, 0.9)
    moved = 0
    for _ in range(200):
        drawn = chance.multinomial(300, [1 / 77] * 77) / 300
        seen = Seen(300, dict(zip(names, drawn, strict=True)), chance.binomial(300, 0.2) / 300, 0.1)
        moved += any(sign.verdict is Verdict.MOVED for sign in signs(usual, seen))
    assert moved <= 4


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 1), min_size=1))
def test_the_index_is_never_negative_and_zero_for_the_same_mix(weights: Mapping[str, float]) -> None:
    total = sum(weights.values())
    mix = {label: weight / total for label, weight in weights.items()}
    assert stability(Usual(500, mix), Seen(500, mix)) == 0
    assert stability(USUAL, Seen(500, mix)) >= 0
    assert all(isinstance(sign, Sign) for sign in signs(USUAL, Seen(500, mix)))
