"""Which tickets go to which agents, one each, so that the sum of what they are worth is greatest."""

from collections.abc import Callable
from typing import Final

import numpy as np

from bridge.routing.crew import Numbers

Pairs = list[tuple[int, int]]
"""Rows and columns that belong together."""

Match = Callable[[Numbers], Pairs]
"""What finds the pairs in a table of worths, a row a ticket and a column an agent; 0 where it is not allowed."""

MOST: Final = 250_000
"""Tables of more cells are matched greedily, so that a tick stays under a tenth of a second."""


def best(worth: Numbers) -> Pairs:
    """Pairs of the greatest total worth, or in a very large table greedy ones, which come close."""
    return optimal(worth) if min(worth.shape) > 1 and worth.size <= MOST else greedy(worth)


def optimal(worth: Numbers) -> Pairs:
    """Pairs of the greatest total worth, by the algorithm of Jonker and Volgenant as scipy has it."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - 50 MB, and a fifth of every process's start

    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if worth[row, column] > 0]


def greedy(worth: Numbers) -> Pairs:
    """The row with the worthiest pair first, each with the best column that is left; the first ones at a tie."""
    left, pairs = np.ones(worth.shape[1]), list[tuple[int, int]]()
    for row in np.argsort(-worth.max(axis=1), kind="stable"):
        column = int((worth[row] * left).argmax())
        if worth[row, column] * left[column] > 0:
            pairs.append((int(row), column))
            left[column] = 0.0
    return pairs
