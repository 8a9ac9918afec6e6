"""The Intercom sandbox's REST API: auth, versions, conversations, tickets, search, limits, faults."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.common import start
from sandbox.intercom import ACCESS_TOKEN, IntercomSandbox
from tests.conftest import Clock
from tests.intercom_spec import intercom_spec
from tests.sandbox.intercom_parts import ANA, BILLING, BRIDGE, CY, TECH, Caller, faulty_replies, where

EVERYTHING = where("id", "!=", "none has this id")


@pytest.fixture
def desk(clock: Clock) -> IntercomSandbox:
    return IntercomSandbox(clock=clock.unix)


@pytest.fixture
def api(desk: IntercomSandbox) -> Iterator[Caller]:
    """Every reply of every test is held against Intercom's own description, where it is at hand."""
    with Caller(desk) as caller:
        yield caller
        assert faulty_replies(caller) == []


@pytest.fixture
def item(api: Caller) -> str:
    return api.customer(subject="Empty invoice")


@pytest.fixture
def form(api: Caller) -> str:
    """A customer's ticket."""
    return api.customer(subject="No access", channel="ticket")


def tagged(api: Caller, item_id: str, name: str, kind: str = "conversations") -> str:
    tag_id = str(api.ok("POST", "/tags", {"name": name})["id"])
    api.ok("POST", f"/{kind}/{item_id}/tags", {"id": tag_id, "admin_id": BRIDGE})
    return tag_id


# The description ------------------------------------------------------------------------------------------------------


def test_every_call_that_the_desk_serves_answers_as_intercoms_description_says(api: Caller) -> None:
    spec = intercom_spec()
    calls = walk_through(api)
    faults = [fault for kept in calls for fault in spec.faults(kept)]
    assert len(calls) >= 40
    assert faults == []


def walk_through(api: Caller) -> list[Any]:
    """One call of every kind that succeeds, without the control face's; the exchanges."""
    item, form = api.customer(subject="Empty invoice", tags=["new"]), api.customer(subject="Access", channel="ticket")
    contact = api.conversation(item, display_as="plaintext")["contacts"]["contacts"][0]["id"]
    api.exchanges.clear()
    for path in ("/me", "/admins", f"/admins/{ANA}", "/away_status_reasons", "/teams", f"/teams/{BILLING}"):
        api.ok("GET", path)
    api.ok("GET", f"/teams/{BILLING}/metrics")
    away = {"away_mode_enabled": True, "away_mode_reassign": False, "away_status_reason_id": 1}
    api.ok("PUT", f"/admins/{ANA}/away", away)
    company = api.ok("GET", f"/contacts/{contact}/companies")["data"][0]["id"]
    for path in (f"/contacts/{contact}", "/contacts", "/companies", f"/companies/{company}", "/tags", "/ticket_types"):
        api.ok("GET", path)
    api.ok("POST", "/contacts", {"email": "new@private.example"})
    api.ok("POST", "/companies/list")
    for path in ("/ticket_types/55", "/ticket_states", "/data_attributes", "/conversations/attributes"):
        api.ok("GET", path)
    api.found(where("email", "=", "ada@globex.example"), "contacts", per_page=5)
    _walk_conversation(api, item, contact)
    _walk_ticket(api, form, contact)
    return list(api.exchanges)


def _walk_conversation(api: Caller, item: str, contact: str) -> None:
    tag = str(api.ok("POST", "/tags", {"name": "walked"})["id"])
    api.ok("GET", f"/tags/{tag}")
    api.ok("POST", "/conversations", {"from": {"type": "user", "id": contact}, "body": "Hello there"})
    api.ok("GET", "/conversations", per_page=1)
    api.found(EVERYTHING, per_page=1)
    for more in (
        {"message_type": "assignment", "type": "team", "assignee_id": BILLING},
        {"message_type": "assignment", "type": "admin", "assignee_id": ANA, "body": "yours"},
        {"message_type": "close", "type": "admin", "body": "Bye"},
        {"message_type": "open"},
        {"message_type": "snoozed", "snoozed_until": 1_900_000_000},
    ):
        api.ok("POST", f"/conversations/{item}/parts", more | {"admin_id": BRIDGE})
    for kind in ("note", "comment"):
        body = {"message_type": kind, "type": "admin", "admin_id": BRIDGE, "body": "<p>hm</p>"}
        api.ok("POST", f"/conversations/{item}/reply", body)
    reply = {"message_type": "comment", "type": "user", "intercom_user_id": contact, "body": "Thanks"}
    api.ok("POST", f"/conversations/{item}/reply", reply)
    update = {"title": "Invoice", "read": True, "custom_attributes": {"intent": "invoice", "priority": "High"}}
    api.ok("PUT", f"/conversations/{item}", update)
    api.ok("POST", f"/conversations/{item}/tags", {"id": tag, "admin_id": BRIDGE})
    api.ok("GET", f"/conversations/{item}")
    api.ok("DELETE", f"/conversations/{item}/tags/{tag}", {"admin_id": BRIDGE})
    api.ok("DELETE", f"/conversations/{item}")
    api.ok("GET", "/conversations/deleted")


def _walk_ticket(api: Caller, form: str, contact: str) -> None:
    new = {"ticket_type_id": "55", "contacts": [{"id": contact}], "ticket_attributes": {"_default_title_": "New"}}
    api.ok("POST", "/tickets", new | {"assignment": {"admin_assignee_id": ANA, "team_assignee_id": BILLING}})
    job = api.ok("POST", "/tickets/enqueue", new)
    api.ok("GET", f"/jobs/status/{job['id']}")
    update = {"ticket_attributes": {"intent": "access"}, "ticket_state_id": "7491", "snoozed_until": 1_900_000_000}
    api.ok("PUT", f"/tickets/{form}", update | {"admin_id": int(BRIDGE), "assignee_id": CY, "is_shared": True})
    for kind in ("note", "comment"):
        body = {"message_type": kind, "type": "admin", "admin_id": BRIDGE, "body": "<p>hm</p>"}
        api.ok("POST", f"/tickets/{form}/reply", body)
    tag = tagged(api, form, "formal", "tickets")
    api.ok("GET", f"/tickets/{form}")
    api.ok("DELETE", f"/tickets/{form}/tags/{tag}", {"admin_id": BRIDGE})
    api.found(EVERYTHING, "tickets", per_page=1)


# Auth and versions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "Bearer wrong", ACCESS_TOKEN, f"Basic {ACCESS_TOKEN}"])
def test_without_the_bearer_token_every_call_is_refused(desk: IntercomSandbox, header: str | None) -> None:
    with httpx.Client(transport=httpx.WSGITransport(app=desk.app), base_url="http://intercom.example") as anyone:
        answer = anyone.get("/me", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.json()["errors"] == [{"code": "unauthorized", "message": "Access Token Invalid"}]
    assert answer.headers["X-RateLimit-Limit"] == "1666"


def test_the_token_acts_as_the_integration_admin_of_an_app(api: Caller) -> None:
    me = api.ok("GET", "/me")
    assert (me["id"], me["email"]) == (BRIDGE, "bridge@acme.example")
    assert me["app"]["id_code"] == "ab12cd34"


def test_a_version_that_there_is_not_is_refused(desk: IntercomSandbox) -> None:
    with Caller(desk, version="2.99") as api:
        assert api.refused("GET", "/me") == (400, "intercom_version_invalid")


def test_a_call_without_a_version_speaks_the_one_the_app_is_set_to(clock: Clock) -> None:
    with Caller(IntercomSandbox(clock=clock.unix, version="2.11"), version=None) as api:
        item = api.customer()
        answer = api.get(f"/conversations/{item}")
        assert answer.headers["Intercom-Version"] == "2.11"
        assert answer.json()["admin_assignee_id"] is None


def seen(desk: IntercomSandbox, version: str, path: str) -> Any:
    with Caller(desk, version=version) as api:
        return api.ok("GET", path)


def test_nobody_is_0_on_a_conversation_of_2_16_and_null_before(desk: IntercomSandbox, item: str) -> None:
    new, old = (seen(desk, version, f"/conversations/{item}") for version in ("2.16", "2.15"))
    assert (new["admin_assignee_id"], new["team_assignee_id"]) == (0, 0)
    assert (old["admin_assignee_id"], old["team_assignee_id"]) == (None, None)


def test_a_conversations_admin_is_a_number_and_its_team_text_before_2_16(
    desk: IntercomSandbox, api: Caller, item: str
) -> None:
    api.edit(item, set={"assignee": "ana@acme.example", "team": "Billing"})
    new, old = (seen(desk, version, f"/conversations/{item}") for version in ("2.16", "2.15"))
    assert (new["admin_assignee_id"], new["team_assignee_id"]) == (int(ANA), int(BILLING))
    assert (old["admin_assignee_id"], old["team_assignee_id"]) == (int(ANA), BILLING)


def test_a_tickets_assignees_are_numbers_in_2_16_and_text_before(desk: IntercomSandbox, api: Caller, form: str) -> None:
    api.edit(form, set={"assignee": "ana@acme.example"})
    new, old = (seen(desk, version, f"/tickets/{form}") for version in ("2.16", "2.15"))
    assert (new["admin_assignee_id"], new["team_assignee_id"]) == (int(ANA), 0)
    assert (old["admin_assignee_id"], old["team_assignee_id"]) == (ANA, "0")


@pytest.mark.parametrize(
    ("set_to", "words"),
    [
        ("none", ["none", "not_priority"]),
        ("low", ["low", "not_priority"]),
        ("normal", ["medium", "not_priority"]),
        ("high", ["high", "priority"]),
        ("urgent", ["urgent", "priority"]),
    ],
)
def test_a_priority_has_five_words_in_2_16_and_two_before(
    desk: IntercomSandbox, api: Caller, item: str, set_to: str, words: list[str]
) -> None:
    api.edit(item, set={"priority": set_to})
    assert [seen(desk, version, f"/conversations/{item}")["priority"] for version in ("2.16", "2.15")] == words


def test_the_company_of_a_conversation_shows_from_2_15_on(desk: IntercomSandbox, item: str) -> None:
    assert seen(desk, "2.15", f"/conversations/{item}")["company"]["name"] == "Globex"
    assert "company" not in seen(desk, "2.14", f"/conversations/{item}")


def test_conversation_attributes_moved_to_a_call_of_their_own_in_2_16(desk: IntercomSandbox, api: Caller) -> None:
    assert api.refused("GET", "/data_attributes", model="conversation") == (422, "parameter_invalid")
    new = {row["name"] for row in api.ok("GET", "/conversations/attributes")["data"]}
    old = {row["name"] for row in seen(desk, "2.15", "/data_attributes?model=conversation")["data"]}
    assert new == old >= {"priority", "tier", "intent"}


def test_only_the_preview_lets_the_priority_be_written(desk: IntercomSandbox, api: Caller, item: str) -> None:
    wish = {"priority": "high", "admin_id": BRIDGE}
    assert api.ok("PUT", f"/conversations/{item}", wish)["priority"] == "none"
    with Caller(desk, version="Preview") as preview:
        assert preview.ok("PUT", f"/conversations/{item}", wish)["priority"] == "high"


# Conversations --------------------------------------------------------------------------------------------------------


def test_a_new_conversation_has_its_first_message_as_source_and_no_parts(api: Caller, item: str) -> None:
    found = api.conversation(item)
    assert (found["state"], found["open"], found["priority"]) == ("open", True, "none")
    assert found["source"]["subject"] == "Empty invoice"
    assert found["source"]["author"]["email"] == "ada@globex.example"
    assert found["conversation_parts"]["total_count"] == 0
    assert isinstance(found["id"], str)


def test_bodies_are_html_unless_plain_text_is_asked_for(api: Caller, item: str) -> None:
    assert api.conversation(item)["source"]["body"] == "<p>The PDF is empty.</p>"
    assert api.conversation(item, display_as="plaintext")["source"]["body"] == "The PDF is empty."


def test_a_contact_opens_a_conversation_and_is_answered_with_the_message(api: Caller, item: str) -> None:
    contact = api.conversation(item)["contacts"]["contacts"][0]["id"]
    message = api.ok("POST", "/conversations", {"from": {"type": "user", "id": contact}, "body": "Hello"})
    assert message["type"] == "user_message"
    assert api.conversation(message["conversation_id"])["contacts"]["contacts"][0]["id"] == contact


def test_what_is_not_there_is_a_404_in_the_vendors_words(api: Caller) -> None:
    assert api.refused("GET", "/conversations/1") == (404, "not_found")
    assert api.refused("GET", "/tickets/1") == (404, "ticket_not_found")
    assert api.refused("GET", "/admins/1") == (404, "admin_not_found")
    assert api.refused("GET", "/teams/1") == (404, "team_not_found")
    assert api.refused("GET", "/companies/1") == (404, "company_not_found")
    assert api.refused("GET", "/tags/1") == (404, "not_found")
    assert api.refused("GET", "/nothing/here") == (404, "not_found")
    sender = {"type": "user", "id": "f" * 24}
    assert api.refused("POST", "/conversations", {"from": sender, "body": "x"}) == (404, "not_found")


def test_team_and_admin_are_assigned_one_after_the_other_and_both_stay(api: Caller, item: str) -> None:
    api.part(item, "assignment", type="team", assignee_id=TECH)
    found = api.part(item, "assignment", assignee_id=ANA)
    assert (found["admin_assignee_id"], found["team_assignee_id"]) == (int(ANA), int(TECH))
    part = found["conversation_parts"]["conversation_parts"][-1]
    assert part["part_type"] == "assignment"
    assert part["assigned_to"] == {"type": "admin", "id": ANA}
    assert part["author"]["id"] == BRIDGE


def test_the_assignee_0_takes_a_conversation_from_its_admin(api: Caller, item: str) -> None:
    api.part(item, "assignment", type="team", assignee_id=TECH)
    api.part(item, "assignment", assignee_id=ANA)
    found = api.part(item, "assignment", assignee_id="0")
    assert (found["admin_assignee_id"], found["team_assignee_id"]) == (0, int(TECH))


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"message_type": "open"}, (400, "parameter_not_found")),
        ({"message_type": "open", "admin_id": int(BRIDGE)}, (400, "type_mismatch")),
        ({"message_type": "open", "admin_id": "1"}, (404, "admin_not_found")),
        ({"message_type": "teleport", "admin_id": BRIDGE}, (400, "parameter_invalid")),
        ({"message_type": "snoozed", "admin_id": BRIDGE}, (400, "parameter_not_found")),
        ({"message_type": "snoozed", "admin_id": BRIDGE, "snoozed_until": True}, (400, "type_mismatch")),
        ({"message_type": "assignment", "type": "admin", "admin_id": BRIDGE}, (400, "parameter_not_found")),
        (
            {"message_type": "assignment", "type": "admin", "admin_id": BRIDGE, "assignee_id": "1"},
            (404, "assignee_not_found"),
        ),
        (
            {"message_type": "assignment", "type": "admin", "admin_id": BRIDGE, "assignee_id": TECH},
            (404, "assignee_not_found"),
        ),
        (
            {"message_type": "assignment", "type": "admin", "admin_id": BRIDGE, "assignee_id": int(ANA)},
            (400, "type_mismatch"),
        ),
    ],
)
def test_a_part_that_names_nobody_or_nothing_known_is_refused_and_changes_nothing(
    api: Caller, item: str, body: dict[str, Any], refusal: tuple[int, str]
) -> None:
    before = api.conversation(item)
    assert api.refused("POST", f"/conversations/{item}/parts", body) == refusal
    assert api.conversation(item) == before


def test_a_body_that_is_no_json_object_is_refused(api: Caller, item: str) -> None:
    answer = api.post(f"/conversations/{item}/parts", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "bad_request")


def test_closing_and_opening_are_parts_and_show_in_the_state(api: Caller, item: str) -> None:
    closed = api.part(item, "close", body="Bye")
    assert (closed["state"], closed["open"]) == ("closed", False)
    assert api.newest_part(item)["part_type"] == "close"
    assert api.newest_part(item)["body"] == "<p>Bye</p>"
    opened = api.part(item, "open")
    assert (opened["state"], opened["open"]) == ("open", True)


def test_a_snoozed_conversation_wakes_when_its_time_has_come(api: Caller, clock: Clock, item: str) -> None:
    until = int(clock.unix()) + 3600
    snoozed = api.part(item, "snoozed", snoozed_until=until)
    assert (snoozed["state"], snoozed["open"], snoozed["snoozed_until"]) == ("snoozed", True, until)
    clock.turn(3599)
    assert api.conversation(item)["state"] == "snoozed"
    clock.turn(1)
    awake = api.conversation(item)
    assert (awake["state"], awake["snoozed_until"], awake["updated_at"]) == ("open", None, until)


def test_assigning_a_closed_conversation_opens_it(api: Caller, item: str) -> None:
    api.part(item, "close")
    assert api.part(item, "assignment", assignee_id=ANA)["state"] == "open"
    assert api.newest_part(item)["part_type"] == "assign_and_reopen"


def test_a_customers_reply_opens_a_closed_conversation_again(api: Caller, item: str) -> None:
    api.part(item, "close")
    api.customer("It is back.", ticket=item)
    assert api.conversation(item)["state"] == "open"
    part = api.newest_part(item)
    assert (part["part_type"], part["body"], part["author"]["type"]) == ("open", "<p>It is back.</p>", "user")


def test_a_customers_reply_makes_a_conversation_unread_and_is_plain_text(api: Caller, item: str) -> None:
    api.ok("PUT", f"/conversations/{item}", {"read": True})
    api.customer("<b>Still</b> empty.", ticket=item)
    assert api.conversation(item)["read"] is False
    assert api.newest_part(item)["body"] == "<p>&lt;b&gt;Still&lt;/b&gt; empty.</p>"
    plain = api.conversation(item, display_as="plaintext")["conversation_parts"]["conversation_parts"][-1]
    assert plain["body"] == "<b>Still</b> empty."


def test_a_note_is_a_private_part_and_opens_nothing(api: Caller, item: str) -> None:
    api.part(item, "close")
    note = {"message_type": "note", "type": "admin", "admin_id": BRIDGE, "body": "<p>Refund?</p>"}
    assert api.ok("POST", f"/conversations/{item}/reply", note)["state"] == "closed"
    assert api.newest_part(item)["part_type"] == "note"
    assert [one["body"] for one in api.state(item)["notes"]] == ["<p>Refund?</p>"]
    assert len(api.state(item)["replies"]) == 1


def test_comments_in_html_and_scripts_are_not_kept(api: Caller, item: str) -> None:
    body = "<p>seen<!-- deskbridge:01K8 --></p><script>alert(1)</script>"
    note = {"message_type": "note", "type": "admin", "admin_id": BRIDGE, "body": body}
    api.ok("POST", f"/conversations/{item}/reply", note)
    assert api.newest_part(item)["body"] == "<p>seen</p>"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"message_type": "note", "type": "admin", "body": "x"}, (400, "parameter_not_found")),
        ({"message_type": "note", "type": "admin", "admin_id": BRIDGE}, (400, "parameter_not_found")),
        ({"message_type": "note", "type": "admin", "admin_id": "1", "body": "x"}, (404, "admin_not_found")),
        ({"message_type": "shout", "type": "admin", "admin_id": BRIDGE, "body": "x"}, (400, "parameter_invalid")),
        ({"message_type": "note", "type": "user", "intercom_user_id": "1", "body": "x"}, (400, "parameter_invalid")),
        ({"message_type": "comment", "type": "user", "body": "x"}, (400, "parameter_not_found")),
        ({"message_type": "comment", "type": "user", "email": "no@body.example", "body": "x"}, (404, "not_found")),
    ],
)
def test_a_reply_that_says_nothing_or_names_nobody_is_refused(
    api: Caller, item: str, body: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert api.refused("POST", f"/conversations/{item}/reply", body) == refusal
    assert api.conversation(item)["conversation_parts"]["total_count"] == 0


def test_parts_made_through_the_api_carry_the_apps_code_and_an_admins_do_not(api: Caller, item: str) -> None:
    api.part(item, "close")
    assert api.newest_part(item)["app_package_code"]
    api.edit(item, note="Seen.")
    assert api.newest_part(item)["app_package_code"] is None


def test_only_the_newest_500_parts_are_shown_and_all_are_counted(api: Caller, item: str) -> None:
    for number in range(251):
        api.edit(item, note=f"<p>{number}</p>", reply="On it.")
    block = api.conversation(item)["conversation_parts"]
    assert (len(block["conversation_parts"]), block["total_count"]) == (500, 502)
    assert block["conversation_parts"][-1]["body"] == "<p>250</p>"


def test_attributes_are_written_by_name_and_null_empties_them(api: Caller, item: str) -> None:
    values = {"intent": "invoice", "priority": "High"}
    assert api.ok("PUT", f"/conversations/{item}", {"custom_attributes": values})["custom_attributes"] == values
    emptied = api.ok("PUT", f"/conversations/{item}", {"custom_attributes": {"priority": None}})
    assert emptied["custom_attributes"] == {"intent": "invoice", "priority": None}


@pytest.mark.parametrize("values", [{"unheard_of": "x"}, {"priority": "Loud"}, {"intent": 3}])
def test_an_attribute_that_is_unknown_or_does_not_take_the_value_changes_nothing(
    api: Caller, item: str, values: dict[str, Any]
) -> None:
    body = {"title": "New title", "custom_attributes": {"tier": "pro"} | values}
    assert api.refused("PUT", f"/conversations/{item}", body) == (400, "parameter_invalid")
    assert api.conversation(item)["custom_attributes"] == {}
    assert api.conversation(item)["title"] is None


def test_a_changed_attribute_leaves_a_part_by_the_bot_where_the_api_wrote_it_and_by_the_admin_else(
    api: Caller, item: str
) -> None:
    other = api.customer()
    api.ok("PUT", f"/conversations/{item}", {"custom_attributes": {"intent": "invoice"}})
    api.edit(other, set={"fields": {"intent": "invoice"}})
    for found, author in ((item, "bot"), (other, "admin")):
        part = api.newest_part(found)
        assert (part["part_type"], part["author"]["type"]) == ("conversation_attribute_updated_by_admin", author)
        told = {"attribute": {"name": "intent"}, "value": {"name": "invoice", "previous": None}}
        assert part["event_details"] == told
    api.ok("PUT", f"/conversations/{item}", {"custom_attributes": {"intent": "invoice"}})
    assert len(api.conversation(item)["conversation_parts"]["conversation_parts"]) == 1


def test_two_attributes_of_the_same_name_make_every_write_of_attributes_a_400(api: Caller, item: str) -> None:
    api.ok("POST", "/conversations/attributes", {"name": "tier", "data_type": "string"})
    body = {"custom_attributes": {"intent": "invoice"}}
    assert api.refused("PUT", f"/conversations/{item}", body)[0] == 400
    assert api.ok("PUT", f"/conversations/{item}", {"title": "Still fine"})["title"] == "Still fine"


def test_a_deleted_conversation_is_gone_and_listed_among_the_deleted(api: Caller, clock: Clock, item: str) -> None:
    assert api.ok("DELETE", f"/conversations/{item}") == {"id": item, "object": "conversation", "deleted": True}
    assert api.refused("GET", f"/conversations/{item}") == (404, "not_found")
    (row,) = api.ok("GET", "/conversations/deleted")["conversations"]
    assert (row["id"], row["deleted_at"]) == (item, int(clock.unix()))


# Tags -----------------------------------------------------------------------------------------------------------------


def test_tags_are_put_on_and_taken_off_one_by_one_and_leave_the_others(api: Caller, item: str) -> None:
    vip, late = tagged(api, item, "vip"), tagged(api, item, "late")
    on = api.conversation(item)["tags"]["tags"]
    assert [(tag["id"], tag["name"], tag["applied_by"]["id"]) for tag in on] == [
        (vip, "vip", BRIDGE),
        (late, "late", BRIDGE),
    ]
    api.ok("DELETE", f"/conversations/{item}/tags/{vip}", {"admin_id": BRIDGE})
    assert api.state(item)["tags"] == ["late"]


def test_a_tag_that_is_already_on_stays_as_it_is(api: Caller, clock: Clock, item: str) -> None:
    tag = tagged(api, item, "vip")
    before = api.conversation(item)
    clock.turn(60)
    api.ok("POST", f"/conversations/{item}/tags", {"id": tag, "admin_id": CY})
    assert api.conversation(item) == before


@pytest.mark.parametrize("kind", ["conversations", "tickets"])
def test_a_tag_wants_a_known_id_and_an_acting_admin(api: Caller, item: str, form: str, kind: str) -> None:
    path = f"/{kind}/{item if kind == 'conversations' else form}/tags"
    tag = str(api.ok("POST", "/tags", {"name": "vip"})["id"])
    assert api.refused("POST", path, {"id": "1", "admin_id": BRIDGE})[0] == 404
    assert api.refused("POST", path, {"id": tag}) == (400, "parameter_not_found")
    assert api.refused("POST", path, {"id": tag, "admin_id": int(BRIDGE)}) == (400, "type_mismatch")
    assert api.refused("POST", path, {"id": int(tag), "admin_id": BRIDGE}) == (400, "type_mismatch")
    assert api.refused("DELETE", f"{path}/{tag}", {"admin_id": BRIDGE}) == (404, "tag_not_found")


def test_tags_are_created_once_whatever_their_case_renamed_and_deleted_everywhere(api: Caller, item: str) -> None:
    tag = tagged(api, item, "vip")
    assert api.ok("POST", "/tags", {"name": "VIP"})["id"] == tag
    assert api.ok("POST", "/tags", {"id": tag, "name": "gold"})["name"] == "gold"
    assert [row["name"] for row in api.ok("GET", "/tags")["data"]] == ["gold"]
    assert api.delete(f"/tags/{tag}").status_code == 200
    assert api.conversation(item)["tags"]["tags"] == []
    assert api.refused("POST", "/tags", {"name": " "})[0] == 400


# Tickets --------------------------------------------------------------------------------------------------------------


def new_ticket(api: Caller, **more: Any) -> Any:
    body = {
        "ticket_type_id": "55",
        "contacts": [{"email": "eve@hooli.example"}],
        "ticket_attributes": {"_default_title_": "No access"},
    }
    return api.ok("POST", "/tickets", body | more)


def test_a_ticket_has_an_id_for_the_api_and_another_number_for_people(api: Caller) -> None:
    ticket = new_ticket(api)
    assert ticket["id"] != ticket["ticket_id"]
    assert api.ticket(ticket["id"])["ticket_id"] == ticket["ticket_id"]
    assert api.refused("GET", f"/tickets/{ticket['ticket_id']}") == (404, "ticket_not_found")
    assert ticket["ticket_state"]["category"] == "submitted"


def test_conversations_and_tickets_never_share_an_id(api: Caller, item: str, form: str) -> None:
    assert item != form
    assert api.refused("GET", f"/tickets/{item}")[0] == 404
    assert api.refused("GET", f"/conversations/{form}")[0] == 404


def test_an_address_that_nobody_has_makes_a_contact(api: Caller) -> None:
    contact = new_ticket(api)["contacts"]["contacts"][0]["id"]
    assert api.ok("GET", f"/contacts/{contact}")["email"] == "eve@hooli.example"
    assert new_ticket(api)["contacts"]["contacts"][0]["id"] == contact


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"ticket_type_id": "1"}, (404, "ticket_type_not_found")),
        ({"ticket_type_id": 55}, (400, "type_mismatch")),
        ({"contacts": []}, (400, "parameter_invalid")),
        ({"contacts": [{"id": "1"}]}, (404, "not_found")),
        ({"ticket_attributes": {}}, (400, "parameter_invalid")),
        ({"ticket_attributes": {"_default_title_": "x", "unheard_of": "y"}}, (400, "parameter_invalid")),
        ({"assignment": {"admin_assignee_id": "1"}}, (404, "assignee_not_found")),
    ],
)
def test_a_ticket_that_lacks_or_misnames_something_is_not_made(
    api: Caller, more: dict[str, Any], refusal: tuple[int, str]
) -> None:
    body = {
        "ticket_type_id": "55",
        "contacts": [{"email": "eve@hooli.example"}],
        "ticket_attributes": {"_default_title_": "No access"},
    }
    assert api.refused("POST", "/tickets", body | more) == refusal
    assert api.ok("GET", "/_sandbox/state")["tickets"] == []


def test_one_update_of_a_ticket_says_everything(api: Caller, form: str) -> None:
    body = {
        "admin_id": int(BRIDGE),
        "assignee_id": ANA,
        "ticket_state_id": "7491",
        "ticket_attributes": {"priority": "High", "intent": "access"},
    }
    ticket = api.ok("PUT", f"/tickets/{form}", body)
    assert ticket["admin_assignee_id"] == int(ANA)
    assert ticket["ticket_state"]["category"] == "in_progress"
    assert ticket["ticket_attributes"]["priority"] == "High"
    kinds = [part["part_type"] for part in ticket["ticket_parts"]["ticket_parts"]]
    assert sorted(set(kinds)) == ["assignment", "ticket_attribute_updated_by_admin", "ticket_state_updated_by_admin"]
    assert {part["author"]["id"] for part in ticket["ticket_parts"]["ticket_parts"][1:]} == {BRIDGE}


def test_a_ticket_is_assigned_to_a_team_by_the_same_parameter_and_keeps_its_admin(api: Caller, form: str) -> None:
    api.ok("PUT", f"/tickets/{form}", {"admin_id": int(BRIDGE), "assignee_id": ANA})
    ticket = api.ok("PUT", f"/tickets/{form}", {"admin_id": int(BRIDGE), "assignee_id": TECH})
    assert (ticket["admin_assignee_id"], ticket["team_assignee_id"]) == (int(ANA), int(TECH))


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"assignee_id": ANA}, (400, "parameter_not_found")),
        ({"assignee_id": ANA, "admin_id": BRIDGE}, (400, "type_mismatch")),
        ({"assignee_id": int(ANA), "admin_id": int(BRIDGE)}, (400, "type_mismatch")),
        ({"assignee_id": ANA, "admin_id": 1}, (404, "assignee_not_found")),
        ({"assignee_id": "1", "admin_id": int(BRIDGE)}, (404, "assignee_not_found")),
        ({"ticket_state_id": "1"}, (400, "ticket_state_id_invalid")),
        ({"ticket_attributes": {"unheard_of": "x"}}, (400, "parameter_invalid")),
        ({"ticket_attributes": {"priority": "Loud"}}, (400, "parameter_invalid")),
        ({"open": "no"}, (400, "type_mismatch")),
    ],
)
def test_an_update_with_one_wrong_thing_changes_nothing(
    api: Caller, form: str, body: dict[str, Any], refusal: tuple[int, str]
) -> None:
    before = api.ticket(form)
    right = {"ticket_attributes": {"intent": "access"}, "ticket_state_id": "7491", "is_shared": False}
    assert api.refused("PUT", f"/tickets/{form}", right | body) == refusal
    assert api.ticket(form) == before


def test_closing_a_ticket_ends_its_snooze(api: Caller, clock: Clock, form: str) -> None:
    until = int(clock.unix()) + 3600
    assert api.ok("PUT", f"/tickets/{form}", {"snoozed_until": until})["snoozed_until"] == until
    closed = api.ok("PUT", f"/tickets/{form}", {"open": False})
    assert closed["open"] is False
    assert closed.get("snoozed_until") is None


def test_a_customers_reply_puts_a_resolved_ticket_in_progress_again(api: Caller, form: str) -> None:
    api.edit(form, set={"status": "closed"})
    assert api.ticket(form)["open"] is False
    api.customer("Still no access.", ticket=form)
    ticket = api.ticket(form)
    assert (ticket["open"], ticket["ticket_state"]["category"]) == (True, "in_progress")


def test_a_note_on_a_ticket_is_answered_with_its_part(api: Caller, form: str) -> None:
    note = {"message_type": "note", "type": "admin", "admin_id": BRIDGE, "body": "<p>Refund?</p>"}
    part = api.ok("POST", f"/tickets/{form}/reply", note)
    assert (part["part_type"], part["body"], part["author"]["id"]) == ("note", "<p>Refund?</p>", BRIDGE)
    assert part["app_package_code"]
    assert [one["id"] for one in api.state(form)["notes"]] == [part["id"]]


def test_a_contact_cannot_reply_on_a_back_office_ticket(api: Caller) -> None:
    ticket = new_ticket(api, ticket_type_id="56")
    reply = {"message_type": "comment", "type": "user", "email": "eve@hooli.example", "body": "Hello?"}
    assert api.refused("POST", f"/tickets/{ticket['id']}/reply", reply) == (400, "parameter_mismatch")


def test_an_enqueued_ticket_is_found_through_its_job(api: Caller) -> None:
    body = {
        "ticket_type_id": "55",
        "contacts": [{"email": "eve@hooli.example"}],
        "ticket_attributes": {"_default_title_": "Later"},
    }
    job = api.ok("POST", "/tickets/enqueue", body)
    assert job["status"] == "pending"
    done = api.ok("GET", f"/jobs/status/{job['id']}")
    assert done["status"] == "success"
    assert api.ticket(done["resource_id"])["ticket_attributes"]["_default_title_"] == "Later"
    assert api.refused("GET", "/jobs/status/none") == (404, "job_not_found")


def test_ticket_states_say_which_types_may_have_them(api: Caller) -> None:
    states = api.ok("GET", "/ticket_states")["data"]
    categories = {state["category"] for state in states}
    assert categories == {"submitted", "in_progress", "waiting_on_customer", "resolved"}
    assert all(kind["id"] in {"55", "56"} for state in states for kind in state["ticket_types"]["data"])


# Search ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(api: Caller, clock: Clock) -> list[str]:
    """Ada's open one with Ana, Bea's closed one, Ada's snoozed one; a minute lies between them."""
    ada = api.customer("I need support", subject="Invoice")
    api.part(ada, "assignment", assignee_id=ANA)
    clock.turn(60)
    bea = api.customer("Please refund me", subject="Refund", email="bea@initech.example", channel="chat")
    api.part(bea, "close")
    clock.turn(60)
    late = api.customer("Something else", subject="Invoice again")
    api.part(late, "snoozed", snoozed_until=int(clock.unix()) + 3600)
    return [ada, bea, late]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (where("state", "=", "open"), [0]),
        (where("state", "!=", "open"), [1, 2]),
        (where("open", "=", True), [0, 2]),
        (where("state", "IN", ["closed", "snoozed"]), [1, 2]),
        (where("state", "NIN", ["closed", "snoozed"]), [0]),
        (where("admin_assignee_id", "=", int(ANA)), [0]),
        (where("admin_assignee_id", "=", 0), [1, 2]),
        (where("admin_assignee_id", "=", None), [1, 2]),
        (where("admin_assignee_id", "IN", [int(ANA), int(CY)]), [0]),
        (where("teammate_ids", "=", BRIDGE), [0, 1, 2]),
        (where("source.type", "=", "conversation"), [1]),
        (where("source.author.email", "$", "globex.example"), [0, 2]),
        (where("source.subject", "~", "invoice"), [0, 2]),
        (where("source.subject", "!~", "invoice"), [1]),
        (where("source.subject", "^", "Inv"), [0, 2]),
        (where("source.body", "=", "support"), [0]),
        (where("source.body", "=", "need support"), []),
        (where("snoozed_until", ">", 1), [2]),
        (where("statistics.count_assignments", ">", 1), [0]),
    ],
)
def test_each_operator_finds_what_the_reference_says(
    api: Caller, three: list[str], query: dict[str, Any], expected: list[int]
) -> None:
    assert sorted(api.found(query)) == sorted(three[number] for number in expected)


def test_greater_than_means_greater_or_equal_as_the_reference_warns(api: Caller, three: list[str]) -> None:
    moments = [api.conversation(item)["updated_at"] for item in three]
    assert set(api.found(where("updated_at", ">", moments[1]))) == set(three[1:])
    assert set(api.found(where("updated_at", "<", moments[1]))) == set(three[:2])


def test_groups_nest_one_level_within_another(api: Caller, three: list[str]) -> None:
    ada = where("source.author.email", "=", "ada@globex.example")
    either = {"operator": "OR", "value": [where("state", "=", "closed"), where("state", "=", "snoozed")]}
    query = {"operator": "AND", "value": [{"operator": "OR", "value": [ada]}, either]}
    assert api.found(query) == [three[2]]


def test_tags_contacts_and_attributes_are_searched_by_id_and_by_name(api: Caller, three: list[str]) -> None:
    tag = tagged(api, three[1], "vip")
    api.ok("PUT", f"/conversations/{three[0]}", {"custom_attributes": {"intent": "invoice"}})
    contact = api.conversation(three[1])["contacts"]["contacts"][0]["id"]
    assert api.found(where("tag_ids", "=", tag)) == [three[1]]
    assert api.found(where("contact_ids", "=", contact)) == [three[1]]
    assert api.found(where("custom_attributes.intent", "=", "invoice")) == [three[0]]


def test_a_search_shows_no_parts_and_counts_all_that_it_found(api: Caller, three: list[str]) -> None:
    said = api.ok("POST", "/conversations/search", {"query": EVERYTHING, "pagination": {"per_page": 1}})
    assert said["total_count"] == len(three)
    assert [("conversation_parts" in row) for row in said["conversations"]] == [False]
    assert said["pages"]["total_pages"] == 3


DEEP = {"operator": "AND", "value": [{"operator": "OR", "value": [{"operator": "AND", "value": [EVERYTHING]}]}]}


@pytest.mark.parametrize(
    "query",
    [
        DEEP,
        {"operator": "AND", "value": [EVERYTHING] * 16},
        {"operator": "AND", "value": []},
        {"operator": "AND", "value": EVERYTHING},
        {"operator": "AND", "value": ["no filter"]},
        where("favourite_colour", "=", "green"),
        where("state", ">", "open"),
        where("open", "IN", [True]),
        where("state", "IN", "open"),
        where("state", "=", ["open"]),
        where("created_at", ">", "foobar"),
        where("admin_assignee_id", "=", ANA),
        where("open", "=", "true"),
        where("created_at", ">", True),
    ],
)
def test_what_the_search_reference_forbids_is_a_400(api: Caller, three: list[str], query: Any) -> None:
    assert three
    assert api.refused("POST", "/conversations/search", {"query": query})[0] == 400


def test_a_search_without_a_query_is_refused(api: Caller) -> None:
    assert api.refused("POST", "/conversations/search", {}) == (400, "parameter_not_found")


def test_fifteen_filters_in_a_group_are_allowed(api: Caller, three: list[str]) -> None:
    assert len(api.found({"operator": "AND", "value": [EVERYTHING] * 15})) == len(three)


def test_tickets_are_searched_with_ids_as_text_and_categories_by_other_words(api: Caller, form: str) -> None:
    api.ok("PUT", f"/tickets/{form}", {"admin_id": int(BRIDGE), "assignee_id": ANA})
    other = new_ticket(api, ticket_type_id="56")["id"]
    assert api.found(where("admin_assignee_id", "=", ANA), "tickets") == [form]
    assert api.found(where("category", "=", "request"), "tickets") == [form]
    assert api.found(where("category", "=", "task"), "tickets") == [other]
    assert api.found(where("title", "~", "access"), "tickets", per_page=5)
    assert api.refused("POST", "/tickets/search", {"query": where("admin_assignee_id", "=", int(ANA))})[0] == 400


def test_tickets_are_searched_by_the_id_of_an_attribute(api: Caller, form: str) -> None:
    attributes = api.ok("GET", "/ticket_types/55")["ticket_type_attributes"]["data"]
    number = next(row["id"] for row in attributes if row["name"] == "intent")
    api.ok("PUT", f"/tickets/{form}", {"ticket_attributes": {"intent": "access"}})
    assert api.found(where(f"ticket_attribute.{number}", "=", "access"), "tickets") == [form]


def test_contacts_are_searched_by_the_calendar_day_of_their_dates(api: Caller, clock: Clock) -> None:
    api.customer()
    now = int(clock.unix())
    assert len(api.found(where("created_at", "=", now - 3600), "contacts")) == 1
    assert api.found(where("created_at", ">", now - 3600), "contacts") == []
    assert len(api.found(where("created_at", ">", now - 86_400), "contacts")) == 1
    refusal = api.refused("POST", "/contacts/search", {"query": where("created_at", ">=", now)})
    assert refusal[0] == 400


FILTERS = [
    where("state", "=", "open"),
    where("open", "=", True),
    where("source.subject", "~", "invoice"),
    where("admin_assignee_id", "=", 0),
    where("source.type", "=", "email"),
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(FILTERS), min_size=1, max_size=4), st.lists(st.booleans(), min_size=1, max_size=12))
def test_and_is_the_intersection_or_the_union_and_not_the_complement(
    filters: list[dict[str, Any]], closed: list[bool]
) -> None:
    with Caller(IntercomSandbox(clock=lambda: 1_793_697_266.0)) as api:
        for number, close in enumerate(closed):
            item = api.customer(subject=("Invoice", "Refund")[number % 2], channel=("email", "chat")[number % 3 == 0])
            if close:
                api.part(item, "close")
        single = [set(api.found(one)) for one in filters]
        assert set(api.found({"operator": "AND", "value": filters})) == set.intersection(*single)
        assert set(api.found({"operator": "OR", "value": filters})) == set.union(*single)
        everything = set(api.found(EVERYTHING))
        for one, found in zip(filters, single, strict=True):
            opposite = one | {"operator": {"=": "!=", "~": "!~"}[one["operator"]]}
            assert set(api.found(opposite)) == everything - found


# Paging ---------------------------------------------------------------------------------------------------------------


def turn_pages(api: Caller, kind: str, per_page: int) -> list[str]:
    """All ids that a search and its cursors give, a page after the other."""
    ids: list[str] = []
    after: str | None = None
    while True:
        pagination = {"per_page": per_page} | ({"starting_after": after} if after else {})
        said = api.ok("POST", f"/{kind}/search", {"query": EVERYTHING, "pagination": pagination})
        assert len(said[kind]) <= per_page
        ids += [row["id"] for row in said[kind]]
        after = (said["pages"].get("next") or {}).get("starting_after")
        if after is None:
            return ids


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=3), max_size=15), st.integers(min_value=1, max_value=6))
def test_turning_the_pages_gives_everything_once_even_where_many_share_a_second(
    waits: list[int], per_page: int
) -> None:
    clock = Clock()
    with Caller(IntercomSandbox(clock=clock.unix)) as api:
        made = []
        for wait in waits:
            clock.turn(wait)
            made.append(api.customer())
        assert sorted(turn_pages(api, "conversations", per_page)) == sorted(made)


def test_listing_pages_by_the_same_cursors(api: Caller) -> None:
    made = [api.customer() for _ in range(5)]
    first = api.ok("GET", "/conversations", per_page=3)
    after = first["pages"]["next"]["starting_after"]
    second = api.ok("GET", "/conversations", per_page=3, starting_after=after)
    ids = [row["id"] for row in first["conversations"] + second["conversations"]]
    assert sorted(ids) == sorted(made)
    assert second["pages"].get("next") is None


def test_a_page_that_ends_with_the_last_row_names_no_next_one(api: Caller) -> None:
    for _ in range(3):
        api.customer()
    said = api.ok("POST", "/conversations/search", {"query": EVERYTHING, "pagination": {"per_page": 3}})
    assert len(said["conversations"]) == 3
    assert said["pages"].get("next") is None


def test_a_page_has_20_rows_by_default_and_150_at_most(api: Caller) -> None:
    for _ in range(21):
        api.customer()
    assert len(api.found(EVERYTHING)) == 20
    assert len(api.found(EVERYTHING, per_page=150)) == 21
    too_many = {"query": EVERYTHING, "pagination": {"per_page": 151}}
    assert api.refused("POST", "/conversations/search", too_many)[0] == 400


@pytest.mark.parametrize("cursor", ["nonsense", "WzFd", "", 3, ["x"]])
def test_a_cursor_that_is_none_of_ours_is_refused(api: Caller, item: str, cursor: Any) -> None:
    assert item
    body = {"query": EVERYTHING, "pagination": {"starting_after": cursor}}
    assert api.refused("POST", "/conversations/search", body) == (400, "parameter_invalid")


# People ---------------------------------------------------------------------------------------------------------------


def test_admins_and_teams_know_each_other_by_numbers(api: Caller) -> None:
    admins = {admin["email"]: admin for admin in api.ok("GET", "/admins")["admins"]}
    teams = {team["name"]: team for team in api.ok("GET", "/teams")["teams"]}
    assert admins["ana@acme.example"]["team_ids"] == [int(teams["Billing"]["id"])]
    assert int(admins["ana@acme.example"]["id"]) in teams["Billing"]["admin_ids"]
    assert len(admins) == 9


def test_away_mode_shows_on_the_admin_with_its_reason(api: Caller) -> None:
    body = {"away_mode_enabled": True, "away_mode_reassign": True, "away_status_reason_id": 2}
    api.ok("PUT", f"/admins/{ANA}/away", body)
    ana = api.ok("GET", f"/admins/{ANA}")
    assert (ana["away_mode_enabled"], ana["away_mode_reassign"], ana["away_status_reason_id"]) == (True, True, 2)


@pytest.mark.parametrize(
    "body",
    [
        {"away_mode_enabled": True},
        {"away_mode_enabled": "yes", "away_mode_reassign": False},
        {"away_mode_enabled": True, "away_mode_reassign": False, "away_status_reason_id": 99},
    ],
)
def test_away_mode_that_is_half_said_changes_nothing(api: Caller, body: dict[str, Any]) -> None:
    assert api.refused("PUT", f"/admins/{ANA}/away", body)[0] == 400
    assert api.ok("GET", f"/admins/{ANA}")["away_mode_enabled"] is False


def test_a_contact_belongs_to_the_company_of_their_address(api: Caller, item: str) -> None:
    contact = api.conversation(item)["contacts"]["contacts"][0]["id"]
    assert api.ok("GET", f"/contacts/{contact}")["companies"]["total_count"] == 1
    (company,) = api.ok("GET", f"/contacts/{contact}/companies")["data"]
    assert (company["name"], company["plan"]["name"]) == ("Globex", "Enterprise")
    assert company["custom_attributes"]["tier"] == "enterprise"


def test_an_address_is_one_contact_however_it_is_capitalised(api: Caller) -> None:
    items = [api.customer(email=email) for email in ("ada@globex.example", "Ada@Globex.example")]
    first, second = (api.conversation(item)["contacts"]["contacts"][0]["id"] for item in items)
    assert first == second


def test_a_second_contact_of_the_same_address_is_a_conflict(api: Caller) -> None:
    api.ok("POST", "/contacts", {"email": "eve@private.example", "name": "Eve"})
    assert api.refused("POST", "/contacts", {"email": "eve@private.example"}) == (409, "conflict")
    assert api.refused("POST", "/contacts", {"name": "Nobody"})[0] == 400


def test_a_teams_metrics_count_open_and_snoozed_per_admin(api: Caller, clock: Clock) -> None:
    for _ in range(2):
        api.part(api.customer(), "assignment", assignee_id=ANA)
    asleep = api.customer()
    api.part(asleep, "assignment", assignee_id=ANA)
    api.part(asleep, "snoozed", snoozed_until=int(clock.unix()) + 60)
    rows = {row["admin_id"]: row for row in api.ok("GET", f"/teams/{BILLING}/metrics")["data"]}
    assert (rows[ANA]["open"], rows[ANA]["snoozed"]) == (2, 1)


# Limits and faults ----------------------------------------------------------------------------------------------------


def test_every_answer_counts_down_the_slice_of_ten_seconds(api: Caller, clock: Clock) -> None:
    first, second = api.get("/me"), api.get("/nothing/here")
    assert [answer.headers["X-RateLimit-Remaining"] for answer in (first, second)] == ["1665", "1664"]
    assert first.headers["X-RateLimit-Reset"] == str(int(clock.unix()) + 10)


def test_a_spent_slice_is_a_429_until_the_next_one(clock: Clock) -> None:
    with Caller(IntercomSandbox(clock=clock.unix, plan="smallest")) as api:
        limit = int(api.get("/me").headers["X-RateLimit-Limit"])
        assert limit == 83
        for _ in range(limit - 1):
            api.ok("GET", "/me")
        answer = api.get("/me")
        assert answer.status_code == 429
        assert answer.json()["errors"][0]["code"] == "rate_limit_exceeded"
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        clock.turn(int(answer.headers["X-RateLimit-Reset"]) - clock.unix())
        api.ok("GET", "/me")


def test_a_429_on_request_says_when_to_come_back(api: Caller, clock: Clock) -> None:
    api.ok("PUT", "/_sandbox/faults", {"429": {"next": 1, "retry_after": 7}})
    answer = api.get("/me")
    assert answer.status_code == 429
    assert answer.headers["X-RateLimit-Reset"] == str(int(clock.unix()) + 7)
    api.ok("GET", "/me")


@pytest.mark.parametrize(("fault", "code"), [("500", "server_error"), ("503", "service_unavailable")])
def test_a_fault_on_request_has_no_effect_and_an_error_list(api: Caller, item: str, fault: str, code: str) -> None:
    api.ok("PUT", "/_sandbox/faults", {fault: {"next": 1, "match": "POST /conversations"}})
    body = {"message_type": "close", "type": "admin", "admin_id": BRIDGE}
    assert api.refused("POST", f"/conversations/{item}/parts", body) == (int(fault), code)
    assert api.conversation(item)["state"] == "open"


def test_a_write_whose_answer_is_lost_took_effect(desk: IntercomSandbox) -> None:
    with start(desk) as running, Caller(desk) as inside:
        item = inside.customer()
        inside.ok("PUT", "/_sandbox/faults", {"timeout_after_write": {"next": 1, "hold": 0.05}})
        headers = {"Authorization": f"Bearer {ACCESS_TOKEN}"}
        note = {"message_type": "note", "type": "admin", "admin_id": BRIDGE, "body": "Once."}
        path = f"{running.url}/conversations/{item}/reply"
        with pytest.raises(httpx.TransportError):
            httpx.post(path, json=note, headers=headers, trust_env=False)
        assert [one["body"] for one in inside.state(item)["notes"]] == ["<p>Once.</p>"]


# The control face -----------------------------------------------------------------------------------------------------


def test_the_history_tells_the_integration_from_an_admin_and_from_the_customer(api: Caller, item: str) -> None:
    api.part(item, "close")
    api.edit(item, note="Seen.")
    api.customer("Again.", ticket=item)
    writes = api.ok("GET", "/_sandbox/state")["writes"]
    assert [(write["actor_kind"], write["action"], write["actor"]) for write in writes] == [
        ("requester", "create", "ada@globex.example"),
        ("integration", "update", "bridge@acme.example"),
        ("agent", "note", "bo@acme.example"),
        ("requester", "reply", "ada@globex.example"),
    ]
    assert writes[1]["changes"] == {"state": ["open", "closed"]}
    assert writes[3]["changes"] == {"state": ["closed", "open"]}
    assert {write["ticket"] for write in writes} == {f"conversation:{item}"}


def test_the_history_names_what_changed_alike_for_an_admin_and_for_the_integration(api: Caller) -> None:
    ours, theirs = api.customer(), api.customer()
    api.part(ours, "close")
    api.part(ours, "assignment", assignee_id=ANA)
    api.part(ours, "assignment", type="team", assignee_id=BILLING)
    tagged(api, ours, "vip")
    api.ok("PUT", f"/conversations/{ours}", {"custom_attributes": {"intent": "invoice"}})
    api.edit(theirs, set={"status": "closed"})
    api.edit(theirs, set={"assignee": "ana@acme.example", "team": "Billing", "add_tags": ["vip"]})
    api.edit(theirs, set={"fields": {"intent": "invoice"}})
    writes = api.ok("GET", "/_sandbox/state")["writes"]
    changes = {
        kind: [write["changes"] for write in writes if write["actor_kind"] == kind] for kind in ("integration", "agent")
    }
    assert changes["integration"] == changes["agent"]
    assert changes["agent"][1] == {"assignee": [None, ANA], "state": ["closed", "open"]}


@pytest.mark.parametrize("channel", ["email", "ticket"])
def test_an_admins_edit_sets_everything_on_conversations_and_tickets(api: Caller, channel: str) -> None:
    item = api.customer(subject="Empty invoice", channel=channel, tags=["old"])
    wish = {"assignee": "ana@acme.example", "team": "Billing", "status": "pending", "priority": "high"}
    api.edit(item, set=wish | {"add_tags": ["vip"], "remove_tags": ["old"], "fields": {"intent": "invoice"}})
    shown = api.state(item)
    assert (shown["assignee"], shown["team"], shown["tags"]) == ("ana@acme.example", "Billing", ["vip"])
    assert shown["fields"]["intent"] == "invoice"
    assert shown["priority"] == "high"
    assert shown["status"] == {"email": "snoozed", "ticket": "waiting_on_customer"}[channel]
    assert shown["subject"] == "Empty invoice"


def test_an_admins_load_counts_what_is_open_and_awake(api: Caller) -> None:
    for status in ("open", "pending", "solved"):
        api.edit(api.customer(), set={"assignee": "ana@acme.example", "status": status})
    agents = {agent["email"]: agent for agent in api.ok("GET", "/_sandbox/state")["agents"]}
    assert agents["ana@acme.example"]["load"] == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/customers/write", {"email": "a@b.example", "body": "x", "channel": "pigeon"}, 400),
        ("/customers/write", {"email": "a@b.example", "body": "x", "ticket": "conversation:1"}, 404),
        ("/agents/edit", {"agent": "nobody@acme.example", "ticket": "ITEM"}, 404),
        ("/agents/edit", {"agent": "bo@acme.example", "ticket": "ITEM", "set": {"status": "odd"}}, 400),
        ("/agents/edit", {"agent": "bo@acme.example", "ticket": "ITEM", "set": {"priority": "odd"}}, 400),
        ("/agents/edit", {"agent": "bo@acme.example", "ticket": "ITEM", "set": {"fields": {"odd": 1}}}, 400),
        ("/agents/edit", {"agent": "bo@acme.example", "ticket": "ITEM", "set": {"team": "Odd"}}, 404),
        ("/agents/status", {"agent": "nobody@acme.example", "status": "away"}, 404),
    ],
)
def test_the_control_face_says_what_it_does_not_know(
    api: Caller, item: str, path: str, body: dict[str, Any], status: int
) -> None:
    body = {key: item if value == "ITEM" else value for key, value in body.items()}
    answer = api.post(f"/_sandbox{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]
