"""The door, open for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.webhooks.door import Door


@pytest.fixture
def door(tmp_path: Path, clock: Clock) -> Iterator[Door]:
    door = Door(tmp_path, clock)
    yield door
    door.close()
