"""What the router learns from answers: what takes whom how long, and which skills are in demand."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from bridge.model import ActorKind, Event, EventKind, Place, PlaceState, Ticket, TicketRef, Visibility
from bridge.ports import Policy
from bridge.routing import Norms
from bridge.routing.effort import Answer, Effort, learn
from bridge.store import answers, queue
from bridge.store.answers import Given

_NOTHING_YET: Final = learn(())


@dataclass(frozen=True, slots=True)
class Experience:
    """The effort behind past answers, what the router expects by it, and the minutes of answers that each agent has
    behind them within `SHARED_OVER`.
    """

    effort: Effort = _NOTHING_YET
    norms: Norms = field(default_factory=Norms)
    worked: Mapping[str, float] = field(default_factory=dict)


SHARED_OVER: Final = timedelta(hours=8)
"""The time over which work is shared fairly: a day at work."""


def learnt(past: Sequence[Given], now: datetime) -> Experience:
    """The experience of past answers. Pure."""
    effort = learn(Answer(one.agent, one.topic, one.minutes) for one in past)
    asked = Counter((one.topic, one.skills) for one in past)
    demand = {wanted: count / len(past) for wanted, count in asked.items()}
    worked: dict[str, float] = defaultdict(float)
    for one in past:
        if now - one.at <= SHARED_OVER:
            worked[one.agent] += one.minutes
    return Experience(effort, Norms(minutes=effort.minutes, followup=effort.followup, demand=demand), dict(worked))


def note_answer(
    connection: Connection, policy: Policy, ref: TicketRef, events: Iterable[Event], ticket: Ticket | None
) -> None:
    """Learn from the first answer that an agent has given to a ticket since the router gave it to them."""
    place = queue.of(connection, ref)
    if place is None or place.wait.answered or place.state is not PlaceState.GIVEN or place.bound_at is None:
        return
    answered_at = _answered_at(place, events, ticket)
    if answered_at is None or place.agent is None:
        return
    worked = _working_time(policy, place, answered_at) / timedelta(minutes=1)
    if queue.reword(connection, replace(place, wait=replace(place.wait, answered=True))):
        given = Given(place.agent, place.wait.topic, place.wait.target.skills, worked, answered_at)
        answers.keep(connection, given)


def _answered_at(place: Place, events: Iterable[Event], ticket: Ticket | None) -> datetime | None:
    """When the agent of a place first answered its ticket in public, by events or by the ticket as read."""
    assert place.bound_at is not None
    agent_id = place.assignment.agent_id if place.assignment is not None else None
    told = [(one.occurred_at, one.actor) for one in events if one.kind is EventKind.AGENT_REPLIED]
    if ticket is not None:
        public = (one for one in ticket.messages if one.visibility is Visibility.PUBLIC)
        told += [(one.created_at, one.author) for one in public if one.author.kind is ActorKind.AGENT]
    return min((at for at, who in told if at is not None and at >= place.bound_at and who.id == agent_id), default=None)


def _working_time(policy: Policy, place: Place, until: datetime) -> timedelta:
    assert place.agent is not None
    assert place.bound_at is not None
    team = place.wait.target.team
    known = team in policy.teams() and any(member.name == place.agent for member in policy.members(team))
    hours = policy.hours(team, place.agent) if known else None
    return until - place.bound_at if hours is None else hours.between(place.bound_at, until)
