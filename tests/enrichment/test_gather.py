"""Every fact comes in time or is unknown with its reason, whatever the enrichers do."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.enrichment import Enricher, enrich
from bridge.enrichment.source import SourceFault
from bridge.errors import Retryable
from bridge.model import Fact, Ticket
from tests.conftest import Clock
from tests.enrichment.parts import PLANTED, ticket


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


class Scripted:
    """An enricher that does what the test says."""

    max_age: timedelta | None = None

    def __init__(self, name: str, *gives: str, answer: Callable[[], Any], memory: Callable[[], Any] = tuple) -> None:
        self.name = name
        self.gives = gives
        self._answer = answer
        self._memory = memory

    def facts(self, about: Ticket) -> Sequence[Fact]:
        found: Sequence[Fact] = self._answer()
        return found

    def remembered(self, about: Ticket) -> Sequence[Fact]:
        found: Sequence[Fact] = self._memory()
        return found

    def close(self) -> None:
        pass


def raising(error: BaseException) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer


def gather(clock: Clock, pool: Executor, *enrichers: Enricher, deadline: float = 5.0) -> tuple[Fact, ...]:
    return enrich(ticket(), enrichers, deadline=timedelta(seconds=deadline), clock=clock, pool=pool)


def test_the_first_source_that_knows_a_fact_wins_and_the_others_are_not_shown(clock: Clock, pool: Executor) -> None:
    crm = Scripted("crm", "tier", "plan", answer=lambda: [Fact("plan", "Gold", "crm", clock())])
    desk = Scripted(
        "desk", "tier", "plan", answer=lambda: [Fact("tier", "pro", "desk"), Fact("plan", "Silver", "desk")]
    )
    assert gather(clock, pool, crm, desk) == (Fact("tier", "pro", "desk"), Fact("plan", "Gold", "crm", clock()))


def test_a_late_source_leaves_its_facts_unknown_and_holds_nobody_up(clock: Clock, pool: Executor) -> None:
    release = threading.Event()
    slow = Scripted("crm", "tier", answer=lambda: release.wait(10) and [Fact("tier", "pro", "crm")])
    quick = Scripted("desk", "plan", answer=lambda: [Fact("plan", "Gold", "desk")])
    try:
        facts = gather(clock, pool, slow, quick, deadline=0.05)
    finally:
        release.set()
    assert facts == (
        Fact("tier", None, "crm", reason="late: no answer within 0.05 s"),
        Fact("plan", "Gold", "desk"),
    )


def test_all_sources_are_asked_at_once(clock: Clock, pool: Executor) -> None:
    meeting = threading.Barrier(3, timeout=10)
    enrichers = [Scripted(name, name, answer=lambda: [meeting.wait(), ()][1]) for name in ("a", "b", "c")]
    assert [fact.reason for fact in gather(clock, pool, *enrichers)] == ["missing"] * 3


def test_a_source_that_found_no_thread_in_time_is_late_and_is_not_asked_afterwards(clock: Clock) -> None:
    release, asked = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as narrow:
        first = Scripted("a", "a", answer=lambda: release.wait(10) and ())
        second = Scripted("b", "b", answer=asked.set)
        facts = gather(clock, narrow, first, second, deadline=0.05)
        release.set()
    assert [fact.reason for fact in facts] == ["late: no answer within 0.05 s"] * 2
    assert not asked.is_set()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError(PLANTED), "failed: ValueError"),
        (Retryable(PLANTED, 503), "failed: Retryable"),
        (SourceFault("the endpoint answered 500"), "failed: the endpoint answered 500"),
        (SystemExit(PLANTED), "failed: SystemExit"),
    ],
)
def test_a_failure_is_called_by_its_kind_and_never_quoted(
    clock: Clock, pool: Executor, error: BaseException, reason: str
) -> None:
    [fact] = gather(clock, pool, Scripted("crm", "tier", answer=raising(error)))
    assert fact == Fact("tier", None, "crm", reason=reason)


def test_what_was_known_before_stands_in_for_a_source_that_fails(clock: Clock, pool: Executor) -> None:
    before = Fact("tier", "pro", "crm", clock())
    clock.turn(3_600)
    crm = Scripted("crm", "tier", "plan", answer=raising(LookupError()), memory=lambda: [before])
    assert gather(clock, pool, crm) == (before, Fact("plan", None, "crm", reason="failed: LookupError"))


def test_what_was_known_too_long_ago_is_unknown(clock: Clock, pool: Executor) -> None:
    before = Fact("tier", "pro", "crm", clock())
    crm = Scripted("crm", "tier", answer=raising(LookupError()), memory=lambda: [before])
    crm.max_age = timedelta(hours=1)
    clock.turn(3_600)
    assert gather(clock, pool, crm) == (before,)
    clock.turn(1)
    [fact] = gather(clock, pool, crm)
    assert fact.value is None
    assert fact.reason == "stale: true at 2026-11-03 09:00 UTC, not known since"


def test_of_two_sources_without_an_answer_the_one_in_trouble_is_named(clock: Clock, pool: Executor) -> None:
    desk = Scripted("desk", "tier", answer=tuple)
    crm = Scripted("crm", "tier", answer=raising(LookupError()))
    [fact] = gather(clock, pool, desk, crm)
    assert (fact.source, fact.reason) == ("crm", "failed: LookupError")


def test_a_source_in_trouble_is_told_so_even_where_it_did_not_know_before(clock: Clock, pool: Executor) -> None:
    before = Fact("tier", None, "crm", clock(), "missing")
    crm = Scripted("crm", "tier", answer=raising(LookupError()), memory=lambda: [before])
    [fact] = gather(clock, pool, crm)
    assert fact.reason == "failed: LookupError"


def test_facts_that_a_source_never_announced_are_left_out(clock: Clock, pool: Executor) -> None:
    facts = gather(clock, pool, Scripted("crm", "tier", answer=lambda: [Fact("vip", True, "crm")]))
    assert [fact.name for fact in facts] == ["tier"]


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 # what an enricher must not give and might
odd = st.one_of(
    st.none(),
    st.integers(),
    st.text(),
    st.lists(st.one_of(st.text(), st.none())),
    st.lists(st.builds(Fact, st.sampled_from(["a", "b", "x"]), st.none() | st.text(), st.text())),
    st.lists(st.builds(Fact, st.sampled_from(["a", "b"]), st.text(), st.text(), st.just(NAIVE))),
    st.builds(lambda bad: (1 // 0 for _ in range(bad)), st.integers(0, 2)),
)
errors = st.sampled_from([ValueError(PLANTED), SystemExit(), KeyboardInterrupt(), RecursionError(), Retryable(PLANTED)])
behaviours = st.one_of(odd.map(lambda value: lambda: value), errors.map(raising))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(behaviours, odd.map(lambda value: lambda: value)), max_size=4), st.booleans())
def test_whatever_enrichers_do_every_fact_is_there_once(
    clock: Clock, pool: Executor, scripts: list[tuple[Callable[[], Any], Callable[[], Any]]], ages: bool
) -> None:
    enrichers = [Scripted("odd", "a", "b", answer=answer, memory=memory) for answer, memory in scripts]
    for enricher in enrichers:
        enricher.max_age = timedelta(hours=1) if ages else None
    facts = gather(clock, pool, *enrichers)
    assert [fact.name for fact in facts] == (["a", "b"] if enrichers else [])
    assert all(fact.known or fact.reason for fact in facts)
    assert PLANTED not in repr(facts)
