"""A bridge that can die at any moment of its life, beside a desk that outlives it.

Moments are not listed by hand: each is where a method of the desk, a vendor's call or a transaction begins or ends, and
counts where something durable has changed since the last one. A process that dies leaves its leases behind and does
nothing any more, in any thread.
"""

import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import wraps
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from sqlalchemy import Connection
from werkzeug.serving import WSGIRequestHandler, make_server

from bridge import reconcile
from bridge.errors import Retryable
from bridge.ports import Call, Desk
from bridge.store import Store
from bridge.worker import LEASE, beat
from sandbox.common.server import start
from tests.conftest import Clock
from tests.core.world import HOOKS, OPTIONS, PATIENCE, SANDBOXES, People, Process

WORK, WEB = "work", "web"
"""The two sides of a process, which run beside each other: each counts its own moments."""

_WEB_THREADS = {"door", "intake"}
_DESK_METHODS = [name for name, what in vars(Desk).items() if callable(what) and name[0] != "_" and name != "close"]

T = TypeVar("T")

Moment = tuple[str, int]
"""A side of a process and how many moments of it came before."""


class Killed(BaseException):
    """The process is gone at this instruction: no `except Exception` sees it."""


class Gone(Exception):
    """The same in the thread that commits deliveries, which hands every exception to the requests that wait for it."""


class Life:
    """Counts a process's moments and ends it at one of them, or at none."""

    def __init__(self, ends_at: Moment | None = None) -> None:
        self.moments: dict[str, list[str]] = {WORK: [], WEB: []}
        self.ended = False
        self._ends_at = ends_at
        self._changed = {WORK: True, WEB: True}
        self._lock = threading.Lock()

    def changed(self) -> None:
        """Something durable happened, here or at the desk: what comes next is a new moment."""
        self._changed[_side()] = True

    def moment(self, name: str) -> None:
        """Raise Killed where life ends here or has ended, Gone in the committer's thread."""
        with self._lock:
            side = _side()
            if self._changed[side] and not self.ended:
                self._changed[side] = False
                self.ended = (side, len(self.moments[side])) == self._ends_at
                self.moments[side].append(name)
            if self.ended:
                raise Gone if threading.current_thread().name == "intake" else Killed


def _side() -> str:
    return WEB if threading.current_thread().name in _WEB_THREADS else WORK


class MortalStore(Store):
    """A SQLite store whose every transaction begins, commits and ends in a moment of its process."""

    def __init__(self, url: str, life: Life) -> None:
        super().__init__(url, durability="normal")  # the file outlives the process, which is all that dies here
        self._life = life

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._life.moment("before a read")
        with super().reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        whose = _whose()
        self._life.moment(f"before {whose}")
        with super().writing() as connection:
            before = _changes(connection)
            yield connection
            changed = _changes(connection) != before
            if changed:
                self._life.changed()
            self._life.moment(f"before the commit of {whose}")
        if changed:
            self._life.changed()
        self._life.moment(f"after the commit of {whose}")


def _whose() -> str:
    """The function whose transaction this is, for people to read."""
    frames = traceback.extract_stack(limit=8)
    ours = [frame for frame in frames if "/bridge/" in frame.filename]
    return f"{Path(ours[-1].filename).stem}.{ours[-1].name}" if ours else "a transaction"


def _changes(connection: Connection) -> int:
    """How many rows this SQLite connection has changed so far."""
    driver: Any = connection.connection.driver_connection
    return int(driver.total_changes)


class Mortal(Process):
    """A bridge process with a life; every generation has workers of its own name. Enrichers ask one after another."""

    def __init__(self, vendor: str, database: str, clock: Clock, url: str, *, policy: str, generation: int, life: Life):
        self.life, self._generation = life, generation
        super().__init__(vendor, MortalStore(database, life), clock, url, policy=policy, at_once=1)
        for name in _DESK_METHODS:
            setattr(self.desk, name, self._mortal(name, getattr(self.desk, name)))
        self._admit, self._record = self.gate.admit, self.gate.record
        self.gate.admit, self.gate.record = self._sending, self._answered  # type: ignore[method-assign] # hooks

    def close(self) -> None:
        super().close()
        self.store.close()

    def look_around(self) -> None:
        """What a process does first and every minute: read the agents, and ask for what no webhook told.

        Where the desk puts it off, the next minute will do.
        """
        with suppress(Retryable):
            self.take_roster()
        with suppress(Retryable):
            deque(reconcile.follow(self.store, self.desk, back_fill=timedelta(days=1), clock=self.clock), maxlen=0)

    def decide(self) -> bool:
        beat(self.store, [], self.clock.now)
        return self.workers.decide(f"decider-{self._generation}")

    def step(self) -> bool:
        decided, written = self.decide(), self.workers.write(f"writer-{self._generation}")
        matched = self.workers.match(f"matcher-{self._generation}")
        return self.workers.call(f"caller-{self._generation}") or decided or written or matched

    def _mortal(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def called(*given: Any, **named: Any) -> Any:
            self.life.moment(f"before {name}")
            answer = method(*given, **named)
            self.life.moment(f"after {name}")
            return answer

        return called

    def _sending(self, desk: str, method: str, route: str) -> None:
        self._admit(desk, method, route)
        self.life.moment(f"before {method} {route}")

    def _answered(self, call: Call) -> None:
        if call.method != "GET":
            self.life.changed()
        self.life.moment(f"after {call.method} {call.route}")
        self._record(call)


class Place(People):
    """A sandbox desk, a database and the address of the webhooks: what stays while processes come and go."""

    def __init__(self, vendor: str, database: Path, clock: Clock, *, policy: str, ends_at: Moment | None) -> None:
        self.vendor, self.clock, self._policy = vendor, clock, policy
        self._database = f"sqlite:///{database}"
        self.sandbox = SANDBOXES[vendor](clock=clock.unix)
        self.running = start(self.sandbox)
        self.generation = 0
        self.process = self._born(Life(ends_at))
        self._door = make_server("127.0.0.1", 0, self._answer, threaded=False, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._door.serve_forever, args=(0.005,), name="door")
        self._thread.start()
        url = f"http://127.0.0.1:{self._door.port}/hooks/{self.process.name}{HOOKS[vendor]}"
        self.control("POST", "webhooks", {"url": url, "secret": OPTIONS[vendor]["webhook_secrets"][0]})
        self.alive(Mortal.look_around)

    def close(self) -> None:
        self._door.shutdown()
        self._thread.join()
        self._door.server_close()
        self.process.close()
        self.running.stop()

    def alive(self, act: Callable[[Mortal], T]) -> T | None:
        """Have the process do something; where it dies of it, the next one takes its place once its leases are over."""
        try:
            return act(self.process)
        except Killed:
            self.process.close()
            self.clock.turn(LEASE.total_seconds() + 1)
            self.process = self._born(Life())
            self.process.look_around()
            return None

    def work(self, seconds: int, act: Callable[[Mortal], bool] = Process.step) -> None:
        """Deliver, and have the process act until nothing is due, each second."""
        for _ in range(seconds):
            self.delivered()
            while self.alive(act) is not False:
                self.delivered()
            self.clock.turn(1)

    def end(self) -> None:
        """Wait out the vendor's last try of each webhook and what it brings, and one reading of the agents more."""
        self.minute()
        while not self.sandbox.sender.quiet():
            self.clock.turn(3600)
            self.minute()
        self.minute()

    def minute(self) -> None:
        """Some work, a minute's rest, a look around and what it brings."""
        self.work(4)
        self.clock.turn(70)
        self.alive(Mortal.look_around)
        self.work(3)

    def delivered(self) -> None:
        """Return when every webhook was tried once at least."""
        until = monotonic() + PATIENCE
        while monotonic() < until:
            with self.sandbox.lock:
                if all(sent.attempts or sent.outcome != "pending" for sent in self.sandbox.sender.deliveries):
                    return
            threading.Event().wait(0.002)
        raise AssertionError(f"the sandbox did not deliver its webhooks in {PATIENCE:.0f} seconds")

    def _born(self, life: Life) -> Mortal:
        self.generation += 1
        return Mortal(
            self.vendor,
            self._database,
            self.clock,
            self.running.url,
            policy=self._policy,
            generation=self.generation,
            life=life,
        )

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The process's own answer, or a connection that just ends where it died first."""
        if environ["REQUEST_METHOD"] == "HEAD":  # Intercom tries an address when it is entered, before the story
            start_response("200 OK", [])
            return []
        try:
            answer = self.process.app(environ, start_response)
            self.process.life.moment("before the answer")
        except Killed:
            raise ConnectionAbortedError from None
        return answer


class _Quiet(WSGIRequestHandler):
    """One request a connection, and no line for each."""

    # Inherited it would be HTTP/1.1 as soon as werkzeug has made one threaded server, and a dropped answer never end.
    protocol_version = "HTTP/1.0"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The desk keeps its own list of deliveries."""
