"""How a model does on tickets that it has never seen."""

from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from bridge.triage.intent.calibration import Floats, calibration_error, reliability
from bridge.triage.intent.faults import BadExamples
from bridge.triage.intent.lesson import OTHER, Example, named
from bridge.triage.intent.measured import Features
from bridge.triage.intent.measuring import PROMISES, macro_f1
from bridge.triage.intent.model import PROMISE, Model, Prediction
from bridge.triage.intent.terms import prepared

_KEPT: Final = 0.95
_TIMED: Final = 200
_BATCH: Final = 1_000
"""So many tickets are asked one by one, and in one batch, to take the time."""


class Evaluation(BaseModel):
    """Shares are 0 to 1, times milliseconds a ticket on one thread.

    `coverage` and `realised` go by promised precision ("0.95"): the share of tickets acted on, and how much of that is
    right (None: nothing was). `oos_recall_at_95` is the share of out-of-scope texts refused where 95 % of the test's
    own are kept; `in_scope_kept` and `oos_refused` are those of the model's own limit. `unknown` counts tickets of
    classes that the model does not know, which are all wrong; those of classes folded into other are right as other.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    accuracy: float
    macro_f1: float
    train_seconds: float
    ms_per_ticket_p50: float
    ms_per_ticket_batch: float
    features: Features
    tickets: int
    classes: int
    calibration_error: float
    coverage: dict[str, float]
    realised: dict[str, float | None]
    unknown: int
    in_scope_kept: float
    oos_recall_at_95: float | None = None
    oos_refused: float | None = None


def evaluate(model: Model, examples: Iterable[Example], out_of_scope: Sequence[str] = ()) -> Evaluation:
    """The model's figures on labelled tickets, and on texts that are of none of its classes. Raises BadExamples."""
    kept = [example for example in examples if example.text.strip() and named(example.label)]
    if not kept:
        raise BadExamples("no ticket to test with has both a text and a label")
    texts = [prepared(example.text) for example in kept]
    margins, labels = model.margins(texts), [_known(model, example.label) for example in kept]
    found = model.told(texts, margins, PROMISE)
    right = np.array([one.label == label for one, label in zip(found, labels, strict=True)])
    numbers = {label: at for at, label in enumerate(dict.fromkeys([*model.classes, *labels]))}
    acted = {f"{promise:.2f}": _acted(model.told(texts, margins, promise)) for promise in PROMISES}
    alone, together = _times(model, [example.text for example in kept])
    return Evaluation(
        accuracy=float(right.mean()),
        macro_f1=macro_f1(_column(numbers, labels), _column(numbers, [one.label for one in found]), len(numbers)),
        train_seconds=model.measured.seconds,
        ms_per_ticket_p50=alone,
        ms_per_ticket_batch=together,
        features=model.features,
        tickets=len(kept),
        classes=len(model.classes),
        calibration_error=calibration_error(
            reliability(np.array([one.confidence for one in found], np.float32), right)
        ),
        coverage={promise: float(mask.mean()) for promise, mask in acted.items()},
        realised={promise: float(right[mask].mean()) if mask.any() else None for promise, mask in acted.items()},
        unknown=sum(label not in model.classes for label in labels),
        in_scope_kept=float(np.mean([one.familiar for one in found])),
        **_refused(model, margins, out_of_scope),
    )


def _known(model: Model, label: str) -> str:
    name = named(label)
    return OTHER if name in model.folded else name


def _column(numbers: dict[str, int], labels: Sequence[str]) -> NDArray[np.int64]:
    return np.array([numbers[label] for label in labels], np.int64)


def _acted(found: Sequence[Prediction]) -> NDArray[np.bool_]:
    return np.array([one.verdict == "act" for one in found])


def _refused(model: Model, margins: Floats, out_of_scope: Sequence[str]) -> dict[str, float]:
    """What share of texts out of scope is told apart, by the test's own limit and by the model's."""
    if not out_of_scope:
        return {}
    others = model.margins([prepared(text) for text in out_of_scope]).max(axis=1)
    limit = np.quantile(margins.max(axis=1), 1 - _KEPT)
    return {"oos_recall_at_95": float((others < limit).mean()), "oos_refused": float((others < model.floor).mean())}


def _times(model: Model, texts: Sequence[str]) -> tuple[float, float]:
    """Milliseconds a ticket: the median of single ones, and the mean in one batch."""
    model.predict(texts[:1])
    alone = []
    for text in texts[:_TIMED]:
        start = perf_counter()
        model.predict([text])
        alone.append(perf_counter() - start)
    batch, start = texts[:_BATCH], perf_counter()
    model.predict(batch)
    return 1_000 * float(np.median(alone)), 1_000 * (perf_counter() - start) / len(batch)
