"""What only Intercom's own API tells of how a workspace stands: the states of its tickets, its limits.

Source: Intercom's OpenAPI description, `GET /ticket_states`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from adapters.intercom.client import IntercomClient, Row
from adapters.intercom.mapping import TICKET_STATUS
from adapters.intercom.options import IntercomOptions
from adapters.wire import unless_hidden
from bridge.ports import Clock, DeskStatus, Diagnosis, Gate, Piece

USUAL: Final = 1_666
"""Calls in ten seconds that an app is usually let."""


class IntercomInspector:
    """See `bridge.ports.Inspector`."""

    def __init__(self, name: str, options: IntercomOptions, *, gate: Gate, clock: Clock) -> None:
        self.name = name
        self._client = IntercomClient(name, options, gate, clock, None)

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def plan(self, limit: int) -> str | None:
        """Intercom's limits hang on the app, not on the plan."""
        return None if limit >= USUAL else "less than an app is usually let; Intercom raises it on request"

    def statuses(self) -> Sequence[DeskStatus] | None:
        """The states of tickets by their category; those of conversations are fixed."""
        answer = unless_hidden(lambda: self._client.get("/ticket_states"))
        rows = [row for row in (answer or {}).get("data") or () if not row.get("archived")]
        return None if answer is None else [_status(row) for row in rows]

    def inspect(self, pieces: Sequence[Piece]) -> Iterator[Diagnosis]:
        """Nothing beyond what every desk is asked: Intercom shows no history of its calls."""
        del pieces
        return iter(())


def _status(row: Row) -> DeskStatus:
    name = str(row.get("internal_label") or row.get("id"))
    return DeskStatus(str(row.get("id")), name, TICKET_STATUS.get(str(row.get("category"))))
