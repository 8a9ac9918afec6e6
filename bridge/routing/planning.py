"""The router: a snapshot in, a plan out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bridge.routing import arrival, matching
from bridge.routing.crew import Crew, Flags, Numbers, reached
from bridge.routing.reasons import reasons
from bridge.routing.snapshot import (
    Placement,
    Plan,
    Reason,
    Ring,
    Rules,
    Snapshot,
    Strategy,
    WaitingTicket,
    WhenAway,
)
from bridge.routing.worth import Price, Prices, urgency

LOOK_AGAIN: Final = 5.0
"""Minutes after which the router wants to be asked again at the latest while something waits."""

SPARE: Final = 0.5
"""The tickets waiting for each agent at work count for no less: time saved is worth something on a calm day too."""

PATIENCE: Final = 60.0
"""After so many business minutes nothing waits any longer for the agent who knows it while another is free."""

BARELY: Final = 2.0
"""Nothing is taken out of the hands of an agent who is about to begin it within so many minutes."""

SOONEST: Final = 0.25
"""It is never asked again within so many minutes."""

FLOOD: Final = 10.0
"""Assigned at arrival, a ticket waits for a colleague due within so many minutes if everybody has something."""

_DEFAULT: Final = Rules()


def route(snapshot: Snapshot, match: matching.Match = matching.best) -> Plan:
    """Who is to have which ticket now. Pure: the same snapshot gives the same plan, whatever the order it lists.

    Tickets that a person assigned, and those that the rules leave in their holder's hands, are never in the plan.
    """
    return _Planner(snapshot, match).plan()


@dataclass(frozen=True, slots=True)
class _Kind:
    """What tickets that are alike to every agent share: who may be given one now, and what it costs.

    `chance` are the minutes after which one of those at work who could take it comes free, on average.
    """

    able: Flags
    fair: Flags
    price: Price
    whole: Numbers
    chance: float


class _Planner:
    """One call of the router. What it gives counts at once: nobody is given more than they have room for."""

    def __init__(self, snapshot: Snapshot, match: matching.Match) -> None:
        agents = sorted(snapshot.agents, key=lambda agent: (-agent.idle, agent.name))
        self._tickets = sorted(snapshot.tickets, key=lambda ticket: (-ticket.waited, ticket.id))
        self._crew = Crew(agents, self._tickets, snapshot.norms)
        self._prices = Prices(self._crew)
        self._rules, self._match = snapshot.rules, match
        self._given: dict[str, Placement] = {}
        self._obstacles: dict[object, str] = {}
        self._kept_able: dict[object, Flags] = {}

    def plan(self) -> Plan:
        movable = [ticket for ticket in self._tickets if self._movable(ticket)]
        late = [ticket for ticket in movable if self._rules_of(ticket).strategy is Strategy.LATE]
        for ticket in sorted(movable, key=lambda ticket: -urgency(ticket)):
            if self._rules_of(ticket).strategy is not Strategy.LATE:
                self._at_arrival(ticket)
        while late and self._round(late):
            late = self._left(late)
        for ticket in self._left(movable):
            if self._forsaken(ticket):
                self._given[ticket.id] = Placement(ticket.id, None, f"{ticket.holder} is away")
        waiting = {ticket.id: self._why_not(ticket) for ticket in self._left(movable) if ticket.holder is None}
        return Plan(tuple(self._given.values()), waiting, self._wake_in(self._left(movable)))

    def _rules_of(self, ticket: WaitingTicket) -> Rules:
        return self._rules.get(ticket.team, _DEFAULT)

    def _left(self, tickets: Iterable[WaitingTicket]) -> list[WaitingTicket]:
        return [ticket for ticket in tickets if ticket.id not in self._given]

    def _movable(self, ticket: WaitingTicket) -> bool:
        """False where a person, the rule about absence or a recent move keeps a ticket in its holder's hands."""
        holder, rules = self._crew.holder(ticket), self._rules_of(ticket)
        if holder is None:
            return True
        if ticket.by_human or (ticket.moved is not None and ticket.moved < rules.settle):
            return False
        agent = self._crew.agents[holder]
        if agent.available:
            return rules.strategy is Strategy.LATE
        return rules.when_away is not WhenAway.KEEP and agent.gone >= rules.grace

    def _forsaken(self, ticket: WaitingTicket) -> bool:
        """True where a ticket is to go back to the queue, since its holder has gone and will not be back soon."""
        holder, rules = self._crew.holder(ticket), self._rules_of(ticket)
        if holder is None or self._crew.available[holder]:
            return False
        return rules.when_away is WhenAway.HAND_BACK and self._crew.agents[holder].back_in > rules.guard

    def _round(self, tickets: Sequence[WaitingTicket]) -> bool:
        """Gives at most one ticket to each agent; False where nobody could be given any."""
        offers = list(self._offers(tickets))
        if not offers:
            return False
        worth = np.zeros((len(offers), len(self._crew.agents)))
        for line, offer in zip(worth, offers, strict=True):
            np.divide(urgency(offer.ticket, offer.kind.chance), offer.kind.whole, out=line, where=offer.allowed)
        pairs = self._match(worth)
        for row, column in pairs:
            kind = offers[row].kind
            why = reasons(self._crew, kind.price, kind.able, kind.fair, column)
            self._give(offers[row].ticket, column, "; ".join(reason.words for reason in why), why)
        return bool(pairs)

    def _offers(self, tickets: Sequence[WaitingTicket]) -> Iterator["_Offer"]:
        kinds: dict[object, _Kind | None] = {}
        pressure = max(len(tickets) / max(int(self._crew.available.sum()), 1), SPARE)
        for ticket in tickets:
            key = _key(ticket)
            if key not in kinds:
                kinds[key] = self._kind(ticket)
            kind = kinds[key]
            if kind is None:
                continue
            allowed = kind.fair & ~self._better_to_wait(ticket, kind, pressure)
            if allowed.any():
                yield _Offer(ticket, kind, allowed)

    def _able(self, ticket: WaitingTicket) -> Flags:
        """Who may be given a ticket now; asked of the crew once for all that are alike until something is given."""
        if (key := _key(ticket)[0]) not in self._kept_able:
            self._kept_able[key] = self._crew.able(ticket, reached(ticket), self._rules_of(ticket))
        return self._kept_able[key]

    def _kind(self, ticket: WaitingTicket) -> _Kind | None:
        able, ring = self._able(ticket), reached(ticket)
        if not able.any():
            return None
        suited = self._crew.suited(ring)
        price = self._prices.of(ticket, suited)
        chance = self._crew.norm(ticket.topic) / max(int((suited & self._crew.available).sum()), 1)
        return _Kind(able, self._fairly(able, ring, self._rules_of(ticket)), price, price.whole, chance)

    def _fairly(self, able: Flags, ring: Ring, rules: Rules) -> Flags:
        """Those of the able who have not had more than their share of the work of these teams, where there are such."""
        fair: Flags = able & (self._crew.share(ring.teams) <= rules.fair_share)
        return fair if fair.any() else able

    def _better_to_wait(self, ticket: WaitingTicket, kind: _Kind, pressure: float) -> Flags:
        """Soft stickiness: to whom it does not go, as waiting for who knows it costs less than a new reading."""
        known, held = self._knowing(ticket), ticket.holder is not None
        if known is None or kind.able[known]:
            stays = np.zeros(len(kind.whole), dtype=bool)
            if known is not None:
                stays[known] = held
            return stays
        wait = self._wait_for(known, ticket)
        if held and self._crew.available[known] and wait <= BARELY:
            return np.ones(len(kind.whole), dtype=bool)
        dearer: Flags = wait * urgency(ticket) < (kind.whole - kind.whole[known]) * pressure
        return dearer & (ticket.waited <= PATIENCE)

    def _knowing(self, ticket: WaitingTicket) -> int | None:
        """Who knows the ticket: its holder, else who answered it last."""
        holder = self._crew.holder(ticket)
        if holder is None and ticket.followup and ticket.last_agent is not None:
            return self._crew.number.get(ticket.last_agent)
        return holder

    def _wait_for(self, number: int, ticket: WaitingTicket) -> float:
        """The minutes until an agent is expected to begin a ticket, were it left to them."""
        agent = self._crew.agents[number]
        ahead = self._crew.busy[number]
        if ticket.holder == agent.name:
            ahead -= self._crew.minutes(ticket)[number]
        return (0.0 if agent.available else agent.back_in) + max(float(ahead), 0.0)

    def _give(self, ticket: WaitingTicket, number: int, because: str, why: tuple[Reason, ...] = ()) -> None:
        self._crew.give(ticket, number)
        self._kept_able.clear()
        self._given[ticket.id] = Placement(ticket.id, self._crew.agents[number].name, because, why)

    def _at_arrival(self, ticket: WaitingTicket) -> None:
        """Gives a ticket to whom the team's strategy names, unless everybody has something and a colleague is due."""
        rules, ring = self._rules_of(ticket), reached(ticket)
        able = self._able(ticket)
        if not able.any():
            return
        number = min(map(int, np.flatnonzero(able)), key=arrival.order(rules.strategy, self._crew))
        if self._crew.live[number] >= rules.slots and self._due(ring).any():
            return
        held = f"{self._crew.load[number]:.0f} of {self._crew.agents[number].capacity}"
        self._give(ticket, number, f"{arrival.WORDS[rules.strategy]}: {held}")

    def _due(self, ring: Ring) -> Flags:
        """Who could take a ticket of a ring and is expected at work soon."""
        soon = np.array([agent.back_in <= FLOOD for agent in self._crew.agents], dtype=bool)
        due: Flags = self._crew.in_teams(ring.teams) & self._crew.skilled(ring.skills) & ~self._crew.available & soon
        return due

    def _why_not(self, ticket: WaitingTicket) -> str:
        """Why a ticket waits: for whom, or what stands in the way of how many."""
        ring, rules, crew = reached(ticket), self._rules_of(ticket), self._crew
        if (known := self._knowing(ticket)) is not None and self._able(ticket).any():
            wait = self._wait_for(known, ticket)
            return f"waits about {wait:.0f} min for {crew.agents[known].name}, who answered it last"
        if (key := _key(ticket)[0]) not in self._obstacles:
            found = crew.obstacles(ticket, ring, rules)
            self._obstacles[key] = ", ".join(f"{count} {words}" for words, count in found.items())
        return self._obstacles[key]

    def _wake_in(self, left: Sequence[WaitingTicket]) -> float | None:
        """When the clock alone may change the plan: at the next ring, the next return, and now and then anyway."""
        if not left:
            return None
        rings = (ring.after - ticket.waited for ticket in left for ring in ticket.rings)
        returns = (agent.back_in for agent in self._crew.agents if not agent.available)
        return max(min([LOOK_AGAIN, *(time for time in (*rings, *returns) if time > 0)]), SOONEST)


@dataclass(frozen=True, slots=True)
class _Offer:
    """A ticket, what it shares with others, and who may be given it now."""

    ticket: WaitingTicket
    kind: _Kind
    allowed: Flags


def _key(ticket: WaitingTicket) -> tuple[object, object]:
    """What tickets share that the same agents may have, and those among them that cost every agent the same."""
    ring, last = reached(ticket), ticket.last_agent if ticket.followup else None
    may = ticket.team, ring.teams, ring.skills, ticket.channel
    return may, (may, ticket.topic, ticket.followup, last, ticket.preferred)
