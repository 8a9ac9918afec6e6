"""A trained model: what it says of texts, how sure, why, and whether that may be acted on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.triage.intent.calibration import Floats, probabilities
from bridge.triage.intent.encoder import encoder
from bridge.triage.intent.lesson import OTHER
from bridge.triage.intent.linear import Weights
from bridge.triage.intent.measured import Features, Measured
from bridge.triage.intent.terms import Terms, prepared
from bridge.triage.intent.thresholds import NEVER, SUGGEST, Trial, thresholds

PROMISE: Final = 0.95
"""The precision promised where nobody says another."""

EMBEDDING_WEIGHT: Final = 2.0
"""The length of a text's embedding beside its terms, each half of which has length 1."""

_BECAUSE: Final = 3
_SHOWN: Final = 20
"""Characters of each word in the explanation, so that a note has room for all of it."""

Say = Literal["act", "suggest", "leave"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """From which confidence on each class may be acted on, or suggested; NEVER where not at all."""

    act: NDArray[np.float32]
    suggest: NDArray[np.float32]


@dataclass(frozen=True)
class Prediction:
    """What the model says of one text.

    `confidence` and `runner_up_confidence` are calibrated probabilities; `act` and `suggest` the confidence from which
    on `label` may be acted on, or shown to a person (None: never). `familiar` is false where the text is unlike what
    was learnt from; then the `verdict` is leave.
    """

    label: str
    confidence: float
    runner_up: str
    runner_up_confidence: float
    act: float | None
    suggest: float | None
    familiar: bool
    count: Callable[[], tuple[str, ...]] = field(repr=False, compare=False)

    @property
    def verdict(self) -> Say:
        """What the label is good for: act on it, suggest it, or leave the ticket to a person."""
        if self.familiar and self.act is not None and self.confidence >= self.act:
            return "act"
        if self.familiar and self.suggest is not None and self.confidence >= self.suggest:
            return "suggest"
        return "leave"

    @cached_property
    def because(self) -> tuple[str, ...]:
        """The words that spoke most for the label and against the runner-up, at most three."""
        return self.count()

    @property
    def explanation(self) -> str:
        """Why, in one line: the words that counted, the runner-up, the distance to the threshold."""
        words = ", ".join(f"“{word if len(word) <= _SHOWN else f'{word[:_SHOWN]}…'}”" for word in self.because)
        rival = f"next {self.runner_up} {self.runner_up_confidence:.0%}"
        return f"{self.label} {self.confidence:.0%}{f' for {words}' if words else ''}; {rival}; {self._distance}"

    @property
    def _distance(self) -> str:
        if not self.familiar:
            return "unlike the tickets learnt from"
        if self.act is None:
            return "never acted on"
        points = 100 * (self.confidence - self.act)
        return f"{abs(points):.1f} points {'above' if points >= 0 else 'below'} what is acted on ({self.act:.0%})"


@dataclass(frozen=True, eq=False)
class Model:
    """Everything that predicts. `scale` makes probabilities of margins, `floor` is the least familiar margin."""

    features: Features
    classes: tuple[str, ...]
    folded: tuple[str, ...]
    terms: Terms
    weights: Weights
    scale: float
    floor: float
    trial: Trial
    measured: Measured
    _bounds: dict[float, Bounds] = field(default_factory=dict, repr=False)

    def predict(self, texts: Sequence[str], promise: float = PROMISE) -> list[Prediction]:
        """What each text (cleaned, as `Example.text`) is, in their order. Raises NoEmbeddings where `features` is ml.

        Acting on every prediction whose verdict is act keeps the `promise`, a precision below 1.
        """
        ready = [prepared(text) for text in texts]
        return self.told(ready, self.margins(ready), promise)

    def told(self, ready: Sequence[str], margins: Floats, promise: float) -> list[Prediction]:
        """What prepared texts with these margins are."""
        chances, bounds = probabilities(margins, self.scale), self.bounds(promise)
        return [
            self._prediction(text, row, bool(margin.max() >= self.floor), bounds)
            for text, row, margin in zip(ready, chances, margins, strict=True)
        ]

    def margins(self, ready: Sequence[str]) -> Floats:
        """How far each prepared text is on each class's side: one row a text, one column a class."""
        rows = np.tile(self.weights.bias, (len(ready), 1))
        for at, text in enumerate(ready):
            ids, values = self.terms.vector(text)
            rows[at] += values @ self.weights.terms[ids]
            if self.features == "ml":
                rows[at] += self.weights.of(np.float32(EMBEDDING_WEIGHT) * encoder().vector(text))
        return rows

    def bounds(self, promise: float) -> Bounds:
        """The thresholds of every class under a promise; they are worked out once each."""
        if promise not in self._bounds:
            act = self._thresholds(promise)
            suggest = np.minimum(act, self._thresholds(min(SUGGEST, promise)))
            self._bounds[promise] = Bounds(act, suggest)
        return self._bounds[promise]

    def _thresholds(self, promise: float) -> NDArray[np.float32]:
        if self.measured.guessing:
            return np.full(len(self.classes), NEVER, np.float32)
        found = thresholds(self.trial, len(self.classes), promise)
        if OTHER in self.classes:
            found[self.classes.index(OTHER)] = NEVER
        return found

    def _prediction(self, text: str, chances: Floats, familiar: bool, bounds: Bounds) -> Prediction:
        second, best = np.argpartition(chances, -2)[-2:].tolist()
        return Prediction(
            label=self.classes[best],
            confidence=float(chances[best]),
            runner_up=self.classes[second],
            runner_up_confidence=float(chances[second]),
            act=reachable(bounds.act[best]),
            suggest=reachable(bounds.suggest[best]),
            familiar=familiar,
            count=lambda: self._because(text, best, second),
        )

    def _because(self, text: str, best: int, second: int) -> tuple[str, ...]:
        difference = self.weights.terms[:, best] - self.weights.terms[:, second]
        return tuple(word for word, share in self.terms.shares(text, difference)[:_BECAUSE] if share > 0)


def reachable(threshold: np.float32) -> float | None:
    """A threshold, None where it is NEVER."""
    return float(threshold) if threshold < NEVER else None
