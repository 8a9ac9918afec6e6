"""The receiver of webhooks: answers 2xx only once they are on disk; all other requests it hands to the pages."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Final, Protocol

import structlog
from a2wsgi import WSGIMiddleware
from a2wsgi.asgi_typing import ASGIApp, HTTPScope, Receive, Scope, Send

from bridge.errors import DeliveryRefused, whereabouts
from bridge.intake import Overloaded
from bridge.metrics import Metrics
from bridge.model import Delivery, Event, EventKind, RawDelivery
from bridge.pipeline import ROSTER
from bridge.ports import Clock, Desk
from bridge.store.inbox import Arrival
from webhooks.pages import COME_AGAIN, HOOKS, NO_SUCH_DESK, create_pages

log = structlog.get_logger(__name__)

COMMIT_SECONDS = 4.0
"""The longest a delivery waits for its commit: Intercom hangs up after 5 s, Zendesk after about 12."""

PAGE_THREADS = 8
"""The most pages at a time. They may wait for the database; webhooks never wait for them."""

NOTED_EVERY: Final = timedelta(seconds=1)
"""How often a desk's refused calls are noted: whoever pours forgeries in costs the database no more than that."""

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
    pinged: Callable[[str, datetime], None] | None = None,
    refused: Callable[[str, str, datetime], None] | None = None,
) -> ASGIApp:
    """The ASGI app. Nothing in it blocks the event loop: `troubles` and `warnings` are asked in a page's thread.

    `pinged` hears in a thread of its own of each call, proven to be a desk's, that is only to see whether we listen;
    `refused` likewise, with the reason, of a call that is not proven, at most once in `NOTED_EVERY` a desk.
    `admits` is False while too much waits already; `troubles` says by name what keeps the bridge from working (empty:
    ready), `warnings` what an admin should know although it works. Bodies over `max_body` bytes are refused.
    """
    pages = create_pages(desks.keys(), metrics, troubles, warnings)
    threaded = WSGIMiddleware(pages.wsgi_app, workers=PAGE_THREADS)  # type: ignore[arg-type] # its environ is a TypedDict
    return _Receiver(desks, keeper, clock, metrics, max_body, admits, threaded, pinged, refused)


class _HungUp(Exception):
    """The sender went away before its request was complete."""


@dataclass(frozen=True, slots=True)
class _Receiver:
    desks: Mapping[str, Desk]
    keeper: Keeper
    clock: Clock
    metrics: Metrics
    max_body: int
    admits: Callable[[], Awaitable[bool]]
    pages: ASGIApp
    pinged: Callable[[str, datetime], None] | None
    refused: Callable[[str, str, datetime], None] | None
    noted: dict[str, datetime] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's own interface: a POST below /hooks/ is a delivery, everything else is for the pages."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(HOOKS):
            await _say(send, *await self._answer(scope, receive))
        else:
            await self.pages(scope, receive, send)

    async def _answer(self, scope: HTTPScope, receive: Receive) -> tuple[str, int]:
        """What to say to a delivery. A mistake of ours has the desk come again, and is told without its words."""
        try:
            return await self._receive(scope, receive)
        except _HungUp:
            return "incomplete", 400
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the delivery must come again
            log.error("request failed", method="POST", error=type(error).__name__, at=whereabouts(error))
            return "come again", 503

    async def _receive(self, scope: HTTPScope, receive: Receive) -> tuple[str, int]:
        name, slash, secret_path = scope["path"].removeprefix(HOOKS).partition("/")
        desk = self.desks.get(name)
        if desk is None:
            self.metrics.deliveries.labels("unknown", "refused").inc()
            return NO_SUCH_DESK, 404
        headers = {header.decode("latin-1"): value.decode("latin-1") for header, value in scope["headers"]}
        body = await self._body(int(headers.get("content-length", 0)), receive)
        if body is None:
            outcome, status = "too large", 413
        else:
            raw = RawDelivery("POST", headers, body, self.clock(), secret_path if slash else None)
            outcome, status = await self._take(desk, raw)
        self.metrics.deliveries.labels(desk.name, outcome).inc()
        return outcome, status

    async def _body(self, announced: int, receive: Receive) -> bytes | None:
        """What was sent; None, and the rest is not read, where that is too much. Raises _HungUp."""
        body = bytearray()
        more = True
        while more and max(announced, len(body)) <= self.max_body:
            message = await receive()
            if message["type"] != "http.request":
                raise _HungUp
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return None if more or len(body) > self.max_body else bytes(body)

    async def _take(self, desk: Desk, raw: RawDelivery) -> tuple[str, int]:
        """What became of a delivery in a word or two, and the status that makes the desk do the right thing next."""
        try:
            delivery = desk.verify(raw)
        except DeliveryRefused as refused:
            log.warning("delivery refused", desk=desk.name, reason=refused.reason)
            await self._note(desk.name, refused.reason, raw.received_at)
            return "refused", refused.status
        if not delivery.keep:
            if self.pinged is not None:
                await asyncio.to_thread(self.pinged, desk.name, delivery.received_at)
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

    async def _note(self, desk: str, reason: str, at: datetime) -> None:
        """Have a refusal kept for whoever asks why nothing arrives; where that fails it is a refusal all the same."""
        before = self.noted.get(desk)
        if self.refused is None or (before is not None and at - before < NOTED_EVERY):
            return
        self.noted[desk] = at
        try:
            await asyncio.to_thread(self.refused, desk, reason, at)
        except Exception as error:  # noqa: BLE001 - the answer does not hang on it
            log.error("refusal not noted", desk=desk, error=type(error).__name__, at=whereabouts(error))


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


async def _say(send: Send, words: str, status: int) -> None:
    headers, body = _response(words, status)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@cache
def _response(words: str, status: int) -> tuple[tuple[tuple[bytes, bytes], ...], bytes]:
    body = json.dumps({"status": words}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    if status == 503:
        headers |= [COME_AGAIN]
    if status == 413:
        headers["Connection"] = "close"  # what else is on its way nobody reads
    return tuple((name.encode(), value.encode()) for name, value in headers.items()), body
