"""Assignment at arrival, as help desks do it themselves: in turn, to the fewest open, to the smallest share in use."""

from collections.abc import Callable
from typing import Final

from bridge.routing.crew import Crew
from bridge.routing.snapshot import Strategy

WORDS: Final = {
    Strategy.ROUND_ROBIN: "next in turn",
    Strategy.LEAST_LOADED: "fewest open tickets",
    Strategy.BALANCED: "smallest share in use",
}
"""What is said of who comes first."""


def order(strategy: Strategy, crew: Crew) -> Callable[[int], float]:
    """By what the agents of a crew are ordered, by their numbers; the crew itself stands in the order of turns."""
    by: dict[Strategy, Callable[[int], float]] = {
        Strategy.ROUND_ROBIN: lambda number: float(crew.given[number]),
        Strategy.LEAST_LOADED: lambda number: float(crew.load[number]),
        Strategy.BALANCED: lambda number: float(crew.load[number] / crew.capacity[number]),
    }
    return by[strategy]
