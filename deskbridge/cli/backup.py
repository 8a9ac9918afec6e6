"""`deskbridge backup` and `deskbridge restore`: a copy of the SQLite database, and back."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from bridge.settings import database_of
from bridge.store import backup as copies

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file, which names the database.")]
_DEFAULT: Final = Path("deskbridge.yaml")


def backup(
    file: Annotated[Path, typer.Argument(help="The copy to be made; there must be no such file yet.")],
    config: Config = _DEFAULT,
) -> None:
    """Copy the SQLite database as it is at one moment, while the bridge goes on working."""
    source = copies.file_of(database_of(config, os.environ))
    copies.take(source, file)
    typer.echo(f"Copied {source} to {file}, {file.stat().st_size:,} bytes; customers' words are in it.")


def restore(
    file: Annotated[Path, typer.Argument(help="A copy that `deskbridge backup` made.")],
    config: Config = _DEFAULT,
) -> None:
    """Put a copy in the database's place; every process of the bridge must have ended."""
    target = copies.file_of(database_of(config, os.environ))
    aside = copies.put_back(file, target)
    kept = f" What was there is kept as {aside}." if aside else ""
    typer.echo(f"Put {file} in the place of {target}.{kept}")
    typer.echo("Next: `deskbridge serve`. What changed at the desks since the copy is found by polling.")
