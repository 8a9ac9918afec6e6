"""Who the customer is: tier, plan and account owner, from the desk's record or a source of the team's own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Final

from bridge.enrichment.cache import Cache
from bridge.enrichment.gather import MISSING
from bridge.enrichment.source import Reading, Source, SourceFault, as_text, value_at
from bridge.model import Fact, Requester, Ticket
from bridge.ports import Clock, Desk

FACTS: Final[tuple[str, ...]] = ("requester.tier", "requester.plan", "requester.account_owner")


RECORD: Final = "desk"
"""The source of what the desk's own record of the requester says."""


class People:
    """The requesters of one desk, each read from it once in a while for all sources together."""

    def __init__(self, desk: Desk, sources: Sequence[Source], ttl: timedelta, clock: Clock) -> None:
        self._desk = desk
        self._sources = sources
        self._clock = clock
        self._cache: Cache[str, Requester] = Cache(ttl, clock)

    def find(self, told: Requester, suffices: Callable[[Requester], bool]) -> tuple[Requester, datetime]:
        """The requester and when they were read: as the ticket told them where that suffices, else from the desk."""
        if suffices(told):
            return told, self._clock()
        held = self._cache.get(told.id, lambda: self._desk.requester(told.id))
        return held.value, held.at

    def find_anyway(self, told: Requester) -> Requester:
        """The requester from the desk where a source has them read in any case, else as the ticket told them."""
        return self.find(told, lambda each: not self._read_by_a_source(each))[0]

    def completed(self, told: Requester) -> Requester:
        """The requester with what the ticket does not tell of them, where they were read lately; makes no call."""
        held = None if self._cache.lacks(told.id) else self._cache.peek(told.id)
        if held is None:
            return told
        known = {part.name: value for part in fields(told) if (value := getattr(told, part.name)) not in (None, {})}
        return replace(held.value, **known | {"organisation": held.value.organisation or told.organisation})

    def lacks(self, told: Requester) -> bool:
        """Whether a source would now have the requester read from the desk."""
        return self._read_by_a_source(told) and self._cache.lacks(told.id)

    def find_ahead(self, ids: Iterable[str], read: Callable[[Sequence[str]], Mapping[str, Requester]]) -> None:
        """Have many requesters read at once before their tickets are worked on. Raises what `read` raises."""
        self._cache.get_ahead(ids, read)

    def _read_by_a_source(self, told: Requester) -> bool:
        return not all(source.suffices(told) for source in self._sources)


class Customer:
    """The enricher over one source: `fields` says by which name the source keeps each fact."""

    gives = FACTS

    def __init__(
        self,
        source: Source,
        fields: Mapping[str, str],
        people: People,
        cache: Cache[str, Reading],
        max_age: timedelta | None,
    ) -> None:
        self.name = source.name
        self.max_age = max_age
        self.close = source.close
        self._source = source
        self._fields = fields
        self._people = people
        self._cache = cache

    def facts(self, ticket: Ticket) -> Sequence[Fact]:
        """The facts, read anew where the last reading is too old. Raises SourceFault and what the desk raises."""
        requester = ticket.requester
        if requester is None:
            return ()
        return self._facts(self._cache.get(requester.id, lambda: self._read(requester)).value)

    def remembered(self, ticket: Ticket) -> Sequence[Fact]:
        """The facts of the last reading, however old."""
        held = self._cache.peek(ticket.requester.id) if ticket.requester else None
        return self._facts(held.value) if held else ()

    def _read(self, told: Requester) -> Reading:
        requester, as_of = self._people.find(told, self._source.suffices)
        return self._source.look_up(requester, as_of)

    def _facts(self, reading: Reading) -> Sequence[Fact]:
        return tuple(self._fact(name, reading) for name in self.gives)

    def _fact(self, name: str, reading: Reading) -> Fact:
        try:
            value = as_text(value_at(reading.record, self._fields[name]))
        except SourceFault as fault:
            return Fact(name, None, self.name, reading.as_of, f"failed: {fault}")
        return Fact(name, value, self.name, reading.as_of, None if value else MISSING)


class DeskRecord:
    """The desk's own record: the custom fields of the organisation, then those of the requester."""

    name = RECORD

    def suffices(self, requester: Requester) -> bool:
        """True where the ticket was read with its organisation's fields."""
        return requester.organisation is not None and bool(requester.organisation.fields)

    def look_up(self, requester: Requester, as_of: datetime) -> Reading:
        """The fields as they were when the requester was read; an empty field does not hide the next one's."""
        organisation = requester.organisation.fields if requester.organisation else {}
        filled = {name: value for name, value in organisation.items() if value not in (None, "")}
        return Reading({**requester.fields, **filled}, as_of)

    def close(self) -> None:
        """Nothing to give back: the desk is the caller's."""
