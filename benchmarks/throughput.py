"""Events a second from backlog to planned operation, against the same SQL alone, and how the past weighs on it."""

import itertools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, func, select

from benchmarks import setting
from benchmarks.deliveries import zendesk_created
from benchmarks.past import remember
from benchmarks.processes import POSTGRESQL, postgresql_server
from benchmarks.report import Figure, Report, Spread
from benchmarks.sql import listening, replay
from bridge.model import AgentRecord, AgentStatus, Delivery, Roster, TeamRecord
from bridge.store import Store, inbox
from bridge.store import roster as rosters
from bridge.store.tables import operations, reservations
from deskbridge import logs
from deskbridge.wiring import Bridge, read_settings
from webhooks.receiver import arrival

PAST = (10_000, 100_000)
FULL = (*PAST, 1_000_000)

_DESK = "acme-zendesk"
_FIRST = 10_000_001
"""The number of the first new ticket: beyond every past one's."""


@dataclass(slots=True)
class Subject:
    """A bridge over a database with so many past events; `file` is the database where it is one."""

    engine: str
    past: int
    bridge: Bridge
    file: Path | None
    rates: list[float] = field(default_factory=list)
    raw_rates: list[float] = field(default_factory=list)


def measure(
    *, past: Sequence[int] = PAST, backlog: int = 300, rounds: int = 5, postgresql: bool = POSTGRESQL
) -> Report:
    """One decider works a backlog off, each round on each engine with each past; on SQLite its SQL is replayed."""
    logs.configure(verbose=False)
    numbers = itertools.count(_FIRST)
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="deskbridge-throughput-")))
        subjects = list(_subjects(ending, folder, past, numbers, postgresql=postgresql))
        for _, subject in itertools.product(range(rounds), subjects):
            _round(subject, list(itertools.islice(numbers, backlog)), replays=subject.past == past[0])
    return _report(subjects, backlog)


def _subjects(
    ending: ExitStack, folder: Path, past: Sequence[int], numbers: Iterator[int], *, postgresql: bool
) -> Iterator[Subject]:
    for count in past:
        file = folder / f"{count}.db"
        bridge = ending.enter_context(_bridge(folder / f"sqlite-{count}", f"sqlite:///{file}", count, numbers))
        yield Subject("SQLite", count, bridge, file)
    if postgresql:
        server = ending.enter_context(postgresql_server(folder / "postgresql"))
        for count in past:
            database = server.new(f"past_{count}")
            bridge = ending.enter_context(_bridge(folder / f"postgresql-{count}", database, count, numbers))
            yield Subject("PostgreSQL", count, bridge, None)


@contextmanager
def _bridge(folder: Path, database: str, past: int, numbers: Iterator[int]) -> Iterator[Bridge]:
    """A bridge whose one desk is never called: its events carry the whole ticket, and nobody asks for more."""
    alone: dict[str, object] = {"customer": [], "history": None}
    config = setting.write(folder, urls={"zendesk": setting.NOWHERE}, database=database, enrichment=alone)
    settings = read_settings(config, os.environ)
    bridge = Bridge(settings)
    try:
        bridge.open()
        rosters.save(bridge.store, _roster())
        _receive(bridge, [next(numbers)])
        _work_off(bridge, 1)
        remember(bridge.store, past)
        yield bridge
    finally:
        bridge.close()


def _round(subject: Subject, tickets: Sequence[int], *, replays: bool) -> None:
    bridge = subject.bridge
    _receive(bridge, tickets)
    copy = _copy(bridge.store, subject.file) if replays and subject.file is not None else None
    with listening(bridge.store.engine) as statements:
        subject.rates.append(len(tickets) / _work_off(bridge, len(tickets)))
    if copy is not None:
        subject.raw_rates.append(len(tickets) / replay(copy, statements))
    with bridge.store.writing() as connection:
        connection.execute(delete(reservations))  # as the desk's next own count does


def _receive(bridge: Bridge, tickets: Sequence[int]) -> None:
    """Put one creation a ticket into the inbox, of just so long ago that its stamp has settled: due now."""
    desk = bridge.desks[_DESK].desk
    then = datetime.now(UTC) - desk.settle
    created = [zendesk_created(number, then) for number in tickets]
    deliveries = [Delivery(_DESK, str(body["id"]), json.dumps(body).encode(), {}, then) for body in created]
    assert all(inbox.keep(bridge.store, [arrival(desk, delivery) for delivery in deliveries]))


def _work_off(bridge: Bridge, events: int) -> float:
    """Decide until nothing is due: the seconds it took. Every event must have become a planned operation."""
    before = _planned(bridge.store)
    begun = time.perf_counter()
    while bridge.workers.decide("benchmark"):
        pass
    seconds = time.perf_counter() - begun
    assert _planned(bridge.store) == before + events
    return seconds


def _planned(store: Store) -> int:
    with store.reading() as connection:
        count = select(func.count()).select_from(operations).where(operations.c.state == "open")
        return int(connection.execute(count).scalar_one())


def _copy(store: Store, file: Path) -> Path:
    """The database file as it is now; with no connection open, SQLite has put everything into it."""
    store.close()
    copy = file.with_name("copy.db")
    copy.with_name("copy.db-wal").unlink(missing_ok=True)
    return Path(shutil.copyfile(file, copy))


def _roster() -> Roster:
    people = (("ana", "billing"), ("bo", "billing"), ("eli", "general"), ("fay", "general"))
    agents = tuple(
        AgentRecord(str(number), name, f"{name}@acme.example", (team,), AgentStatus.ONLINE, load=0)
        for number, (name, team) in enumerate(people, 1)
    )
    teams = (TeamRecord("11", "Billing"), TeamRecord("12", "General"))
    return Roster(_DESK, datetime.now(UTC), agents, teams, acting_id="99")


def _report(subjects: Sequence[Subject], backlog: int) -> Report:
    rows: list[dict[str, Figure]] = []
    for subject in subjects:
        least = next(other for other in subjects if other.engine == subject.engine)
        flat = [ours / theirs for ours, theirs in zip(subject.rates, least.rates, strict=True)]
        raw = [ours / theirs for ours, theirs in zip(subject.rates, subject.raw_rates, strict=False)]
        rows.append(
            {
                "engine": subject.engine,
                "past events": subject.past,
                "events a second": Spread(subject.rates).text(0),
                f"of {least.past:,} past": Spread(flat).text(),
                "SQL alone, a second": Spread(subject.raw_rates).text(0) if raw else None,
                "of SQL alone": Spread(raw).text() if raw else None,
            }
        )
    return Report(
        f"Events a second from backlog to planned operation, one decider, {backlog} tickets, no vendor latency",
        "the same SQL statements replayed on a copy of the database",
        tuple(rows[0]),
        tuple(rows),
        ("Medians of the rounds, with the lowest and the highest. One event is one new ticket, routed.",),
    )
