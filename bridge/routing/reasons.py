"""Why an agent was chosen before the others: the least that would have to be otherwise for another one to win."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from bridge.routing.crew import Crew, Flags, Numbers
from bridge.routing.snapshot import Reason
from bridge.routing.worth import Price

WORDS: Final = {
    "effort": "quicker than {other}: {minutes:.0f} min less",
    "handover": "knows it: {other} would read up for {minutes:.0f} min",
    "scarcity": "keeps {other} free for what fewer can do",
    "preferred": "has preferred skills that {other} lacks",
    "turn": "as good as {other}, and longer without a new ticket",
    "match": "{other} would be better but is of more worth to another ticket",
    "share": "{other} has had more than their share",
    "only": "the only one free who can",
}
"""What is said of each reason; `other` is the next best agent, `minutes` how much dearer that one is for it."""


def reasons(crew: Crew, price: Price, able: Flags, fair: Flags, winner: int) -> tuple[Reason, ...]:
    """What spoke for the winner among the able: the fewest parts of the price that, the other way round, undo it.

    Who is able but not `fair` has had more than their share.
    """
    whole = price.whole
    rival, passed_over = (_cheapest(whole, flags, winner) for flags in (fair, able & ~fair))
    if passed_over is not None and (rival is None or whole[passed_over] < whole[winner]):
        return (_reason("share", 0.0, crew.agents[passed_over].name),)
    if rival is None:
        return (_reason("only", 0.0, None),)
    name, ahead = crew.agents[rival].name, float(whole[rival] - whole[winner])
    if ahead <= 0:
        return (_reason("match" if ahead else "turn", -ahead, name),)
    saved = {part: float(column[rival] - column[winner]) for part, column in price.parts.items()}
    return tuple(_reason(part, saved[part], name) for part in _enough(saved))


def _cheapest(whole: Numbers, flags: Flags, winner: int) -> int | None:
    """The cheapest of those with a flag, the winner apart."""
    costs = np.where(flags, whole, np.inf)
    costs[winner] = np.inf
    number = int(costs.argmin())
    return number if np.isfinite(costs[number]) else None


def _enough(saved: dict[str, float]) -> Sequence[str]:
    """The parts, greatest first, which turned round make the sum negative."""
    left, found = sum(saved.values()), []
    for part in sorted(saved, key=lambda one: -saved[one]):
        if left < 0 or saved[part] <= 0:
            break
        found.append(part)
        left -= 2 * saved[part]
    return found


def _reason(what: str, minutes: float, other: str | None) -> Reason:
    return Reason(what, minutes, WORDS[what].format(other=other, minutes=minutes), other)
