"""How a change becomes Freshdesk's PUT body: the values that differ, checked against what the ticket is by then."""

from collections.abc import Mapping
from typing import Any, Final

from adapters.freshdesk.mapping import PRIORITIES, Row, number
from adapters.wire import some_id
from bridge.errors import Conflict, Unsupported
from bridge.model import Change, Priority, Status, Ticket

Values = dict[str, Any]
"""Ticket fields in Freshdesk's names and values; a custom field's name starts with `CUSTOM`."""

CUSTOM: Final = "custom_fields."


def update(change: Change, ticket: Ticket, statuses: Mapping[int, Status]) -> Values | None:
    """The data of an update step, None where the ticket is so already.

    `set` holds the values to write, `expect` the present ones of the same fields, `add_tags` and `remove_tags` what
    is missing or too much now. Raises Unsupported for what Freshdesk cannot express.
    """
    wanted = _wanted(change, ticket, statuses)
    present = _present(ticket, wanted)
    wanted = {name: value for name, value in wanted.items() if not same(value, present[name])}
    data = {
        "set": wanted,
        "expect": {name: present[name] for name in wanted},
        "add_tags": sorted(change.add_tags - change.remove_tags - ticket.tags),
        "remove_tags": sorted(change.remove_tags & ticket.tags),
    }
    return data if wanted or data["add_tags"] or data["remove_tags"] else None


def body(data: Row, now: Ticket) -> Values:
    """The PUT body that makes the ticket as it is now into what the step wants, empty where it is so already.

    Raises Conflict where a field to be written is neither what it was when we decided nor what we want, and where the
    ticket lies in the bin or in spam by now.
    """
    if now.status is Status.DELETED:
        raise Conflict("the ticket was deleted or marked as spam since the decision")
    present = _present(now, data["set"])
    left = {name: value for name, value in data["set"].items() if not same(value, present[name])}
    for name in left:
        if not same(present[name], data["expect"][name]):
            raise Conflict(f"{name} was changed by somebody else since the decision")
    tags = (now.tags | set(data["add_tags"])) - set(data["remove_tags"])
    return _nested(left) | ({"tags": sorted(tags)} if tags != now.tags else {})


def done(data: Row, now: Ticket) -> bool:
    """Whether the ticket is all that the step wanted of it."""
    present = _present(now, data["set"])
    values = all(same(value, present[name]) for name, value in data["set"].items())
    return values and now.tags.issuperset(data["add_tags"]) and now.tags.isdisjoint(data["remove_tags"])


def same(one: object, other: object) -> bool:
    """Whether Freshdesk holds two values for equal: blank is null, and a number field answers text with a number."""
    return _canonical(one) == _canonical(other)


def _canonical(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _wanted(change: Change, ticket: Ticket, statuses: Mapping[int, Status]) -> Values:
    wanted: Values = {f"{CUSTOM}{name}": value for name, value in change.fields.items()}
    if change.assignee_id is not None:
        wanted["responder_id"] = _id("agent", change.assignee_id)
    if change.team_id is not None:
        wanted["group_id"] = _id("group", change.team_id)
    if change.type is not None:
        wanted["type"] = change.type
    return wanted | _status(change.status, ticket, statuses) | _priority(change.priority, ticket)


def _status(wish: Status | None, ticket: Ticket, statuses: Mapping[int, Status]) -> Values:
    """The status to write: none where the present one already means the wish, or nothing that we know."""
    if wish is None:
        return {}
    wish = Status.OPEN if wish is Status.NEW else wish  # new is open with nobody responsible, not a value of its own
    code = next((code for code, status in statuses.items() if status is wish), None)
    if code is None:
        raise Unsupported(f"Freshdesk has no status that means {wish}: name one of the account's own in `status_map`")
    present = statuses.get(number(ticket.status_raw) or 0)
    return {} if present in {None, wish} else {"status": code}


def _priority(wish: Priority | None, ticket: Ticket) -> Values:
    """The priority to write: none where the present one is not of the four that Freshdesk documents."""
    if wish is None:
        return {}
    code = next((code for code, priority in PRIORITIES.items() if priority is wish), None)
    if code is None:
        raise Unsupported("Freshdesk has no empty priority: use low, its lowest")
    return {} if number(ticket.priority_raw) not in {None, *PRIORITIES} else {"priority": code}


def _id(what: str, text: str) -> int | None:
    """An id as Freshdesk wants it; blank takes the ticket out of everybody's hands."""
    known = some_id(text)
    if known is not None and number(known) is None:
        raise Unsupported(f"{text!r} is no {what} of Freshdesk: its ids are whole numbers")
    return number(known)


def _present(ticket: Ticket, names: Mapping[str, object]) -> Values:
    """What the ticket holds now in the named fields."""
    standard = {
        "responder_id": number(ticket.assignee_id),
        "group_id": number(ticket.team_id),
        "status": number(ticket.status_raw),
        "priority": number(ticket.priority_raw),
        "type": ticket.type,
    }
    own = {f"{CUSTOM}{name}": value for name, value in ticket.fields.items()}
    return {name: standard.get(name, own.get(name)) for name in names}


def _nested(values: Values) -> Values:
    own = {name.removeprefix(CUSTOM): value for name, value in values.items() if name.startswith(CUSTOM)}
    plain = {name: value for name, value in values.items() if not name.startswith(CUSTOM)}
    return plain | ({"custom_fields": own} if own else {})
