"""What is written to Freshdesk: the fewest calls, nobody's edit overwritten, nothing sent twice."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.freshdesk import FreshdeskDesk
from bridge.errors import Conflict, Permanent, Retryable, Unclear, Unsupported
from bridge.model import NOBODY, Change, Operation, Priority, Status, Step, Ticket
from tests.adapters.freshdesk_wire import REF, desk, paged, said, ticket

OP = "01K8ZZZZZZZZZZZZZZZZZZZZZ1"
READ, WRITE, POST = "GET /tickets/1041", "PUT /tickets/1041", "POST /tickets/1041/notes"
EVERYTHING = Change(
    assignee_id="43012345678",
    team_id="43000001234",
    status=Status.PENDING,
    priority=Priority.HIGH,
    type="Incident",
    add_tags=frozenset({"billing", "vip"}),
    fields={"cf_triage": "invoice"},
    note="<p>Triage: billing (0.92)</p>",
)


def read(**more: Any) -> Ticket:
    with desk({READ: ticket(**more)}) as (made, _, _):
        return made.fetch(REF)


def plan(change: Change, *, status_map: dict[int, Status] | None = None, **more: Any) -> Operation:
    with desk({READ: ticket(**more)}, status_map=status_map) as (made, account, _):
        operation = made.plan(OP, change, made.fetch(REF))
        assert account.asked() == [READ]
        return operation


def through_json(step: Step) -> Step:
    """The step as it is after a restart."""
    return replace(step, data=json.loads(json.dumps(dict(step.data))))


# Planning -------------------------------------------------------------------------------------------------------------


def test_everything_is_two_calls_in_order() -> None:
    answers = {READ: ticket(), WRITE: ticket(), POST: httpx.Response(201, json=said(1))}
    with desk(answers) as (made, account, _):
        for step in plan(EVERYTHING).steps:
            made.perform(through_json(step), None)
        assert account.asked() == [READ, WRITE, POST]
        assert account.sent("PUT") == [
            {
                "responder_id": 43012345678,
                "group_id": 43000001234,
                "status": 3,
                "priority": 3,
                "type": "Incident",
                "tags": ["billing", "invoice", "vip"],
                "custom_fields": {"cf_triage": "invoice"},
            }
        ]
        (note,) = account.sent("POST")
        assert note["private"] is True
        assert note["body"] == f"<p>Triage: billing (0.92)</p><p><i>Deskbridge ref {OP}</i></p>"


def test_what_the_ticket_already_is_takes_no_step() -> None:
    already: dict[str, Any] = {
        "responder_id": 43012345678,
        "group_id": 43000001234,
        "status": 3,
        "priority": 3,
        "type": "Incident",
        "tags": ["billing", "vip", "x"],
        "custom_fields": {"cf_triage": "invoice"},
    }
    assert plan(replace(EVERYTHING, note=None), **already).steps == ()
    assert plan(Change()).steps == ()
    assert plan(Change(remove_tags=frozenset({"never-was"}))).steps == ()


def test_a_number_field_that_holds_the_number_of_our_text_is_not_written_again() -> None:
    assert plan(Change(fields={"cf_seats": "3"})).steps == ()


def test_an_empty_field_is_expected_empty_and_not_left_out() -> None:
    (step,) = plan(Change(fields={"cf_new": "x"}, assignee_id="43")).steps
    assert step.data["expect"] == {"custom_fields.cf_new": None, "responder_id": None}


def test_a_ticket_is_taken_out_of_everybodys_hands() -> None:
    (step,) = plan(Change(assignee_id=NOBODY), responder_id=43).steps
    assert step.data["set"] == {"responder_id": None}
    assert plan(Change(assignee_id=NOBODY)).steps == ()


@pytest.mark.parametrize(("raw", "wish"), [(6, Status.PENDING), (2, Status.NEW), (2, Status.OPEN), (99, Status.OPEN)])
def test_a_status_that_means_the_wish_or_that_nobody_knows_is_left_as_it_is(raw: int, wish: Status) -> None:
    assert plan(Change(status=wish), status=raw).steps == ()


def test_an_unknown_priority_is_left_as_it_is() -> None:
    assert plan(Change(priority=Priority.LOW), priority=9).steps == ()


def test_an_accounts_own_status_is_written_by_its_number() -> None:
    (step,) = plan(Change(status=Status.ON_HOLD), status_map={7: Status.OPEN, 12: Status.ON_HOLD}).steps
    assert step.data["set"] == {"status": 12}


@pytest.mark.parametrize(
    "change",
    [
        Change(status=Status.DELETED),
        Change(status=Status.UNKNOWN),
        Change(priority=Priority.NONE),
        Change(assignee_id="ana@acme.example"),
        Change(team_id="billing"),
    ],
)
def test_what_freshdesk_cannot_express_is_unsupported(change: Change) -> None:
    with pytest.raises(Unsupported):
        plan(change)


def test_a_wish_for_a_status_that_the_account_took_away_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="status_map"):
        plan(Change(status=Status.ON_HOLD), status_map={7: Status.OPEN})


# A human's edit wins --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        ({"responder_id": 99}, "responder_id"),
        ({"group_id": 99}, "group_id"),
        ({"status": 4}, "status"),
        ({"priority": 4}, "priority"),
        ({"type": "Question"}, "type"),
        ({"custom_fields": {"cf_triage": "refund"}}, "cf_triage"),
    ],
)
def test_a_field_that_somebody_changed_meanwhile_is_a_conflict_that_names_it(edit: dict[str, Any], name: str) -> None:
    step = plan(EVERYTHING).steps[0]
    with desk({READ: ticket(**edit)}) as (made, account, _):
        with pytest.raises(Conflict, match=name) as raised:
            made.perform(through_json(step), None)
        assert account.sent("PUT") == []
    assert "refund" not in str(raised.value)


def test_an_edit_of_a_field_that_we_do_not_write_is_no_conflict() -> None:
    (step,) = plan(Change(priority=Priority.HIGH)).steps
    with desk({READ: ticket(responder_id=99, status=3), WRITE: ticket()}) as (made, account, _):
        made.perform(step, None)
        assert account.sent("PUT") == [{"priority": 3}]


def test_somebody_who_did_what_we_want_leaves_the_rest_to_us() -> None:
    (step,) = plan(Change(priority=Priority.HIGH, type="Incident")).steps
    with desk({READ: ticket(priority=3), WRITE: ticket()}) as (made, account, _):
        made.perform(step, None)
        assert account.sent("PUT") == [{"type": "Incident"}]


def test_somebody_who_did_all_that_we_want_leaves_nothing_to_send() -> None:
    (step,) = plan(Change(priority=Priority.HIGH)).steps
    with desk({READ: ticket(priority=3)}) as (made, account, _):
        assert made.perform(step, None).found
        assert account.asked() == [READ]


def test_the_answer_to_the_step_before_stands_in_for_the_read() -> None:
    (step,) = plan(Change(priority=Priority.HIGH)).steps
    with desk({WRITE: ticket(priority=3)}) as (made, account, _):
        receipt = made.perform(step, read())
        assert account.asked() == [WRITE]
    assert receipt.seen is not None
    assert receipt.seen.priority is Priority.HIGH


TAGS = st.frozensets(st.sampled_from("abcdefgh"))


@given(before=TAGS, now=TAGS, add=TAGS, remove=TAGS)
def test_tags_of_others_are_never_lost_and_ours_always_come(
    before: frozenset[str], now: frozenset[str], add: frozenset[str], remove: frozenset[str]
) -> None:
    wish = Change(add_tags=add - remove, remove_tags=remove)
    written = now
    with desk({READ: ticket(tags=sorted(now)), WRITE: ticket()}) as (made, account, _):
        for step in made.plan(OP, wish, read(tags=sorted(before))).steps:
            made.perform(step, None)
        for body in account.sent("PUT"):
            written = frozenset(body["tags"])
    ours, gone = wish.add_tags - before, wish.remove_tags & before
    assert written == (now | ours) - gone


# Faults ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.ConnectError("refused"), Retryable),
        (httpx.ConnectTimeout("late"), Retryable),
        (httpx.PoolTimeout("busy"), Retryable),
        (httpx.ReadTimeout("late"), Unclear),
        (httpx.WriteTimeout("late"), Unclear),
        (httpx.ReadError("reset"), Unclear),
        (httpx.WriteError("reset"), Unclear),
        (httpx.RemoteProtocolError("disconnected"), Unclear),
        (httpx.Response(500), Unclear),
        (httpx.Response(502, html="<h1>Bad gateway</h1>"), Unclear),
        (httpx.Response(504), Unclear),
        (httpx.Response(200, html="<h1>hm</h1>"), Unclear),
        (httpx.Response(429, headers={"Retry-After": "3"}), Retryable),
        (httpx.Response(503), Unclear),
        (httpx.Response(503, headers={"Retry-After": "3"}), Retryable),
        (httpx.Response(409), Conflict),
    ],
)
@pytest.mark.parametrize("step", [0, 1])
def test_a_write_is_unclear_once_it_may_have_left(answer: Any, error: type[Exception], step: int) -> None:
    with desk({READ: ticket(), WRITE: answer, POST: answer}) as (made, _, _), pytest.raises(error) as raised:
        made.perform(plan(EVERYTHING).steps[step], None)
    assert type(raised.value) is error


def test_a_refused_field_is_told_in_the_vendors_words_and_not_with_our_values() -> None:
    errors = [
        {
            "field": "responder_id",
            "message": "There is no agent matching the given responder_id",
            "code": "invalid_value",
        },
        {"field": "cf_reason", "message": "It should not be blank", "code": "missing_field"},
    ]
    answer = httpx.Response(400, json={"description": "Validation failed", "errors": errors})
    with desk({READ: ticket(), WRITE: answer}) as (made, _, _), pytest.raises(Permanent) as raised:
        made.perform(plan(EVERYTHING).steps[0], None)
    assert "Validation failed" in raised.value.words
    assert "cf_reason: It should not be blank (missing_field)" in raised.value.words
    assert "43012345678" not in str(raised.value)


# Read back ------------------------------------------------------------------------------------------------------------


def find(made: FreshdeskDesk, step: Step) -> bool:
    receipt = made.find(through_json(step))
    assert receipt is None or receipt.found
    return receipt is not None


def test_an_update_is_found_where_every_value_is_in_place() -> None:
    wish = Change(priority=Priority.HIGH, add_tags=frozenset({"vip"}), remove_tags=frozenset({"invoice"}))
    (step,) = plan(wish).steps
    for now, found in [
        (ticket(priority=3, tags=["vip", "else"]), True),
        (ticket(priority=3, tags=[]), False),
        (ticket(priority=3, tags=["vip", "invoice"]), False),
        (ticket(priority=1, tags=["vip"]), False),
    ]:
        with desk({READ: now}) as (made, account, _):
            assert find(made, step) is found
            assert account.sent("PUT") == []


@pytest.mark.parametrize("entries", [3, 30, 75])
def test_a_note_is_found_by_its_marker_however_long_the_conversation(entries: int) -> None:
    step = plan(EVERYTHING).steps[1]
    others = [said(n % 60, id=n, body=f"<p>Deskbridge ref 01K8OTHER{n}</p>") for n in range(entries)]
    ours = said(59, id=999, private=True, body=step.data["body"])
    for talk, found in [(others, False), ([*others, ours], True)]:
        with desk({"GET /tickets/1041/conversations": paged(talk)}) as (made, _, _):
            assert find(made, step) is found


# Summaries ------------------------------------------------------------------------------------------------------------

PINNED = "/tickets/1041/summary"
OURS: dict[str, Any] = {"id": 7, "body": f"<p>old</p><p><i>Deskbridge ref {OP} summary</i></p>", "user_id": 43000000099}


def summarised(there: Any, **answers: Any) -> list[str]:
    """What is sent for a summary where this stands already."""
    known = {f"GET {PINNED}": there, f"PUT {PINNED}": OURS, POST: httpx.Response(201, json=said(1))}
    known |= {"GET /agents/me": {"id": 43000000099}, READ: ticket()}
    with desk(known | answers, note_in="summary") as (made, account, _):
        (step,) = made.plan(OP, Change(summary="<p>new</p>"), made.fetch(REF)).steps
        made.perform(through_json(step), None)
        return [asked for asked in account.asked() if not asked.startswith("GET")]


@pytest.mark.parametrize(
    "there",
    [httpx.Response(404), httpx.Response(204), OURS, OURS | {"user_id": None}, OURS | {"last_edited_user_id": "0"}],
)
def test_a_summary_is_put_where_there_is_none_or_ours(there: Any) -> None:
    assert summarised(there) == [f"PUT {PINNED}"]


@pytest.mark.parametrize(
    "there",
    [
        httpx.Response(403, json={"code": "require_feature", "message": "not on your plan"}),
        {"id": 7, "body": "<p>Ana: they pay by cheque.</p>", "user_id": 43000000099},
        OURS | {"user_id": 43000000001},
        OURS | {"last_edited_user_id": 43000000001},
    ],
)
def test_where_no_summary_of_ours_can_stand_the_note_is_a_private_note(there: Any) -> None:
    assert summarised(there) == [POST]


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_a_summary_that_is_refused_becomes_a_note(status: int) -> None:
    assert summarised(httpx.Response(404), **{f"PUT {PINNED}": httpx.Response(status)}) == [f"PUT {PINNED}", POST]


def test_a_summary_of_unclear_outcome_is_not_made_a_note() -> None:
    with pytest.raises(Unclear):
        summarised(httpx.Response(404), **{f"PUT {PINNED}": httpx.Response(502)})
