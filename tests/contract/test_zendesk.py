"""Zendesk keeps the desk contract, against its sandbox."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from adapters.zendesk import ZendeskDesk, ZendeskOptions
from bridge.errors import Conflict
from bridge.model import Change, RawDelivery, Receipt, TicketRef
from bridge.ports import Capability, Clock, Gate
from sandbox.common import start
from sandbox.zendesk import CLIENT_ID, CLIENT_SECRET, ZendeskSandbox
from tests.contract.desk_contract import NOTE, DeskContract
from tests.contract.world import Running, TurnableClock, World


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

    # Bulk calls, which only Zendesk has -------------------------------------------------------------------------------

    def test_a_job_writes_each_ticket_under_its_own_lock_and_leaves_each_its_mark(self, world: World) -> None:
        desk = self.bulk_desk(world)
        refs = [world.customer_writes(subject=f"Ticket {n}") for n in range(3)]
        steps = [world.plan(Change(add_tags=frozenset({"vip"}), note=NOTE), desk.fetch(ref)).steps[0] for ref in refs]
        world.human_edits(refs[1], add_tags=["by_a_human"])
        job = desk.submit(steps)
        assert desk.outcomes(job, steps) is None
        world.clock.later(1)
        told = desk.outcomes(job, steps)
        assert told is not None
        assert [type(each) for each in told] == [Receipt, Conflict, Receipt]
        assert [desk.find(step) is not None for step in steps] == [True, False, True]
        assert [set(world.at_desk(ref)["tags"]) for ref in refs] == [{"vip"}, {"by_a_human"}, {"vip"}]

    def test_a_rehearsal_is_refused_by_the_lock_and_changes_nothing(self, world: World, ref: TicketRef) -> None:
        desk = self.bulk_desk(world)
        steps, before = [desk.rehearsal(ref)], world.state()["writes"]
        job = desk.submit(steps)
        world.clock.later(1)
        told = desk.outcomes(job, steps)
        assert told is not None
        assert [type(each) for each in told] == [Conflict]
        assert world.state()["writes"] == before

    def bulk_desk(self, world: World) -> ZendeskDesk:
        assert isinstance(world.desk, ZendeskDesk)
        assert Capability.BULK in world.desk.can
        return world.desk
