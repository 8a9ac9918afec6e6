"""What only Freshdesk does, at its sandbox over real HTTP: its rules' own layouts, long talks, keys with few rights."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from adapters.freshdesk import FreshdeskDesk
from bridge.errors import Permanent
from bridge.model import ActorKind, AgentStatus, Change, EventKind, Status, TicketRef
from sandbox.common import start
from sandbox.freshdesk import AGENT_KEY, API_KEY, FreshdeskSandbox
from tests.adapters.freshdesk_wire import HEADER_SECRET, NOW, PATH_SECRET, OpenGate, options
from tests.contract.sink import Sink

EVERY_TICKET = {"resource_type": "ticket", "field_name": "priority", "operator": "in", "value": [1, 2, 3, 4]}


class Acme:
    """One running account and a desk connected to it."""

    def __init__(self, url: str, desk: FreshdeskDesk) -> None:
        self.url, self.desk = url, desk

    def control(self, path: str, **body: Any) -> Any:
        """One act at the control face."""
        request = urllib.request.Request(f"{self.url}/_sandbox{path}", data=json.dumps(body).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def customer_writes(self, body: str, **more: Any) -> TicketRef:
        """A customer opens a ticket or replies."""
        written = self.control("/customers/write", email="ada@globex.example", body=body, **more)
        return TicketRef(self.desk.name, written["ticket"])

    def add_rule(self, content_layout: str, content: dict[str, str], url: str) -> None:
        """What an admin sets up by hand: a webhook for every new ticket."""
        action = {
            "field_name": "trigger_webhook",
            "request_type": "POST",
            "url": f"{url}/{PATH_SECRET}",
            "content_type": "JSON",
            "content_layout": content_layout,
            "custom_headers": {"X-Deskbridge-Secret": HEADER_SECRET},
            "content": content,
        }
        condition = {"name": "condition_set_1", "match_type": "any", "properties": [EVERY_TICKET]}
        rule = {"name": "tell the bridge", "conditions": [condition], "actions": [action]}
        answer = httpx.post(f"{self.url}/api/v2/automations/1/rules", auth=(API_KEY, "X"), json=rule)
        assert answer.status_code in {200, 201}, answer.text


@contextmanager
def acme(*, api_key: str = API_KEY, status_map: dict[int, Status] | None = None, **account: Any) -> Iterator[Acme]:
    """An account with these settings."""
    running = start(FreshdeskSandbox(clock=NOW.timestamp, **account))
    settings = options(url=running.url, api_key=api_key, status_map=status_map or {})
    desk = FreshdeskDesk("acme-freshdesk", settings, gate=OpenGate(), clock=lambda: NOW)
    try:
        yield Acme(running.url, desk)
    finally:
        desk.close()
        running.stop()


@pytest.mark.parametrize(
    ("layout", "content"),
    [
        ("1", {"ticket_id": "{{ticket.id}}", "ticket_subject": "{{ticket.subject}}", "e": "{{ticket.status}}"}),
        ("2", {"ticket_id": "{{ticket.id}}", "subject": "{{ticket.subject}}", "t": "{{ticket.description}}"}),
    ],
)
def test_a_ticket_is_found_in_either_layout_whatever_its_subject_holds(layout: str, content: dict[str, str]) -> None:
    with acme() as account, Sink(lambda: NOW) as sink:
        account.add_rule(layout, content | {"triggered_event": "{{triggered_event}}"}, sink.url)
        ref = account.customer_writes('It said "no"\nand\tdied \\', subject='My "quoted" subject \\ here')
        (event,) = account.desk.read(account.desk.verify(sink.take()))
    assert (event.ticket, event.kind) == (ref, EventKind.TICKET_CREATED)


@pytest.mark.parametrize("replies", [9, 10, 30, 31, 60])
def test_the_newest_words_of_a_long_talk_are_read(replies: int) -> None:
    with acme() as account:
        ref = account.customer_writes("The beginning.")
        for number in range(replies):
            account.customer_writes(f"Reply {number}.", ticket=ref.id)
        messages = account.desk.fetch(ref).messages
    assert [message.text for message in messages] == ["The beginning.", *(f"Reply {n}." for n in range(replies))]
    assert {message.author.kind for message in messages} == {ActorKind.REQUESTER}


def test_an_agents_key_sees_itself_and_still_writes() -> None:
    with acme(api_key=AGENT_KEY) as account:
        ref = account.customer_writes("Hello.")
        roster = account.desk.roster()
        for step in account.desk.plan("01K8OP", Change(add_tags=frozenset({"seen"})), account.desk.fetch(ref)).steps:
            account.desk.perform(step, None)
        assert account.desk.fetch(ref).tags == {"seen"}
    (me,) = roster.agents
    assert (me.id, me.email, me.inferred) == (roster.acting_id, "ana@acme.example", True)
    assert me.status in {AgentStatus.ONLINE, AgentStatus.AWAY}
    assert roster.teams == ()


def test_a_group_whose_tickets_freshdesk_assigns_is_known() -> None:
    with acme(auto_assign={"Billing": 3}) as account:
        teams = {team.name: team.self_assigning for team in account.desk.roster().teams}
    assert "load" in (teams.pop("Billing") or "")
    assert set(teams.values()) == {None}


def test_an_accounts_own_status_is_read_and_written_by_its_number() -> None:
    with acme(statuses={12: "Bei der Technik"}, status_map={7: Status.OPEN, 12: Status.ON_HOLD}) as account:
        ref = account.customer_writes("Hello.")
        for step in account.desk.plan("01K8OP", Change(status=Status.ON_HOLD), account.desk.fetch(ref)).steps:
            account.desk.perform(step, None)
        ticket = account.desk.fetch(ref)
    assert (ticket.status, ticket.status_raw) == (Status.ON_HOLD, "12")


def test_a_field_that_the_account_lacks_is_told_by_its_name() -> None:
    with acme() as account:
        ref = account.customer_writes("Hello.")
        (step,) = account.desk.plan("01K8OP", Change(fields={"cf_moon": "planted"}), account.desk.fetch(ref)).steps
        with pytest.raises(Permanent, match="cf_moon") as raised:
            account.desk.perform(step, None)
    assert "planted" not in str(raised.value)
    assert "invalid_field" in raised.value.words


def test_a_company_is_read_with_its_own_fields() -> None:
    with acme() as account:
        requester = account.desk.fetch(account.customer_writes("Hello.")).requester
        assert requester is not None
        organisation = account.desk.requester(requester.id).organisation
    assert organisation is not None
    assert organisation.fields["tier"] == "enterprise"


def test_every_ticket_is_found_by_polling_also_where_all_share_one_second() -> None:
    with acme(plan="bought-2000") as account:
        written = {account.customer_writes(f"Ticket {number}.") for number in range(230)}
        found, cursor, more = set[TicketRef](), None, True
        while more:
            page = account.desk.changed_since(cursor, start=NOW.replace(hour=0))
            found |= {ticket.ref for ticket in page.tickets}
            cursor, more = page.cursor, page.more
    assert found == written
