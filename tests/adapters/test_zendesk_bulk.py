"""Many Zendesk tickets in one call: what is sent, and what a job's own words mean for each."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from adapters.zendesk import ZendeskDesk
from bridge.errors import Conflict, DeskError, Retryable, Unclear
from bridge.model import NOBODY, Change, Receipt, Step
from tests.adapters.zendesk_wire import BASE, make_desk, ticket
from tests.contract.world import OpenGate

MANY = f"{BASE}/api/v2/tickets/update_many.json"
JOB_ID = "V3-0a1b2c3d4e5f60718293a4b5c6d7e8f9"
JOB = f"{BASE}/api/v2/job_statuses/{JOB_ID}.json"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def steps(count: int = 2) -> list[Step]:
    """One step each for so many tickets."""
    desk, change = make_desk(), Change(assignee_id=NOBODY, note="<p>n</p>")
    return [desk.plan(f"01K8{n}", change, ticket(id=5158 + n, assignee_id=7)).steps[0] for n in range(count)]


def status(state: str, *rows: object, **more: object) -> dict[str, Any]:
    return {"job_status": {"id": JOB_ID, "status": state, "total": 2, "results": list(rows) or None, **more}}


def row(number: int, **more: object) -> dict[str, object]:
    return {"index": number, "id": 5158 + number, "action": "update", "success": True, "status": "Updated", **more}


@pytest.mark.parametrize("code", [200, 202])
def test_a_job_gets_each_tickets_whole_step_under_its_own_lock_and_mark(
    code: int, wire: responses.RequestsMock, desk: ZendeskDesk, gate: OpenGate
) -> None:
    wire.put(MANY, status=code, json=status("queued"))
    assert desk.submit(steps()) == JOB_ID
    sent = json.loads(wire.calls[0].request.body or "")["tickets"]
    assert sent == [{"id": int(step.ref.id), **step.data["ticket"]} for step in steps()]  # type: ignore[dict-item]  # JSON
    assert [each["metadata"]["deskbridge"]["op"] for each in sent] == ["01K80", "01K81"]
    assert {each["safe_update"] for each in sent} == {True}
    assert {each["assignee_id"] for each in sent} == {None}
    assert [(call.method, call.route) for call in gate.calls] == [("PUT", "/api/v2/tickets/update_many")]


def test_too_many_jobs_of_the_account_is_a_matter_of_time(wire: responses.RequestsMock, desk: ZendeskDesk) -> None:
    wire.put(MANY, status=429, json={"error": "TooManyJobs", "description": "Too many queued background jobs."})
    with pytest.raises(Retryable, match="TooManyJobs"):
        desk.submit(steps())


def test_a_job_whose_acceptance_was_not_heard_is_unclear(wire: responses.RequestsMock, desk: ZendeskDesk) -> None:
    wire.put(MANY, status=502, body="bad gateway")
    with pytest.raises(Unclear):
        desk.submit(steps())


def kinds(found: object) -> list[type]:
    assert isinstance(found, list)
    return [type(each) for each in found]


def outcomes(wire: responses.RequestsMock, desk: ZendeskDesk, answer: object, code: int = 200) -> object:
    wire.get(JOB, status=code, json=answer)
    return desk.outcomes(JOB_ID, steps())


@pytest.mark.parametrize("state", ["queued", "working", "something new"])
def test_a_job_that_is_not_over_says_nothing_yet(
    state: str, wire: responses.RequestsMock, desk: ZendeskDesk, gate: OpenGate
) -> None:
    assert outcomes(wire, desk, status(state, row(0), row(1))) is None
    assert [call.route for call in gate.calls] == ["/api/v2/job_statuses/{id}"]


REFUSED = "Safe Update prevented the update due to outdated ticket data"


@pytest.mark.parametrize(
    ("second", "means"),
    [
        ({}, Receipt),
        ({"success": False, "error": "UpdateConflict", "details": REFUSED}, Conflict),
        ({"success": False, "status": None, "error": REFUSED}, Conflict),
        ({"success": True, "error": "UpdateConflict"}, Conflict),
        ({"success": False, "error": "TicketUpdateFailed", "details": "Assignee: is invalid"}, Unclear),
        ({"success": False}, Unclear),
        ({"success": None}, Unclear),
        ({"id": 9, "index": 1}, Unclear),
    ],
)
def test_each_item_of_a_job_has_an_outcome_of_its_own(
    second: dict[str, object], means: type[Receipt | DeskError], wire: responses.RequestsMock, desk: ZendeskDesk
) -> None:
    assert kinds(outcomes(wire, desk, status("completed", row(1, **second), row(0)))) == [Receipt, means]


@pytest.mark.parametrize("state", ["failed", "killed"])
def test_what_a_dead_job_does_not_tell_of_is_unclear(
    state: str, wire: responses.RequestsMock, desk: ZendeskDesk
) -> None:
    assert kinds(outcomes(wire, desk, status(state, row(0)))) == [Receipt, Unclear]


@pytest.mark.parametrize("results", [None, {"success": True}, "done", [None, 7]])
def test_a_job_that_is_over_and_shows_no_rows_is_unclear(
    results: object, wire: responses.RequestsMock, desk: ZendeskDesk
) -> None:
    assert kinds(outcomes(wire, desk, status("completed", results=results))) == [Unclear, Unclear]


def test_a_job_that_zendesk_has_forgotten_is_unclear(wire: responses.RequestsMock, desk: ZendeskDesk) -> None:
    assert kinds(outcomes(wire, desk, {"error": "RecordNotFound"}, 404)) == [Unclear, Unclear]
