"""Zendesk keeps the desk contract, against its sandbox."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from adapters.zendesk import ZendeskDesk, ZendeskOptions
from bridge.model import RawDelivery
from bridge.ports import Clock, Gate
from sandbox.common import start
from sandbox.zendesk import CLIENT_ID, CLIENT_SECRET, ZendeskSandbox
from tests.contract.desk_contract import DeskContract
from tests.contract.world import Running, TurnableClock


class TestZendesk(DeskContract):
    vendor: ClassVar[str] = "zendesk"
    write_calls_expected: ClassVar[int] = 1
    ticket_type: ClassVar[str | None] = "incident"
    field: ClassVar[tuple[str, object]] = ("Triage category", "invoice")
    unknown_body: ClassVar[bytes] = (
        b'{"account_id":1,"id":"6f0f4f0e","subject":"zen:ticket:1","time":"2026-11-03T09:14:27Z",'
        b'"type":"zen:event-type:ticket.teleported","detail":{"id":"1"},"event":{}}'
    )

    def start_sandbox(self, clock: TurnableClock) -> Running:
        self.sandbox = ZendeskSandbox(clock=clock.unix)
        return start(self.sandbox)

    def field_key(self) -> str:
        """Zendesk knows custom fields by their ids."""
        return next(str(field.id) for field in self.sandbox.state.fields.values() if field.title == self.field[0])

    def desk_at(
        self, url: str, *, secrets: Sequence[str], gate: Gate, clock: Clock, good_credential: bool = True
    ) -> ZendeskDesk:
        client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET if good_credential else "not-this-one"}
        options = ZendeskOptions.model_validate(
            {"url": url, "credentials": client, "webhook_secrets": list(secrets), "timeout": 5.0}
        )
        return ZendeskDesk("acme-zendesk", options, gate=gate, clock=clock)

    def sign(self, body: bytes, secret: str, at: datetime) -> RawDelivery:
        timestamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
        headers = {
            "x-zendesk-webhook-signature": base64.b64encode(digest).decode(),
            "x-zendesk-webhook-signature-timestamp": timestamp,
            "content-type": "application/json; charset=utf-8",
        }
        return RawDelivery("POST", headers, body, at)
