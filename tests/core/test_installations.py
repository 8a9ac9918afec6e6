"""What is written down of installations and of desks that called, on both engines."""

from datetime import datetime, timedelta

from bridge.installing import Installation, find
from bridge.model import Delivery
from bridge.ports import Piece
from bridge.store import Store, codec, installations
from bridge.store.inbox import Arrival, keep
from bridge.store.installations import Refusal
from tests.conftest import Clock

OURS = "@reconciled/"


def heard(store: Store, desk: str = "acme") -> object:
    with store.reading() as connection:
        return installations.heard(connection, desk, besides=OURS)


def refusal(store: Store, after: datetime | None = None, desk: str = "acme") -> Refusal | None:
    with store.reading() as connection:
        return installations.refusal(connection, desk, after=after)


def arrive(store: Store, clock: Clock, key: str, ticket: str | None = "1", words: str | None = None) -> None:
    keep(store, [Arrival(Delivery("acme", key, b"{}", {}, clock.now), ticket, "created", clock.now, words)])


def test_what_was_put_up_is_written_down_exactly_and_forgotten(store: Store, clock: Clock) -> None:
    piece = Piece("rule", "1/43000600001", "Deskbridge: acme, new tickets")
    one = Installation("acme", ("https://new.example/hooks/acme", "https://old.example/hooks/acme"), "rules", (piece,))
    for state in (one, Installation("acme", one.addresses[:1], "rules", (piece,), moved_at=clock.now)):
        installations.save(store, "acme", codec.dump(state))
        assert find(store, "acme") == state
    assert find(store, "other") is None
    installations.pinged(store, "acme", clock.now)
    installations.refused(store, "acme", "unsigned", clock.now)
    installations.forget(store, "acme")
    assert find(store, "acme") is None
    assert heard(store) is None
    assert refusal(store) is None


def test_a_desk_was_last_heard_by_its_newest_call_and_what_polling_found_is_none(store: Store, clock: Clock) -> None:
    arrive(store, clock, f"{OURS}7/stamp")
    assert heard(store) is None
    installations.pinged(store, "acme", clock.now)
    assert heard(store) == clock.now
    clock.turn(60)
    arrive(store, clock, "its own")
    assert heard(store) == clock.now
    clock.turn(60)
    installations.pinged(store, "acme", clock.now)
    assert heard(store) == clock.now
    assert heard(store, "other") is None


def test_the_newest_refusal_is_told_unless_something_came_after_it(store: Store, clock: Clock) -> None:
    assert refusal(store) is None
    installations.refused(store, "acme", "unsigned", clock.now)
    clock.turn(60)
    installations.refused(store, "acme", "signed by another secret", clock.now)
    newest = Refusal(clock.now, "signed by another secret")
    assert refusal(store) == refusal(store, clock.now - timedelta(seconds=1)) == newest
    assert refusal(store, clock.now) is None
    assert refusal(store, desk="other") is None


def test_calls_and_findings_are_counted_apart_and_since_a_time(store: Store, clock: Clock) -> None:
    arrive(store, clock, "old")
    clock.turn(3600)
    for key in ("new", "newer", f"{OURS}1/a", "@reconciledX"):
        arrive(store, clock, key)
    with store.reading() as connection:
        told = installations.told(connection, "acme", besides=OURS, since=clock.now - timedelta(minutes=1))
    assert told == (3, 1)


def test_what_nobody_understood_is_named_once(store: Store, clock: Clock) -> None:
    for number, words in enumerate(["unknown kind: b", "unknown kind: a", "unknown kind: a"]):
        arrive(store, clock, f"odd {number}", None, words)
    arrive(store, clock, "plain")
    with store.reading() as connection:
        assert installations.not_understood(connection, "acme") == ["unknown kind: a", "unknown kind: b"]
