"""`deskbridge init`: the two files an admin writes, commented and working against the sandbox desks, and the schema."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from bridge.errors import DeskbridgeError
from rules import jsonschema

TEMPLATES = {"deskbridge.yaml": ("deskbridge", "starter.yaml"), "policy.yaml": ("rules", "starter.yaml")}
"""Each file that is written, and where its text comes from."""


class FileInTheWay(DeskbridgeError):
    """A file that would be written is there already."""


class CannotWrite(DeskbridgeError):
    """The folder cannot be made or written to."""


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write the files.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
) -> None:
    """Write deskbridge.yaml and policy.yaml, commented and ready to try on the sandbox desks.

    The policy's JSON Schema is written beside them: editors complete and check the policy by it.
    """
    in_the_way = [name for name in TEMPLATES if (folder / name).exists()]
    if in_the_way and not force:
        raise FileInTheWay(f"{', '.join(in_the_way)} already in {folder.resolve()}; --force writes over them")
    try:
        write(folder)
    except OSError as error:
        raise CannotWrite(f"cannot write to {folder.resolve()}: {error.strerror}") from error
    typer.echo(f"Wrote {', '.join(TEMPLATES)} and, for editors, {jsonschema.FILE} to {folder.resolve()}")
    typer.echo("Next: `deskbridge check`, then start sandbox desks or put your own account in, and `deskbridge serve`.")


def write(folder: Path) -> None:
    """Put both files and the schema into a folder, making it where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (package, template) in TEMPLATES.items():
        (folder / name).write_text(files(package).joinpath(template).read_text("utf-8"), "utf-8")
    (folder / jsonschema.FILE).write_text(jsonschema.text(), "utf-8")
