"""Hears from PostgreSQL when another process has left work, so that nobody has to wait for the next look."""

import threading
from collections.abc import Callable

import psycopg
import structlog

from bridge.store.session import CHANNEL, Store

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
"""How often the thread looks whether it should end."""


class Ear:
    """A thread that calls `on_news` for every announcement; on SQLite there is none.

    While it cannot hear (the server is away) it tries again every second; workers look for themselves meanwhile.
    """

    def __init__(self, store: Store, on_news: Callable[[], None]) -> None:
        self._conninfo = None if store.is_sqlite else store.conninfo
        self._on_news = on_news
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ear", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        if self._conninfo is not None:
            self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                log.warning("cannot hear the database", error=type(error).__name__)
                self._stop.wait(_LOOK_SECONDS)

    def _listen(self) -> None:
        assert self._conninfo is not None
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._on_news()
            while not self._stop.is_set():
                if list(connection.notifies(timeout=_LOOK_SECONDS, stop_after=1)):
                    self._on_news()
