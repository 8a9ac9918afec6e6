"""The demo as a process that is told to end before its time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE = 60.0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_told_to_end_takes_its_processes_and_its_folder_with_it(
    how: signal.Signals, tmp_path: Path
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background inherits that it is ignored
    demo = subprocess.Popen(
        [sys.executable, "-m", "deskbridge", "demo"],
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + PATIENCE
    while not list(tmp_path.glob("deskbridge-demo-*/serve.log")) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(tmp_path.glob("deskbridge-demo-*/serve.log"))
    demo.send_signal(how)
    assert demo.wait(PATIENCE) == 130
    until = time.monotonic() + PATIENCE
    while _any_left(demo.pid) and time.monotonic() < until:  # the ended ones stay listed until the system reaps them
        time.sleep(0.05)
    assert not _any_left(demo.pid)
    assert list(tmp_path.iterdir()) == []


def _any_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
