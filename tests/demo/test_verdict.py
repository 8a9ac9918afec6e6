"""The demo's judge on literal records of a desk: it finds each kind of fault, and none where there is none."""

from typing import Any

import pytest

from deskbridge.demo.verdict import Expected, Faults, judge

OP = "01K8ZZZZZZZZZZZZZZZZZZZZZZ"
BELONGS = {"7": Expected("Billing", tags=frozenset({"billing"}))}


def wrote(who: str, action: str, at: float, metadata: Any = None, **changes: list[Any]) -> dict[str, Any]:
    return {
        "ticket": "7",
        "at": at,
        "actor_kind": who,
        "action": action,
        "changes": changes,
        "metadata": metadata or {},
    }


def note(body: str = f"Why it is here. Deskbridge ref {OP}") -> dict[str, Any]:
    return {"author": "bridge@acme.example", "body": body}


OPENED = wrote("requester", "create", 100.0)
ROUTED = wrote("integration", "update", 100.2, group_id=[None, 1], assignee_id=[None, 2], tags=[[], ["billing"]])
NOTED = wrote("integration", "note", 100.3)


def desk(*writes: dict[str, Any], **more: Any) -> dict[str, Any]:
    ticket = {"id": "7", "subject": "Refund", "team": "Billing", "assignee": "ana@acme.example", "tags": ["billing"]}
    tickets = [ticket | {"notes": [note()]} | more]
    return {"vendor": "zendesk", "tickets": tickets, "writes": list(writes), "calls": [{}, {}, {}]}


def test_a_ticket_where_it_belongs_is_no_fault_and_its_figures_are_counted() -> None:
    found, faults = judge(desk(OPENED, ROUTED, NOTED), BELONGS)
    assert not faults
    assert (found.tickets, found.assigned, found.tagged, found.noted, found.calls_per_ticket) == (1, 1, 1, 1, 3.0)


def test_the_latency_is_from_the_customers_message_to_our_first_note() -> None:
    states = [desk(OPENED, ROUTED, NOTED), desk(wrote("requester", "create", 100.1), ROUTED, NOTED)]
    both = states[0] | {
        "tickets": [
            ticket | {"id": id_} for id_, state in zip("78", states, strict=True) for ticket in state["tickets"]
        ],
        "writes": [row | {"ticket": id_} for id_, state in zip("78", states, strict=True) for row in state["writes"]],
    }
    found, _ = judge(both, BELONGS | {"8": BELONGS["7"]})
    assert (found.p50_ms, found.p99_ms) == (250.0, 299.0)


@pytest.mark.parametrize(
    ("writes", "more", "kind"),
    [
        ([OPENED], {}, "lost"),
        ([OPENED, ROUTED, NOTED], {"team": "General"}, "misplaced"),
        ([OPENED, ROUTED, NOTED], {"assignee": None}, "misplaced"),
        ([OPENED, ROUTED, NOTED], {"tags": ["other"]}, "misplaced"),
        ([OPENED, ROUTED, NOTED], {"notes": [note(), note("Again. Deskbridge ref " + OP)]}, "duplicated"),
        ([OPENED, ROUTED, NOTED], {"notes": [note("the same"), note("the same")]}, "duplicated"),
        ([OPENED, ROUTED, NOTED, NOTED], {}, "duplicated"),
        ([OPENED, *[wrote("integration", "update", 101.0, {"deskbridge": {"op": OP}})] * 2], {}, "duplicated"),
        ([OPENED, wrote("agent", "update", 101.0, group_id=[None, 3]), ROUTED, NOTED], {}, "overwritten"),
        ([OPENED, wrote("agent", "tag", 101.0, tags=[[], ["known"]]), ROUTED, NOTED], {}, "overwritten"),
    ],
)
def test_each_kind_of_fault_is_found_alone(writes: list[Any], more: dict[str, Any], kind: str) -> None:
    _, faults = judge(desk(*writes, **more), BELONGS)
    assert {name for name in Faults.__slots__ if getattr(faults, name)} == {kind}


def test_a_ticket_that_the_desk_lacks_is_lost() -> None:
    _, faults = judge(desk() | {"tickets": []}, BELONGS)
    assert faults.lost


def test_a_second_note_is_right_after_the_customers_next_message_or_a_new_assignment() -> None:
    reply, given = wrote("requester", "reply", 110.0), wrote("integration", "update", 120.0, assignee_id=[None, 2])
    notes = [note("first"), note("second"), note("third")]
    _, faults = judge(desk(OPENED, ROUTED, NOTED, reply, NOTED, given, NOTED, notes=notes), BELONGS)
    assert not faults


def test_what_an_agent_set_after_us_is_theirs_and_no_fault() -> None:
    _, faults = judge(desk(OPENED, ROUTED, NOTED, wrote("agent", "update", 130.0, group_id=[1, 3])), BELONGS)
    assert not faults
