"""`deskbridge policy`: which version is in effect, who brought it there, how to get another, and how to get a first."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final, cast

import typer
from rich.console import Console
from rich.table import Table

import rules
from bridge.metrics import CountingGate, Metrics
from bridge.model import Imported, Roster
from bridge.plural import many
from bridge.ports import OwnRules
from bridge.settings import Settings
from bridge.store import Store, policies
from bridge.store.activations import Activation, How
from bridge.store.policies import Candidate, NoSuchVersion
from deskbridge.cli.database import opened
from deskbridge.cli.init import CannotWrite, FileInTheWay
from deskbridge.cli.outlast import patient
from deskbridge.importing import policy_of, read_export
from deskbridge.policies import candidate_of, checked, content_of, here
from deskbridge.vendors import VENDORS
from deskbridge.wiring import connect, read_settings, utc_now

app = typer.Typer(help="The policy's versions, and a first one from a desk's own rules.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it, for the record; user@host where it is not given.")]

_DEFAULT: Final = Path("deskbridge.yaml")


@app.command("list")
def list_versions(
    limit: Annotated[int, typer.Option(help="At most so many, the newest.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    config: Config = _DEFAULT,
) -> None:
    """List which versions took effect, when, by whom and how, the newest first; the first one is in effect."""
    with opened(read_settings(config, os.environ)) as store, store.reading() as connection:
        found = policies.history(connection, limit)
        decided = policies.decided(connection)
    rows = [{**asdict(one), "decisions": decided.get(one.version, 0)} for one in found]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row, default=str))
        return
    table = Table("version", "in effect from (UTC)", "by", "who", "decisions kept")
    for row in rows:
        table.add_row(row["version"], f"{row['at']:%Y-%m-%d %H:%M:%S}", row["how"], row["who"], str(row["decisions"]))
    Console().print(table if rows else "No policy has taken effect yet.")


@app.command()
def show(
    version: Annotated[str | None, typer.Argument(help="Its first digits; the one in effect if not given.")] = None,
    config: Config = _DEFAULT,
) -> None:
    """Print a version's file as it stood when it took effect."""
    with opened(read_settings(config, os.environ)) as store, store.reading() as connection:
        wanted = policies.find(connection, version) if version is not None else None
        holds = policies.active(connection)
        if wanted is None and holds is None:
            raise NoSuchVersion("no policy has taken effect yet; `deskbridge serve` or `policy activate` bring one")
        text = policies.body(connection, wanted or (holds.version if holds else ""))
    typer.echo(text, nl=not text.endswith("\n"))


@app.command()
def activate(
    file: Annotated[Path | None, typer.Argument(help="The policy; the settings' own if not given.")] = None,
    by: By = None,
    config: Config = _DEFAULT,
) -> None:
    """Check a policy file, run its tests, and bring it into effect in every process that shares the database.

    A fault of the file, a failing test or a fault that lint proves changes nothing; warnings are told.
    """
    settings = read_settings(config, os.environ)
    wanted = file or settings.policy
    content = content_of(wanted)
    policy, warnings = checked(content, str(wanted))
    for warning in warnings:
        typer.echo(str(warning), err=True)
    candidate = candidate_of(policy, content)
    with opened(settings) as store:
        _put_into_effect(store, candidate, How.COMMAND, by)


@app.command()
def rollback(
    version: Annotated[str | None, typer.Argument(help="Its first digits; the one before if not given.")] = None,
    by: By = None,
    config: Config = _DEFAULT,
) -> None:
    """Bring an earlier version into effect again; it stays until the policy file says something new.

    It must check clean by this release, which may see a fault that an earlier one did not.
    """
    with opened(read_settings(config, os.environ)) as store:
        with store.reading() as connection:
            wanted = policies.find(connection, version) if version is not None else policies.before(connection)
            body = policies.body(connection, wanted)
        checked(body, f"policy version {wanted}")
        _put_into_effect(store, Candidate(wanted, body), How.ROLLBACK, by)


@app.command("import")
def import_rules(
    vendor: Annotated[str, typer.Argument(help=f"Whose rules: {', '.join(VENDORS)}.")],
    desk: Annotated[
        str | None, typer.Option("--desk", help="Which desk, where there are several of the vendor.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Read the rules from an export in JSON instead of the desk.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the policy.")] = Path("imported.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    config: Config = _DEFAULT,
) -> None:
    """Write a policy that says what a desk's own rules say, with a list of what could not be said.

    Teams and agents are read from the desk, whose passing fault is outlasted for a minute. Nothing is written there.
    """
    if output.exists() and not force:
        raise FileInTheWay(f"{output} is there already; --force writes over it, --output names another")
    settings = read_settings(config, os.environ)
    name = _desk_of(settings, vendor, desk)
    text, unsaid = policy_of(*_own_rules(settings, name, file))
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise CannotWrite(f"cannot write {output}: {error.strerror}") from error
    for gap in unsaid:
        typer.echo(f"not said: {gap.rule}: {gap.what}", err=True)
    typer.echo(f"Wrote {rules.load(output).summary()} to {output}; {many(len(unsaid), 'thing')} could not be said.")


def _own_rules(settings: Settings, name: str, file: Path | None) -> tuple[Imported, Roster]:
    """The rules of a desk, or of an export file, in a policy's words, and the desk's people. Raises DeskError."""
    exported = read_export(file) if file is not None else None
    connected = connect(name, settings.desks[name], settings, CountingGate(Metrics()), utc_now)
    try:
        desk = patient(connected.desk)
        own, roster = cast("OwnRules", desk), desk.roster()
        return own.in_policy_words(own.own_rules() if exported is None else exported, roster), roster
    finally:
        connected.close()


def _desk_of(settings: Settings, vendor: str, desk: str | None) -> str:
    if vendor not in VENDORS:
        raise typer.BadParameter(f"no vendor is called {vendor}; there are {', '.join(VENDORS)}")
    names = [name for name, each in settings.desks.items() if each.vendor == vendor and desk in {None, name}]
    if len(names) != 1:
        known = ", ".join(name for name, each in settings.desks.items() if each.vendor == vendor) or "none"
        raise typer.BadParameter(f"--desk must name one {vendor} desk of the settings, which has: {known}")
    return names[0]


def _put_into_effect(store: Store, candidate: Candidate, how: How, by: str | None) -> None:
    with store.reading() as connection:
        before = policies.active(connection)
    now = policies.activate(store, candidate, how=how, who=by or here(), now=utc_now())
    typer.echo(_told(before, now))


def _told(before: Activation | None, now: Activation) -> str:
    if before is not None and before.number == now.number:
        return f"Version {now.version} is in effect already, since {now.at:%Y-%m-%d %H:%M:%S} UTC by {now.who}."
    return f"Version {now.version} is in effect" + (f"; before it was {before.version}." if before else ".")
