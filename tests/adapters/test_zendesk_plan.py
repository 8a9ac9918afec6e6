"""A change as one conditional PUT: what is in it, what is left out, what is refused."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Unsupported
from bridge.model import NOBODY, Change, Priority, Status, Ticket
from tests.adapters.zendesk_wire import REF, make_desk, ticket

OP = "01K8ZZZZZZZZZZZZZZZZZZZZZZ"
GUARD = {
    "metadata": {"deskbridge": {"op": OP}},
    "safe_update": True,
    "updated_stamp": "2026-11-03T09:14:26Z",
}


def put(change: Change, seen: Ticket | None = None) -> dict[str, Any]:
    """What the only step of the change PUTs, beside the guard; empty where there is no step."""
    steps = make_desk().plan(OP, change, seen or ticket()).steps
    if not steps:
        return {}
    (step,) = steps
    assert (step.ref, step.marker) == (REF, OP)
    assert json.loads(json.dumps(step.data)) == step.data
    body: Any = dict(step.data)["ticket"]
    assert {key: body.pop(key) for key in GUARD} == GUARD
    return dict(body)


def test_everything_goes_in_one_put_with_the_note_private_and_the_stamp_as_read() -> None:
    change = Change(
        assignee_id="8447388091518",
        team_id="8447320466430",
        status=Status.PENDING,
        priority=Priority.LOW,
        type="incident",
        add_tags=frozenset({"vip"}),
        remove_tags=frozenset({"billing"}),
        fields={"360011": "refund", "360012": "x"},
        note="<p>Triage: billing, 0.92</p>",
    )
    assert put(change) == {
        "assignee_id": 8447388091518,
        "group_id": 8447320466430,
        "status": "pending",
        "priority": "low",
        "type": "incident",
        "tags": ["by_a_human", "vip"],
        "custom_fields": [{"id": 360011, "value": "refund"}, {"id": 360012, "value": "x"}],
        "comment": {"html_body": "<p>Triage: billing, 0.92</p>", "public": False},
    }


def test_a_note_alone_touches_nothing_else() -> None:
    assert put(Change(note="<p>Hello</p>")) == {"comment": {"html_body": "<p>Hello</p>", "public": False}}


@pytest.mark.parametrize(
    "change",
    [
        Change(),
        Change(assignee_id=NOBODY),
        Change(team_id="8447320466430"),
        Change(assignee_id=NOBODY, team_id="8447320466430"),
        Change(status=Status.OPEN),
        Change(priority=Priority.URGENT),
        Change(type="question"),
        Change(add_tags=frozenset({"billing"}), remove_tags=frozenset({"never_was"})),
        Change(fields={"360011": "invoice", "360012": None}),
    ],
)
def test_what_the_ticket_already_is_takes_no_step(change: Change) -> None:
    assert put(change) == {}


def test_an_assignment_sends_the_group_with_the_agent_even_where_it_is_right_already() -> None:
    change = Change(assignee_id="8447388091518", team_id="8447320466430")
    assert put(change) == {"assignee_id": 8447388091518, "group_id": 8447320466430}


def test_taking_a_ticket_out_of_everybodys_hands_sends_null() -> None:
    assert put(Change(assignee_id=NOBODY), ticket(assignee_id=77)) == {"assignee_id": None}


def test_a_custom_status_stays_as_long_as_its_category_does() -> None:
    assert "status" not in put(Change(status=Status.OPEN, note="n"))
    assert "custom_status_id" not in put(Change(status=Status.PENDING))


@given(st.sampled_from(Priority), st.sampled_from(["low", "normal", "high", "urgent", None]))
def test_a_priority_is_written_as_wished_and_otherwise_never_mentioned(wish: Priority, present: str | None) -> None:
    seen = ticket(priority=present)
    assert "priority" not in put(Change(note="n", add_tags=frozenset({"x"})), seen)
    if wish is seen.priority:
        assert put(Change(priority=wish), seen) == {}
    elif wish is Priority.NONE:
        with pytest.raises(Unsupported):
            put(Change(priority=wish), seen)
    else:
        assert put(Change(priority=wish), seen) == {"priority": wish.value}


TAGS = st.frozensets(st.sampled_from(["a", "b", "c", "d", "e"]))


@given(TAGS, TAGS, TAGS)
def test_no_tag_comes_or_goes_unasked(present: frozenset[str], add: frozenset[str], remove: frozenset[str]) -> None:
    body = put(Change(add_tags=add, remove_tags=remove), ticket(tags=sorted(present)))
    after = frozenset(body.get("tags", present))
    assert after == (present | add) - remove
    assert ("tags" in body) == (after != present)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(status=Status.NEW), "new again"),
        (Change(status=Status.UNKNOWN), "unknown"),
        (Change(status=Status.DELETED), "deleted"),
        (Change(type="bug"), "incident"),
        (Change(add_tags=frozenset({"two words"})), "two words"),
        (Change(fields={"tier": "gold"}), "tier"),
        (Change(assignee_id="ana@acme.example"), "numbers"),
        (Change(team_id="Billing"), "numbers"),
    ],
)
def test_what_zendesk_cannot_express_is_refused_with_the_reason(change: Change, words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        put(change)


@pytest.mark.parametrize("status", ["closed", "deleted"])
def test_a_ticket_that_is_final_takes_no_change(status: str) -> None:
    assert put(Change(), ticket(status=status)) == {}
    with pytest.raises(Unsupported, match="follow-up"):
        put(Change(note="n"), ticket(status=status))


@pytest.mark.parametrize("lack", [{"complete": False}, {"stamp": None}])
def test_a_ticket_known_in_part_is_not_planned_on_for_a_put_of_tags_would_wipe_the_rest(lack: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match="fetch it"):
        put(Change(add_tags=frozenset({"vip"})), replace(ticket(), **lack))
