"""`deskbridge sync`: ask the desks what changed now, by hand, and say what was found."""

import json
import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Column, Table

from bridge import reconcile
from bridge.budget import BudgetGate
from bridge.errors import DeskbridgeError, DeskError
from bridge.metrics import Metrics
from bridge.ports import Call
from bridge.purpose import Rank, purpose
from bridge.reconcile import Tally
from bridge.settings import Settings
from bridge.store import Store
from deskbridge.cli.named import desks_named
from deskbridge.cli.outlast import patient
from deskbridge.cli.progress import Bars
from deskbridge.connecting import told_of
from deskbridge.wiring import connect, read_settings, terms, utc_now

_SPAN: Final = re.compile(r"(\d{1,5})([mhd])")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class SyncFailed(DeskbridgeError):
    """A desk could not be followed to the end; what was found stays, and the next round goes on from there."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a desk's round found, the calls it took, and the desk's words where it failed."""

    desk: str
    tally: Tally
    calls: int
    words: str | None

    def row(self) -> dict[str, str | int | None]:
        """One flat object."""
        counts = {"looked_at": self.tally.looked_at, **self.tally.outcomes}
        return {"desk": self.desk, **counts, "calls": self.calls, "words": self.words}


def sync(
    desks: Annotated[list[str] | None, typer.Argument(metavar="[DESK]...", help="Only these desks.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="7d", help="Look again at all that changed in this time (m, h, d), seen before or not."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a desk and line.")] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")] = Path("deskbridge.yaml"),
) -> None:
    """Find what no webhook told, as `serve` does by itself every minute, to the end and at once.

    What is found goes into the inbox, where a running `serve` or `worker` takes it. A desk's passing fault is
    outlasted for a minute. Exits 2 where a desk failed.
    """
    settings = read_settings(config, os.environ)
    now = utc_now()
    start = now - span_of(since) if since is not None else None
    wanted = desks_named(settings, desks)
    store = Store(settings.database.get_secret_value(), durability=settings.durability)
    try:
        store.migrate()
        results = [_round(settings, store, name, start, now) for name in wanted]
    finally:
        store.close()
    _tell(results, as_json=as_json)
    failed = [f"desk '{result.desk}': {result.words}" for result in results if result.words is not None]
    if failed:
        raise SyncFailed("\n".join(failed))


@purpose("reconcile", Rank.BACKGROUND)
def _round(settings: Settings, store: Store, name: str, start: datetime | None, now: datetime) -> Result:
    gate = _CallCount(store, terms(settings), clock=utc_now, metrics=Metrics())
    connected = connect(name, settings.desks[name], settings, gate, utc_now)
    desk, back_fill = patient(connected.desk), settings.reconcile.back_fill
    total, words = Tally(), None
    try:
        if start is None:
            pages = reconcile.follow(store, desk, back_fill=back_fill, clock=utc_now)
            begins = reconcile.back_fills_since(store, name, now - back_fill) or now
        else:
            pages = reconcile.revisit(store, desk, since=start, clock=utc_now)
            begins = start
        for told in Bars(utc_now).watch(name, begins, pages):
            total += told
    except DeskError as error:
        words = told_of(error)
    finally:
        connected.close()
    return Result(name, total, gate.calls, words)


class _CallCount(BudgetGate):
    """The gate that every vendor call passes, with a count of its own."""

    calls = 0

    def record(self, call: Call) -> None:
        """Count a call."""
        super().record(call)
        self.calls += 1


def _tell(results: list[Result], *, as_json: bool) -> None:
    rows = [result.row() for result in results]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    for row in rows:
        del row["words"]  # what failed is told at the end, in sentences
    table = Table(*(Column(name.replace("_", " "), no_wrap=name == "desk") for name in rows[0]))
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)


def span_of(text: str) -> timedelta:
    """A length of time as an option gives it: `90m`, `6h`, `2d`."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"'{text}' is no length of time; write a number and m, h or d, like 7d")
    return int(found[1]) * _UNITS[found[2]]
