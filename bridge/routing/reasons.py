"""Why an agent was chosen before the others: the least that would have to be otherwise for another one to win."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from bridge.routing.crew import Crew, Flags
from bridge.routing.snapshot import Reason
from bridge.routing.worth import Price

WORDS: Final = {
    "effort": "quicker than {other}: {minutes:.0f} min less",
    "handover": "knows it: {other} would read up for {minutes:.0f} min",
    "scarcity": "keeps {other} free for what fewer can do",
    "preferred": "has preferred skills that {other} lacks",
    "turn": "as good as {other}, and longer without a new ticket",
    "match": "{other} would be better but is of more worth to another ticket",
    "only": "the only one free who can",
}
"""What is said of each reason; `other` is the next best agent, `minutes` how much dearer that one is for it."""


def reasons(crew: Crew, price: Price, allowed: Flags, winner: int) -> tuple[Reason, ...]:
    """What spoke for the winner among the allowed: the fewest parts of the price that, the other way round, undo it."""
    others = np.flatnonzero(allowed & (np.arange(len(allowed)) != winner))
    if not len(others):
        return (_reason("only", 0.0, ""),)
    whole = price.whole
    rival = int(others[np.argmin(whole[others])])
    name, ahead = crew.agents[rival].name, float(whole[rival] - whole[winner])
    if ahead < 0:
        return (_reason("match", -ahead, name),)
    saved = {part: float(column[rival] - column[winner]) for part, column in price.parts.items()}
    found = [_reason(part, saved[part], name) for part in _enough(saved)]
    return tuple(found) or (_reason("turn", 0.0, name),)


def _enough(saved: dict[str, float]) -> Sequence[str]:
    """The parts, greatest first, which turned round make the sum negative."""
    left, found = sum(saved.values()), []
    for part in sorted(saved, key=lambda one: -saved[one]):
        if left <= 0 or saved[part] <= 0:
            break
        found.append(part)
        left -= 2 * saved[part]
    return found


def _reason(what: str, minutes: float, other: str) -> Reason:
    return Reason(what, minutes, WORDS[what].format(other=other, minutes=minutes))
