"""Memory of an idle and of a loaded `deskbridge serve`, against an empty Flask handler under gunicorn."""

import os
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.latency import RATE, serving
from benchmarks.processes import empty_flask, resident
from benchmarks.report import Figure, Report
from benchmarks.stage import stage

_LOOK_SECONDS = 0.5
_IDLE_SECONDS = 3.0


def measure(*, seconds: float = 20.0, rate: float = RATE) -> Report:
    """Idle is a moment after the start, before any ticket; loaded the most seen while tickets come, and right after."""
    with tempfile.TemporaryDirectory(prefix="deskbridge-memory-") as name:
        folder = Path(name)
        with empty_flask(folder, os.environ) as (_, pid):
            bare = resident(pid)
        with stage() as desks, serving(desks, folder) as pid:
            time.sleep(_IDLE_SECONDS)
            idle = resident(pid)
            writing = threading.Thread(target=desks.write_steadily, args=(int(seconds * rate), rate))
            writing.start()
            loaded = idle
            while writing.is_alive():
                loaded = max(loaded, resident(pid))
                writing.join(_LOOK_SECONDS)
            desks.settle()
            loaded = max(loaded, resident(pid))
    rows = (
        _row("empty Flask handler, idle", bare, bare),
        _row("deskbridge serve, idle", idle, bare),
        _row(f"deskbridge serve, {rate:g} tickets a second for {seconds:g} s", loaded, bare),
    )
    return Report(
        "Resident memory, a process and its children, megabytes",
        "an empty Flask handler under gunicorn gthread: its master and one worker",
        tuple(rows[0]),
        rows,
        ("What is imported at start is the larger part of ours.",),
    )


def _row(what: str, megabytes: float, bare: float) -> dict[str, Figure]:
    return {"process": what, "MB": megabytes, "of baseline": megabytes / bare}
