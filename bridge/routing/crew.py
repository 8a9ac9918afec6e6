"""Agents as columns: who may have a ticket and what it would take them, for all of them at once."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.routing.snapshot import UNKNOWN_MINUTES, LiveAgent, Norms, Ring, Rules, Strategy, WaitingTicket

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


ENOUGH: Final = 240.0
"""The minutes of presence below which nothing is made of an agent's share of the work."""


@dataclass(frozen=True, slots=True)
class Hurdle:
    """One condition on agents: who passes it, a flag an agent, and what is said of those, and of one, who do not."""

    name: str
    passed: Flags
    words: Callable[[LiveAgent], str]


class Crew:
    """The agents of a snapshot in its order, with what they hold, which grows as tickets are given to them.

    `load` are all open tickets, `live` those that they have begun or been given, `busy` the minutes these still take,
    `given` what they were given in this plan.
    """

    def __init__(self, agents: Sequence[LiveAgent], tickets: Sequence[WaitingTicket], norms: Norms) -> None:
        self.agents, self.norms = agents, norms
        self.number = {agent.name: number for number, agent in enumerate(agents)}
        self.available = np.array([agent.available for agent in agents], dtype=bool)
        self.shift_left = np.array([agent.shift_left for agent in agents], dtype=float)
        self.capacity = np.array([agent.capacity for agent in agents], dtype=float)
        self.load = np.array([agent.load for agent in agents], dtype=float)
        self.live = np.array([len(agent.work) for agent in agents], dtype=float)
        self.busy = np.array([sum(work.minutes for work in agent.work) for agent in agents], dtype=float)
        self.given = np.zeros(len(agents))
        self.by_channel: dict[tuple[int, str], int] = {}
        self._kept_flags: dict[Hashable, Flags] = {}
        self._kept_minutes: dict[str, Numbers] = {}
        self._kept_shares: dict[frozenset[str], Numbers] = {}
        self._limited = frozenset(channel for agent in agents for channel in agent.channels)
        for number, agent in enumerate(agents):
            for work in agent.work:
                self._count(number, work.channel, 1)
        for ticket in tickets:
            if (holder := self.holder(ticket)) is not None:
                self._hold(holder, ticket, 1)

    def holder(self, ticket: WaitingTicket) -> int | None:
        """The number of the agent in whose hands a ticket lies; None: in nobody's of these."""
        return None if ticket.holder is None else self.number.get(ticket.holder)

    def give(self, ticket: WaitingTicket, to: int) -> None:
        """Count a ticket into an agent's hands, and out of those in which it lay."""
        self.take(ticket)
        self.load[to] += 1
        self.given[to] += 1
        self._hold(to, ticket, 1)

    def take(self, ticket: WaitingTicket) -> None:
        """Count a ticket out of the hands in which it lies."""
        if (holder := self.holder(ticket)) is not None:
            self.load[holder] -= 1
            self._hold(holder, ticket, -1)

    def share(self, teams: frozenset[str]) -> Numbers:
        """The part of their presence that each agent worked, by these teams' mean; 1 where too little is known."""
        if (kept := self._kept_shares.get(teams)) is None:
            worked, present = self._worked
            known = (present >= ENOUGH) & self.in_teams(teams)
            mean = worked[known].sum() / max(present[known].sum(), 1.0)
            shares: Numbers = np.where(known & (mean > 0), worked / np.maximum(present * mean, 1e-9), 1.0)
            kept = self._kept_shares[teams] = shares
        return kept

    @cached_property
    def _worked(self) -> tuple[Numbers, Numbers]:
        """The minutes that each agent worked, and was present."""
        worked = np.array([agent.worked for agent in self.agents], dtype=float)
        return worked, np.array([agent.present for agent in self.agents], dtype=float)

    def able(self, ticket: WaitingTicket, ring: Ring, rules: Rules) -> Flags:
        """Who may be given a ticket now."""
        passed: Flags = reduce(np.logical_and, (hurdle.passed for hurdle in self.hurdles(ticket, ring, rules)))
        return passed

    def hurdles(self, ticket: WaitingTicket, ring: Ring, rules: Rules) -> Iterator[Hurdle]:
        """Everything that an agent must pass to be given a ticket now, in the order in which it is told."""
        yield Hurdle("in other teams", self.in_teams(ring.teams), lambda _: "in another team")
        lacking = ring.skills
        yield Hurdle("lack a skill", self.skilled(lacking), lambda agent: f"lacks {_listed(lacking - agent.skills)}")
        yield Hurdle("not available", self.available, lambda _: "not available")
        in_time = self.shift_left > rules.guard
        yield Hurdle("about to leave", in_time, lambda agent: f"shift ends in {agent.shift_left:.0f} min")
        room = self.load < self.capacity
        yield Hurdle("full", room, lambda agent: f"full: {self._of(agent, self.load)} of {agent.capacity}")
        if ticket.channel in self._limited:
            yield Hurdle("full", self._channel_room(ticket.channel), lambda _: f"full for {ticket.channel}")
        if rules.strategy is Strategy.LATE:
            free = self.live < rules.slots
            yield Hurdle("busy", free, lambda agent: f"busy for about {self._of(agent, self.busy)} min")

    def obstacles(self, ticket: WaitingTicket, ring: Ring, rules: Rules) -> Counter[str]:
        """What stands between a ticket and how many agents, each counted by the first."""
        left, found = np.ones(len(self.agents), dtype=bool), Counter[str]()
        for hurdle in self.hurdles(ticket, ring, rules):
            if stopped := int((left & ~hurdle.passed).sum()):
                found[hurdle.name] += stopped
            left &= hurdle.passed
        return found

    def suited(self, ring: Ring) -> Flags:
        """Who at work could take a ticket of this ring, had they room."""
        suited: Flags = self.in_teams(ring.teams) & self.skilled(ring.skills) & self.available
        return suited

    def in_teams(self, teams: frozenset[str]) -> Flags:
        """Who belongs to one of these teams."""
        return self._flags(teams, lambda agent: not teams.isdisjoint(agent.teams))

    def skilled(self, skills: frozenset[str]) -> Flags:
        """Who has all of these skills."""
        return self._flags((skills,), lambda agent: skills <= agent.skills)

    def minutes(self, ticket: WaitingTicket) -> Numbers:
        """The minutes that a ticket's next answer would take each agent, who took part in it before set aside."""
        known = self._minutes(ticket.topic)
        return known * self.norms.followup if ticket.followup else known

    def handover(self, ticket: WaitingTicket) -> float:
        """The minutes that anybody but the ticket's last agent needs to read up on it."""
        if ticket.last_agent is None or not ticket.followup:
            return 0.0
        return self.norms.handover + self.norms.reread * self.norm(ticket.topic)

    def norm(self, topic: str) -> float:
        """The minutes that a first answer takes an agent of whom nothing is known."""
        return self.norms.minutes.get(topic, UNKNOWN_MINUTES)

    def _hold(self, number: int, ticket: WaitingTicket, count: int) -> None:
        self.live[number] += count
        self.busy[number] += count * self.minutes(ticket)[number]
        self._count(number, ticket.channel, count)

    def _count(self, number: int, channel: str, count: int) -> None:
        self.by_channel[number, channel] = self.by_channel.get((number, channel), 0) + count

    def _of(self, agent: LiveAgent, column: Numbers) -> str:
        return f"{column[self.number[agent.name]]:.0f}"

    def _flags(self, key: Hashable, holds: Callable[[LiveAgent], bool]) -> Flags:
        if (kept := self._kept_flags.get(key)) is None:
            kept = self._kept_flags[key] = np.fromiter(map(holds, self.agents), bool, len(self.agents))
        return kept

    def _channel_room(self, channel: str) -> Flags:
        return np.array(
            [
                self.by_channel.get((number, channel), 0) < agent.channels.get(channel, inf)
                for number, agent in enumerate(self.agents)
            ],
            dtype=bool,
        )

    def _minutes(self, topic: str) -> Numbers:
        if (kept := self._kept_minutes.get(topic)) is None:
            norm = self.norm(topic)
            found = (agent.minutes.get(topic, norm) for agent in self.agents)
            kept = self._kept_minutes[topic] = np.fromiter(found, float, len(self.agents))
        return kept


def reached(ticket: WaitingTicket) -> Ring:
    """The last ring whose time has come; the first one before any has."""
    return next((ring for ring in reversed(ticket.rings) if ring.after <= ticket.waited), ticket.rings[0])


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
