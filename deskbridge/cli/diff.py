"""`deskbridge policy diff`: which tickets another policy would have sent elsewhere, grouped by the edit that did it."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import AfterValidator
from rich.console import Console
from rich.table import Table

from bridge import yamlfile
from bridge.labelling import read_again
from bridge.model import Case
from bridge.plural import many
from bridge.settings import Settings
from bridge.store import journal
from deskbridge.cli.database import opened
from deskbridge.cli.named import policy_named
from deskbridge.cli.sync import span_of
from deskbridge.wiring import read_settings, utc_now
from rules import LoadedPolicy, cases
from rules.diff import Ask, Comparison, Move
from rules.edits import Edit
from rules.operators import Strict, some
from rules.schema import Given

_SHOWN: Final = 20
"""So many tickets of one edit are shown; `--json` has them all."""


class TicketsFile(Strict):
    """A file of tickets, each in the shape of `given` in a policy's tests."""

    tickets: Annotated[tuple[Given, ...], AfterValidator(some)]


def diff(
    old: Annotated[str, typer.Argument(help="A policy file, or the first digits of a version.")],
    new: Annotated[str, typer.Argument(help="The same.")],
    tickets: Annotated[Path | None, typer.Option("--tickets", help="A file of tickets, instead of past ones.")] = None,
    since: Annotated[
        str, typer.Option(metavar="30d", help="The tickets decided on in this time (m, h, d), each as it was last.")
    ] = "30d",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a ticket and line.")] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")] = Path("deskbridge.yaml"),
) -> None:
    """Tell which tickets NEW would have treated otherwise than OLD, grouped by the edit that is the cause.

    Nothing is written, and no desk is asked. Both policies read each ticket's text anew.
    """
    settings = partial(read_settings, config, os.environ)
    comparison = Comparison(policy_named(old, settings), policy_named(new, settings))
    moves, count = [], 0
    with _asked(settings, tickets, since) as asked:
        for ticket, ask in asked:
            count += 1
            if (move := comparison.move(ticket, ask)) is not None:
                moves.append(move)
    if as_json:
        for move in moves:
            typer.echo(json.dumps(_plain(move), ensure_ascii=False))
    else:
        _tell(comparison, moves, count)


@contextmanager
def _asked(settings: Callable[[], Settings], tickets: Path | None, since: str) -> Iterator[Iterator[tuple[str, Ask]]]:
    """The tickets to ask about, by name."""
    if tickets is not None:
        yield _given(tickets)
        return
    with opened(settings()) as store, store.reading() as connection:
        past = journal.latest(connection, utc_now() - span_of(since))
        yield ((str(decision.ref), partial(_again, case)) for decision in past if (case := decision.case) is not None)


def _given(file: Path) -> Iterator[tuple[str, Ask]]:
    document = yamlfile.read(file)
    for index, given in enumerate(document.load(TicketsFile).tickets):
        line = document.place(("tickets", index)).line
        yield f"{file}:{line}", partial(cases.case_of, given=given)


def _again(case: Case, policy: LoadedPolicy) -> Case:
    """A past case as a policy reads it: its ticket, facts and standing as they were, its text read by that policy."""
    return replace(case, triage=read_again(policy, case))


def _plain(move: Move) -> dict[str, Any]:
    return {
        "ticket": move.ticket,
        "elsewhere": move.elsewhere,
        "old_rule": move.old_rule,
        "new_rule": move.new_rule,
        "differences": {one.what: [one.old, one.new] for one in move.differences},
        "cause": [edit.words for edit in move.cause],
    }


@dataclass(frozen=True, slots=True)
class _Group:
    cause: tuple[Edit, ...]
    moves: list[Move]

    @property
    def words(self) -> str:
        """The cause in a sentence."""
        return " together with ".join(edit.words for edit in self.cause) or "too many edits to look for the cause"


def _tell(comparison: Comparison, moves: list[Move], count: int) -> None:
    console = Console(markup=False, highlight=False)
    elsewhere = sum(move.elsewhere for move in moves)
    console.print(
        f"{many(len(comparison.edits), 'edit')}. Of {many(count, 'ticket')} {elsewhere} would have gone elsewhere, "
        f"{len(moves) - elsewhere} more would have been treated otherwise."
    )
    for group in _groups(moves):
        console.print(f"\n{group.words}: {len(group.moves)}")
        table = Table("ticket", "what", "old", "new")
        for move in group.moves[:_SHOWN]:
            for index, one in enumerate(move.differences):
                table.add_row("" if index else move.ticket, one.what, one.old, one.new)
        console.print(table)
        if len(group.moves) > _SHOWN:
            console.print(f"and {len(group.moves) - _SHOWN} more; --json shows all")
    idle = set(comparison.edits) - {edit for move in moves for edit in move.cause}
    for edit in (edit for edit in comparison.edits if edit in idle):
        console.print(f"no ticket goes otherwise by: {edit.words}")


def _groups(moves: list[Move]) -> list[_Group]:
    """The moves by their cause, those of most tickets first."""
    causes = dict.fromkeys(move.cause for move in moves)
    groups = [_Group(cause, [move for move in moves if move.cause == cause]) for cause in causes]
    return sorted(groups, key=lambda group: -len(group.moves))
