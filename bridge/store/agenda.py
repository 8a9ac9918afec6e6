"""What there is to do at this moment, of every kind, by one quick question."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from bridge.store import callouts, mailbox, outbox, queue
from bridge.store.session import Store

_LOOK = select(mailbox.WAITS, outbox.WAITS, callouts.WAITS, queue.WAITS)


class Due(NamedTuple):
    """Whether any ticket waits for a decision, any write for its writer, any message for its receiver, and whether the
    matcher is due."""

    decide: bool
    write: bool
    tell: bool
    match: bool


def due(store: Store, now: datetime) -> Due:
    """What is due by now and held by nobody."""
    found = store.glance(_LOOK, {"now": now})
    assert found is not None
    return Due._make(found)
