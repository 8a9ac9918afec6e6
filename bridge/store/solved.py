"""Past tickets that were solved, as the journal and the mailboxes have them: nothing is kept for this alone."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from bridge.model import Decision, Status
from bridge.store import codec, mailbox
from bridge.store.tables import decisions


@dataclass(frozen=True, slots=True)
class Solved:
    """A ticket that needs nobody any more; `text` is what its last decision read, the subject left out."""

    id: str
    subject: str
    text: str = field(repr=False)
    url: str | None = None


def newest(connection: Connection, desk: str, most: int) -> list[Solved]:
    """A desk's solved tickets among its `most` that were decided on last, the last first.

    They are there for as long as their decisions are: `retention_days`.
    """
    last = (
        select(func.max(decisions.c.id).label("id"))
        .where(decisions.c.desk == desk)
        .group_by(decisions.c.ticket)
        .order_by(func.max(decisions.c.id).desc())
        .limit(most)
        .subquery()
    )
    rows = connection.execute(select(decisions.c.body).join(last, decisions.c.id == last.c.id)).scalars()
    decided = sorted((codec.parse(Decision, body) for body in rows), key=lambda one: one.id, reverse=True)
    known = mailbox.known(connection, desk, (one.ref.id for one in decided))
    return [
        Solved(one.ref.id, one.ticket.subject, one.text.removeprefix(one.ticket.subject), one.ticket.url)
        for one in decided
        if one.ticket and one.text and one.ref.id in known and known[one.ref.id].status in _SOLVED
    ]


_SOLVED = {Status.RESOLVED, Status.CLOSED}
