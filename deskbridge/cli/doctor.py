"""`deskbridge doctor`: how the bridge and its desks stand, what that means, and what to do."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from bridge.ports import Health
from deskbridge.cli.named import desks_named
from deskbridge.doctor import Line, check_up, exit_code
from deskbridge.wiring import read_settings, utc_now

_COLOURS = {Health.OK: "green", Health.NOTE: "cyan", Health.WARNING: "yellow", Health.FAULT: "red"}


def doctor(
    desks: Annotated[list[str] | None, typer.Argument(metavar="[DESK]...", help="Only these desks.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")] = Path("deskbridge.yaml"),
) -> None:
    """Look at everything that has to be in order, and say of each how it stands and what to do. Reads only.

    Exits 0 where all is well, 1 with warnings, 2 with faults.
    """
    settings = read_settings(config, os.environ)
    lines: list[Line] = []
    for line in check_up(settings, desks_named(settings, desks), utc_now):
        if not as_json and (not lines or lines[-1].desk != line.desk):
            typer.echo(f"{line.desk or 'this bridge'}:")
        lines.append(line)
        _tell(line, as_json=as_json)
    raise typer.Exit(exit_code(lines))


def _tell(line: Line, *, as_json: bool) -> None:
    found = line.diagnosis
    if as_json:
        said = {"about": found.about, "health": found.health, "words": found.words, "advice": found.advice}
        typer.echo(json.dumps({"desk": line.desk} | said))
        return
    health = typer.style(f"{found.health:<8}", fg=_COLOURS[found.health])
    typer.echo(f"  {health} {found.about}: {found.words}")
    if found.advice is not None:
        typer.echo(f"           -> {found.advice}")
