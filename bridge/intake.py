"""Group commit: deliveries that arrive together share one transaction, each answered only after its commit."""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bridge.store import Store, inbox
from bridge.store.inbox import Arrival

GROUP_MAX = 256
"""The most deliveries one transaction takes: beyond it the wait of the first outgrows the saving."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A delivery and the request that waits for it, on its own event loop; True where the delivery is new."""

    arrival: Arrival
    kept: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


_Found = tuple[asyncio.Future[bool], bool | Exception]


class Overloaded(Exception):
    """More deliveries wait to be committed than the backlog admits: the desk should come again in a moment."""


class Intake:
    """Keeps deliveries durably, for requests of any event loop; one committer thread per process.

    `on_kept` is called after each commit that brought something new, outside of any transaction.
    """

    def __init__(self, store: Store, *, on_kept: Callable[[], None], capacity: int = 2_000) -> None:
        self._store = store
        self._on_kept = on_kept
        self._capacity = capacity
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    async def keep(self, arrival: Arrival, timeout: float) -> bool:
        """Return once the delivery is committed: True where it is new, False where it was had before.

        Raises Overloaded where the queue is full, TimeoutError where no commit came within `timeout` seconds, and what
        the database raised where the commit failed: in each case the desk must be told to come again.
        """
        if self._queue.qsize() >= self._capacity:
            raise Overloaded
        entry = _Entry(arrival)
        self._queue.put(entry)
        async with asyncio.timeout(timeout):
            return await entry.kept

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
        """All that came while the last group was committed, `first` among them; False where they are the last.

        None waits for others to come: that was measured to make fewer commits and more waiting, and no less work.
        """
        group = [first]
        with suppress(queue.Empty):
            while len(group) < GROUP_MAX:
                following = self._queue.get_nowait()
                if following is None:
                    return group, False
                group.append(following)
        return group, True

    def _commit(self, group: Sequence[_Entry]) -> None:
        try:
            fresh = inbox.keep(self._store, [entry.arrival for entry in group])
        except Exception as error:  # noqa: BLE001 - whatever it was, every waiting request must hear of it
            _answer([(entry.kept, error) for entry in group])
            return
        _answer([(entry.kept, new) for entry, new in zip(group, fresh, strict=True)])
        if any(fresh):
            self._on_kept()


def _answer(found: Sequence[_Found]) -> None:
    """Wake each event loop on which requests wait once for all of them: a wake-up costs more than an answer."""
    for loop in {kept.get_loop() for kept, _ in found}:
        with suppress(RuntimeError):  # the loop has ended, and whoever waited on it
            loop.call_soon_threadsafe(_settle, [(kept, what) for kept, what in found if kept.get_loop() is loop])


def _settle(found: Sequence[_Found]) -> None:
    for kept, what in found:
        if kept.done():  # given up meanwhile
            continue
        if isinstance(what, Exception):
            kept.set_exception(what)
        else:
            kept.set_result(what)
