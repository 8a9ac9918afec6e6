"""`deskbridge simulate`: what a policy would do for a team, beside other policies, on past or made-up tickets."""

import json
import os
from collections.abc import Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

import rules
from bridge.plural import many
from deskbridge.cli.database import opened
from deskbridge.cli.init import CannotWrite
from deskbridge.cli.progress import stages
from deskbridge.cli.sync import span_of
from deskbridge.wiring import read_settings, utc_now
from rules import LoadedPolicy

if TYPE_CHECKING:
    from deskbridge.simulation.comparing import Column
    from deskbridge.simulation.world import Source

# The simulation's modules are imported by the command alone: they bring simpy, scipy and matplotlib.

_PICTURES: Final = (".svg", ".png")


def simulate(
    policy: Annotated[Path | None, typer.Option("--policy", help="The policy; the settings' own if not given.")] = None,
    against: Annotated[
        list[Path] | None, typer.Option("--against", help="Another policy to set beside it; can be repeated.")
    ] = None,
    changed: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set the policy with this change beside it; can be repeated."),
    ] = None,
    scenario: Annotated[Path | None, typer.Option("--scenario", help="A file of made-up arrivals.")] = None,
    since: Annotated[
        str, typer.Option(metavar="90d", help="Without a scenario: the tickets that came in this time (m, h, d).")
    ] = "90d",
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1_000, help="So many worlds.")] = 8,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw it into this file, .svg or .png.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")] = Path("deskbridge.yaml"),
) -> None:
    """Tell what first answers, resolution, promises and work would be under a policy, under others, and with tickets
    given out at arrival, in the same worlds. Nothing is written, and no desk is asked.
    """
    from deskbridge.simulation.comparing import compare  # noqa: PLC0415 - see above

    if plot is not None and plot.suffix not in _PICTURES:
        raise typer.BadParameter(f"{plot} should end in {' or '.join(_PICTURES)}")
    policies = _policies(policy or read_settings(config, os.environ).policy, against or [], changed or [])
    source = _source(scenario, config, since)
    with stages() as watch:
        columns = compare(policies, source, seeds, watch)
    if plot is not None:
        _draw(columns, plot)
    if as_json:
        typer.echo(json.dumps(_plain(columns), ensure_ascii=False))
    else:
        _tell(columns)


def _policies(file: Path, against: Sequence[Path], changes: Sequence[str]) -> Mapping[str, LoadedPolicy]:
    """The policies by what they are called in the table."""
    from deskbridge.simulation.comparing import with_changes  # noqa: PLC0415 - see above

    found = {file.name: rules.load(file)}
    for one in against:
        names = chain((one.name, str(one)), (f"{one} ({number})" for number in count(2)))
        found[next(name for name in names if name not in found)] = rules.load(one)
    if changes:
        found[", ".join(changes)] = with_changes(found[file.name], changes)
    return found


def _source(scenario: Path | None, config: Path, since: str) -> "Source":
    from deskbridge.simulation import past  # noqa: PLC0415 - see above
    from deskbridge.simulation.scenario import load  # noqa: PLC0415 - see above

    if scenario is not None:
        return load(scenario)
    now = utc_now()
    with opened(read_settings(config, os.environ)) as store, store.reading() as connection:
        return past.load(connection, now - span_of(since), now)


def _draw(columns: "Sequence[Column]", file: Path) -> None:
    from deskbridge.simulation.plot import draw  # noqa: PLC0415 - see above

    try:
        draw(columns, file)
    except OSError as error:
        raise CannotWrite(f"cannot write {file}: {error.strerror}") from error


def _plain(columns: "Sequence[Column]") -> dict[str, Any]:
    """Every figure: the mean over worlds, half of its 95 % interval, and likewise how much more than the first one."""
    first = columns[0]
    return {
        "worlds": len(first.values),
        "policies": [
            {
                "name": column.name,
                "left_alone": column.left_alone,
                "measures": {name: [one.mean, one.half] for name, one in column.estimates().items()},
                "more_than_first": {name: [one.mean, one.half] for name, one in column.against(first).items()},
            }
            for column in columns
        ],
    }


def _tell(columns: "Sequence[Column]") -> None:
    from deskbridge.simulation.figures import MEASURES  # noqa: PLC0415 - see above

    console, first = Console(markup=False, highlight=False), columns[0]
    table = Table("", *(column.name for column in columns), show_lines=True)
    estimates, differences = zip(*((one.estimates(), one.against(first)) for one in columns), strict=True)
    for measure in MEASURES:
        if any(measure.name in found for found in estimates):
            cells = [str(found.get(measure.name, "-")) for found in estimates]
            more = [one[measure.name].told if measure.name in one else "" for one in differences]
            table.add_row(measure.words, cells[0], *map("\n".join, zip(cells[1:], more[1:], strict=True)))
    console.print(table)
    console.print(
        f"Means over {many(len(first.values), 'world')} ± half of the 95 % interval; below, the difference from "
        f"{first.name} in the same worlds, with * where its interval leaves out 0."
    )
    if first.left_alone:
        console.print(
            f"{first.name} leaves {many(first.left_alone, 'ticket')} of all worlds alone and out of these figures."
        )
