"""What we said of tickets and what stands there since: the training signals that people give by changing labels."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, select

from bridge.model import Decision
from bridge.store import codec
from bridge.store.session import Store
from bridge.store.tables import decisions, feedback, operations


@dataclass(frozen=True, slots=True)
class Word:
    """What we said of a ticket at a place of labels, and what stands there now (None: nothing).

    `written` says that we wrote it there; `model` is the version whose word it was, None where a rule's.
    """

    desk: str
    ticket: str
    place: str
    decision: str
    said: str
    became: str | None
    at: datetime
    written: bool
    model: str | None = None

    @property
    def agreed(self) -> bool:
        """True where people left or set what we said."""
        return self.became == self.said


def keep(store: Store, connection: Connection, words: Sequence[Word]) -> None:
    """Keep words, each in place of an earlier one about the same place of the same ticket."""
    for word in sorted(words, key=lambda one: (one.ticket, one.place)):
        row = asdict(word)
        statement = store.insert(feedback).values(row)
        connection.execute(statement.on_conflict_do_update(index_elements=["desk", "ticket", "place"], set_=row))


def since(connection: Connection, at: datetime) -> list[Word]:
    """The words that were looked at last since then."""
    rows = connection.execute(select(feedback).where(feedback.c.at >= at).order_by(feedback.c.at))
    return [Word(**row) for row in rows.mappings()]


def of_place(connection: Connection, desk: str, place: str) -> dict[str, Word]:
    """What is known of one place of a desk's tickets, by ticket."""
    rows = connection.execute(select(feedback).where(feedback.c.desk == desk, feedback.c.place == place))
    return {row["ticket"]: Word(**row) for row in rows.mappings()}


def forget(connection: Connection, before: datetime) -> None:
    """Drop what was last looked at before then."""
    connection.execute(delete(feedback).where(feedback.c.at < before))


def said(connection: Connection, desk: str, tickets: Iterable[str], before: datetime) -> list[Decision]:
    """The decisions on these tickets, oldest first, without those whose write is under way or ended after `before`."""
    ended = and_(operations.c.state == "done", operations.c.finished_at < before)
    rows = connection.execute(
        select(decisions.c.body)
        .outerjoin(operations, operations.c.id == decisions.c.id)
        .where(decisions.c.desk == desk, decisions.c.ticket.in_(set(tickets)), operations.c.id.is_(None) | ended)
        .order_by(decisions.c.id)
    )
    return [codec.parse(Decision, body) for body in rows.scalars()]
