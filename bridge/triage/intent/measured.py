"""What was measured of a model while it was trained: the figures of its report, without a word of any ticket."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Features = Literal["light", "ml"]
Verdict = Literal["automate", "suggest", "leave"]


class _Figures(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bar(_Figures):
    """One bar of the reliability plot: tickets of similar confidence."""

    tickets: Count
    confidence: Share
    right: Share


class Kept(_Figures):
    """What a promise costs: the share of tickets acted on under it, and their precision (None: none was)."""

    promise: Share
    coverage: Share
    realised: Share | None


class Confusion(_Figures):
    """So many tickets of `label` were told to be `said`."""

    label: str
    said: str
    tickets: Count


class Miss(_Figures):
    """A ticket about which the model was sure and wrong; `ref` is its row or number."""

    ref: str
    label: str
    said: str
    confidence: Share


class OfClass(_Figures):
    """One class: its tickets, how well it is told, the share of its predictions acted on at the promise, a verdict."""

    label: str
    tickets: Count
    precision: Share | None
    recall: Share | None
    acted: Share
    acted_precision: Share | None
    verdict: Verdict


class Step(_Figures):
    """A point of the learning curve."""

    tickets: Count
    accuracy: Share


class Measured(_Figures):
    """All of it, by grouped cross-validation: of every ticket what a model said that had not seen it or its like.

    `by_chance` is the accuracy that the same answers would have on labels dealt at random; `guessing` is true where the
    accuracy is not clearly above. `doubling` is the accuracy that twice the tickets would add, by the learning curve.
    `newest` is the accuracy on the newest fifth after learning from the older tickets, None without times.
    `promise` is the one by which `classes` are judged. `mislabelled` counts labels that are likely wrong,
    `contradictions` tickets with the words of one otherwise labelled.
    """

    tickets: Count
    groups: Count
    accuracy: Share
    macro_f1: Share
    by_chance: Share
    guessing: bool
    calibration_error: Share
    reliability: tuple[Bar, ...]
    coverage: tuple[Kept, ...]
    classes: tuple[OfClass, ...]
    confusions: tuple[Confusion, ...]
    misses: tuple[Miss, ...]
    learning: tuple[Step, ...]
    doubling: Share
    newest: Share | None
    mislabelled: Count
    contradictions: Count
    tried: dict[Features, Share]
    notes: tuple[str, ...]
    promise: Share
    seconds: Annotated[float, Field(ge=0)]
