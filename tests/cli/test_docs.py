"""docs/commands.md has every command and every option, and nothing that is gone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from deskbridge.cli import app

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
SECTION = re.compile(r"^#{2,3} (deskbridge [a-z ]+)$", re.MULTILINE)
OPTION = re.compile(r"`(--?[a-z-]+)`")


def commands() -> dict[str, set[str]]:
    """The options of each command by its name."""
    return dict(_walk("deskbridge", typer.main.get_command(app)))


def _walk(name: str, command: object) -> Iterator[tuple[str, set[str]]]:
    inner = getattr(command, "commands", {})
    for word, each in inner.items():
        yield from _walk(f"{name} {word}", each)
    if not inner:
        parameters = getattr(command, "params", [])
        options = (parameter for parameter in parameters if parameter.param_type_name == "option")
        yield name, {word for option in options for word in (*option.opts, *option.secondary_opts)}


def sections() -> dict[str, str]:
    """The text of each command's section by the command's name."""
    parts = SECTION.split(PAGE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_command_has_a_section_and_no_section_is_of_none() -> None:
    assert set(sections()) - {"deskbridge events", "deskbridge policy"} == set(commands())


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_option_stands_in_the_table_of_its_command_and_no_other_does(command: str) -> None:
    rows = [line.split(" | ")[0] for line in sections()[command].splitlines() if line.startswith("| `")]
    assert set(OPTION.findall(" ".join(rows))) == commands()[command]


@pytest.mark.parametrize("command", sorted(set(commands()) - {"deskbridge demo"}))
def test_every_command_has_an_example_of_itself(command: str) -> None:
    assert re.search(rf"```console\n\$ {command}\b", sections()[command])
