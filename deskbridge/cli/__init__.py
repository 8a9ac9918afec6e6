"""The command line: `deskbridge COMMAND`, one module a command group."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from bridge.errors import DeskbridgeError
from deskbridge.cli import (
    backup,
    cases,
    check,
    connect,
    demo,
    diff,
    doctor,
    events,
    explain,
    init,
    install,
    layout,
    models,
    policy,
    queue,
    sandbox,
    secret,
    serve,
    sync,
    triage,
)

app = typer.Typer(
    name="deskbridge",
    help="Triage, routing and write-back beside the help desk you already have.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"deskbridge {version('deskbridge')}")
        raise typer.Exit


@app.callback()
def _everywhere(
    shown: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    del shown


app.command()(init.init)
app.command()(check.check)
app.command()(explain.explain)
app.command()(serve.serve)
app.command()(serve.worker)
app.command()(sync.sync)
app.command("queue")(queue.list_queue)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(sandbox.sandbox)
app.command()(demo.demo)
app.add_typer(install.app, name="install")
app.command()(install.uninstall)
app.command()(doctor.doctor)
app.add_typer(events.app, name="events")
policy.app.command("test")(cases.run_tests)
policy.app.command()(layout.schema)
policy.app.command("format")(layout.format_file)
policy.app.command()(diff.diff)
app.add_typer(policy.app, name="policy")
triage.app.command("models")(models.list_models)
triage.app.command()(models.rollback)
triage.app.command()(models.drift)
app.add_typer(triage.app, name="triage")
app.add_typer(connect.app, name="connect")
app.add_typer(secret.app, name="secrets")


def main() -> None:
    """Run a command; an error of ours is told in its own words, without a traceback."""
    try:
        app()
    except DeskbridgeError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
