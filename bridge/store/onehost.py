"""SQLite is for one host: a note beside its file says which one uses it, and shows by changing that it still does."""

import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import structlog

from bridge.errors import DeskbridgeError

log = structlog.get_logger(__name__)

BEAT_SECONDS: Final = 2.0
"""How often the note changes."""

WATCH_SECONDS: Final = 3 * BEAT_SECONDS + 1.0
"""How long another host's note is watched. Whether it changes tells more than its time: clocks differ, and a host that
was started anew within a second must not be kept out by what it was before."""

_LOOK_SECONDS: Final = 0.2
_SIZE: Final = 512
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class AnotherHost(DeskbridgeError):
    """Another host uses the SQLite file; two would destroy it, as the memory they coordinate by is not shared."""


@dataclass(frozen=True, slots=True)
class Host:
    """Who uses the file: `kernel` is the same for all who share memory, containers of one machine too."""

    kernel: str
    name: str


def this_host() -> Host:
    """This host: by Linux's random id of the running kernel, elsewhere by the machine's hardware address."""
    kernel = _BOOT_ID.read_text("ascii").strip() if _BOOT_ID.exists() else f"{uuid.getnode():012x}"
    return Host(kernel, platform.node())


class OneHost:
    """Keeps the note of a SQLite file from `enter`, which may be called again, to `leave`. Thread-safe.

    The note is a file of its own and not a row: over a network file system a second host may not see the first one's
    newest rows, but opening a file anew shows what it holds. `on_lost` is called where another host took the file over
    meanwhile, as it may while this one is frozen; by default the process ends at that instruction.
    """

    def __init__(self, file: Path, *, on_lost: Callable[[], None] = lambda: os._exit(2)) -> None:
        self._file = file
        self._note = Path(f"{file}.host")
        self._me = this_host()
        self._on_lost = on_lost
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="one host", daemon=True)

    def enter(self) -> None:
        """Begin to use the file. Raises AnotherHost while another host does."""
        with self._lock:
            if self._thread.is_alive():
                return
            self._require_alone()
            with suppress(OSError):  # a folder that cannot be written: SQLite has the better words for it
                self._write()
            self._thread.start()

    def leave(self) -> None:
        """Stop using the file."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _require_alone(self) -> None:
        found = self._first()
        if found is not None and self._another(found) and self._changes(found):
            raise AnotherHost(
                f"the database {self._file} is in use by host '{found[0].name}', and SQLite is for the processes of "
                "one host: two would destroy the file. Stop Deskbridge there first, or set `database` to a PostgreSQL "
                "address, which any number of hosts share"
            )

    def _keep(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            try:
                found = self._read()
                if found is not None and self._another(found):
                    log.critical("another host took the database over", database=str(self._file), host=found[0].name)
                    self._on_lost()
                    return
                self._write()
            except OSError as error:  # the disk may be full or away for a while
                log.error("cannot say that this host uses the database", file=str(self._note), error=error.strerror)

    def _another(self, found: tuple[Host, int]) -> bool:
        return found[0].kernel != self._me.kernel

    def _first(self) -> tuple[Host, int] | None:
        """What the note says; one that cannot be read may be half written by another host, and is looked at again."""
        until = time.monotonic() + BEAT_SECONDS
        while (found := self._read()) is None and self._note.exists() and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
        return found

    def _changes(self, found: tuple[Host, int]) -> bool:
        until = time.monotonic() + WATCH_SECONDS
        while time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
            if self._read() not in {None, found}:
                return True
        return False

    def _read(self) -> tuple[Host, int] | None:
        """Who wrote the note and when by their clock; None where there is none, or it is being written."""
        try:
            said = json.loads(self._note.read_text("utf-8"))
            return Host(str(said["kernel"]), str(said["name"])), int(said["beat"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self) -> None:
        """Write in place and to one length: a new file in its stead would be seen late over a network."""
        text = json.dumps({**asdict(self._me), "beat": time.time_ns()})
        descriptor = os.open(self._note, os.O_WRONLY | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "wb") as note:
            note.write(text.encode().ljust(_SIZE))
