"""The check-up as a whole: the bridge itself, then each desk by what it says and by what we remember of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bridge.ports import Clock, Diagnosis, Health
from bridge.settings import Settings
from deskbridge.doctor import desk as asked
from deskbridge.doctor import machine, memory


@dataclass(frozen=True, slots=True)
class Line:
    """A diagnosis, and the desk that it is about, None for the bridge itself."""

    desk: str | None
    diagnosis: Diagnosis


def check_up(settings: Settings, desks: Sequence[str], clock: Clock) -> Iterator[Line]:
    """Every line, as it is found. Nothing is written, at no desk and not in the database."""
    yield from (Line(None, each) for each in machine.of_settings(settings))
    policy, told = machine.policy_of(settings)
    yield Line(None, told)
    store, lines = machine.database_of(settings)
    yield from (Line(None, each) for each in lines)
    try:
        for name in desks:
            begun = memory.installation(store, name)
            yield from (Line(name, each) for each in asked.of_desk(settings, name, policy, begun, clock))
            if store is not None:
                yield from (Line(name, each) for each in memory.of_desk(store, settings, name, clock()))
    finally:
        if store is not None:
            store.close()


def exit_code(lines: Iterable[Line]) -> int:
    """0 where all is well, 1 where something may hurt, 2 where something does."""
    found = {line.diagnosis.health for line in lines}
    return 2 if Health.FAULT in found else 1 if Health.WARNING in found else 0
