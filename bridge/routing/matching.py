"""Which tickets go to which agents, one each, so that the sum of the worths is greatest."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from bridge.routing.crew import Numbers

Pairs = list[tuple[int, int]]
"""Rows and columns that belong together."""


def optimal(worth: Numbers) -> Pairs:
    """Pairs of the greatest total worth (Jonker and Volgenant's algorithm, scipy's); worth 0: not allowed."""
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if worth[row, column] > 0]


def greedy(worth: Numbers) -> Pairs:
    """The worthiest pair first, then the worthiest of what is left; the first row and column at a tie."""
    order = np.argsort(-worth, axis=None, kind="stable")
    rows: set[int] = set()
    columns: set[int] = set()
    pairs: Pairs = []
    for row, column in zip(*np.unravel_index(order, worth.shape), strict=True):
        if worth[row, column] <= 0:
            break
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            pairs.append((int(row), int(column)))
    return pairs
