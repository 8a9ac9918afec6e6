"""A call that only looks whether we listen, or that is refused, is remembered: a set-up by hand waits for it."""

import sqlite3
from datetime import datetime

from bridge.reconcile import OWN_KEYS
from bridge.store import installations
from bridge.store.installations import Refusal
from tests.webhooks.door import Door

PING = {"type": "notification_event", "app_id": "app", "id": None, "topic": "ping", "data": {"item": {"type": "ping"}}}


def heard(door: Door) -> datetime | None:
    with door.bridge.store.reading() as connection:
        return installations.heard(connection, "acme-intercom", besides=OWN_KEYS)


def refusal(door: Door) -> Refusal | None:
    with door.bridge.store.reading() as connection:
        return installations.refusal(connection, "acme-intercom", after=None)


def test_a_proven_ping_is_remembered_and_kept_for_nobody(door: Door) -> None:
    assert door.post("intercom", PING).status_code == 200
    assert heard(door) == door.clock.now
    assert door.kept() == []


def test_a_ping_that_anybody_could_have_sent_is_not(door: Door) -> None:
    assert door.post("intercom", PING, X_Hub_Signature="sha1=0000").status_code == 401
    assert door.client.head("/hooks/acme-intercom").status_code == 200
    assert heard(door) is None


def test_a_refused_call_is_remembered_with_the_reason_at_most_once_a_second(door: Door) -> None:
    first = door.clock.now
    for _ in range(3):
        assert door.post("intercom", PING, X_Hub_Signature="sha1=0000").status_code == 401
        door.clock.turn(0.4)
    remembered = refusal(door)
    assert remembered is not None
    assert (remembered.at, "X-Hub-Signature" in remembered.reason) == (first, True)
    door.post("intercom", PING, X_Hub_Signature="sha1=0000")
    assert refusal(door) == Refusal(door.clock.now, remembered.reason)


def test_a_refusal_that_cannot_be_remembered_is_a_refusal_all_the_same(door: Door) -> None:
    with sqlite3.connect(str(door.bridge.store.engine.url.database)) as connection:
        connection.execute("drop table refusals")
    connection.close()
    assert door.post("intercom", PING, X_Hub_Signature="sha1=0000").status_code == 401
