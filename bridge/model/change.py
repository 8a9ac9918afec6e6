"""What we want of a desk and how it is carried out: the change, its steps, their receipts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bridge.model.ticket import Priority, Status, Ticket, TicketRef

NOBODY: Final = ""
"""The assignee of a change that takes a ticket out of everybody's hands (None would leave it as it is)."""


@dataclass(frozen=True, slots=True)
class Change:
    """The vendor-neutral wish for one ticket; None and empty mean: leave it as it is.

    `assignee_id`, `team_id` and the keys of `fields` are the desk's own ids and names. `note` is HTML for an internal
    note, limited to `p, b, i, br, ul, li, a, code`; no change can carry a public reply. `tell` are the e-mail addresses
    of agents whom the desk is to send the note (`Capability.NOTIFY`). `summary` is HTML like the note's, which replaces
    the summary of the change before (`Capability.SUMMARY`).
    """

    assignee_id: str | None = None
    team_id: str | None = None
    status: Status | None = None
    priority: Priority | None = None
    type: str | None = None
    add_tags: frozenset[str] = frozenset()
    remove_tags: frozenset[str] = frozenset()
    fields: Mapping[str, object] = field(default_factory=dict)
    note: str | None = None
    tell: frozenset[str] = frozenset()
    summary: str | None = None

    @property
    def touches_fields(self) -> bool:
        """True where anything but the note and the summary is to change."""
        return any(
            (
                self.assignee_id is not None,
                self.team_id is not None,
                self.status is not None,
                self.priority is not None,
                self.type is not None,
                self.add_tags,
                self.remove_tags,
                self.fields,
            )
        )


class StepState(StrEnum):
    """Where a step stands. `STARTED` after a crash means unclear: read back before trying again."""

    PLANNED = "planned"
    STARTED = "started"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Step:
    """One vendor call of an operation, as JSON-ready data that survives a restart.

    `name` is the adapter's word for the kind of call; `data` is what that kind needs; `marker` is the text by which
    the effect is found again at the desk (the operation's id).
    """

    name: str
    ref: TicketRef
    marker: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Operation:
    """A change turned into the vendor's calls, in the order in which they must happen."""

    id: str
    ref: TicketRef
    change: Change
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the vendor answered to a step that took effect.

    `seen` is the ticket as the vendor's answer shows it after the step, where it does: it stands in for the
    read-before-write of the next step. `found` is True where the effect was already there and nothing was sent.
    """

    seen: Ticket | None = None
    found: bool = False
