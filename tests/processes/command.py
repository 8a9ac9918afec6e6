"""Runs `deskbridge` commands as real processes and talks to sandbox desks as a reader with curl would."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

PATIENCE = 25.0
"""Seconds for anything that must happen; a loaded machine needs most of them."""

SECRETS = {
    "ZENDESK_WEBHOOK_SECRET": "process-zendesk-signing",
    "FRESHDESK_WEBHOOK_SECRET": "process-freshdesk-header",
    "FRESHDESK_PATH_SECRET": "process-freshdesk-path",
}
HOOKS: dict[str, tuple[str, Mapping[str, str]]] = {
    "zendesk": ("acme-zendesk", {"secret": SECRETS["ZENDESK_WEBHOOK_SECRET"]}),
    "freshdesk": (
        f"acme-freshdesk/{SECRETS['FRESHDESK_PATH_SECRET']}",
        {"secret": SECRETS["FRESHDESK_WEBHOOK_SECRET"]},
    ),
    "intercom": ("acme-intercom", {}),
}


class Command:
    """One running command; what it says goes to files in `folder`."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        number = len(list(folder.glob("*.out")))
        self._out, self._err = folder / f"{number}.out", folder / f"{number}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deskbridge", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200"} | env,
            )

    @property
    def out(self) -> str:
        return self._out.read_text("utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text("utf-8")

    @cached_property
    def url(self) -> str:
        """Where it listens, once it says so."""
        return str(eventually(self._said_url))

    def running(self) -> bool:
        return self._process.poll() is None

    def ended(self, within: float = PATIENCE) -> int:
        """Its exit code, once it has ended by itself."""
        return self._process.wait(within)

    def terminate(self) -> int:
        """The exit code after a SIGTERM."""
        self._process.terminate()
        return self.ended(10)

    def kill(self) -> None:
        """End it at whatever instruction it is, as `kill -9` does."""
        self._process.kill()
        self._process.wait()

    def _said_url(self) -> str | None:
        assert self.running(), f"ended with {self._process.returncode}: {self.err}"
        found = re.search(r"http://\S+", self.out)
        return found.group() if found else None


def eventually(condition: Callable[[], Any]) -> Any:
    """What the condition gives once it is true. Fails where it never is."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def http(method: str, url: str, say: object = None) -> Any:
    """The JSON of an answer, None where the other side is not there or not ready."""
    body = None if say is None else json.dumps(say).encode()
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.URLError:
        return None


def customer(url: str, subject: str, body: str) -> str:
    """A customer opens a ticket at a sandbox desk; its id there."""
    say = {"email": f"{subject.lower().replace(' ', '.')}@mail.example", "subject": subject, "body": body}
    return str(http("POST", f"{url}/_sandbox/customers/write", say)["ticket"])


def state(url: str) -> Any:
    return http("GET", f"{url}/_sandbox/state")


def quiet(url: str) -> bool:
    return bool(http("GET", f"{url}/_sandbox/quiet")["pending"] == 0)


def effects_twice(url: str) -> list[tuple[object, ...]]:
    """What our side did more than once to a ticket, by the desk's own history."""
    done = [
        (write["ticket"], field, str(after))
        for write in state(url)["writes"]
        if write["actor_kind"] == "integration"
        for field, (_, after) in write["changes"].items()
    ]
    notes = [(ticket["id"], "note") for ticket in state(url)["tickets"] for _ in ticket["notes"]]
    return [one for one in {*done, *notes} if [*done, *notes].count(one) > 1]
