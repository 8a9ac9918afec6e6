"""Zendesk's triggers: conditions on a finished action, and the placeholders of a webhook's body.

Only the action `notification_webhook` is played, and a trigger all of whose conditions are known here. The other usual
ones (`STORED_ACTIONS`, `STORED_CONDITIONS`) are kept as an account has them, without effect; anything else is refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.zendesk import errors
from sandbox.zendesk.engine import Act
from sandbox.zendesk.state import Account, Ticket, User
from sandbox.zendesk.times import stamp

BODY_MAX = 16_000
"""Characters of a trigger's webhook body."""


@dataclass(eq=False)
class Trigger:
    """A business rule: `fields` as its API shows them."""

    id: int
    fields: dict[str, Any]
    created_at: float
    updated_at: float


def read_trigger(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a trigger from its API body. Raises Refusal."""
    actions = given.get("actions") or []
    if not given.get("title") or not actions:
        raise errors.invalid("base", "Title and actions: cannot be blank", "BlankValue")
    for action in actions:
        _check_action(action)
    conditions = given.get("conditions") or {}
    rows = {kind: list(conditions.get(kind) or []) for kind in ("all", "any")}
    for row in rows["all"] + rows["any"]:
        if not _plays(row) and not _is(row.get("field"), STORED_CONDITIONS):
            raise errors.invalid("conditions", f"Conditions: {row} is not known to this sandbox", "InvalidValue")
    return {
        "title": given["title"],
        "description": given.get("description"),
        "active": bool(given.get("active", True)),
        "position": int(given.get("position") or 0),
        "conditions": rows,
        "actions": list(actions),
        "category_id": given.get("category_id"),
    }


def _check_action(action: dict[str, Any]) -> None:
    value = action.get("value")
    if _is(action.get("field"), STORED_ACTIONS):
        return
    if action.get("field") != "notification_webhook" or not isinstance(value, list) or len(value) != 2:
        words = (
            'Actions: this sandbox knows {"field": "notification_webhook", "value": ["<webhook id>", "<body>"]} only'
        )
        raise errors.invalid("actions", words, "InvalidValue")
    if len(value[1]) > BODY_MAX:
        raise errors.invalid("actions", f"Actions: body is too long (maximum is {BODY_MAX} characters)", "TooLong")


STORED_ACTIONS = (
    *("status", "priority", "type", "group_id", "assignee_id", "set_tags", "current_tags", "remove_tags", "cc"),
    *("notification_user", "notification_group", "notification_target", "satisfaction_score", "custom_fields_"),
)
"""Actions that are kept and not played; one that ends in "_" is the beginning of several."""

STORED_CONDITIONS = (
    *("status", "priority", "type", "group_id", "assignee_id", "current_tags", "comment_is_public", "role", "via_id"),
    *("subject_includes_word", "description_includes_word", "comment_includes_word", "requester_id", "brand_id"),
    *("organization_id", "satisfaction_score", "in_business_hours", "locale_id", "ticket_form_id", "custom_fields_"),
)
"""Conditions that may be kept without being played, with whatever operator."""


def _is(field: Any, known: tuple[str, ...]) -> bool:
    return any(field == one or (one.endswith("_") and str(field).startswith(one)) for one in known)


def _plays(row: dict[str, Any]) -> bool:
    return row.get("field") in _ASPECTS and row.get("operator") in _OPERATORS


_ASPECTS: dict[str, Callable[[Act], Any]] = {
    "update_type": lambda act: "Create" if act.created else "Change",
    "status": lambda act: act.ticket["status"],
    "priority": lambda act: act.ticket["priority"],
    "type": lambda act: act.ticket["type"],
    "group_id": lambda act: str(act.ticket["group_id"] or ""),
    "assignee_id": lambda act: str(act.ticket["assignee_id"] or ""),
    "current_tags": lambda act: " ".join(act.ticket["tags"]),
    "comment_is_public": lambda act: act.comment is not None and act.comment.public,
    "role": lambda act: "agent" if act.actor.is_staff else "end_user",
    "current_user": lambda act: str(act.actor.id),
}
"""What a condition may look at. `current_user` compares with a user id."""


def _same(row: dict[str, Any], act: Act) -> bool:
    return str(_ASPECTS[row["field"]](act) or "").lower() == str(row.get("value") or "").lower()


_OPERATORS: dict[str, Callable[[dict[str, Any], Act], bool]] = {
    "is": _same,
    "is_not": lambda row, act: not _same(row, act),
    "changed": lambda row, act: row["field"] in act.changes,
    "not_changed": lambda row, act: row["field"] not in act.changes,
    "includes": lambda row, act: bool(set(str(row["value"]).split()) & set(act.ticket["tags"])),
    "not_includes": lambda row, act: not set(str(row["value"]).split()) & set(act.ticket["tags"]),
}


def meets(conditions: dict[str, list[dict[str, Any]]], act: Act) -> bool:
    """True where all of `all` and, if there are any, one of `any` hold; never where one is kept only."""
    if not all(map(_plays, (row for rows in conditions.values() for row in rows))):
        return False
    verdicts = {kind: [_OPERATORS[row["operator"]](row, act) for row in rows] for kind, rows in conditions.items()}
    return all(verdicts["all"]) and (any(verdicts["any"]) or not verdicts["any"])


_PLACEHOLDER = re.compile(r"\{\{\s*([a-z_.]+)\s*\}\}")


def fill(template: str, account: Account, ticket: Ticket, actor: User) -> str:
    """The body of a trigger's webhook; unknown placeholders become "", and free text is not escaped (a real trap)."""
    group = account.groups.get(ticket["group_id"])
    assignee = account.users.get(ticket["assignee_id"])
    values = {
        "ticket.id": ticket.id,
        "ticket.title": ticket["subject"] or "",
        "ticket.status": ticket["status"].capitalize(),
        "ticket.priority": (ticket["priority"] or "").capitalize(),
        "ticket.tags": " ".join(ticket["tags"]),
        "ticket.group.name": group.name if group else "",
        "ticket.assignee.email": assignee.email if assignee else "",
        "ticket.requester.email": account.users[ticket["requester_id"]].email,
        "ticket.latest_comment": ticket.comments[-1].body if ticket.comments else "",
        "ticket.updated_at_with_timestamp": stamp(ticket.updated_at),
        "current_user.id": actor.id,
        "current_user.name": actor.name,
    }
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], "")), template)
