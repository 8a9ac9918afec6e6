"""Runs `deskbridge` commands as processes that begin with everything imported: python -m tests.processes.zygote

Each is forked off from a process that imported the command line once, so that hundreds can be run and killed in a test.
"""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from signal import SIGKILL

from deskbridge.cli import main

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""For the libraries that begin threads as they are imported: a process of several does not fork well."""

PATIENCE = 60.0
"""Seconds until a command's process is there."""


class Zygote:
    """Runs one command at a time. A context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=Path(__file__).parents[2],
            env=os.environ | ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._command: Future[int] = Future()

    def __enter__(self) -> "Zygote":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=PATIENCE)

    def run(self, folder: Path, *arguments: str, env: Mapping[str, str] | None = None, typed: str = os.devnull) -> int:
        """Its exit code, or minus the signal that ended it; what it says goes to the file `said` beside the folder.

        `typed` names the file or pipe that it reads its input from.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._command = Future()
        order = {"folder": str(folder), "arguments": arguments, "env": env or {}, "typed": typed}
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        self._command.set_result(int(self._process.stdout.readline()))
        return int(self._process.stdout.readline())

    def kill(self) -> None:
        """End the command at whatever instruction it is; from another thread than the one that runs it."""
        os.kill(self._command.result(PATIENCE), SIGKILL)


def said(folder: Path) -> Path:
    """Where a command of that folder says what it says."""
    return folder.with_name(f"{folder.name}.said")


def _fork_for_each_order() -> None:
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        process = os.fork()
        if process == 0:
            _become(**order)
        _tell(process)
        _tell(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))


def _become(folder: str, arguments: list[str], env: Mapping[str, str], typed: str) -> None:
    os.dup2(os.open(typed, os.O_RDONLY), 0)
    output = os.open(said(Path(folder)), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(folder)
    os.environ.update(env)
    sys.argv = ["deskbridge", *arguments]
    main()
    sys.exit()


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _fork_for_each_order()
