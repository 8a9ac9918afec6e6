"""Where a ticket carries its label at the desk: a field, the type, the team, the priority or a tag. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.model import Priority, Ticket

_ALONE: Final = {"team", "type", "priority"}
_NAMED: Final = {"field", "tag"}


@dataclass(frozen=True, slots=True)
class Place:
    """A place that holds one label a ticket. `name` is the desk's own name of a field, or how the tags begin."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind

    def of(self, ticket: Ticket, teams: Mapping[str, str]) -> str | None:
        """The label that a ticket has there, None where none; `teams` are the desk's team names by id.

        Of several tags that begin so none is the label, nor is a field of several values.
        """
        match self.kind:
            case "team":
                return teams.get(ticket.team_id, ticket.team_id) if ticket.team_id else None
            case "type":
                return ticket.type or None
            case "priority":
                return None if ticket.priority is Priority.NONE else ticket.priority.value
            case "tag":
                found = [tag.removeprefix(self.name) for tag in ticket.tags if tag.startswith(self.name)]
                return found[0] if len(found) == 1 and found[0] else None
        value = ticket.fields.get(self.name)
        return str(value) if isinstance(value, str | int | float) and value not in {"", False} else None


def place(written: str) -> Place:
    """The place that is written `team`, `type`, `priority`, `field:NAME` or `tag:BEGINNING`. Raises ValueError."""
    kind, _, name = written.partition(":")
    if (kind in _ALONE and not name) or (kind in _NAMED and name):
        return Place(kind, name)
    raise ValueError("is no place of a label; write team, type, priority, field:NAME or tag:BEGINNING")
