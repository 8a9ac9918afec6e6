"""Freshdesk's deliveries: nothing is signed, everything is a hint, and no hint is ever lost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import DeliveryRefused
from bridge.model import Event, EventKind, TicketRef
from tests.adapters.freshdesk_wire import HEADER_SECRET, PATH_SECRET, REF, desk, raw

CREATED = {
    "freshdesk_webhook": {
        "ticket_id": "1041",
        "ticket_subject": "Empty invoice",
        "ticket_status": "Open",
        "ticket_priority": "Low",
        "triggered_event": "{ticket_action:created}",
    }
}


def test_a_delivery_with_both_secrets_is_ours() -> None:
    with desk() as (made, _, _):
        verified = made.verify(raw(CREATED))
    assert verified.keep
    assert json.loads(verified.body) == CREATED
    assert HEADER_SECRET not in str(verified.headers)


@pytest.mark.parametrize("header", [HEADER_SECRET, "another-header-secret-02"])
@pytest.mark.parametrize("path", [PATH_SECRET, "another-path-secret-0002"])
def test_two_secrets_of_each_live_while_rotating(header: str, path: str) -> None:
    rotating: dict[str, Any] = {
        "webhook_secrets": [HEADER_SECRET, "another-header-secret-02"],
        "path_secrets": [PATH_SECRET, "another-path-secret-0002"],
    }
    with desk(**rotating) as (made, _, _):
        assert made.verify(raw(CREATED, header=header, path=path)).keep


@pytest.mark.parametrize(
    ("header", "path"),
    [
        (HEADER_SECRET, None),
        (HEADER_SECRET, "guessed"),
        ("guessed", PATH_SECRET),
        ("", PATH_SECRET),
        (PATH_SECRET, HEADER_SECRET),
        (HEADER_SECRET.upper(), PATH_SECRET),
    ],
)
def test_one_secret_alone_opens_nothing(header: str, path: str | None) -> None:
    with desk() as (made, _, _), pytest.raises(DeliveryRefused) as refused:
        made.verify(raw(CREATED, header=header, path=path))
    assert refused.value.status == 401
    assert HEADER_SECRET not in str(refused.value)
    assert PATH_SECRET not in str(refused.value)


def test_a_delivery_without_the_header_is_refused() -> None:
    with desk() as (made, _, _), pytest.raises(DeliveryRefused):
        made.verify(replace(raw(CREATED), headers={}))


@given(st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=400)))
def test_the_same_words_a_moment_later_are_another_delivery(later: timedelta) -> None:
    first = raw({"ticket_id": "1041", "triggered_event": "{reply_sent:sent}"})
    with desk() as (made, _, _):
        again = made.verify(replace(first, received_at=first.received_at + later))
        assert again.dedupe_key != made.verify(first).dedupe_key


@pytest.mark.parametrize(
    ("trigger", "kind"),
    [
        ("{ticket_action:created}", EventKind.TICKET_CREATED),
        ("{status:{from:2,to:6}}", EventKind.STATUS_CHANGED),
        ("{priority:{from:1,to:2}}", EventKind.PRIORITY_CHANGED),
        ("{note_type:private}", EventKind.NOTE_ADDED),
        ("{responder_id:{from:,to:43012345678}}", EventKind.ASSIGNED),
        ("{group_id:{from:,to:43000001234}}", EventKind.TEAM_CHANGED),
        ("{note_type:public}", EventKind.TICKET_CHANGED),
        ("{reply_sent:sent}", EventKind.TICKET_CHANGED),
        ("<unknown text>", EventKind.TICKET_CHANGED),
        ("", EventKind.TICKET_CHANGED),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_hint_names_its_ticket_and_the_best_kind(trigger: str, kind: EventKind, wrapped: bool) -> None:
    flat = {"v": 1, "ticket_id": "1041", "triggered_event": trigger}
    (event,) = read({"freshdesk_webhook": flat} if wrapped else flat)
    assert (event.ticket, event.kind, event.kind_raw) == (REF, kind, trigger)
    assert event.snapshot is None


def read(body: bytes | Mapping[str, Any]) -> Sequence[Event]:
    with desk() as (made, _, _):
        return made.read(made.verify(raw(body)))


@pytest.mark.parametrize("id_", ["1041", 1041, " 1041 ", "#1041"])
def test_an_id_is_read_however_it_is_written(id_: object) -> None:
    (event,) = read({"ticket_id": id_})
    assert event.ticket == REF


def test_labels_are_never_taken_for_values() -> None:
    (event,) = read({"freshdesk_webhook": {"ticket_id": "1041", "ticket_status": "Wartet", "ticket_priority": "Hoch"}})
    assert event.snapshot is None
    assert event.kind is EventKind.TICKET_CHANGED


@given(st.text())
def test_whatever_a_customer_writes_into_a_body_the_ticket_is_still_found(words: str) -> None:
    body = '{"ticket_id":"1041","triggered_event":"{ticket_action:created}","subject":"' + words + '"}'
    (event,) = read(body.encode("utf-8", "surrogatepass"))
    assert event.ticket is not None
    assert event.kind in {EventKind.TICKET_CREATED, EventKind.TICKET_CHANGED}


def test_quotes_and_line_breaks_in_a_placeholder_break_the_json_and_not_the_hint() -> None:
    body = b'{"v":1,"ticket_id":"1041","subject":"He said "now"\nand left","triggered_event":"{status:{from:2,to:3}}"}'
    (event,) = read(body)
    assert (event.ticket, event.kind) == (REF, EventKind.STATUS_CHANGED)
    assert event.kind_raw == "{status:{from:2,to:3}}"


def test_an_id_smuggled_in_through_a_text_does_not_hide_the_ticket() -> None:
    (event,) = read(b'{"ticket_id":"1041","subject":"x","ticket_id":"7"}')
    assert event.ticket == REF


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_read_as_one_event(body: bytes) -> None:
    assert len(read(body)) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'{"freshdesk_webhook":[1]}', b'{"ticket_id":null}', b'{"ticket_id":"x"}', b"[" * 100_000],
)
def test_what_names_no_ticket_is_unknown(body: bytes) -> None:
    (event,) = read(body)
    assert (event.kind, event.ticket) == (EventKind.UNKNOWN, None)


def test_an_id_that_no_ticket_can_have_is_not_cut_into_another_ticket() -> None:
    (event,) = read(b'{"ticket_id":"' + b"9" * 5000 + b'", broken')
    assert event.ticket is None
    assert TicketRef(REF.desk, "9" * 19) != event.ticket
