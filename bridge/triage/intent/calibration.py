"""Margins into probabilities that mean something, and how far they are from meaning it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

_BINS: Final = 15

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of similar confidence: how many, how sure on average, how often right."""

    tickets: int
    confidence: float
    right: float


def sharpness(margins: Floats, targets: NDArray[np.int64]) -> float:
    """By what margins must be multiplied before a softmax makes probabilities of them (1 / temperature, Guo 2017).

    `margins` must be of texts that were not learnt from; the number makes the true classes likeliest.
    """
    rows = np.arange(len(targets))

    def unlikely(log_scale: float) -> float:
        return -float(log_softmax(margins * np.exp(log_scale), axis=1)[rows, targets].mean())

    found = minimize_scalar(unlikely, bounds=(-3.0, 5.0), method="bounded")
    return float(np.exp(found.x))


def probabilities(margins: Floats, scale: float) -> Floats:
    """One row a text, one column a class, each row summing to 1."""
    shares: Floats = softmax(margins * np.float32(scale), axis=1)
    return shares


def reliability(confidence: Floats, right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """The predictions in bins of equal width by confidence; empty bins are left out."""
    numbers = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    masks = [numbers == number for number in np.unique(numbers)]
    return tuple(Bin(int(mask.sum()), float(confidence[mask].mean()), float(right[mask].mean())) for mask in masks)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """How far confidence is from the share that is right, 0 to 1, on average over the tickets (expected error, ECE)."""
    total = sum(each.tickets for each in bins)
    return sum(each.tickets * abs(each.confidence - each.right) for each in bins) / total if total else 0.0
