"""The sandbox desks in this process, joined by webhooks to a bridge; customers who write at a steady pace."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.setting import HOOK_SECRETS, hook_path
from sandbox.common.acts import CustomerMessage
from sandbox.common.desk import SandboxDesk
from sandbox.common.server import start
from sandbox.freshdesk import FreshdeskSandbox
from sandbox.intercom import IntercomSandbox
from sandbox.zendesk import ZendeskSandbox

SANDBOXES: dict[str, type[SandboxDesk]] = {
    "zendesk": ZendeskSandbox,
    "freshdesk": FreshdeskSandbox,
    "intercom": IntercomSandbox,
}

_SETTLE_SECONDS = 60.0


class Unsettled(RuntimeError):
    """Tickets were not routed in time."""


@dataclass(frozen=True, slots=True)
class Served:
    """One request that a sandbox desk answered: when by its clock (unix seconds), its path, and its own seconds."""

    at: float
    path: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Stage:
    """Running sandbox desks by vendor, their addresses, and what each has served."""

    desks: Mapping[str, SandboxDesk]
    urls: Mapping[str, str]
    served: Mapping[str, list[Served]]
    tickets: dict[str, list[str]] = field(default_factory=dict)

    def join(self, port: int) -> None:
        """Have every desk send its webhooks to the bridge on a port of this machine."""
        for vendor, desk in self.desks.items():
            with desk.lock:
                desk.register_hook(f"http://127.0.0.1:{port}{hook_path(vendor)}", HOOK_SECRETS[vendor], None)

    def write(self, vendor: str, number: int) -> None:
        """A customer of their own opens a ticket."""
        desk = self.desks[vendor]
        who = f"customer-{len(self.tickets.get(vendor, ()))}-{number}@mail.example"
        said = CustomerMessage(who, "Please refund the invoice, it was charged twice.", who, f"Invoice {number}")
        with desk.lock:
            self.tickets.setdefault(vendor, []).append(desk.customer_writes(said))

    def write_steadily(self, count: int, rate: float) -> None:
        """So many tickets a second, the desks by turns."""
        vendors, begun = list(self.desks), time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            self.write(vendors[number % len(vendors)], number)

    def settle(self, within: float = _SETTLE_SECONDS) -> None:
        """Return when every ticket has an assignee and no write has come for a second.

        Raises Unsettled where that takes longer than `within` seconds.
        """
        until, before = time.monotonic() + within, -1
        while time.monotonic() < until:
            time.sleep(1.0)
            writes = sum(len(desk.history.writes) for desk in self.desks.values())
            if writes == before and not self._waiting():
                return
            before = writes
        raise Unsettled(f"after {within:g} s these wait: {self._waiting()[:5]}")

    def _waiting(self) -> list[str]:
        found = []
        for vendor, desk in self.desks.items():
            with desk.lock:
                found += [f"{vendor}:{ticket['id']}" for ticket in desk.render_tickets() if ticket["assignee"] is None]
        return found


@contextmanager
def stage(vendors: tuple[str, ...] = tuple(SANDBOXES)) -> Iterator[Stage]:
    """Sandbox desks without rate limits (what is measured is us), each counting its own time, until the block ends."""
    with ExitStack() as ending:
        desks = {vendor: SANDBOXES[vendor](plan="unlimited") for vendor in vendors}
        served: dict[str, list[Served]] = {vendor: [] for vendor in vendors}
        for vendor, desk in desks.items():
            desk.app.wsgi_app = _Timed(desk.app.wsgi_app, served[vendor])  # type: ignore[method-assign] # Flask's own way
        running = {vendor: ending.enter_context(start(desk)) for vendor, desk in desks.items()}
        yield Stage(desks, {vendor: listening.url for vendor, listening in running.items()}, served)


class _Timed:
    """A WSGI application that notes how long each request took."""

    def __init__(self, app: Callable[..., Any], served: list[Served]) -> None:
        self._app = app
        self._served = served
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        at, begun = time.time(), time.perf_counter()
        try:
            return self._app(environ, start_response)
        finally:
            with self._lock:
                self._served.append(Served(at, environ["PATH_INFO"], time.perf_counter() - begun))
