"""The measures of policies side by side as a picture, with their 95 % intervals."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib import rc_context
from matplotlib.figure import Figure

from deskbridge.simulation.comparing import Column
from deskbridge.simulation.figures import MEASURES

_ACROSS: Final = 3
"""Plots a row."""


def draw(columns: Sequence[Column], file: Path) -> None:
    """Write a plot to a file, whose ending says of which kind; the same figures give the same SVG. Raises OSError."""
    found = [column.estimates() for column in columns]
    shown = [measure for measure in MEASURES if any(measure.name in values for values in found)]
    down = -(-len(shown) // _ACROSS)
    figure = Figure(figsize=(4.2 * _ACROSS, 0.9 * down * (1.5 + 0.35 * len(columns))), layout="constrained")
    for place, measure in enumerate(shown, start=1):
        axes = figure.add_subplot(down, _ACROSS, place)
        told = [(column.name, values[measure.name]) for column, values in zip(columns, found, strict=True)]
        told.reverse()  # the first stands on top
        axes.barh(
            [name for name, _ in told],
            [one.mean for _, one in told],
            xerr=[one.half or 0.0 for _, one in told],
            color="#4c72b0",
            capsize=3,
        )
        axes.set_title(measure.words, fontsize="medium")
        axes.set_xlim(left=0)
        if place % _ACROSS != 1:
            axes.set_yticklabels([])
    with rc_context({"svg.hashsalt": "deskbridge"}):
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
