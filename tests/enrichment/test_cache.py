"""What is remembered, for how long, and that one thing is never read twice at once."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.enrichment.cache import MAX_ENTRIES, Cache
from tests.conftest import Clock

MINUTE = timedelta(minutes=1)


def test_a_value_is_read_once_until_its_time_is_over(clock: Clock) -> None:
    cache: Cache[str, int] = Cache(MINUTE, clock)
    readings = count(1)
    assert cache.get("a", lambda: next(readings)).value == 1
    clock.turn(59)
    assert cache.get("a", lambda: next(readings)).value == 1
    clock.turn(1)
    assert cache.get("a", lambda: next(readings)).value == 2


def test_a_value_is_as_old_as_the_beginning_of_its_reading(clock: Clock) -> None:
    cache: Cache[str, None] = Cache(MINUTE, clock)
    began = clock()
    assert cache.get("a", lambda: clock.turn(10)).at == began


def test_what_fails_is_not_remembered_and_what_was_remembered_stays(clock: Clock) -> None:
    cache: Cache[str, int] = Cache(MINUTE, clock)
    cache.get("a", lambda: 1)
    clock.turn(60)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    held = cache.peek("a")
    assert held is not None
    assert (held.value, clock() - held.at) == (1, MINUTE)
    assert cache.get("a", lambda: 2).value == 2


def test_callers_that_want_the_same_thing_wait_for_one_reading(clock: Clock) -> None:
    cache: Cache[str, int] = Cache(MINUTE, clock)
    started, release, readings = threading.Event(), threading.Event(), count(1)

    def load() -> int:
        started.set()
        assert release.wait(10)
        return next(readings)

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(cache.get, "a", load)
        assert started.wait(10)
        others = [pool.submit(cache.get, "a", load) for _ in range(3)]
        assert cache.get("b", lambda: 7).value == 7  # another key does not wait
        release.set()
        assert {each.result(10).value for each in [first, *others]} == {1}


def test_callers_that_wait_for_a_reading_that_fails_hear_of_it(clock: Clock) -> None:
    cache: Cache[str, int] = Cache(MINUTE, clock)
    started, release = threading.Event(), threading.Event()

    def load() -> int:
        started.set()
        assert release.wait(10)
        raise LookupError

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, "a", load)
        assert started.wait(10)
        second = pool.submit(cache.get, "a", load)
        release.set()
        assert isinstance(first.exception(10), LookupError)
        assert isinstance(second.exception(10), LookupError)
    assert cache.get("a", lambda: 1).value == 1


def test_many_keys_are_read_with_one_reading_and_those_that_are_known_are_left_out(clock: Clock) -> None:
    cache: Cache[str, int] = Cache(MINUTE, clock)
    cache.get("a", lambda: 1)
    asked: list[list[str]] = []

    def many(keys: Sequence[str]) -> dict[str, int]:
        asked.append(list(keys))
        return {"b": 2, "c": 3}

    cache.get_ahead(["a", "b", "c", "b"], many)
    cache.get_ahead(["b", "a"], many)
    assert asked == [["b", "c"]]
    assert [cache.get(key, lambda: 0).value for key in "abc"] == [1, 2, 3]


def test_what_was_read_ahead_is_as_old_as_the_beginning_of_that_reading(clock: Clock) -> None:
    cache: Cache[str, int] = Cache(MINUTE, clock)
    began = clock()

    def slow(keys: Sequence[str]) -> dict[str, int]:
        clock.turn(59)
        return dict.fromkeys(keys, 1)

    cache.get_ahead(["a"], slow)
    assert cache.get("a", lambda: 2).at == began
    clock.turn(1)
    assert cache.lacks("a")
    assert cache.get("a", lambda: 2).value == 2


@pytest.mark.parametrize("fails", [True, False])
def test_who_waits_for_a_reading_ahead_reads_by_itself_what_that_did_not_give(clock: Clock, fails: bool) -> None:
    cache: Cache[str, int] = Cache(MINUTE, clock)
    started, release = threading.Event(), threading.Event()

    def many(keys: Sequence[str]) -> dict[str, int]:
        assert list(keys) == ["a", "b"]
        started.set()
        assert release.wait(10)
        return {"b": 1 // (not fails)}

    with ThreadPoolExecutor(3) as pool:
        ahead = pool.submit(cache.get_ahead, ["a", "b"], many)
        assert started.wait(10)
        assert not cache.lacks("a")
        waiting = [pool.submit(cache.get, key, lambda: 7) for key in "ab"]
        release.set()
        assert [each.result(10).value for each in waiting] == [7, 7 if fails else 1]
        assert type(ahead.exception(10)) is (ZeroDivisionError if fails else type(None))


def test_memory_is_bounded_and_what_is_asked_for_stays(clock: Clock) -> None:
    cache: Cache[int, int] = Cache(MINUTE, clock)
    cache.get(-1, lambda: -1)
    for number in range(MAX_ENTRIES):
        cache.get(number, lambda: 0)
        cache.get(-1, lambda: 99)
    assert cache.peek(0) is None
    assert cache.get(-1, lambda: 99).value == -1


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 90), st.booleans()), max_size=40))
def test_nothing_served_is_older_than_allowed_and_nothing_young_is_read_again(
    steps: list[tuple[str, int, bool]],
) -> None:
    clock = Clock()
    cache: Cache[str, int] = Cache(MINUTE, clock)
    read_at: dict[str, list[float]] = {"a": [], "b": []}
    now = 0.0
    for key, seconds, works in steps:
        clock.turn(seconds)
        now += seconds
        for held in attempt(cache, key, works, read_at[key], now):
            assert clock() - held < MINUTE
    for times in read_at.values():
        assert all(later - earlier >= 60 for earlier, later in pairwise(times))


def attempt(cache: Cache[str, int], key: str, works: bool, times: list[float], now: float) -> Iterator[datetime]:
    def load() -> int:
        if not works:
            raise LookupError
        times.append(now)
        return 1

    try:
        yield cache.get(key, load).at
    except LookupError:
        assert not works
