"""Asks every enricher at once, waits no longer than the deadline, and says of each fact what is known."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from bridge.enrichment.source import SourceFault
from bridge.model import Fact, Ticket
from bridge.ports import Clock

MISSING: Final = "missing"
"""The reason of a fact that a source answered without; the other reasons start with failed, late or stale."""


class Enricher(Protocol):
    """One source of facts about a ticket's customer. Thread-safe."""

    name: str
    """What a fact's `source` says; agents see it, so it holds no secret."""
    gives: tuple[str, ...]
    """The names of all facts it can give."""
    max_age: timedelta | None
    """Facts that were true longer ago than this are unknown (None: they do not age)."""

    def facts(self, ticket: Ticket) -> Sequence[Fact]:
        """What is known now; may take long and may raise anything."""

    def remembered(self, ticket: Ticket) -> Sequence[Fact]:
        """What the last reading said, without reading or waiting; empty where there was none."""

    def close(self) -> None:
        """Give back connections."""


def enrich(
    ticket: Ticket, enrichers: Sequence[Enricher], *, deadline: timedelta, clock: Clock, pool: Executor
) -> tuple[Fact, ...]:
    """One fact for every name that the enrichers give, known or unknown with its reason, whatever an enricher does.

    All enrichers run at once in `pool`. Where several give the same fact, the first of `enrichers` that knows it wins.
    An enricher that fails or is late is replaced by what it remembers; a late one goes on and warms its memory.
    """
    running = [pool.submit(copy_context().run, _ask, enricher, ticket, clock) for enricher in enrichers]
    wait(running, timeout=deadline.total_seconds())
    offers: dict[str, list[Fact]] = {}
    for enricher, answer in zip(enrichers, running, strict=True):
        for fact in _facts(enricher, ticket, answer, deadline, clock):
            offers.setdefault(fact.name, []).append(fact)
    return tuple(map(_first_known, offers.values()))


def _ask(enricher: Enricher, ticket: Ticket, clock: Clock) -> Mapping[str, Fact]:
    return _by_name(enricher.facts(ticket), enricher.max_age, clock())


def _facts(
    enricher: Enricher, ticket: Ticket, answer: Future[Mapping[str, Fact]], deadline: timedelta, clock: Clock
) -> Iterator[Fact]:
    """Every fact that the enricher gives, in its order."""
    trouble = _trouble(answer, deadline)
    given = _recall(enricher, ticket, clock()) if trouble else answer.result()
    for name in enricher.gives:
        yield given.get(name) or Fact(name, None, enricher.name, reason=trouble or MISSING)


def _trouble(answer: Future[Mapping[str, Fact]], deadline: timedelta) -> str | None:
    """Why there is no answer. An exception is called by its type: its text may hold a secret or a customer's words."""
    if not answer.done():
        answer.cancel()
        return f"late: no answer within {deadline.total_seconds():g} s"
    error = answer.exception()
    if error is None:
        return None
    return f"failed: {error if isinstance(error, SourceFault) else type(error).__name__}"


def _recall(enricher: Enricher, ticket: Ticket, now: datetime) -> Mapping[str, Fact]:
    try:
        given = _by_name(enricher.remembered(ticket), enricher.max_age, now)
    except Exception:  # noqa: BLE001 # an enricher may be anybody's code, and no ticket stops for it
        return {}
    return {name: fact for name, fact in given.items() if not _is_missing(fact)}


def _by_name(facts: Sequence[Fact], max_age: timedelta | None, now: datetime) -> Mapping[str, Fact]:
    """The facts by name, each known and not too old, or unknown with a reason. Raises TypeError for what is no fact."""
    given = {}
    for fact in facts:
        if not isinstance(fact, Fact):
            raise TypeError
        given[fact.name] = _unless_stale(fact, max_age, now) if fact.known else _with_reason(fact)
    return given


def _with_reason(fact: Fact) -> Fact:
    return fact if fact.reason else replace(fact, reason=MISSING)


def _unless_stale(fact: Fact, max_age: timedelta | None, now: datetime) -> Fact:
    if fact.as_of is None or max_age is None or now - fact.as_of <= max_age:
        return fact
    return replace(fact, value=None, reason=f"stale: true at {fact.as_of:%Y-%m-%d %H:%M} UTC, not known since")


def _first_known(facts: Sequence[Fact]) -> Fact:
    """The first known fact; of unknown ones, a source in trouble says more than one that does not know."""
    return min(facts, key=lambda fact: (not fact.known, _is_missing(fact)))


def _is_missing(fact: Fact) -> bool:
    return not fact.known and (fact.reason or MISSING).startswith(MISSING)
