"""What the customer wrote before: earlier tickets, contacts of the last day, open tickets, the agent who knows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.enrichment.cache import Cache
from bridge.enrichment.customer import RECORD, People
from bridge.enrichment.gather import MISSING
from bridge.errors import DeskError
from bridge.model import Fact, Requester, Status, Ticket, TicketRef, TicketSummary
from bridge.ports import Clock, Desk

_OPEN: Final = {Status.NEW, Status.OPEN, Status.PENDING, Status.ON_HOLD}
_DAY: Final = timedelta(hours=24)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

AT_ONCE: Final = timedelta(seconds=3)
"""How far apart a desk stamps a customer and the ticket that made it record them, which it does in one go."""


@dataclass(frozen=True, slots=True)
class Past:
    """The requester's newest tickets as they were at `as_of` (UTC), and what says so."""

    tickets: Sequence[TicketSummary]
    as_of: datetime
    source: str


class History:
    """The enricher over `Desk.history`: the requester's newest `limit` tickets, the present one as it is now.

    Whom the desk first recorded for this very ticket wrote none before it, which needs no call.
    """

    name = "desk history"
    gives: tuple[str, ...] = ("previous_tickets", "contacts_24h", "open_tickets", "last_agent")

    def __init__(
        self,
        desk: Desk,
        people: People,
        cache: Cache[str, Past],
        *,
        limit: int,
        max_age: timedelta | None,
        clock: Clock,
    ) -> None:
        self.max_age = max_age
        self._desk = desk
        self._people = people
        self._limit = limit
        self._cache = cache
        self._clock = clock
        self._firsts: Cache[str, TicketRef] = Cache(_DAY, clock)

    def facts(self, ticket: Ticket) -> Sequence[Fact]:
        """The facts, the desk asked anew where the last answer is too old. Raises what the desk raises."""
        requester = ticket.requester
        if requester is None:
            return ()
        past = self._by_record(ticket, requester) or self._cache.get(requester.id, lambda: self._read(requester)).value
        return self._facts(ticket, past)

    def remembered(self, ticket: Ticket) -> Sequence[Fact]:
        """The facts by the desk's last answer, however old."""
        held = self._cache.peek(ticket.requester.id) if ticket.requester else None
        return self._facts(ticket, held.value) if held else ()

    def close(self) -> None:
        """Nothing to give back: the desk is the caller's."""

    def _read(self, told: Requester) -> Past:
        as_of = self._clock()
        return Past(tuple(self._desk.history(told.id, self._limit)), as_of, self.name)

    def _by_record(self, ticket: Ticket, told: Requester) -> Past | None:
        """The empty past of one who came with this ticket; None where that is not so, or another came first."""
        opened = self._opened_as_it_is(ticket)
        if opened is None or not self._came_with(told, opened):
            return None
        first = self._firsts.get(told.id, lambda: ticket.ref).value
        return Past((), opened, RECORD) if first == ticket.ref else None

    def _opened_as_it_is(self, ticket: Ticket) -> datetime | None:
        """When the ticket was opened, where nothing has happened to it since and that is not too long ago."""
        opened, changed = ticket.created_at, ticket.updated_at
        if opened is None or changed is None or changed - opened > AT_ONCE:
            return None
        return opened if self.max_age is None or self._clock() - opened < self.max_age else None

    def _came_with(self, told: Requester, opened: datetime) -> bool:
        """Whether the desk recorded the requester when the ticket was opened; no call is made for that alone."""
        try:
            recorded = self._people.find_anyway(told).created_at
        except DeskError:
            return False
        return recorded is not None and abs(recorded - opened) <= AT_ONCE

    def _facts(self, ticket: Ticket, past: Past) -> Sequence[Fact]:
        others = [other for other in past.tickets if other.ref != ticket.ref and other.status is not Status.DELETED]
        earlier = [other for other in others if _opened(other) <= _opened(ticket, self._clock())]
        agent = _last_agent(earlier)
        values = (len(earlier), self._contacts(ticket, others), _open(ticket, others), agent)
        missing = f"{MISSING}: no agent had an earlier one"
        return tuple(
            Fact(name, value, past.source, past.as_of, None if value is not None else missing)
            for name, value in zip(self.gives, values, strict=True)
        )

    def _contacts(self, ticket: Ticket, others: Sequence[TicketSummary]) -> int:
        now = self._clock()
        opened = [_opened(ticket, now), *map(_opened, others)]
        return sum(each > now - _DAY for each in opened)


def _open(ticket: Ticket, others: Sequence[TicketSummary]) -> int:
    return sum(status in _OPEN for status in (ticket.status, *(other.status for other in others)))


def _last_agent(earlier: Sequence[TicketSummary]) -> str | None:
    newest_first = sorted(earlier, key=_opened, reverse=True)
    return next((each.assignee_id for each in newest_first if each.assignee_id), None)


def _opened(ticket: Ticket | TicketSummary, unknown: datetime = _LONG_AGO) -> datetime:
    return ticket.created_at or unknown
