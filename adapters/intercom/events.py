"""What Intercom's webhooks say: the topics in our words, and the events in one notification. Pure."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from adapters.intercom.mapping import (
    CONVERSATION,
    TICKET,
    Names,
    Row,
    actor_of,
    agent_status,
    message_of,
    opening_of,
    parts_of,
    tagging_of,
    ticket_of,
)
from adapters.wire import instant, some_id
from bridge.model import Delivery, Event, EventKind, Ticket, TicketRef

TOPICS: Final[Mapping[str, EventKind]] = {
    "conversation.user.created": EventKind.TICKET_CREATED,
    "conversation.admin.single.created": EventKind.TICKET_CREATED,
    "conversation.user.replied": EventKind.REQUESTER_REPLIED,
    "conversation.admin.replied": EventKind.AGENT_REPLIED,
    "conversation.operator.replied": EventKind.TICKET_CHANGED,  # a bot's words look like an answer and are none
    "conversation.admin.noted": EventKind.NOTE_ADDED,
    "conversation.admin.assigned": EventKind.ASSIGNED,
    "conversation.admin.open.assigned": EventKind.ASSIGNED,
    "conversation.admin.opened": EventKind.STATUS_CHANGED,
    "conversation.admin.closed": EventKind.STATUS_CHANGED,
    "conversation.admin.snoozed": EventKind.STATUS_CHANGED,
    "conversation.admin.unsnoozed": EventKind.STATUS_CHANGED,
    "conversation.priority.updated": EventKind.PRIORITY_CHANGED,
    "conversation.rating.added": EventKind.RATED,
    "conversation.deleted": EventKind.DELETED,
    "conversation_part.tag.created": EventKind.TAGS_CHANGED,
    "conversation.contact.attached": EventKind.TICKET_CHANGED,
    "conversation.contact.detached": EventKind.TICKET_CHANGED,
    "ticket.created": EventKind.TICKET_CREATED,
    "ticket.state.updated": EventKind.STATUS_CHANGED,
    "ticket.closed": EventKind.STATUS_CHANGED,
    "ticket.resolved": EventKind.STATUS_CHANGED,
    "ticket.admin.assigned": EventKind.ASSIGNED,
    "ticket.team.assigned": EventKind.TEAM_CHANGED,
    "ticket.admin.replied": EventKind.AGENT_REPLIED,
    "ticket.contact.replied": EventKind.REQUESTER_REPLIED,
    "ticket.note.created": EventKind.NOTE_ADDED,
    "ticket.attribute.updated": EventKind.FIELDS_CHANGED,
    "ticket.rating.provided": EventKind.RATED,
}
"""The topics about a conversation or a ticket; any other is UNKNOWN."""

AWAY_MODE: Final = "admin.away_mode_updated"
PING: Final = "ping"

WHOLE: Final[Mapping[str, tuple[str, ...]]] = {
    CONVERSATION: ("source", "contacts", "state", "tags"),
    TICKET: ("ticket_attributes", "contacts", "ticket_state"),
}
"""What the item of a created event carries when it carries everything that a decision reads."""

_ODD_SHAPES = (AttributeError, KeyError, TypeError, ValueError, OverflowError, OSError)


def notification(body: bytes) -> Row:
    """The envelope of a delivery, empty where the body is no JSON object."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def event_of(delivery: Delivery, names: Names) -> Event:
    """The one event of a delivery; UNKNOWN where its topic is not ours or its shape is not the one we know."""
    envelope = notification(delivery.body)
    topic = str(envelope.get("topic") or "unreadable")
    try:
        event = _event(delivery.desk, topic, envelope, names)
    except _ODD_SHAPES:
        event = None
    return event or Event(delivery.desk, EventKind.UNKNOWN, topic)


def _event(desk: str, topic: str, envelope: Row, names: Names) -> Event | None:
    item: dict[str, Any] = envelope["data"]["item"]
    at = instant(envelope.get("created_at"))
    if topic == AWAY_MODE:
        return Event(
            desk,
            EventKind.AGENT_CHANGED,
            topic,
            occurred_at=at,
            agent_id=some_id(item["id"]),
            agent_status=agent_status(item),
            version=envelope.get("created_at"),
        )
    if topic not in TOPICS:
        return None
    return replace(_ticket_event(desk, topic, item, names), occurred_at=at)


def _ticket_event(desk: str, topic: str, item: Row, names: Names) -> Event:
    subject = _subject(topic, item)
    part = item.get("ticket_part") or item.get("conversation_part") or next(reversed(parts_of(subject)), None)
    kind = _kind(topic, part or {})
    snapshot = _snapshot(desk, kind, subject, names)
    if part is None and kind is EventKind.TICKET_CREATED:
        part = opening_of(subject)
    if kind is EventKind.TAGS_CHANGED:
        part = tagging_of(subject)  # the part beside it is what was tagged, perhaps long ago and by somebody else
    return Event(
        desk,
        kind,
        topic,
        ticket=TicketRef(desk, f"{subject['type']}:{subject['id']}"),
        actor=actor_of(part or {}, names),
        snapshot=snapshot,
        message=message_of(part, names) if part else None,
    )


def _subject(topic: str, item: Row) -> Row:
    """The conversation or ticket that an item is or, on some topics and versions, nests. Raises KeyError."""
    kind = CONVERSATION if topic.startswith("conversation") else TICKET
    nested = item.get(kind)
    subject = nested if isinstance(nested, dict) else item
    if some_id(subject["id"]) is None or subject.get("type", kind) != kind:
        raise KeyError(kind)
    return {**subject, "type": kind}


def _kind(topic: str, part: Row) -> EventKind:
    """The topic's kind; one topic tells of admins and teams alike, its part says which was assigned."""
    kind = TOPICS[topic]
    to_team = (part.get("assigned_to") or {}).get("type") == "team"
    return EventKind.TEAM_CHANGED if kind is EventKind.ASSIGNED and to_team else kind


def _snapshot(desk: str, kind: EventKind, subject: Row, names: Names) -> Ticket | None:
    """The ticket as the event carries it. Only a new one comes whole; others come with their newest part alone."""
    if "state" not in subject and "ticket_state" not in subject:
        return None
    whole = kind is EventKind.TICKET_CREATED and all(name in subject for name in WHOLE[subject["type"]])
    return ticket_of(desk, subject, names, complete=whole)
