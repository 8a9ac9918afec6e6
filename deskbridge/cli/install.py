"""`deskbridge install` and `deskbridge uninstall`: have a desk send its webhooks to us, and undo that."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit, urlunsplit

import typer

from adapters.wire import base
from bridge import installing
from bridge.budget import BudgetGate
from bridge.installing import Installation, InstallFailed
from bridge.metrics import Metrics
from bridge.ports import Act, Installer
from bridge.reconcile import OWN_KEYS
from bridge.settings import Settings
from bridge.store import Store, installations
from bridge.store.installations import Refusal
from deskbridge.cli.database import opened
from deskbridge.cli.interruption import INTERRUPTED
from deskbridge.cli.named import desks_named
from deskbridge.cli.outlast import outlast
from deskbridge.proofs import COMPARE, Proofs
from deskbridge.vendors import VENDORS
from deskbridge.wiring import fitted, read_settings, terms, utc_now
from webhooks.pages import HOOKS

app = typer.Typer(help="Have a desk send its webhooks to this bridge.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.")]
DeskName = Annotated[str, typer.Argument(metavar="DESK", help="The desk's name in the settings.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show every call that would be made, and make none.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

LOOK_SECONDS: Final = 0.5
"""How often it is looked whether the desk has called."""

EXAMPLE: Final = "https://bridge.example.com"

_DEFAULT: Final = Path("deskbridge.yaml")
_DOES: Final = {"create": "creates", "change": "changes", "delete": "deletes"}


@app.callback()
def _group() -> None:
    """What to install."""  # keeps `webhooks` a command of its own


@dataclass(slots=True)
class _Report:
    """Tells what happens as it happens, or all of it as one JSON object at the end."""

    as_json: bool
    dry_run: bool
    calls: list[dict[str, object]] = field(default_factory=list)

    def act(self, act: Act) -> None:
        """A call, before it is made."""
        shown = installing.shown(act)
        self.calls.append(shown)
        self.say(f"{'would make: ' if self.dry_run else ''}{_DOES[act.verb]} {act.piece.kind} '{act.piece.name}'")
        if self.dry_run:
            body = json.dumps(shown["body"], indent=2, ensure_ascii=False) if act.body else ""
            self.say(f"  {act.method} {act.path}", *(f"  {line}" for line in body.splitlines()))

    def say(self, *lines: str) -> None:
        """Words for a person, a line each."""
        for line in () if self.as_json else lines:
            typer.echo(line)

    def end(self, desk: str, **facts: object) -> None:
        """The object, where one was asked for."""
        if self.as_json:
            typer.echo(json.dumps({"desk": desk, "dry_run": self.dry_run, "calls": self.calls} | facts))


@app.command("webhooks")
def webhooks(
    desk: DeskName,
    url: Annotated[
        str | None, typer.Option(metavar="https://…", help="Where desks reach this bridge; needed the first time.")
    ] = None,
    via: Annotated[str | None, typer.Option(metavar="WAY", help="Zendesk: events (the usual) or triggers.")] = None,
    dry_run: DryRun = False,
    wait: Annotated[int, typer.Option(min=0, help="Seconds to wait for a desk that is set up by hand to call.")] = 600,
    as_json: AsJson = False,
    config: Config = _DEFAULT,
) -> None:
    """Create what has the desk send its webhooks here, or tell what to do by hand; what is there already stays.

    It can be interrupted at any moment and run again.
    """
    settings = read_settings(config, os.environ)
    desks_named(settings, [desk])
    report = _Report(as_json, dry_run)
    with opened(settings) as store:
        begun = installing.find(store, desk)
        address = _address(url, desk, begun)
        proofs = Proofs(settings, desk, config, os.environ, utc_now)
        proofs.make_up(VENDORS[settings.desks[desk].vendor].installer.makes_up, keep=not dry_run)
        with _installer(proofs.settings, desk, store) as installer:
            way = _way(via, begun, installer)
            steps = installer.by_hand(address)
            if dry_run:
                for act in outlast(desk, partial(installing.outline, store, installer, address, way)):
                    report.act(act)
            else:
                run = partial(installing.install, store, installer, address, way, now=utc_now(), tell=report.act)
                done = outlast(desk, run)
                signing = outlast(desk, partial(installer.signing_secret, done.pieces))
                proofs.fetched(signing)
        _conclude(report, store, desk, address, steps, wait, proofs.changed)


def uninstall(
    desk: DeskName,
    url: Annotated[
        str | None, typer.Option(metavar="https://…", help="Where it sends to, if the database no longer knows.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    config: Config = _DEFAULT,
) -> None:
    """Take down what `install` put up at a desk, and nothing else; say what stays."""
    settings = read_settings(config, os.environ)
    desks_named(settings, [desk])
    report = _Report(as_json, dry_run)
    with opened(settings) as store:
        begun = installing.find(store, desk)
        address = _address(url, desk, begun) if url or begun else None
        with _installer(settings, desk, store) as installer:
            if dry_run:
                acts, others = outlast(desk, partial(installing.outline_of_removal, store, installer, address))
                for act in acts:
                    report.act(act)
            else:
                others = outlast(desk, partial(installing.uninstall, store, installer, address, tell=report.act))
            by_hand = not installer.ways
    left = [f"{piece.kind} '{piece.name}', which was put up for another address" for piece in others]
    left += (
        [f"{address or 'our address'} as the app's endpoint: only a person can take it out there"] if by_hand else []
    )
    left += _STAYS
    report.say(*([] if report.calls or by_hand else ["There was nothing of ours at the desk."]))
    report.say("Left as it is:", *(f"- {one}" for one in left))
    report.end(desk, left=left)


_STAYS: Final = [
    "whatever was written to tickets: tags, fields, assignments and notes",
    "the credential, in the settings and at the vendor: revoke it there",
    "the desk's entry in the settings file and its decisions in the database",
]


def _address(url: str | None, desk: str, begun: Installation | None) -> str:
    """Where the desk's webhooks go: below the address given, else where they went before."""
    if url is None:
        if begun is None:
            raise typer.BadParameter(f"say by --url where desks reach this bridge, like {EXAMPLE}")
        return begun.address
    parts = urlsplit(url)
    try:
        base(urlunsplit(parts._replace(path="")), EXAMPLE)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None
    return f"{url.rstrip('/').removesuffix(f'{HOOKS}{desk}')}{HOOKS}{desk}"


def _way(via: str | None, begun: Installation | None, installer: Installer) -> str:
    if via is not None and via not in installer.ways:
        known = ", ".join(installer.ways) or "none, it is set up by hand"
        raise typer.BadParameter(f"'{via}' is no way of this desk; there are: {known}", param_hint="--via")
    return via or (begun.way if begun else next(iter(installer.ways), ""))


@contextmanager
def _installer(settings: Settings, desk: str, store: Store) -> Iterator[Installer]:
    """The vendor's installer, whose calls come out of the budget that all processes share."""
    gate = BudgetGate(store, terms(settings), clock=utc_now, metrics=Metrics())
    found: Installer = fitted(VENDORS[settings.desks[desk].vendor].installer, desk, settings, gate, utc_now)
    try:
        yield found
    finally:
        found.close()


def _conclude(
    report: _Report, store: Store, desk: str, address: str, steps: Sequence[str], wait: int, changed: Sequence[str]
) -> None:
    """Say how it stands; where a person has the next move, wait for the desk's call that shows that it was made."""
    if steps:
        report.say("This vendor lets no program do it. Do this:", *(f"{n}. {step}" for n, step in enumerate(steps, 1)))
        heard, refusal = (None, None) if report.dry_run else _await(report, store, desk, wait)
        report.end(desk, address=address, steps=list(steps), heard_at=heard.isoformat() if heard else None)
        if heard is None and not report.dry_run:
            why = f" ({refusal}; {COMPARE})" if refusal else ""
            raise InstallFailed(f"desk '{desk}' has not called in {wait} s{why}; run this again, it goes on waiting")
        return
    if report.dry_run:
        report.say(*([] if report.calls else ["Nothing would be changed."]))
    else:
        begins = "Done" if report.calls else "Nothing had to be changed"
        report.say(f"{begins}: '{desk}' sends its webhooks to {address}")
        report.say(
            *(f"{each} in the settings has a new secret: start (or restart) `deskbridge serve`." for each in changed)
        )
        report.say(f"`deskbridge doctor {desk}` looks whether they arrive.")
    report.end(desk, address=address, new_secrets=list(changed))


def _await(report: _Report, store: Store, desk: str, seconds: int) -> tuple[datetime | None, Refusal | None]:
    """When the desk last called at this address, or what was refused there; waits, as long as nobody interrupts."""
    begun = installing.find(store, desk)
    moved_at = begun.moved_at if begun else None
    until, told, before = time.monotonic() + seconds, False, None
    try:
        while True:
            with store.reading() as connection:
                heard = installations.heard(connection, desk, besides=OWN_KEYS)
                refusal = installations.refusal(connection, desk, after=heard or moved_at)
            if heard is not None and (moved_at is None or heard >= moved_at):
                report.say(f"'{desk}' has called at {heard:%H:%M:%S} UTC: its webhooks arrive.")
                return heard, None
            if time.monotonic() >= until:
                return None, refusal
            if not told:
                report.say("Waiting for its call, which a running `deskbridge serve` takes; Ctrl-C stops the waiting.")
            if refusal != before and refusal is not None:
                report.say(f"{refusal}; {COMPARE}.")
            told, before = True, refusal
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        typer.echo("Stopped waiting. Run this again to look whether it has called.", err=True)
        raise typer.Exit(INTERRUPTED) from None
