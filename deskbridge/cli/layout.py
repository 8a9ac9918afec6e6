"""`deskbridge policy schema` and `policy format`: what editors know of a policy, and how one is laid out."""

import difflib
import os
from pathlib import Path
from typing import Annotated, Final

import typer

from bridge.errors import DeskbridgeError
from deskbridge.cli.init import CannotWrite
from deskbridge.policies import content_of
from deskbridge.wiring import read_settings
from rules import jsonschema, layout

_DEFAULT: Final = Path("deskbridge.yaml")


class NotFormatted(DeskbridgeError):
    """A file is laid out otherwise than `policy format` would."""


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file.")] = None,
) -> None:
    """Print the JSON Schema of a policy, by which editors complete, explain and check one as it is typed."""
    if output is None:
        typer.echo(jsonschema.text(), nl=False)
    else:
        _write(output, jsonschema.text())


def format_file(
    file: Annotated[Path | None, typer.Argument(help="The policy; the settings' own if not given.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 2 where the file would change.")] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")] = _DEFAULT,
) -> None:
    """Lay a policy out in the one canonical way. Its meaning and every comment stay."""
    wanted = file or read_settings(config, os.environ).policy
    before = content_of(wanted).decode("utf-8-sig", "replace")
    after = layout.formatted(before, file=str(wanted))
    if after == before:
        typer.echo(f"{wanted} is laid out well.")
    elif check:
        change = difflib.unified_diff(
            before.splitlines(), after.splitlines(), str(wanted), "formatted", lineterm="", n=1
        )
        raise NotFormatted("\n".join([*change, f"{wanted} is laid out otherwise; `deskbridge policy format` mends it"]))
    else:
        _write(wanted, after)
        typer.echo(f"Laid {wanted} out anew.")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}") from error
