"""Turns one finished action into Zendesk's event envelopes: one per changed aspect, all of one sequence.

Shapes after Zendesk's ticket and agent event references (schema of 2022-11-06). Pitfalls kept on purpose: every id in
`detail` is a string, what is absent is "", enums are UPPERCASE, `via.channel` has other names than in REST.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.zendesk.engine import Act
from sandbox.zendesk.state import ACCOUNT_ID, CHANNEL, STATUSES, Account, Ticket, User
from sandbox.zendesk.times import event_time, stamp

TICKET = "zen:event-type:ticket."
AGENT = "zen:event-type:agent."

CHANNELS = {"api": "web_service", "email": "mail", "web": "web_form", "chat": "native_messaging", "phone": "phone_call"}
"""REST name of a channel to the name in events; others are the same."""

CHANGED = {
    "status": "status_changed",
    "priority": "priority_changed",
    "type": "type_changed",
    "subject": "subject_changed",
    "assignee_id": "agent_assignment_changed",
    "group_id": "group_assignment_changed",
    "requester_id": "requester_changed",
    "organization_id": "organization_changed",
    "external_id": "external_id_changed",
    "problem_id": "problem_link_changed",
    "due_at": "task_due_at_changed",
    "brand_id": "brand_changed",
    "ticket_form_id": "form_changed",
}
_UPPERCASE = {"status", "priority", "type"}


@dataclass(frozen=True)
class Event:
    """One event: the topic, the ticket it is about (None for agents), and the envelope to send."""

    topic: str
    ticket: str | None
    envelope: dict[str, Any]


def of_ticket(account: Account, act: Act) -> list[Event]:
    """All events of one action, numbered from 1 within one sequence; the first event of a ticket stands alone."""
    aspects = [("created", {})] if act.created else list(_aspects(account, act))
    sequence = f"{account.chance.getrandbits(128):032X}"
    detail = ticket_detail(act.ticket, act.actor)
    events = []
    for position, (name, body) in enumerate(aspects, 1):
        numbered: dict[str, Any] = {"id": sequence, "position": position}
        numbered |= {"total": 1} if act.created else {}
        envelope = _envelope(account, TICKET + name, f"zen:ticket:{act.ticket.id}", act.audit.created_at)
        envelope |= {"detail": detail, "event": body | {"meta": {"sequence": numbered}}}
        events.append(Event(TICKET + name, str(act.ticket.id), envelope))
    return events


def of_status(account: Account, agent: User, previous: str, now: float) -> list[Event]:
    """An agent went online, away or offline: on the channel, and in the unified status."""
    body = {"updated_at": event_time(now), "previous_state": previous, "new_state": agent.status, "channel": CHANNEL}
    unified = {
        "new_unified_state": _unified(agent.status),
        "previous_unified_state": _unified(previous),
        "updated_at": event_time(now),
    }
    return [
        _agent_event(account, agent, "state_changed", body, now),
        _agent_event(account, agent, "unified_state_changed", unified, now),
    ]


def of_work_item(account: Account, agent: User, ticket: Ticket, now: float, *, added: bool) -> Event:
    """A ticket began or ceased to count against an agent's capacity."""
    reason = "ACCEPTED" if added else "WORK_ITEM_SOLVED" if ticket["status"] == "solved" else "REASSIGNED"
    body = {"work_item_id": str(ticket.id), "channel": CHANNEL, "reason": reason, "updated_at": event_time(now)}
    return _agent_event(account, agent, "work_item_added" if added else "work_item_removed", body, now)


def ticket_detail(ticket: Ticket, actor: User) -> dict[str, Any]:
    """The `detail` of every ticket event."""
    return {
        "actor_id": str(actor.id),
        "assignee_id": _text(ticket["assignee_id"]),
        "brand_id": _text(ticket["brand_id"]),
        "created_at": stamp(ticket.created_at),
        "custom_status": _text(ticket["custom_status_id"]),
        "description": ticket.description,
        "external_id": _text(ticket["external_id"]),
        "form_id": _text(ticket["ticket_form_id"]),
        "group_id": _text(ticket["group_id"]),
        "id": str(ticket.id),
        "is_public": ticket.is_public,
        "organization_id": _text(ticket["organization_id"]),
        "priority": _text(ticket["priority"]).upper(),
        "requester_id": _text(ticket["requester_id"]),
        "status": "DELETED" if ticket.deleted else ticket["status"].upper(),
        "subject": _text(ticket["subject"]),
        "submitter_id": str(ticket.submitter_id),
        "tags": list(ticket["tags"]),
        "type": _text(ticket["type"]).upper(),
        "updated_at": stamp(ticket.updated_at),
        "via": {"channel": CHANNELS.get(ticket.channel, ticket.channel)},
    }


def _aspects(account: Account, act: Act) -> Iterator[tuple[str, dict[str, Any]]]:
    if act.comment:
        yield "comment_added", {"comment": _comment(account, act)}
    for name, (before, after) in act.changes.items():
        if name in CHANGED:
            yield CHANGED[name], {"current": _value(name, after), "previous": _value(name, before)}
    if "tags" in act.changes:
        yield "tags_changed", _tags(*act.changes["tags"])
    if _custom_status_moved(account, act):
        before, after = act.changes["custom_status_id"]
        yield "custom_status_changed", {"current": _text(after), "previous": _text(before)}
    for key, (before, after) in act.custom_changes.items():
        field = {"id": str(key), "title": account.fields[key].title, "type": account.fields[key].type}
        yield (
            "custom_field_changed",
            {"custom_field": field, "current": {"value": after}, "previous": {"value": before}},
        )
    if act.merged_into is not None:
        yield "merged", {"target_ticket_id": str(act.merged_into)}
    if act.deleted:
        yield "soft_deleted", {}


def _custom_status_moved(account: Account, act: Act) -> bool:
    """Moves among default statuses are told as status_changed alone [assumed]."""
    return any(
        value is not None and not account.statuses[value].default for value in act.changes.get("custom_status_id", ())
    )


def _comment(account: Account, act: Act) -> dict[str, Any]:
    comment = act.comment
    assert comment is not None
    author = account.users[comment.author_id]
    return {
        "id": str(comment.id),
        "body": comment.body,
        "is_public": comment.public,
        "author": {"id": str(author.id), "is_staff": author.is_staff, "name": author.name},
    }


def _tags(before: list[str], after: list[str]) -> dict[str, Any]:
    return {
        "tags_added": [tag for tag in after if tag not in before],
        "tags_removed": [tag for tag in before if tag not in after],
    }


def _value(name: str, value: Any) -> str:
    return _text(value).upper() if name in _UPPERCASE else _text(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _unified(status: str) -> dict[str, Any]:
    reason = "AGENT_LOGOUT" if status == "offline" else "AGENT_LOGIN"
    return {"id": str(STATUSES[status]), "name": status.capitalize(), "reason": reason}


def _agent_event(account: Account, agent: User, name: str, body: dict[str, Any], now: float) -> Event:
    agent.version += 1
    envelope = _envelope(account, AGENT + name, f"zen:agent:{agent.id}", now) | {"id": account.ulid()}
    detail = {"account_id": str(ACCOUNT_ID), "agent_id": str(agent.id), "version": str(agent.version)}
    return Event(AGENT + name, None, envelope | {"detail": detail, "event": body})


def _envelope(account: Account, kind: str, subject: str, now: float) -> dict[str, Any]:
    return {
        "account_id": ACCOUNT_ID,
        "id": account.uuid(),
        "subject": subject,
        "time": event_time(now),
        "type": kind,
        "zendesk_event_version": "2022-11-06",
    }
