"""Draws what our commands say of the sandbox desks, for the pages in docs/desks/: `python -m docs.pictures`."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final
from unittest.mock import patch

from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from deskbridge.cli import app
from sandbox.common import CustomerMessage, SandboxDesk, start
from sandbox.freshdesk import API_KEY, FreshdeskSandbox
from sandbox.intercom import ACCESS_TOKEN, IntercomSandbox
from sandbox.intercom import CLIENT_SECRET as HUB_SECRET
from sandbox.zendesk import CLIENT_ID, CLIENT_SECRET, ZendeskSandbox

FOLDER: Final = Path(__file__).parent / "img"
WIDTH: Final = 110
"""Columns; a longer line is folded, as a terminal does."""

LINES: Final = 70
"""Of a longer answer the picture says how much it leaves out."""

_WEB_FONT: Final = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""A reader's own fixed-width font will do, and nobody's page should ask a third party for one."""

ASKED: Final = CustomerMessage("ada@globex.example", "Please refund the invoice.", "Ada Client", "Charged twice")


@dataclass(frozen=True, slots=True)
class Account:
    """A sandbox desk, the port it is drawn at, and what `connect` is told of it, secrets by their names in `env`."""

    desk: Callable[[], SandboxDesk]
    port: int
    connect: tuple[str, ...]
    env: Mapping[str, str]


ACCOUNTS: Final[Mapping[str, Account]] = {
    "zendesk": Account(
        ZendeskSandbox,
        9001,
        ("--grant", "client-credentials", "--client-id", CLIENT_ID, "--client-secret", "${ZENDESK_SECRET}"),
        {"ZENDESK_SECRET": CLIENT_SECRET},
    ),
    "freshdesk": Account(FreshdeskSandbox, 9002, ("--api-key", "${FRESHDESK_KEY}"), {"FRESHDESK_KEY": API_KEY}),
    "intercom": Account(
        IntercomSandbox,
        9003,
        ("--access-token", "${INTERCOM_TOKEN}", "--client-secret", "${INTERCOM_SECRET}"),
        {"INTERCOM_TOKEN": ACCESS_TOKEN, "INTERCOM_SECRET": HUB_SECRET},
    ),
}


def draw(vendor: str, account: Account, folder: Path) -> None:
    """Draw a vendor's pictures into a folder. Raises OSError where the port of the account is taken."""
    desk, name = account.desk(), f"acme-{vendor}"
    with start(desk, port=account.port) as running, _place(account.env):
        ticket = desk.customer_writes(ASKED)
        said = {
            "connect": _said("connect", vendor, name, "--url", running.url, *account.connect),
            "install": _said("install", "webhooks", name, "--url", "https://bridge.example.com", "--dry-run"),
            "doctor": _said("doctor", name),
            "explain": _said("explain", f"{name}:{ticket}"),
        }
    for command, lines in said.items():
        console = Console(record=True, width=WIDTH, file=StringIO())
        console.print(Text.from_ansi(_cut(lines)))
        path = folder / f"{vendor}-{command}.svg"
        drawn = console.export_svg(title=f"deskbridge {command}", unique_id=path.stem)
        path.write_text(_WEB_FONT.sub("", drawn), "utf-8")


@contextmanager
def _place(secrets: Mapping[str, str]) -> Iterator[None]:
    """An empty folder, and an environment with the secrets and without a proxy."""
    known = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
    shown = {"COLUMNS": str(WIDTH), "FORCE_COLOR": "1"}
    with (
        tempfile.TemporaryDirectory() as folder,
        chdir(folder),
        patch.dict(os.environ, {**known, **secrets, **shown}, clear=True),
    ):
        yield


def _said(*arguments: str) -> str:
    """A command line and what it answers, in colour, without the folder. Raises RuntimeError where it breaks off."""
    result = CliRunner().invoke(app, arguments, color=True)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise RuntimeError(f"deskbridge {' '.join(arguments)} broke off: {result.exception!r}") from result.exception
    answer = result.output.replace(f"{Path.cwd()}/", "")
    return f"\x1b[1m$ deskbridge {' '.join(arguments)}\x1b[0m\n{answer}"


def _cut(said: str) -> str:
    lines = said.splitlines()
    return "\n".join([*lines[:LINES], *([f"… {len(lines) - LINES} lines more"] if len(lines) > LINES else [])])


if __name__ == "__main__":
    for vendor, account in ACCOUNTS.items():
        draw(vendor, account, FOLDER)
