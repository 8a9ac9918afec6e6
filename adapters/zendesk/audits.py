"""What a ticket's audits tell: which update was ours, and what people have changed; pure."""

from collections.abc import Iterable, Mapping
from typing import Final

from adapters.wire import some_id
from adapters.zendesk import plan
from adapters.zendesk.mapping import Json, listing, mapping
from bridge.model import owned

SYSTEM: Final = "-1"
"""The author of what Zendesk does by itself."""

_FIELDS: Final[Mapping[str, str]] = {
    "assignee_id": "assignee",
    "group_id": "team",
    "priority": "priority",
    "type": "type",
}
"""By an event's field, what of a ticket it changes."""


def marker(audit: Json) -> object:
    """The id of the operation whose update an audit is of, None where it is none of ours."""
    return mapping(mapping(mapping(audit.get("metadata")).get("custom")).get(plan.METADATA)).get("op")


def touched(audits: Iterable[Json], requester_id: str | None) -> frozenset[str]:
    """What somebody changed who is neither we, nor the requester, nor Zendesk itself; also where it was undone since.

    What a ticket was created with is no change.
    """
    nobody = {requester_id, SYSTEM, None}
    changed = {
        str(event.get("field_name"))
        for audit in audits
        if marker(audit) is None and some_id(audit.get("author_id")) not in nobody
        for event in listing(audit.get("events"))
        if event.get("type") == "Change"
    }
    return frozenset[str]().union(*(owned(_FIELDS[name]) for name in changed if name in _FIELDS))
