"""Many updates in one call, and what a job says became of each; pure.

Zendesk takes up to a hundred tickets, each with its own changes, and works on them in a background job. Sources:
"Update Many Tickets" and "Job Statuses" of the ticket and job references. How a refused item looks stands in none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.wire import WORDS_MAX, some_id
from adapters.zendesk.mapping import Json, listing, mapping
from adapters.zendesk.plan import UPDATE
from bridge.errors import Conflict, DeskError, Unclear
from bridge.model import Receipt, Step, TicketRef

BULK_MAX: Final = 100
"""Zendesk refuses a call with more (`TooManyValues`)."""

_OVER: Final = frozenset({"completed", "failed", "killed"})
"""The statuses of a job that does nothing any more."""

_CONFLICT: Final = ("updateconflict", "safe update")
"""Assumed: an item that the lock refused names the error or the sentence that a single update is refused with (409)."""

_LONG_AGO: Final = "2000-01-01T00:00:00Z"


def rehearsal(ref: TicketRef) -> Step:
    """A step that changes nothing, under a stamp that no ticket has: the lock refuses it where it holds."""
    return Step(UPDATE, ref, "rehearsal", {"ticket": {"safe_update": True, "updated_stamp": _LONG_AGO}})


def outcomes(job: Json, steps: Sequence[Step]) -> list[Receipt | DeskError] | None:
    """For each step a receipt, Conflict, or Unclear where the job does not tell; None while it works."""
    status = str(job.get("status") or "")
    if status not in _OVER:
        return None
    rows = {some_id(row.get("id")): row for row in map(mapping, listing(job.get("results")))}
    return [_outcome(rows.get(step.ref.id, {}), status) for step in steps]


def _outcome(row: Mapping[str, Any], status: str) -> Receipt | DeskError:
    words = ": ".join(str(row[key]) for key in ("error", "details") if row.get(key))[:WORDS_MAX]
    if any(sign in words.lower() for sign in _CONFLICT):
        return Conflict(words)
    if row.get("success") is True and not words:
        return Receipt()
    return Unclear(words or f"a bulk job that was {status} does not say what became of this ticket")
