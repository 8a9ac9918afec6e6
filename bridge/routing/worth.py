"""What waiting costs a ticket, and what it costs to give it to an agent, in minutes of the team's work."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final

import numpy as np

from bridge.routing.crew import Crew, Flags, Numbers
from bridge.routing.snapshot import WaitingTicket

UNHEARD: Final = 2.0
"""What a minute costs who has had no answer at all, by one of who waits for a further answer."""

STEEPNESS: Final = 3.0
"""How much dearer than usual a minute is for a ticket of weight 1 just before its promise is broken."""

CURVE: Final = 3.0
"""The power with which that cost grows over the promise: hardly at first, fast towards its end."""

LATEST: Final = 1.2
"""It grows no more from so many promises on: what is late already must not keep back what can be in time."""

CHANCES: Final = 4.0
"""Times the mean wait for a suitable agent within which one comes free but once in fifty (exp(-4), for a memoryless
wait): so much sooner than its promise a ticket is due in the queue.
"""

RARITY: Final = 0.8
"""How much of the minutes are added for an agent twice as much in demand as those who could take the ticket."""

LACKING: Final = 5.0
"""The minutes that a preferred skill is worth."""


def urgency(ticket: WaitingTicket, chance: float = 0.0) -> float:
    """What a minute more of waiting costs, 1 for an ordinary follow-up: the marginal cost of generalised c-mu.

    `chance` are the minutes after which, on average, one of those who can take it comes free: a ticket that few can
    take must be taken at an earlier one.
    """
    usual = 1.0 if ticket.followup else UNHEARD
    if ticket.due_in is None or not ticket.promise:
        return usual
    used = min(max(1.0 - (ticket.due_in - CHANCES * chance) / ticket.promise, 0.0), LATEST)
    return float(usual + STEEPNESS * ticket.weight * used**CURVE)


@dataclass(frozen=True, slots=True)
class Price:
    """What giving a ticket to each agent costs, in minutes and by what they are for."""

    effort: Numbers
    handover: Numbers
    scarcity: Numbers
    preferred: Numbers

    @property
    def parts(self) -> dict[str, Numbers]:
        """Its columns by name."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    @property
    def whole(self) -> Numbers:
        """The sum, which is never less than a tenth of a minute."""
        total: Numbers = np.maximum(self.effort + self.handover + self.scarcity + self.preferred, 0.1)
        return total


class Prices:
    """The prices of one snapshot; what tickets of a kind share is worked out once."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def of(self, ticket: WaitingTicket, suited: Flags) -> Price:
        """The price of a ticket for each agent; `suited` are those who could take it, had they room."""
        crew = self._crew
        effort = crew.minutes(ticket)
        usual = crew.norm(ticket.topic) * (crew.norms.followup if ticket.followup else 1.0)
        return Price(effort, self._handover(ticket), self._scarcity(usual, suited), self._lacking(ticket.preferred))

    def _handover(self, ticket: WaitingTicket) -> Numbers:
        minutes = np.full(len(self._crew.agents), self._crew.handover(ticket))
        if (last := self._crew.number.get(ticket.last_agent or "")) is not None:
            minutes[last] = 0.0
        return minutes

    def _scarcity(self, usual: float, suited: Flags) -> Numbers:
        if not suited.any():
            return np.zeros(len(suited))
        scarcity: Numbers = RARITY * usual * (self._demand - self._demand[suited].mean())
        return scarcity

    def _lacking(self, preferred: frozenset[str]) -> Numbers:
        if not preferred:
            return np.zeros(len(self._crew.agents))
        return LACKING * np.array([len(preferred - agent.skills) for agent in self._crew.agents], dtype=float)

    @cached_property
    def _demand(self) -> Numbers:
        """How much the skills of each agent are in demand among those at work; 1 on the average."""
        crew = self._crew
        load = np.zeros(len(crew.agents))
        for (topic, skills), share in crew.norms.demand.items():
            can = crew.skilled(skills) & crew.available
            if there := int(can.sum()):
                load += can * (share * crew.norm(topic) / there)
        mean = load[crew.available].mean() if crew.available.any() else 0.0
        return load / mean if mean else np.ones(len(load))
