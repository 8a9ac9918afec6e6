"""`deskbridge policy test`: runs the tests that a policy carries, and those in files beside it."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import rules
from deskbridge.cli.explain import because
from deskbridge.wiring import read_settings
from rules import LoadedPolicy, TestResult

PATTERN = "*.cases.yaml"
"""What files of tests beside a policy are called."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A test that was run, and the file that it stands in."""

    file: Path
    result: TestResult

    @property
    def place(self) -> str:
        """Where the test stands, as editors read it."""
        return f"{self.file}:{self.result.line}"

    def plain(self) -> dict[str, Any]:
        """One flat object, with the differences where there are any."""
        result = self.result
        differences = [asdict(one) for one in result.differences]
        return {
            "file": str(self.file),
            "line": result.line,
            "test": result.name,
            "passed": result.passed,
            "differences": differences,
        }


def run_tests(
    file: Annotated[Path | None, typer.Argument(help="The policy; the settings' own if not given.")] = None,
    cases: Annotated[
        list[Path] | None, typer.Option("--cases", help="A file of tests elsewhere; can be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a test and line.")] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")] = Path("deskbridge.yaml"),
) -> None:
    """Run a policy's own tests and those in *.cases.yaml beside it; tell what was expected, what came, and why.

    Exits 1 where a test fails, 2 where a file has faults.
    """
    wanted = file if file is not None else read_settings(config, os.environ).policy
    policy = rules.load(wanted)
    ran = list(_ran(policy, wanted, cases or []))
    if as_json:
        for one in ran:
            typer.echo(json.dumps(one.plain(), ensure_ascii=False))
    else:
        _tell(policy, ran)
    if not all(one.result.passed for one in ran):
        raise typer.Exit(1)


def _ran(policy: LoadedPolicy, file: Path, named: list[Path]) -> Iterator[Ran]:
    yield from (Ran(file, result) for result in policy.run_tests())
    for other in dict.fromkeys([*sorted(file.parent.glob(PATTERN)), *named]):
        yield from (Ran(other, result) for result in policy.run_cases(other))


def _tell(policy: LoadedPolicy, ran: list[Ran]) -> None:
    console = Console(markup=False, highlight=False)
    table = Table("test", "", "where")
    for one in ran:
        passed = Text("passed", "green") if one.result.passed else Text("failed", "red")
        table.add_row(one.result.name, passed, one.place)
    if ran:
        console.print(table)
    failed = [one for one in ran if not one.result.passed]
    for one in failed:
        console.print(*_diff(policy, one), sep="\n")
    console.print(f"{len(ran) - len(failed)} of {len(ran)} tests passed.")


def _diff(policy: LoadedPolicy, one: Ran) -> Iterator[Text]:
    """What was expected and what came, line by line, and why the rules that are meant came out as they did."""
    yield Text(f"\n{one.place}: {one.result.name}", "bold")
    for each in one.result.differences:
        yield Text(f"- {each.what}: {each.expected}", "green")
        yield Text(f"+ {each.what}: {each.got}", "red")
    expect = one.result.expect
    explanation = policy.explanation(one.result.case, desk=one.result.case.ticket.ref.desk)
    decided = {verdict.rule for verdict in one.result.outcome.verdicts if verdict.stage == "route"}
    meant = {expect.route, expect.not_rule, *(expect.rules or ()), *decided}
    yield from (Text(f"  {sentence}") for sentence in because(explanation, meant))
