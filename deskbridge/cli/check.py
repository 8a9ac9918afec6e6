"""`deskbridge check`: the two files, the policy's own tests and, on request, the names against the live desks."""

import os
from pathlib import Path
from typing import Annotated

import typer

import rules
from bridge.binding import bind
from bridge.errors import BadCredential, DeskbridgeError
from bridge.metrics import CountingGate, Metrics
from deskbridge.cli.outlast import patient
from deskbridge.wiring import connect, read_settings, utc_now


class CheckFailed(DeskbridgeError):
    """Something in the files does not hold; each finding stands on a line of its own."""


def check(
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")] = Path("deskbridge.yaml"),
    live: Annotated[bool, typer.Option("--live", help="Ask the desks whether they have the policy's names.")] = False,
) -> None:
    """Check settings and policy, run the policy's tests; nothing is written anywhere.

    A desk's passing fault is outlasted for a minute. Exits 2 with one line for each finding.
    """
    settings = read_settings(config, os.environ)
    policy = rules.load(settings.policy)
    if settings.plain_secrets:
        keys = ", ".join(settings.plain_secrets)
        typer.echo(f"warning: secrets in {config} itself suit sandbox desks only; set by ${{NAME}}: {keys}", err=True)
    for conflict in policy.conflicts():
        typer.echo(f"warning: {settings.policy}:{conflict.line}: {conflict.words}", err=True)
    failures = [f"policy test '{result.name}': {result.words}" for result in policy.run_tests() if not result.passed]
    if live:
        gate = CountingGate(Metrics())
        for name, desk in settings.desks.items():
            connected = connect(name, desk, settings, gate, utc_now)
            try:
                failures += bind(policy, patient(connected.desk).roster()).missing
            except BadCredential as error:
                failures.append(f"desk '{name}' refuses the credentials that {config} gives: {error}")
            except DeskbridgeError as error:
                failures.append(f"desk '{name}': {error}")
            finally:
                connected.close()
    if failures:
        raise CheckFailed("\n".join(failures))
    typer.echo(f"{config} and {settings.policy.name} are in order: {len(settings.desks)} desks, {policy.summary()}.")
