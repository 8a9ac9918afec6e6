"""docs/explain.md: its files are written, its commands run, and their output is what the page shows."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deskbridge.cli import app

PAGE = (Path(__file__).parents[2] / "docs" / "explain.md").read_text("utf-8")
FILES = re.compile(r"```yaml\n# (\S+)\n(.*?)```", re.DOTALL)
COMMANDS = re.compile(r"```console\n\$ deskbridge (.*?)\n(.*?)```", re.DOTALL)
SETTINGS = """\
database: sqlite:///bridge.sqlite3
desks:
  acme: {vendor: intercom, url: http://127.0.0.1:9, access_token: t, webhook_secrets: [a-secret-of-ours]}
"""


@pytest.mark.parametrize(("command", "shown"), COMMANDS.findall(PAGE))
def test_the_output_on_the_page_is_what_the_command_says(
    command: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: f"# {name}\n{text}" for name, text in FILES.findall(PAGE)}
    files["new.yaml"] = files["policy.yaml"].replace("act: 0.85", "act: 0.6").replace("{over: 2}", "{over: 1}")
    for name, text in (files | {"deskbridge.yaml": SETTINGS}).items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    result = CliRunner(env={"COLUMNS": "110"}).invoke(app, command.split())
    assert [line.rstrip() for line in result.stdout.splitlines()] == shown.splitlines(), result.output


def test_the_page_has_an_example_of_each_of_its_commands() -> None:
    commands = [command.split()[:2] for command, _ in COMMANDS.findall(PAGE)]
    assert commands == [["explain", "ticket.yaml"], ["policy", "test"], ["policy", "diff"]]
