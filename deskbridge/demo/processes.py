"""Real `deskbridge` commands as processes, for the demo and `make chaos`: each found by the line it prints."""

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.errors import DeskbridgeError

START_SECONDS = 30.0


class DidNotStart(DeskbridgeError):
    """A process did not come up; its own words follow."""


class Process:
    """One running command; `url` is what it printed once it listened. `enter` is a command that runs another."""

    def __init__(
        self, name: str, arguments: list[str], *, logs: Path, env: Mapping[str, str], enter: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        with self.log.open("wb") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own command with arguments of our own
                [*enter, sys.executable, "-m", "deskbridge", *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                stdin=subprocess.DEVNULL,
                text=True,
                env=dict(env),
            )
        self._listening = threading.Event()
        self._url: str | None = None
        self._reader = threading.Thread(target=self._read, name=f"reads-{name}", daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """Where it listens. Raises DidNotStart where it never said so."""
        self._listening.wait(START_SECONDS)
        if self._url is None:
            self.stop()
            words = self.log.read_text("utf-8", "replace").strip()[-2_000:]
            raise DidNotStart(f"{self.name} did not start: {words or 'it said nothing'}")
        return self._url

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it is no more."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Ask it to end, insist after ten seconds."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def kill(self) -> None:
        """End it at whatever instruction it is (SIGKILL)."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                if self._url is None and (found := re.search(r"http://\S+", line)):
                    self._url = found.group()
                    self._listening.set()
        self._listening.set()


def free_port(address: str = "127.0.0.1") -> int:
    """A port of an address of this machine that is free now."""
    with socket.create_server((address, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
