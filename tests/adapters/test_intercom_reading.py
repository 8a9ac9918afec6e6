"""Reading from Intercom: what conversations, tickets, contacts and searches become in the common model."""

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from adapters.intercom import IntercomOptions
from bridge.errors import (
    BadCredential,
    Conflict,
    DeskError,
    NotThere,
    Permanent,
    Retryable,
    Unclear,
    Unsupported,
)
from bridge.model import AgentStatus, Change, Status, Step, TicketRef, Visibility
from tests.adapters.intercom import (
    CONVERSATION,
    NOW,
    TICKET,
    TOKEN,
    Gate,
    Wire,
    changed,
    desk_on,
    options,
    part,
    with_parts,
)

REF = TicketRef("acme", "conversation:215470")
LINE = "GET /conversations/215470"
NOTE = Step("note", REF, "01K8", {"body": "<p>hello</p>"})
UNKNOWN = {"type": "error.list", "request_id": "r", "errors": [{"code": "not_found", "message": "Resource Not Found"}]}


# Reading --------------------------------------------------------------------------------------------------------------


def test_a_conversation_is_read_with_its_messages_and_nothing_else_as_messages() -> None:
    item = with_parts(
        CONVERSATION,
        part("assignment", assigned_to={"type": "admin", "id": "9002"}),
        part("comment", body="Which one?", id="2"),
        part("note", body="Check the PDF job.", id="3"),
        part("close", body="Bye!", id="4"),
        part("conversation_attribute_updated_by_admin", "bot", id="5"),
    )
    wire = Wire({LINE: item})
    with desk_on(wire) as desk:
        ticket = desk.fetch(REF)
    assert ticket.complete
    assert [(message.text, message.visibility) for message in ticket.messages] == [
        ("The PDF is empty.", Visibility.PUBLIC),
        ("Which one?", Visibility.PUBLIC),
        ("Check the PDF job.", Visibility.PRIVATE),
        ("Bye!", Visibility.PRIVATE),
    ]
    assert wire.asked[0].url.params["display_as"] == "plaintext"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, Status.NEW),
        ({"team_assignee_id": 501}, Status.OPEN),
        ({"admin_assignee_id": "9002"}, Status.OPEN),
        ({"admin_assignee_id": "0", "team_assignee_id": 0}, Status.NEW),
        ({"state": "snoozed"}, Status.PENDING),
        ({"state": "closed"}, Status.CLOSED),
        ({"state": "levitating"}, Status.UNKNOWN),
    ],
)
def test_a_conversations_state_says_its_status(changes: dict[str, Any], status: Status) -> None:
    with desk_on(Wire({LINE: changed(CONVERSATION, **changes)})) as desk:
        assert desk.fetch(REF).status is status


@pytest.mark.parametrize(
    ("category", "is_open", "status"),
    [
        ("submitted", True, Status.NEW),
        ("in_progress", True, Status.OPEN),
        ("waiting_on_customer", True, Status.PENDING),
        ("resolved", True, Status.RESOLVED),
        ("resolved", False, Status.CLOSED),
    ],
)
def test_a_tickets_category_says_its_status(category: str, is_open: bool, status: Status) -> None:
    item = changed(TICKET, ticket_state={"id": "7499", "category": category}, open=is_open)
    with desk_on(Wire({"GET /tickets/215481": item})) as desk:
        ticket = desk.fetch(TicketRef("acme", "ticket:215481"))
    assert (ticket.status, ticket.status_raw, ticket.status_custom_id) == (status, category, "7499")


@pytest.mark.parametrize("ref_id", ["215470", "conversation:", "company:3"])
def test_a_reference_of_no_kind_names_nothing(ref_id: str) -> None:
    with desk_on(Wire({})) as desk, pytest.raises(NotThere):
        desk.fetch(TicketRef("acme", ref_id))


def test_a_requester_brings_their_first_company_and_its_attributes() -> None:
    contact = {
        "id": "66f0a1",
        "name": "Ada",
        "email": "ada@client.example",
        "external_id": "c-77",
        "language_override": "fr",
        "custom_attributes": {"vip": True},
        "companies": {"data": [{"id": "c1"}], "total_count": 1},
    }
    company = {"id": "c1", "name": "Globex", "custom_attributes": {"tier": "enterprise"}, "tags": {"tags": []}}
    wire = Wire({"GET /contacts/66f0a1": contact, "GET /contacts/66f0a1/companies": {"data": [company]}})
    with desk_on(wire) as desk:
        requester = desk.requester("66f0a1")
    assert (requester.name, requester.locale, requester.fields) == ("Ada", "fr", {"vip": True})
    assert requester.organisation is not None
    assert (requester.organisation.name, requester.organisation.fields) == ("Globex", {"tier": "enterprise"})


def test_a_requester_without_a_company_costs_one_call() -> None:
    wire = Wire({"GET /contacts/66f0a1": {"id": "66f0a1", "companies": {"data": [], "total_count": 0}}})
    with desk_on(wire) as desk:
        assert desk.requester("66f0a1").organisation is None
    assert wire.lines == ["GET /contacts/66f0a1"]


def test_a_history_looks_through_every_page_since_searches_have_no_order() -> None:
    def row(number: int, created_at: int) -> dict[str, Any]:
        return changed(CONVERSATION, id=str(number), created_at=created_at)

    following = {"type": "pages", "next": {"starting_after": "abc"}}
    wire = Wire(
        {
            "POST /conversations/search": [
                {"conversations": [row(1, 100), row(2, 300)], "pages": following},
                {"conversations": [row(3, 400)], "pages": {"type": "pages", "next": None}},
            ],
            "POST /tickets/search": {"tickets": [changed(TICKET, created_at=200)]},
        }
    )
    with desk_on(wire) as desk:
        found = [summary.ref.id for summary in desk.history("66f0a1", 3)]
    assert found == ["conversation:3", "conversation:2", "ticket:215481"]
    assert json.loads(wire.asked[1].content)["pagination"] == {"per_page": 150, "starting_after": "abc"}


# Reconciliation -------------------------------------------------------------------------------------------------------


class Search:
    """Intercom's two searches over what was updated when, a page a time; `turn` runs before each page is answered."""

    def __init__(self, conversations: dict[str, int], tickets: dict[str, int], page: int = 2) -> None:
        self.updated = {"conversation": conversations, "ticket": tickets}
        self.page = page
        self.asked: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """One page of a search, newest first, as a search by recency would give it."""
        kind = request.url.path.split("/")[1].removesuffix("s")
        query = json.loads(request.content)
        self.asked.append(query)
        since = query["query"]["value"]
        rows = sorted(((at, one) for one, at in self.updated[kind].items() if at >= since), reverse=True)
        begin = int(query["pagination"].get("starting_after", 0))
        base = CONVERSATION if kind == "conversation" else TICKET
        page = [changed(base, id=one, updated_at=at) for at, one in rows[begin : begin + self.page]]
        after = begin + self.page
        following = {"starting_after": str(after)} if after < len(rows) else None
        return httpx.Response(200, json={f"{kind}s": page, "pages": {"type": "pages", "next": following}})


def sweep(desk: Any, cursor: str | None, start: datetime) -> tuple[str, list[str]]:
    """Every page up to the last: the cursor for the next sweep and what was met."""
    met: list[str] = []
    while True:
        page = desk.changed_since(cursor, start=start)
        met += [ticket.ref.id for ticket in page.tickets]
        cursor = page.cursor
        if not page.more:
            return cursor, met


def test_a_sweep_meets_conversations_and_tickets_of_every_page_oldest_first_in_each() -> None:
    base = int(NOW.timestamp()) - 600
    search = Search({"1": base + 30, "2": base + 10, "3": base + 20}, {"4": base + 5})
    with desk_on(search) as desk:
        _, met = sweep(desk, None, NOW - timedelta(hours=1))
    assert met == ["conversation:3", "conversation:1", "conversation:2", "ticket:4"]


def test_what_moves_behind_a_sweeps_back_is_met_by_the_next_one() -> None:
    base = int(NOW.timestamp()) - 600
    search = Search({"1": base + 30, "2": base + 10, "3": base + 20}, {"4": base + 1200})  # a sweep of many minutes
    with desk_on(search) as desk:
        first = desk.changed_since(None, start=NOW - timedelta(hours=1))
        search.updated["conversation"]["2"] = int(NOW.timestamp()) + 1
        cursor, _ = sweep(desk, first.cursor, NOW)
        _, met = sweep(desk, cursor, NOW)
    assert "conversation:2" in met


def test_a_clock_of_ours_that_runs_ahead_makes_a_sweep_miss_nothing() -> None:
    theirs = int(NOW.timestamp()) - 1800
    search = Search({"1": theirs}, {})
    with desk_on(search) as desk:
        cursor, _ = sweep(desk, None, NOW - timedelta(hours=1))
        search.updated["conversation"]["2"] = theirs + 60
        _, met = sweep(desk, cursor, NOW)
    assert "conversation:2" in met


def test_a_quiet_desk_is_asked_from_the_same_instant_again() -> None:
    search = Search({}, {})
    start = NOW - timedelta(hours=1)
    with desk_on(search) as desk:
        cursor, met = sweep(desk, None, start)
        sweep(desk, cursor, NOW)
    assert met == []
    assert {query["query"]["value"] for query in search.asked} == {int(start.timestamp()) - 120}


def test_what_a_search_by_whole_days_lets_through_is_dropped() -> None:
    old = {"conversations": [changed(CONVERSATION, updated_at=int(NOW.timestamp()) - 7200)]}
    with desk_on(Wire({"POST /conversations/search": old})) as desk:
        page = desk.changed_since(None, start=NOW - timedelta(hours=1))
    assert page.tickets == ()


def test_a_found_conversation_lacks_its_parts_and_a_found_ticket_does_not() -> None:
    now = int(NOW.timestamp())
    with desk_on(Search({"1": now}, {"2": now})) as desk:
        first = desk.changed_since(None, start=NOW)
        second = desk.changed_since(first.cursor, start=NOW)
    assert [ticket.complete for ticket in (*first.tickets, *second.tickets)] == [False, True]


# Roster ---------------------------------------------------------------------------------------------------------------


def test_the_roster_counts_what_lies_on_each_desk_in_two_calls() -> None:
    def held(item: dict[str, Any], admin: int, **more: Any) -> dict[str, Any]:
        return changed(item, admin_assignee_id=admin, **more)

    admins = [
        {"id": "9001", "name": "Deskbridge", "email": "bridge@acme.example", "has_inbox_seat": True, "team_ids": []},
        {"id": "9002", "name": "Ana", "has_inbox_seat": True, "away_mode_enabled": False, "team_ids": [501]},
        {"id": "9003", "name": "Bo", "has_inbox_seat": True, "away_mode_enabled": True, "team_ids": [501]},
        {"id": "9004", "name": "Boss", "has_inbox_seat": False, "away_mode_enabled": False, "team_ids": []},
    ]
    teams = [
        {"id": "501", "name": "Billing", "distribution_method": "round_robin"},
        {"id": "502", "name": "General", "distribution_method": "manual"},
        {"id": "503", "name": "Tech", "distribution_method": None},
    ]
    asleep = held(CONVERSATION, 9002, state="snoozed")
    waiting = held(TICKET, 9002, ticket_state={"id": "1", "category": "waiting_on_customer"})
    wire = Wire(
        {
            "GET /admins": {"admins": admins},
            "GET /teams": {"teams": teams},
            "POST /conversations/search": {
                "conversations": [held(CONVERSATION, 9002), held(CONVERSATION, 9003), asleep]
            },
            "POST /tickets/search": {"tickets": [held(TICKET, 9002), waiting]},
        }
    )
    with desk_on(wire) as desk:
        roster = desk.roster()
    agents = {agent.id: agent for agent in roster.agents}
    assert {name: agent.load for name, agent in agents.items()} == {"9001": 0, "9002": 2, "9003": 1, "9004": None}
    assert agents["9002"].status is AgentStatus.ONLINE
    assert agents["9003"].status is AgentStatus.AWAY
    assert agents["9004"].status is AgentStatus.OFFLINE
    assert agents["9002"].team_ids == ("501",)
    assert [team.self_assigning for team in roster.teams] == ["round_robin", None, None]
    assert (roster.acting_id, roster.taken_at) == ("9001", NOW)
    assert wire.lines == ["GET /admins", "GET /teams", "POST /conversations/search", "POST /tickets/search"]


# Calls ----------------------------------------------------------------------------------------------------------------


def test_every_call_carries_the_version_and_the_token_and_is_counted_without_ids() -> None:
    reset = str(int(NOW.timestamp()) + 7)
    headers = {"X-RateLimit-Limit": "1666", "X-RateLimit-Remaining": "1660", "X-RateLimit-Reset": reset}
    wire, gate = Wire({LINE: httpx.Response(200, json=CONVERSATION, headers=headers)}), Gate()
    with desk_on(wire, gate) as desk:
        desk.fetch(REF)
    (request,), (call,) = wire.asked, gate.calls
    assert request.headers["intercom-version"] == "2.16"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert (call.desk, call.method, call.route, call.status) == ("acme", "GET", "/conversations/{id}", 200)
    assert (call.limit, call.remaining, call.reset_in) == (1666, 1660, 7.0)


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    wire = Wire({"GET /conversations/../admins": CONVERSATION})
    with desk_on(wire) as desk:
        desk.fetch(TicketRef("acme", "conversation:../admins"))
    assert wire.asked[0].url.raw_path.startswith(b"/conversations/..%2Fadmins")


@pytest.mark.parametrize(
    ("status", "on_read", "on_write"),
    [
        (400, Permanent, Permanent),
        (401, BadCredential, BadCredential),
        (403, BadCredential, BadCredential),
        (404, NotThere, NotThere),
        (409, Conflict, Conflict),
        (422, Permanent, Permanent),
        (429, Retryable, Retryable),
        (500, Retryable, Unclear),
        (501, Unsupported, Unsupported),
        (502, Retryable, Unclear),
        (503, Retryable, Unclear),
    ],
)
def test_a_refusal_is_the_error_of_its_status_in_intercoms_own_words(
    status: int, on_read: type[DeskError], on_write: type[DeskError]
) -> None:
    refusal = httpx.Response(status, json=UNKNOWN)
    wire = Wire({LINE: refusal, "POST /conversations/215470/reply": refusal})
    with desk_on(wire) as desk:
        with pytest.raises(on_read) as read:
            desk.fetch(REF)
        with pytest.raises(on_write) as written:
            desk.perform(NOTE, None)
    assert {type(read.value), type(written.value)} == {on_read, on_write}
    assert written.value.words == "not_found: Resource Not Found"
    assert "hello" not in str(written.value)


@pytest.mark.parametrize(
    ("error", "on_write"),
    [
        (httpx.ConnectError("refused"), Retryable),
        (httpx.ConnectTimeout("slow"), Retryable),
        (httpx.ReadTimeout("slow"), Unclear),
        (httpx.ReadError("reset"), Unclear),
        (httpx.RemoteProtocolError("closed"), Unclear),
        (httpx.WriteError("reset"), Unclear),
    ],
)
def test_no_answer_is_unclear_for_a_write_that_may_have_left_and_retryable_else(
    error: httpx.RequestError, on_write: type[DeskError]
) -> None:
    wire, gate = Wire({LINE: error, "POST /conversations/215470/reply": error}), Gate()
    with desk_on(wire, gate) as desk:
        with pytest.raises(Retryable):
            desk.fetch(REF)
        with pytest.raises(on_write) as lost:
            desk.perform(NOTE, None)
    assert type(lost.value) is on_write
    assert [call.status for call in gate.calls] == [None, None]


def test_a_search_is_a_read_though_it_is_posted() -> None:
    wire = Wire({"POST /conversations/search": httpx.ReadTimeout("slow")})
    with desk_on(wire) as desk, pytest.raises(Retryable):
        desk.history("66f0a1", 3)


def test_a_spent_budget_waits_until_intercom_counts_anew() -> None:
    reset = str(int(NOW.timestamp()) + 9)
    spent = httpx.Response(429, json=UNKNOWN, headers={"X-RateLimit-Reset": reset})
    with desk_on(Wire({LINE: spent})) as desk, pytest.raises(Retryable) as refusal:
        desk.fetch(REF)
    assert refusal.value.after == 9.0


def test_a_redirect_to_another_host_is_never_followed_with_our_token() -> None:
    wire = Wire({LINE: httpx.Response(302, headers={"location": "https://elsewhere.example/conversations/1"})})
    with desk_on(wire) as desk, pytest.raises(Permanent, match="region"):
        desk.fetch(REF)
    assert len(wire.asked) == 1


@pytest.mark.parametrize("answer", ["<html>login</html>", "[]"])
def test_an_answer_that_is_no_object_is_permanent_for_a_read_and_unclear_for_a_write(answer: str) -> None:
    page = httpx.Response(200, text=answer)
    with desk_on(Wire({LINE: page, "POST /conversations/215470/reply": page})) as desk:
        with pytest.raises(Permanent, match="not with the JSON that is due"):
            desk.fetch(REF)
        with pytest.raises(Unclear):
            desk.perform(NOTE, None)


def test_planning_makes_no_call() -> None:
    with desk_on(Wire({LINE: CONVERSATION})) as desk:
        ticket = desk.fetch(REF)
    with desk_on(Wire({}), admin_id=None) as desk:
        assert desk.plan("01K8", Change(add_tags=frozenset({"vip"}), note="<p>n</p>"), ticket).steps


# Options --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "api.intercom.io"},
        {"url": "https://user:pw@api.intercom.io"},
        {"url": "https://api.intercom.io/v2"},
        {"version": "Unstable"},
        {"admin_id": "ana"},
        {"webhook_secrets": ["a", "b", "c"]},
        {"access_token": ""},
        {"colour": "blue"},
    ],
)
def test_options_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        options(**wrong)


def test_no_secret_shows_in_the_options() -> None:
    assert "sandbox-intercom" not in repr(options())
    assert IntercomOptions.model_fields["version"].default == "2.16"
