"""Processes that share a PostgreSQL hear of each other's work at once; SQLite's one process needs no ear."""

import threading

from bridge.store import Store, inbox
from bridge.store.ear import Ear
from tests.conftest import Clock
from tests.core.test_store import arrival


class News:
    """Counts what was heard."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def beyond(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.count > count, 10)


def test_a_delivery_kept_by_one_process_is_heard_by_another(postgresql_store: Store, clock: Clock) -> None:
    news = News()
    ear = Ear(postgresql_store, news)
    ear.start()
    try:
        assert news.beyond(0)  # what was left before we listened is looked for once
        inbox.keep(postgresql_store, [arrival(clock, "a")])
        assert news.beyond(1)
    finally:
        ear.stop()


def test_what_is_rolled_back_is_not_announced(postgresql_store: Store, clock: Clock) -> None:
    news = News()
    ear = Ear(postgresql_store, news)
    ear.start()
    try:
        assert news.beyond(0)
        with postgresql_store.reading() as connection:
            postgresql_store.announce(connection)
            connection.rollback()
        inbox.keep(postgresql_store, [arrival(clock, "a")])
        assert news.beyond(1)
        assert news.count == 2
    finally:
        ear.stop()


def test_on_sqlite_there_is_nothing_to_hear(sqlite_store: Store, clock: Clock) -> None:
    news = News()
    ear = Ear(sqlite_store, news)
    ear.start()
    inbox.keep(sqlite_store, [arrival(clock, "a")])
    ear.stop()
    assert news.count == 0
