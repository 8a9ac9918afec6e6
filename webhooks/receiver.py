"""The web face: takes webhooks, answers 2xx only once they are on disk, and says how the bridge is."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, Protocol

import structlog
from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

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

COME_AGAIN_SECONDS = "5"
"""Zendesk retries a 503 only where Retry-After is given and under 60 s."""

COALESCE = timedelta(seconds=1)
"""How long a change to a known ticket waits for its siblings; a new ticket does not wait."""


_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class Keeper(Protocol):
    """Where deliveries are kept durably (`bridge.intake.Intake`)."""

    def keep(self, arrival: Arrival, timeout: float) -> bool:
        """Return once it is on disk: True where it is new. Raises Overloaded or TimeoutError."""


def create_app(
    desks: Mapping[str, Desk],
    keeper: Keeper,
    *,
    clock: Clock,
    metrics: Metrics,
    max_body: int,
    admits: Callable[[], bool],
    troubles: Callable[[], Mapping[str, str]],
) -> Flask:
    """The Flask app.

    `admits` is False while too much waits already; `troubles` says by name what keeps the bridge from working (empty:
    ready). Bodies over `max_body` bytes are refused.
    """
    app = Flask("deskbridge", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body
    app.register_blueprint(_hooks(desks, keeper, clock, metrics, admits))
    app.register_blueprint(_health(metrics, troubles))

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> tuple[Response, int]:
        if isinstance(error, HTTPException):
            return _say(error.name.lower(), error.code or 500)
        log.error("request failed", route=str(request.url_rule), error=type(error).__name__, at=whereabouts(error))
        return _say("come again", 503)

    @app.after_request
    def come_again(response: Response) -> Response:
        if response.status_code == 503:
            response.headers["Retry-After"] = COME_AGAIN_SECONDS
        return response

    return app


def _hooks(
    desks: Mapping[str, Desk], keeper: Keeper, clock: Clock, metrics: Metrics, admits: Callable[[], bool]
) -> Blueprint:
    pages = Blueprint("hooks", __name__, url_prefix="/hooks")

    @pages.post("/<desk_name>")
    @pages.post("/<desk_name>/<path:secret_path>")
    def take(desk_name: str, secret_path: str | None = None) -> tuple[Response, int]:
        desk = desks.get(desk_name)
        if desk is None:
            metrics.deliveries.labels("unknown", "refused").inc()
            return _say("no desk of that name is connected", 404)
        raw = RawDelivery(
            method=request.method,
            headers=_headers(request.environ),
            body=request.get_data(cache=False),
            received_at=clock(),
            secret_path=secret_path,
        )
        outcome, status = _take(desk, raw, keeper, admits)
        metrics.deliveries.labels(desk_name, outcome).inc()
        return _say(outcome, status)

    @pages.get("/<desk_name>")
    @pages.get("/<desk_name>/<path:secret_path>")
    def probe(desk_name: str, secret_path: str | None = None) -> tuple[Response, int]:
        del secret_path
        return _say("listening", 200) if desk_name in desks else _say("no desk of that name is connected", 404)

    return pages


def _health(metrics: Metrics, troubles: Callable[[], Mapping[str, str]]) -> Blueprint:
    pages = Blueprint("health", __name__)

    @pages.get("/healthz")
    def healthz() -> tuple[Response, int]:
        return _say("alive", 200)

    @pages.get("/readyz")
    def readyz() -> tuple[Response, int]:
        found = dict(troubles())
        return jsonify(status="not ready" if found else "ready", troubles=found), 503 if found else 200

    @pages.get("/metrics")
    def scrape() -> Response:
        return Response(metrics.render(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return pages


def _take(desk: Desk, raw: RawDelivery, keeper: Keeper, admits: Callable[[], bool]) -> tuple[str, int]:
    """What became of a delivery in one word, and the status that makes the desk do the right thing next."""
    try:
        delivery = desk.verify(raw)
    except DeliveryRefused as refused:
        log.warning("delivery refused", desk=desk.name, reason=refused.reason)
        return "refused", refused.status
    if not delivery.keep:
        return "answered", 200
    if not admits():
        return "overloaded", 503
    found = arrival(desk, delivery)
    try:
        fresh = keeper.keep(found, COMMIT_SECONDS)
    except (Overloaded, TimeoutError):
        return "overloaded", 503
    if not fresh:
        return "known", 200
    return ("kept" if found.ticket is not None else "not understood"), 200


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


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """A request's headers by lower-case name; PEP 3333 says how they stand in the environ."""
    sent = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    bare = {key.replace("_", "-").lower(): environ[key] for key in ("CONTENT_TYPE", "CONTENT_LENGTH") if key in environ}
    return sent | bare


def _say(words: str, status: int) -> tuple[Response, int]:
    return Response(_body(words), content_type="application/json"), status


@cache
def _body(words: str) -> bytes:
    return json.dumps({"status": words}).encode()
