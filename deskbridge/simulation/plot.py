"""The measures of policies side by side as a picture, with their 95 % intervals."""

from collections.abc import Sequence
from math import nan
from pathlib import Path
from textwrap import fill
from typing import Final

from matplotlib import rc_context
from matplotlib.figure import Figure

from deskbridge.simulation.comparing import Column
from deskbridge.simulation.figures import MEASURES, Estimate

_ACROSS: Final = 3
"""Plots a row."""

_UNKNOWN: Final = Estimate(nan, None)
"""What is drawn of a measure that a policy says nothing of: no bar."""


_WIDTH: Final = 40
"""The characters of a line of a policy's name: a change can be as long as one likes."""


def draw(columns: Sequence[Column], file: Path) -> None:
    """Write a plot to a file, whose ending says of which kind; the same figures give the same SVG. Raises OSError."""
    found = [column.estimates() for column in columns]
    shown = [measure for measure in MEASURES if any(measure.name in values for values in found)]
    down = -(-len(shown) // _ACROSS)
    figure = Figure(figsize=(4.2 * _ACROSS, 0.9 * down * (1.5 + 0.35 * len(columns))), layout="constrained")
    for place, measure in enumerate(shown, start=1):
        axes = figure.add_subplot(down, _ACROSS, place)
        told = [values.get(measure.name, _UNKNOWN) for values in found]
        axes.barh(
            [_label(column.name) for column in reversed(columns)],  # the first stands on top
            [one.mean for one in reversed(told)],
            xerr=[one.half or 0.0 for one in reversed(told)],
            color="#4c72b0",
            capsize=3,
        )
        axes.set_title(measure.words, fontsize="medium")
        axes.set_xlim(left=0)
        if place % _ACROSS != 1:
            axes.set_yticklabels([])
    with rc_context({"svg.hashsalt": "deskbridge"}):
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def _label(name: str) -> str:
    """A name in lines, without what `$` means to matplotlib."""
    return fill(name, _WIDTH, max_lines=4, placeholder=" …").replace("$", r"\$")
