"""`deskbridge explain`: why a ticket goes where it goes, condition by condition, and what would send it elsewhere."""

import json
import os
from collections.abc import Iterator, Set
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

import rules
from bridge.budget import BudgetGate
from bridge.metrics import Metrics
from bridge.model import Assignment, TicketRef
from bridge.settings import Settings
from bridge.store import Store
from deskbridge.cli.database import opened
from deskbridge.cli.named import policy_in_effect, policy_named, require_desk, version_named
from deskbridge.cli.outlast import patient
from deskbridge.explaining import Explained, given_in, of_decision, of_given, of_ticket, situation_of
from deskbridge.wiring import connect, read_settings, terms, utc_now
from rules import LoadedPolicy
from rules.account import ConditionAccount, RuleAccount
from rules.explain import Explanation

_MARKS: Final = {True: ("yes", "green"), False: ("no", "red"), None: ("unknown", "yellow")}
_FILES: Final = (".yaml", ".yml", ".json")


def explain(
    ticket: Annotated[str, typer.Argument(help="A file with a ticket, DESK:ID, or the id of a past decision.")],
    policy: Annotated[
        str | None,
        typer.Option("--policy", help="By this policy: a file, or the first digits of a version."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")] = Path("deskbridge.yaml"),
) -> None:
    """Tell every rule and condition with the ticket's value, the nearest misses, and which agents lost and why.

    Nothing is written. A ticket of a desk is read from it as it is now; a past decision is explained as it was made.
    """
    if Path(ticket).suffix in _FILES:
        explained = _of_file(Path(ticket), config, policy)
    else:
        explained = _of_the_bridge(ticket, read_settings(config, os.environ), policy)
    if as_json:
        typer.echo(json.dumps(explained.plain(), ensure_ascii=False, default=str))
    else:
        Console(markup=False, highlight=False).print(shown(explained))


def _of_file(file: Path, config: Path, wanted: str | None) -> Explained:
    """Without settings too, where the policy is a file."""
    settings = partial(read_settings, config, os.environ)
    policy = policy_named(wanted, settings) if wanted is not None else rules.load(settings().policy)
    given = given_in(file)
    if config.exists() and given.desk in (known := settings()).desks:
        with opened(known) as store:
            return of_given(str(file), given, policy, situation_of(store, policy, known))
    return of_given(str(file), given, policy, None)


def _of_the_bridge(ticket: str, settings: Settings, wanted: str | None) -> Explained:
    named = policy_named(wanted, lambda: settings) if wanted is not None else None
    with opened(settings) as store:
        if ":" in ticket:
            return _live(ticket, named or policy_in_effect(settings, store), settings, store)
        return of_decision(ticket, store, lambda version: version_named(version, store), named)


def _live(ticket: str, policy: LoadedPolicy, settings: Settings, store: Store) -> Explained:
    name, _, number = ticket.partition(":")
    require_desk(settings, name)
    gate = BudgetGate(store, terms(settings), clock=utc_now, metrics=Metrics())
    connected = connect(name, settings.desks[name], settings, gate, utc_now)
    try:
        asked = replace(connected, desk=patient(connected.desk))
        return of_ticket(TicketRef(name, number), asked, policy, settings, store)
    finally:
        connected.close()


def shown(explained: Explained) -> Group:
    """The explanation for a person."""
    parts: list[Text | Tree | Table] = [
        Text(f"{explained.ticket}, by policy {explained.version}, {explained.at:%Y-%m-%d %H:%M} UTC"),
        *rules_shown(explained.explanation),
        Text(_destination(explained), style="bold"),
    ]
    if explained.assignment is not None and explained.assignment.candidates:
        parts.append(_agents(explained.assignment))
    parts += [Text(f"left alone: {sentence}") for sentence in explained.kept]
    parts += [Text(sentence) for sentence in explained.remarks]
    parts += [
        Text(f"earlier decision: {one.at:%Y-%m-%d %H:%M} UTC, {one.mode.value}, {one.id}")
        for one in explained.decisions
    ]
    return Group(*parts)


def rules_shown(explanation: Explanation) -> list[Text | Tree | Table]:
    """Triage, every rule with its conditions, and what would have sent the ticket elsewhere."""
    nearest = explanation.nearest
    found = [_triage(explanation), *(_stage(name, explanation) for name in ("annotate", "route"))]
    return [*found, Text(f"nearest miss: {nearest.words}", style="cyan")] if nearest is not None else [*found]


def because(explanation: Explanation, names: Set[str | None]) -> Iterator[str]:
    """Why these rules came out as they did, and what would have had to be otherwise, a sentence each."""
    for one in (account for account in explanation.rules if account.rule in names):
        yield f"{one.rule} (line {one.line}) {'applied' if one.applied else 'not applied'}: {one.because}"
        miss = explanation.miss(one.rule)
        if miss is not None:
            yield f"  {miss.words}"


def _triage(explanation: Explanation) -> Tree:
    tree = Tree("triage")
    for one in explanation.plain()["triage"]:
        because = f": {', '.join(map(repr, one['because']))}" if one["because"] else ""
        tree.add(Text(f"{one['what']} {one['value']} ({one['confidence']:.2f}){because}"))
    if (predicted := explanation.triage.predicted) is not None:
        tree.add(Text(f"the model {predicted.model} would {predicted.use.value}: {predicted.words}"))
    for intent in explanation.intents:
        words = f" ({', '.join(map(repr, intent.words))})" if intent.words else ""
        tree.add(Text(f"words of '{intent.intent}' (line {intent.line}): {intent.because}{words}", style="dim"))
    return tree


def _stage(stage: str, explanation: Explanation) -> Tree:
    tree = Tree(stage)
    for one in (account for account in explanation.rules if account.stage == stage):
        branch = tree.add(_rule(one))
        if one.condition is not None:
            _add(branch, one.condition)
        miss = explanation.miss(one.rule)
        if miss is not None:
            branch.add(Text(miss.words, style="cyan"))
    return tree


def _rule(one: RuleAccount) -> Text:
    said = Text.assemble(_mark(one.verdict), (f" {one.rule}", "bold"), f" (line {one.line})")
    if one.applied:
        said.append(" applied", "green")
    return said.append(f", {one.against}") if one.against else said


def _add(tree: Tree, one: ConditionAccount) -> None:
    value = f"; the ticket: {one.value}" if one.value else ""
    branch = tree.add(Text.assemble(_mark(one.verdict), f" {one.words} (line {one.line}){value}"))
    for part in one.parts:
        _add(branch, part)


def _mark(verdict: bool | None) -> tuple[str, str]:
    return _MARKS[verdict]


def _destination(explained: Explained) -> str:
    target, assignment = explained.explanation.outcome.target, explained.assignment
    if target is None:
        return "left where it is: a rule says skip"
    needs = f" with {', '.join(sorted(target.skills))}" if target.skills else ""
    place = f"{explained.mode.value}: to team {target.team}{needs} by '{target.rule}'"
    if assignment is None:
        return place
    whom = f"to {assignment.agent} of {assignment.team}" if assignment.agent else "to nobody yet"
    return f"{place}; {whom}: {assignment.because}"


def _agents(assignment: Assignment) -> Table:
    table = Table("agent", "", "why", "load")
    for one in assignment.candidates:
        load = "" if one.capacity is None else f"{'?' if one.load is None else one.load} of {one.capacity}"
        table.add_row(one.name, "gets it" if one.chosen else "lost", one.because, load)
    return table
