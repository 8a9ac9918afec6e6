"""A folder with settings and a policy, and commands run in it as a person would."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner, Result

from deskbridge.cli import app

POLICY = """
version: 1
teams:
  billing:
    bind: Billing
    members: [{name: Ana Alvarez, capacity: 5}, {name: Bo Berg, capacity: 5}]
route:
  - {name: everything, when: {}, to: {team: billing}}
"""


class Place:
    """A folder as `deskbridge init` leaves it, with one desk."""

    def __init__(self, folder: Path, name: str, desk: Mapping[str, Any], policy: str | None = None) -> None:
        self.folder = folder
        self.config = folder / "deskbridge.yaml"
        self.name = name
        text = yaml.safe_dump({"durability": "normal", "desks": {name: dict(desk)}}, sort_keys=False)
        self.config.write_text(f"# Ours, do not touch.\n{text}", "utf-8")
        if policy is not None:
            (folder / "policy.yaml").write_text(policy, "utf-8")

    def run(self, *arguments: str, code: int | None = 0) -> Result:
        """A command with this folder's settings; `code` None takes any exit code."""
        result = CliRunner().invoke(app, [*arguments, "--config", str(self.config)])
        if code is not None:
            assert result.exit_code == code, (result.exit_code, result.output, result.exception)
        return result

    def told(self, *arguments: str, code: int = 0) -> Any:
        """The one JSON object that a command prints."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def settings(self) -> Any:
        """The desk's entry as it is written now."""
        return yaml.safe_load(self.config.read_text("utf-8"))["desks"][self.name]
