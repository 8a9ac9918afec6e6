"""The promise: what is acted on is as often right as was promised, and where that cannot be known nothing is."""

import numpy as np
import pytest

from bridge.triage.intent.calibration import calibration_error, probabilities, reliability, sharpness
from bridge.triage.intent.thresholds import NEVER, Trial, above, thresholds

CLASSES = 20


def world(tickets: int, seed: int) -> Trial:
    """Tickets whose confidence is true; some classes are harder than others."""
    chance = np.random.default_rng(seed)
    predicted = chance.integers(0, CLASSES, tickets).astype(np.int32)
    confidence = chance.beta(6 + predicted / 2, 1, tickets).astype(np.float32)
    right = chance.random(tickets) < confidence
    return Trial(predicted, confidence, right, np.ones(tickets, bool), (np.arange(tickets) % 4).astype(np.int8))


@pytest.mark.parametrize("promise", [0.9, 0.95, 0.98])
def test_in_at_least_19_of_20_worlds_it_holds_on_fresh_tickets(promise: float) -> None:
    held, covered = [], []
    for seed in range(30):
        fresh = world(2_000, 1_000 + seed)
        acted = above(fresh, thresholds(world(3_000, seed), CLASSES, promise))
        held.append(not acted.any() or fresh.right[acted].mean() >= promise)
        covered.append(acted.mean())
    assert np.mean(held) >= 0.95
    assert np.mean(covered) > 0.05


def test_confidence_that_boasts_is_not_believed() -> None:
    honest = world(3_000, 1)
    boasting = Trial(
        honest.predicted, 1 - (1 - honest.confidence) / np.float32(5), honest.right, honest.familiar, honest.quarter
    )
    acted = above(boasting, thresholds(boasting, CLASSES, 0.95))
    assert honest.right[acted].mean() >= 0.95


def test_a_handful_of_tickets_proves_nothing() -> None:
    assert (thresholds(world(40, 1), CLASSES, 0.95) == NEVER).all()


def test_what_is_always_wrong_is_never_acted_on() -> None:
    trial = world(2_000, 1)
    wrong = Trial(trial.predicted, trial.confidence, trial.predicted != 3, trial.familiar, trial.quarter)
    lowest = thresholds(wrong, CLASSES, 0.95)
    assert lowest[3] == NEVER
    assert (np.delete(lowest, 3) < NEVER).all()


def test_what_is_unlike_the_rest_is_never_acted_on() -> None:
    trial = world(2_000, 1)
    strange = Trial(trial.predicted, trial.confidence, trial.right, ~trial.familiar, trial.quarter)
    assert not above(strange, np.zeros(CLASSES, np.float32)).any()


@pytest.mark.parametrize("scale", [0.5, 3.0, 20.0])
def test_the_temperature_that_made_the_labels_is_found_again(scale: float) -> None:
    chance = np.random.default_rng(3)
    margins = chance.normal(size=(4_000, 5)).astype(np.float32) / np.float32(scale) * 2
    shares = probabilities(margins, scale)
    targets = (shares.cumsum(axis=1) > chance.random((4_000, 1))).argmax(axis=1)
    assert sharpness(margins, targets) == pytest.approx(scale, rel=0.1)
    right = shares.argmax(axis=1) == targets
    assert calibration_error(reliability(shares.max(axis=1), right)) < 0.03


def test_confidence_that_is_half_right_is_off_by_half() -> None:
    bins = reliability(np.ones(10, np.float32), np.arange(10) % 2 == 0)
    assert calibration_error(bins) == pytest.approx(0.5)
    assert calibration_error(()) == 0
