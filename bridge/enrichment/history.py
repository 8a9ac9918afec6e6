"""What the customer wrote before: earlier tickets, contacts of the last day, open tickets, the agent who knows them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.enrichment.cache import Cache
from bridge.enrichment.gather import MISSING
from bridge.model import Fact, Status, Ticket, TicketSummary
from bridge.ports import Clock, Desk

_OPEN: Final = {Status.NEW, Status.OPEN, Status.PENDING, Status.ON_HOLD}
_DAY: Final = timedelta(hours=24)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

Past = Sequence[TicketSummary]


class History:
    """The enricher over `Desk.history`: the requester's newest `limit` tickets, the present one as it is now."""

    name = "desk history"
    gives: tuple[str, ...] = ("previous_tickets", "contacts_24h", "open_tickets", "last_agent")

    def __init__(
        self, desk: Desk, limit: int, cache: Cache[str, Past], max_age: timedelta | None, clock: Clock
    ) -> None:
        self.max_age = max_age
        self._desk = desk
        self._limit = limit
        self._cache = cache
        self._clock = clock

    def facts(self, ticket: Ticket) -> Sequence[Fact]:
        """The facts, the desk asked anew where the last answer is too old. Raises what the desk raises."""
        if ticket.requester is None:
            return ()
        requester_id = ticket.requester.id
        held = self._cache.get(requester_id, lambda: tuple(self._desk.history(requester_id, self._limit)))
        return self._facts(ticket, held.value, held.at)

    def remembered(self, ticket: Ticket) -> Sequence[Fact]:
        """The facts by the desk's last answer, however old."""
        held = self._cache.peek(ticket.requester.id) if ticket.requester else None
        return self._facts(ticket, held.value, held.at) if held else ()

    def close(self) -> None:
        """Nothing to give back: the desk is the caller's."""

    def _facts(self, ticket: Ticket, past: Past, as_of: datetime) -> Sequence[Fact]:
        others = [other for other in past if other.ref != ticket.ref and other.status is not Status.DELETED]
        earlier = [other for other in others if _opened(other) <= _opened(ticket, self._clock())]
        agent = _last_agent(earlier)
        values = (len(earlier), self._contacts(ticket, others), _open(ticket, others), agent)
        return tuple(
            Fact(
                name, value, self.name, as_of, None if value is not None else f"{MISSING}: no agent had an earlier one"
            )
            for name, value in zip(self.gives, values, strict=True)
        )

    def _contacts(self, ticket: Ticket, others: Past) -> int:
        now = self._clock()
        opened = [_opened(ticket, now), *map(_opened, others)]
        return sum(each > now - _DAY for each in opened)


def _open(ticket: Ticket, others: Past) -> int:
    return sum(status in _OPEN for status in (ticket.status, *(other.status for other in others)))


def _last_agent(earlier: Past) -> str | None:
    newest_first = sorted(earlier, key=_opened, reverse=True)
    return next((each.assignee_id for each in newest_first if each.assignee_id), None)


def _opened(ticket: Ticket | TicketSummary, unknown: datetime = _LONG_AGO) -> datetime:
    return ticket.created_at or unknown
