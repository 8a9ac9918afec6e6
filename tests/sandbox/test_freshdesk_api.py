"""The API of the Freshdesk sandbox refuses, pages, limits and keeps time as the vendor's reference says it does."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.freshdesk import AGENT_KEY, CUSTOM_FIELDS, CustomField, FreshdeskSandbox
from tests.sandbox.freshdesk_parts import NOON, Caller, Clock, served

DAY = 86_400


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> FreshdeskSandbox:
    return FreshdeskSandbox(clock=clock, plan="bought-2000")


@pytest.fixture
def caller(desk: FreshdeskSandbox) -> Iterator[Caller]:
    with served(desk) as caller:
        yield caller


def refusals(answer: httpx.Response) -> set[tuple[str, str]]:
    """Each wrong field with the code of what is wrong."""
    assert answer.status_code == 400, answer.text
    said = answer.json()
    assert said["description"] == "Validation failed"
    assert all(set(error) == {"field", "message", "code"} for error in said["errors"])
    return {(error["field"], error["code"]) for error in said["errors"]}


def agent_id(caller: Caller, email: str) -> int:
    return int(caller.get("/agents", params={"email": email}).json()[0]["id"])


def group_id(caller: Caller, name: str) -> int:
    return int(next(group["id"] for group in caller.get("/groups").json() if group["name"] == name))


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# Credentials ----------------------------------------------------------------------------------------------------------


def test_a_wrong_key_is_told_so(caller: Caller) -> None:
    assert error_of(caller.get("/tickets", auth=("nobody", "X"))) == (401, "invalid_credentials")
    assert caller.get("/tickets", headers={"Authorization": "Bearer x"}, auth=None).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/agents", "/agents?only=availability", "/groups", "/admin/groups", "/admin/skills", "/automations/4/rules"],
)
def test_what_admins_set_up_is_closed_to_other_agents(caller: Caller, path: str) -> None:
    assert error_of(caller.get(path, auth=(AGENT_KEY, "X"))) == (403, "access_denied")
    assert caller.get(path).status_code == 200


def test_every_key_may_ask_whose_it_is(caller: Caller) -> None:
    assert caller.get("/agents/me", auth=(AGENT_KEY, "X")).json()["contact"]["email"] == "ana@acme.example"


# Reading --------------------------------------------------------------------------------------------------------------


def test_times_are_utc_without_fractions_and_blanks_are_null(caller: Caller, clock: Clock) -> None:
    clock.turn(0.75)
    ticket = caller.ticket(caller.customer())
    assert ticket["created_at"] == "2026-11-02T12:00:00Z"
    assert (ticket["responder_id"], ticket["type"], ticket["custom_fields"]["cf_triage"]) == (None, None, None)


def test_a_ticket_shows_only_its_oldest_ten_conversations(caller: Caller) -> None:
    id_ = caller.customer()
    for number in range(12):
        caller.customer(f"Reply {number}", ticket=str(id_))
    shown = caller.ticket(id_, "conversations")["conversations"]
    every = caller.get(f"/tickets/{id_}/conversations").json()
    assert [said["body_text"] for said in shown] == [f"Reply {number}" for number in range(10)]
    assert [said["body_text"] for said in every][10:] == ["Reply 10", "Reply 11"]


def test_conversations_come_thirty_a_page_with_a_link_to_the_next(caller: Caller) -> None:
    id_ = caller.customer()
    for number in range(31):
        caller.customer(f"Reply {number}", ticket=str(id_))
    first = caller.get(f"/tickets/{id_}/conversations")
    second = caller.get(first.links["next"]["url"])
    assert (len(first.json()), len(second.json())) == (30, 1)
    assert "next" not in second.links


def test_a_ticket_that_is_not_there_is_a_404_without_a_body(caller: Caller) -> None:
    for answer in (caller.get("/tickets/77"), caller.put("/tickets/77", json={}), caller.get("/nowhere")):
        assert (answer.status_code, answer.content) == (404, b"")


def test_a_method_that_is_not_there_is_a_405_that_names_the_others(caller: Caller) -> None:
    answer = caller.patch(f"/tickets/{caller.customer()}", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS, PUT")


def test_an_include_that_is_not_known_is_refused(caller: Caller) -> None:
    answer = caller.get(f"/tickets/{caller.customer()}", params={"include": "requester,weather"})
    assert refusals(answer) == {("include", "invalid_value")}


# Writing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"note": "hidden in an update"}, ("note", "invalid_field")),
        ({"status": "3"}, ("status", "datatype_mismatch")),
        ({"status": True}, ("status", "datatype_mismatch")),
        ({"status": 8}, ("status", "invalid_value")),
        ({"priority": None}, ("priority", "datatype_mismatch")),
        ({"priority": 0}, ("priority", "invalid_value")),
        ({"type": "incident"}, ("type", "invalid_value")),
        ({"responder_id": 1}, ("responder_id", "invalid_value")),
        ({"group_id": "Billing"}, ("group_id", "datatype_mismatch")),
        ({"tags": "vip"}, ("tags", "datatype_mismatch")),
        ({"tags": ["vip", 1]}, ("tags", "datatype_mismatch")),
        ({"due_by": "tomorrow"}, ("due_by", "invalid_date")),
        ({"custom_fields": []}, ("custom_fields", "datatype_mismatch")),
        ({"custom_fields": {"triage": "x"}}, ("custom_fields.triage", "invalid_field")),
        ({"custom_fields": {"cf_order_number": "12"}}, ("custom_fields.cf_order_number", "datatype_mismatch")),
        ({"custom_fields": {"cf_region": "MARS"}}, ("custom_fields.cf_region", "invalid_value")),
        ({"custom_fields": {"cf_renewal": "soon"}}, ("custom_fields.cf_renewal", "invalid_date")),
    ],
    ids=str,
)
def test_an_update_refuses_what_the_reference_refuses(
    caller: Caller, body: dict[str, Any], refused: tuple[str, str]
) -> None:
    id_ = caller.customer()
    before = caller.ticket(id_)
    assert refusals(caller.put(f"/tickets/{id_}", json={"priority": 4} | body)) == {refused}
    assert caller.ticket(id_) == before


def test_an_update_tells_every_fault_at_once(caller: Caller) -> None:
    answer = caller.put(f"/tickets/{caller.customer()}", json={"status": 99, "colour": "red", "tags": None})
    assert refusals(answer) == {
        ("status", "invalid_value"),
        ("colour", "invalid_field"),
        ("tags", "datatype_mismatch"),
    }


def test_an_agent_outside_the_group_is_refused_when_both_are_sent(caller: Caller) -> None:
    id_, cy, billing = caller.customer(), agent_id(caller, "cy@acme.example"), group_id(caller, "Billing")
    answer = caller.put(f"/tickets/{id_}", json={"responder_id": cy, "group_id": billing})
    assert refusals(answer) == {("responder_id", "inconsistent_state")}
    tech = group_id(caller, "Tech Support")
    assert caller.put(f"/tickets/{id_}", json={"responder_id": cy, "group_id": tech}).status_code == 200


def test_a_field_that_agents_must_fill_in_fails_an_unrelated_update(clock: Clock) -> None:
    needed = CustomField("cf_cause", "Cause", required_for_agents=True)
    with served(FreshdeskSandbox(clock=clock, custom_fields=(*CUSTOM_FIELDS, needed))) as caller:
        id_ = caller.customer()
        assert refusals(caller.put(f"/tickets/{id_}", json={"priority": 2})) == {
            ("custom_fields.cf_cause", "missing_field")
        }
        both = {"priority": 2, "custom_fields": {"cf_cause": "user error"}}
        assert caller.put(f"/tickets/{id_}", json=both).status_code == 200
        assert caller.put(f"/tickets/{id_}", json={"priority": 3}).status_code == 200


def test_tags_are_replaced_and_custom_fields_merged(caller: Caller) -> None:
    id_ = caller.customer(tags=["human"])
    caller.put(f"/tickets/{id_}", json={"tags": ["a", "b", "a"], "custom_fields": {"cf_triage": "invoice"}})
    caller.put(f"/tickets/{id_}", json={"custom_fields": {"cf_language": "en"}})
    ticket = caller.ticket(id_)
    assert ticket["tags"] == ["a", "b"]
    assert (ticket["custom_fields"]["cf_triage"], ticket["custom_fields"]["cf_language"]) == ("invoice", "en")


def test_an_update_that_changes_nothing_leaves_the_time_alone(caller: Caller, clock: Clock) -> None:
    id_ = caller.customer()
    clock.turn(60)
    assert caller.put(f"/tickets/{id_}", json={"status": 2, "tags": []}).json()["updated_at"] == "2026-11-02T12:00:00Z"
    assert caller.put(f"/tickets/{id_}", json={"status": 3}).json()["updated_at"] == "2026-11-02T12:01:00Z"


def test_a_body_that_is_no_json_object_is_refused(caller: Caller) -> None:
    path = f"/tickets/{caller.customer()}"
    for body in (b"{", b"[]", b""):
        answer = caller.put(path, content=body, headers={"Content-Type": "application/json"})
        assert error_of(answer) == (400, "invalid_json")
    assert caller.put(path, content=b"status=2", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_ticket_made_by_the_api_takes_the_vendors_defaults(caller: Caller) -> None:
    body = {"subject": "Help", "description": "<p>Now</p>", "email": "new@hooli.example", "name": "New Client"}
    answer = caller.post("/tickets", json=body)
    ticket = answer.json()
    assert (answer.status_code, ticket["status"], ticket["priority"], ticket["source"]) == (201, 2, 1, 2)
    assert caller.get(answer.headers["location"]).json()["id"] == ticket["id"]
    assert caller.get(f"/contacts/{ticket['requester_id']}").json()["name"] == "New Client"
    assert caller.get(f"/companies/{ticket['company_id']}").json()["name"] == "Hooli"


def test_a_ticket_needs_a_subject_a_description_and_somebody_who_asks(caller: Caller) -> None:
    assert refusals(caller.post("/tickets", json={"email": "a@b.example"})) == {
        ("subject", "missing_field"),
        ("description", "missing_field"),
    }
    answer = caller.post("/tickets", json={"subject": "s", "description": "d"})
    assert refusals(answer) == {("requester_id", "missing_field")}


def test_a_note_is_private_unless_it_says_otherwise(caller: Caller) -> None:
    id_ = caller.customer()
    hidden = caller.post(f"/tickets/{id_}/notes", json={"body": "<p>For us</p>"})
    shown = caller.post(f"/tickets/{id_}/notes", json={"body": "For all", "private": False})
    assert (hidden.status_code, hidden.json()["private"], shown.json()["private"]) == (201, True, False)
    assert refusals(caller.post(f"/tickets/{id_}/notes", json={"private": True})) == {("body", "missing_field")}
    assert refusals(caller.post(f"/tickets/{id_}/notes", json={"body": "x", "public": True})) == {
        ("public", "invalid_field")
    }


def test_only_notes_can_be_rewritten_and_taken_away(caller: Caller) -> None:
    id_ = caller.customer()
    note = caller.post(f"/tickets/{id_}/notes", json={"body": "first"}).json()["id"]
    reply = caller.post(f"/tickets/{id_}/reply", json={"body": "hello"}).json()["id"]
    assert caller.put(f"/conversations/{note}", json={"body": "second"}).json()["body"] == "second"
    assert caller.put(f"/conversations/{reply}", json={"body": "other"}).status_code == 405
    assert caller.delete(f"/conversations/{note}").status_code == 204
    assert [said["id"] for said in caller.get(f"/tickets/{id_}/conversations").json()] == [reply]


def test_a_ticket_has_one_summary_that_is_replaced(caller: Caller) -> None:
    path = f"/tickets/{caller.customer()}/summary"
    assert caller.get(path).status_code == 404
    first = caller.put(path, json={"body": "<p>billing</p>"}).json()
    second = caller.put(path, json={"body": "<p>refund</p>"}).json()
    assert (first["id"], second["body_text"]) == (second["id"], "refund")
    assert caller.delete(path).status_code == 204
    assert caller.get(path).status_code == 404


@pytest.mark.parametrize("status", ["pending", "resolved", "closed", 6])
def test_a_customers_reply_opens_the_ticket_again(caller: Caller, status: object) -> None:
    id_ = caller.customer()
    caller.edit(id_, set={"status": status})
    caller.customer("Still broken", ticket=str(id_))
    assert caller.ticket(id_)["status"] == 2


def test_an_agents_reply_or_note_leaves_a_closed_ticket_closed(caller: Caller) -> None:
    id_ = caller.customer()
    caller.edit(id_, set={"status": "closed"})
    caller.edit(id_, reply="You are welcome", note="done")
    assert caller.ticket(id_)["status"] == 5


def test_stats_tell_when_the_first_answer_the_solution_and_the_reopening_came(caller: Caller, clock: Clock) -> None:
    id_ = caller.customer()
    for step in ({"reply": "Try this"}, {"set": {"status": "resolved"}}):
        clock.turn(60)
        caller.edit(id_, **step)
    solved = caller.ticket(id_, "stats")["stats"]
    clock.turn(60)
    caller.customer("No", ticket=str(id_))
    again = caller.ticket(id_, "stats")["stats"]
    assert (solved["first_responded_at"], solved["resolved_at"]) == ("2026-11-02T12:01:00Z", "2026-11-02T12:02:00Z")
    assert (again["reopened_at"], again["resolved_at"]) == ("2026-11-02T12:03:00Z", None)


def test_the_due_time_follows_the_priority_and_its_passing_shows(caller: Caller, clock: Clock) -> None:
    id_ = caller.customer()
    urgent = caller.put(f"/tickets/{id_}", json={"priority": 4}).json()
    assert (urgent["fr_due_by"], urgent["is_escalated"]) == ("2026-11-02T13:00:00Z", False)
    clock.turn(DAY)
    late = caller.ticket(id_)
    assert (late["fr_escalated"], late["is_escalated"]) == (True, True)


def test_a_bulk_update_is_a_job_that_is_done_a_while_later(caller: Caller, clock: Clock) -> None:
    ids = [caller.customer(), caller.customer()]
    action = {"ids": [*ids, 99], "properties": {"priority": 4}, "reply": {"body": "Known fault"}}
    answer = caller.post("/tickets/bulk_update", json={"bulk_action": action})
    assert answer.status_code == 202
    href = answer.json()["href"]
    assert (caller.get(href).json()["status"], caller.ticket(ids[0])["priority"]) == ("IN PROGRESS", 1)
    clock.turn(2)
    job = caller.get(href).json()
    assert (job["status"], job["progress"]) == ("COMPLETED", 100)
    assert [row["success"] for row in job["data"]] == [True, True, False]
    assert [caller.ticket(id_, "conversations")["conversations"][0]["body"] for id_ in ids] == ["Known fault"] * 2


def test_a_bulk_update_refuses_too_many_and_what_an_update_refuses(caller: Caller) -> None:
    def bulk(**action: Any) -> set[tuple[str, str]]:
        return refusals(caller.post("/tickets/bulk_update", json={"bulk_action": action}))

    assert bulk(ids=list(range(1, 102)), properties={"priority": 1}) == {("ids", "invalid_value")}
    assert bulk(ids=[1], properties={"colour": 1}) == {("colour", "invalid_field")}
    assert bulk(ids=[1], properties={"internal_group_id": None}) == {("status", "missing_field")}


def test_merged_tickets_are_closed_with_notes_on_both_sides(caller: Caller) -> None:
    primary, other = caller.customer(), caller.customer()
    answer = caller.put(
        "/tickets/merge",
        json={
            "primary_id": primary,
            "ticket_ids": [other],
            "note_in_primary": {"body": f"Merged from {other}"},
            "note_in_secondary": {"body": f"Merged into {primary}", "private": False},
        },
    )
    assert answer.status_code == 204
    assert caller.ticket(other)["status"] == 5
    at_primary, at_other = (caller.ticket(id_, "conversations")["conversations"][0] for id_ in (primary, other))
    assert (at_primary["private"], at_other["private"]) == (True, False)


def test_a_ticket_is_merged_only_into_another_that_is_there(caller: Caller) -> None:
    id_ = caller.customer()
    for others in ([id_], [99]):
        answer = caller.put("/tickets/merge", json={"primary_id": id_, "ticket_ids": others})
        assert refusals(answer) == {("ticket_ids", "invalid_value")}


def test_a_deleted_ticket_is_shown_as_such_cannot_be_written_and_can_come_back(caller: Caller) -> None:
    id_ = caller.customer()
    assert caller.delete(f"/tickets/{id_}").status_code == 204
    assert caller.ticket(id_)["deleted"] is True
    assert caller.put(f"/tickets/{id_}", json={"priority": 2}).status_code == 404
    assert [row["id"] for row in caller.get("/tickets?filter=deleted").json()] == [id_]
    assert caller.get("/tickets").json() == []
    assert caller.put(f"/tickets/{id_}/restore").status_code == 204
    assert "deleted" not in caller.ticket(id_)


# Lists and search -----------------------------------------------------------------------------------------------------


def test_a_list_without_updated_since_hides_tickets_older_than_thirty_days(caller: Caller, clock: Clock) -> None:
    old = caller.customer()
    clock.turn(31 * DAY)
    new = caller.customer()
    caller.put(f"/tickets/{old}", json={"priority": 2})
    assert [row["id"] for row in caller.get("/tickets").json()] == [new]
    assert [row["id"] for row in caller.get("/tickets?updated_since=2026-12-01").json()] == [new, old]


def test_updated_since_holds_to_the_second_and_orders_as_asked(caller: Caller, clock: Clock) -> None:
    ids = []
    for _ in range(3):
        clock.turn(10.5)
        ids.append(caller.customer())
    query = {"updated_since": caller.ticket(ids[1])["updated_at"], "order_by": "updated_at", "order_type": "asc"}
    rows = caller.get("/tickets", params=query).json()
    assert [row["id"] for row in rows] == ids[1:]
    assert "description" not in rows[0]
    described = caller.get("/tickets", params=query | {"include": "description,requester,stats,company"}).json()[0]
    assert described["description_text"] == "It is broken."
    assert described["requester"]["email"] == "ada@globex.example"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("per_page=101", "per_page"),
        ("per_page=0", "per_page"),
        ("page=301", "page"),
        ("page=x", "page"),
        ("updated_since=yesterday", "updated_since"),
        ("order_by=priority", "order_by"),
        ("filter=mine", "filter"),
    ],
)
def test_a_list_refuses_what_it_cannot_read(caller: Caller, query: str, field: str) -> None:
    assert refusals(caller.get(f"/tickets?{query}")) == {(field, "invalid_value")}


def test_a_list_refuses_a_parameter_it_does_not_know(caller: Caller) -> None:
    assert refusals(caller.get("/tickets?since=2026-01-01")) == {("since", "invalid_field")}


def test_tickets_are_listed_by_who_asked(caller: Caller) -> None:
    ada, bob = caller.customer(), caller.customer(email="bob@initech.example")
    requester = caller.ticket(bob)
    assert [row["id"] for row in caller.get("/tickets?email=ada@globex.example").json()] == [ada]
    assert caller.get("/tickets?email=nobody@globex.example").json() == []
    for name in ("requester_id", "company_id"):
        assert [row["id"] for row in caller.get("/tickets", params={name: requester[name]}).json()] == [bob]


def test_spam_is_listed_only_where_it_is_asked_for(caller: Caller) -> None:
    spam, good = caller.customer(), caller.customer()
    caller.edit(spam, set={"status": "spam"})
    assert [row["id"] for row in caller.get("/tickets").json()] == [good]
    assert [row["id"] for row in caller.get("/tickets?filter=spam").json()] == [spam]
    assert caller.ticket(spam)["spam"] is True


def found(caller: Caller, query: str) -> list[int]:
    answer = caller.get("/search/tickets", params={"query": f'"{query}"'})
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == len(answer.json()["results"])
    return [row["id"] for row in answer.json()["results"]]


def test_search_joins_terms_with_and_before_or_and_with_brackets(caller: Caller) -> None:
    low, high, closed = (caller.customer() for _ in range(3))
    caller.edit(high, set={"priority": "high", "assignee": "cy@acme.example", "add_tags": ["vip"]})
    caller.edit(closed, set={"status": "closed", "priority": "high"})
    cy = agent_id(caller, "cy@acme.example")
    assert found(caller, "status:2 AND agent_id:null") == [low]
    assert found(caller, f"agent_id:{cy} AND (status:2 OR status:3)") == [high]
    assert found(caller, "status:5 OR status:2 AND priority:3") == [high, closed]
    assert found(caller, "(status:5 OR status:2) AND priority:3") == [high, closed]
    assert found(caller, "(status:5 OR status:2) AND priority:1") == [low]
    assert found(caller, "tag:'vip'") == [high]
    assert found(caller, "created_at:>'2026-11-03'") == []


@pytest.mark.parametrize(
    "query", ["status:2", '"status:2', '""', '"status:2 AND"', '"(status:2"', '"colour:1"', '"status:2 status:3"']
)
def test_search_refuses_a_query_it_cannot_read(caller: Caller, query: str) -> None:
    assert refusals(caller.get("/search/tickets", params={"query": query})) == {("query", "invalid_value")}


@given(query=st.text(max_size=40))
def test_no_query_breaks_the_search(query: str) -> None:
    client = FreshdeskSandbox(clock=Clock()).app.test_client()
    answer = client.get("/api/v2/search/tickets", query_string={"query": query}, auth=("sandbox-freshdesk-key", "X"))
    assert answer.status_code in {200, 400}


# People ---------------------------------------------------------------------------------------------------------------


def test_availability_shows_status_load_and_limit(caller: Caller) -> None:
    for status in ("open", "pending", "resolved"):
        caller.edit(caller.customer(), set={"assignee": "cy@acme.example", "status": status})
    caller.control("POST", "/agents/status", agent="dee@acme.example", status="away")
    caller.control("POST", "/agents/status", agent="eli@acme.example", status="offline")
    rows = {row["id"]: row["channel_availability"][0] for row in caller.get("/agents?only=availability").json()}
    cy, dee, eli = (rows[agent_id(caller, f"{name}@acme.example")] for name in ("cy", "dee", "eli"))
    assert (cy["available"], cy["current_assignment_load"], cy["assignment_limit"]) == (True, 2, 10)
    assert (dee["available"], dee["logged_in"]) == (False, True)
    assert (eli["available"], eli["logged_in"]) == (False, False)
    one = caller.get(f"/agents/{agent_id(caller, 'cy@acme.example')}/availability").json()
    assert one["channel_availability"][0] == cy


def test_groups_tell_their_members_and_whether_freshdesk_assigns_by_itself(clock: Clock) -> None:
    with served(FreshdeskSandbox(clock=clock, auto_assign={"Billing": 1})) as caller:
        rows = {row["name"]: row for row in caller.get("/admin/groups").json()}
        members = caller.get(f"/admin/groups/{rows['Billing']['id']}/agents").json()
        old = {row["name"]: row["auto_ticket_assign"] for row in caller.get("/groups").json()}
    assert rows["Billing"]["automatic_agent_assignment"]["enabled"] is True
    assert rows["General"]["automatic_agent_assignment"] == {"enabled": False}
    assert old == {"Billing": 1, "Tech Support": 0, "General": 0}
    assert [member["email"] for member in members] == ["ana@acme.example", "bo@acme.example"]


def test_skills_name_the_agents_who_have_them(caller: Caller) -> None:
    skills = {row["name"]: [agent["id"] for agent in row["agents"]] for row in caller.get("/admin/skills").json()}
    assert skills["german"] == [agent_id(caller, "gus@acme.example")]
    assert set(skills) == {"api", "german", "french"}


def test_a_renamed_or_added_status_shows_in_the_fields_and_is_accepted(clock: Clock) -> None:
    with served(FreshdeskSandbox(clock=clock, statuses={3: "Wartend", 8: "In QA"})) as caller:
        fields = {row["name"]: row for row in caller.get("/ticket_fields").json()}
        assert fields["status"]["choices"]["3"][0] == "Wartend"
        assert fields["status"]["choices"]["8"] == ["In QA", "In QA"]
        assert caller.put(f"/tickets/{caller.customer()}", json={"status": 8}).json()["status"] == 8


# Limits and faults ----------------------------------------------------------------------------------------------------


def rates(answer: httpx.Response) -> tuple[str, str, str]:
    total, remaining, used = (
        answer.headers[f"x-ratelimit-{name}"] for name in ("total", "remaining", "used-currentrequest")
    )
    return total, remaining, used


def test_includes_cost_credits_more_in_a_list(clock: Clock) -> None:
    with served(FreshdeskSandbox(clock=clock, plan="pro")) as caller:
        id_ = caller.customer()
        assert rates(caller.get(f"/tickets/{id_}")) == ("400", "399", "1")
        assert rates(caller.get(f"/tickets/{id_}?include=stats,requester")) == ("400", "396", "3")
        assert rates(caller.get("/tickets?include=stats,requester")) == ("400", "391", "5")
        assert rates(caller.get("/tickets/404")) == ("400", "390", "1")


def test_the_accounts_minute_runs_out_for_every_key_and_comes_back(clock: Clock) -> None:
    with served(FreshdeskSandbox(clock=clock, plan="trial")) as caller:
        clock.turn(20)
        for number in range(50):
            caller.get("/agents/me", auth=(AGENT_KEY, "X") if number % 2 else caller.auth)
        refused = caller.get("/agents/me")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "40")
        assert rates(refused)[:2] == ("50", "0")
        clock.turn(40)
        assert caller.get("/agents/me").status_code == 200


def test_lists_of_tickets_run_out_before_the_account_does(clock: Clock) -> None:
    with served(FreshdeskSandbox(clock=clock, plan="growth")) as caller:
        answers = [caller.get("/tickets").status_code for _ in range(21)]
        assert answers == [200] * 20 + [429]
        assert caller.get("/agents/me").status_code == 200


def test_updates_have_a_limit_of_their_own(clock: Clock) -> None:
    with served(FreshdeskSandbox(clock=clock, plan="growth")) as caller:
        path = f"/tickets/{caller.customer()}"
        answers = [caller.put(path, json={"priority": 1 + number % 4}).status_code for number in range(81)]
        assert answers == [200] * 80 + [429]
        assert caller.post(f"{path}/notes", json={"body": "still works"}).status_code == 201


def test_faults_look_like_the_vendors(caller: Caller) -> None:
    caller.control("PUT", "/faults", **{"500": {"next": 1}, "503": {"next": 1, "retry_after": 3}})
    first, second, third = (caller.get("/agents/me") for _ in range(3))
    assert (first.status_code, first.headers["content-type"]) == (500, "text/html")
    assert (second.status_code, second.headers["retry-after"]) == (503, "3")
    assert third.status_code == 200


def test_a_write_may_take_effect_though_its_answer_is_lost(caller: Caller) -> None:
    id_ = caller.customer()
    caller.control("PUT", "/faults", timeout_after_write={"next": 1, "match": "/notes", "hold": 0})
    with pytest.raises(httpx.TransportError):
        caller.post(f"/tickets/{id_}/notes", json={"body": "once"})
    assert [said["body"] for said in caller.ticket(id_, "conversations")["conversations"]] == ["once"]


# The control face -----------------------------------------------------------------------------------------------------


def test_the_state_shows_tickets_in_the_vendors_values_and_who_wrote_what(caller: Caller, clock: Clock) -> None:
    id_ = caller.customer(subject="Broken", tags=["new"])
    clock.turn(5)
    caller.put(f"/tickets/{id_}", json={"priority": 3})
    caller.post(f"/tickets/{id_}/notes", json={"body": "Triage: technical"})
    changes = {"assignee": "dee@acme.example", "team": "Tech Support", "fields": {"cf_triage": "api"}}
    caller.edit(id_, "dee@acme.example", set=changes, reply="Hello")
    state = caller.control("GET", "/state")
    ticket = state["tickets"][0]
    assert (ticket["status"], ticket["priority"], ticket["tags"]) == (2, 3, ["new"])
    assert (ticket["assignee"], ticket["team"], ticket["fields"]["cf_triage"]) == (
        "dee@acme.example",
        "Tech Support",
        "api",
    )
    assert [note["author"] for note in ticket["notes"]] == ["bridge@acme.example"]
    assert [reply["author_kind"] for reply in ticket["replies"]] == ["agent"]
    assert (ticket["created_at"], ticket["updated_at"]) == (NOON, NOON + 5)
    assert [(write["action"], write["actor_kind"]) for write in state["writes"]] == [
        ("create", "requester"),
        ("update", "integration"),
        ("note", "integration"),
        ("update", "agent"),
        ("reply", "agent"),
    ]
    assert state["writes"][1]["changes"]["priority"] == [1, 3]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/customers/write", {"email": "a@b.example", "body": "x", "channel": "pigeon"}),
        ("/customers/write", {"email": "a@b.example", "body": "x", "ticket": "99"}),
        ("/agents/edit", {"agent": "nobody@acme.example", "ticket": "1"}),
        ("/agents/edit", {"agent": "cy@acme.example", "ticket": "1", "set": {"team": "Nobody"}}),
        ("/agents/edit", {"agent": "cy@acme.example", "ticket": "1", "set": {"status": "lost"}}),
        ("/agents/edit", {"agent": "cy@acme.example", "ticket": "1", "set": {"fields": {"cf_none": 1}}}),
        ("/webhooks", {"url": "http://127.0.0.1:9/", "topics": ["weather"]}),
    ],
    ids=str,
)
def test_the_control_face_says_what_is_wrong_and_what_to_do(caller: Caller, path: str, body: dict[str, Any]) -> None:
    caller.customer()
    answer = caller.post(f"{caller.root}/_sandbox{path}", json=body)
    assert answer.status_code in {400, 404}
    assert answer.json()["error"]
