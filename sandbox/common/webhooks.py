"""Sends a sandbox desk's webhooks: ordered by due time, several at once, retried as the vendor does, all recorded."""

import heapq
import itertools
import math
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Literal
from urllib.parse import urlsplit

from sandbox.common.faults import Faults

WORKERS = 8
"""How many deliveries are under way at once, at most."""

_LOOK = 0.02
"""Seconds between two looks at the (injected) clock while something waits for its time."""

_KEPT = 4_000
"""How much of an answer is kept, in bytes."""


@dataclass
class Hook:
    """A registered webhook; `topics` in the vendor's own words, `headers` are sent as they are with every delivery."""

    id: str
    url: str
    secret: str = ""
    topics: tuple[str, ...] = ()
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """One try: `status` where the endpoint answered, else `error` ("timeout", or what the socket said)."""

    at: float
    status: int | None = None
    error: str | None = None
    retry_after: float | None = None
    request_headers: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    @property
    def delivered(self) -> bool:
        """True for any 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(eq=False)
class Delivery:
    """One webhook on its way; `id` is the vendor's event or invocation id, `ticket` the desk's ticket id."""

    id: str
    topic: str
    ticket: str | None
    hook: Hook
    payload: bytes
    created_at: float
    attempts: list[Attempt] = field(default_factory=list)
    outcome: Literal["pending", "delivered", "given up", "dropped"] = "pending"

    def render(self) -> dict[str, Any]:
        """The delivery as the control face shows it."""
        return {
            "id": self.id,
            "topic": self.topic,
            "ticket": self.ticket,
            "created_at": self.created_at,
            "attempts": [
                {"at": attempt.at} | ({"error": attempt.error} if attempt.error else {"status": attempt.status})
                for attempt in self.attempts
            ],
            "outcome": self.outcome,
        }


Signer = Callable[[Delivery], tuple[dict[str, str], bytes]]
"""Headers and body of the next attempt (`len(delivery.attempts)` were made before it); called without the lock."""

RetryPolicy = Callable[[Delivery], float | None]
"""Seconds until the next attempt after `delivery.attempts[-1]` failed, None to give up; called under the lock."""


class Sender:
    """A queue by due time and the threads that empty it; shares the lock of its desk."""

    def __init__(
        self,
        lock: threading.RLock,
        clock: Callable[[], float],
        faults: Faults,
        *,
        sign: Signer,
        retry: RetryPolicy,
        timeout: float,
    ) -> None:
        self.deliveries: list[Delivery] = []
        self._changed = threading.Condition(lock)
        self._clock, self._faults = clock, faults
        self._sign, self._retry, self._timeout = sign, retry, timeout
        self._queue: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count()
        self._under_way: set[HTTPConnection] = set()
        self._busy = 0
        self._threads: list[threading.Thread] = []
        self._stopping = False

    @property
    def pending(self) -> int:
        """Deliveries neither done nor given up."""
        with self._changed:
            return len(self._queue) + self._busy

    def quiet(self) -> bool:
        """True where nothing is pending."""
        return self.pending == 0

    def send(self, delivery: Delivery, after: float = 0.0) -> None:
        """Queue one delivery, through the faults: it may be dropped, doubled, delayed or overtaken.

        `after` is how many seconds the vendor itself holds it back, as Intercom does while an endpoint is throttled.
        """
        with self._changed:
            self.deliveries.append(delivery)
            if self._faults.decide("drop", delivery.topic):
                delivery.outcome = "dropped"
                return
            self._push(delivery, after + self._held_back(delivery))
            if self._faults.decide("duplicate", delivery.topic):
                twin = replace(delivery, attempts=[])
                self.deliveries.append(twin)
                self._push(twin, after + self._held_back(twin))

    def wait_for(self, delivery: Delivery, timeout: float) -> bool:
        """Wait until the delivery is done, letting go of the desk's lock; False where it takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: delivery.outcome != "pending", timeout)

    def start(self) -> None:
        """Start the threads; deliveries queued before go out now."""
        self._stopping = False
        for number in range(WORKERS):
            thread = threading.Thread(target=self._work, name=f"sandbox-webhooks-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End the threads, cutting deliveries under way short; what is queued stays queued."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            for connection in self._under_way:
                _cut(connection)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _held_back(self, delivery: Delivery) -> float:
        delay, reorder = (self._faults.decide(kind, delivery.topic) for kind in ("delay", "reorder"))
        chance = self._faults.chance.random() if delay else 0.0
        return (delay.seconds * chance if delay else 0.0) + (reorder.seconds if reorder else 0.0)

    def _push(self, delivery: Delivery, after: float) -> None:
        heapq.heappush(self._queue, (self._clock() + after, next(self._order), delivery))
        self._changed.notify_all()

    def _work(self) -> None:
        while (delivery := self._take()) is not None:
            attempt = self._attempt(delivery)
            with self._changed:
                self._busy -= 1
                self._settle(delivery, attempt)
                self._changed.notify_all()

    def _take(self) -> Delivery | None:
        with self._changed:
            while not self._stopping:
                wait = self._queue[0][0] - self._clock() if self._queue else math.inf
                if wait <= 0:
                    self._busy += 1
                    return heapq.heappop(self._queue)[2]
                self._changed.wait(_LOOK if self._queue else None)
            return None

    def _settle(self, delivery: Delivery, attempt: Attempt) -> None:
        delivery.attempts.append(attempt)
        if attempt.delivered:
            delivery.outcome = "delivered"
            return
        after = self._retry(delivery)
        if after is None:
            delivery.outcome = "given up"
        else:
            self._push(delivery, after)

    def _attempt(self, delivery: Delivery) -> Attempt:
        at = self._clock()
        headers, body = self._sign(delivery)
        headers = delivery.hook.headers | headers
        connection = _connection(delivery.hook.url, self._timeout)
        try:
            self._connect(connection)
            return _exchange(connection, delivery.hook, at, headers, body)
        except TimeoutError:
            return Attempt(at, error="timeout", request_headers=headers)
        except (OSError, HTTPException) as error:
            return Attempt(at, error=f"{type(error).__name__}: {error}", request_headers=headers)
        finally:
            with self._changed:
                self._under_way.discard(connection)
            connection.close()

    def _connect(self, connection: HTTPConnection) -> None:
        connection.connect()
        with self._changed:
            if self._stopping:
                raise ConnectionAbortedError("the sandbox is stopping")
            self._under_way.add(connection)


def _connection(url: str, timeout: float) -> HTTPConnection:
    target = urlsplit(url)
    kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
    return kind(target.hostname or "", target.port, timeout=timeout)


def _exchange(connection: HTTPConnection, hook: Hook, at: float, headers: dict[str, str], body: bytes) -> Attempt:
    target = urlsplit(hook.url)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    connection.request(hook.method, path, body, headers)
    answer = connection.getresponse()
    return Attempt(
        at,
        status=answer.status,
        retry_after=_seconds(answer.getheader("Retry-After")),
        request_headers=headers,
        headers=dict(answer.getheaders()),
        body=answer.read(_KEPT).decode("utf-8", "replace"),
    )


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after is not None and retry_after.strip().isdigit() else None


def _cut(connection: HTTPConnection) -> None:
    sock: socket.socket | None = connection.sock
    if sock is not None:
        with suppress(OSError):  # it ended by itself in the meantime
            sock.shutdown(socket.SHUT_RDWR)
