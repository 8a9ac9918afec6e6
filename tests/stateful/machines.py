"""What the state machines share: an emptied database, a clock, and how many examples a run takes on each engine."""

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from bridge.store import Store
from bridge.store.tables import metadata
from tests.conftest import Clock

EXAMPLES = {True: 40, False: 12}
"""By whether the engine is SQLite; PostgreSQL takes four times as long for each."""


class StoreMachine(RuleBasedStateMachine):
    """Begins with empty tables and a clock of its own."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store, self.clock = store, Clock()
        with store.writing() as connection:
            for table in metadata.sorted_tables:
                connection.execute(table.delete())


def explore(machine: Callable[[Store], StoreMachine], store: Store) -> None:
    """Try a machine's rules in many orders on a store."""
    run_state_machine_as_test(
        lambda: machine(store),  # type: ignore[arg-type]  # it calls whatever makes a machine
        settings=settings(
            max_examples=EXAMPLES[store.is_sqlite],
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
