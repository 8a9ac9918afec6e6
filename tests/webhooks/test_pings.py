"""A desk that only looks whether we listen is remembered, so that a set-up by hand can be waited for."""

from datetime import datetime

from bridge.reconcile import OWN_KEYS
from bridge.store import installations
from tests.webhooks.door import Door

PING = {"type": "notification_event", "app_id": "app", "id": None, "topic": "ping", "data": {"item": {"type": "ping"}}}


def heard(door: Door) -> datetime | None:
    with door.bridge.store.reading() as connection:
        return installations.heard(connection, "acme-intercom", besides=OWN_KEYS)


def test_a_proven_ping_is_remembered_and_kept_for_nobody(door: Door) -> None:
    assert door.post("intercom", PING).status_code == 200
    assert heard(door) == door.clock.now
    assert door.kept() == []


def test_a_ping_that_anybody_could_have_sent_is_not(door: Door) -> None:
    assert door.post("intercom", PING, X_Hub_Signature="sha1=0000").status_code == 401
    assert door.client.head("/hooks/acme-intercom").status_code == 200
    assert heard(door) is None
