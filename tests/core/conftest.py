"""A bridge before a sandbox desk of each vendor, for tests that need no other set-up."""

from collections.abc import Iterator

import pytest

from bridge.store import Store
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import SANDBOXES, Make, World


@pytest.fixture
def make(sqlite_store: Store, clock: Clock) -> Iterator[Make]:
    worlds: list[World] = []

    def build(vendor: str, **more: object) -> World:
        worlds.append(World(vendor, sqlite_store, clock, **{"policy": POLICY, **more}))  # type: ignore[arg-type] # passed on
        return worlds[-1]

    yield build
    for world in worlds:
        world.close()


@pytest.fixture(params=sorted(SANDBOXES))
def world(request: pytest.FixtureRequest, make: Make) -> World:
    return make(request.param)
