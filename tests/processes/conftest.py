"""Commands that end with their test, the two files that `deskbridge init` writes, and sandbox desks to join them to."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from deskbridge.cli import init
from sandbox.common.server import start as listen
from tests.core.world import SANDBOXES
from tests.processes.command import HOOKS, SECRETS, Command, eventually, http

Start = Callable[..., Command]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a command in the test's own folder; what still runs at the end is killed."""
    started: list[Command] = []

    def run(*arguments: str, **env: str) -> Command:
        started.append(Command(tmp_path, *arguments, **env))
        return started[-1]

    yield run
    for command in started:
        if command.running():
            command.kill()


@pytest.fixture
def desks() -> Iterator[Mapping[str, str]]:
    """The address of a sandbox desk of each vendor, inside this process: they start at once."""
    with ExitStack() as ending:
        yield {vendor: ending.enter_context(listen(kind())).url for vendor, kind in SANDBOXES.items()}


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """The test's own folder, with what `deskbridge init` writes, the policy gone live.

    Nobody answers here, so tickets are given out as they come instead of waiting until somebody has room.
    """
    init.write(tmp_path)
    policy = tmp_path / "policy.yaml"
    starter = policy.read_text("utf-8").replace("\nmode: shadow", "\nmode: live", 1)
    policy.write_text(starter.replace("    members:\n", "    assign_at_arrival: true\n    members:\n"), "utf-8")
    return tmp_path


@pytest.fixture
def bridge(start: Start, live: Path) -> Callable[..., Command]:
    """Starts a command of the bridge on the files of `live` for some desks; `serve` is ready when it is returned."""

    def run(desks: Mapping[str, str], command: str = "serve", listen: str = "127.0.0.1:0") -> Command:
        urls = {f"{vendor.upper()}_URL": url for vendor, url in desks.items()}
        found = start(command, DESKBRIDGE_LISTEN=listen, DESKBRIDGE_MODE="live", **SECRETS, **urls)
        if command == "serve":
            eventually(lambda: http("GET", f"{found.url}/readyz"))
        return found

    return run


def join(desks: Mapping[str, str], bridge: Command) -> None:
    """Have the desks send their webhooks to a bridge that listens."""
    for vendor, url in desks.items():
        path, secret = HOOKS[vendor]
        assert http("POST", f"{url}/_sandbox/webhooks", {"url": f"{bridge.url}/hooks/{path}", **secret})
