"""Webhooks accepted a second, verified and on disk, against an empty Flask handler in the same run."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import func, select

from benchmarks import deliveries, setting
from benchmarks.load import Load, run
from benchmarks.processes import POSTGRESQL, empty_flask, postgresql_server, processor, server
from benchmarks.report import Figure, Report, Spread
from bridge.store import Store
from bridge.store.tables import deliveries as inbox_table
from deskbridge.demo.processes import free_port

CONNECTIONS = 32

_BASELINE = "empty Flask handler, gunicorn gthread"


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that answers requests; `make` gives so many fresh ones. `store` is where ours keeps them."""

    name: str
    port: int
    pid: int
    make: Callable[[int], list[bytes]]
    store: Store | None = None
    runs: list[Load] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


class Lost(RuntimeError):
    """A server answered otherwise than 200, or answered 200 and has not kept it."""


def measure(*, rounds: int = 5, requests: int = 3_000, postgresql: bool = POSTGRESQL) -> Report:
    """Rounds of the same load, one subject after the other; ratios within a round, medians over rounds. Raises Lost."""
    with _subjects(postgresql) as subjects, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as client:
        for round_number, subject in itertools.product(range(rounds + 1), subjects):
            made = subject.make(requests if round_number else max(1, requests // 4))
            before = processor(subject.pid)
            found = client.submit(_run, subject.port, made).result()
            if set(found.statuses) != {"200"}:
                raise Lost(f"{subject.name} answered {found.statuses}")
            if round_number:  # the first round only warms up
                subject.runs.append(found)
                subject.processor.extend(_each(before, processor(subject.pid), requests))
        for subject in subjects:
            _check_kept(subject, rounds * requests + max(1, requests // 4))
    return _report(subjects)


def _each(before: float | None, after: float | None, requests: int) -> list[float]:
    """The microseconds of processor a request, where the system tells."""
    return [] if before is None or after is None else [(after - before) / requests * 1e6]


def _run(port: int, requests: list[bytes]) -> Load:
    return asyncio.run(run(port, requests, CONNECTIONS))


@contextmanager
def _subjects(postgresql: bool) -> Iterator[list[Subject]]:
    """The baseline first, then ours on each engine, then the load's own ceiling, all of them up."""
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="deskbridge-intake-")))
        port, pid = ending.enter_context(empty_flask(folder, os.environ))
        subjects = [Subject(_BASELINE, port, pid, _plain)]
        databases = {"SQLite": f"sqlite:///{folder}/deskbridge.db"}
        if postgresql:
            running = ending.enter_context(postgresql_server(folder / "data"))
            databases["PostgreSQL"] = running.new("intake")
        for engine, database in databases.items():
            subjects += ending.enter_context(_receiver(folder / engine, engine, database))
        port = free_port()
        pid = ending.enter_context(server(["benchmarks.load", str(port)], port, folder / "canned.log", os.environ))
        yield [*subjects, Subject("the load alone, canned answers", port, pid, _plain)]


@contextmanager
def _receiver(folder: Path, engine: str, database: str) -> Iterator[list[Subject]]:
    port, numbers = free_port(), itertools.count(1)
    vendors = ("zendesk", "intercom") if engine == "SQLite" else ("zendesk",)
    config = setting.write(folder, urls=dict.fromkeys(setting.OPTIONS, setting.NOWHERE), port=port, database=database)

    def make(vendor: str) -> Callable[[int], list[bytes]]:
        return lambda count: deliveries.requests(vendor, setting.hook_path(vendor), itertools.islice(numbers, count))

    with server(["benchmarks.receiver", str(config)], port, folder / "receiver.log", os.environ) as pid:
        store = Store(database)
        try:
            yield [Subject(f"{vendor} webhooks on {engine}", port, pid, make(vendor), store) for vendor in vendors]
        finally:
            store.close()


def _plain(count: int) -> list[bytes]:
    return [deliveries.http_request("/", b"{}" + b" " * 1_200, {})] * count


def _check_kept(subject: Subject, sent: int) -> None:
    """Every delivery that was answered 200 is in the inbox. Raises Lost."""
    if subject.store is None:
        return
    desk = f"acme-{subject.name.partition(' ')[0]}"
    with subject.store.reading() as connection:
        rows = select(func.count()).select_from(inbox_table).where(inbox_table.c.desk == desk)
        kept = connection.execute(rows).scalar_one()
    if kept != sent:
        raise Lost(f"{subject.name}: {sent} answered 200, {kept} kept")


def _report(subjects: list[Subject]) -> Report:
    baseline = subjects[0]
    rows: list[dict[str, Figure]] = []
    for subject in subjects:
        ratios = [ours.rate / theirs.rate for ours, theirs in zip(subject.runs, baseline.runs, strict=True)]
        rows.append(
            {
                "what": subject.name,
                "a second": Spread([run.rate for run in subject.runs]).text(0),
                "p50 ms": Spread([run.quantile(0.5) * 1e3 for run in subject.runs]).middle,
                "p99 ms": Spread([run.quantile(0.99) * 1e3 for run in subject.runs]).text(0),
                "processor us each": round(Spread(subject.processor).middle) if subject.processor else None,
                "of baseline": Spread(ratios).text(),
            }
        )
    columns = ("what", "a second", "p50 ms", "p99 ms", "processor us each", "of baseline")
    return Report(
        f"Webhooks accepted a second, verified and committed to disk, at {CONNECTIONS} connections",
        _BASELINE,
        columns,
        tuple(rows),
        (
            "Medians of the rounds, with the lowest and the highest. SQLite syncs every commit (synchronous=FULL).",
            "'processor' is the server's own; beside other work on the machine it says more than the rate.",
        ),
    )
