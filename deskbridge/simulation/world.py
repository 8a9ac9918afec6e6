"""Tickets that are the same whatever policy they meet: when each comes, what its answers take, when customers reply."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import log
from typing import Protocol

from bridge.model import Case
from rules import LoadedPolicy

Ask = Callable[[LoadedPolicy], Case]
"""A ticket as a policy reads it; kinds of tickets share one."""


@dataclass(frozen=True, slots=True)
class Job:
    """A ticket. `work` are the minutes that its answers, one at least, take an agent of the usual pace who knows it,
    `delays` those that the customer takes after each answer but the last.
    """

    at: datetime
    ask: Ask
    work: tuple[float, ...]
    delays: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class World:
    """Every ticket that comes from `start` on and before `end`, in the order in which they come.

    `spread` is by how much agents differ in pace, as sigma of the logarithm; `juggling` the share of its minutes that
    an answer takes longer for each further ticket in an agent's hands.
    """

    seed: int
    start: datetime
    end: datetime
    jobs: tuple[Job, ...]
    spread: float = 0.0
    juggling: float = 0.0

    def pace(self, agent: str) -> float:
        """What an agent's answers take by the usual; it is the agent's own, whoever else is in the team."""
        return lognormal(chance(self.seed, agent), 1.0, self.spread)


class Source(Protocol):
    """Where worlds come from."""

    def world(self, seed: int) -> World:
        """One world a seed, always the same."""


def chance(seed: int, what: str) -> random.Random:
    """Chance of its own for one thing in one world, so that nothing else changes where one thing does."""
    return random.Random(f"{seed}/{what}")  # noqa: S311 - a simulation must be repeatable


def lognormal(rng: random.Random, mean: float, sigma: float) -> float:
    """A value of this mean, skewed as the minutes of real work are."""
    return rng.lognormvariate(log(mean) - sigma * sigma / 2, sigma)
