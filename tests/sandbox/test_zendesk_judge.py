"""An unmodified zenpy, which has never heard of us, works on the sandbox as it works on Zendesk."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import zenpy
from zenpy.lib.api_objects import Comment, Ticket, Trigger, User, Webhook
from zenpy.lib.exception import APIException, RecordNotFoundException, TooManyValuesException

from sandbox.zendesk import API_TOKEN, ZendeskSandbox
from tests.sandbox.zendesk_parts import Clock, Sandbox, endpoint, sandbox

Client = Callable[..., Any]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Iterator[Sandbox]:
    with sandbox(ZendeskSandbox(clock=clock)) as running:
        yield running


@pytest.fixture
def client(desk: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("ZENPY_FORCE_NETLOC", f"127.0.0.1:{desk.running.port}")
    monkeypatch.setenv("ZENPY_FORCE_SCHEME", "http")
    made = zenpy.Zenpy(subdomain="acme", email="bridge@acme.example", token=API_TOKEN, disable_cache=True)
    yield made
    made.tickets.session.close()


def test_it_reads_a_ticket_with_its_people(desk: Sandbox, client: Any) -> None:
    number = desk.write()
    ticket = client.tickets(id=number)
    assert (ticket.subject, ticket.status, ticket.via.channel) == ("Empty invoice", "new", "email")
    assert ticket.updated_at == "2026-11-03T09:14:26Z"
    assert ticket.requester.email == "ada@globex.example"
    assert ticket.organization.name == "Globex"
    assert client.organizations(id=ticket.organization_id).organization_fields["tier"] == "enterprise"


def test_it_lists_tickets_page_by_page_in_both_ways(desk: Sandbox, client: Any) -> None:
    numbers = [desk.write(subject=f"Number {index}") for index in range(5)]
    assert [ticket.id for ticket in client.tickets()] == numbers
    assert [ticket.id for ticket in client.tickets(cursor_pagination=2)] == numbers
    assert [ticket.id for ticket in client.tickets(ids=numbers[1:3])] == numbers[1:3]


def test_it_lists_the_help_centres_articles_in_both_ways(desk: Sandbox, client: Any) -> None:
    del desk
    listed = [
        (article.title, article.draft, article.user_segment_id is None) for article in client.help_center.articles()
    ]
    assert ("Reset your password", False, True) in listed
    assert ("The platypus importer", True, True) in listed
    assert ("How we refund", False, False) in listed
    paged = client.help_center.articles(cursor_pagination=2)
    assert [article.title for article in paged] == [title for title, _, _ in listed]


def test_it_creates_updates_and_notes_a_ticket(desk: Sandbox, client: Any) -> None:
    requester = User(name="Ada", email="ada@globex.example")
    made = client.tickets.create(Ticket(subject="Slow", requester=requester, comment=Comment(body="Since noon.")))
    ticket = made.ticket
    ticket.priority = "high"
    ticket.comment = Comment(body="Triage: technical", public=False)
    audit = client.tickets.update(ticket).audit
    assert {event["type"] for event in audit.events} == {"Change", "Comment"}
    comments = list(client.tickets.comments(ticket.id))
    assert [(comment.body, comment.public) for comment in comments] == [
        ("Since noon.", True),
        ("Triage: technical", False),
    ]
    assert [event["value"] for event in list(client.tickets.audits(ticket.id))[1].events if "value" in event] == [
        "high"
    ]


def test_it_tags_a_ticket(desk: Sandbox, client: Any) -> None:
    number = desk.write(tags=["billing"])
    client.tickets.add_tags(number, ["vip"])
    assert client.tickets(id=number).tags == ["billing", "vip"]
    client.tickets.delete_tags(number, ["billing"])
    assert list(client.tickets.tags(number)) == ["vip"]
    client.tickets.set_tags(number, ["new", "set"])
    assert client.tickets(id=number).tags == ["new", "set"]


def test_it_updates_many_and_follows_the_job(desk: Sandbox, client: Any, clock: Clock) -> None:
    tickets = [client.tickets(id=desk.write()) for _ in range(3)]
    for ticket in tickets:
        ticket.priority = "low"
    job = client.tickets.update(tickets)
    assert job.status == "queued"
    clock.turn(1)
    done = client.job_status(id=job.id)
    assert done.status == "completed"
    assert [result.success for result in done.results] == [True, True, True]
    assert {ticket.priority for ticket in client.tickets()} == {"low"}


def test_it_hears_that_a_bulk_update_is_too_large(desk: Sandbox, client: Any) -> None:
    ticket = client.tickets(id=desk.write())
    with pytest.raises(TooManyValuesException):
        client.tickets._put(
            client.tickets._build_url(client.tickets.endpoint(update_many=True)), {"tickets": [{"id": ticket.id}] * 101}
        )


def test_it_exports_incrementally_and_goes_on_from_its_cursor(desk: Sandbox, client: Any, clock: Clock) -> None:
    first = [desk.write() for _ in range(5)]
    clock.turn(61)
    start = datetime(2026, 11, 3, 9, tzinfo=UTC)
    export = client.tickets.incremental(start_time=start, per_page=2)
    assert [ticket.id for ticket in export] == first
    later = desk.write()
    clock.turn(61)
    more = client.tickets.incremental(cursor=export.after_cursor)
    assert [ticket.id for ticket in more] == [later]


def test_it_searches(desk: Sandbox, client: Any) -> None:
    number = desk.write(tags=["vip"])
    desk.write(email="bob@initech.example", subject="Other")
    found = client.search(type="ticket", status_less_than="solved", requester="ada@globex.example")
    assert [ticket.id for ticket in found] == [number]
    assert [ticket.id for ticket in client.search_export(type="ticket", tags="vip")] == [number]
    assert [user.email for user in client.users.search(query="bob@initech.example")] == ["bob@initech.example"]


def test_it_reads_the_roster(desk: Sandbox, client: Any) -> None:
    agents = {user.email: user for user in client.users(role=["agent", "admin"])}
    assert len(agents) == 9
    groups = {group.id: group.name for group in client.groups()}
    ana = agents["ana@acme.example"]
    memberships = list(client.group_memberships())
    assert [groups[row.group_id] for row in memberships if row.user_id == ana.id] == ["Billing"]
    assert client.users.me().email == "bridge@acme.example"
    desk.write()
    customer = next(iter(client.users.search(query="ada@globex.example")))
    assert len(list(client.users.requested(customer.id))) == 1


def test_it_reads_fields_and_statuses(desk: Sandbox, client: Any) -> None:
    assert "Triage category" in {field.title for field in client.ticket_fields()}
    assert {status.status_category for status in client.custom_statuses()} >= {"new", "open", "solved"}


def test_it_manages_webhooks(desk: Sandbox, client: Any) -> None:
    with endpoint() as target:
        wanted: dict[str, Any] = {
            "name": "bridge",
            "endpoint": target.url,
            "http_method": "POST",
            "request_format": "json",
        }
        wanted |= {"status": "active", "subscriptions": ["zen:event-type:ticket.created"]}
        made = client.webhooks.create(Webhook(**wanted))
        secret = client.webhooks.show_secret(made).secret
        assert client.webhooks.reset_secret(made).secret != secret
        assert [webhook.name for webhook in client.webhooks.list()] == ["bridge"]
        desk.write()
        target.wait(1)
        assert desk.desk.sender.wait_for(desk.desk.sender.deliveries[0], 5)
        invocation = next(iter(client.webhooks.invocations(made)))
        assert (invocation.status, invocation.status_code) == ("success", 200)
        attempt = next(iter(client.webhooks.invocation_attempts(made.id, invocation.id)))
        assert "X-Zendesk-Webhook-Signature" in {header["key"] for header in attempt.request.headers}
        client.webhooks.patch(Webhook(id=made.id, name="renamed"))
        assert client.webhooks(id=made.id).name == "renamed"
        client.webhooks.delete(client.webhooks(id=made.id))
        assert list(client.webhooks.list()) == []


def test_it_tests_a_webhook(desk: Sandbox, client: Any) -> None:
    with endpoint() as target:
        request = {"endpoint": target.url, "http_method": "POST", "payload": '{"say": "hello"}'}
        assert client.webhooks.test(request=request).status == 200
        assert target.wait(1)[0].body == b'{"say": "hello"}'


def test_it_creates_a_trigger(desk: Sandbox, client: Any) -> None:
    actions = [{"field": "notification_webhook", "value": ["01", "{}"]}]
    conditions = {"all": [{"field": "update_type", "operator": "is", "value": "Create"}], "any": []}
    made = client.triggers.create(Trigger(title="tell", actions=actions, conditions=conditions))
    assert [trigger.title for trigger in client.triggers()] == ["tell"]
    client.triggers.delete(made)
    assert list(client.triggers()) == []


def test_it_raises_its_own_errors(desk: Sandbox, client: Any) -> None:
    with pytest.raises(RecordNotFoundException):
        client.tickets(id=1)
    ticket = client.tickets(id=desk.write())
    ticket.status = "solved"
    with pytest.raises(APIException, match="required when solving"):
        client.tickets.update(ticket)
