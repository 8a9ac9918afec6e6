"""Zendesk's words and ours: pure tables, and the ticket, message and people that its JSON describes.

REST writes lower-case enums and integer ids; events write UPPERCASE enums and ids as text, with "", "0" or null for
none. Every function here reads both. Source: Zendesk's ticket reference and event reference (version 2022-11-06).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from adapters.wire import instant, plain, some_id
from bridge.model import (
    Actor,
    ActorKind,
    AgentStatus,
    Attachment,
    Channel,
    EventKind,
    Message,
    Organisation,
    Priority,
    Requester,
    Status,
    Ticket,
    TicketRef,
    TicketSummary,
    Visibility,
)

Json = Mapping[str, Any]

STATUSES: Final[dict[str, Status]] = {
    "new": Status.NEW,
    "open": Status.OPEN,
    "pending": Status.PENDING,
    "hold": Status.ON_HOLD,
    "solved": Status.RESOLVED,
    "closed": Status.CLOSED,
    "deleted": Status.DELETED,  # this and the next two: events and the incremental export only
    "archived": Status.DELETED,
    "scrubbed": Status.DELETED,
}
WRITABLE_STATUSES: Final[dict[Status, str]] = {
    status: raw for raw, status in STATUSES.items() if status is not Status.DELETED
}

PRIORITIES: Final[dict[str, Priority]] = {
    "low": Priority.LOW,
    "normal": Priority.NORMAL,
    "high": Priority.HIGH,
    "urgent": Priority.URGENT,
}
WRITABLE_PRIORITIES: Final[dict[Priority, str]] = {priority: raw for raw, priority in PRIORITIES.items()}

TYPES: Final = frozenset({"question", "incident", "problem", "task"})

CHANNELS: Final[dict[str, Channel]] = {
    "email": Channel.EMAIL,
    "mail": Channel.EMAIL,  # the event's word
    "web": Channel.WEB,
    "web_form": Channel.WEB,  # the event's word
    "chat": Channel.CHAT,
    "native_messaging": Channel.CHAT,
    "messaging": Channel.CHAT,
    "voice": Channel.PHONE,
    "phone": Channel.PHONE,
    "sms": Channel.SMS,
    "whatsapp": Channel.WHATSAPP,
    "twitter": Channel.SOCIAL,
    "facebook": Channel.SOCIAL,
    "instagram_dm": Channel.SOCIAL,
    "any_channel": Channel.SOCIAL,
    "api": Channel.API,
    "web_service": Channel.API,  # the event's word
}
WITHOUT_FIELDS: Final = frozenset(
    {Channel.EMAIL, Channel.PHONE, Channel.SMS, Channel.WHATSAPP, Channel.SOCIAL, Channel.CHAT}
)
"""Channels whose new tickets bring no custom field values: `ticket.created`, which leaves those out, is complete."""

TICKET_EVENTS: Final[dict[str, EventKind]] = {
    "created": EventKind.TICKET_CREATED,
    "agent_assignment_changed": EventKind.ASSIGNED,
    "group_assignment_changed": EventKind.TEAM_CHANGED,
    "status_changed": EventKind.STATUS_CHANGED,
    "custom_status_changed": EventKind.STATUS_CHANGED,
    "priority_changed": EventKind.PRIORITY_CHANGED,
    "tags_changed": EventKind.TAGS_CHANGED,
    "custom_field_changed": EventKind.FIELDS_CHANGED,
    "form_changed": EventKind.FIELDS_CHANGED,
    "merged": EventKind.MERGED,
    "soft_deleted": EventKind.DELETED,
    "permanently_deleted": EventKind.DELETED,
    "marked_as_spam": EventKind.DELETED,
} | dict.fromkeys(
    (
        "attachment_linked_to_comment",
        "attachment_redacted_from_comment",
        "brand_changed",
        "comment_made_private",
        "comment_redacted",
        "description_changed",
        "email_ccs_changed",
        "external_id_changed",
        "followers_changed",
        "ola_policy_changed",
        "organization_changed",
        "problem_link_changed",
        "requester_changed",
        "schedule_changed",
        "sla_policy_changed",
        "subject_changed",
        "submitter_changed",
        "task_due_at_changed",
        "type_changed",
        "undeleted",
    ),
    EventKind.TICKET_CHANGED,
)
"""By the part after `zen:event-type:ticket.`; `comment_added` is read from the comment (see webhook.py)."""

AGENT_EVENTS: Final = frozenset(
    {
        "state_changed",
        "unified_state_changed",
        "work_item_added",
        "work_item_updated",
        "work_item_removed",
        "max_capacity_changed",
        "channel_created",
        "channel_deleted",
        "groups_updated",
    }
)
"""By the part after `zen:event-type:agent.`."""

TRIGGER_KINDS: Final[dict[str, EventKind]] = {
    "ticket.created": EventKind.TICKET_CREATED,
    "ticket.updated": EventKind.TICKET_CHANGED,
}
"""`kind` in the trigger body that our documentation recommends (ids only, no free text)."""

AGENT_STATUSES: Final[dict[str, AgentStatus]] = {
    "online": AgentStatus.ONLINE,
    "3": AgentStatus.ONLINE,
    "away": AgentStatus.AWAY,
    "4": AgentStatus.AWAY,
    "transfers only": AgentStatus.AWAY,
    "transfers_only": AgentStatus.AWAY,
    "5": AgentStatus.AWAY,
    "offline": AgentStatus.OFFLINE,
    "2": AgentStatus.OFFLINE,
}
"""By the name in lower case or by Zendesk's fixed id; a status that the account invented counts as away."""

SYSTEM_ACTOR: Final = "-1"


def listing(value: object) -> list[Any]:
    """A JSON list, or nothing where the vendor sent something else."""
    return value if isinstance(value, list) else []


def mapping(value: object) -> Json:
    """A JSON object, or nothing where the vendor sent something else."""
    return value if isinstance(value, dict) else {}


def word(value: object) -> str | None:
    """An enum as REST writes it: lower case, None for nothing."""
    text = some_id(value)
    return text.lower() if text else None


def tags(value: object) -> frozenset[str]:
    """Tags from a list or, as some events send them, from one text with blanks between."""
    return frozenset(value.split() if isinstance(value, str) else map(str, listing(value)))


def agent_status(value: object) -> AgentStatus:
    """An agent's status from its name, its id, or the object of both."""
    if isinstance(value, dict):
        known = [AGENT_STATUSES.get(str(value.get(key)).lower()) for key in ("id", "name")]
        return next(filter(None, known), AgentStatus.AWAY)
    text = word(value)
    return AGENT_STATUSES.get(text, AgentStatus.AWAY) if text else AgentStatus.UNKNOWN


def public(value: object) -> Visibility:
    """Public only where the vendor says so in as many words."""
    return Visibility.PUBLIC if value is True or value == "true" else Visibility.PRIVATE


def actor(user_id: object, *, requester_id: object = None, staff: bool | None = None) -> Actor:
    """Who acted. `staff` where the vendor says it; a user is the requester where the ids agree."""
    known = some_id(user_id)
    if known is None:
        return Actor()
    if known == SYSTEM_ACTOR:
        return Actor(ActorKind.SYSTEM, known)
    if known == some_id(requester_id) or staff is False:
        return Actor(ActorKind.REQUESTER, known)
    return Actor(ActorKind.AGENT if staff else ActorKind.UNKNOWN, known)


def _common(given: Json) -> dict[str, Any]:
    """What a ticket of REST and the `detail` of an event say under the same names."""
    status, priority = word(given.get("status")), word(given.get("priority"))
    channel = word(mapping(given.get("via")).get("channel"))
    return {
        "subject": str(given.get("subject") or ""),
        "status": STATUSES.get(status or "", Status.UNKNOWN),
        "status_raw": status,
        "priority": PRIORITIES.get(priority or "", Priority.NONE),
        "priority_raw": priority,
        "channel": CHANNELS.get(channel or "", Channel.OTHER),
        "channel_raw": channel,
        "type": word(given.get("type")),
        "assignee_id": some_id(given.get("assignee_id")),
        "team_id": some_id(given.get("group_id")),
        "tags": tags(given.get("tags")),
        "created_at": instant(given.get("created_at")),
        "updated_at": instant(given.get("updated_at")),
        "stamp": some_id(given.get("updated_at")),
    }


def ticket_of_rest(desk: str, base: str, given: Json, *, beside: Json | None = None, **more: Any) -> Ticket:
    """A REST ticket; `beside` is what was sideloaded (users, organizations), `more` overrides (messages, complete)."""
    ref = TicketRef(desk, str(given["id"]))
    fields = {str(field["id"]): field.get("value") for field in listing(given.get("custom_fields"))}
    return Ticket(
        ref=ref,
        requester=_requester_of(given, beside or {}),
        status_custom_id=some_id(given.get("custom_status_id")),
        fields={key: value for key, value in fields.items() if value is not None},
        url=f"{base}/agent/tickets/{ref.id}",
        **_common(given) | more,
    )


def _requester_of(given: Json, beside: Json) -> Requester | None:
    requester_id, organisation_id = some_id(given.get("requester_id")), some_id(given.get("organization_id"))
    if requester_id is None:
        return None
    company = _by_id(beside.get("organizations"), organisation_id)
    return requester(
        _by_id(beside.get("users"), requester_id) or {"id": requester_id}, organisation(company) if company else None
    )


def _by_id(items: object, wanted: str | None) -> Json | None:
    return next((item for item in listing(items) if wanted and some_id(item.get("id")) == wanted), None)


def ticket_of_event(desk: str, base: str, detail: Json, **more: Any) -> Ticket:
    """The ticket as the `detail` of an event shows it: never its fields, and its words only when it is new."""
    ref = TicketRef(desk, str(detail["id"]))
    requester_id = some_id(detail.get("requester_id"))
    return Ticket(
        ref=ref,
        requester=Requester(requester_id) if requester_id else None,
        status_custom_id=some_id(detail.get("custom_status")),
        url=f"{base}/agent/tickets/{ref.id}",
        **_common(detail) | more,
    )


def message(given: Json, *, author: Actor) -> Message:
    """A comment of REST (`public`) or of an event (`is_public`); silence means private."""
    said = given.get("html_body") or given.get("plain_body") or given.get("body")
    return Message(
        id=str(given.get("id") or ""),
        author=author,
        visibility=public(given.get("public", given.get("is_public"))),
        text=plain(str(said)) if said else "",
        created_at=instant(given.get("created_at")),
        attachments=tuple(_attachment(item) for item in listing(given.get("attachments"))),
    )


def _attachment(given: Json) -> Attachment:
    return Attachment(
        name=str(given.get("file_name") or ""),
        content_type=given.get("content_type"),
        size=given.get("size"),
        url=given.get("content_url"),
    )


def conversation(comments: Iterable[Json], users: Iterable[Json], requester_id: str | None) -> tuple[Message, ...]:
    """Comments oldest first, each author a customer or staff by the role of the sideloaded user."""
    roles = {some_id(user.get("id")): user.get("role") for user in users}
    told = sorted(comments, key=lambda comment: (str(comment.get("created_at")), int(comment.get("id") or 0)))
    return tuple(message(comment, author=_author(comment.get("author_id"), roles, requester_id)) for comment in told)


def _author(user_id: object, roles: Mapping[str | None, object], requester_id: str | None) -> Actor:
    role = roles.get(some_id(user_id))
    return actor(user_id, requester_id=requester_id, staff=None if role is None else role != "end-user")


def requester(user: Json, organisation: Organisation | None = None) -> Requester:
    """A user of REST as a customer."""
    return Requester(
        id=str(user["id"]),
        name=user.get("name"),
        email=user.get("email"),
        external_id=some_id(user.get("external_id")),
        locale=user.get("locale"),
        organisation=organisation,
        fields=dict(mapping(user.get("user_fields"))),
        created_at=instant(user.get("created_at")),
    )


def organisation(given: Json) -> Organisation:
    """An organisation of REST, its custom fields by their keys."""
    return Organisation(
        id=str(given["id"]),
        name=given.get("name"),
        fields=dict(mapping(given.get("organization_fields"))),
        tags=tuple(sorted(tags(given.get("tags")))),
    )


def organisations(given: Iterable[Json]) -> dict[str, Organisation]:
    """Organisations of REST by their ids."""
    return {each.id: each for each in map(organisation, given)}


def summary(desk: str, given: Json) -> TicketSummary:
    """A REST ticket as one line of a requester's history."""
    common = _common(given)
    kept = ("subject", "status", "assignee_id", "created_at", "updated_at")
    return TicketSummary(ref=TicketRef(desk, str(given["id"])), **{name: common[name] for name in kept})
