"""`deskbridge events`: what waits for a person, and what they can do about it."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bridge.errors import DeskbridgeError
from bridge.store import Store, casebook
from deskbridge.cli.database import opened
from deskbridge.wiring import read_settings, utc_now

app = typer.Typer(help="Deliveries and writes: list, show, try again, put aside.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.")]
States = Annotated[
    list[str], typer.Option("--state", help=f"Only these: {', '.join(casebook.STATES)}, or all; can be repeated.")
]
OfDesk = Annotated[str | None, typer.Option("--desk", help="Only of this desk.")]
OfTicket = Annotated[str | None, typer.Option("--ticket", help="Only of this ticket, by the desk's id.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Which, by the ids that `events list` shows.")]
Parked = Annotated[bool, typer.Option("--parked", help="All that are parked (of --desk and --ticket, where given).")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]

_DEFAULT = Path("deskbridge.yaml")
_MANY = 1_000_000


class NothingChosen(DeskbridgeError):
    """Neither an id nor a filter says which events are meant."""


@app.command("list")
def list_events(
    state: States = ["parked", "unknown"],  # noqa: B006 - typer reads defaults, nobody changes this one
    desk: OfDesk = None,
    ticket: OfTicket = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.")] = 100,
    as_json: AsJson = False,
    config: Config = _DEFAULT,
) -> None:
    """List what needs a person: parked writes and deliveries, and events of a kind nobody knows."""
    states = casebook.STATES if "all" in state else tuple(state)
    if strange := set(states) - set(casebook.STATES):
        raise typer.BadParameter(
            f"no state is called {', '.join(sorted(strange))}; there are {', '.join(casebook.STATES)}"
        )
    with opened(read_settings(config, os.environ)) as store, store.reading() as connection:
        found = casebook.entries(connection, states=states, desk=desk, ticket=ticket, limit=limit)
    if as_json:
        for entry in found:
            typer.echo(json.dumps(asdict(entry), default=str))
        return
    table = Table("id", "state", "desk", "ticket", "what", "when (UTC)", "words")
    for entry in found:
        at = f"{entry.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(entry.id, entry.state, entry.desk, entry.ticket or "", entry.what, at, entry.words or "")
    Console().print(table if found else "Nothing needs you." if tuple(state) == ("parked", "unknown") else "None.")


@app.command()
def show(
    wanted: Annotated[str, typer.Argument(metavar="ID", help="Which, by the id that `events list` shows.")],
    body: Annotated[
        bool, typer.Option("--body", help="Print the body of a delivery or a call too: it may hold a customer's words.")
    ] = False,
    config: Config = _DEFAULT,
) -> None:
    """Show one delivery or write with everything that happened to it."""
    with opened(read_settings(config, os.environ)) as store, store.reading() as connection:
        entry = casebook.entry(connection, wanted)
        for name, value in asdict(entry).items():
            typer.echo(f"{name:<8}{value if value is not None else '-'}")
        for name, state, words in casebook.steps_of(connection, entry.id):
            typer.echo(f"step    {name}: {state}{f' ({words})' if words else ''}")
        if body:
            typer.echo(casebook.payload(connection, entry.id).decode("utf-8", "replace"))


@app.command()
def retry(
    ids: Ids = None, parked: Parked = False, desk: OfDesk = None, ticket: OfTicket = None, config: Config = _DEFAULT
) -> None:
    """Try parked ones again: a delivery is read anew, a write's ticket read and decided anew, a call sent again."""
    with opened(read_settings(config, os.environ)) as store:
        chosen = _chosen(store, ids, parked, desk, ticket)
        for wanted in chosen:
            casebook.retry(store, wanted, utc_now())
    typer.echo(f"Trying again: {len(chosen)}")


@app.command()
def discard(
    ids: Ids = None, parked: Parked = False, desk: OfDesk = None, ticket: OfTicket = None, config: Config = _DEFAULT
) -> None:
    """Put parked or unknown ones aside for good; nothing is written to the desk."""
    with opened(read_settings(config, os.environ)) as store:
        chosen = _chosen(store, ids, parked, desk, ticket)
        for wanted in chosen:
            casebook.discard(store, wanted, utc_now())
    typer.echo(f"Put aside: {len(chosen)}")


def _chosen(store: Store, ids: list[str] | None, parked: bool, desk: str | None, ticket: str | None) -> list[str]:
    if ids:
        return ids
    if not parked:
        raise NothingChosen("name events by their ids, or choose with --parked (and --desk, --ticket)")
    with store.reading() as connection:
        found = casebook.entries(connection, states=("parked",), desk=desk, ticket=ticket, limit=_MANY)
    return [entry.id for entry in found]
