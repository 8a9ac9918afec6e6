"""Reads what a ticket body asks for: known names only, checked and coerced, with Zendesk's own rules applied.

Unknown names are ignored in silence, as Zendesk does. What happens when an agent and a group do not match is not
documented; the assumption stands in `_settle_assignment`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.zendesk import errors
from sandbox.zendesk.state import CATEGORIES, Account, Ticket
from sandbox.zendesk.times import unstamp

PRIORITIES = ("low", "normal", "high", "urgent")
TYPES = ("question", "incident", "problem", "task")

_BLANK: dict[str, Any] = {
    "subject": None,
    "type": None,
    "priority": None,
    "status": "new",
    "custom_status_id": None,
    "requester_id": None,
    "assignee_id": None,
    "group_id": None,
    "organization_id": None,
    "external_id": None,
    "problem_id": None,
    "due_at": None,
    "brand_id": None,
    "ticket_form_id": None,
    "tags": [],
}


def blank() -> dict[str, Any]:
    """The fields of a ticket of which nothing is known yet."""
    return _BLANK | {"tags": []}


def read(account: Account, ticket: Ticket | None, given: dict[str, Any]) -> dict[str, Any]:
    """The new values of the fields that `given` names; `ticket` is None for a new one. Raises Refusal."""
    wanted = {name: _READERS.get(name, _as_given)(name, given[name]) for name in _BLANK if name in given}
    _resolve_people(account, wanted, given)
    current = ticket.fields if ticket else blank()
    _settle_status(account, current, wanted)
    _settle_assignment(account, current, wanted)
    _check_outcome(current | wanted)
    return {name: value for name, value in wanted.items() if current[name] != value}


def read_custom_fields(account: Account, given: dict[str, Any]) -> dict[int, Any]:
    """Custom field values by id, from `custom_fields` or its older name `fields`; unknown ids are ignored."""
    rows = given.get("custom_fields") or given.get("fields") or []
    pairs = rows.items() if isinstance(rows, dict) else ((row.get("id"), row.get("value")) for row in rows)
    values = {_number("custom_fields", key): value for key, value in pairs}
    known = {key: value for key, value in values.items() if key in account.fields and account.fields[key].removable}
    for key, value in known.items():
        options = account.fields[key].options
        if options and value not in {None, "", *options}:
            raise errors.invalid(
                str(key), f"{account.fields[key].title}: {value} is not a valid option", "InvalidValue"
            )
    return known


def tag_list(value: Any) -> list[str]:
    """Tags from a list or a space-separated text: lower case, no spaces, each once, in order."""
    words = value.split() if isinstance(value, str) else [str(tag) for tag in value or []]
    return list(dict.fromkeys("_".join(word.lower().split()) for word in words))


def tags_of_fields(account: Account, before: dict[int, Any], after: dict[int, Any], tags: Iterable[str]) -> list[str]:
    """The tags after drop-down fields have added and removed their own."""
    kept = list(tags)
    for key, value in after.items():
        if account.fields[key].type == "tagger":
            kept = [tag for tag in kept if tag != before.get(key)] + ([value] if value else [])
    return list(dict.fromkeys(kept))


def check_stamp(ticket: Ticket, given: dict[str, Any]) -> None:
    """Safe update: refuse where the ticket moved after `updated_stamp`. Raises Refusal."""
    if not given.get("safe_update"):
        return
    seen = unstamp(given.get("updated_stamp"))
    if seen is None:
        raise errors.invalid("updated_stamp", "Updated stamp: an ISO 8601 time is required with safe_update")
    if int(ticket.updated_at) > seen:
        raise errors.conflict()


def _as_given(_: str, value: Any) -> Any:
    return value


def _number(name: str, value: Any) -> int | None:
    if value in (None, "", "0", 0):
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise errors.invalid(name, f"{name}: {value} is not an id", "InvalidValue") from None


def _one_of(choices: tuple[str, ...]) -> Callable[[str, Any], Any]:
    def reader(name: str, value: Any) -> Any:
        if value in (None, ""):
            return None
        if value not in choices:
            raise errors.invalid(name, f"{name.capitalize()}: {value} is not valid", "InvalidValue")
        return value

    return reader


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "status": _one_of(CATEGORIES),
    "priority": _one_of(PRIORITIES),
    "type": _one_of(TYPES),
    "tags": lambda _, value: tag_list(value),
    **{name: _number for name in _BLANK if name.endswith("_id") and name != "external_id"},
}


def _resolve_people(account: Account, wanted: dict[str, Any], given: dict[str, Any]) -> None:
    if email := given.get("assignee_email"):
        agent = account.user_by_email(email)
        if agent is None:
            raise errors.invalid("assignee", "Assignee: is not an agent", "InvalidValue")
        wanted["assignee_id"] = agent.id
    for name, kind in (("assignee_id", "Assignee"), ("requester_id", "Requester")):
        if wanted.get(name) is not None and wanted[name] not in account.users:
            raise errors.invalid(kind.lower(), f"{kind}: {wanted[name]} does not exist", "RecordNotFound")
    if wanted.get("group_id") is not None and wanted["group_id"] not in account.groups:
        raise errors.invalid("group", f"Group: {wanted['group_id']} does not exist", "RecordNotFound")


def _settle_status(account: Account, current: dict[str, Any], wanted: dict[str, Any]) -> None:
    """A custom status brings its category, a plain status its category's default custom status."""
    if wanted.get("custom_status_id") is not None:
        custom = account.statuses.get(wanted["custom_status_id"])
        if custom is None:
            raise errors.invalid("custom_status_id", "Custom status: does not exist", "RecordNotFound")
        wanted["status"] = custom.category
    elif wanted.get("status") and wanted["status"] != current["status"]:
        wanted["custom_status_id"] = account.default_status(wanted["status"])
    if wanted.get("status") == "new" != current["status"]:
        raise errors.invalid("status", "Status: cannot be set back to new", "InvalidValue")


def _settle_assignment(account: Account, current: dict[str, Any], wanted: dict[str, Any]) -> None:
    """An agent brings a group of theirs, a group drops an agent outside it, both together must match [assumed]."""
    if wanted.get("assignee_id") is not None:
        agent = account.users[wanted["assignee_id"]]
        if not agent.is_staff:
            raise errors.invalid("assignee", "Assignee: is not an agent", "InvalidValue")
        if wanted.get("group_id") is not None and wanted["group_id"] not in agent.group_ids:
            raise errors.invalid("assignee", "Assignee: is not a member of the group", "InvalidValue")
        if wanted.get("group_id", current["group_id"]) not in agent.group_ids and agent.group_ids:
            wanted["group_id"] = agent.group_ids[0]
        if (wanted.get("status") or current["status"]) == "new":
            wanted |= {"status": "open", "custom_status_id": account.default_status("open")}
    elif wanted.get("group_id") is not None:
        holder = account.users.get(current["assignee_id"])
        if holder is not None and wanted["group_id"] not in holder.group_ids:
            wanted["assignee_id"] = None


def _check_outcome(outcome: dict[str, Any]) -> None:
    if outcome["status"] == "solved" and outcome["assignee_id"] is None:
        raise errors.invalid("base", "Assignee: is required when solving a ticket", "BlankValue")
