"""The journal: every decision as it was made."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from bridge.model import Decision
from bridge.store import codec
from bridge.store.tables import decisions

_WRITE = decisions.insert()


def write(connection: Connection, decision: Decision) -> None:
    """Record a decision."""
    connection.execute(
        _WRITE,
        {
            "id": decision.id,
            "desk": decision.ref.desk,
            "ticket": decision.ref.id,
            "at": decision.at,
            "mode": decision.mode,
            "policy_version": decision.policy_version,
            "body": codec.dump(decision),
        },
    )


def of_ticket(connection: Connection, desk: str, ticket: str) -> list[Decision]:
    """The decisions about one ticket, oldest first."""
    rows = connection.execute(
        select(decisions.c.body)
        .where(decisions.c.desk == desk, decisions.c.ticket == ticket)
        .order_by(decisions.c.at, decisions.c.id)
    ).scalars()
    return [codec.parse(Decision, body) for body in rows]


def first_of(connection: Connection, desk: str, tickets: Sequence[str]) -> dict[str, Decision]:
    """The first decision on each of these tickets that is still kept, by ticket."""
    first = (
        select(func.min(decisions.c.id).label("id"))
        .where(decisions.c.desk == desk, decisions.c.ticket.in_(tickets))
        .group_by(decisions.c.ticket)
        .subquery()
    )
    rows = connection.execute(select(decisions.c.body).join(first, decisions.c.id == first.c.id)).scalars()
    return {decision.ref.id: decision for decision in (codec.parse(Decision, body) for body in rows)}


def find(connection: Connection, decision: str) -> Decision | None:
    """One decision by its id; None where there is none, or none any more."""
    body = connection.execute(select(decisions.c.body).where(decisions.c.id == decision)).scalar()
    return None if body is None else codec.parse(Decision, body)


def since(connection: Connection, at: datetime) -> Iterator[Decision]:
    """Every decision made since then, oldest first."""
    rows = connection.execute(
        select(decisions.c.body).where(decisions.c.at >= at).order_by(decisions.c.at, decisions.c.id)
    )
    for body in rows.scalars():
        yield codec.parse(Decision, body)


def latest(connection: Connection, since: datetime) -> Iterator[Decision]:
    """The last decision of each ticket decided on since then, oldest first."""
    newest = (
        select(decisions.c.desk, decisions.c.ticket, func.max(decisions.c.id).label("id"))
        .where(decisions.c.at >= since)
        .group_by(decisions.c.desk, decisions.c.ticket)
        .subquery()
    )
    rows = connection.execute(
        select(decisions.c.body).join(newest, decisions.c.id == newest.c.id).order_by(decisions.c.at, decisions.c.id)
    )
    for body in rows.scalars():
        yield codec.parse(Decision, body)
