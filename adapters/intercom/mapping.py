"""Intercom's words in ours: pure tables, and the ticket, messages and people that a payload describes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapters.wire import instant, plain, some_id
from bridge.model import (
    Actor,
    ActorKind,
    AgentStatus,
    Attachment,
    Channel,
    Message,
    Organisation,
    Priority,
    Requester,
    Status,
    Ticket,
    TicketRef,
    TicketSummary,
    Visibility,
    owned,
)

Row = Mapping[str, Any]

CONVERSATION: Final = "conversation"
TICKET: Final = "ticket"
"""The two kinds of ticket: different objects with different ids and calls; the id of our reference says which."""

CONVERSATION_STATUS: Final = {"open": Status.OPEN, "snoozed": Status.PENDING, "closed": Status.CLOSED}
"""A conversation's `state`. `open` without admin and team is NEW; a closed one opens again on a reply."""

TICKET_STATUS: Final = {
    "submitted": Status.NEW,
    "in_progress": Status.OPEN,
    "waiting_on_customer": Status.PENDING,
    "resolved": Status.RESOLVED,
}
"""A ticket's `ticket_state.category`; the states within are the account's own. `open: false` is CLOSED."""

TICKET_CATEGORY: Final = {
    **{status: category for category, status in TICKET_STATUS.items()},
    Status.CLOSED: "resolved",
}

PRIORITY: Final = {
    # From version 2.16:
    "none": Priority.NONE,
    "low": Priority.LOW,
    "medium": Priority.NORMAL,
    "high": Priority.HIGH,
    "urgent": Priority.URGENT,
    # Up to version 2.15:
    "not_priority": Priority.NONE,
    "priority": Priority.HIGH,
}
"""Intercom's own priority, and the words read from the attribute that we write in its stead, in any case."""

PRIORITY_LABEL: Final = {
    Priority.NONE: None,
    Priority.LOW: "Low",
    Priority.NORMAL: "Medium",
    Priority.HIGH: "High",
    Priority.URGENT: "Urgent",
}
"""What we write to the attribute of a priority; None empties it. Its options, if it is a list, have these labels."""

CHANNEL: Final = {
    "email": Channel.EMAIL,
    "conversation": Channel.CHAT,
    "messenger": Channel.CHAT,
    "push": Channel.WEB,
    "sms": Channel.SMS,
    "whatsapp": Channel.WHATSAPP,
    "phone_call": Channel.PHONE,
    "phone_switch": Channel.PHONE,
    "facebook": Channel.SOCIAL,
    "instagram": Channel.SOCIAL,
    "twitter": Channel.SOCIAL,
}
"""`source.type` and, from version 2.16, `channel.current`."""

AUTHOR: Final = {
    "user": ActorKind.REQUESTER,
    "lead": ActorKind.REQUESTER,
    "contact": ActorKind.REQUESTER,
    "visitor": ActorKind.REQUESTER,
    "admin": ActorKind.AGENT,
    "bot": ActorKind.BOT,
    "operator": ActorKind.BOT,
    "team": ActorKind.SYSTEM,
}
"""An author's `type`."""

PUBLIC_PARTS: Final = frozenset({"comment", "quick_reply"})
"""The part types that the requester can read; of other parts that carry words, only those of their own making."""

ASSIGNING_PARTS: Final = frozenset({"assignment", "assign_and_reopen"})
"""The part types that tell who was given the conversation or ticket."""

SUBJECT_ATTRIBUTE: Final = "_default_title_"
BODY_ATTRIBUTE: Final = "_default_description_"
"""The two ticket attributes that every account has: a ticket's subject and its first message."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the account calls things: the attributes of priority and type, and the id of the admin that we act as."""

    priority: str | None = None
    type: str | None = None
    acting: str | None = None


def ticket_of(desk: str, item: Row, names: Names, *, complete: bool) -> Ticket:
    """The snapshot in a conversation or a ticket as Intercom sends it, in answers and in webhooks alike."""
    if item.get("type") == TICKET:
        return _ticket(desk, item, names, complete=complete)
    return _conversation(desk, item, names, complete=complete)


def _conversation(desk: str, item: Row, names: Names, *, complete: bool) -> Ticket:
    source = _row(item.get("source"))
    fields = _row(item.get("custom_attributes"))
    priority_raw, priority = _priority(fields, names, item.get("priority"))
    channel_raw = _row(item.get("channel")).get("current") or source.get("type")
    return Ticket(
        ref=TicketRef(desk, f"{CONVERSATION}:{item['id']}"),
        subject=text_of(item.get("title") or source.get("subject")),
        requester=_requester(item, [source, *parts_of(item)]),
        status=conversation_status(item),
        status_raw=item.get("state"),
        priority=priority,
        priority_raw=priority_raw,
        channel=CHANNEL.get(channel_raw or "", Channel.OTHER),
        channel_raw=channel_raw,
        type=_word(fields.get(names.type or "")),
        assignee_id=some_id(item.get("admin_assignee_id")),
        team_id=some_id(item.get("team_assignee_id")),
        tags=_tags(item),
        fields=fields,
        messages=_messages(item, names),
        created_at=instant(item.get("created_at")),
        updated_at=instant(item.get("updated_at")),
        stamp=some_id(item.get("updated_at")),
        complete=complete,
        touched=touched_by(parts_of(item), names),
    )


def _ticket(desk: str, item: Row, names: Names, *, complete: bool) -> Ticket:
    attributes = _row(item.get("ticket_attributes"))
    fields = {name: value for name, value in attributes.items() if name not in {SUBJECT_ATTRIBUTE, BODY_ATTRIBUTE}}
    priority_raw, priority = _priority(fields, names, None)
    state = _row(item.get("ticket_state"))
    return Ticket(
        ref=TicketRef(desk, f"{TICKET}:{item['id']}"),
        subject=text_of(attributes.get(SUBJECT_ATTRIBUTE)),
        requester=_requester(item, parts_of(item)),
        status=ticket_status(item),
        status_raw=state.get("category"),
        status_custom_id=some_id(state.get("id")),
        priority=priority,
        priority_raw=priority_raw,
        type=_word(fields.get(names.type)) if names.type else _row(item.get("ticket_type")).get("name"),
        assignee_id=some_id(item.get("admin_assignee_id")),
        team_id=some_id(item.get("team_assignee_id")),
        tags=_tags(item),
        fields=fields,
        messages=_messages(item, names),
        created_at=instant(item.get("created_at")),
        updated_at=instant(item.get("updated_at")),
        stamp=some_id(item.get("updated_at")),
        complete=complete,
        touched=touched_by(parts_of(item), names),
    )


def summary_of(ticket: Ticket) -> TicketSummary:
    """What a history keeps of a ticket."""
    return TicketSummary(
        ticket.ref, ticket.subject, ticket.status, ticket.assignee_id, ticket.created_at, ticket.updated_at
    )


def conversation_status(item: Row) -> Status:
    """A conversation's status; where nobody has it, it is new."""
    status = CONVERSATION_STATUS.get(str(item.get("state")), Status.UNKNOWN)
    taken = some_id(item.get("admin_assignee_id")) or some_id(item.get("team_assignee_id"))
    return Status.NEW if status is Status.OPEN and not taken else status


def ticket_status(item: Row) -> Status:
    """A ticket's status, by its state's category unless it is closed."""
    if item.get("open") is False:
        return Status.CLOSED
    return TICKET_STATUS.get(str(_row(item.get("ticket_state")).get("category")), Status.UNKNOWN)


def parts_of(item: Row) -> list[Row]:
    """The parts in a conversation or ticket: all of them in a read, the new one in a webhook, none in a search."""
    return _rows(item.get("conversation_parts"), "conversation_parts") or _rows(
        item.get("ticket_parts"), "ticket_parts"
    )


def touched_by(parts: Iterable[Row], names: Names) -> frozenset[str]:
    """What people have assigned by hand, agent or team, also where it was undone since."""
    to = {
        _row(part.get("assigned_to")).get("type")
        for part in parts
        if part.get("part_type") in ASSIGNING_PARTS and actor_of(part, names).kind is ActorKind.AGENT
    }
    return frozenset[str]().union(*(owned(_ASSIGNED[kind]) for kind in to if kind in _ASSIGNED))


_ASSIGNED: Final = {"admin": "assignee", "team": "team"}
"""What of a ticket is set, by who was assigned."""


def opening_of(item: Row) -> Row:
    """What opened a conversation or ticket, as the part it would be.

    A conversation's source stands before the requester's eyes; a ticket's description is the requester's words unless
    the ticket is an internal one.
    """
    opening = _description(item) if item.get("type") == TICKET else {"part_type": "comment", **_row(item.get("source"))}
    return {**opening, "created_at": item.get("created_at")}


def tagging_of(item: Row) -> Row:
    """The newest tag that is on, as the part it would be: without words, by whoever put it there."""
    newest = max(_rows(item.get("tags"), "tags"), key=lambda tag: tag.get("applied_at") or 0, default={})
    return {"author": newest.get("applied_by")}


def message_of(part: Row, names: Names) -> Message | None:
    """The message in a part, None where it carries no words: assignments, state changes and the like."""
    text, attachments = text_of(part.get("body")), _attachments(part)
    if not text and not attachments:
        return None
    author = actor_of(part, names)
    # A reply that opens a closed conversation is a part of type `open`; no contact writes what contacts cannot read.
    public = part.get("part_type") in PUBLIC_PARTS or author.kind is ActorKind.REQUESTER
    return Message(
        id=str(part.get("id")),
        author=author,
        visibility=Visibility.PUBLIC if public else Visibility.PRIVATE,
        text=text,
        created_at=instant(part.get("created_at")),
        attachments=attachments,
    )


def actor_of(part: Row, names: Names) -> Actor:
    """Who made a part. An admin's part is an integration's where it came by the API or from the admin we act as.

    `app_package_code` marks parts made through the API (description, `conversation_part`).
    """
    author = _row(part.get("author"))
    author_id = some_id(author.get("id"))
    kind = AUTHOR.get(str(author.get("type")), ActorKind.UNKNOWN)
    by_api = part.get("app_package_code") or (author_id and author_id == names.acting)
    if kind is ActorKind.AGENT and by_api:
        kind = ActorKind.INTEGRATION
    return Actor(kind, author_id, author.get("name"))


def text_of(body: object) -> str:
    """A body as plain text.

    Whether a body is HTML depends on the call and on the version of the app (plain text in webhooks from 2.15 on). HTML
    from Intercom always starts with a block's tag, so that a plain `a < b` is told from it and left alone. [I]
    """
    text = str(body or "")
    return plain(text) if re.match(r"\s*<[a-zA-Z][^>]*>", text) else text.strip()


def requester_of(contact: Row, companies: list[Row]) -> Requester:
    """A contact with its first company as organisation."""
    return Requester(
        id=str(contact["id"]),
        name=contact.get("name"),
        email=contact.get("email"),
        external_id=contact.get("external_id"),
        locale=contact.get("language_override") or contact.get("browser_language"),
        organisation=next(map(_organisation, companies), None),
        fields=_row(contact.get("custom_attributes")),
        created_at=instant(contact.get("created_at")),
    )


def agent_status(admin: Row) -> AgentStatus:
    """An admin's status. Without a seat in the inbox nothing can be assigned to them, so they count as offline."""
    if admin.get("has_inbox_seat") is False:
        return AgentStatus.OFFLINE
    return AgentStatus.AWAY if admin.get("away_mode_enabled") else AgentStatus.ONLINE


def self_assigning(team: Row) -> str | None:
    """The desk's own routing of a team (`round_robin`, `balanced` and what may come), None where people pick."""
    method = team.get("distribution_method")
    return None if method in {None, "", "manual"} else str(method)


def _priority(fields: Row, names: Names, own: object) -> tuple[str | None, Priority]:
    """Intercom's own priority where somebody set it, since only people can; else the attribute that we write."""
    words = (_word(own), _word(fields.get(names.priority or "")))
    known = [(raw, PRIORITY.get((raw or "").casefold(), Priority.NONE)) for raw in words]
    return next((row for row in known if row[1] is not Priority.NONE), known[0])


def _requester(item: Row, authored: list[Row]) -> Requester | None:
    """The first contact; name and address are only on what they wrote themselves."""
    contacts = _rows(item.get("contacts"), "contacts")
    authors = [_row(part.get("author")) for part in authored]
    theirs = [author for author in authors if AUTHOR.get(str(author.get("type"))) is ActorKind.REQUESTER]
    contact = next(iter(contacts), None) or next(iter(theirs), {})
    contact_id = some_id(contact.get("id"))
    if contact_id is None:
        return None
    known: Row = next((author for author in theirs if some_id(author.get("id")) == contact_id), {})
    return Requester(contact_id, known.get("name"), known.get("email"), some_id(contact.get("external_id")))


def _messages(item: Row, names: Names) -> tuple[Message, ...]:
    found = (message_of(part, names) for part in (opening_of(item), *parts_of(item)))
    return tuple(message for message in found if message is not None)


def _description(item: Row) -> Row:
    contact = next(iter(_rows(item.get("contacts"), "contacts")), {})
    theirs = item.get("category") == "Customer"
    return {
        "id": "description",
        "part_type": "comment" if theirs else None,
        "body": _row(item.get("ticket_attributes")).get(BODY_ATTRIBUTE),
        "author": {**contact, "type": "contact"} if theirs else {},
    }


def _attachments(part: Row) -> tuple[Attachment, ...]:
    found = (row for row in part.get("attachments") or () if isinstance(row, dict))
    return tuple(
        Attachment(str(row.get("name")), row.get("content_type"), row.get("filesize"), row.get("url")) for row in found
    )


def _organisation(company: Row) -> Organisation:
    return Organisation(
        id=str(company["id"]),
        name=company.get("name"),
        fields=_row(company.get("custom_attributes")),
        tags=tuple(sorted(_tags(company))),
    )


def _tags(item: Row) -> frozenset[str]:
    """The tags by name. The description has none on a ticket; they are read where Intercom shows them."""
    return frozenset(str(tag["name"]) for tag in _rows(item.get("tags"), "tags") if tag.get("name"))


def _rows(listed: object, key: str) -> list[Row]:
    """The objects in one of Intercom's lists, `{"type": "….list", key: […]}`."""
    rows = _row(listed).get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _row(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str | None:
    return None if value is None or value == "" else str(value)
