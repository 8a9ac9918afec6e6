"""A SQLite file belongs to one host: a second is refused, one that is gone replaced, one that was replaced ends."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.store import onehost
from tests.processes.command import Command, eventually
from tests.processes.test_refusals import Run, refused, run  # noqa: F401 - a fixture

Start = Callable[..., Command]


def write(folder: Path, beat: int, kernel: str = "another-kernel") -> None:
    said = {"kernel": kernel, "name": "node-b", "beat": beat}
    (folder / "deskbridge.db.host").write_text(json.dumps(said).ljust(512), "utf-8")


def note(folder: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((folder / "deskbridge.db.host").read_text("utf-8"))
    return found


@pytest.fixture
def other_host(live: Path) -> Iterator[None]:
    """Another host that uses the file of `live`."""
    stop = threading.Event()
    write(live, 0)

    def beat() -> None:
        number = 0
        while not stop.wait(0.3):
            write(live, number := number + 1)

    thread = threading.Thread(target=beat)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.usefixtures("other_host")
def test_every_command_refuses_a_file_that_another_host_uses_and_says_what_to_do(start: Start, live: Path) -> None:
    commands = [start(*words) for words in (["serve"], ["worker"], ["sync"], ["events", "list"])]
    for command in commands:
        said = " ".join(refused(command).split())
        assert "deskbridge.db is in use by host 'node-b'" in said
        assert "SQLite is for the processes of one host" in said
        assert "set `database` to a PostgreSQL address" in said
    assert not (live / "deskbridge.db").exists()


def test_a_host_that_is_gone_keeps_nobody_out(run: Run, live: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811 - the fixture
    monkeypatch.setattr(onehost, "WATCH_SECONDS", 0.5)
    write(live, 7)
    code, said = run("events", "list")
    assert code == 0, said
    assert note(live)["kernel"] == onehost.this_host().kernel


def test_processes_of_one_host_share_the_file_and_end_where_another_host_took_it_over(
    bridge: Callable[..., Command], desks: Mapping[str, str], live: Path
) -> None:
    both = [bridge(desks, "worker"), bridge(desks, "worker")]
    eventually(lambda: all("Deskbridge works as" in command.out for command in both))
    first = note(live)
    eventually(lambda: note(live)["beat"] != first["beat"])
    assert all(command.running() for command in both)
    write(live, 1)
    for command in both:
        assert command.ended() == 2
        assert "another host took the database over" in command.err
