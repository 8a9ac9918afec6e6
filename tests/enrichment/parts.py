"""What the tests of enrichment share: a ticket, a desk that knows its requester, and a short way to ask."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta
from types import TracebackType
from typing import Any, cast

from bridge.enrichment import EnrichmentOptions, build, enrich
from bridge.errors import NotThere
from bridge.model import Fact, Organisation, Requester, Status, Ticket, TicketRef, TicketSummary
from bridge.ports import Desk
from tests.conftest import Clock

PLANTED = "hunter2-planted-secret"

ADA = Requester(
    "r1",
    "Ada",
    email="Ada@Globex.example",
    external_id="g-1",
    organisation=Organisation("o1", "Globex", {"tier": "enterprise", "plan": "Gold", "account_owner": "Ana"}),
)


class FakeDesk:
    """As much of a desk as enrichment asks for; counts what it is asked."""

    def __init__(self) -> None:
        self.people = {"r1": ADA}
        self.past: list[TicketSummary] = []
        self.asked: list[str] = []
        self.trouble: Exception | None = None

    def requester(self, requester_id: str) -> Requester:
        self._count("requester")
        if requester_id not in self.people:
            raise NotThere("no such user", 404)
        return self.people[requester_id]

    def history(self, requester_id: str, limit: int) -> list[TicketSummary]:
        del requester_id
        self._count("history")
        return self.past[:limit]

    def _count(self, what: str) -> None:
        self.asked.append(what)
        if self.trouble:
            raise self.trouble


def ticket(requester: Requester | None = None, **more: Any) -> Ticket:
    """A ticket whose webhook told no more of its requester than the id."""
    return Ticket(TicketRef("shop", "9"), "Help", requester or Requester("r1"), Status.NEW, **more)


class Asking:
    """The enrichers of one desk, built from settings and closed at the end."""

    def __init__(self, desk: FakeDesk, clock: Clock, *sources: dict[str, Any], **settings: Any) -> None:
        written = {"customer": sources, "history": None, **settings}
        self._clock = clock
        self._open = ExitStack()
        self._pool = self._open.enter_context(ThreadPoolExecutor(4))
        self.enrichers = build(EnrichmentOptions.model_validate(written), cast("Desk", desk), clock).enrichers
        for enricher in self.enrichers:
            self._open.enter_context(closing(enricher))

    def __enter__(self) -> "Asking":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def __call__(self, about: Ticket | None = None, *, deadline: float = 5.0) -> dict[str, Fact]:
        """The facts by their short names (`tier`)."""
        span = timedelta(seconds=deadline)
        given = enrich(about or ticket(), self.enrichers, deadline=span, clock=self._clock, pool=self._pool)
        return {fact.name.removeprefix("requester."): fact for fact in given}


def values(facts: dict[str, Fact], names: Sequence[str] = ("tier", "plan", "account_owner")) -> tuple[object, ...]:
    """The values of some facts, None where unknown."""
    return tuple(facts[name].value for name in names)
