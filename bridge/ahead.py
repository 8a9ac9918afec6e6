"""In a backlog the desk is asked for many waiting customers with one call, before their tickets are worked on."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, cast

import structlog

from bridge.bulk import BULK_FROM
from bridge.enrichment import People
from bridge.errors import DeskError, whereabouts
from bridge.model import EventKind
from bridge.pipeline import ConnectedDesk
from bridge.ports import Capability, Clock, PeopleDesk
from bridge.purpose import Rank, purpose
from bridge.store import Store, inbox, mailbox
from bridge.store.mailbox import Mailbox
from bridge.store.session import AWAY

log = structlog.get_logger(__name__)

SOON: Final = timedelta(seconds=2)
"""A ticket that is due so soon is looked at too: a creation waits that long at most for its stamp's second to pass."""

REMEMBERED: Final = 1_000
"""So many tickets are known to have been looked at, each of which is then not looked at again."""


@dataclass(slots=True)
class _Desk:
    """A desk that tells of many requesters at once, and the tickets whose requesters were known or asked for."""

    desk: PeopleDesk
    people: People
    looked_at: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    lock: threading.Lock = field(default_factory=threading.Lock)


class LookAhead:
    """Fills what the enrichers of one process know of requesters. Thread-safe.

    No ticket is held for it: other processes may work on the same ones, and read their customers for themselves.
    """

    def __init__(self, store: Store, desks: Mapping[str, ConnectedDesk], *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._desks = {
            name: _Desk(cast("PeopleDesk", each.desk), each.people)
            for name, each in desks.items()
            if each.people is not None and Capability.MANY_REQUESTERS in each.desk.can
        }

    def before(self, boxes: Sequence[Mailbox]) -> None:
        """Ask for the requesters of these claimed tickets and of those behind them, where that saves calls.

        A desk that does not tell costs nothing but the saving: each ticket then asks for its own.
        """
        for name in {box.desk for box in boxes} & self._desks.keys():
            held = [box.ticket for box in boxes if box.desk == name and box.snapshot is None]
            try:
                self._look(self._desks[name], held)
            except DeskError as error:
                log.info("could not look ahead", desk=name, words=error.words)
            except AWAY:  # the worker lets go of its tickets
                raise
            except Exception as error:  # noqa: BLE001 - the tickets can do without
                log.error("could not look ahead", desk=name, error=type(error).__name__, at=whereabouts(error))

    def _look(self, desk: _Desk, held: Sequence[str]) -> None:
        wanted = self._choose(desk, held)
        if wanted:
            with purpose("enrich", Rank.ORDINARY):
                desk.people.find_ahead(wanted, desk.desk.requesters)

    def _choose(self, desk: _Desk, held: Sequence[str]) -> list[str]:
        """Ids of requesters to ask for now; none where too few are unknown, or these tickets were looked at before."""
        with desk.lock:
            before = frozenset(desk.looked_at)
            if before.issuperset(held):
                return []
            with self._store.reading() as connection:
                due = mailbox.untouched(connection, desk.desk.name, self._clock() + SOON, REMEMBERED)
                ahead = [ticket for ticket in (*held, *due) if ticket not in before][: desk.desk.requesters_max]
                created = inbox.of_kind(connection, desk.desk.name, ahead, EventKind.TICKET_CREATED)
            unknown = dict(_strangers(desk, created))
            wanted = list(dict.fromkeys(unknown.values()))
            enough = len(wanted) >= BULK_FROM
            desk.looked_at.extend(ticket for ticket in ahead if enough or ticket not in unknown)
            return wanted if enough else []


def _strangers(desk: _Desk, created: Sequence[inbox.Waiting]) -> Iterator[tuple[str, str]]:
    """New tickets with their requesters, by id, whom a source would have read from the desk."""
    for kept in created:
        for event in desk.desk.read(kept.delivery):
            ticket = event.snapshot
            if ticket is not None and ticket.requester is not None and desk.people.lacks(ticket.requester):
                yield ticket.ref.id, ticket.requester.id
