"""The command line: `deskbridge COMMAND`, one module a command group."""

import errno
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
    simulate,
    sync,
    triage,
)
from deskbridge.cli.interruption import Interruptible
from deskbridge.connecting import told_of

app = typer.Typer(
    name="deskbridge",
    cls=Interruptible,
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


_FIRST, _POLICY, _RUN, _CARE = "First steps", "What is decided", "At work", "Looking after it"

app.command(rich_help_panel=_FIRST)(demo.demo)
app.command(rich_help_panel=_FIRST)(sandbox.sandbox)
app.command(rich_help_panel=_FIRST)(init.init)
app.add_typer(connect.app, name="connect", rich_help_panel=_FIRST)
app.add_typer(install.app, name="install", rich_help_panel=_FIRST)

app.command(rich_help_panel=_POLICY)(check.check)
app.command(rich_help_panel=_POLICY)(explain.explain)
app.command(rich_help_panel=_POLICY)(simulate.simulate)
policy.app.command("test")(cases.run_tests)
policy.app.command()(layout.schema)
policy.app.command("format")(layout.format_file)
policy.app.command()(diff.diff)
app.add_typer(policy.app, name="policy", rich_help_panel=_POLICY)
triage.app.command("models")(models.list_models)
triage.app.command()(models.rollback)
triage.app.command()(models.drift)
app.add_typer(triage.app, name="triage", rich_help_panel=_POLICY)

app.command(rich_help_panel=_RUN)(serve.serve)
app.command(rich_help_panel=_RUN)(serve.worker)
app.command(rich_help_panel=_RUN)(sync.sync)
app.command("queue", rich_help_panel=_RUN)(queue.list_queue)
app.add_typer(events.app, name="events", rich_help_panel=_RUN)

app.command(rich_help_panel=_CARE)(doctor.doctor)
app.add_typer(secret.app, name="secrets", rich_help_panel=_CARE)
app.command(rich_help_panel=_CARE)(install.uninstall)
app.command(rich_help_panel=_CARE)(backup.backup)
app.command(rich_help_panel=_CARE)(backup.restore)


def main() -> None:
    """Run a command; an error of ours and a full disk are told in words, without a traceback."""
    try:
        app()
    except DeskbridgeError as error:
        typer.echo(told_of(error), err=True)
        sys.exit(2)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        typer.echo("no space is left where this writes to: free some, and run it again", err=True)
        sys.exit(2)
