"""The agents' screens as the control face drives them: an edit becomes an update, a ticket becomes its shared shape."""

from typing import Any

from sandbox.common import ControlError
from sandbox.zendesk.state import Account, Comment, Ticket, User

COMMON_STATUS = {"on_hold": "hold", "resolved": "solved"}
"""The common words that Zendesk calls otherwise."""


def agent(account: Account, email: str) -> User:
    """The agent with this address. Raises ControlError."""
    found = account.user_by_email(email)
    if found is None or not found.is_staff:
        raise ControlError(f"there is no agent {email}; GET /_sandbox/state lists them", 404)
    return found


def edit(account: Account, ticket: Ticket, editor: User, changes: dict[str, Any]) -> dict[str, Any]:
    """The body of an update that says what an agent changed (see AgentEdit). Raises ControlError."""
    given: dict[str, Any] = {}
    if "status" in changes:
        given["status"] = COMMON_STATUS.get(changes["status"], changes["status"])
    if "priority" in changes:
        given["priority"] = None if changes["priority"] == "none" else changes["priority"]
    if "assignee" in changes:
        given["assignee_id"] = agent(account, changes["assignee"]).id if changes["assignee"] else None
    elif given.get("status") == "solved" and ticket["assignee_id"] is None:
        given["assignee_id"] = editor.id  # the agent screen does that by itself
    if "team" in changes:
        given["group_id"] = _group(account, changes["team"]) if changes["team"] else None
    gone = changes.get("remove_tags") or []
    given["tags"] = [tag for tag in ticket["tags"] if tag not in gone] + (changes.get("add_tags") or [])
    return given | {"custom_fields": _fields(account, changes.get("fields") or {})}


def ticket(account: Account, shown: Ticket) -> dict[str, Any]:
    """A ticket in the shape of the control face."""
    assignee, group = account.users.get(shown["assignee_id"]), account.groups.get(shown["group_id"])
    return {
        "id": str(shown.id),
        "kind": "ticket",
        "subject": shown["subject"],
        "status": "deleted" if shown.deleted else shown["status"],
        "priority": shown["priority"],
        "type": shown["type"],
        "assignee": assignee.email if assignee else None,
        "team": group.name if group else None,
        "tags": list(shown["tags"]),
        "fields": {account.fields[key].title: value for key, value in shown.custom_fields.items()},
        "notes": [_said(account, comment) for comment in shown.comments if not comment.public],
        "replies": [_said(account, comment) for comment in shown.comments if comment.public],
        "requester": account.users[shown["requester_id"]].email,
        "created_at": shown.created_at,
        "updated_at": shown.updated_at,
    }


def _group(account: Account, name: str) -> int:
    found = next((group.id for group in account.groups.values() if group.name == name), None)
    if found is None:
        names = ", ".join(group.name for group in account.groups.values())
        raise ControlError(f"there is no team {name}; there are {names}", 404)
    return found


def _fields(account: Account, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Fields may be named by their id or their title."""
    ids = {field.title: field.id for field in account.fields.values()}
    return [{"id": ids.get(name, name), "value": value} for name, value in values.items()]


def _said(account: Account, comment: Comment) -> dict[str, Any]:
    author = account.users[comment.author_id]
    staff = "integration" if author is account.bridge else "agent"
    return {
        "id": str(comment.id),
        "body": comment.body,
        "author": author.email,
        "author_kind": staff if author.is_staff else "requester",
        "at": comment.created_at,
        "public": comment.public,
    }
