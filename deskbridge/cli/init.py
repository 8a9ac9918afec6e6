"""`deskbridge init`: the two files an admin writes, commented and working against the sandbox desks, and the schema."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import typer
import yaml

from bridge.errors import DeskbridgeError
from deskbridge import connecting, settingsfile
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
    for name in TEMPLATES:
        (folder / name).write_text(_template(name), "utf-8")
    (folder / jsonschema.FILE).write_text(jsonschema.text(), "utf-8")


def begin(config: Path) -> None:
    """Put a settings file without desks, and a policy beside it, where there are none. Raises CannotWrite."""
    begun = _template("deskbridge.yaml").partition(_DESKS)[0].rstrip() + "\n"
    policy = config.with_name("policy.yaml")
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        if not policy.exists() and not config.exists():
            policy.write_text(_template(policy.name), "utf-8")
            policy.with_name(jsonschema.FILE).write_text(jsonschema.text(), "utf-8")
        if not config.exists():
            config.write_text(begun, "utf-8")
    except OSError as error:
        raise CannotWrite(f"cannot write to {config.parent.resolve()}: {error.strerror}") from error


def sandbox_desks(config: Path, env: Mapping[str, str]) -> list[str]:
    """The desks of a settings file whose addresses are as `init` wrote them and lead to the sandbox, if it is there."""
    written = [desk["url"] for desk in yaml.safe_load(_template("deskbridge.yaml"))["desks"].values()]
    here, bare = connecting.references(config, env), connecting.references(config, {})
    found = settingsfile.entries(config) if config.exists() else {}
    urls = {name: entry["url"] for name, entry in found.items() if entry.get("url") in written}
    return [name for name, url in urls.items() if here.expanded(url) == bare.expanded(url)]


_DESKS: Final = "# As it stands this connects the three sandbox desks"
"""Where the part of the settings begins that suits the sandbox only."""


def _template(name: str) -> str:
    package, template = TEMPLATES[name]
    return files(package).joinpath(template).read_text("utf-8")
