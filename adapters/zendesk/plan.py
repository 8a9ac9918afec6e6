"""A change as the one PUT that Zendesk needs for it; pure.

`safe_update` with the stamp that we read makes the whole PUT conditional: whoever changed the ticket since, wins. That
is what makes it safe to send the full list of tags, the only form of tags that a PUT takes.
"""

from typing import Any

from adapters.zendesk.mapping import TYPES, WRITABLE_PRIORITIES, WRITABLE_STATUSES
from bridge.errors import Unsupported
from bridge.model import Change, Operation, Priority, Status, Step, Ticket

UPDATE = "update"
"""The only kind of step: its `data` is {"ticket": what to PUT}."""

METADATA = "deskbridge"
"""Our place in an update's metadata; audits show it under `metadata.custom`."""


def plan(operation_id: str, change: Change, ticket: Ticket) -> Operation:
    """The operation, with no step where the ticket already is what the change wants. Raises Unsupported."""
    changes = _fields(change, ticket)
    if change.tell:
        raise Unsupported(
            "Zendesk sends a note to nobody by name; its own triggers tell the assignee and the followers"
        )
    if change.summary is not None:
        raise Unsupported("Zendesk has no summary that a program may replace")
    if change.note is not None:
        changes["comment"] = {"html_body": change.note, "public": False}
    steps = (Step(UPDATE, ticket.ref, operation_id, {"ticket": _guarded(changes, operation_id, ticket)}),)
    return Operation(operation_id, ticket.ref, change, steps if changes else ())


def _guarded(changes: dict[str, Any], operation_id: str, ticket: Ticket) -> dict[str, Any]:
    if changes and ticket.is_final:
        raise Unsupported(f"ticket {ticket.ref} is {ticket.status}: Zendesk lets nobody change it; open a follow-up")
    if changes and not (ticket.complete and ticket.stamp):
        raise Unsupported(f"ticket {ticket.ref} is known in part only; fetch it, for a plan writes whole lists")
    metadata = {METADATA: {"op": operation_id}}
    return changes | {"metadata": metadata, "safe_update": True, "updated_stamp": ticket.stamp}


def _fields(change: Change, ticket: Ticket) -> dict[str, Any]:
    """What the PUT changes beside the note, each only where the ticket is not so already."""
    return _hands(change, ticket) | _words(change, ticket) | _tags(change, ticket) | _custom(change, ticket)


def _hands(change: Change, ticket: Ticket) -> dict[str, Any]:
    """Assignee and group, always together where a group is wanted: Zendesk refuses an agent outside the group."""
    wanted = {"assignee_id": change.assignee_id, "group_id": change.team_id}
    present = {"assignee_id": ticket.assignee_id, "group_id": ticket.team_id}
    if all(value is None or (value or None) == present[name] for name, value in wanted.items()):
        return {}
    return {name: _number(value) for name, value in wanted.items() if value is not None}


def _words(change: Change, ticket: Ticket) -> dict[str, Any]:
    """Status, priority and type. A custom status stays as long as the status it belongs to does."""
    changes: dict[str, Any] = {}
    if change.status is not None and change.status is not ticket.status:
        changes["status"] = _status(change.status)
    if change.priority is not None and change.priority is not ticket.priority:
        changes["priority"] = _priority(change.priority)
    if change.type is not None and change.type != ticket.type:
        changes["type"] = _type(change.type)
    return changes


def _status(status: Status) -> str:
    if status is Status.NEW:
        raise Unsupported("Zendesk makes no ticket new again once it was opened")
    if status not in WRITABLE_STATUSES:
        raise Unsupported(f"Zendesk has no status {status.value!r} to put a ticket in")
    return WRITABLE_STATUSES[status]


def _priority(priority: Priority) -> str:
    if priority not in WRITABLE_PRIORITIES:
        raise Unsupported("Zendesk takes no priority away; choose low, normal, high or urgent")
    return WRITABLE_PRIORITIES[priority]


def _type(kind: str) -> str:
    if kind not in TYPES:
        raise Unsupported(f"Zendesk has no ticket type {kind!r}; it has {', '.join(sorted(TYPES))}")
    return kind


def _tags(change: Change, ticket: Ticket) -> dict[str, Any]:
    wanted = (ticket.tags | change.add_tags) - change.remove_tags
    if spaced := sorted(tag for tag in change.add_tags if len(tag.split()) != 1):
        raise Unsupported(f"Zendesk splits tags at blanks; write {spaced[0]!r} with underscores")
    return {} if wanted == ticket.tags else {"tags": sorted(wanted)}


def _custom(change: Change, ticket: Ticket) -> dict[str, Any]:
    if named := sorted(key for key in change.fields if not key.isdecimal()):
        raise Unsupported(f"Zendesk knows custom fields by number, not as {named[0]!r}; bind the name to a field id")
    new = {key: value for key, value in change.fields.items() if ticket.fields.get(key) != value}
    return {"custom_fields": [{"id": int(key), "value": value} for key, value in new.items()]} if new else {}


def _number(some: str) -> int | None:
    """An id as Zendesk wants it; the empty text of NOBODY takes the assignee away."""
    if some and not some.isdecimal():
        raise Unsupported(f"Zendesk's ids are numbers, not {some!r}; bind the name to an id")
    return int(some) if some else None
