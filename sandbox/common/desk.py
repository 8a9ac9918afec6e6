"""The base of the three sandbox desks: one lock, one clock, and the frame around every API request."""

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Any, ClassVar

from flask import Flask, Response, g, request

from sandbox.common.acts import AgentEdit, CustomerMessage
from sandbox.common.control import control_face
from sandbox.common.faults import Fault, Faults
from sandbox.common.helpcenter import HelpCenter
from sandbox.common.history import Call, CallLog, History
from sandbox.common.limits import Limiter
from sandbox.common.webhooks import Delivery, Sender

HANG_UP = "sandbox.hang_up"
"""Key in the WSGI environ: answer nothing, hold the socket for so many seconds, then reset it (see server.py)."""

_CONTROL = "/_sandbox"


class _App(Flask):
    """Runs every view under the lock of its desk, so that vendors write plain single-threaded code, and keeps in `g.at`
    when it ran.
    """

    def __init__(self, name: str, lock: Any, now: Callable[[], float]) -> None:
        super().__init__(name, static_folder=None)
        self.json.sort_keys = False  # type: ignore[attr-defined]  # of Flask's default provider
        self._lock = lock
        self._now = now

    def dispatch_request(self, *args: Any) -> Any:
        with self._lock:
            answer = super().dispatch_request(*args)
            g.at = self._now()
            return answer


class SandboxDesk(ABC):
    """One account at one vendor, in memory. A vendor's sandbox subclasses it and fills the abstract methods.

    A vendor's constructor calls this one first, then registers its routes on `self.app`. Views run under `self.lock`;
    they find who is calling in `flask.g.actor` (whatever `authenticate` returned). Raises ValueError for a plan that
    the vendor lacks.
    """

    vendor: ClassVar[str]
    plans: ClassVar[Collection[str]]
    """The plans by which the vendor sets its limits."""
    default_plan: ClassVar[str]
    webhook_timeout: ClassVar[float]
    """Seconds after which the vendor gives up waiting for an endpoint."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        plan: str | None = None,
        seed: int = 0,
        account: str = "acme",
    ) -> None:
        self.clock = clock
        self.plan = plan or self.default_plan
        if self.plan not in self.plans:
            raise ValueError(f"{self.vendor} has no plan '{plan}'; it has {', '.join(self.plans)}")
        self.account = account
        self.random = random.Random(seed)
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self.history = History()
        self.calls = CallLog()
        self.faults = Faults(seed)
        self.limiter = Limiter(clock)
        self.help_center = HelpCenter(clock)
        self.sender = Sender(
            self.lock, clock, self.faults, sign=self.sign, retry=self.retry_delay, timeout=self.webhook_timeout
        )
        self.app = _App(f"sandbox.{self.vendor}", self.lock, self.now)
        self.app.register_blueprint(control_face(self), url_prefix=_CONTROL)
        self.app.before_request(self._before)
        self.app.after_request(self._after)

    def now(self) -> float:
        """Unix seconds by the injected clock."""
        return self.clock()

    def open(self) -> None:
        """Start sending webhooks; the server calls it."""
        self.closing.clear()
        self.sender.start()

    def close(self) -> None:
        """Stop sending webhooks and release requests that a fault holds; the server calls it."""
        self.closing.set()
        self.sender.stop()

    # What a vendor fills in -------------------------------------------------------------------------------------------

    @abstractmethod
    def authenticate(self) -> Any:
        """Who calls (kept in `g.actor`; its str() goes to the call log), None where the credentials are wrong."""

    @abstractmethod
    def charge(self) -> Response | None:
        """Count the call against the vendor's limits; the vendor's 429 where one is spent."""

    @abstractmethod
    def stamp(self, response: Response) -> None:
        """Add the headers that the vendor sends with every answer, such as what is left of the limits."""

    @abstractmethod
    def unauthorised(self) -> Response:
        """The vendor's 401."""

    @abstractmethod
    def too_many(self, retry_after: int) -> Response:
        """The vendor's 429, with Retry-After in seconds."""

    @abstractmethod
    def broken(self, status: int) -> Response:
        """The vendor's 500 or 503."""

    @abstractmethod
    def sign(self, delivery: Delivery) -> tuple[dict[str, str], bytes]:
        """Headers and body of the next attempt of a webhook."""

    @abstractmethod
    def retry_delay(self, delivery: Delivery) -> float | None:
        """Seconds until a failed webhook is tried again, None where the vendor gives up."""

    @abstractmethod
    def customer_writes(self, message: CustomerMessage) -> str:
        """Open or continue a ticket as the customer; the ticket's id. Raises ControlError."""

    @abstractmethod
    def agent_edits(self, edit: AgentEdit) -> None:
        """Work on a ticket as a human agent, with all the events that brings. Raises ControlError."""

    @abstractmethod
    def agent_status(self, agent: str, status: str) -> None:
        """Set an agent "online", "away" or "offline". Raises ControlError."""

    @abstractmethod
    def remove_agent(self, agent: str) -> None:
        """Make somebody an agent no more; what they hold stays theirs [assumed]. Raises ControlError."""

    @abstractmethod
    def register_hook(self, url: str, secret: str | None, topics: list[str] | None) -> dict[str, str]:
        """Register a webhook for these topics (None: all that matter): {"id", "secret"}. Raises ControlError."""

    @abstractmethod
    def render_tickets(self) -> list[dict[str, Any]]:
        """Every ticket as the control face shows it (see control.py)."""

    @abstractmethod
    def render_agents(self) -> list[dict[str, Any]]:
        """Every agent as {"id", "email", "status", "load"}."""

    # The frame around every API request -------------------------------------------------------------------------------

    def _before(self) -> Response | None:
        g.fault = g.actor = None
        if request.path.startswith(_CONTROL):
            return None
        self._slow_down()
        with self.lock:
            g.at = self.now()
            return self._play_fault() or self._admit()

    def _slow_down(self) -> None:
        with self.lock:
            slow = self._decide("slow")
        if slow:
            self.closing.wait(slow.seconds)

    def _play_fault(self) -> Response | None:
        if self._decide("reset"):
            return self._hang_up(0.0)
        if fault := self._decide("429"):
            return self.too_many(max(1, round(fault.seconds)))
        if self._decide("500"):
            return self.broken(500)
        if fault := self._decide("503"):
            answer = self.broken(503)
            answer.headers["Retry-After"] = str(max(1, round(fault.seconds)))
            return answer
        return None

    def _decide(self, kind: str) -> Fault | None:
        fault = self.faults.decide(kind, f"{request.method} {request.path}")
        g.fault = kind if fault else g.fault
        return fault

    def _admit(self) -> Response | None:
        g.actor = self.authenticate()
        return self.unauthorised() if g.actor is None else self.charge()

    def _after(self, response: Response) -> Response:
        if request.path.startswith(_CONTROL):
            return response
        with self.lock:
            if HANG_UP not in request.environ:
                self.stamp(response)
                response = self._lose_answer(response)
            self._log(response)
        return response

    def _lose_answer(self, response: Response) -> Response:
        took_effect = request.method != "GET" and response.status_code < 400
        fault = self._decide("timeout_after_write") if took_effect else None
        return self._hang_up(fault.seconds) if fault else response

    def _hang_up(self, hold: float) -> Response:
        request.environ[HANG_UP] = hold
        return Response(status=502)  # never seen: the server resets the connection instead

    def _log(self, response: Response) -> None:
        status = 0 if HANG_UP in request.environ else response.status_code
        path = request.full_path if request.query_string else request.path
        actor = None if g.actor is None else str(g.actor)
        self.calls.record(Call(g.at, request.method, path, status, actor, g.fault))
