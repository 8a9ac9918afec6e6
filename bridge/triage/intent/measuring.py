"""The figures of a model's report, from what cross-validation said of every ticket."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from bridge.triage.intent.calibration import Floats, calibration_error, reliability
from bridge.triage.intent.lesson import OTHER, Lesson
from bridge.triage.intent.measured import Bar, Confusion, Features, Kept, Measured, Miss, OfClass, Step, Verdict
from bridge.triage.intent.thresholds import NEVER, SUGGEST, Trial, above, thresholds

PROMISES: Final = (0.90, 0.95, 0.98, 0.99)
CHANCE: Final = 0.001
"""An accuracy counts as better than guessing where chance alone would reach it with no more than this probability."""

_CONFUSIONS: Final = 20
_MISSES: Final = 20


@dataclass(frozen=True, slots=True)
class Course:
    """What training came by: see `Measured`, whose figures are made of it. `chances` has a row a ticket."""

    trial: Trial
    chances: Floats
    learning: tuple[Step, ...]
    newest: float | None
    tried: dict[Features, float]
    notes: tuple[str, ...]
    promise: float


def measure(given: Lesson, course: Course, seconds: float) -> Measured:
    """All figures."""
    trial, number = course.trial, len(given.classes)
    bins = reliability(trial.confidence, trial.right)
    by_chance = _by_chance(given.targets, trial.predicted, number)
    guessing = bool(binom.sf(trial.right.sum() - 1, len(trial), by_chance) > CHANCE)
    precision, recall = precision_and_recall(given.targets, trial.predicted, number)
    return Measured(
        tickets=len(given),
        groups=len(np.unique(given.groups)),
        accuracy=float(trial.right.mean()),
        macro_f1=macro_f1(given.targets, trial.predicted, number),
        by_chance=by_chance,
        guessing=guessing,
        calibration_error=calibration_error(bins),
        reliability=tuple(Bar(tickets=one.tickets, confidence=one.confidence, right=one.right) for one in bins),
        coverage=tuple(_kept(trial, number, promise, guessing) for promise in PROMISES),
        classes=_classes(given, course, precision, recall, guessing),
        confusions=_confusions(given, trial),
        misses=_misses(given, trial),
        learning=course.learning,
        doubling=_doubling(course.learning),
        newest=course.newest,
        mislabelled=_mislabelled(given.targets, course.chances),
        contradictions=given.contradictions,
        tried=course.tried,
        notes=course.notes,
        promise=course.promise,
        seconds=seconds,
    )


def precision_and_recall(
    targets: NDArray[np.int64], predicted: NDArray[np.integer], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each class: how much of what was told is right, how much of what there is was told; NaN of nothing."""
    right = np.bincount(targets[targets == predicted], minlength=classes)
    with np.errstate(invalid="ignore"):
        return (
            right / np.bincount(predicted, minlength=classes),
            right / np.bincount(targets, minlength=classes),
        )


def macro_f1(targets: NDArray[np.int64], predicted: NDArray[np.integer], classes: int) -> float:
    """The harmonic mean of precision and recall, averaged over the classes that are there or were told."""
    right = np.bincount(targets[targets == predicted], minlength=classes)
    both = np.bincount(targets, minlength=classes) + np.bincount(predicted, minlength=classes)
    seen = both > 0
    return float((2 * right[seen] / both[seen]).mean())


def _by_chance(targets: NDArray[np.int64], predicted: NDArray[np.integer], classes: int) -> float:
    """How often the same answers would be right if they had nothing to do with the labels (as in Cohen's kappa)."""
    there, told = (np.bincount(each, minlength=classes) / len(targets) for each in (targets, predicted))
    return float(there @ told)


def _kept(trial: Trial, classes: int, promise: float, guessing: bool) -> Kept:
    """Thresholds of one half of the tickets, tried on the other, both ways."""
    acted = np.zeros(len(trial), bool)
    if not guessing:
        for half in (0, 1):
            own = trial.quarter // 2 == half
            acted |= above(trial, thresholds(trial.part(~own), classes, promise)) & own
    realised = float(trial.right[acted].mean()) if acted.any() else None
    return Kept(promise=promise, coverage=float(acted.mean()), realised=realised)


def _classes(
    given: Lesson, course: Course, precision: NDArray[np.float64], recall: NDArray[np.float64], guessing: bool
) -> tuple[OfClass, ...]:
    trial, number = course.trial, len(given.classes)
    act, suggest = (thresholds(trial, number, promise) for promise in (course.promise, SUGGEST))
    counts, acted = np.bincount(given.targets, minlength=number), above(trial, act)
    rows = []
    for at, label in enumerate(given.classes):
        told, own = trial.predicted == at, (trial.predicted == at) & acted
        possible = not guessing and label != OTHER
        verdict: Verdict = "automate" if act[at] < NEVER else "suggest" if suggest[at] < NEVER else "leave"
        rows.append(
            OfClass(
                label=label,
                tickets=int(counts[at]),
                precision=_number(precision[at]),
                recall=_number(recall[at]),
                acted=float(own.sum() / told.sum()) if possible and told.any() else 0.0,
                acted_precision=float(trial.right[own].mean()) if possible and own.any() else None,
                verdict=verdict if possible else "leave",
            )
        )
    return tuple(rows)


def _number(share: np.float64) -> float | None:
    return None if np.isnan(share) else float(share)


def _confusions(given: Lesson, trial: Trial) -> tuple[Confusion, ...]:
    wrong = Counter(zip(given.targets[~trial.right].tolist(), trial.predicted[~trial.right].tolist(), strict=True))
    return tuple(
        Confusion(label=given.classes[label], said=given.classes[said], tickets=tickets)
        for (label, said), tickets in wrong.most_common(_CONFUSIONS)
    )


def _misses(given: Lesson, trial: Trial) -> tuple[Miss, ...]:
    wrong = np.flatnonzero(~trial.right)
    surest = wrong[np.argsort(-trial.confidence[wrong], kind="stable")][:_MISSES]
    return tuple(
        Miss(
            ref=given.examples[at].ref,
            label=given.classes[given.targets[at]],
            said=given.classes[trial.predicted[at]],
            confidence=float(trial.confidence[at]),
        )
        for at in surest.tolist()
    )


def _doubling(steps: tuple[Step, ...]) -> float:
    """What twice the tickets would add, where errors fall with a power of their number as they did so far."""
    tickets = np.log([max(step.tickets, 1) for step in steps])
    errors = np.log([max(1 - step.accuracy, 1e-4) for step in steps])
    if np.ptp(tickets) == 0:
        return 0.0
    slope = float(np.polyfit(tickets, errors, 1)[0])
    return max(0.0, (1 - steps[-1].accuracy) * (1 - 2**slope))  # 0.0 first: of equals max takes it, and never -0.0


def _mislabelled(targets: NDArray[np.int64], chances: Floats) -> int:
    """Labels that are likely wrong: another class is as likely as tickets of that class usually are to be of theirs
    (confident learning, Northcutt 2021).
    """
    own = chances[np.arange(len(targets)), targets]
    counts = np.maximum(np.bincount(targets, minlength=chances.shape[1]), 1)
    usual = np.bincount(targets, weights=own, minlength=chances.shape[1]) / counts
    likely = np.where(chances >= np.maximum(usual, 0.5), chances, 0)
    best = likely.argmax(axis=1)
    return int(((likely.max(axis=1) > 0) & (best != targets)).sum())
