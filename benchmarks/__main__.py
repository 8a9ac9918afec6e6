"""`python -m benchmarks [NAME ...]`: runs all benchmarks or the named ones and prints their tables."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from rich.console import Console

from benchmarks import (
    burst,
    calls,
    intake,
    knowledge,
    latency,
    learning,
    memory,
    mutation,
    policy,
    routing,
    throughput,
    triage,
)
from benchmarks.report import Report

BENCHMARKS: dict[str, Callable[[], Report]] = {
    "intake": intake.measure,
    "calls": calls.measure,
    "burst": burst.measure,
    "throughput": throughput.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "triage": triage.measure,
    "learning": learning.measure,
    "knowledge": knowledge.measure,
    "policy": policy.measure,
    "mutation": mutation.measure,
    "routing": routing.measure,
}


_WIDTH = 140
"""Columns for tables that go into a file."""


def main() -> None:
    """Run what the arguments name; with --json one object by name on the last line of stdout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--full", action="store_true", help="throughput also with a million past events (minutes)")
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object, tables on stderr")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(BENCHMARKS)}")
    benchmarks = BENCHMARKS | ({"throughput": partial(throughput.measure, past=throughput.FULL)} if given.full else {})
    console, reports = Console(stderr=given.json), {}
    if not console.is_terminal:
        console.width = _WIDTH
    for name in given.names or BENCHMARKS:
        reports[name] = benchmarks[name]()
        reports[name].print(console)
    if given.json:
        print(json.dumps({name: asdict(report) for name, report in reports.items()}))


if __name__ == "__main__":
    main()
