"""Webhooks: create, change, sign, test, and the history of what was sent."""

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, request

from sandbox.common import Delivery, Hook
from sandbox.zendesk import errors, render
from sandbox.zendesk.backend import Backend, admin_only, given
from sandbox.zendesk.hooks import CONDITIONAL, TEST_SECRET, Webhook, render_attempt
from sandbox.zendesk.paging import by_cursor
from sandbox.zendesk.times import event_time

TEST_TIMEOUT = 15.0
"""Seconds that a test call waits for the endpoint's answer."""


def routes(face: Blueprint, backend: Backend) -> None:
    """Register the endpoints."""
    _records(face, backend)
    _changes(face, backend)
    _secrets(face, backend)
    _test(face, backend)
    _history(face, backend)


def _webhook(backend: Backend, webhook_id: str) -> Webhook:
    admin_only()
    found = backend.registry.webhooks.get(webhook_id)
    if found is None:
        raise errors.not_found()
    return found


def _records(face: Blueprint, backend: Backend) -> None:
    @face.get("/webhooks")
    def webhooks_list() -> dict[str, Any]:
        admin_only()
        wanted = request.args.get("filter[name_contains]", "").lower()
        found = [each for each in backend.registry.webhooks.values() if wanted in each.fields["name"].lower()]
        return by_cursor("webhooks", found, render.webhook)

    @face.post("/webhooks")
    def webhooks_create() -> tuple[dict[str, Any], int]:
        admin_only()
        made = backend.registry.add(_wanted(backend), backend.now())
        return {"webhook": render.webhook(made)}, 201

    @face.get("/webhooks/<webhook_id>")
    def webhooks_show(webhook_id: str) -> dict[str, Any]:
        return {"webhook": render.webhook(_webhook(backend, webhook_id))}


def _wanted(backend: Backend) -> dict[str, Any]:
    """The body, or the fields of the webhook to clone."""
    original = request.args.get("clone_webhook_id")
    return dict(_webhook(backend, original).fields) if original else given("webhook")


def _changes(face: Blueprint, backend: Backend) -> None:
    @face.put("/webhooks/<webhook_id>")
    def webhooks_replace(webhook_id: str) -> tuple[str, int]:
        backend.registry.replace(_webhook(backend, webhook_id), given("webhook"), backend.now())
        return "", 204

    @face.patch("/webhooks/<webhook_id>")
    def webhooks_change(webhook_id: str) -> tuple[str, int]:
        webhook = _webhook(backend, webhook_id)
        backend.registry.replace(webhook, webhook.fields | given("webhook"), backend.now())
        return "", 204

    @face.delete("/webhooks/<webhook_id>")
    def webhooks_delete(webhook_id: str) -> tuple[str, int]:
        del backend.registry.webhooks[_webhook(backend, webhook_id).hook.id]
        return "", 204


def _secrets(face: Blueprint, backend: Backend) -> None:
    def show(webhook: Webhook) -> dict[str, Any]:
        return {"signing_secret": {"secret": webhook.hook.secret, "algorithm": "SHA256"}}

    @face.get("/webhooks/<webhook_id>/signing_secret")
    def secret_show(webhook_id: str) -> dict[str, Any]:
        return show(_webhook(backend, webhook_id))

    @face.post("/webhooks/<webhook_id>/signing_secret")
    def secret_rotate(webhook_id: str) -> tuple[dict[str, Any], int]:
        webhook = _webhook(backend, webhook_id)
        webhook.hook.secret = backend.registry.new_secret()
        return show(webhook), 201


def _test(face: Blueprint, backend: Backend) -> None:
    @face.post("/webhooks/test")
    def webhooks_test() -> Response:
        admin_only()
        wanted = (request.get_json(silent=True) or {}).get("request") or {}
        hook = _hook_to_test(backend, wanted)
        body = str(wanted.get("payload") or '{"test": true}').encode()
        delivery = Delivery(backend.account.ulid(), "test", None, hook, body, backend.now())
        backend.registry.sender.send(delivery)
        backend.registry.sender.wait_for(delivery, TEST_TIMEOUT)
        return _tested(delivery)


def _hook_to_test(backend: Backend, wanted: dict[str, Any]) -> Hook:
    """An existing webhook tests with its own secret, one that does not exist yet with the public one."""
    if webhook_id := request.args.get("webhook_id"):
        return _webhook(backend, webhook_id).hook
    if not wanted.get("endpoint"):
        raise errors.bad_request("request.endpoint is missing")
    return Hook("", wanted["endpoint"], TEST_SECRET, (CONDITIONAL,), wanted.get("http_method", "POST"))


def _tested(delivery: Delivery) -> Response:
    if not delivery.attempts:
        raise errors.error(504, "GatewayTimeout", "The endpoint did not answer in time")
    attempt = delivery.attempts[-1]
    headers = [{"key": key, "value": value} for key, value in attempt.headers.items()]
    shown = {"status": attempt.status or 504, "headers": headers, "payload": attempt.body}
    return make_response(jsonify(response=shown), 200)


def _history(face: Blueprint, backend: Backend) -> None:
    def sent(webhook_id: str) -> list[Delivery]:
        hook = _webhook(backend, webhook_id).hook
        return [each for each in backend.registry.sender.deliveries if each.hook is hook and each.attempts]

    @face.get("/webhooks/<webhook_id>/invocations")
    def invocations_list(webhook_id: str) -> dict[str, Any]:
        return by_cursor("invocations", sent(webhook_id), _invocation)

    @face.get("/webhooks/<webhook_id>/invocations/<invocation_id>/attempts")
    def attempts_list(webhook_id: str, invocation_id: str) -> dict[str, Any]:
        found = [each for each in sent(webhook_id) if each.id == invocation_id]
        if not found:
            raise errors.not_found()
        rows = [render_attempt(each, index) for each in found for index in range(len(each.attempts))]
        return {"attempts": rows}


def _invocation(delivery: Delivery) -> dict[str, Any]:
    last = delivery.attempts[-1]
    return {
        "id": delivery.id,
        "status": "success" if last.delivered else "failed",
        "status_code": last.status or 504,
        "latest_completed_at": event_time(last.at),
    }
