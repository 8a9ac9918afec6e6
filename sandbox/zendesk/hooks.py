"""Zendesk's webhooks and triggers: who subscribed, what is sent, how it is signed, when it is tried again.

Facts: Zendesk's webhook reference (two exclusive connection methods, headers, retry rules) and its signature page.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.common import Delivery, Hook, Sender
from sandbox.zendesk import errors, events
from sandbox.zendesk.engine import Act
from sandbox.zendesk.state import ACCOUNT_ID, Account
from sandbox.zendesk.times import event_time, stamp
from sandbox.zendesk.triggers import Trigger, fill, meets

CONDITIONAL = "conditional_ticket_events"
TEST_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # noqa: S105 - public, printed in Zendesk's docs
"""Signs the tests of webhooks that do not exist yet; anyone knows it."""

RETRY_PAUSE = 1.0
"""Seconds before a retry for which no Retry-After was given; Zendesk documents none [assumed]."""

RETRIES = {409: 3, 429: 5, 503: 5, "timeout": 5}
"""How often each outcome is tried again; for 429 and 503 no number is documented [assumed]."""

LONGEST_RETRY_AFTER = 60


@dataclass(eq=False)
class Webhook:
    """One webhook as its API shows it, and the hook the sender uses."""

    hook: Hook
    fields: dict[str, Any]
    created_at: float
    updated_at: float

    @property
    def active(self) -> bool:
        """Inactive webhooks get nothing."""
        return bool(self.fields["status"] == "active")

    def wants(self, topic: str) -> bool:
        """True where this webhook subscribed to the topic."""
        return self.active and topic in self.fields["subscriptions"]


@dataclass
class Registry:
    """All webhooks and triggers; guarded by the lock of the desk."""

    account: Account
    sender: Sender
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    triggers: dict[int, Trigger] = field(default_factory=dict)
    automations: dict[int, Trigger] = field(default_factory=dict)
    """Kept and never played: the sandbox has no hour that passes."""

    def add(self, given: dict[str, Any], now: float, secret: str | None = None) -> Webhook:
        """Register a webhook from its API body. Raises Refusal."""
        fields = read_webhook(given)
        hook = Hook(self.account.ulid(), fields["endpoint"], secret or self.new_secret())
        webhook = Webhook(hook, fields, now, now)
        self.webhooks[hook.id] = webhook
        _apply(webhook)
        return webhook

    def replace(self, webhook: Webhook, given: dict[str, Any], now: float) -> None:
        """Put new fields in place of the old ones. Raises Refusal."""
        fields = read_webhook(given)
        if (CONDITIONAL in fields["subscriptions"]) != (CONDITIONAL in webhook.fields["subscriptions"]):
            raise errors.bad_request("A webhook's connection method cannot be changed")
        webhook.fields, webhook.updated_at = fields, now
        _apply(webhook)

    def new_secret(self) -> str:
        """A signing secret: base64 text, used as text."""
        return base64.b64encode(self.account.chance.randbytes(32)).decode()

    def publish(self, happened: list[events.Event], now: float) -> None:
        """Send every event to every webhook that subscribed to it."""
        for event in happened:
            body: bytes | None = None
            for webhook in self.webhooks.values():
                if webhook.wants(event.topic):
                    body = body or json.dumps(event.envelope).encode()
                    self.sender.send(Delivery(self.account.ulid(), event.topic, event.ticket, webhook.hook, body, now))

    def fire(self, act: Act, now: float) -> None:
        """Run every active trigger on an action."""
        for trigger in sorted(self.triggers.values(), key=lambda each: each.fields["position"]):
            if trigger.fields["active"] and meets(trigger.fields["conditions"], act):
                for webhook, template in self._notifications(trigger):
                    body = fill(template, self.account, act.ticket, act.actor).encode()
                    delivery = Delivery(self.account.ulid(), CONDITIONAL, str(act.ticket.id), webhook.hook, body, now)
                    self.sender.send(delivery)

    def _notifications(self, trigger: Trigger) -> list[tuple[Webhook, str]]:
        values = [row["value"] for row in trigger.fields["actions"] if row["field"] == "notification_webhook"]
        found = [(self.webhooks.get(target), template) for target, template in values]
        return [(webhook, template) for webhook, template in found if webhook and webhook.wants(CONDITIONAL)]


def sign(delivery: Delivery, now: float) -> tuple[dict[str, str], bytes]:
    """Headers and body of an attempt; the timestamp is renewed on retries, the invocation id stays [assumed]."""
    moment = stamp(now)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Zendesk Webhook",
        "X-Zendesk-Account-Id": str(ACCOUNT_ID),
        "X-Zendesk-Webhook-Id": delivery.hook.id,
        "X-Zendesk-Webhook-Invocation-Id": delivery.id,
        "X-Zendesk-Webhook-Signature": signature(delivery.hook.secret, moment, delivery.payload),
        "X-Zendesk-Webhook-Signature-Timestamp": moment,
    }
    return headers, delivery.payload


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """base64(HMAC-SHA256(secret as text, timestamp + body)), nothing between the two."""
    digest = hmac.digest(secret.encode(), timestamp.encode() + body, hashlib.sha256)
    return base64.b64encode(digest).decode()


def retry_delay(delivery: Delivery) -> float | None:
    """409 three times, time-outs five times, 429 and 503 only with a Retry-After below 60 seconds, else never."""
    last = delivery.attempts[-1]
    outcome = last.error or last.status
    tried = sum(1 for attempt in delivery.attempts if (attempt.error or attempt.status) == outcome)
    if tried > RETRIES.get(outcome or 0, 0):
        return None
    if outcome in {429, 503}:
        return last.retry_after if last.retry_after is not None and last.retry_after < LONGEST_RETRY_AFTER else None
    return RETRY_PAUSE


def read_webhook(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a webhook from its API body, with defaults. Raises Refusal."""
    missing = [name for name in ("name", "endpoint", "http_method", "request_format") if not given.get(name)]
    if missing:
        raise errors.bad_request(f"Missing: {', '.join(missing)}")
    subscriptions = given.get("subscriptions") or []
    if CONDITIONAL in subscriptions and len(subscriptions) > 1:
        raise errors.bad_request(f"{CONDITIONAL} cannot be combined with event subscriptions")
    events_only = subscriptions and CONDITIONAL not in subscriptions
    if events_only and (given["http_method"], given["request_format"]) != ("POST", "json"):
        raise errors.bad_request("Event subscriptions need http_method POST and request_format json")
    return {
        "name": given["name"],
        "description": given.get("description"),
        "status": given.get("status") or "active",
        "endpoint": given["endpoint"],
        "http_method": given["http_method"],
        "request_format": given["request_format"],
        "subscriptions": list(subscriptions),
        "authentication": given.get("authentication"),
        "custom_headers": given.get("custom_headers"),
    }


def _apply(webhook: Webhook) -> None:
    hook, fields = webhook.hook, webhook.fields
    hook.url, hook.method, hook.topics = fields["endpoint"], fields["http_method"], tuple(fields["subscriptions"])
    hook.headers = dict(fields["custom_headers"] or {}) | _authentication(fields["authentication"] or {})


def _authentication(given: dict[str, Any]) -> dict[str, str]:
    data = given.get("data") or {}
    match given.get("type"):
        case "bearer_token":
            return {"Authorization": f"Bearer {data.get('token')}"}
        case "basic_auth":
            pair = f"{data.get('username')}:{data.get('password')}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        case "api_key":
            return {str(data.get("name")): str(data.get("value"))}
    return {}


def render_attempt(delivery: Delivery, index: int) -> dict[str, Any]:
    """One attempt as the invocation history shows it; a time-out counts as 504."""
    attempt = delivery.attempts[index]
    code = attempt.status or 504
    return {
        "id": f"{delivery.id}-{index + 1}",
        "invocation_id": delivery.id,
        "status": "success" if attempt.delivered else "failed",
        "status_code": code,
        "completed_at": event_time(attempt.at),
        "request": {
            "headers": [{"key": key, "value": value} for key, value in attempt.request_headers.items()],
            "payload": delivery.payload.decode("utf-8", "replace"),
        },
        "response": {
            "headers": [{"key": key, "value": value} for key, value in attempt.headers.items()],
            "payload": attempt.body,
        },
    }
