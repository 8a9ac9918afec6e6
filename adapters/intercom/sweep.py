"""Reconciliation at Intercom: where a sweep through its two searches stands, as the text of a cursor. Pure."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

from adapters.intercom.mapping import CONVERSATION, TICKET

OVERLAP: Final = 120
"""Seconds that two sweeps share: Intercom's clock and ours differ, and its searches lag behind its writes. [I]"""


@dataclass(frozen=True, slots=True)
class Sweep:
    """One pass over everything updated since `since`: conversations first, then tickets, page by page.

    `began` is our time at its start (None: it has not started) and `newest` the latest update it met, in unix seconds.
    `after` is Intercom's cursor of the page before.
    """

    since: int
    began: int | None
    newest: int | None = None
    kind: str = CONVERSATION
    after: str | None = None

    @classmethod
    def resumed(cls, cursor: str | None, *, start: datetime, now: datetime) -> "Sweep":
        """The sweep that a cursor stands for, None starting one at `start`."""
        if cursor is None:
            return cls(since=int(start.timestamp()), began=int(now.timestamp()))
        sweep = cls(**json.loads(cursor))
        return sweep if sweep.began is not None else replace(sweep, began=int(now.timestamp()))

    @property
    def floor(self) -> int:
        """The update time from which this sweep asks."""
        return self.since - OVERLAP

    def met(self, updates: list[int]) -> "Sweep":
        """The sweep after a page with these update times."""
        latest = max((*updates, self.newest or 0)) or None
        return replace(self, newest=latest)

    def turned(self, after: str | None) -> tuple["Sweep", bool]:
        """Where the next page is, and whether there is one now.

        The next sweep starts where this one began, not at the newest update met: searches come in no stated order, so
        that what moved while we turned pages may have been missed. It starts no later than the newest update met, so
        that a clock of ours that runs ahead misses nothing.
        """
        if after is not None:
            return replace(self, after=after), True
        if self.kind == CONVERSATION:
            return replace(self, kind=TICKET, after=None), True
        bounds = [bound for bound in (self.began, self.newest) if bound is not None]
        reached = self.since if self.newest is None else max(self.since, min(bounds))
        return Sweep(since=reached, began=None), False

    def cursor(self) -> str:
        """The sweep as text."""
        return json.dumps(asdict(self))
