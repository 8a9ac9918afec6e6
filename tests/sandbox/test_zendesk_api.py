"""The sandbox refuses, limits and remembers as Zendesk does."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.zendesk import API_TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, Limits, ZendeskSandbox
from tests.sandbox.zendesk_parts import Clock, Sandbox, sandbox


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Iterator[Sandbox]:
    with sandbox(ZendeskSandbox(clock=clock)) as running:
        yield running


# People -------------------------------------------------------------------------------------------------------------


def test_many_users_come_with_their_organisations_each_once_and_without_strangers(desk: Sandbox) -> None:
    tickets = [desk.ticket(desk.write(email=f"{name}@globex.example")) for name in ("ada", "bob")]
    ids = {"ids": ",".join(str(number) for number in (*(each["requester_id"] for each in tickets), 999999999))}
    plain = desk.api.get("users/show_many", params=ids).json()
    beside = desk.api.get("users/show_many", params={**ids, "include": "organizations"}).json()
    assert [user["id"] for user in plain["users"]] == [each["requester_id"] for each in tickets]
    assert "organizations" not in plain
    assert [each["name"] for each in beside["organizations"]] == ["Globex"]


# Credentials --------------------------------------------------------------------------------------------------------


def token(desk: Sandbox, **more: Any) -> httpx.Response:
    asked = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET} | more
    return httpx.post(f"{desk.running.url}/oauth/tokens", json=asked)


def me(desk: Sandbox, bearer: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {bearer}"}
    return httpx.get(f"{desk.running.url}/api/v2/users/me.json", headers=headers)


def test_client_credentials_open_the_account_for_half_an_hour(desk: Sandbox, clock: Clock) -> None:
    granted = token(desk).json()
    assert (granted["token_type"], granted["expires_in"], granted["scope"]) == ("bearer", 1800, "read write")
    assert me(desk, granted["access_token"]).json()["user"]["email"] == "bridge@acme.example"
    clock.turn(1800)
    refused = me(desk, granted["access_token"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    assert "invalid_token" in refused.headers["WWW-Authenticate"]


def test_a_refresh_token_works_once(desk: Sandbox) -> None:
    first = token(desk, grant_type="refresh_token", refresh_token=REFRESH_TOKEN).json()
    again = token(desk, grant_type="refresh_token", refresh_token=REFRESH_TOKEN)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    second = token(desk, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert me(desk, second["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "tickets:read everything"}, 400, "invalid_scope"),
        ({"expires_in": 10}, 400, "invalid_request"),
        ({"expires_in": "soon"}, 400, "invalid_request"),
    ],
)
def test_a_wrong_token_request_is_refused(desk: Sandbox, asked: dict[str, Any], status: int, error: str) -> None:
    refused = token(desk, **asked)
    assert (refused.status_code, refused.json()["error"]) == (status, error)


def test_granular_scopes_are_granted(desk: Sandbox) -> None:
    assert token(desk, scope="tickets:read tickets:write webhooks:write").status_code == 200


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("bridge@acme.example/token", "wrong"),
        ("bridge@acme.example", API_TOKEN),
        ("nobody@acme.example/token", API_TOKEN),
    ],
)
def test_a_wrong_api_token_is_not_let_in(desk: Sandbox, login: str, password: str) -> None:
    refused = httpx.get(f"{desk.running.url}/api/v2/tickets", auth=(login, password))
    assert (refused.status_code, refused.json()) == (401, {"error": "Couldn't authenticate you"})


def test_a_customer_cannot_use_the_agents_api(desk: Sandbox) -> None:
    desk.write()
    url = f"{desk.running.url}/api/v2/tickets"
    assert httpx.get(url, auth=("ada@globex.example/token", API_TOKEN)).status_code == 403


@pytest.mark.parametrize(
    "path", ["incremental/tickets/cursor?start_time=1", "agent_availabilities", "webhooks", "triggers"]
)
def test_what_needs_an_admin_is_closed_to_agents(desk: Sandbox, path: str) -> None:
    answer = httpx.get(f"{desk.running.url}/api/v2/{path}", auth=("ana@acme.example/token", API_TOKEN))
    assert (answer.status_code, answer.json()["error"]) == (403, "Forbidden")


# Limits -------------------------------------------------------------------------------------------------------------


def test_the_plan_limits_the_account_and_both_generations_of_headers_say_so(clock: Clock) -> None:
    clock.now = 1_793_697_240.0
    with sandbox(ZendeskSandbox(clock=clock, plan="team")) as desk:
        answers = [desk.api.get("users/me") for _ in range(201)]
        assert [answer.status_code for answer in answers] == [200] * 200 + [429]
        assert answers[0].headers["X-Rate-Limit"] == answers[0].headers["ratelimit-limit"] == "200"
        assert answers[9].headers["X-Rate-Limit-Remaining"] == answers[9].headers["ratelimit-remaining"] == "190"
        assert answers[200].headers["Retry-After"] == "60"
        assert answers[200].json()["error"] == "APIRateLimitExceeded"
        clock.turn(60)
        assert desk.api.get("users/me").status_code == 200


def test_one_ticket_takes_thirty_updates_of_a_user_in_ten_minutes(desk: Sandbox, clock: Clock) -> None:
    clock.now = 1_793_697_000.0
    number, other = desk.write(), desk.write()
    answers = [desk.put(number, priority=("low", "high")[turn % 2]) for turn in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert answers[0].headers["zendesk-ratelimit-per-ticket-updates"] == "total=30; remaining=29; resets=600"
    assert answers[30].headers["Retry-After"] == "600"
    assert desk.put(other, priority="low").status_code == 200
    clock.turn(600)
    assert desk.put(number, priority="urgent").status_code == 200


def test_ticket_updates_of_the_whole_account_are_limited(clock: Clock) -> None:
    with sandbox(ZendeskSandbox(clock=clock, own_limits=Limits(1000, updates=3))) as desk:
        numbers = [desk.write() for _ in range(4)]
        assert [desk.put(number, priority="low").status_code for number in numbers] == [200, 200, 200, 429]


def test_the_incremental_export_is_limited_on_its_own(clock: Clock) -> None:
    with sandbox(ZendeskSandbox(clock=clock, plan="enterprise")) as desk:
        answers = [desk.api.get("incremental/tickets/cursor?start_time=1") for _ in range(11)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]


# Updates ------------------------------------------------------------------------------------------------------------


def test_one_put_changes_notes_and_marks(desk: Sandbox) -> None:
    number, category = desk.write(), field(desk, "Triage category")
    answer = desk.put(
        number,
        assignee_id=desk.user("ana@acme.example"),
        priority="high",
        custom_fields=[{"id": category, "value": "invoice"}],
        comment={"html_body": "<p>Triage: billing</p>", "public": False},
        metadata={"deskbridge": {"op": "01K8"}},
        no_such_field=1,
    ).json()
    assert (answer["ticket"]["status"], answer["ticket"]["priority"]) == ("open", "high")
    assert answer["ticket"]["group_id"] == desk.group("Billing")
    assert {"id": category, "value": "invoice"} in answer["ticket"]["custom_fields"]
    audits = desk.api.get(f"tickets/{number}/audits").json()["audits"]
    assert audits[-1]["metadata"]["custom"] == {"deskbridge": {"op": "01K8"}}
    assert audits[-1]["id"] == answer["audit"]["id"]
    (note,) = desk.state()["tickets"][0]["notes"]
    assert (note["author"], "Triage: billing" in note["body"]) == ("bridge@acme.example", True)
    writes = [(row["action"], row["actor_kind"], row["metadata"]) for row in desk.state()["writes"][1:]]
    mark = {"deskbridge": {"op": "01K8"}}
    assert writes == [("update", "integration", mark), ("note", "integration", mark)]


def field(desk: Sandbox, title: str) -> int:
    fields = desk.api.get("ticket_fields").json()["ticket_fields"]
    return int(next(row["id"] for row in fields if row["title"] == title))


def test_a_stale_stamp_is_a_conflict_and_changes_nothing(desk: Sandbox, clock: Clock) -> None:
    number = desk.write()
    stale = desk.ticket(number)["updated_at"]
    clock.turn(5)
    edit = {"agent": "ana@acme.example", "ticket": str(number), "set": {"priority": "urgent"}}
    desk.control.post("agents/edit", json=edit)
    refused = desk.put(number, priority="low", safe_update=True, updated_stamp=stale)
    assert (refused.status_code, refused.json()["error"]) == (409, "UpdateConflict")
    assert desk.ticket(number)["priority"] == "urgent"
    fresh = desk.ticket(number)["updated_at"]
    assert desk.put(number, priority="low", safe_update=True, updated_stamp=fresh).status_code == 200


def test_stamps_have_whole_seconds_so_two_writes_in_one_second_pass_each_other(desk: Sandbox) -> None:
    number = desk.write()
    stamp = desk.ticket(number)["updated_at"]
    for priority in ("low", "high"):
        assert desk.put(number, priority=priority, safe_update=True, updated_stamp=stamp).status_code == 200


def test_an_update_that_changes_nothing_leaves_no_audit_and_no_stamp(desk: Sandbox, clock: Clock) -> None:
    number = desk.write()
    before = desk.ticket(number)
    clock.turn(5)
    assert desk.put(number, subject="Empty invoice").status_code == 200
    assert desk.ticket(number) == before
    assert desk.api.get(f"tickets/{number}/audits").json()["count"] == 1


def test_a_closed_ticket_cannot_be_changed_and_its_customer_gets_a_followup(desk: Sandbox) -> None:
    number = desk.write()
    desk.put(number, status="closed", assignee_id=desk.user("ana@acme.example"))
    refused = desk.put(number, priority="low")
    assert (refused.status_code, refused.json()["error"]) == (422, "RecordInvalid")
    assert "closed prevents ticket update" in refused.text
    followup = desk.write(ticket=number)
    assert followup != number
    assert desk.ticket(followup)["via"]["source"] == {"from": {"ticket_id": number}, "to": {}, "rel": "follow_up"}
    assert desk.ticket(number)["followup_ids"] == [followup]


@pytest.mark.parametrize("status", ["pending", "hold", "solved"])
def test_a_customers_reply_opens_a_waiting_ticket_again(desk: Sandbox, status: str) -> None:
    number = desk.write()
    desk.put(number, status=status, assignee_id=desk.user("ana@acme.example"))
    assert desk.write(ticket=number, body="Still empty.") == number
    assert desk.ticket(number)["status"] == "open"


def test_tags_in_an_update_replace_and_the_tag_endpoints_do_not(desk: Sandbox, clock: Clock) -> None:
    number = desk.write(tags=["human"])
    tags = f"tickets/{number}/tags"
    assert desk.api.put(tags, json={"tags": ["Two Words", "vip"]}).json() == {"tags": ["human", "two_words", "vip"]}
    assert desk.api.request("DELETE", tags, json={"tags": ["vip"]}).json() == {"tags": ["human", "two_words"]}
    stamp = desk.ticket(number)["updated_at"]
    clock.turn(2)
    assert desk.put(number, tags=["only"]).json()["ticket"]["tags"] == ["only"]
    stale = desk.api.put(tags, json={"tags": ["late"], "updated_stamp": stamp, "safe_update": "true"})
    assert stale.status_code == 409
    assert desk.api.post(tags, json={"tags": ["new"]}).status_code == 201
    assert desk.ticket(number)["tags"] == ["new"]
    assert [row["action"] for row in desk.state()["writes"]] == ["create", "tag", "untag", "update", "tag"]


def test_a_drop_down_field_brings_its_own_tag(desk: Sandbox) -> None:
    number, area = desk.write(tags=["human"]), field(desk, "Product area")
    desk.put(number, custom_fields=[{"id": area, "value": "api"}])
    assert desk.ticket(number)["tags"] == ["human", "api"]
    desk.put(number, custom_fields=[{"id": area, "value": "login"}])
    assert desk.ticket(number)["tags"] == ["human", "login"]
    assert desk.put(number, custom_fields=[{"id": area, "value": "weather"}]).status_code == 422


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"priority": "shouting"}, "Priority: shouting is not valid"),
        ({"status": "solved"}, "required when solving"),
        ({"assignee_id": 1}, "does not exist"),
        ({"assignee_id": "me"}, "is not an id"),
        ({"group_id": 1}, "does not exist"),
        ({"custom_status_id": 1}, "does not exist"),
        ({"comment": {"body": ""}}, "cannot be blank"),
        ({"comment": {"body": "x", "uploads": ["gone"]}}, "token is invalid"),
        ({"priority": "low", "safe_update": True}, "required with safe_update"),
    ],
)
def test_a_wrong_value_is_refused_whole(desk: Sandbox, fields: dict[str, Any], words: str) -> None:
    number = desk.write()
    before = desk.ticket(number)
    refused = desk.put(number, **{"subject": "changed"} | fields)
    assert (refused.status_code, refused.json()["error"]) == (422, "RecordInvalid")
    assert words in refused.text
    assert desk.ticket(number) == before


def test_a_ticket_never_becomes_new_again(desk: Sandbox) -> None:
    number = desk.write()
    desk.put(number, status="open")
    assert desk.put(number, status="new").status_code == 422


def test_an_agent_outside_the_group_is_refused_or_brings_their_own(desk: Sandbox) -> None:
    number, ana, tech = desk.write(), desk.user("ana@acme.example"), desk.group("Tech Support")
    assert desk.put(number, assignee_id=ana, group_id=tech).status_code == 422
    desk.put(number, group_id=tech)
    assert desk.put(number, assignee_id=ana).json()["ticket"]["group_id"] == desk.group("Billing")
    assert desk.put(number, group_id=tech).json()["ticket"]["assignee_id"] is None


def test_a_custom_status_brings_its_category(desk: Sandbox) -> None:
    made = desk.api.post(
        "custom_statuses", json={"custom_status": {"status_category": "pending", "agent_label": "Waiting for bank"}}
    ).json()["custom_status"]
    number = desk.write()
    ticket = desk.put(number, custom_status_id=made["id"]).json()["ticket"]
    assert (ticket["status"], ticket["custom_status_id"]) == ("pending", made["id"])
    assert desk.put(number, status="open").json()["ticket"]["custom_status_id"] != made["id"]


def test_a_deleted_ticket_is_gone_from_rest_but_not_from_the_export(desk: Sandbox, clock: Clock) -> None:
    number = desk.write()
    assert desk.api.delete(f"tickets/{number}").status_code == 204
    gone = desk.api.get(f"tickets/{number}.json")
    assert (gone.status_code, gone.json()) == (404, {"error": "RecordNotFound", "description": "Not found"})
    clock.turn(61)
    exported = desk.api.get("incremental/tickets/cursor?start_time=1").json()["tickets"]
    assert [(row["id"], row["status"]) for row in exported] == [(number, "deleted")]


def test_a_merge_closes_the_source(desk: Sandbox, clock: Clock) -> None:
    target, source = desk.write(), desk.write()
    job = desk.api.post(f"tickets/{target}/merge", json={"ids": [source]}).json()["job_status"]
    assert job["status"] == "queued"
    clock.turn(1)
    assert desk.ticket(source)["status"] == "closed"
    assert str(source) in desk.api.get(f"tickets/{target}/comments").json()["comments"][-1]["body"]


def test_an_upload_is_attached_to_a_comment(desk: Sandbox, clock: Clock) -> None:
    number = desk.write()
    upload = desk.api.post("uploads?filename=a.txt", content=b"hello").json()["upload"]
    desk.put(number, comment={"body": "See file", "uploads": [upload["token"]]})
    comment = desk.api.get(f"tickets/{number}/comments").json()["comments"][-1]
    assert [(row["file_name"], row["size"]) for row in comment["attachments"]] == [("a.txt", 5)]
    clock.turn(3 * 24 * 3600 + 1)
    late = desk.put(number, comment={"body": "See file", "uploads": [upload["token"]]})
    assert late.status_code == 422


def test_an_unknown_endpoint_says_so(desk: Sandbox) -> None:
    answer = desk.api.get("no/such/thing")
    assert (answer.status_code, answer.json()["error"]) == (404, "InvalidEndpoint")


# Creating -----------------------------------------------------------------------------------------------------------


def test_an_idempotency_key_makes_one_ticket_for_two_hours(desk: Sandbox, clock: Clock) -> None:
    def post(subject: str) -> httpx.Response:
        body = {"ticket": {"subject": subject, "comment": {"body": "Help"}}}
        return desk.api.post("tickets", json=body, headers={"Idempotency-Key": "k"})

    first, second = post("A"), post("A")
    assert [answer.headers["x-idempotency-lookup"] for answer in (first, second)] == ["miss", "hit"]
    assert (second.status_code, second.json()) == (201, first.json())
    other = post("B")
    assert (other.status_code, other.json()["error"]) == (400, "IdempotentRequestError")
    clock.turn(2 * 3600)
    assert post("A").json()["ticket"]["id"] != first.json()["ticket"]["id"]


def test_a_ticket_needs_a_description_and_a_refused_one_is_not_made(desk: Sandbox) -> None:
    for ticket in ({"subject": "A"}, {"subject": "A", "comment": {"body": "x"}, "priority": "shouting"}):
        assert desk.api.post("tickets", json={"ticket": ticket}).status_code == 422
    assert desk.state()["tickets"] == []


# Bulk ---------------------------------------------------------------------------------------------------------------


def test_one_change_for_many_adds_and_removes_tags_and_tells_each_fate(desk: Sandbox, clock: Clock) -> None:
    first, second = desk.write(tags=["a"]), desk.write(tags=["b"])
    wanted = {"ticket": {"additional_tags": ["new"], "remove_tags": ["a"]}}
    job = desk.api.put(f"tickets/update_many?ids={first},{second},1", json=wanted).json()["job_status"]
    assert (job["status"], job["results"]) == ("queued", None)
    assert desk.api.get(f"job_statuses/{job['id']}").json()["job_status"]["status"] == "working"
    clock.turn(1)
    done = desk.api.get(f"job_statuses/{job['id']}").json()["job_status"]
    assert (done["status"], done["progress"], done["total"]) == ("completed", 3, 3)
    assert [(row["id"], row["success"]) for row in done["results"]] == [(first, True), (second, True), (1, False)]
    assert [desk.ticket(number)["tags"] for number in (first, second)] == [["new"], ["b", "new"]]


def test_a_single_update_ignores_delta_tags(desk: Sandbox) -> None:
    number = desk.write(tags=["a"])
    assert desk.put(number, additional_tags=["b"], remove_tags=["a"]).json()["ticket"]["tags"] == ["a"]


def test_a_conflict_inside_a_job_is_told_in_its_row(desk: Sandbox, clock: Clock) -> None:
    number = desk.write()
    rows = [{"id": number, "priority": "low", "safe_update": True, "updated_stamp": "2020-01-01T00:00:00Z"}]
    job = desk.api.put("tickets/update_many", json={"tickets": rows}).json()["job_status"]
    clock.turn(1)
    (row,) = desk.api.get(f"job_statuses/{job['id']}").json()["job_status"]["results"]
    assert (row["success"], row["error"]) == (False, "UpdateConflict")


def test_a_bulk_update_takes_a_hundred_and_an_account_thirty_jobs(desk: Sandbox, clock: Clock) -> None:
    number = desk.write()
    many = ",".join([str(number)] * 101)
    refused = desk.api.put(f"tickets/update_many?ids={many}", json={"ticket": {"priority": "low"}})
    assert (refused.status_code, refused.json()["error"], refused.json()["max_count"]) == (400, "TooManyValues", 100)
    answers = [
        desk.api.put(f"tickets/update_many?ids={number}", json={"ticket": {"priority": "low"}}) for _ in range(31)
    ]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert answers[30].json()["error"] == "TooManyJobs"
    clock.turn(1)
    again = desk.api.put(f"tickets/update_many?ids={number}", json={"ticket": {"priority": "low"}})
    assert again.status_code == 200


def bulk(desk: Sandbox, *rows: dict[str, object]) -> str:
    return str(desk.api.put("tickets/update_many", json={"tickets": rows}).json()["job_status"]["id"])


def job_status(desk: Sandbox, job: str) -> dict[str, Any]:
    return dict(desk.api.get(f"job_statuses/{job}").json()["job_status"])


def test_a_job_carries_its_items_out_one_after_another_while_it_works(desk: Sandbox, clock: Clock) -> None:
    numbers = [desk.write() for _ in range(4)]
    job = bulk(desk, *({"id": number, "priority": "low", "metadata": {"op": number}} for number in numbers))
    low = []
    for _ in range(4):
        low.append([desk.ticket(number)["priority"] for number in numbers].count("low"))
        clock.turn(0.06)
    assert low == [0, 1, 2, 3]
    assert job_status(desk, job)["status"] == "completed"
    audits = [desk.api.get(f"tickets/{number}/audits").json()["audits"][-1] for number in numbers]
    assert [audit["metadata"]["custom"] for audit in audits] == [{"op": number} for number in numbers]


def test_an_edit_while_a_job_works_is_a_conflict_in_the_row_of_its_item(desk: Sandbox, clock: Clock) -> None:
    first, second = desk.write(), desk.write()
    guard = {"priority": "low", "safe_update": True, "updated_stamp": desk.ticket(second)["updated_at"]}
    clock.turn(2)
    job = bulk(desk, {"id": first} | guard, {"id": second} | guard)
    clock.turn(0.12)
    desk.put(second, priority="high")
    clock.turn(1)
    assert [row.get("error") for row in job_status(desk, job)["results"]] == [None, "UpdateConflict"]
    assert [desk.ticket(number)["priority"] for number in (first, second)] == ["low", "high"]


def test_a_killed_job_leaves_the_second_half_undone(desk: Sandbox, clock: Clock) -> None:
    numbers = [desk.write() for _ in range(4)]
    desk.faults(kill={"next": 1})
    job = bulk(desk, *({"id": number, "priority": "low"} for number in numbers))
    clock.turn(1)
    assert (job_status(desk, job)["status"], len(job_status(desk, job)["results"])) == ("killed", 2)
    assert [desk.ticket(number)["priority"] for number in numbers] == ["low", "low", None, None]


# Finding what was missed --------------------------------------------------------------------------------------------


def test_the_export_shows_nothing_of_the_last_minute(desk: Sandbox, clock: Clock) -> None:
    number = desk.write()
    assert desk.api.get(f"incremental/tickets/cursor?start_time={int(clock.now)}").status_code == 422
    early = desk.api.get("incremental/tickets/cursor?start_time=1").json()
    assert (early["tickets"], early["end_of_stream"]) == ([], True)
    clock.turn(60)
    late = desk.api.get(f"incremental/tickets/cursor?cursor={early['after_cursor']}").json()
    assert [row["id"] for row in late["tickets"]] == [number]


def test_a_changed_ticket_comes_again_at_the_end_of_the_export(desk: Sandbox, clock: Clock) -> None:
    first, second = desk.write(), desk.write()
    clock.turn(10)
    desk.put(first, priority="low")
    clock.turn(60)
    page = desk.api.get("incremental/tickets/cursor?start_time=1&per_page=1").json()
    assert ([row["id"] for row in page["tickets"]], page["end_of_stream"]) == ([second], False)
    page = desk.api.get(page["after_url"]).json()
    assert ([row["id"] for row in page["tickets"]], page["end_of_stream"]) == ([first], True)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 90)), min_size=1, max_size=30), st.integers(1, 4))
def test_following_the_cursor_misses_no_change(steps: list[tuple[int, float]], size: int) -> None:
    clock = Clock()
    desk = ZendeskSandbox(clock=clock)
    client = desk.app.test_client()
    auth = ("bridge@acme.example/token", API_TOKEN)
    numbers: list[str] = []
    seen: dict[int, str] = {}
    query = "start_time=1"

    def follow(query: str) -> str:
        while True:
            page = client.get(f"/api/v2/incremental/tickets/cursor?{query}&per_page={size}", auth=auth).get_json()
            seen.update({row["id"]: row["subject"] for row in page["tickets"]})
            query = f"cursor={page['after_cursor']}"
            if page["end_of_stream"]:
                return query

    for turn, (choice, wait) in enumerate(steps):
        clock.turn(wait)
        desk.limiter = type(desk.limiter)(clock)  # the law is about the cursor, not about the limits
        message = {"email": "ada@globex.example", "subject": str(turn), "body": "x"}
        if choice < len(numbers):
            change = {"ticket": {"subject": f"changed {turn}"}}
            client.put(f"/api/v2/tickets/{numbers[choice]}", json=change, auth=auth)
        else:
            numbers.append(client.post("/_sandbox/customers/write", json=message).get_json()["ticket"])
        query = follow(query)
    clock.turn(61)
    desk.limiter = type(desk.limiter)(clock)
    follow(query)
    truth = client.get("/_sandbox/state").get_json()["tickets"]
    assert seen == {int(row["id"]): row["subject"] for row in truth}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("type:ticket status<solved", ["A", "B"]),
        ("type:ticket assignee:none", ["B"]),
        ("type:ticket assignee:ana@acme.example", ["A"]),
        ('type:ticket group:"Billing"', ["A"]),
        ("type:ticket tags:vip", ["B"]),
        ("type:ticket -tags:vip", ["A"]),
        ("priority>=high", ["A"]),
        ("requester:bob@initech.example", ["B"]),
        ("organization:globex", ["A"]),
        ("created>2026-11-03T09:14:00Z", ["A", "B"]),
        ("invoice", ["A"]),
    ],
)
def test_search_understands(desk: Sandbox, query: str, found: list[str]) -> None:
    first = desk.write(subject="A", body="An invoice")
    desk.write(subject="B", email="bob@initech.example", body="Other", tags=["vip"])
    desk.put(first, assignee_id=desk.user("ana@acme.example"), priority="urgent")
    results = desk.api.get("search", params={"query": query}).json()["results"]
    assert sorted(row["subject"] for row in results) == found
    assert {row["result_type"] for row in results} == {"ticket"}


def test_search_refuses_what_it_does_not_know(desk: Sandbox) -> None:
    assert desk.api.get("search", params={"query": "colour:red"}).status_code == 422


# Who is there -------------------------------------------------------------------------------------------------------


def availability(desk: Sandbox, email: str) -> tuple[dict[str, Any], dict[str, Any]]:
    shown = desk.api.get(f"agent_availabilities/{desk.user(email)}").json()
    return shown["data"]["attributes"], shown["included"][0]["attributes"]


def test_availability_shows_status_load_and_limit(desk: Sandbox) -> None:
    ana = desk.user("ana@acme.example")
    desk.put(desk.write(), assignee_id=ana)
    solved = desk.write()
    desk.put(solved, assignee_id=ana, status="solved")
    attributes, channel = availability(desk, "ana@acme.example")
    assert (attributes["agent_id"], attributes["agent_status"]["id"]) == (ana, 3)
    assert (channel["status"], channel["work_item_count"], channel["max_capacity"]) == ("online", 1, 10)
    assert desk.api.put(f"agent_availabilities/agent_statuses/agents/{ana}", json={"id": 4}).status_code == 200
    assert availability(desk, "ana@acme.example")[0]["agent_status"]["name"] == "away"


def test_availabilities_are_paged_by_cursor_with_their_channels(desk: Sandbox) -> None:
    page = desk.api.get("agent_availabilities", params={"page[size]": 5}).json()
    assert (len(page["data"]), len(page["included"]), page["meta"]["has_more"]) == (5, 5, True)
    rest = desk.api.get(page["links"]["next"]).json()
    assert (len(rest["data"]), rest["meta"]["has_more"]) == (4, False)
    back = desk.api.get(rest["links"]["prev"]).json()
    assert back["data"] == page["data"]


def test_skills_are_read_for_agents_and_set_on_tickets(desk: Sandbox) -> None:
    gus = desk.user("gus@acme.example")
    values = desk.api.get(f"routing/agents/{gus}/instance_values").json()["attribute_values"]
    assert {value["name"] for value in values} == {"english", "german"}
    names = {row["id"]: row["name"] for row in desk.api.get("routing/attributes").json()["attributes"]}
    assert {names[value["attribute_id"]] for value in values} == {"Language"}
    number = desk.write()
    desk.put(number, attribute_value_ids=[values[0]["id"]])
    held = desk.api.get(f"routing/tickets/{number}/instance_values").json()["attribute_values"]
    assert held == [values[0]]
    siblings = desk.api.get(f"routing/attributes/{values[0]['attribute_id']}/values").json()["attribute_values"]
    assert {value["name"] for value in siblings} == {"english", "french", "german"}


def test_the_control_face_plays_an_agents_screen(desk: Sandbox) -> None:
    number = desk.write(tags=["a"])
    edit: dict[str, Any] = {"agent": "cy@acme.example", "ticket": str(number), "reply": "Done.", "note": "Easy."}
    edit["set"] = {"team": "Tech Support", "status": "resolved", "add_tags": ["b"], "remove_tags": ["a"]}
    edit["set"]["fields"] = {"Triage category": "bug"}
    assert desk.control.post("agents/edit", json=edit).json() == {"ok": True}
    (ticket,) = desk.state()["tickets"]
    assert (ticket["status"], ticket["assignee"], ticket["team"]) == ("solved", "cy@acme.example", "Tech Support")
    assert (ticket["tags"], ticket["fields"]) == (["b"], {"Triage category": "bug"})
    assert [reply["author_kind"] for reply in ticket["replies"]] == ["requester", "agent"]
    assert [note["body"] for note in ticket["notes"]] == ["Easy."]


@pytest.mark.parametrize(
    ("edit", "status", "words"),
    [
        ({"agent": "nobody@acme.example", "ticket": "5158"}, 404, "no agent nobody"),
        ({"agent": "ana@acme.example", "ticket": "7"}, 404, "no ticket 7"),
        ({"agent": "ana@acme.example", "ticket": "5158", "set": {"team": "Sales"}}, 404, "no team Sales"),
        ({"agent": "ana@acme.example", "ticket": "5158", "set": {"priority": "loud"}}, 400, "Zendesk refuses"),
    ],
)
def test_an_edit_that_cannot_be_says_why(desk: Sandbox, edit: dict[str, Any], status: int, words: str) -> None:
    desk.write()
    answer = desk.control.post("agents/edit", json=edit)
    assert answer.status_code == status
    assert words in answer.json()["error"]
