"""Every call of the Intercom adapter, and every answer of the sandbox, held against Intercom's own description."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from adapters.intercom import IntercomDesk
from bridge.errors import BadCredential, NotThere
from bridge.model import NOBODY, Change, Priority, Status, TicketRef
from sandbox.common import Running, start
from sandbox.intercom import ACCESS_TOKEN, IntercomSandbox
from tests.adapters.intercom import Gate, options
from tests.intercom_spec import Exchange, IntercomSpec, intercom_spec

EVERY_CALL = {
    ("GET", "/me"),
    ("GET", "/admins"),
    ("GET", "/teams"),
    ("GET", "/tags"),
    ("POST", "/tags"),
    ("GET", "/ticket_states"),
    ("GET", "/articles"),
    ("GET", "/contacts/{id}"),
    ("GET", "/contacts/{id}/companies"),
    ("POST", "/conversations/{id}/parts"),
    *((method, f"/{kind}/{{id}}") for kind in ("conversations", "tickets") for method in ("GET", "PUT")),
    *(("POST", f"/{kind}/{what}") for kind in ("conversations", "tickets") for what in ("search", "{id}/reply")),
    *(("POST", f"/{kind}/{{id}}/tags") for kind in ("conversations", "tickets")),
    *(("DELETE", f"/{kind}/{{id}}/tags/{{tag}}") for kind in ("conversations", "tickets")),
}
"""Every kind of call that the adapter can make."""

CHANGES = (
    Change(team_id="5017690", assignee_id="9002", priority=Priority.URGENT, type="Incident", note="<p>Triage</p>"),
    Change(add_tags=frozenset({"vip", "billing"}), fields={"intent": "invoice"}),
    Change(remove_tags=frozenset({"vip"}), status=Status.PENDING),
    Change(assignee_id=NOBODY, priority=Priority.NONE),
    Change(status=Status.CLOSED),
    Change(status=Status.OPEN, assignee_id="9003"),
)
"""What is done to a conversation and to a ticket, one change after the other."""


@dataclass
class Recorder(httpx.BaseTransport):
    """The real network, with every exchange kept."""

    kept: list[Exchange] = field(default_factory=list)
    network: httpx.HTTPTransport = field(default_factory=httpx.HTTPTransport)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and keep both sides."""
        answer = self.network.handle_request(request)
        answer.read()
        sent = (request.method, str(request.url), dict(request.headers), request.read())
        self.kept.append(Exchange(*sent, answer.status_code, answer.content))
        return answer

    def close(self) -> None:
        """Give back the connections."""
        self.network.close()


class Drive:
    """Everything the port offers, done once to a conversation and once to a ticket at the sandbox."""

    def __init__(self, sandbox: Running) -> None:
        self.sandbox, self.gate, self.recorder = sandbox, Gate(), Recorder()
        self.desk = self.connected()

    def connected(self, **more: Any) -> IntercomDesk:
        """A desk whose exchanges are kept."""
        names = {"priority_attribute": "priority", "type_attribute": "issue_type", "admin_id": None}
        settings = options(**{"url": self.sandbox.url, "access_token": ACCESS_TOKEN, **names, **more})
        clock = lambda: datetime.now(UTC)  # noqa: E731  # the sandbox runs on the real clock too
        return IntercomDesk("acme", settings, gate=self.gate, clock=clock, transport=self.recorder)

    def run(self) -> None:
        """Every method, those that fail included."""
        refs = [self.conversation(), self.ticket()]
        for ref in refs:
            for change in CHANGES:
                self.write(ref, change)
        requester = self.desk.fetch(refs[0]).requester
        assert requester is not None
        assert self.desk.requester(requester.id).organisation is not None
        assert {summary.ref for summary in self.desk.history(requester.id, 5)} == set(refs)
        self.reconcile(refs)
        self.desk.roster()
        self.read_help()
        for ref in (TicketRef("acme", "conversation:999999999"), TicketRef("acme", "ticket:999999999")):
            with pytest.raises(NotThere):
                self.desk.fetch(ref)
        stranger = self.connected(access_token="not-this-one")
        with pytest.raises(BadCredential):
            stranger.roster()
        stranger.close()

    def write(self, ref: TicketRef, change: Change) -> None:
        """Plan, perform and find again."""
        operation = self.desk.plan("01K8ZZZZZZZZZZZZZZZZZZZZ01", change, self.desk.fetch(ref))
        assert operation.steps
        seen = None
        for step in operation.steps:
            seen = self.desk.perform(step, seen).seen
        for step in operation.steps:
            assert self.desk.find(step), f"{step.name} is not to be found at {ref}"

    def reconcile(self, refs: list[TicketRef]) -> None:
        """One sweep from an hour ago."""
        met, cursor, more = set(), None, True
        while more:
            page = self.desk.changed_since(cursor, start=datetime.now(UTC) - timedelta(hours=1))
            met |= {ticket.ref for ticket in page.tickets}
            cursor, more = page.cursor, page.more
        assert met == set(refs)

    def read_help(self) -> None:
        """Every page of the help centre, of which there are two."""
        for number in range(60):
            self.sandbox.desk.help_center.write({"title": f"Article {number}", "body": "<p>Words.</p>"})
        first = self.desk.articles(None)
        assert first.cursor is not None
        assert self.desk.articles(first.cursor).cursor is None

    def conversation(self) -> TicketRef:
        """A customer writes."""
        written = {"email": "ada@globex.example", "subject": "Empty invoice", "body": "The PDF is empty."}
        answer = httpx.post(f"{self.sandbox.url}/_sandbox/customers/write", json=written)
        return TicketRef("acme", answer.json()["ticket"])

    def ticket(self) -> TicketRef:
        """Somebody makes a ticket for the same customer through the API."""
        head = {"Authorization": f"Bearer {ACCESS_TOKEN}", "Intercom-Version": "2.16"}
        kinds = httpx.get(f"{self.sandbox.url}/ticket_types", headers=head).json()["data"]
        made = {
            "ticket_type_id": kinds[0]["id"],
            "contacts": [{"email": "ada@globex.example"}],
            "ticket_attributes": {"_default_title_": "Broken export", "_default_description_": "The CSV is empty."},
        }
        answer = httpx.post(f"{self.sandbox.url}/tickets", json=made, headers=head)
        return TicketRef("acme", f"ticket:{answer.json()['id']}")


@pytest.fixture(scope="module")
def drive() -> Iterator[Drive]:
    with start(IntercomSandbox()) as sandbox:
        drive = Drive(sandbox)
        try:
            drive.run()
            yield drive
        finally:
            drive.desk.close()


@pytest.fixture
def spec() -> IntercomSpec:
    return intercom_spec()


def test_every_request_and_every_answer_is_as_intercom_describes_it(drive: Drive, spec: IntercomSpec) -> None:
    assert [fault for exchange in drive.recorder.kept for fault in spec.faults(exchange)] == []


def test_the_drive_leaves_out_no_kind_of_call(drive: Drive) -> None:
    assert {(call.method, call.route) for call in drive.gate.calls} == EVERY_CALL


GOOD = Exchange(
    "POST",
    "https://api.intercom.io/conversations/215470/parts",
    {"Intercom-Version": "2.16"},
    b'{"message_type":"close","type":"admin","admin_id":"9001"}',
    200,
    b'{"type":"conversation","id":"215470"}',
)


def test_a_good_exchange_has_no_fault(spec: IntercomSpec) -> None:
    assert spec.faults(GOOD) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "https://api.intercom.io/conversations/215470/party"}, "no such call"),
        ({"url": GOOD.url + "?display=plain"}, "parameter display"),
        ({"headers": {}}, "Intercom-Version"),
        ({"headers": {"Intercom-Version": "9.9"}}, "Intercom-Version"),
        ({"body": b""}, "no body"),
        ({"body": b'{"message_type":"close","type":"admin","admin_id":9001}'}, "request"),
        ({"body": b'{"message_type":"close","type":"admin"}'}, "request"),
        ({"body": b'{"message_type":"close","type":"admin","admin_id":"9001","assigneeid":"1"}'}, "assigneeid"),
        ({"reply": b'{"type":"conversation","id":215470}'}, "215470"),
        ({"status": 418}, "does not declare"),
        ({"status": 404, "reply": b'{"message":"gone"}'}, "reply"),
    ],
)
def test_the_description_finds_what_is_wrong(spec: IntercomSpec, wrong: dict[str, Any], words: str) -> None:
    assert words in " ".join(spec.faults(replace(GOOD, **wrong)))


def test_a_ticket_is_updated_by_an_admin_who_is_a_number(spec: IntercomSpec) -> None:
    update = replace(GOOD, method="PUT", url="https://api.intercom.io/tickets/215481", reply=b'{"type":"ticket"}')
    numbered, worded = ({"admin_id": admin, "assignee_id": "9002"} for admin in (9001, "9001"))
    assert spec.faults(replace(update, body=json.dumps(numbered).encode())) == []
    assert spec.faults(replace(update, body=json.dumps(worded).encode())) != []
