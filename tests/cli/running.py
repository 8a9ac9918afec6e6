"""A command of ours on the settings in a folder, in this process: its output, or the error that it would tell."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from bridge.errors import DeskbridgeError
from deskbridge.cli import app


class Command:
    """A command by its first words, on a screen of 160 columns."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def invoke(self, folder: Path, *arguments: str) -> Result:
        """What comes of it, errors included."""
        settings = ("--config", str(folder / "deskbridge.yaml"))
        return CliRunner(env={"COLUMNS": "160"}).invoke(app, [*self._words, *arguments, *settings])

    def run(self, folder: Path, *arguments: str, code: int = 0) -> str:
        """What it prints. Raises DeskbridgeError."""
        result = self.invoke(folder, *arguments)
        if isinstance(result.exception, DeskbridgeError):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.stdout

    def plain(self, folder: Path, *arguments: str) -> dict[str, Any]:
        """Its `--json`."""
        found: dict[str, Any] = json.loads(self.run(folder, *arguments, "--json"))
        return found
