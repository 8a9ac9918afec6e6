"""Who should have a ticket: a target and the agents as they are now in, an assignment with reasons out. Pure."""

from bridge.routing.router import choose

__all__ = ["choose"]
