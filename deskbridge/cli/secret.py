"""`deskbridge secrets`: what the database keeps sealed for the settings, by name."""

import json
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Final

import typer

from bridge import sealing
from bridge.errors import DeskbridgeError
from bridge.references import SECRET_NAME
from bridge.sealing import KEY, Sealer
from bridge.settings import database_of
from bridge.store import Store, vault
from deskbridge.cli.database import opened_at
from deskbridge.cli.standard import stdin
from deskbridge.wiring import utc_now

app = typer.Typer(help="Secrets that the database keeps for the settings, sealed with a key.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file, which names the database.")]
Name = Annotated[str, typer.Argument(help="What the settings call it: ${secret:NAME}.")]
_DEFAULT: Final = Path("deskbridge.yaml")


class NoSuchSecret(DeskbridgeError):
    """The database keeps no secret of that name."""


@app.command("key")
def new_key() -> None:
    """Print a new key, to be put into the environment of every process of the bridge."""
    typer.echo(sealing.new_key())


@app.command("list")
def listed(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a secret and line.")] = False,
    config: Config = _DEFAULT,
) -> None:
    """Name the secrets, when each was last changed, and which ones still rest on an old key; no secret is shown."""
    with _opened(config) as store, store.reading() as connection:
        kept = vault.kept(connection, _sealer())
    for one in kept:
        row = {"name": one.name, "changed_at": one.changed_at.isoformat(), "rests_on_old_key": one.rests_on_old_key}
        words = f"{one.name}  {one.changed_at:%Y-%m-%d %H:%M} UTC{'  old key' if one.rests_on_old_key else ''}"
        typer.echo(json.dumps(row) if as_json else words)


@app.command("set")
def put(name: Name, config: Config = _DEFAULT) -> None:
    """Keep a secret, which is asked for, or read from standard input where nobody sits there to be asked."""
    if not SECRET_NAME.fullmatch(name):
        raise typer.BadParameter(f"'{name}' may have only a to z, 0 to 9, '.', '_' and '-'")
    sealer = _sealer()
    secret = asked(name)
    with _opened(config) as store:
        changed = vault.put(store, sealer, name, secret, now=utc_now())
    typer.echo(f"Keeps '{name}': write ${{secret:{name}}}." if changed else f"'{name}' is that already.")


@app.command("remove")
def remove(name: Name, config: Config = _DEFAULT) -> None:
    """Forget a secret."""
    with _opened(config) as store:
        if not vault.remove(store, name):
            raise NoSuchSecret(f"the database keeps no secret '{name}'; `deskbridge secrets list` names them")
    typer.echo(f"Forgot '{name}'.")


@app.command("rotate")
def rotate(config: Config = _DEFAULT) -> None:
    """Seal everything with the first key of DESKBRIDGE_SECRET_KEY; after that the others can go."""
    sealer = _sealer()
    with _opened(config) as store:
        count = vault.rotate(store, sealer)
    typer.echo(f"Sealed {count} anew; everything rests on the first key of {KEY} now.")


def asked(what: str) -> str:
    """A secret that a person types unseen, or a line of standard input."""
    given = stdin()
    if given.isatty():
        return str(typer.prompt(what, hide_input=True)).strip()
    secret = given.readline().strip()
    if not secret:
        raise typer.BadParameter(f"nothing came for {what}; type it, or send it by a pipe")
    return secret


def _sealer() -> Sealer:
    return Sealer(os.environ.get(KEY))


def _opened(config: Path) -> AbstractContextManager[Store]:
    return opened_at(database_of(config, os.environ))
