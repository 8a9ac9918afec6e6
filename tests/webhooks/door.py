"""The web face of a real bridge with one desk of each vendor, and deliveries as those vendors sign them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from werkzeug.test import Client, TestResponse

from bridge.store import casebook
from deskbridge.cli import init
from deskbridge.wiring import Bridge, read_settings
from tests.conftest import Clock
from tests.wsgi import as_wsgi

SECRETS = {
    "ZENDESK_WEBHOOK_SECRET": "planted-zendesk-signing-secret",
    "ZENDESK_CLIENT_SECRET": "planted-zendesk-client-secret",
    "FRESHDESK_WEBHOOK_SECRET": "planted-freshdesk-header",
    "FRESHDESK_PATH_SECRET": "planted-freshdesk-path",
    "FRESHDESK_API_KEY": "planted-freshdesk-key",
    "INTERCOM_CLIENT_SECRET": "planted-intercom-secret",
    "INTERCOM_ACCESS_TOKEN": "planted-intercom-token",
}
NOWHERE = {f"{vendor}_URL": "http://127.0.0.1:1" for vendor in ("ZENDESK", "FRESHDESK", "INTERCOM")}
"""No desk is called here; port 1 refuses at once."""

VENDORS = ("zendesk", "freshdesk", "intercom")
PATHS = {
    "zendesk": "/hooks/acme-zendesk",
    "freshdesk": f"/hooks/acme-freshdesk/{SECRETS['FRESHDESK_PATH_SECRET']}",
    "intercom": "/hooks/acme-intercom",
}
GENUINE: dict[str, dict[str, Any]] = {
    "zendesk": {
        "type": "zen:event-type:ticket.status_changed",
        "id": "01HE0000000000000000000001",
        "time": "2026-11-03T09:00:00Z",
        "subject": "zen:ticket:4711",
        "detail": {
            "id": "4711",
            "requester_id": "7",
            "actor_id": "9",
            "status": "OPEN",
            "subject": "Where is it?",
            "updated_at": "2026-11-03T09:00:00Z",
            "tags": ["planted-tag"],
        },
        "event": {"current": "OPEN", "previous": "NEW", "meta": {"version": "1.0", "sequence": {"id": "s"}}},
    },
    "freshdesk": {"ticket_id": 4711, "triggered_event": "{status:{from:2,to:3}}"},
    "intercom": {
        "type": "notification_event",
        "app_id": "app",
        "id": "notif_1",
        "topic": "conversation.admin.closed",
        "created_at": 1793696400,
        "data": {
            "type": "notification_event_data",
            "item": {"type": "conversation", "id": "4711", "state": "closed", "created_at": 1793696000},
        },
    },
}
"""A delivery of each vendor that concerns ticket 4711 and needs no call to be read."""


class Door:
    """The app behind werkzeug's test client, and the bridge it belongs to."""

    def __init__(self, folder: Path, clock: Clock, more: str = "", listen: str = "127.0.0.1:0") -> None:
        """`more` is added to the settings file."""
        init.write(folder)
        config = folder / "deskbridge.yaml"
        config.write_text(config.read_text("utf-8") + more, "utf-8")
        settings = read_settings(config, SECRETS | NOWHERE | {"DESKBRIDGE_LISTEN": listen})
        self.clock = clock
        self.bridge = Bridge(settings, clock=clock)
        self.bridge.store.migrate()
        self.app, self.intake = self.bridge.web()
        self.client = Client(as_wsgi(self.app))

    def close(self) -> None:
        self.intake.close()
        self.bridge.close()

    def post(self, vendor: str, body: Any, path: str | None = None, **headers: str) -> TestResponse:
        """Deliver a body, signed as the vendor does; `headers` replace those of the signature."""
        raw = as_bytes(body)
        given = signed(vendor, raw, self.clock.now) | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path or PATHS[vendor], data=raw, headers=given)

    def kept(self) -> list[casebook.Entry]:
        """Everything in the inbox, oldest first."""
        with self.bridge.store.reading() as connection:
            return casebook.entries(connection, states=casebook.STATES)[::-1]


def as_bytes(body: Any) -> bytes:
    """A body as it goes over the wire: bytes as they are, anything else as JSON."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def signed(vendor: str, body: bytes, at: datetime) -> dict[str, str]:
    """The headers with which a vendor proves that a body is its own."""
    return {"Content-Type": "application/json", **_PROOFS[vendor](body, at)}


def _zendesk(body: bytes, at: datetime) -> Mapping[str, str]:
    stamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    secret = SECRETS["ZENDESK_WEBHOOK_SECRET"].encode()
    digest = base64.b64encode(hmac.new(secret, stamp.encode() + body, hashlib.sha256).digest()).decode()
    return {"X-Zendesk-Webhook-Signature": digest, "X-Zendesk-Webhook-Signature-Timestamp": stamp}


def _freshdesk(body: bytes, at: datetime) -> Mapping[str, str]:
    del body, at
    return {"X-Deskbridge-Secret": SECRETS["FRESHDESK_WEBHOOK_SECRET"]}


def _intercom(body: bytes, at: datetime) -> Mapping[str, str]:
    del at
    digest = hmac.new(SECRETS["INTERCOM_CLIENT_SECRET"].encode(), body, hashlib.sha1).hexdigest()
    return {"X-Hub-Signature": f"sha1={digest}"}


_PROOFS = {"zendesk": _zendesk, "freshdesk": _freshdesk, "intercom": _intercom}

STALE = timedelta(minutes=6)
