"""The note where the next one replaces it: pinned as its ticket's summary, unless a person's stands there.

Freshdesk has one summary a ticket, which PUT replaces and nothing locks (API reference, "Ticket Summary").
"""

from typing import Final

from adapters.freshdesk.client import FreshdeskClient
from adapters.freshdesk.mapping import Row
from adapters.wire import some_id
from bridge.errors import Permanent
from bridge.model import Step

ROUTE: Final = "/tickets/{id}/summary"

WRITERS: Final = ("user_id", "last_edited_user_id")
"""Who wrote a summary and who changed it last [T]: the second is seen on conversations, and neither need be told."""

_MARK: Final = "Deskbridge ref "


def marked(html: str, marker: str) -> str:
    """A note with the marker of its step, where agents see it and we find it again."""
    return f"{html}<p><i>{_MARK}{marker}</i></p>"


def carries(row: Row, marker: str = "") -> bool:
    """Whether a conversation entry or a summary is of the step with this marker; of any of ours without one."""
    mark = _MARK + marker
    return mark in str(row.get("body")) or mark in str(row.get("body_text"))


class Summaries:
    """The summaries of one account's tickets. Thread-safe."""

    def __init__(self, client: FreshdeskClient) -> None:
        self._client = client
        self._acting: str | None = None

    def write(self, step: Step) -> bool:
        """Put the note in place of our last one; False where a person's words stand there, or the account has no place.

        Raises Unclear once the request may have left.
        """
        try:
            there = self._client.get_if_any(ROUTE, step.ref.id)
            if there is not None and not self._is_ours(there):
                return False
            self._client.write("PUT", ROUTE, step.ref.id, body=dict(step.data))
        except Permanent:  # a plan without summaries; whatever else it is, the note in its stead meets it too
            return False
        return True

    def holds(self, step: Step) -> bool:
        """Whether the summary is the one that the step was to write."""
        try:
            there = self._client.get_if_any(ROUTE, step.ref.id)
        except Permanent:
            return False
        return there is not None and carries(there, step.marker)

    def _is_ours(self, there: Row) -> bool:
        if not carries(there):
            return False
        self._acting = self._acting or str(self._client.get("/agents/me")["id"])
        return {some_id(there.get(name)) for name in WRITERS} <= {None, self._acting}
