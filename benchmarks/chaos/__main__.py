"""`python -m benchmarks.chaos`: one run, a table of what the desks' own history says, exit 0 only if it is clean."""

import argparse
import json
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.chaos.ground import NoHosts
from benchmarks.chaos.run import RATE, Plan, Result, percentile, run

_SHOWN = 20
"""Sentences shown of each kind of fault."""


def main() -> int:
    """Run as the arguments say; 0 where nothing was lost, duplicated, overwritten, out of order or oversold."""
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a run that is told to end ends its processes too
    workers = given.workers if given.workers is not None else 4 if given.engine == "postgresql" else 0
    cuts = given.cuts if given.cuts is not None else given.hosts if given.hosts > 1 else 0
    size, seed, hosts = given.size, given.seed, given.hosts
    plan = Plan(size, seed, given.engine, given.kills, workers, given.rate, hosts=hosts, cuts=cuts, keep=given.keep)
    console = Console(stderr=given.json)
    console.print(
        f"{plan.size} events at {plan.rate:g} a second on {plan.engine}, serve and {plan.workers} workers, "
        f"{plan.kills} kills, {plan.hosts} hosts, {plan.cuts} cuts, seed {plan.seed} ..."
    )
    try:
        result = run(plan)
    except NoHosts as error:
        print(error, file=sys.stderr)
        return 2
    report(console, result)
    if given.json:
        print(json.dumps(result.summary()))
    return 0 if result.passed else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--size", type=int, default=1_000, help="acts of customers and agents (1000)")
    parser.add_argument("--seed", type=int, default=1, help="where chance starts (1)")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite", help="the database (sqlite)")
    parser.add_argument("--kills", type=int, default=10, help="processes killed by SIGKILL (10)")
    parser.add_argument("--workers", type=int, help="`deskbridge worker`s beside serve (4 on PostgreSQL, else 0)")
    parser.add_argument("--hosts", type=int, default=1, help="network namespaces, on PostgreSQL, as root (1: none)")
    parser.add_argument("--cuts", type=int, help="how often a host is cut off for longer than a lease (once a host)")
    parser.add_argument("--rate", type=float, default=RATE, help=f"acts a second, all desks together ({RATE:g})")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep settings, logs, a SQLite database and the desks' states there"
    )
    parser.add_argument("--json", action="store_true", help="the result as one JSON object on the last line of stdout")
    given = parser.parse_args()
    if given.hosts > 1 and given.engine != "postgresql":
        parser.error("several hosts need --engine postgresql: SQLite is for one")
    return given


def report(console: Console, result: Result) -> None:
    """The table, and a sentence for each fault."""
    verdict, figures = result.verdict, result.summary()
    table = Table("what", "figure", title="By the desks' own history")
    lags = [effect.done - effect.since for effect in verdict.effects if effect.what == "tag" and effect.done]
    rows = figures | {
        "vendor_races": f"{len(verdict.races)} (windows in ms: {figures['vendor_races']})" if verdict.races else "0",
        "lag_p50_s": round(percentile(lags, 50), 2),
        "lag_p99_s": round(percentile(lags, 99), 2),
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    console.print(table)
    for title, sentences in (
        ("lost", verdict.lost),
        ("duplicated", verdict.duplicated),
        ("overwritten", verdict.overwritten),
        ("disordered", verdict.disordered),
        ("oversold", verdict.oversold),
        ("vendor race", [words for words, _ in verdict.races]),
    ):
        for sentence in sentences[:_SHOWN]:
            console.print(f"{title}: {sentence}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
