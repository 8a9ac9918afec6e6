"""Past tickets replayed: when they came, how often and when their customers wrote back; what answers took is learnt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from sqlalchemy import Connection

from bridge.experience import learnt
from bridge.labelling import read_again
from bridge.model import ActorKind, Case, Decision, Ticket, Visibility
from bridge.routing.effort import Effort
from bridge.store import answers, journal
from deskbridge.simulation.world import Ask, Job, World, chance, lognormal
from rules import LoadedPolicy

SPREAD: Final = 0.8
"""How answers to one topic differ, as sigma of the logarithm: single minutes are too few to learn it from."""

PACE: Final = 0.2
"""How agents differ, likewise."""

_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Told:
    """A past ticket: when it came, how a policy reads it, its topic, and the minutes until its customer replied."""

    at: datetime
    ask: Ask
    topic: str
    delays: tuple[float, ...]


class Past:
    """The worlds of past tickets: the same tickets in each, at their own times; only minutes and paces are chance."""

    def __init__(self, told: Sequence[_Told], effort: Effort, start: datetime, end: datetime) -> None:
        self._told = told
        self._effort = effort
        self._start, self._end = start, end

    def world(self, seed: int) -> World:
        """The world of a seed."""
        return World(seed, self._start, self._end, tuple(self._jobs(seed)), PACE)

    def _jobs(self, seed: int) -> Iterator[Job]:
        rng = chance(seed, "tickets")
        for one in self._told:
            first = self._effort.of("", one.topic)
            further = [first * self._effort.followup] * len(one.delays)
            yield Job(one.at, one.ask, tuple(lognormal(rng, mean, SPREAD) for mean in (first, *further)), one.delays)


def load(connection: Connection, since: datetime, now: datetime) -> Past:
    """The tickets that came since then and were decided on, each routed as it was at its first decision.

    Their worlds begin with the first of them: a bridge may be younger than the time that is asked about.
    """
    decisions = [one for one in journal.latest(connection, since) if _came(one, since)]
    first = dict(_first(connection, decisions))
    told = sorted((_told(one, first[one.ref.desk, one.ref.id]) for one in decisions), key=lambda one: one.at)
    effort = learnt(answers.latest(connection), now).effort
    return Past(told, effort, told[0].at if told else since, now)


def _came(decision: Decision, since: datetime) -> bool:
    return decision.ticket is not None and (decision.ticket.created_at or decision.at) >= since


def _first(connection: Connection, decisions: Sequence[Decision]) -> Iterator[tuple[tuple[str, str], Decision]]:
    ordered = sorted(decisions, key=lambda one: one.ref.desk)
    for desk, group in groupby(ordered, key=lambda one: one.ref.desk):
        last = {one.ref.id: one for one in group}
        for ticket, decision in (last | journal.first_of(connection, desk, list(last))).items():
            yield (desk, ticket), decision if decision.case is not None else last[ticket]


def _told(last: Decision, first: Decision) -> _Told:
    assert last.ticket is not None
    assert first.case is not None
    intent = first.triage.intent
    at = last.ticket.created_at or first.at
    return _Told(at, _Again(first.case), intent.value if intent else "", tuple(_delays(last.ticket)))


@dataclass(frozen=True, slots=True, eq=False)
class _Again:
    """A past case as a policy reads it: its ticket and facts as they were, its text read by that policy."""

    case: Case

    def __call__(self, policy: LoadedPolicy) -> Case:
        return replace(self.case, triage=read_again(policy, self.case))


def _delays(ticket: Ticket) -> Iterator[float]:
    """The minutes from each public answer of an agent that the customer replied to until they did."""
    answered: datetime | None = None
    public = (one for one in ticket.messages if one.visibility is Visibility.PUBLIC and one.created_at is not None)
    for message in public:
        if message.author.kind is ActorKind.AGENT:
            answered = message.created_at
        elif answered is not None and message.author.kind is ActorKind.REQUESTER:
            assert message.created_at is not None
            yield max((message.created_at - answered) / _MINUTE, 0.0)
            answered = None
