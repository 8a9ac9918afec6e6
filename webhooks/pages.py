"""The pages beside the webhooks, a Flask app: what desks' probes, monitors and people look at."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

import structlog
from flask import Blueprint, Flask, Response, json, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from bridge.errors import whereabouts
from bridge.metrics import Metrics

log = structlog.get_logger(__name__)

HOOKS: Final = "/hooks/"
"""The path of every desk's webhooks; a POST below it never comes here (`webhooks.receiver`)."""

NO_SUCH_DESK: Final = "no desk of that name is connected"

COME_AGAIN: Final = ("Retry-After", "5")
"""With every 503: Zendesk retries it only where the seconds are given and under 60."""


def create_pages(
    desks: Collection[str],
    metrics: Metrics,
    troubles: Callable[[], Mapping[str, str]],
    warnings: Callable[[], Mapping[str, str]],
) -> Flask:
    """The Flask app with a blueprint for each purpose; whatever it refuses, it says so in JSON.

    `desks` are the names of the connected ones; `troubles` and `warnings` as `webhooks.create_app` has them.
    """
    app = Flask("deskbridge", static_folder=None)
    app.url_map.merge_slashes = False  # else a path with two slashes is redirected instead of not found
    app.register_blueprint(_probes(desks))
    app.register_blueprint(_health(metrics, troubles, warnings))
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _mistake)
    app.after_request(_come_again)
    app.after_request(_allow_webhooks)
    return app


def _probes(desks: Collection[str]) -> Blueprint:
    """Where webhooks are sent to, for a desk that looks whether somebody listens before it sends any."""
    pages = Blueprint("probes", __name__, url_prefix=HOOKS)

    @pages.get("<desk>", strict_slashes=False)
    @pages.get("<desk>/<path:secret_path>")
    def probe(desk: str, secret_path: str = "") -> ResponseReturnValue:
        del secret_path
        return ({"status": "listening"}, 200) if desk in desks else ({"status": NO_SUCH_DESK}, 404)

    return pages


def _health(
    metrics: Metrics, troubles: Callable[[], Mapping[str, str]], warnings: Callable[[], Mapping[str, str]]
) -> Blueprint:
    """For machines that watch."""
    pages = Blueprint("health", __name__)

    @pages.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "alive"}

    @pages.get("/readyz")
    def readyz() -> ResponseReturnValue:
        found = dict(troubles())
        content = {"status": "not ready" if found else "ready", "troubles": found, "warnings": dict(warnings())}
        return content, 503 if found else 200

    @pages.get("/metrics")
    def scrape() -> ResponseReturnValue:
        return Response(metrics.render(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return pages


def _refused(error: HTTPException) -> ResponseReturnValue:
    """Flask's refusals with their status and headers (`Allow`), in JSON."""
    answer = error.get_response()
    answer.data = json.dumps({"status": error.name.lower()})
    answer.content_type = "application/json"
    return answer


def _mistake(error: Exception) -> ResponseReturnValue:
    """Any error of ours asks whoever came to come again, and is told without a word of what was sent."""
    log.error("request failed", method=request.method, error=type(error).__name__, at=whereabouts(error))
    return {"status": "come again"}, 503


def _come_again(response: Response) -> Response:
    if response.status_code == 503:
        response.headers.set(*COME_AGAIN)
    return response


def _allow_webhooks(response: Response) -> Response:
    """Flask names the methods that it knows; a webhook's POST is taken in front of it."""
    if "Allow" in response.headers and request.path.startswith(HOOKS):
        response.allow.add("POST")
    return response
