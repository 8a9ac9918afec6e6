"""`deskbridge demo`: watch the bridge work on three sandbox desks, then see it judged by the desks' own records."""

import json
import signal
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from deskbridge.demo.run import Result


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running afterwards and print the URLs.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as one JSON object on the last line.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Which play: the same number gives the same customers.")] = 7,
) -> None:
    """Run three sandbox desks and the bridge on this machine, and about 120 customers; ends by itself in a minute.

    Exits 1 where a ticket is not where the policy says, an effect happened twice or a human edit was lost.
    """
    from deskbridge.demo.run import run  # noqa: PLC0415 - brings three sandbox desks, which no command at work needs

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what it started ends with it, as by Ctrl-C
    console = Console(stderr=as_json, soft_wrap=False, width=None if sys.stdout.isatty() else 150)
    result = run(console, keep=keep, seed=seed)
    if as_json:
        typer.echo(json.dumps(summary(result)))
    if result.faults:
        raise typer.Exit(1)


def summary(result: "Result") -> dict[str, object]:
    """The result for machines: figures by vendor, and how many faults of each kind."""
    faults = {
        "lost": len(result.faults.lost),
        "duplicated": len(result.faults.duplicated),
        "overwritten": len(result.faults.overwritten),
        "misplaced": len(result.faults.misplaced),
    }
    return {**{name: asdict(desk) for name, desk in result.desks.items()}, **faults}
