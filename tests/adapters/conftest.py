"""A Zendesk desk without a budget, for tests that answer its calls themselves."""

from collections.abc import Iterator

import pytest

from adapters.zendesk import ZendeskDesk
from tests.adapters.zendesk_wire import make_desk
from tests.contract.world import OpenGate


@pytest.fixture
def gate() -> OpenGate:
    return OpenGate()


@pytest.fixture
def desk(gate: OpenGate) -> Iterator[ZendeskDesk]:
    made = make_desk(gate)
    yield made
    made.close()
