"""Waves over rows of numbers: columns beside them by which a linear machine can bend where two rows lie close."""

from functools import lru_cache
from typing import Any, Final

import numpy as np

from bridge.triage.intent.calibration import Floats

WAVES: Final = 2_048
"""So many columns; with twice as many nothing was told better."""

_HEIGHT: Final = 2.0
"""The length of a row of waves, that of an embedding's row beside terms."""

_SEED: Final = 5


def waves(rows: Floats) -> Floats:
    """WAVES columns for each row. The product of two rows of them is, but for an error of 0.1, 4 exp(-d² / 4), where
    d is how far the rows lie from each other (random Fourier features: Rahimi and Recht 2007).
    """
    directions, starts = _drawn(rows.shape[-1])
    found: Floats = np.float32(_HEIGHT * (2 / WAVES) ** 0.5) * np.cos(rows @ directions + starts)
    return found


@lru_cache(maxsize=4)
def _drawn(columns: int) -> tuple[Floats, Floats]:
    """The direction of each wave, one column a wave, and where it starts: the same in every process and release."""
    chance: Any = np.random.RandomState(_SEED)  # the one whose numbers NumPy promises never to change
    directions = chance.standard_normal((columns, WAVES)) * 0.5**0.5
    return directions.astype(np.float32), chance.uniform(0, 2 * np.pi, WAVES).astype(np.float32)
