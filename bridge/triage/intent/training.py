"""Training: features chosen by grouped cross-validation, a calibrated model, and everything measured on the way."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.plural import many
from bridge.triage.intent import linear
from bridge.triage.intent.calibration import Floats, probabilities, sharpness
from bridge.triage.intent.encoder import encoder
from bridge.triage.intent.faults import BadExamples, NoEmbeddings
from bridge.triage.intent.lesson import Example, Lesson, lesson
from bridge.triage.intent.measured import Features, Step
from bridge.triage.intent.measuring import Course, measure
from bridge.triage.intent.model import EMBEDDING_WEIGHT, Model
from bridge.triage.intent.terms import Terms
from bridge.triage.intent.thresholds import Trial

KEPT: Final = 0.95
"""So many of the tickets that a model was tried on count as familiar; the margins of the others are too small."""

WORTH: Final = 0.005
"""So much more accuracy embeddings must bring to be chosen: they cost ten times the time of a prediction."""

_FEW: Final = 3_000
"""With fewer tickets there are ten folds instead of five, so that each model learns from nearly all."""

NAME_WORTH: Final = 10
"""A class's name counts as much as one ticket where classes have so many tickets on average, or fewer."""

_BENT: Final = 20_000
"""With more tickets there are no waves: learning takes 8 kB a ticket for them, and they bring the less the more tickets
there are.
"""

_NEWEST: Final = 0.2
_SAMPLE: Final = 20
_ML_FITS: Final = 3
"""A fit with embeddings takes about so many times as long as one without."""

Watch = Callable[[str, float], None]
"""Told what is being done and the share of it that is done."""


@dataclass(frozen=True, slots=True)
class Options:
    """`features` auto chooses between light and ml; within `seconds`, embeddings are not tried where they would not fit
    in. `promise` is the precision for which the report gives its verdicts.
    """

    features: Literal["auto", "light", "ml"] = "auto"
    seconds: float | None = None
    promise: float = 0.95


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One kind of features: a row for each ticket and then for each class's name, and the margins of the tickets by
    models that had not seen their group.
    """

    features: Features
    rows: linear.Rows
    margins: Floats
    accuracy: float


def silent(stage: str, share: float) -> None:
    """For those who do not watch."""
    del stage, share


def train(examples: Iterable[Example], options: Options = Options(), watch: Watch = silent) -> Model:
    """A model of the examples. Raises BadExamples, and NoEmbeddings where `options.features` is ml."""
    start = perf_counter()
    given = lesson(examples)
    terms = _terms(given)
    attempts, notes = _attempts(given, terms, options, watch, start)
    light, best = attempts[0], attempts[-1]
    if options.features == "auto" and best.accuracy < light.accuracy + WORTH:
        best = light
    watch("fitting the whole", 0.0)
    weights = _fit(given, best.rows, np.ones(len(given), bool))
    scale = sharpness(best.margins, given.targets)
    trial, floor = _trial(best.margins, scale, given)
    course = Course(
        trial=trial,
        chances=probabilities(best.margins, scale),
        learning=_learning(given, best, watch),
        newest=_newest(given, best),
        tried={each.features: each.accuracy for each in attempts},
        notes=tuple(notes),
        promise=options.promise,
    )
    measured = measure(given, course, perf_counter() - start)
    return Model(best.features, given.classes, given.folded, terms, weights, scale, floor, trial, measured)


def _terms(given: Lesson) -> Terms:
    terms = Terms.fit(given.texts, given.groups.tolist())
    if not len(terms):
        groups = len(np.unique(given.groups))
        raise BadExamples(
            f"{many(len(given), 'ticket')} in {many(groups, 'group')} of threads and templates, and no word that "
            "stands in two of them: nothing can be learnt; look at the columns of the text and the thread"
        )
    return terms


def _attempts(
    given: Lesson, terms: Terms, options: Options, watch: Watch, start: float
) -> tuple[list[_Attempt], list[str]]:
    """The features worth trying, each tried, and why others were not."""
    words = terms.matrix([*given.texts, *given.names])
    plain = linear.Rows(words, np.empty((words.shape[0], 0), np.float32))
    if options.features == "light":
        return [_attempt("light", plain, given, watch)], []
    if options.features == "ml":
        return [_attempt("ml", _with_embeddings(plain, given, watch), given, watch)], []
    before = perf_counter()
    attempts = [_attempt("light", plain, given, watch)]
    try:
        against = _too_long(given, options, perf_counter() - before, perf_counter() - start)
        if against is None:
            attempts.append(_attempt("ml", _with_embeddings(plain, given, watch), given, watch))
    except NoEmbeddings as error:
        against = f"embeddings were not tried: {error}"
    return attempts, [against] if against else []


def _too_long(given: Lesson, options: Options, took: float, gone: float) -> str | None:
    """Why the time does not allow embeddings, by how long a few take; None where it does. Raises NoEmbeddings."""
    if options.seconds is None:
        encoder()
        return None
    sample, before = given.texts[:: max(len(given) // _SAMPLE, 1)], perf_counter()
    encoder().vectors(sample, lambda _: None)
    needed = (perf_counter() - before) / len(sample) * len(given) + _ML_FITS * took
    if gone + needed <= options.seconds:
        return None
    return f"embeddings were not tried: they need about {needed:,.0f} s more of {options.seconds:,.0f} s in all"


def _with_embeddings(plain: linear.Rows, given: Lesson, watch: Watch) -> linear.Rows:
    vectors = encoder().vectors([*given.texts, *given.names], lambda share: watch("embedding the texts", share))
    return linear.Rows(plain.terms, np.float32(EMBEDDING_WEIGHT) * vectors)


def _attempt(features: Features, rows: linear.Rows, given: Lesson, watch: Watch) -> _Attempt:
    number = 10 if len(given) < _FEW else 5
    folds = given.folds(number)
    margins = np.empty((len(given), len(given.classes)), np.float32)
    for fold in range(number):
        watch(f"trying {features} features", fold / number)
        margins[folds == fold] = _margins(given, rows, folds != fold, folds == fold)
    return _Attempt(features, rows, margins, float((margins.argmax(axis=1) == given.targets).mean()))


def _margins(given: Lesson, rows: linear.Rows, learn: NDArray[np.bool_], ask: NDArray[np.bool_]) -> Floats:
    """What a model that learns from some tickets, and all classes' names, says of others."""
    return _fit(given, rows, learn).margins(rows.at(np.flatnonzero(ask)))


def _fit(given: Lesson, rows: linear.Rows, learn: NDArray[np.bool_]) -> linear.Weights:
    """What follows from some tickets and all classes' names, which count the less the more tickets a class has."""
    names, tickets = len(given.classes), int(learn.sum())
    targets = np.concatenate([given.targets[learn], np.arange(names)])
    count = np.concatenate([np.ones(tickets), np.full(names, min(NAME_WORTH * names / max(tickets, 1), 1.0))])
    learnt = rows.at(np.flatnonzero(np.concatenate([learn, np.ones(names, bool)])))
    return linear.fit(learnt, targets, names, count, bend=len(given) <= _BENT)


def _trial(margins: Floats, scale: float, given: Lesson) -> tuple[Trial, float]:
    """What cross-validation said, and the least margin that counts as familiar."""
    chances, best = probabilities(margins, scale), margins.argmax(axis=1)
    highest = margins.max(axis=1)
    floor = float(np.quantile(highest, 1 - KEPT))
    trial = Trial(
        predicted=best.astype(np.int32),
        confidence=chances.max(axis=1),
        right=best == given.targets,
        familiar=highest >= floor,
        quarter=given.folds(4).astype(np.int8),
    )
    return trial, floor


def _learning(given: Lesson, best: _Attempt, watch: Watch) -> tuple[Step, ...]:
    """The accuracy on the tickets of one part in five after learning from a quarter, a half and all of the others."""
    asked, eighths = given.folds(5) == 0, given.folds(40) // 5
    steps = []
    for at, parts in enumerate((2, 4, 8)):
        watch("drawing the learning curve", at / 3)
        learn = ~asked & (eighths < parts)
        right = _margins(given, best.rows, learn, asked).argmax(axis=1) == given.targets[asked]
        steps.append(Step(tickets=int(learn.sum()), accuracy=float(right.mean())))
    return tuple(steps)


def _newest(given: Lesson, best: _Attempt) -> float | None:
    """The accuracy on the newest tickets after learning from the older ones, None where not all have a time."""
    times = [example.at.timestamp() for example in given.examples if example.at is not None]
    if len(times) < len(given):
        return None
    asked = np.array(times) > np.quantile(times, 1 - _NEWEST)
    asked &= ~np.isin(given.groups, given.groups[~asked])  # the threads and templates of older tickets prove nothing
    if not asked.any():
        return None
    return float((_margins(given, best.rows, ~asked, asked).argmax(axis=1) == given.targets[asked]).mean())
