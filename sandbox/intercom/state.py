"""Conversations, tickets and admins as the control face shows them."""

from typing import Any

from sandbox.intercom.account import Workspace
from sandbox.intercom.edits import PRIORITY_ATTRIBUTE
from sandbox.intercom.inbox import names, ref
from sandbox.intercom.model import Conversation, Part, Ticket


def render_tickets(space: Workspace) -> list[dict[str, Any]]:
    """Every conversation and ticket as the control face shows it."""
    items: list[Conversation | Ticket] = [*space.conversations.values(), *space.tickets.values()]
    return [_shown(space, item) for item in sorted(items, key=lambda item: int(item.id))]


def render_agents(space: Workspace) -> list[dict[str, Any]]:
    """Every admin as the control face shows it; the load is what is open and not snoozed."""
    items = (*space.conversations.values(), *space.tickets.values())
    held = [item.admin_id for item in items if item.open and not item.snoozed_until]
    return [
        {"id": a.id, "email": a.email, "status": "away" if a.away else "online", "load": held.count(a.id)}
        for a in space.admins.values()
    ]


def _shown(space: Workspace, item: Conversation | Ticket) -> dict[str, Any]:
    assignee, team = space.admins.get(item.admin_id or ""), space.teams.get(item.team_id or "")
    words = [part for part in item.parts if part.body]
    return {
        "id": ref(item),
        "kind": item.kind,
        "subject": _subject(item),
        "status": _status(item),
        "priority": _priority(item),
        "assignee": assignee.email if assignee else None,
        "team": team.name if team else None,
        "tags": names(item),
        "fields": item.attributes,
        "notes": [_note(part) for part in words if part.part_type == "note"],
        "replies": [_opening(item)] + [_reply(part) for part in words if part.part_type != "note"],
        "requester": item.contact.email,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
    }


def _subject(item: Conversation | Ticket) -> str:
    if isinstance(item, Ticket):
        return str(item.attributes.get("_default_title_") or "")
    return item.title or item.subject


def _status(item: Conversation | Ticket) -> str:
    if isinstance(item, Ticket):
        return item.state.category if item.open else "closed"
    return item.state


def _priority(item: Conversation | Ticket) -> str:
    own = item.priority if isinstance(item, Conversation) else "none"
    return own if own != "none" else str(item.attributes.get(PRIORITY_ATTRIBUTE) or "none").lower()


def _note(part: Part) -> dict[str, Any]:
    return {"id": part.id, "body": part.body, "author": part.author.email, "at": part.at}


def _reply(part: Part) -> dict[str, Any]:
    kind = {"admin": "agent", "user": "requester", "bot": "system"}[part.author.type]
    return _note(part) | {"author_kind": kind, "public": True}


def _opening(item: Conversation | Ticket) -> dict[str, Any]:
    part_id, body = item.id, str(item.attributes.get("_default_description_") or "")
    if isinstance(item, Conversation):
        part_id, body = item.source_id, item.body
    who = {"author": item.contact.email, "author_kind": "requester", "at": item.created_at, "public": True}
    return {"id": part_id, "body": body} | who
