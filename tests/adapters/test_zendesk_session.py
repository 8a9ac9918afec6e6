"""The session under zenpy: tokens, limits, faults, redirects, and what never leaves the desk's own address."""

import io
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests
import responses
import structlog
from pydantic import ValidationError

from adapters.zendesk import ZendeskDesk, ZendeskOptions
from adapters.zendesk.session import rate_limit, route_of
from bridge.errors import BadCredential, Conflict, DeskError, NotThere, Permanent, Retryable, Unclear
from bridge.model import NOBODY, ActorKind, Change, Priority, Step, Visibility
from tests.adapters.zendesk_wire import BASE, NOW, REF, SECRET, TICKET, make_desk, ticket
from tests.contract.world import OpenGate, TurnableClock

TICKETS = f"{BASE}/api/v2/tickets/5158.json"
COMMENTS = f"{BASE}/api/v2/tickets/5158/comments.json"
TOKENS = f"{BASE}/oauth/tokens"
CLIENT = {"client_id": "deskbridge", "client_secret": "the-client-secret"}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def headers(wire: responses.RequestsMock) -> list[str | None]:
    """The Authorization header of every call so far."""
    return [call.request.headers.get("Authorization") for call in wire.calls]


def step(change: Change | None = None) -> Step:
    return make_desk().plan("01K8OP", change or Change(note="<p>n</p>"), ticket()).steps[0]


def fetchable(wire: responses.RequestsMock) -> None:
    wire.get(TICKETS, json={"ticket": TICKET, "users": []})
    wire.get(COMMENTS, json={"comments": [], "users": []})


# Signing in -----------------------------------------------------------------------------------------------------------


def oauth_desk(clock: TurnableClock, gate: OpenGate | None = None) -> ZendeskDesk:
    options = {"url": BASE, "credentials": CLIENT, "webhook_secrets": [SECRET]}
    return ZendeskDesk("acme", ZendeskOptions.model_validate(options), gate=gate or OpenGate(), clock=clock)


def grant(wire: responses.RequestsMock, *tokens: str) -> None:
    for token in tokens:
        wire.post(TOKENS, json={"access_token": token, "token_type": "bearer", "expires_in": 1800})


def test_a_token_is_fetched_once_and_renewed_shortly_before_it_ends(wire: responses.RequestsMock) -> None:
    clock, gate = TurnableClock(), OpenGate()
    desk = oauth_desk(clock, gate)
    fetchable(wire)
    grant(wire, "first", "second")
    desk.fetch(REF)
    clock.later(1700)
    desk.fetch(REF)
    clock.later(60)
    desk.fetch(REF)
    assert headers(wire) == [None, *["Bearer first"] * 4, None, *["Bearer second"] * 2]
    assert gate.calls[0].route == "/oauth/tokens"
    desk.close()


def test_a_token_that_is_refused_is_renewed_once_and_the_call_made_again(wire: responses.RequestsMock) -> None:
    grant(wire, "revoked", "fresh")
    wire.put(TICKETS, status=401, json={"error": "invalid_token"})
    wire.put(TICKETS, json={"ticket": TICKET, "audit": {"id": 1, "events": []}})
    assert oauth_desk(TurnableClock()).perform(step(), None).seen is not None
    assert headers(wire) == [None, "Bearer revoked", None, "Bearer fresh"]


def test_a_fresh_token_that_is_refused_too_is_a_bad_credential(wire: responses.RequestsMock) -> None:
    grant(wire, "one", "two", "three")
    wire.get(TICKETS, status=401, json={"error": "Couldn't authenticate you"})
    with pytest.raises(BadCredential, match="authenticate"):
        oauth_desk(TurnableClock()).fetch(REF)
    assert len(wire.calls) == 4


@pytest.mark.parametrize("status", [400, 401])
def test_a_client_that_zendesk_does_not_know_is_a_bad_credential(wire: responses.RequestsMock, status: int) -> None:
    wire.post(TOKENS, status=status, json={"error": "invalid_client", "error_description": "unknown"})
    with pytest.raises(BadCredential, match="invalid_client") as refusal:
        oauth_desk(TurnableClock()).fetch(REF)
    assert "the-client-secret" not in f"{refusal.value!r}"


def test_an_answer_without_a_token_says_what_to_check(wire: responses.RequestsMock) -> None:
    wire.post(TOKENS, json={"token_type": "bearer"})
    with pytest.raises(BadCredential, match="grant types"):
        oauth_desk(TurnableClock()).fetch(REF)


def test_a_token_endpoint_that_is_down_leaves_a_write_to_be_tried_again(wire: responses.RequestsMock) -> None:
    wire.post(TOKENS, status=502, body="bad gateway")
    with pytest.raises(Retryable):
        oauth_desk(TurnableClock()).perform(step(), None)


def test_threads_share_one_token_and_each_has_its_own_session(wire: responses.RequestsMock) -> None:
    grant(wire, "shared")
    fetchable(wire)
    desk = oauth_desk(TurnableClock())
    threads = [threading.Thread(target=desk.fetch, args=(REF,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert headers(wire).count(None) == 1
    assert headers(wire).count("Bearer shared") == 8
    assert len(set(map(id, desk._client._sessions))) == 4
    desk.close()


def test_a_legacy_api_token_works_and_warns_that_zendesk_ends_it(wire: responses.RequestsMock) -> None:
    fetchable(wire)
    with structlog.testing.capture_logs() as logs:
        desk = make_desk(credentials={"email": "bridge@acme.example", "api_token": "the-api-token"})
    desk.fetch(REF)
    assert headers(wire)[0] == "Basic YnJpZGdlQGFjbWUuZXhhbXBsZS90b2tlbjp0aGUtYXBpLXRva2Vu"
    assert [(log["log_level"], log["desk"], log["ends"]) for log in logs] == [("warning", "acme", "2027-04-30")]
    assert "the-api-token" not in str(logs)


def test_a_password_file_of_the_machine_does_not_replace_our_credential(
    wire: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine acme.zendesk.com login mallory password pw\n")
    monkeypatch.setenv("NETRC", str(netrc))
    fetchable(wire)
    make_desk().fetch(REF)
    assert set(headers(wire)) == {"Bearer an-access-token"}


# Staying at home ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed_so_that_our_authorization_stays_at_the_desk(
    wire: responses.RequestsMock, status: int
) -> None:
    wire.get(TICKETS, status=status, headers={"Location": "https://elsewhere.example/"})
    elsewhere = wire.get("https://elsewhere.example/", json={})
    with pytest.raises(Permanent):
        make_desk().fetch(REF)
    assert elsewhere.call_count == 0


@pytest.mark.parametrize(
    "following",
    [
        "https://elsewhere.example/api/v2/agent_availabilities",
        "https://acme.zendesk.com.elsewhere.example/x",
        "//e.x/y",
    ],
)
def test_a_next_page_at_another_host_is_not_asked_for(wire: responses.RequestsMock, following: str) -> None:
    wire.get(
        f"{BASE}/api/v2/agent_availabilities",
        json={"data": [], "meta": {"has_more": True}, "links": {"next": following}},
    )
    with pytest.raises(Permanent, match="own address"):
        list(make_desk()._client.availabilities())
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.zendesk.com",
        "https://acme.zendesk.com/api/v2",
        "https://user:pw@acme.zendesk.com",
        "ftp://acme.zendesk.com",
        "acme.zendesk.com",
        "https://",
    ],
)
def test_the_address_of_a_desk_is_https_and_bare_except_on_this_machine(url: str) -> None:
    with pytest.raises(ValidationError, match=r"acme\.zendesk\.com"):
        make_desk(url=url)
    assert make_desk(url="http://127.0.0.1:9001/")._options.url == "http://127.0.0.1:9001"


def test_desks_at_different_addresses_live_in_one_process(wire: responses.RequestsMock) -> None:
    for base in ("https://one.zendesk.com", "http://localhost:9002"):
        wire.get(f"{base}/api/v2/users/7.json", json={"user": {"id": 7, "name": base}})
    for base in ("https://one.zendesk.com", "http://localhost:9002", "https://one.zendesk.com"):
        assert make_desk(url=base).requester("7").name == base


# Faults ---------------------------------------------------------------------------------------------------------------


def test_a_429_comes_to_us_at_once_and_zenpy_neither_sleeps_nor_asks_again(wire: responses.RequestsMock) -> None:
    wire.put(TICKETS, status=429, headers={"Retry-After": "30"}, json={"error": "APIRateLimitExceeded"})
    gate, started = OpenGate(), time.monotonic()
    with pytest.raises(Retryable) as refusal:
        make_desk(gate).perform(step(), None)
    assert refusal.value.after == 30
    assert time.monotonic() - started < 5
    assert [(call.method, call.status) for call in gate.calls] == [("PUT", 429)]


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (409, {"error": "UpdateConflict", "description": "Safe Update prevented the update"}, Conflict, "Safe Update"),
        (
            422,
            {
                "error": "RecordInvalid",
                "description": "Record validation errors",
                "details": {"status": [{"description": "Status: closed prevents ticket update", "error": "X"}]},
            },
            Permanent,
            "closed prevents ticket update",
        ),
        (422, {"error": "invalid", "description": "words of a search"}, Permanent, "invalid"),
        (400, {"error": {"title": "Invalid attribute", "message": "You passed an odd value"}}, Permanent, "odd value"),
        (
            403,
            {"errors": [{"code": "Forbidden", "title": "No", "detail": "needs tickets:write"}]},
            BadCredential,
            "write",
        ),
        (404, {"error": "RecordNotFound", "description": "Not found"}, NotThere, "Not found"),
        (503, {"error": "maintenance"}, Unclear, "maintenance"),
        (500, {}, Unclear, "Internal Server Error"),
        (504, {"errors": 3, "details": []}, Unclear, "Gateway"),
    ],
)
def test_a_refused_write_is_told_in_the_vendors_own_words(
    wire: responses.RequestsMock, status: int, body: Any, kind: type[DeskError], words: str
) -> None:
    wire.put(TICKETS, status=status, json=body)
    if status == 422:
        wire.get(TICKETS, json={"ticket": TICKET, "users": []})  # asked whether it was closed meanwhile
    with pytest.raises(kind, match=words) as refusal:
        make_desk().perform(step(), None)
    assert type(refusal.value) is kind
    assert refusal.value.code == status
    assert [call.request.method for call in wire.calls].count("PUT") == 1


def test_a_write_on_a_ticket_that_was_closed_meanwhile_is_a_conflict_whatever_the_refusal_says(
    wire: responses.RequestsMock,
) -> None:
    wire.put(TICKETS, status=422, json={"error": "RecordInvalid", "description": "Status: geschlossen"})
    wire.get(TICKETS, json={"ticket": TICKET | {"status": "closed"}, "users": []})
    with pytest.raises(Conflict, match="closed the ticket"):
        make_desk().perform(step(), None)


@pytest.mark.parametrize(
    "loss",
    [requests.ReadTimeout("slow"), requests.ConnectionError("reset"), requests.exceptions.ChunkedEncodingError()],
)
def test_an_answer_that_never_comes_leaves_a_write_unclear_and_a_read_retryable(
    wire: responses.RequestsMock, loss: Exception
) -> None:
    wire.put(TICKETS, body=loss)
    wire.get(TICKETS, body=loss)
    gate = OpenGate()
    with pytest.raises(Unclear):
        make_desk(gate).perform(step(), None)
    with pytest.raises(Retryable):
        make_desk(gate).fetch(REF)
    assert [call.status for call in gate.calls] == [None, None]


def test_a_desk_that_takes_the_call_and_says_nothing_is_given_up_after_the_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        desk = make_desk(url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1)
        with pytest.raises(Unclear, match="ReadTimeout"):
            desk.perform(step(), None)
        with pytest.raises(Retryable):
            desk.fetch(REF)
        desk.close()


def test_a_connection_that_takes_too_long_to_begin_never_carried_the_write(wire: responses.RequestsMock) -> None:
    wire.put(TICKETS, body=requests.ConnectTimeout("no route"))
    with pytest.raises(Retryable):
        make_desk().perform(step(), None)


def test_a_success_that_is_a_web_page_is_no_success(wire: responses.RequestsMock) -> None:
    for add in (wire.put, wire.get):
        add(TICKETS, body="<html>Sign in to the hotel's network</html>", content_type="text/html")
    with pytest.raises(Unclear):
        make_desk().perform(step(), None)
    with pytest.raises(Retryable):
        make_desk().fetch(REF)


def test_what_the_gate_holds_back_is_not_sent(wire: responses.RequestsMock) -> None:
    class ShutGate(OpenGate):
        def admit(self, desk: str, method: str, route: str) -> None:
            raise Retryable(f"{desk}: budget spent for {method} {route}", after=3.0)

    with pytest.raises(Retryable, match=r"/api/v2/tickets/\{id\}"):
        make_desk(ShutGate()).perform(step(), None)
    assert not wire.calls


# What is sent and read ------------------------------------------------------------------------------------------------


def test_the_put_carries_the_plan_to_the_letter_and_the_stamp_with_its_time(wire: responses.RequestsMock) -> None:
    wire.put(TICKETS, json={"ticket": TICKET | {"updated_at": "2026-11-03T09:15:00Z"}, "audit": {"id": 1}})
    planned = make_desk().plan("01K8OP", Change(assignee_id=NOBODY, note="<p>n</p>"), ticket(assignee_id=77)).steps[0]
    receipt = make_desk().perform(planned, None)
    (call,) = wire.calls
    sent: Any = planned.data["ticket"]
    assert sent["updated_stamp"] == "2026-11-03T09:14:26Z"
    assert json.loads(call.request.body or "") == {"ticket": {"id": 5158} | sent}
    assert receipt.seen is not None
    assert receipt.seen.stamp == "2026-11-03T09:15:00Z"
    assert not receipt.seen.complete


def test_one_read_of_a_ticket_brings_its_requester_their_company_and_who_said_what(
    wire: responses.RequestsMock,
) -> None:
    ada = {"id": 8447388090494, "name": "Ada Client", "email": "ada@globex.example", "role": "end-user"}
    globex = {"id": 8447346622462, "name": "Globex", "organization_fields": {"tier": "enterprise"}, "tags": ["vip"]}
    said = [
        {
            "id": 3,
            "author_id": 77,
            "public": False,
            "html_body": "<p>Refund?</p>",
            "created_at": "2026-11-03T09:20:00Z",
        },
        {"id": 2, "author_id": 77, "public": True, "html_body": "<p>Hello</p>", "created_at": "2026-11-03T09:16:00Z"},
        {"id": 1, "author_id": ada["id"], "public": True, "body": "Empty.", "created_at": "2026-11-03T09:14:26Z"},
    ]
    wire.get(TICKETS, json={"ticket": TICKET, "users": [ada], "organizations": [globex]})
    wire.get(COMMENTS, json={"comments": said, "users": [{"id": 77, "role": "agent"}]})
    read = make_desk().fetch(REF)
    assert len(wire.calls) == 2
    assert read.requester is not None
    assert read.requester.organisation is not None
    assert read.requester.organisation.fields == {"tier": "enterprise"}
    assert (read.priority, read.priority_raw, read.fields) == (Priority.URGENT, "urgent", {"360011": "invoice"})
    assert [(m.text, m.author.kind, m.visibility) for m in read.messages] == [
        ("Empty.", ActorKind.REQUESTER, Visibility.PUBLIC),
        ("Hello", ActorKind.AGENT, Visibility.PUBLIC),
        ("Refund?", ActorKind.AGENT, Visibility.PRIVATE),
    ]


@pytest.mark.parametrize("body", [{"ticket": TICKET}, {}, {"ticket": None, "audit": None}])
def test_a_write_that_took_effect_is_done_even_where_its_answer_shows_little(
    wire: responses.RequestsMock, body: dict[str, Any]
) -> None:
    wire.put(TICKETS, json=body)
    assert make_desk().perform(step(), None).found is False


def test_an_effect_is_found_on_whatever_page_of_the_audits_it_stands(wire: responses.RequestsMock) -> None:
    def audit(number: int, op: str | None) -> dict[str, Any]:
        custom = {"deskbridge": {"op": op}} if op else {}
        return {"id": number, "events": [], "metadata": {"system": {}, "custom": custom}}

    first, second = (
        f"{BASE}/api/v2/tickets/5158/audits.json",
        f"{BASE}/api/v2/tickets/5158/audits.json?page%5Bafter%5D=x",
    )
    more = {"meta": {"has_more": True}, "links": {"next": second}}
    wire.get(second, json={"audits": [audit(2, "01K8OP")], "meta": {"has_more": False}, "links": {}})
    wire.get(
        first,
        json={"audits": [audit(1, None)], **more},
        match=[responses.matchers.query_param_matcher({}, strict_match=False)],
    )
    receipt = make_desk().find(step())
    assert receipt is not None
    assert receipt.found


def test_a_cursor_of_the_export_reaches_zendesk_unchanged(wire: responses.RequestsMock) -> None:
    cursor = "MTU3+jE/NT==|x"
    page = {"tickets": [TICKET | {"status": "deleted"}], "after_cursor": "next==", "end_of_stream": False}
    wire.get(
        f"{BASE}/api/v2/incremental/tickets/cursor.json",
        json=page,
        match=[responses.matchers.query_param_matcher({"cursor": cursor})],
    )
    answer = make_desk().changed_since(cursor, start=NOW)
    assert (answer.cursor, answer.more) == ("next==", True)
    assert answer.tickets[0].is_final


def test_the_export_starts_no_later_than_zendesk_allows_and_an_empty_page_keeps_the_cursor(
    wire: responses.RequestsMock,
) -> None:
    latest = int((NOW - timedelta(minutes=1)).timestamp())
    url = f"{BASE}/api/v2/incremental/tickets/cursor.json"
    empty: dict[str, Any] = {"tickets": [], "after_cursor": None, "end_of_stream": True}
    wire.get(url, json=empty, match=[responses.matchers.query_param_matcher({"start_time": str(latest)})])
    wire.get(url, json=empty, match=[responses.matchers.query_param_matcher({"cursor": "kept"})])
    assert make_desk().changed_since(None, start=NOW).cursor == ""
    assert make_desk().changed_since("kept", start=NOW).cursor == "kept"


def test_a_plan_that_hides_availability_gives_a_roster_of_unknown_status(wire: responses.RequestsMock) -> None:
    users = [{"id": 1, "name": "Ana", "email": "a@x.y", "active": True}, {"id": 2, "name": "Bo", "suspended": True}]
    wire.get(f"{BASE}/api/v2/users.json", json={"users": users, "meta": {"has_more": False}})
    wire.get(f"{BASE}/api/v2/groups.json", json={"groups": [{"id": 5, "name": "Billing"}], "meta": {"has_more": False}})
    wire.get(f"{BASE}/api/v2/group_memberships.json", json={"group_memberships": [], "meta": {"has_more": False}})
    wire.get(f"{BASE}/api/v2/users/me.json", json={"user": {"id": 1}})
    wire.get(f"{BASE}/api/v2/ticket_fields.json", status=403, json={"error": "Forbidden"})
    wire.get(f"{BASE}/api/v2/agent_availabilities", status=404, json={"error": "InvalidEndpoint"})
    roster = make_desk().roster()
    assert [(agent.name, agent.status.value, agent.inferred) for agent in roster.agents] == [
        ("Ana", "unknown", True),
        ("Bo", "gone", False),
    ]
    assert (roster.acting_id, roster.field_names) == ("1", None)
    assert wire.calls[0].request.url is not None
    assert "role[]=agent&role[]=admin" in unquote(wire.calls[0].request.url)


def test_no_word_of_a_customer_reaches_a_log_even_at_debug(wire: responses.RequestsMock) -> None:
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        wire.put(TICKETS, json={"ticket": TICKET | {"description": "a customer's secret"}, "audit": {"id": 1}})
        make_desk().perform(step(Change(note="<p>a customer's secret</p>")), None)
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    assert "secret" not in stream.getvalue()
    assert "an-access-token" not in stream.getvalue()


# Routes and limits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "route"),
    [
        (f"{BASE}/api/v2/tickets/5158.json?include=users", "/api/v2/tickets/{id}"),
        (f"{BASE}/api/v2/tickets/5158/comments.json", "/api/v2/tickets/{id}/comments"),
        (f"{BASE}/api/v2/incremental/tickets/cursor.json?cursor=x", "/api/v2/incremental/tickets/cursor"),
        (f"{BASE}/api/v2/webhooks/01K8ABCDEFGHJKMNPQRSTVWXYZ", "/api/v2/webhooks/{id}"),
        (f"{BASE}/api/v2/routing/6f0f4f0e-2c4d-4b39-9f4b-0d7f1f0b6a11", "/api/v2/routing/{id}"),
        (f"{BASE}/oauth/tokens", "/oauth/tokens"),
    ],
)
def test_a_route_names_a_kind_of_call(url: str, route: str) -> None:
    assert route_of(url) == route


@pytest.mark.parametrize(
    ("sent", "limit", "remaining", "reset"),
    [
        ({"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "699"}, 700, 699, None),
        ({"RateLimit-Limit": "700", "ratelimit-remaining": "0", "RATELIMIT-RESET": "42"}, 700, 0, 42),
        ({"ratelimit-limit": "700, 700;w=60", "ratelimit-remaining": "12", "ratelimit-reset": "9"}, 700, 12, 9),
        ({"x-rate-limit": "700", "ratelimit-limit": "2500", "ratelimit-remaining": "9"}, 2500, 9, None),
        ({"zendesk-ratelimit-per-ticket-updates": "total=30; remaining=29; resets=468"}, 30, 29, 468),
        ({"Zendesk-Rate-Limit-Tickets-Update": "total=100; remaining=0; resets=23"}, 100, 0, 23),
        (
            {"x-rate-limit": "700", "zendesk-rate-limit-tickets-update": "total=100; remaining=0; resets=2"},
            700,
            None,
            None,
        ),
        ({"x-rate-limit": "many"}, None, None, None),
    ],
)
def test_limits_of_every_generation_are_read(
    sent: dict[str, str], limit: int | None, remaining: int | None, reset: int | None
) -> None:
    assert rate_limit(sent) == {"limit": limit, "remaining": remaining, "reset_in": reset}


def test_no_limit_is_read_where_none_is_sent() -> None:
    assert rate_limit({"Content-Type": "application/json"}) == {}
