"""Who should have a ticket: tickets and agents as they are now in, assignments with reasons out. Pure."""

from bridge.routing.planning import route
from bridge.routing.snapshot import (
    LiveAgent,
    Norms,
    Placement,
    Plan,
    Reason,
    Ring,
    Rules,
    Snapshot,
    Strategy,
    WaitingTicket,
    WhenAway,
    Work,
)

__all__ = [
    "LiveAgent",
    "Norms",
    "Placement",
    "Plan",
    "Reason",
    "Ring",
    "Rules",
    "Snapshot",
    "Strategy",
    "WaitingTicket",
    "WhenAway",
    "Work",
    "route",
]
