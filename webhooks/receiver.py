"""The web face: takes webhooks, answers 2xx only once they are on disk, and says how the bridge is."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Final, Protocol

import structlog
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from bridge.errors import DeliveryRefused, whereabouts
from bridge.intake import Overloaded
from bridge.metrics import Metrics
from bridge.model import Delivery, Event, EventKind, RawDelivery
from bridge.pipeline import ROSTER
from bridge.ports import Clock, Desk
from bridge.store.inbox import Arrival

log = structlog.get_logger(__name__)

COMMIT_SECONDS = 4.0
"""The longest a delivery waits for its commit: Intercom hangs up after 5 s, Zendesk after about 12."""

_COME_AGAIN: Final = {"Retry-After": "5"}
"""With every 503: Zendesk retries it only where the seconds are given and under 60."""

COALESCE = timedelta(seconds=1)
"""How long a change to a known ticket waits for its siblings; a new ticket does not wait."""


_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class Keeper(Protocol):
    """Where deliveries are kept durably (`bridge.intake.Intake`)."""

    async def keep(self, arrival: Arrival, timeout: float) -> bool:
        """Return once it is on disk: True where it is new. Raises Overloaded or TimeoutError."""


def create_app(
    desks: Mapping[str, Desk],
    keeper: Keeper,
    *,
    clock: Clock,
    metrics: Metrics,
    max_body: int,
    admits: Callable[[], Awaitable[bool]],
    troubles: Callable[[], Mapping[str, str]],
    warnings: Callable[[], Mapping[str, str]] = dict,
) -> ASGIApp:
    """The ASGI app. Nothing in it blocks the event loop: `troubles` is asked in a thread.

    `admits` is False while too much waits already; `troubles` says by name what keeps the bridge from working (empty:
    ready), `warnings` what an admin should know although it works. Bodies over `max_body` bytes are refused.
    """
    receiver = _Receiver(desks, keeper, clock, metrics, max_body, admits)
    routes = [
        Route(path, endpoint, methods=[method])
        for path in ("/hooks/{desk}", "/hooks/{desk}/{secret_path:path}")
        for method, endpoint in (("POST", receiver.take), ("GET", receiver.probe))
    ]
    return ExceptionMiddleware(
        Router([*routes, *_health(metrics, troubles, warnings)], redirect_slashes=False),
        handlers={Exception: _mistake, ClientDisconnect: _hung_up},
    )


async def _mistake(request: Request, error: Exception) -> Response:
    """Any error of ours asks the sender to come again, and is told without a word of what was sent."""
    log.error("request failed", method=request.method, error=type(error).__name__, at=whereabouts(error))
    return _say("come again", 503)


async def _hung_up(request: Request, error: Exception) -> Response:
    """Nobody is there to read it."""
    del request, error
    return _say("incomplete", 400)


@dataclass(frozen=True, slots=True)
class _Receiver:
    desks: Mapping[str, Desk]
    keeper: Keeper
    clock: Clock
    metrics: Metrics
    max_body: int
    admits: Callable[[], Awaitable[bool]]

    async def take(self, request: Request) -> Response:
        """A delivery to a desk, answered once it is on disk."""
        desk = self.desks.get(request.path_params["desk"])
        if desk is None:
            self.metrics.deliveries.labels("unknown", "refused").inc()
            return _no_such_desk()
        body = await self._body(request)
        outcome, status = ("too large", 413) if body is None else await self._take(desk, self._raw(request, body))
        self.metrics.deliveries.labels(desk.name, outcome).inc()
        return _say(outcome, status)

    async def probe(self, request: Request) -> Response:
        """A desk looks whether somebody listens."""
        return _say("listening", 200) if request.path_params["desk"] in self.desks else _no_such_desk()

    async def _body(self, request: Request) -> bytes | None:
        """What was sent; None, and the rest is not read, where that is too much."""
        if int(request.headers.get("content-length", 0)) > self.max_body:
            return None
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > self.max_body:
                return None
        return bytes(body)

    def _raw(self, request: Request, body: bytes) -> RawDelivery:
        return RawDelivery(
            method=request.method,
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw},
            body=body,
            received_at=self.clock(),
            secret_path=request.path_params.get("secret_path"),
        )

    async def _take(self, desk: Desk, raw: RawDelivery) -> tuple[str, int]:
        """What became of a delivery in a word or two, and the status that makes the desk do the right thing next."""
        try:
            delivery = desk.verify(raw)
        except DeliveryRefused as refused:
            log.warning("delivery refused", desk=desk.name, reason=refused.reason)
            return "refused", refused.status
        if not delivery.keep:
            return "answered", 200
        if not await self.admits():
            return "overloaded", 503
        found = arrival(desk, delivery)
        try:
            fresh = await self.keeper.keep(found, COMMIT_SECONDS)
        except (Overloaded, TimeoutError):
            return "overloaded", 503
        if not fresh:
            return "known", 200
        return ("kept" if found.ticket is not None else "not understood"), 200


def _health(
    metrics: Metrics, troubles: Callable[[], Mapping[str, str]], warnings: Callable[[], Mapping[str, str]]
) -> list[Route]:
    """Pages for machines that watch. Those that ask the database are plain functions, which run in a thread."""

    async def healthz(request: Request) -> Response:
        del request
        return _say("alive", 200)

    def readyz(request: Request) -> Response:
        del request
        found = dict(troubles())
        content = {"status": "not ready" if found else "ready", "troubles": found, "warnings": dict(warnings())}
        return JSONResponse(content, 503 if found else 200, _COME_AGAIN if found else None)

    def scrape(request: Request) -> Response:
        del request
        return Response(metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", scrape)]


def arrival(desk: Desk, delivery: Delivery) -> Arrival:
    """What the inbox keeps of a delivery: whose mailbox it belongs to, and when that should be looked at.

    What no adapter understands is kept for a person, never dropped and never a reason to refuse.
    """
    delivery = replace(delivery, dedupe_key=_storable(delivery.dedupe_key))
    try:
        events = desk.read(delivery)
    except Exception as error:  # noqa: BLE001 - an adapter's mistake must not lose a verified delivery
        log.error("delivery not understood", desk=desk.name, error=type(error).__name__, at=whereabouts(error))
        return Arrival(delivery, None, "unreadable", delivery.received_at, f"not understood: {type(error).__name__}")
    kinds = ",".join(sorted({event.kind.value for event in events}))
    known = [event for event in events if event.kind is not EventKind.UNKNOWN]
    if not known:
        raw_kinds = ", ".join(sorted({event.kind_raw for event in events})) or "nothing"
        words = f"unknown kind: {_storable(raw_kinds[:200])}"
        return Arrival(delivery, None, kinds or "nothing", delivery.received_at, words)
    first = known[0]
    mailbox = _storable(first.ticket.id) if first.ticket is not None else ROSTER
    return Arrival(delivery, mailbox, kinds, _due_at(desk, known, delivery.received_at))


def _storable(text: str) -> str:
    """Text as any database takes it: JSON can hold NUL and half a character, PostgreSQL and UTF-8 cannot."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _due_at(desk: Desk, events: list[Event], received_at: datetime) -> datetime:
    """When the rest of a burst is in and nothing more happens under the stamp that the events show."""
    if any(event.kind is EventKind.AGENT_CHANGED for event in events):
        return received_at
    stamps = [event.snapshot.updated_at for event in events if event.snapshot and event.snapshot.updated_at]
    settled_at = min(received_at, max(stamps, default=received_at)) + desk.settle
    is_new = any(event.kind is EventKind.TICKET_CREATED for event in events)
    return max(settled_at, received_at if is_new else received_at + COALESCE)


def _no_such_desk() -> Response:
    return _say("no desk of that name is connected", 404)


def _say(words: str, status: int) -> Response:
    headers = {"Content-Type": "application/json"}
    if status == 503:
        headers |= _COME_AGAIN
    if status == 413:
        headers["Connection"] = "close"  # what else is on its way nobody reads
    return Response(_body(words), status, headers)


@cache
def _body(words: str) -> bytes:
    return json.dumps({"status": words}).encode()
