"""What each kind of delivery is answered, and what is kept of it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from werkzeug.test import Client

from tests.conftest import Clock
from tests.webhooks.door import GENUINE, PATHS, SECRETS, STALE, VENDORS, Door, as_bytes, signed
from tests.wsgi import as_wsgi
from webhooks import receiver

every_vendor = pytest.mark.parametrize("vendor", VENDORS)
PROOF = {
    "zendesk": "X-Zendesk-Webhook-Signature",
    "freshdesk": "X-Deskbridge-Secret",
    "intercom": "X-Hub-Signature",
}


@every_vendor
def test_a_genuine_delivery_is_answered_once_it_waits_for_its_ticket(vendor: str, door: Door) -> None:
    answer = door.post(vendor, GENUINE[vendor])
    assert (answer.status_code, answer.get_json()) == (200, {"status": "kept"})
    (entry,) = door.kept()
    assert (entry.state, entry.desk) == ("waiting", f"acme-{vendor}")
    assert (entry.ticket or "").endswith("4711")


@every_vendor
@pytest.mark.parametrize("proof", ["", "wrong", "sha1=00", "\xff\xfe", "planted-freshdesk-heade"])
def test_what_is_not_signed_is_refused_and_nothing_is_kept(vendor: str, proof: str, door: Door) -> None:
    assert door.post(vendor, GENUINE[vendor], **{PROOF[vendor]: proof}).status_code == 401
    assert door.kept() == []


@every_vendor
def test_a_body_changed_after_signing_is_refused_where_bodies_are_signed(vendor: str, door: Door) -> None:
    headers = signed(vendor, as_bytes(GENUINE[vendor]), door.clock.now)
    answer = door.client.post(PATHS[vendor], data=as_bytes({**GENUINE[vendor], "more": 1}), headers=headers)
    assert answer.status_code == (200 if vendor == "freshdesk" else 401)


def test_freshdesks_header_without_its_path_is_refused(door: Door) -> None:
    assert door.post("freshdesk", GENUINE["freshdesk"], path="/hooks/acme-freshdesk").status_code == 401
    assert door.post("freshdesk", GENUINE["freshdesk"], path="/hooks/acme-freshdesk/guess").status_code == 401


@pytest.mark.parametrize("off", [-STALE, STALE])
def test_a_stale_or_future_timestamp_is_refused(off: timedelta, door: Door) -> None:
    body = as_bytes(GENUINE["zendesk"])
    answer = door.client.post(PATHS["zendesk"], data=body, headers=signed("zendesk", body, door.clock.now + off))
    assert answer.status_code == 401
    assert door.kept() == []


@pytest.mark.parametrize("vendor", ["zendesk", "intercom"])
def test_a_replay_is_answered_like_the_first_and_kept_once(vendor: str, door: Door) -> None:
    assert door.post(vendor, GENUINE[vendor]).status_code == 200
    door.clock.turn(60)
    again = door.post(vendor, GENUINE[vendor])
    assert (again.status_code, again.get_json()) == (200, {"status": "known"})
    assert len(door.kept()) == 1


@every_vendor
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"\xff"', b'{"id": 1e999}', b"9" * 5_000, b"[" * 200_000])
def test_broken_json_with_a_good_signature_is_kept_for_a_person(vendor: str, body: bytes, door: Door) -> None:
    answer = door.post(vendor, body)
    assert (answer.status_code, answer.get_json()) == (200, {"status": "not understood"})
    (entry,) = door.kept()
    assert entry.state == "unknown"
    assert entry.words


@pytest.mark.parametrize(
    ("vendor", "change"),
    [
        ("zendesk", {"type": "zen:event-type:ticket.sneezed", "detail": {}}),
        ("zendesk", {"type": "zen:event-type:agent.sneezed"}),
        ("zendesk", {"type": "zen:event-type:community_post.created"}),
        ("freshdesk", {"ticket_id": None}),
        ("intercom", {"topic": "conversation.admin.sneezed"}),
        ("intercom", {"topic": None}),
        ("intercom", {"data": {"item": {"id": None}}}),
    ],
)
def test_an_unknown_kind_is_kept_for_a_person_with_its_name(vendor: str, change: Any, door: Door) -> None:
    assert door.post(vendor, GENUINE[vendor] | change).status_code == 200
    (entry,) = door.kept()
    assert entry.state == "unknown"
    assert (entry.words or "").startswith("unknown kind: ")
    for name in ("ticket.sneezed", "conversation.admin.sneezed"):
        assert (name in str(change)) == (name in (entry.words or ""))


@every_vendor
@pytest.mark.parametrize("text", ["\0", chr(0xD83D), chr(0xDFFF)])
def test_ids_that_no_database_takes_do_not_fail_the_delivery_or_its_neighbours(
    vendor: str, text: str, door: Door
) -> None:
    odd: dict[str, dict[str, Any]] = {
        "zendesk": {"id": text, "detail": {"id": f"4711{text}"}, "type": "zen:event-type:ticket.created"},
        "freshdesk": {"ticket_id": f"4711{text}", "triggered_event": text},
        "intercom": {"id": text, "topic": f"x{text}"},
    }
    assert door.post(vendor, GENUINE[vendor] | odd[vendor]).status_code == 200
    assert len(door.kept()) == 1


@pytest.mark.parametrize("path", ["/hooks/nobody", "/hooks/nobody/x", "/hooks/ACME-zendesk", "/hooks/", "/hooks", "/"])
def test_an_unknown_desk_is_not_found_and_nothing_is_kept(path: str, door: Door) -> None:
    assert door.post("zendesk", GENUINE["zendesk"], path=path).status_code == 404
    assert door.client.get(path).status_code == 404
    assert door.kept() == []


@every_vendor
def test_a_desk_may_look_whether_somebody_listens(vendor: str, door: Door) -> None:
    for method in (door.client.get, door.client.head):
        assert method(PATHS[vendor]).status_code == 200
    assert door.client.put(PATHS[vendor]).status_code == 405
    assert door.kept() == []


def test_intercoms_ping_is_answered_and_not_kept(door: Door) -> None:
    answer = door.post("intercom", {"type": "notification_event", "topic": "ping", "data": {"item": {"type": "ping"}}})
    assert (answer.status_code, answer.get_json()) == (200, {"status": "answered"})
    assert door.kept() == []


def mistaken(delivery: object) -> None:
    """An adapter's mistake whose error holds everything that came."""
    raise KeyError(delivery)


def comes_again(answer: Any) -> bool:
    return bool(answer.status_code == 503 and answer.headers["Retry-After"] == "5")


def test_too_much_waiting_asks_desks_to_come_again_and_a_forgery_is_refused_all_the_same(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(tmp_path, clock, more="max_backlog: 1\n")
    try:
        assert door.post("zendesk", GENUINE["zendesk"]).status_code == 200
        monkeypatch.setattr("deskbridge.wiring.monotonic", lambda: 1e12)  # the backlog is counted once a second
        assert comes_again(door.post("intercom", GENUINE["intercom"]))
        assert door.post("intercom", GENUINE["intercom"], **{PROOF["intercom"]: "wrong"}).status_code == 401
        assert len(door.kept()) == 1
    finally:
        door.close()


@contextmanager
def database_locked(door: Door) -> Iterator[None]:
    """Another process writes for long."""
    with sqlite3.connect(str(door.bridge.store.engine.url.database), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
    other.close()


def test_a_database_that_hangs_asks_the_desk_to_come_again_and_loses_nothing(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "COMMIT_SECONDS", 0.05)
    with database_locked(door):
        assert comes_again(door.post("zendesk", GENUINE["zendesk"]))
        assert comes_again(door.post("intercom", GENUINE["intercom"]))
    monkeypatch.undo()
    assert door.post("zendesk", GENUINE["zendesk"]).status_code == 200
    assert door.post("intercom", GENUINE["intercom"]).status_code == 200
    assert len(door.kept()) == 2


def test_a_database_that_fails_asks_the_desk_to_come_again_and_says_so(door: Door) -> None:
    with door.bridge.store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE deliveries RENAME TO elsewhere")
    with capture_logs() as logs:
        assert comes_again(door.post("zendesk", GENUINE["zendesk"]))
    assert [line["event"] for line in logs] == ["request failed"]
    with door.bridge.store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO deliveries")
    assert door.post("zendesk", GENUINE["zendesk"]).status_code == 200


def test_an_adapters_mistake_keeps_the_delivery(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door.bridge.desks["acme-zendesk"].desk, "read", mistaken)
    assert door.post("zendesk", GENUINE["zendesk"]).status_code == 200
    (entry,) = door.kept()
    assert (entry.state, entry.words) == ("unknown", "not understood: KeyError")


def test_it_is_alive_and_ready_once_every_desks_agents_are_known(door: Door) -> None:
    assert door.client.get("/healthz").status_code == 200
    waiting = door.client.get("/readyz")
    assert comes_again(waiting)
    assert set(waiting.get_json()["troubles"]) == {f"acme-{vendor}" for vendor in VENDORS}


def test_a_job_that_fails_is_named_with_its_words_and_one_of_a_desk_long_gone_is_not(door: Door) -> None:
    with door.bridge.store.writing() as connection:
        connection.exec_driver_sql("INSERT INTO jobs (name, healthy, words) VALUES ('agents of gone', 0, 'HTTP 401')")
    door.bridge.schedule.start()
    try:
        troubles: dict[str, str] = {}
        for _ in range(500):
            troubles = door.client.get("/readyz").get_json()["troubles"]
            if "agents of acme-zendesk" in troubles:
                break
            threading.Event().wait(0.01)
    finally:
        door.bridge.schedule.stop()
    assert "no answer" in troubles["agents of acme-zendesk"]
    assert "agents of gone" not in troubles


def test_a_broken_database_is_the_trouble_that_is_named(door: Door) -> None:
    with door.bridge.store.writing() as connection:
        connection.exec_driver_sql("DROP TABLE rosters")
    answer = door.client.get("/readyz")
    assert comes_again(answer)
    assert answer.get_json()["troubles"] == {"database": "OperationalError"}
    assert door.client.get("/healthz").status_code == 200


def test_metrics_count_deliveries_and_name_no_ticket_and_no_secret(door: Door) -> None:
    for vendor in VENDORS:
        door.post(vendor, GENUINE[vendor])
        door.post(vendor, GENUINE[vendor], **{PROOF[vendor]: "wrong"})
    door.client.post("/hooks/planted-desk-4711", data=b"x")
    text = door.client.get("/metrics").get_data(as_text=True)
    assert 'deskbridge_deliveries_total{desk="acme-zendesk",outcome="kept"} 1.0' in text
    assert 'deskbridge_deliveries_total{desk="acme-zendesk",outcome="refused"} 1.0' in text
    assert "4711" not in text
    assert "planted" not in text


def test_no_log_line_and_no_answer_holds_a_secret_or_a_customers_word(
    door: Door, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = [*SECRETS.values(), "planted"]
    said: list[str] = []
    with capture_logs() as logs:
        for vendor in VENDORS:
            body = GENUINE[vendor] | {"note": "planted words"}
            answers = [
                door.post(vendor, body),
                door.post(vendor, body, **{PROOF[vendor]: "planted-signature"}),
                door.post(vendor, b"planted{"),
                door.client.post(PATHS[vendor] + "/planted-path", data=b"planted"),
            ]
            with monkeypatch.context() as patch:
                patch.setattr(
                    door.bridge.desks[f"acme-{vendor}"].desk, "read", lambda delivery: delivery.body["planted"]
                )
                answers.append(door.post(vendor, body | {"id": "another", "ticket_id": 4712}))
            said += [answer.get_data(as_text=True) for answer in answers]
    out, err = capfd.readouterr()
    everything = "\n".join([*said, *map(str, logs), out, err])
    assert len(logs) >= 3
    assert [word for word in planted if word in everything] == []


def test_deliveries_at_the_same_time_are_each_kept(door: Door) -> None:
    statuses: list[int] = []

    def send(number: int) -> None:
        client = Client(as_wsgi(door.app))
        body = as_bytes(GENUINE["zendesk"] | {"id": f"event-{number}"})
        answer = client.post(PATHS["zendesk"], data=body, headers=signed("zendesk", body, door.clock.now))
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 24
    assert len(door.kept()) == 24
