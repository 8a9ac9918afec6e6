"""What Freshdesk says, in common words: tickets, long conversations, people, reconciliation, faults."""

import re
from datetime import UTC, datetime, timedelta
from operator import ge, gt
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.errors import BadCredential, Conflict, NotThere, Permanent, Retryable, Unsupported
from bridge.model import ActorKind, AgentStatus, Channel, Priority, Status, Ticket, TicketRef, Visibility
from tests.adapters.freshdesk_wire import API_KEY, NOW, REF, desk, options, paged, said, ticket


def fetch(row: dict[str, Any], **more: Any) -> Ticket:
    with desk({"GET /tickets/1041": row}, **more) as (made, _, _):
        return made.fetch(REF)


# Tickets --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "responder", "common"),
    [
        (2, None, Status.NEW),
        (2, 43012345678, Status.OPEN),
        (3, None, Status.PENDING),
        (4, None, Status.RESOLVED),
        (5, None, Status.CLOSED),
        (6, None, Status.PENDING),
        (7, None, Status.ON_HOLD),
        (8, None, Status.UNKNOWN),
    ],
)
def test_a_status_is_said_in_common_words_and_kept_raw(code: int, responder: int | None, common: Status) -> None:
    read = fetch(ticket(status=code, responder_id=responder))
    assert (read.status, read.status_raw) == (common, str(code))
    assert read.status_custom_id == (str(code) if code > 5 else None)


def test_an_accounts_own_statuses_mean_what_its_table_says() -> None:
    table = {6: Status.OPEN, 8: Status.ON_HOLD}
    assert fetch(ticket(status=6), status_map=table).status is Status.OPEN
    assert fetch(ticket(status=8), status_map=table).status is Status.ON_HOLD


@pytest.mark.parametrize("flag", ["deleted", "spam"])
def test_what_lies_in_the_bin_or_in_spam_is_deleted(flag: str) -> None:
    assert fetch(ticket(**{flag: True})).is_final


@pytest.mark.parametrize(
    ("code", "common"),
    [(1, Priority.LOW), (2, Priority.NORMAL), (3, Priority.HIGH), (4, Priority.URGENT), (9, Priority.NONE)],
)
def test_a_priority_is_said_in_common_words_and_kept_raw(code: int, common: Priority) -> None:
    read = fetch(ticket(priority=code))
    assert (read.priority, read.priority_raw) == (common, str(code))


@pytest.mark.parametrize(
    ("code", "common"),
    [
        (1, Channel.EMAIL),
        (2, Channel.WEB),
        (3, Channel.PHONE),
        (7, Channel.CHAT),
        (9, Channel.WEB),
        (101, Channel.OTHER),
    ],
)
def test_a_source_is_a_channel(code: int, common: Channel) -> None:
    read = fetch(ticket(source=code))
    assert (read.channel, read.channel_raw) == (common, str(code))


def test_blank_fields_are_nothing_and_not_the_text_null() -> None:
    row = ticket(subject=None, type="", custom_fields=None, tags=None, requester_id=None, company_id=None, status=None)
    read = fetch(row)
    assert (read.subject, read.type, read.requester, read.status_raw) == ("", None, None, None)
    assert (read.assignee_id, read.team_id, read.tags, read.fields) == (None, None, frozenset(), {})


def test_the_requester_comes_with_the_ticket() -> None:
    requester = {"id": 43000009999, "name": "Ada Client", "email": "ada@globex.example", "mobile": None}
    read = fetch(ticket(requester=requester, company={"id": 43000005555, "name": "Globex"})).requester
    assert read is not None
    assert (read.id, read.email) == ("43000009999", "ada@globex.example")
    assert read.organisation is not None
    assert read.organisation.name == "Globex"


def test_the_description_opens_the_conversation() -> None:
    (message,) = fetch(ticket(conversations=[])).messages
    assert (message.text, message.author.kind, message.author.id) == (
        "The PDF is empty.",
        ActorKind.REQUESTER,
        "43000009999",
    )


def test_an_outbound_mail_was_begun_by_an_agent_and_is_not_the_requesters_word() -> None:
    (message,) = fetch(ticket(source=10)).messages
    assert message.author.kind is ActorKind.AGENT


@pytest.mark.parametrize(
    ("entry", "visibility", "author"),
    [
        ({"private": False, "incoming": True, "user_id": 43000009999}, Visibility.PUBLIC, ActorKind.REQUESTER),
        ({"private": False, "incoming": True, "user_id": 43000007777}, Visibility.PUBLIC, ActorKind.REQUESTER),
        ({"private": False, "incoming": False}, Visibility.PUBLIC, ActorKind.AGENT),
        ({"private": True, "incoming": False}, Visibility.PRIVATE, ActorKind.AGENT),
        ({"private": None, "incoming": None}, Visibility.PRIVATE, ActorKind.AGENT),
    ],
)
def test_private_is_private_and_so_is_what_does_not_say(
    entry: dict[str, Any], visibility: Visibility, author: ActorKind
) -> None:
    message = fetch(ticket(conversations=[said(1, **entry)])).messages[-1]
    assert (message.visibility, message.author.kind) == (visibility, author)


def test_an_entry_without_plain_text_is_read_from_its_html() -> None:
    entry = said(1, body_text=None, body="<div>Still<br>empty &amp; blank</div>")
    assert fetch(ticket(conversations=[entry])).messages[-1].text == "Still\nempty & blank"


def test_a_file_is_named_and_not_fetched() -> None:
    file = {"name": "a.pdf", "content_type": "application/pdf", "size": 12, "attachment_url": "https://files.example/a"}
    with desk({"GET /tickets/1041": ticket(attachments=[file])}) as (made, account, _):
        (attachment,) = made.fetch(REF).messages[0].attachments
        assert (attachment.name, attachment.size, attachment.url) == ("a.pdf", 12, "https://files.example/a")
        assert account.asked() == ["GET /tickets/1041"]


def test_a_short_conversation_takes_one_call() -> None:
    with desk({"GET /tickets/1041": ticket(conversations=[said(n) for n in range(9)])}) as (made, account, _):
        assert len(made.fetch(REF).messages) == 10
        assert account.asked() == ["GET /tickets/1041"]


@pytest.mark.parametrize("entries", [10, 11, 29, 30, 31, 59])
def test_the_newest_reply_of_a_long_conversation_is_there(entries: int) -> None:
    talk = [said(n) for n in range(entries)]
    answers = {"GET /tickets/1041": ticket(conversations=talk[:10]), "GET /tickets/1041/conversations": paged(talk)}
    with desk(answers) as (made, _, _):
        read = made.fetch(REF).messages
    assert [message.text for message in read] == ["The PDF is empty.", *(f"entry {n}" for n in range(entries))]


def test_a_list_without_link_headers_is_read_to_its_end_too() -> None:
    talk = [said(n) for n in range(45)]

    def bare(request: httpx.Request) -> httpx.Response:
        answer = paged(talk)(request)
        return httpx.Response(200, json=answer.json())

    answers = {"GET /tickets/1041": ticket(conversations=talk[:10]), "GET /tickets/1041/conversations": bare}
    with desk(answers) as (made, _, _):
        assert made.fetch(REF).messages[-1].text == "entry 44"


def test_a_page_made_short_by_what_our_key_may_not_see_does_not_end_a_list_that_links_on() -> None:
    onward = {"link": '<https://acme.freshdesk.example/next>; rel="next"'}
    pages = [httpx.Response(200, json=[said(1)], headers=onward), httpx.Response(200, json=[said(2)])]
    answers = {
        "GET /tickets/1041": ticket(conversations=[said(n) for n in range(10)]),
        "GET /tickets/1041/conversations": pages,
    }
    with desk(answers) as (made, _, _):
        assert [message.text for message in made.fetch(REF).messages[1:]] == ["entry 1", "entry 2"]


# People ---------------------------------------------------------------------------------------------------------------

CONTACT = {"id": 43000009999, "name": "Ada Client", "email": "ada@globex.example", "language": "de", "company_id": 5}
COMPANY = {
    "id": 5,
    "name": "Globex",
    "health_score": "Happy",
    "industry": None,
    "custom_fields": {"tier": "enterprise"},
}


def test_a_requester_comes_with_what_the_company_is() -> None:
    with desk({"GET /contacts/43000009999": CONTACT, "GET /companies/5": COMPANY}) as (made, _, _):
        requester = made.requester("43000009999")
    assert requester.locale == "de"
    assert requester.organisation is not None
    assert requester.organisation.fields == {"tier": "enterprise", "health_score": "Happy"}


def test_a_company_out_of_sight_does_not_hide_the_requester() -> None:
    with desk({"GET /contacts/43000009999": CONTACT}) as (made, _, _):
        assert made.requester("43000009999").organisation is None


def test_history_goes_back_before_the_thirty_days_of_a_plain_list() -> None:
    rows = [ticket(id=n) for n in (1044, 1042, 1041)]
    with desk({"GET /tickets": paged(rows)}) as (made, account, _):
        assert [summary.ref.id for summary in made.history("43000009999", 2)] == ["1044", "1042"]
    (asked,) = account.requests
    assert asked.url.params["updated_since"] < "2001"
    assert (asked.url.params["order_by"], asked.url.params["order_type"]) == ("created_at", "desc")


ME = {"id": 43, "contact": {"name": "Deskbridge", "email": "bridge@acme.example"}, "available": True}
ANA = {"id": 44, "contact": {"name": "Ana Alvarez", "email": "ana@acme.example"}, "group_ids": [7], "available": True}


def roster_of(availability: Any, **more: Any) -> Any:
    answers = {
        "GET /agents/me": ME,
        "GET /agents": lambda request: httpx.Response(
            200, json=availability if request.url.params.get("only") == "availability" else [ME, ANA]
        ),
    }
    with desk(answers | more) as (made, _, _):
        return made.roster()


def channel(**more: Any) -> dict[str, Any]:
    named = {"channel": "freshdesk", "available": True, "logged_in": True, "assignment_limit": 10}
    return named | {"current_assignment_load": 4} | more


@pytest.mark.parametrize(
    ("said_of_ana", "status"),
    [
        (channel(), AgentStatus.ONLINE),
        (channel(available=False), AgentStatus.AWAY),
        (channel(pause_assignment=True), AgentStatus.AWAY),
        (channel(available=False, logged_in=False), AgentStatus.OFFLINE),
        (channel(available=True, logged_in=False), AgentStatus.OFFLINE),
    ],
)
def test_an_agent_has_the_status_and_load_of_the_ticket_channel(
    said_of_ana: dict[str, Any], status: AgentStatus
) -> None:
    chat = channel(channel="Messaging queue", available=False, current_assignment_load=99)
    ana = roster_of([{"id": 44, "channel_availability": [chat, said_of_ana]}]).agents[1]
    assert (ana.status, ana.load, ana.limit, ana.inferred) == (status, 4, 10, False)
    assert ana.team_ids == ("7",)


def test_the_older_shape_of_availability_is_read_too() -> None:
    older = {"agent_id": 44, "channels": {"freshdesk": {"status": "available", "load": 2, "limit": 5}}}
    ana = roster_of({"agents": [older]}).agents[1]
    assert (ana.status, ana.load, ana.limit) == (AgentStatus.ONLINE, 2, 5)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_without_availability_the_agents_own_switch_is_a_guess_that_says_so(status: int) -> None:
    def agents(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status) if "only" in request.url.params else httpx.Response(200, json=[ME, ANA])

    ana = roster_of([], **{"GET /agents": agents}).agents[1]
    assert (ana.status, ana.load, ana.inferred) == (AgentStatus.ONLINE, None, True)


def test_a_key_without_administrator_rights_sees_itself() -> None:
    refused = httpx.Response(403, json={"code": "access_denied", "message": "You are not authorized"})
    more = {f"GET {path}": refused for path in ("/agents", "/admin/groups", "/groups", "/ticket_fields")}
    roster = roster_of([], **more)
    assert (roster.acting_id, [agent.id for agent in roster.agents], roster.teams) == ("43", ["43"], ())
    assert roster.field_names is None
    assert roster.agents[0].inferred


def test_a_roster_that_cannot_be_read_now_is_not_a_smaller_one() -> None:
    with pytest.raises(Retryable):
        roster_of([], **{"GET /admin/groups": httpx.Response(500)})


def test_a_group_that_freshdesk_assigns_by_itself_says_so() -> None:
    groups = [
        {"id": 7, "name": "Billing", "automatic_agent_assignment": {"enabled": True, "type": "round_robin"}},
        {"id": 8, "name": "Tech Support", "automatic_agent_assignment": {"enabled": False}},
    ]
    billing, tech = roster_of([], **{"GET /admin/groups": groups}).teams
    assert "round_robin" in billing.self_assigning
    assert (tech.name, tech.self_assigning) == ("Tech Support", None)


def test_groups_are_read_by_the_older_address_where_the_newer_is_not_there() -> None:
    groups = [{"id": 7, "name": "Billing", "auto_ticket_assign": 3}, {"id": 8, "name": "X", "auto_ticket_assign": 0}]
    billing, other = roster_of([], **{"GET /groups": groups}).teams
    assert "load based" in billing.self_assigning
    assert other.self_assigning is None


def test_the_roster_names_the_fields_and_the_moment() -> None:
    roster = roster_of([], **{"GET /ticket_fields": [{"name": "status"}, {"name": "cf_triage"}]})
    assert roster.field_names == ("status", "cf_triage")
    assert roster.taken_at == NOW


# Reconciliation -------------------------------------------------------------------------------------------------------


class Shifting:
    """A list of tickets by `updated_at`, in which some change between two pages: they move to the end."""

    def __init__(self, times: list[int], moves: list[list[int]], *, includes_its_second: bool = True) -> None:
        self.compare = ge if includes_its_second else gt
        self.times = dict(enumerate(times))
        self.moves = moves
        self.last = max(times, default=0)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        since = datetime.fromisoformat(request.url.params["updated_since"])
        rows = sorted((when, id_) for id_, when in self.times.items() if self.compare(at(when), since))
        answer = paged([ticket(id=id_ + 1, updated_at=stamp(when)) for when, id_ in rows])(request)
        self.last += 1
        self.times |= {id_: self.last for id_ in (self.moves.pop() if self.moves else []) if id_ in self.times}
        return answer


def at(second: int) -> datetime:
    return datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=second)


def stamp(second: int) -> str:
    return at(second).strftime("%Y-%m-%dT%H:%M:%SZ")


def everything(account: Shifting) -> tuple[set[str], str]:
    found: set[str] = set()
    cursor: str | None = None
    with desk({"GET /tickets": account}) as (made, _, _):
        for _ in range(200):
            page = made.changed_since(cursor, start=at(0))
            found |= {read.ref.id for read in page.tickets}
            cursor = page.cursor
            if not page.more:
                return found, cursor
    raise AssertionError("reconciliation does not end")


@given(
    st.lists(st.integers(0, 4), min_size=150, max_size=450),
    st.lists(st.lists(st.integers(0, 449), max_size=5), max_size=6),
    st.booleans(),
)
@settings(deadline=None, max_examples=50)
def test_a_list_that_shifts_while_it_is_read_loses_no_ticket(
    times: list[int], moves: list[list[int]], includes_its_second: bool
) -> None:
    found, _ = everything(Shifting(times, moves, includes_its_second=includes_its_second))
    assert found == {str(id_ + 1) for id_ in range(len(times))}


@pytest.mark.parametrize("includes_its_second", [True, False])
def test_tickets_of_one_second_on_both_sides_of_a_page_are_all_found(includes_its_second: bool) -> None:
    found, _ = everything(Shifting([0] * 60 + [9] * 90, [], includes_its_second=includes_its_second))
    assert len(found) == 150


def test_tickets_that_change_while_their_second_is_read_pull_none_over_the_edge() -> None:
    found, _ = everything(Shifting([3] * 350, [[50], []]))
    assert len(found) == 350


def test_a_change_that_the_list_shows_late_is_found_in_the_next_round() -> None:
    account = Shifting([0, 500], [])
    _, cursor = everything(account)
    account.times[7] = 470
    with desk({"GET /tickets": account}) as (made, _, _):
        page = made.changed_since(cursor, start=at(0))
    assert TicketRef(REF.desk, "8") in [read.ref for read in page.tickets]


def test_the_next_round_goes_back_a_little_and_no_further() -> None:
    account = Shifting([0, 500], [])
    _, cursor = everything(account)
    with desk({"GET /tickets": account}) as (made, _, _):
        page = made.changed_since(cursor, start=at(0))
    assert [read.ref for read in page.tickets] == [TicketRef(REF.desk, "2")]
    assert not page.tickets[0].complete


def test_an_empty_account_keeps_its_place() -> None:
    with desk({"GET /tickets": []}) as (made, account, _):
        first = made.changed_since(None, start=at(7))
        again = made.changed_since(first.cursor, start=at(999))
    assert (first.tickets, first.more, again.cursor) == ((), False, first.cursor)
    assert [one.url.params["updated_since"] for one in account.requests] == [stamp(6)] * 2


# Faults ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(400, json={"description": "Validation failed", "errors": []}), Permanent),
        (
            httpx.Response(401, json={"code": "invalid_credentials", "message": "You have to be logged in"}),
            BadCredential,
        ),
        (httpx.Response(403, json={"code": "access_denied", "message": "not authorized"}), BadCredential),
        (httpx.Response(404), NotThere),
        (httpx.Response(405), Permanent),
        (httpx.Response(409, json={"message": "inconsistent"}), Conflict),
        (httpx.Response(429, headers={"Retry-After": "38"}), Retryable),
        (httpx.Response(500, html="<h1>sorry</h1>"), Retryable),
        (httpx.Response(501), Unsupported),
        (httpx.Response(502, html="<h1>Bad gateway</h1>"), Retryable),
        (httpx.Response(503), Retryable),
        (httpx.Response(200, html="<h1>Log in</h1>"), Permanent),
        (httpx.Response(200, json=["not an object"]), Permanent),
        (httpx.Response(302, headers={"location": "https://login.example/?token=abc"}), Permanent),
        (httpx.ConnectError("refused"), Retryable),
        (httpx.ConnectTimeout("late"), Retryable),
        (httpx.ReadTimeout("late"), Retryable),
        (httpx.RemoteProtocolError("gone"), Retryable),
    ],
)
def test_every_fault_of_a_read_has_its_meaning(answer: Any, error: type[Exception]) -> None:
    with desk({"GET /tickets/1041": answer}) as (made, _, _), pytest.raises(error) as raised:
        made.fetch(REF)
    assert type(raised.value) is error
    assert API_KEY not in str(raised.value)
    assert "<h1>" not in str(raised.value)


def test_a_429_says_when_to_come_back() -> None:
    answer = httpx.Response(429, headers={"retry-after": "38"}, json={"message": "You have exceeded the limit"})
    with desk({"GET /tickets/1041": answer}) as (made, _, _), pytest.raises(Retryable, match="exceeded") as raised:
        made.fetch(REF)
    assert raised.value.after == 38


def test_our_credential_never_follows_a_redirect() -> None:
    away = httpx.Response(301, headers={"location": "https://elsewhere.example/tickets/1041"})
    with desk({"GET /tickets/1041": away}) as (made, account, _), pytest.raises(Permanent, match=r"elsewhere\.example"):
        made.fetch(REF)
    assert [request.url.host for request in account.requests] == ["acme.freshdesk.example"]


@pytest.mark.parametrize(("total", "left"), [("400", "398"), ("400.0", "398.0")])
def test_every_call_passes_the_gate_with_the_limits_that_the_vendor_tells(total: str, left: str) -> None:
    headers = {"X-RATELIMIT-TOTAL": total, "x-ratelimit-remaining": left}
    with desk({"GET /tickets/1041": httpx.Response(200, json=ticket(), headers=headers)}) as (made, _, gate):
        made.fetch(REF)
    assert gate.admitted == [f"{REF.desk} GET /tickets/{{id}}"]
    (call,) = gate.calls
    assert (call.route, call.status, call.limit, call.remaining) == ("/tickets/{id}", 200, 400, 398)


def test_a_call_without_answer_is_counted_too() -> None:
    with desk({"GET /tickets/1041": httpx.ReadTimeout("late")}) as (made, _, gate), pytest.raises(Retryable):
        made.fetch(REF)
    assert [call.status for call in gate.calls] == [None]


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    with desk() as (made, account, _), pytest.raises(NotThere):
        made.fetch(TicketRef(REF.desk, "../agents/me?x="))
    assert re.fullmatch(rb"/api/v2/tickets/[^/?]+\?include=.*", account.requests[0].url.raw_path)


# Settings -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "acme.freshdesk.example"},
        {"url": "ftp://acme.freshdesk.example"},
        {"url": "https://key:X@acme.freshdesk.example"},
        {"url": "https://acme.freshdesk.example/api/v2"},
        {"url": "https://[broken"},
        {"api_key": ""},
        {"webhook_secrets": ["guessable"]},
        {"webhook_secrets": ["a" * 16, "b" * 16, "c" * 16]},
        {"path_secrets": ["guessable"]},
        {"status_map": {8: "deleted"}},
        {"colour": "blue"},
    ],
)
def test_settings_that_cannot_work_are_refused_without_repeating_a_secret(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        options(**wrong)
    assert "guessable" not in str(raised.value)
    assert "key:X" not in str(raised.value)


def test_settings_do_not_show_their_secrets() -> None:
    assert "planted" not in repr(options())
    assert options(url="https://acme.freshdesk.example/").url == "https://acme.freshdesk.example"
