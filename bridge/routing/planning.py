"""The router: a snapshot in, a plan out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bridge.routing import matching
from bridge.routing.crew import Crew, Flags, Numbers, reached
from bridge.routing.snapshot import Placement, Plan, Rules, Snapshot, WaitingTicket, WhenAway
from bridge.routing.worth import Prices, urgency

LOOK_AGAIN = 5.0
"""Minutes after which the router wants to be asked again while something waits."""

SPARE = 0.1
"""The tickets waiting for each agent at work count for no less: time saved is worth something on a calm day too."""

BARELY = 2.0
"""Nothing is taken out of an agent's hands for whom it would not have to wait longer than so many minutes."""


def route(snapshot: Snapshot) -> Plan:
    """Who is to have which ticket now. Pure and deterministic: the same snapshot always gives the same plan."""
    return _Planner(snapshot).plan()


@dataclass(frozen=True, slots=True)
class _Offer:
    """A ticket, what a minute of its waiting costs, who may be given it now and at what price."""

    ticket: WaitingTicket
    urgency: float
    allowed: Flags
    price: Numbers


class _Planner:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._crew = Crew(snapshot.agents, snapshot.tickets, snapshot.norms)
        self._prices = Prices(self._crew)
        self._given: dict[str, Placement] = {}

    def plan(self) -> Plan:
        left = [ticket for ticket in self._snapshot.tickets if self._movable(ticket)]
        while left and (offers := list(self._offers(left))):
            worth = np.array([np.where(offer.allowed, offer.urgency / offer.price, 0.0) for offer in offers])
            for row, column in matching.greedy(worth):
                self._give(offers[row].ticket, column)
            left = [ticket for ticket in left if ticket.id not in self._given]
        for ticket in left:
            if self._forsaken(ticket):
                self._given[ticket.id] = Placement(ticket.id, None, f"{ticket.holder} is away")
        return Plan(tuple(self._given.values()), {}, LOOK_AGAIN if left else None)

    def _give(self, ticket: WaitingTicket, number: int) -> None:
        self._crew.give(ticket, number)
        self._given[ticket.id] = Placement(ticket.id, self._crew.agents[number].name, "")

    def _rules(self, ticket: WaitingTicket) -> Rules:
        return self._snapshot.rules.get(ticket.team, _DEFAULT)

    def _movable(self, ticket: WaitingTicket) -> bool:
        """False where a person, the rule about absence or a recent move keeps a ticket in its holder's hands."""
        holder = self._crew.holder(ticket)
        if holder is None:
            return True
        rules = self._rules(ticket)
        if ticket.by_human or (ticket.moved is not None and ticket.moved < rules.settle):
            return False
        agent = self._crew.agents[holder]
        return agent.available or (rules.when_away is not WhenAway.KEEP and agent.gone >= rules.grace)

    def _forsaken(self, ticket: WaitingTicket) -> bool:
        """True where a ticket lies in the hands of an agent who will not be back soon enough for it."""
        holder = self._crew.holder(ticket)
        if holder is None or self._crew.available[holder]:
            return False
        rules = self._rules(ticket)
        return rules.when_away is WhenAway.HAND_BACK and self._crew.agents[holder].back_in > rules.guard

    def _offers(self, tickets: Sequence[WaitingTicket]) -> Iterator[_Offer]:
        kinds: dict[object, tuple[Flags, Numbers]] = {}
        pressure = max(len(tickets) / max(int(self._crew.available.sum()), 1), SPARE)
        for ticket in tickets:
            kind = _kind(ticket)
            if kind not in kinds:
                kinds[kind] = self._kind(ticket)
            able, price = kinds[kind]
            if not able.any():
                continue
            cost = urgency(ticket)
            allowed: Flags = able & ~self._better_to_wait(ticket, cost, price, pressure)
            if allowed.any():
                yield _Offer(ticket, cost, allowed, price)

    def _kind(self, ticket: WaitingTicket) -> tuple[Flags, Numbers]:
        ring, rules = reached(ticket), self._rules(ticket)
        able = self._crew.able(ticket, ring, rules)
        if not able.any():
            return able, able.astype(float)
        return able, self._prices.of(ticket, self._crew.suited(ring)).whole

    def _better_to_wait(self, ticket: WaitingTicket, cost: float, price: Numbers, pressure: float) -> Flags:
        """Soft stickiness: to whom it does not go, as waiting for who knows it costs less than a new reading."""
        crew = self._crew
        holder = crew.holder(ticket)
        known = holder if holder is not None else crew.number.get(ticket.last_agent or "") if ticket.followup else None
        if known is None:
            return np.zeros(len(price), dtype=bool)
        agent = crew.agents[known]
        wait = 0.0 if agent.available else agent.back_in
        wait += max(crew.busy[known] - (crew.minutes(ticket)[known] if holder == known else 0.0), 0.0)
        dearer: Flags = wait * cost < (price - price[known]) * pressure
        if holder is not None:
            if agent.available and wait <= BARELY:
                return np.ones(len(price), dtype=bool)
            dearer[known] = True
        else:
            dearer[known] = False
        return dearer


_DEFAULT = Rules()


def _kind(ticket: WaitingTicket) -> object:
    """What tickets that are alike to every agent share."""
    last = ticket.last_agent if ticket.followup else None
    ring = reached(ticket)
    return ticket.team, ring.teams, ring.skills, ticket.channel, ticket.topic, ticket.followup, last, ticket.preferred
