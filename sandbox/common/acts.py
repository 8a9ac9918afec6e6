"""What the control face asks of a desk: a customer writes, an agent edits; and how a desk refuses."""

from dataclasses import dataclass, field
from typing import Any


class ControlError(Exception):
    """A request to the control face is wrong: the message says what and what to do; `status` is 400 or 404."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class CustomerMessage:
    """A customer writes: a new ticket, or a reply where `ticket` is an id."""

    email: str
    body: str
    name: str | None = None
    subject: str | None = None
    ticket: str | None = None
    channel: str = "email"
    headers: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AgentEdit:
    """An agent works on a ticket in the vendor's own screens.

    `changes` may hold assignee (e-mail or None), team (name), status, priority, add_tags, remove_tags, fields.
    """

    agent: str
    ticket: str
    changes: dict[str, Any] = field(default_factory=dict)
    reply: str | None = None
    note: str | None = None
