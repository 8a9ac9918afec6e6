"""Remembers what was read, since when, and lets only one caller at a time read the same thing again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Generic, TypeVar

from bridge.ports import Clock

MAX_ENTRIES: Final = 10_000
"""So many keys are remembered; the one unused for longest goes first."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Held(Generic[V]):
    """A value and when its reading began (UTC): what happened at the source after that, it cannot know."""

    value: V
    at: datetime


class Cache(Generic[K, V]):
    """Values by key, read again once they are `ttl` old; thread-safe."""

    def __init__(self, ttl: timedelta, clock: Clock) -> None:
        self._ttl = ttl
        self._clock = clock
        self._lock = Lock()
        self._held: OrderedDict[K, Held[V]] = OrderedDict()
        self._flights: dict[K, Future[Held[V] | None]] = {}

    def get(self, key: K, load: Callable[[], V]) -> Held[V]:
        """The value for `key`, read by `load` where none is young enough.

        Callers that want the same key meanwhile wait for the one reading. Raises what `load` raises; nothing is
        remembered then, and what was remembered before stays for `peek`.
        """
        while True:
            with self._lock:
                held = self._young(key)
                if held is not None:
                    self._held.move_to_end(key)
                    return held
                mine: Future[Held[V] | None] = Future()
                flight = self._flights.setdefault(key, mine)
            if flight is mine:
                return self._fly(key, load, mine)
            if (held := flight.result()) is not None:
                return held

    def get_ahead(self, keys: Iterable[K], load: Callable[[Sequence[K]], Mapping[K, V]]) -> None:
        """Have one `load` read what nobody holds or reads yet of all these keys.

        Who wants one of them meanwhile waits for it, and reads by itself what it did not give. Raises what `load`
        raises.
        """
        at, found = self._clock(), dict[K, Held[V]]()
        with self._lock:
            wanted = [key for key in dict.fromkeys(keys) if self._young(key) is None and key not in self._flights]
            flights: dict[K, Future[Held[V] | None]] = {key: Future() for key in wanted}
            self._flights |= flights
        try:
            found = {key: Held(value, at) for key, value in (load(wanted) if wanted else {}).items()}
        finally:
            with self._lock:
                for key, held in found.items():
                    self._remember(key, held)
                for key in wanted:
                    del self._flights[key]
            for key, flight in flights.items():
                flight.set_result(found.get(key))

    def lacks(self, key: K) -> bool:
        """Whether `get` would read the value for `key`."""
        with self._lock:
            return self._young(key) is None and key not in self._flights

    def peek(self, key: K) -> Held[V] | None:
        """What is remembered for `key`, however old, without reading or waiting."""
        with self._lock:
            return self._held.get(key)

    def _young(self, key: K) -> Held[V] | None:
        held = self._held.get(key)
        return held if held is not None and self._clock() - held.at < self._ttl else None

    def _fly(self, key: K, load: Callable[[], V], flight: Future[Held[V] | None]) -> Held[V]:
        at = self._clock()
        try:
            held = Held(load(), at)
        except BaseException as error:
            with self._lock:
                del self._flights[key]
            flight.set_exception(error)
            raise
        with self._lock:
            self._remember(key, held)
            del self._flights[key]
        flight.set_result(held)
        return held

    def _remember(self, key: K, held: Held[V]) -> None:
        self._held[key] = held
        self._held.move_to_end(key)
        if len(self._held) > MAX_ENTRIES:
            self._held.popitem(last=False)
