"""Writing to Intercom: which steps a change becomes, in which order, and what cannot be said there."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.intercom import IntercomDesk
from bridge.errors import Conflict, NotThere, Permanent, Unsupported
from bridge.model import NOBODY, Change, Operation, Priority, Status, Step, Ticket, TicketRef
from bridge.ports import Capability
from tests.adapters.intercom import CONVERSATION, NOW, TICKET, Wire, changed, desk_on, part, with_parts

OPERATION = "01K8ZZZZZZZZZZZZZZZZZZZZ01"
NOTE = "<p>Triage: billing</p>"
STATES = {
    "type": "list",
    "data": [
        {"id": "7490", "category": "waiting_on_customer", "archived": True, "ticket_types": {"data": [{"id": "55"}]}},
        {"id": "7492", "category": "waiting_on_customer", "archived": False, "ticket_types": {"data": [{"id": "56"}]}},
        {"id": "7493", "category": "waiting_on_customer", "archived": False, "ticket_types": {"data": [{"id": "55"}]}},
    ],
}
TAGS = {"type": "list", "data": [{"type": "tag", "id": "8800", "name": "Billing"}]}
CONVERSATION_LINE, TICKET_LINE = "/conversations/215470", "/tickets/215481"


def ticket(desk: IntercomDesk, item: dict[str, Any]) -> Ticket:
    """The snapshot that a plan starts from."""
    kind = item["type"]
    with desk_on(Wire({f"GET /{kind}s/{item['id']}": item})) as reader:
        return reader.fetch(TicketRef(desk.name, f"{kind}:{item['id']}"))


def plan(change: Change, item: dict[str, Any], **options: Any) -> list[tuple[str, Any]]:
    """The steps of a change as (name, data)."""
    with desk_on(Wire({}), **options) as desk:
        operation = desk.plan(OPERATION, change, ticket(desk, item))
    return [(step.name, dict(step.data)) for step in operation.steps]


def perform(desk: IntercomDesk, change: Change, item: dict[str, Any]) -> Operation:
    """Plan a change and carry it out, each step with what the one before it saw."""
    operation = desk.plan(OPERATION, change, ticket(desk, item))
    seen = None
    for step in operation.steps:
        seen = desk.perform(step, seen).seen
    return operation


# Planning -------------------------------------------------------------------------------------------------------------


def test_everything_on_a_conversation_is_one_step_a_call_with_those_that_compare_first() -> None:
    change = Change(
        assignee_id="9002",
        team_id="501",
        status=Status.CLOSED,
        priority=Priority.HIGH,
        type="Incident",
        add_tags=frozenset({"vip", "billing"}),
        remove_tags=frozenset({"Untriaged"}),
        fields={"Plan": "Pro"},
        note=NOTE,
    )
    tagged = changed(CONVERSATION, tags={"type": "tag.list", "tags": [{"id": "1", "name": "untriaged"}]})
    attributes = {"Priority": "High", "Issue type": "Incident", "Plan": "Pro"}
    assert plan(change, tagged) == [
        ("team", {"want": {"team_id": "501"}, "expect": {"team_id": None}}),
        ("admin", {"want": {"assignee_id": "9002"}, "expect": {"assignee_id": None}}),
        ("state", {"want": {"status_raw": "closed"}, "expect": {"status_raw": "open"}}),
        ("attributes", {"want": {"fields": attributes}, "expect": {"fields": dict.fromkeys(sorted(attributes))}}),
        ("tag", {"tag": "billing"}),
        ("tag", {"tag": "vip"}),
        ("untag", {"tag": "Untriaged"}),
        ("note", {"body": f"{NOTE}<p><i>Deskbridge ref {OPERATION}</i></p>"}),
    ]


def test_a_ticket_takes_one_update_and_a_second_where_team_and_admin_both_change() -> None:
    one = plan(Change(assignee_id="9002", status=Status.PENDING, fields={"Tier": "gold"}), TICKET)
    status = {"status": "open", "status_custom_id": "7491"}
    assert one == [
        (
            "update",
            {
                "want": {"assignee_id": "9002", "status": "pending", "fields": {"Tier": "gold"}},
                "expect": {"assignee_id": None, "fields": {"Tier": "x"}, **status},
            },
        )
    ]
    two = plan(Change(assignee_id="9002", team_id="501", fields={"Tier": "gold"}), TICKET)
    assert [(name, data["want"]) for name, data in two] == [
        ("update", {"team_id": "501"}),
        ("update", {"assignee_id": "9002", "fields": {"Tier": "gold"}}),
    ]


@pytest.mark.parametrize("item", [CONVERSATION, TICKET], ids=["conversation", "ticket"])
def test_what_holds_already_takes_no_step(item: dict[str, Any]) -> None:
    attributes = {"Priority": "Urgent", "Issue type": "Incident", "Tier": "x"}
    held = changed(
        item,
        admin_assignee_id=9002,
        team_assignee_id="501",
        custom_attributes=attributes,
        ticket_attributes=attributes,
        tags={"type": "tag.list", "tags": [{"id": "1", "name": "VIP"}]},
    )
    change = Change(
        assignee_id="9002",
        team_id="501",
        status=Status.OPEN,
        priority=Priority.URGENT,
        type="Incident",
        add_tags=frozenset({"vip"}),
        remove_tags=frozenset({"never"}),
        fields={"Tier": "x"},
    )
    assert plan(change, held) == []


def test_taking_a_ticket_out_of_everybodys_hands_is_a_step_only_where_somebody_has_it() -> None:
    assert plan(Change(assignee_id=NOBODY), CONVERSATION) == []
    taken = changed(CONVERSATION, admin_assignee_id=9002)
    assert plan(Change(assignee_id=NOBODY), taken) == [
        ("admin", {"want": {"assignee_id": None}, "expect": {"assignee_id": "9002"}})
    ]


def test_intercoms_own_priority_stands_where_somebody_set_it() -> None:
    urgent = changed(CONVERSATION, priority="urgent", custom_attributes={"Priority": "Low"})
    assert plan(Change(priority=Priority.URGENT), urgent) == []
    assert plan(Change(priority=Priority.HIGH), urgent)[0][1]["want"] == {"fields": {"Priority": "High"}}


@pytest.mark.parametrize(
    ("item", "priority"),
    [("priority", Priority.HIGH), ("not_priority", Priority.NONE), ("medium", Priority.NORMAL), ("?", Priority.NONE)],
)
def test_the_priority_of_every_version_is_understood(item: str, priority: Priority) -> None:
    with desk_on(Wire({})) as desk:
        found = ticket(desk, changed(CONVERSATION, priority=item))
    assert (found.priority, found.priority_raw) == (priority, item)


def test_what_no_attribute_is_named_for_is_unsupported_and_no_capability() -> None:
    bare = {"priority_attribute": None, "type_attribute": None}
    with desk_on(Wire({}), **bare) as desk:
        assert not {Capability.WRITE_PRIORITY, Capability.WRITE_TYPE} & desk.can
    for change in (Change(priority=Priority.HIGH), Change(type="Incident")):
        for item in (CONVERSATION, TICKET):
            with pytest.raises(Unsupported):
                plan(change, item, **bare)


@pytest.mark.parametrize(
    ("item", "status"),
    [
        (CONVERSATION, Status.RESOLVED),
        (CONVERSATION, Status.ON_HOLD),
        (CONVERSATION, Status.DELETED),
        (changed(CONVERSATION, state="closed"), Status.NEW),
        (TICKET, Status.ON_HOLD),
        (TICKET, Status.UNKNOWN),
    ],
)
def test_a_status_that_intercom_does_not_have_is_unsupported(item: dict[str, Any], status: Status) -> None:
    with pytest.raises(Unsupported):
        plan(Change(status=status), item)


def test_opening_a_new_conversation_is_left_to_its_assignment() -> None:
    assert plan(Change(status=Status.OPEN), CONVERSATION) == []


def test_a_pending_conversation_sleeps_for_the_configured_hours() -> None:
    ((_, data),) = plan(Change(status=Status.PENDING), CONVERSATION, snooze_hours=2)
    assert data["wake_at"] == NOW.timestamp() + 7200


def test_a_ticket_that_shows_no_tags_is_asked_to_lose_the_unwanted_ones_all_the_same() -> None:
    change = Change(remove_tags=frozenset({"untriaged"}))
    assert plan(change, TICKET) == [("untag", {"tag": "untriaged"})]
    assert plan(change, changed(TICKET, tags={"tags": [{"id": "1", "name": "vip"}]})) == []


@given(
    assignee=st.sampled_from([None, NOBODY, "9001", "9002"]),
    team=st.sampled_from([None, "501", "502"]),
    status=st.sampled_from([None, Status.OPEN, Status.PENDING, Status.CLOSED]),
    tags=st.frozensets(st.sampled_from(["vip", "VIP", "billing"]), max_size=2),
    item=st.sampled_from([CONVERSATION, TICKET, changed(CONVERSATION, admin_assignee_id=9001, state="closed")]),
)
def test_a_plan_never_expects_what_it_wants(
    assignee: str | None, team: str | None, status: Status | None, tags: frozenset[str], item: dict[str, Any]
) -> None:
    change = Change(assignee_id=assignee, team_id=team, status=status, add_tags=tags)
    for _, data in plan(change, item):
        shared = data.get("want", {}).keys() & data.get("expect", {}).keys()
        assert all(data["want"][name] != data["expect"][name] for name in shared)


def test_taking_a_ticket_from_its_admin_gives_it_to_its_team_again() -> None:
    held = changed(TICKET, admin_assignee_id=9002, team_assignee_id=501)
    read = {"team_id": "501", "assignee_id": "9002"}
    back = {"want": {"team_id": "501"}, "expect": {"assignee_id": None}}
    assert plan(Change(assignee_id=NOBODY), held) == [
        ("update", {"want": {"assignee_id": None}, "expect": read}),
        ("update", back),
    ]
    assert plan(Change(assignee_id=NOBODY), changed(held, team_assignee_id=0)) == [
        ("update", {"want": {"assignee_id": None}, "expect": {**read, "team_id": None}})
    ]


# Performing -----------------------------------------------------------------------------------------------------------


def test_the_first_step_reads_and_the_answers_stand_in_for_the_other_reads() -> None:
    parts = f"POST {CONVERSATION_LINE}/parts"
    in_team = changed(CONVERSATION, team_assignee_id=501)
    assigned = changed(in_team, admin_assignee_id=9002)
    with_plan = changed(assigned, custom_attributes={"Plan": "Pro"})
    wire = Wire(
        {
            f"GET {CONVERSATION_LINE}": CONVERSATION,
            parts: [in_team, assigned],
            f"PUT {CONVERSATION_LINE}": with_plan,
            f"POST {CONVERSATION_LINE}/reply": with_plan,
            "GET /tags": TAGS,
            "POST /tags": {"type": "tag", "id": "8801", "name": "vip"},
            f"POST {CONVERSATION_LINE}/tags": {"type": "tag", "id": "8800", "name": "Billing"},
        }
    )
    change = Change(
        assignee_id="9002", team_id="501", fields={"Plan": "Pro"}, add_tags=frozenset({"billing", "vip"}), note=NOTE
    )
    with desk_on(wire) as desk:
        perform(desk, change, CONVERSATION)
    assert wire.lines == [
        f"GET {CONVERSATION_LINE}",
        parts,
        parts,
        f"PUT {CONVERSATION_LINE}",
        "GET /tags",
        f"POST {CONVERSATION_LINE}/tags",
        "GET /tags",
        "POST /tags",
        f"POST {CONVERSATION_LINE}/tags",
        f"POST {CONVERSATION_LINE}/reply",
    ]
    assert wire.body(parts) == {
        "admin_id": "9001",
        "message_type": "assignment",
        "type": "admin",
        "assignee_id": "9002",
    }
    assert wire.body("POST /tags") == {"name": "vip"}
    assert wire.body(f"POST {CONVERSATION_LINE}/tags") == {"id": "8801", "admin_id": "9001"}
    note = wire.body(f"POST {CONVERSATION_LINE}/reply")
    assert (note["message_type"], note["type"], OPERATION in note["body"]) == ("note", "admin", True)


@pytest.mark.parametrize("item", [CONVERSATION, TICKET], ids=["conversation", "ticket"])
def test_what_somebody_else_brought_about_meanwhile_is_not_written_again(item: dict[str, Any]) -> None:
    line = f"GET /{item['type']}s/{item['id']}"
    wire = Wire({line: changed(item, admin_assignee_id=9002)})
    with desk_on(wire) as desk:
        (step,) = desk.plan(OPERATION, Change(assignee_id="9002"), ticket(desk, item)).steps
        assert desk.perform(step, None).found
    assert wire.lines == [line]


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        ({"admin_assignee_id": 9003}, "assignee_id"),
        ({"custom_attributes": {"Plan": "Free"}}, "Plan"),
        ({"state": "closed"}, "status_raw"),
    ],
)
def test_a_field_that_changed_since_the_read_is_a_conflict_that_names_it_and_nothing_is_written(
    edit: dict[str, Any], named: str
) -> None:
    wire = Wire({f"GET {CONVERSATION_LINE}": changed(CONVERSATION, **edit)})
    changes = {
        "assignee_id": Change(assignee_id="9002"),
        "Plan": Change(fields={"Plan": "Pro"}),
        "status_raw": Change(status=Status.PENDING),
    }
    with desk_on(wire) as desk, pytest.raises(Conflict, match=named):
        perform(desk, changes[named], CONVERSATION)
    assert wire.lines == [f"GET {CONVERSATION_LINE}"]


def test_a_change_of_what_a_step_does_not_write_is_no_conflict() -> None:
    elsewhere = changed(CONVERSATION, state="snoozed", custom_attributes={"Plan": "Free"}, updated_at=1793699999)
    wire = Wire({f"GET {CONVERSATION_LINE}": elsewhere, f"POST {CONVERSATION_LINE}/parts": elsewhere})
    with desk_on(wire) as desk:
        perform(desk, Change(team_id="501"), CONVERSATION)
    assert wire.lines[-1] == f"POST {CONVERSATION_LINE}/parts"


def test_what_the_answer_before_shows_is_compared_without_a_read() -> None:
    wire = Wire({f"GET {CONVERSATION_LINE}": CONVERSATION})
    with desk_on(wire) as desk:
        team, admin = desk.plan(OPERATION, Change(team_id="501", assignee_id="9002"), ticket(desk, CONVERSATION)).steps
        balanced = ticket(desk, changed(CONVERSATION, team_assignee_id=501, admin_assignee_id=9003))
        with pytest.raises(Conflict, match="assignee_id"):
            desk.perform(admin, balanced)
    assert team.name == "team"
    assert wire.lines == []


@pytest.mark.parametrize(
    ("change", "item", "body"),
    [
        (Change(status=Status.CLOSED), CONVERSATION, {"message_type": "close", "type": "admin", "admin_id": "9001"}),
        (
            Change(status=Status.OPEN),
            changed(CONVERSATION, state="closed"),
            {"message_type": "open", "admin_id": "9001"},
        ),
        (
            Change(status=Status.PENDING),
            CONVERSATION,
            {"message_type": "snoozed", "admin_id": "9001", "snoozed_until": int(NOW.timestamp()) + 72 * 3600},
        ),
        (
            Change(assignee_id=NOBODY),
            changed(CONVERSATION, admin_assignee_id=9002),
            {"message_type": "assignment", "type": "admin", "admin_id": "9001", "assignee_id": "0"},
        ),
    ],
    ids=["close", "open", "snooze", "unassign"],
)
def test_a_conversation_is_closed_opened_put_to_sleep_and_taken_back(
    change: Change, item: dict[str, Any], body: dict[str, Any]
) -> None:
    wire = Wire({f"GET {CONVERSATION_LINE}": item, f"POST {CONVERSATION_LINE}/parts": item})
    with desk_on(wire) as desk:
        perform(desk, change, item)
    assert wire.body(f"POST {CONVERSATION_LINE}/parts") == body


def test_a_tickets_update_names_us_by_number_and_the_state_that_its_type_allows() -> None:
    wire = Wire({f"GET {TICKET_LINE}": TICKET, "GET /ticket_states": STATES, f"PUT {TICKET_LINE}": TICKET})
    with desk_on(wire) as desk:
        perform(desk, Change(assignee_id="9002", status=Status.PENDING, fields={"Tier": "gold"}), TICKET)
    assert wire.body(f"PUT {TICKET_LINE}") == {
        "admin_id": 9001,
        "assignee_id": "9002",
        "ticket_attributes": {"Tier": "gold"},
        "ticket_state_id": "7493",
        "open": True,
    }


def test_a_second_update_with_a_state_reads_again_because_only_a_read_tells_the_type() -> None:
    in_team = changed(TICKET, team_assignee_id=501)
    put = f"PUT {TICKET_LINE}"
    wire = Wire({f"GET {TICKET_LINE}": [TICKET, in_team], "GET /ticket_states": STATES, put: in_team})
    with desk_on(wire) as desk:
        perform(desk, Change(team_id="501", assignee_id="9002", status=Status.PENDING), TICKET)
    assert wire.lines == [f"GET {TICKET_LINE}", put, f"GET {TICKET_LINE}", "GET /ticket_states", put]
    assert wire.body(put)["ticket_state_id"] == "7493"


def test_closing_a_resolved_ticket_leaves_its_state_alone() -> None:
    resolved = changed(TICKET, ticket_state={"id": "7499", "category": "resolved"})
    wire = Wire({f"GET {TICKET_LINE}": resolved, f"PUT {TICKET_LINE}": resolved})
    with desk_on(wire) as desk:
        perform(desk, Change(status=Status.CLOSED), resolved)
    assert wire.body(f"PUT {TICKET_LINE}") == {"admin_id": 9001, "open": False}


def test_a_state_that_the_tickets_type_does_not_allow_is_permanent() -> None:
    wire = Wire({f"GET {TICKET_LINE}": TICKET, "GET /ticket_states": STATES})
    with desk_on(wire) as desk, pytest.raises(Permanent, match="resolved"):
        perform(desk, Change(status=Status.RESOLVED), TICKET)


def test_the_acting_admin_is_the_owner_of_the_credential_where_none_is_configured() -> None:
    wire = Wire({"GET /me": {"type": "admin", "id": "9007"}, f"POST {CONVERSATION_LINE}/reply": CONVERSATION})
    with desk_on(wire, admin_id=None) as desk:
        perform(desk, Change(note=NOTE), CONVERSATION)
        perform(desk, Change(note=NOTE), CONVERSATION)
    assert wire.lines.count("GET /me") == 1
    assert wire.body(f"POST {CONVERSATION_LINE}/reply")["admin_id"] == "9007"


def test_a_tag_that_is_gone_already_is_no_fault() -> None:
    missing = httpx.Response(404, json={"type": "error.list", "errors": [{"code": "tag_not_found"}]})
    tagged = changed(CONVERSATION, tags={"tags": [{"id": "8800", "name": "billing"}]})
    wire = Wire(
        {
            "GET /tags": TAGS,
            f"DELETE {CONVERSATION_LINE}/tags/8800": missing,
            f"GET {CONVERSATION_LINE}": [CONVERSATION, tagged],
        }
    )
    with desk_on(wire) as desk:
        (step,) = desk.plan(OPERATION, Change(remove_tags=frozenset({"billing"})), ticket(desk, tagged)).steps
        assert desk.perform(step, None).found
        with pytest.raises(NotThere):
            desk.perform(step, None)
    assert wire.body(f"DELETE {CONVERSATION_LINE}/tags/8800") == {"admin_id": "9001"}


def test_a_tag_that_the_workspace_never_had_needs_no_removing() -> None:
    wire = Wire({"GET /tags": TAGS})
    with desk_on(wire) as desk:
        assert desk.perform(Step("untag", TicketRef("acme", "ticket:215481"), OPERATION, {"tag": "never"}), None).found


def test_a_tag_that_somebody_deleted_is_looked_up_anew() -> None:
    gone = httpx.Response(404, json={"type": "error.list", "errors": [{"code": "not_found"}]})
    tags = f"POST {CONVERSATION_LINE}/tags"
    again = {"type": "list", "data": [{"id": "8807", "name": "billing"}]}
    wire = Wire({"GET /tags": [TAGS, again], tags: [gone, {"type": "tag", "id": "8807", "name": "billing"}]})
    step = Step("tag", TicketRef("acme", "conversation:215470"), OPERATION, {"tag": "billing"})
    with desk_on(wire) as desk:
        with pytest.raises(NotThere):
            desk.perform(step, None)
        desk.perform(step, None)
    assert wire.body(tags)["id"] == "8807"


# Finding --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (Change(team_id="501"), {}, {"team_assignee_id": 501}),
        (Change(assignee_id=NOBODY), {"admin_assignee_id": 9002}, {"admin_assignee_id": 0}),
        (Change(status=Status.CLOSED), {}, {"state": "closed"}),
        (Change(fields={"Plan": "Pro"}), {}, {"custom_attributes": {"Plan": "Pro", "Other": 1}}),
        (Change(add_tags=frozenset({"vip"})), {}, {"tags": {"tags": [{"id": "1", "name": "VIP"}]}}),
        (Change(remove_tags=frozenset({"vip"})), {"tags": {"tags": [{"id": "1", "name": "vip"}]}}, {}),
    ],
    ids=["team", "nobody", "state", "attributes", "tag", "untag"],
)
def test_after_an_unclear_outcome_the_effect_is_found_where_it_is_and_only_there(
    change: Change, before: dict[str, Any], after: dict[str, Any]
) -> None:
    wire = Wire({f"GET {CONVERSATION_LINE}": [changed(CONVERSATION, **before), changed(CONVERSATION, **after)]})
    with desk_on(wire) as desk:
        (step,) = desk.plan(OPERATION, change, ticket(desk, changed(CONVERSATION, **before))).steps
        assert desk.find(step) is None
        receipt = desk.find(step)
    assert receipt is not None
    assert receipt.found
    assert receipt.seen is not None


@pytest.mark.parametrize("item", [CONVERSATION, TICKET], ids=["conversation", "ticket"])
def test_a_note_is_found_by_its_marker(item: dict[str, Any]) -> None:
    line = f"GET /{item['type']}s/{item['id']}"
    with desk_on(Wire({})) as desk:
        (step,) = desk.plan(OPERATION, Change(note=NOTE), ticket(desk, item)).steps
    written = with_parts(item, part("note", body="<p>Other</p>"), part("note", body=step.data["body"]))
    other = with_parts(item, part("note", body=str(step.data["body"]).replace(OPERATION, OPERATION[:-1] + "2")))
    with desk_on(Wire({line: [other, written]})) as desk:
        assert desk.find(step) is None
        assert desk.find(step) is not None


def test_a_ticket_that_shows_no_tags_cannot_say_that_one_is_gone() -> None:
    step = Step("untag", TicketRef("acme", "ticket:215481"), OPERATION, {"tag": "vip"})
    with desk_on(Wire({f"GET {TICKET_LINE}": TICKET})) as desk:
        assert desk.find(step) is None
