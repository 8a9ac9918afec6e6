"""`deskbridge check`: the two files, lint, the policy's own tests and, on request, the names against the live desks."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bridge import yamlfile
from bridge.binding import Missing, bind
from bridge.errors import BadCredential, BadFile, DeskbridgeError, Fault
from bridge.labelling import Labeller
from bridge.metrics import CountingGate, Metrics
from bridge.plural import many
from bridge.ports import Capability
from bridge.settings import Settings
from bridge.yamlfile import Document, Trail
from deskbridge.cli import cases
from deskbridge.cli.database import opened
from deskbridge.cli.outlast import outlast, patient
from deskbridge.connecting import told_of
from deskbridge.doctor.people import unmapped
from deskbridge.vendors import VENDORS
from deskbridge.wiring import connect, fitted, read_settings, utc_now
from rules import LoadedPolicy, TestResult
from rules.lint import Finding, lint
from rules.policy import EVERY_DESK, checked


class CheckFailed(DeskbridgeError):
    """Something in the files does not hold; each finding stands on a line of its own."""


def check(
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")] = Path("deskbridge.yaml"),
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Ask the desks whether they have the policy's names, and for statuses that nothing maps."
        ),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 2 for warnings too.")] = False,
    hints: Annotated[bool, typer.Option("--hints", help="Tell hints too; they never change the exit code.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a finding and line, hints too.")] = False,
) -> None:
    """Check settings and policy, look for what cannot be meant, run all tests; nothing is written anywhere.

    A desk's passing fault is outlasted for a minute. Exits 2 with one line for each finding.
    """
    try:
        settings = read_settings(config, os.environ)
        document = yamlfile.read(settings.policy)
        policy = checked(document)
        tested = [*_tested(policy, settings.policy)]
    except BadFile as error:
        if not as_json:
            raise
        for fault in error.faults:
            _tell_json(severity="fault", code="file", **asdict(fault))
        raise typer.Exit(2) from error
    found = lint(policy, document, [result for _, result in tested], settings.desks)
    failures: list[Fault | str] = [*_failed(tested), *_unsigned(settings, policy)]
    failures += _live(settings, policy, document, config) if live else ()
    failing = {"fault", "warning"} if strict else {"fault"}
    serious = [one for one in found if one.severity in failing]
    if as_json:
        _tell_all_json(found, failures)
        raise typer.Exit(2 if serious or failures else 0)
    _warn_of_secrets(settings, config)
    _warn_of_unmailed(settings, policy)
    for one in found:
        if one.severity not in failing and (hints or one.severity == "warning"):
            typer.echo(str(one), err=True)
    if serious or failures:
        raise CheckFailed("\n".join(map(str, [*serious, *failures])))
    quiet = 0 if hints else sum(one.severity == "hint" for one in found)
    counted = f"{many(len(settings.desks), 'desk')}, {policy.summary()}"
    more = f" {quiet} hints, which --hints tells." if quiet else ""
    typer.echo(f"{config} and {settings.policy.name} are in order: {counted}.{more}")


def _tested(policy: LoadedPolicy, file: Path) -> Iterator[tuple[Path, TestResult]]:
    """The results of the policy's own tests and of those in files beside it, each with the file it stands in."""
    yield from ((file, result) for result in policy.run_tests())
    for other in sorted(file.parent.glob(cases.PATTERN)):
        yield from ((other, result) for result in policy.run_cases(other))


def _failed(tested: Sequence[tuple[Path, TestResult]]) -> Iterator[Fault]:
    for file, result in tested:
        if not result.passed:
            yield Fault(str(file), result.line, 1, f"policy test '{result.name}': {result.words}")


def _unsigned(settings: Settings, policy: LoadedPolicy) -> Iterator[str]:
    """The webhooks that rules call and whose messages nothing could sign."""
    called = {name for rule in policy.file.annotate for name in rule.then.call}
    for name in sorted(called - {name for name, secrets in settings.outgoing.secrets.items() if secrets}):
        yield f"a rule calls webhook '{name}', for which `outgoing.secrets` in the settings has no secret"


def _live(settings: Settings, policy: LoadedPolicy, document: Document, config: Path) -> Iterator[Fault | str]:
    """What the desks themselves and the models say against the files, a sentence each."""
    with opened(settings) as store:
        labeller = Labeller(store, settings.models, policy=lambda: policy, metrics=Metrics())
        labeller.refresh()
        yield from labeller.warnings().values()
    gate = CountingGate(Metrics())
    for name, desk in settings.desks.items():
        connected = connect(name, desk, settings, gate, utc_now)
        inspector = fitted(VENDORS[desk.vendor].inspector, name, settings, gate, utc_now)
        try:
            missing = bind(policy, patient(connected.desk).roster()).missing
            yield from (_placed(one, name, policy, document) for one in missing)
            strange = unmapped(name, outlast(name, inspector.statuses))
            yield from [strange] if strange is not None else ()
        except BadCredential as error:
            yield f"desk '{name}' refuses the credentials that {config} gives: {told_of(error)}"
        except DeskbridgeError as error:
            yield f"desk '{name}': {error}"
        finally:
            inspector.close()
            connected.close()


def _placed(one: Missing, desk: str, policy: LoadedPolicy, document: Document) -> Fault:
    """Where a name that a desk lacks is bound, else where the policy introduces it."""
    places: list[Trail] = [("bindings", entry, one.kind, one.name) for entry in (desk, EVERY_DESK)]
    places += [("teams", team, "members", one.name) for team in policy.teams() if one.kind == "agents"]
    place = next((document.place(path) for path in places if document.has(path)), None)
    line, column = place or document.place(("teams", one.name), key=True)
    return Fault(document.file, line, column, one.words)


def _warn_of_secrets(settings: Settings, config: Path) -> None:
    if settings.plain_secrets:
        keys = ", ".join(settings.plain_secrets)
        typer.echo(f"warning: secrets in {config} itself suit sandbox desks only; set by ${{NAME}}: {keys}", err=True)


def _warn_of_unmailed(settings: Settings, policy: LoadedPolicy) -> None:
    if not any(rule.then.notify for rule in policy.file.annotate):
        return
    for name, desk in settings.desks.items():
        connected = connect(name, desk, settings, CountingGate(Metrics()), utc_now)
        connected.close()
        if Capability.NOTIFY not in connected.desk.can:
            words = f"{desk.vendor} mails no notes, so that `notify` only stands in the note there"
            typer.echo(f"warning: desk '{name}': {words}", err=True)


def _tell_all_json(found: Sequence[Finding], failures: Sequence[Fault | str]) -> None:
    for one in found:
        _tell_json(severity=one.severity, **asdict(one))
    for failure in failures:
        told = {"message": failure} if isinstance(failure, str) else asdict(failure)
        _tell_json(severity="fault", code="test or desk", **told)


def _tell_json(**finding: object) -> None:
    typer.echo(json.dumps(finding))
