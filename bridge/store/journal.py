"""The journal: every decision as it was made."""

from sqlalchemy import Connection, select

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
