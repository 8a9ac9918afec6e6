"""What the router has to know of a ticket, kept for as long as the ticket is in its care."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bridge.model.decision import Assignment, Target
from bridge.model.ticket import Channel, Priority, TicketRef


@dataclass(frozen=True, slots=True)
class Wait:
    """A ticket as the router sees it, people by the policy's names for them.

    `since` is when its customer began to wait, `topic` its intent (empty: unknown), `language` ISO 639-1, `tier` the
    requester's. `answered` says whether an agent has answered before, `last_agent` who it was; `favoured` is who the
    route rule prefers because they answered this requester last.
    """

    target: Target
    since: datetime
    priority: Priority = Priority.NONE
    channel: Channel = Channel.OTHER
    topic: str = ""
    language: str | None = None
    tier: str | None = None
    answered: bool = False
    last_agent: str | None = None
    favoured: str | None = None


class PlaceState(StrEnum):
    """Where a ticket in the router's care stands.

    `WAITING` for an agent; `OFFERED` to one whose place is reserved, until that is decided and planned; `GIVEN` to one;
    `RECALLED` from one, until that is decided and planned.
    """

    WAITING = "waiting"
    OFFERED = "offered"
    GIVEN = "given"
    RECALLED = "recalled"


@dataclass(frozen=True, slots=True)
class Place:
    """A ticket's place in the queue of its team.

    `agent` is whom it is offered or given to, `bound_at` since when; `moved_at` when the router last took it from
    somebody. `assignment` are the reasons of an offer.
    """

    ref: TicketRef
    state: PlaceState
    wait: Wait
    agent: str | None = None
    bound_at: datetime | None = None
    moved_at: datetime | None = None
    assignment: Assignment | None = None

    @property
    def calls(self) -> bool:
        """True where the router wants the ticket decided on."""
        return self.state in {PlaceState.OFFERED, PlaceState.RECALLED}
