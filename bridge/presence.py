"""Who is at work where the desk's plan hides it: inferred from what agents do, and told as a guess."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from bridge.calendars import Calendar
from bridge.model import ActorKind, AgentRecord, AgentStatus, Event, Ticket, TicketRef
from bridge.store import Store, sightings
from bridge.store import roster as rosters

SILENT: Final = timedelta(hours=1)
"""So much working time after they were given a ticket, who has done nothing at the desk is taken to be away."""

GIVEN_UP: Final = timedelta(hours=12)
"""So long after it they are tried again: nobody is left without tickets for ever by a guess."""


def note_sightings(
    store: Store, connection: Connection, ref: TicketRef, events: Iterable[Event], ticket: Ticket | None
) -> None:
    """Remember which agents have done something, where their desk hides who is at work."""
    roster = rosters.load(connection).get(ref.desk)
    hidden = {one.id for one in roster.agents if one.inferred} if roster is not None else set()
    seen: dict[str, datetime] = {}
    for agent, at in _acts(events, ticket) if hidden else ():
        if agent in hidden and (agent not in seen or at > seen[agent]):
            seen[agent] = at
    sightings.keep(store, connection, ref.desk, seen)


def _acts(events: Iterable[Event], ticket: Ticket | None) -> Iterator[tuple[str, datetime]]:
    for event in events:
        if event.actor.id is not None and event.occurred_at is not None:
            yield event.actor.id, event.occurred_at
    for message in ticket.messages if ticket is not None else ():
        if message.author.kind is ActorKind.AGENT and message.author.id is not None and message.created_at is not None:
            yield message.author.id, message.created_at


def inferred(
    record: AgentRecord, given_at: datetime | None, seen_at: datetime | None, hours: Calendar | None, now: datetime
) -> AgentRecord:
    """An agent whose desk hides whether they are at work, as they seem to be: away, who lets a ticket lie. Pure."""
    if not record.inferred or record.status is not AgentStatus.UNKNOWN or given_at is None:
        return record
    if (seen_at is not None and seen_at >= given_at) or now - given_at > GIVEN_UP:
        return record
    waited = now - given_at if hours is None else hours.between(given_at, now)
    return record if waited < SILENT else replace(record, status=AgentStatus.AWAY, since=given_at)
