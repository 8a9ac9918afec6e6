"""A delivery that comes again, from the desk or from somebody who recorded it, has no second effect."""

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.model import RawDelivery
from bridge.store import Store
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import SANDBOXES, World


@pytest.fixture(params=sorted(SANDBOXES))
def world(request: pytest.FixtureRequest, sqlite_store: Store, clock: Clock) -> Iterator[World]:
    world = World(request.param, sqlite_store, clock, policy=POLICY)
    yield world
    world.close()


def test_every_delivery_sent_again_a_minute_later_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[RawDelivery] = []
    verify = world.desk.verify

    def listen(raw: RawDelivery) -> Any:
        heard.append(raw)
        return verify(raw)

    monkeypatch.setattr(world.desk, "verify", listen)
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run(for_seconds=8)
    before, ticket = world.writes(number), world.ticket(number)
    assert ticket["team"] == "Billing"
    world.clock.turn(60)
    for raw in heard.copy():  # sending one again is heard too
        again = urllib.request.Request(world.url, data=raw.body, headers=dict(raw.headers))
        with urllib.request.urlopen(again, timeout=10) as answer:
            assert answer.status == 200
    world.run(for_seconds=8)
    assert world.writes(number) == before
    assert world.ticket(number) == ticket
