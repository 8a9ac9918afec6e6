"""Whether the world moved away from what a model learnt: four signs, each with numbers and a plain verdict. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from math import log, sqrt
from typing import Final

from bridge.store.models import Usual

ENOUGH: Final = 100
"""Tickets below which nothing is said: a few odd ones would look like a change."""

_LEAST: Final = 0.001
"""A share below which a label counts as this share: one that was never seen would otherwise weigh without end."""


class Verdict(IntEnum):
    """How a sign stands, the worst highest."""

    STEADY = 0
    WATCH = 1
    MOVED = 2

    @property
    def word(self) -> str:
        """The verdict in one word."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that can change: how it was on tickets not trained on, how it is now, and whether that is chance.

    `distance` is the difference, or for the mix of labels the population stability index less what chance alone gives.
    """

    what: str
    then: float
    now: float
    distance: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model met lately; `mix`, `left` and `novel` as in `Usual`.

    Of `judged` tickets people's final label is known, which was the model's for a share of `agreed`.
    """

    tickets: int
    mix: Mapping[str, float] = field(default_factory=dict)
    left: float = 0.0
    novel: float = 0.0
    judged: int = 0
    agreed: float = 0.0


def signs(usual: Usual, seen: Seen) -> list[Sign]:
    """How each sign stands; those of which too little is known are left out."""
    return list(_signs(usual, seen)) if usual.tickets else []


def _signs(usual: Usual, seen: Seen) -> Iterator[Sign]:
    if seen.tickets >= ENOUGH:
        distance = stability(usual, seen)
        yield Sign("mix of labels", 0.0, distance, distance, _graded(distance, 0.1, 0.25))
        for what, then, now in (
            ("left to people", usual.left, seen.left),
            ("words never seen before", usual.novel, seen.novel),
        ):
            yield Sign(what, then, now, now - then, _moved(then, now, usual.tickets, seen.tickets))
    if seen.judged >= ENOUGH:
        then, now = usual.accuracy, seen.agreed
        verdict = _moved(then, now, usual.tickets, seen.judged) if now < then else Verdict.STEADY
        yield Sign("agreement with people", then, now, now - then, verdict)


def stability(usual: Usual, seen: Seen) -> float:
    """The population stability index of the labels' mix, less what it is on average where nothing has changed.

    That is about (labels - 1) x (1/tickets then + 1/tickets now), for it is a chi-squared by another name.
    """
    labels = usual.mix.keys() | seen.mix.keys()
    pairs = [(max(usual.mix.get(one, 0.0), _LEAST), max(seen.mix.get(one, 0.0), _LEAST)) for one in labels]
    index = sum((now - then) * log(now / then) for then, now in pairs)
    return max(0.0, index - (len(labels) - 1) * (1 / usual.tickets + 1 / seen.tickets))


def _moved(then: float, now: float, tickets_then: int, tickets_now: int) -> Verdict:
    """A difference of shares that is both large and beyond chance (two proportions, three and two standard errors)."""
    pooled = (then * tickets_then + now * tickets_now) / (tickets_then + tickets_now)
    error = sqrt(pooled * (1 - pooled) * (1 / tickets_then + 1 / tickets_now)) or 1e-9
    far, sure = abs(now - then), abs(now - then) / error
    if far >= 0.1 and sure > 3:
        return Verdict.MOVED
    return Verdict.WATCH if far >= 0.05 and sure > 2 else Verdict.STEADY


def _graded(value: float, watch: float, moved: float) -> Verdict:
    if value >= moved:
        return Verdict.MOVED
    return Verdict.WATCH if value >= watch else Verdict.STEADY
