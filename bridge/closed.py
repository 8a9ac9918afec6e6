"""Which desks hold our calls back just now, so that their backlog is not asked about ticket by ticket."""

import threading
from datetime import datetime, timedelta

from bridge.allowance import SLICE_LIFE


class Closed:
    """Desks by whether they hold back urgent calls too. Thread-safe.

    Nothing is believed for longer than a second: then one ticket's call finds out whether the desk is open again.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[str, bool], datetime] = {}
        self._lock = threading.Lock()

    def close(self, desk: str, now: datetime, seconds: float, *, urgent: bool) -> None:
        """A call was held back for so long; where it was an `urgent` one, so is every other."""
        until = now + min(timedelta(seconds=seconds), SLICE_LIFE)
        with self._lock:
            self._until |= {(desk, each): until for each in {False, urgent}}

    def desks(self, now: datetime, *, urgent: bool) -> list[str]:
        """The desks that hold such calls back."""
        with self._lock:
            return [desk for (desk, each), until in self._until.items() if each is urgent and now < until]
