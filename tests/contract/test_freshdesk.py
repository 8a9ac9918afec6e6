"""Freshdesk keeps the desk contract."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from adapters.freshdesk import FreshdeskDesk, FreshdeskOptions
from bridge.model import EventKind, RawDelivery
from bridge.ports import Clock, Gate
from sandbox.common import start
from sandbox.freshdesk import API_KEY, FreshdeskSandbox
from tests.contract.desk_contract import DeskContract
from tests.contract.sink import Sink
from tests.contract.world import Running, TurnableClock, World

PATH_SECRET = "a-path-nobody-can-guess"
HEADER = "x-deskbridge-secret"


class TestFreshdesk(DeskContract):
    vendor: ClassVar[str] = "freshdesk"
    write_calls_expected: ClassVar[int] = 2
    field: ClassVar[tuple[str, object]] = ("cf_triage", "billing")
    unknown_body: ClassVar[bytes] = b'{"v":1,"ticket_id":"","triggered_event":"{moon:{from:new,to:full}}"}'
    raw_high: ClassVar[object] = 3
    reply_kind: ClassVar[EventKind] = EventKind.TICKET_CHANGED
    ticket_type: ClassVar[str | None] = "Incident"

    def start_sandbox(self, clock: TurnableClock) -> Running:
        return start(FreshdeskSandbox(clock=clock.unix))

    def desk_at(
        self, url: str, *, secrets: Sequence[str], gate: Gate, clock: Clock, good_credential: bool = True
    ) -> FreshdeskDesk:
        key = API_KEY if good_credential else "a-key-of-nobody"
        settings = {"url": url, "api_key": key, "webhook_secrets": secrets, "path_secrets": [PATH_SECRET]}
        return FreshdeskDesk("acme-freshdesk", FreshdeskOptions.model_validate(settings), gate=gate, clock=clock)

    def register_webhook(self, sandbox: Running, sink: Sink, world: World) -> str:
        return str(world.control("POST", "/webhooks", {"url": f"{sink.url}/{PATH_SECRET}"})["secret"])

    def sign(self, body: bytes, secret: str, at: datetime) -> RawDelivery:
        return RawDelivery("POST", {"content-type": "application/json", HEADER: secret}, body, at, PATH_SECRET)

    def tampered(self, raw: RawDelivery) -> RawDelivery:
        """Freshdesk signs no body: what it carries of ours are the two secrets, here the one in the path."""
        return replace(raw, secret_path=f"{PATH_SECRET[:-1]}_")
