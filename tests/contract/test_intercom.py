"""Intercom keeps the desk contract, against its sandbox."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from adapters.intercom import IntercomDesk, IntercomOptions
from bridge.model import RawDelivery
from bridge.ports import Clock, Gate
from sandbox.common import start
from sandbox.intercom import ACCESS_TOKEN, IntercomSandbox
from tests.contract.desk_contract import DeskContract
from tests.contract.world import Running, TurnableClock


class TestIntercom(DeskContract):
    vendor: ClassVar[str] = "intercom"
    write_calls_expected: ClassVar[int] = 6  # team, admin, attributes, two tags, the note
    field: ClassVar[tuple[str, object]] = ("intent", "invoice")
    ticket_type: ClassVar[str | None] = "Incident"
    missing_id: ClassVar[str] = "conversation:999999999"
    unknown_body: ClassVar[bytes] = (
        b'{"type":"notification_event","app_id":"ab12cd34","id":"notif_1","topic":"conversation.admin.teleported",'
        b'"created_at":1793697267,"data":{"type":"notification_event_data","item":{"type":"conversation","id":"1"}}}'
    )

    def start_sandbox(self, clock: TurnableClock) -> Running:
        sandbox = IntercomSandbox(clock=clock.unix)
        for name in ("billing", "vip"):
            # A tag that the workspace lacks costs a call more, once; test_intercom_writing covers it.
            sandbox.space.tag_named(name)
        return start(sandbox)

    def desk_at(
        self, url: str, *, secrets: Sequence[str], gate: Gate, clock: Clock, good_credential: bool = True
    ) -> IntercomDesk:
        options = IntercomOptions.model_validate(
            {
                "url": url,
                "access_token": ACCESS_TOKEN if good_credential else "not-this-one",
                "webhook_secrets": list(secrets),
                "priority_attribute": "priority",
                "type_attribute": "issue_type",
            }
        )
        return IntercomDesk("acme-intercom", options, gate=gate, clock=clock)

    def sign(self, body: bytes, secret: str, at: datetime) -> RawDelivery:
        signature = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
        return RawDelivery("POST", {"x-hub-signature": f"sha1={signature}"}, body, at)
