"""Group commit: deliveries that arrive together share one transaction, each answered only after its commit."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic

from bridge.store import Store, inbox
from bridge.store.inbox import Arrival

GROUP_MAX = 256
"""The most deliveries one transaction takes: beyond it the wait of the first outgrows the saving."""


GAP_SECONDS = 0.002
GATHER_SECONDS = 0.006
"""How long a group that has company waits for one more, and in all. Fewer, larger commits: while one runs, the driver
and the requests that come in take the interpreter from each other at every row."""

_Entry = tuple[Arrival, Future[bool]]


class Overloaded(Exception):
    """More deliveries wait to be committed than the backlog admits: the desk should come again in a moment."""


class Intake:
    """Keeps deliveries durably. Thread-safe; one committer thread per process.

    `on_kept` is called after each commit that brought something new, outside of any transaction.
    """

    def __init__(self, store: Store, *, on_kept: Callable[[], None], capacity: int = 2_000) -> None:
        self._store = store
        self._on_kept = on_kept
        self._queue: queue.Queue[_Entry | None] = queue.Queue(capacity)
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def keep(self, arrival: Arrival, timeout: float) -> bool:
        """Return once the delivery is committed: True where it is new, False where it was had before.

        Raises Overloaded where the queue is full, TimeoutError where no commit came within `timeout` seconds, and what
        the database raised where the commit failed: in each case the desk must be told to come again.
        """
        kept: Future[bool] = Future()
        try:
            self._queue.put_nowait((arrival, kept))
        except queue.Full as full:
            raise Overloaded from full
        return kept.result(timeout)

    def close(self) -> None:
        """Commit what is queued and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        more = True
        while more and (first := self._queue.get()) is not None:
            group, more = self._gather(first)
            self._commit(group)

    def _gather(self, first: _Entry) -> tuple[list[_Entry], bool]:
        """The group that `first` begins, False where it is the last; a delivery that comes alone waits for nobody."""
        group = [first]
        gap = 0.0 if self._queue.empty() else GAP_SECONDS
        until = monotonic() + GATHER_SECONDS
        while len(group) < GROUP_MAX:
            try:
                following = self._queue.get(timeout=max(0.0, min(gap, until - monotonic())))
            except queue.Empty:
                break
            if following is None:
                return group, False
            group.append(following)
        return group, True

    def _commit(self, group: list[_Entry]) -> None:
        try:
            fresh = inbox.keep(self._store, [arrival for arrival, _ in group])
        except Exception as error:  # noqa: BLE001 - whatever it was, every waiting request must hear of it
            for _, kept in group:
                kept.set_exception(error)
            return
        for (_, kept), new in zip(group, fresh, strict=True):
            kept.set_result(new)
        if any(fresh):
            self._on_kept()
