"""Freshdesk's values and objects in common words: commented tables, and pure functions that read its JSON by them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from adapters.wire import instant, plain, some_id
from bridge.model import (
    Actor,
    ActorKind,
    AgentRecord,
    AgentStatus,
    Attachment,
    Channel,
    Message,
    Organisation,
    Priority,
    Requester,
    Status,
    TeamRecord,
    Ticket,
    TicketRef,
    TicketSummary,
    Visibility,
)

Row = Mapping[str, Any]
"""One JSON object as the vendor sends it."""

OPEN: Final = 2

STATUSES: Final[Mapping[int, Status]] = {
    OPEN: Status.OPEN,  # NEW while nobody is responsible
    3: Status.PENDING,
    4: Status.RESOLVED,
    5: Status.CLOSED,  # a person may reopen it; we never do
    # The set-up of a new account; an account that changed them says so in `status_map`.
    6: Status.PENDING,  # "Waiting on Customer"
    7: Status.ON_HOLD,  # "Waiting on Third Party"
}

PRIORITIES: Final[Mapping[int, Priority]] = {1: Priority.LOW, 2: Priority.NORMAL, 3: Priority.HIGH, 4: Priority.URGENT}

OUTBOUND_EMAIL: Final = 10

CHANNELS: Final[Mapping[int, Channel]] = {
    # 1, 2, 3, 7, 9 and 10 are the API reference's; 5, 6 and 11 come from recorded fixtures of third parties.
    1: Channel.EMAIL,
    2: Channel.WEB,  # the portal, and what the API creates without a source
    3: Channel.PHONE,
    5: Channel.SOCIAL,
    6: Channel.SOCIAL,
    7: Channel.CHAT,
    9: Channel.WEB,  # the feedback widget
    OUTBOUND_EMAIL: Channel.EMAIL,
    11: Channel.COMMERCE,
}

COMPANY_FACTS: Final = ("account_tier", "health_score", "renewal_date", "industry")
"""Standard fields of a company that a policy may want beside the account's own."""

TICKET_CHANNELS: Final = ("freshdesk", "email queue")
"""The channels of an agent's availability that stand for tickets, the better first; lower case."""

OLD_SELF_ASSIGNING: Final[Mapping[int, str]] = {1: "round robin", 2: "skill based", 3: "load based", 12: "Omniroute"}
"""`auto_ticket_assign` of `GET /groups`; 0 is off."""


def number(value: object) -> int | None:
    """A whole number, also where it came as text; None where it is none."""
    try:
        return int(str(value))
    except ValueError:
        return None


def text_or_none(value: object) -> str | None:
    """A value as text; None and blank are None."""
    return None if value is None or value == "" else str(value)


def ticket(
    ref: TicketRef, row: Row, statuses: Mapping[int, Status], *, base: str, talk: Iterable[Row] | None
) -> Ticket:
    """The ticket of a ticket object; `talk` its conversations, None where they were not read (then not complete)."""
    status, priority, source = (number(row.get(name)) for name in ("status", "priority", "source"))
    return Ticket(
        ref=ref,
        subject=str(row.get("subject") or ""),
        requester=_requester_of(row),
        status=_status(row, statuses),
        status_raw=text_or_none(row.get("status")),
        status_custom_id=str(status) if status is not None and status > 5 else None,
        priority=PRIORITIES.get(priority or 0, Priority.NONE),
        priority_raw=text_or_none(row.get("priority")),
        channel=CHANNELS.get(source or 0, Channel.OTHER),
        channel_raw=text_or_none(row.get("source")),
        type=text_or_none(row.get("type")),
        assignee_id=some_id(row.get("responder_id")),
        team_id=some_id(row.get("group_id")),
        tags=frozenset(map(str, row.get("tags") or ())),
        fields=dict(row.get("custom_fields") or {}),
        messages=_messages(row, talk or ()),
        created_at=instant(row.get("created_at")),
        updated_at=instant(row.get("updated_at")),
        stamp=text_or_none(row.get("updated_at")),
        url=f"{base}/a/tickets/{ref.id}",
        complete=talk is not None,
    )


def summary(desk: str, row: Row, statuses: Mapping[int, Status]) -> TicketSummary:
    """One ticket of a requester's history."""
    return TicketSummary(
        ref=TicketRef(desk, str(row["id"])),
        subject=str(row.get("subject") or ""),
        status=_status(row, statuses),
        assignee_id=some_id(row.get("responder_id")),
        created_at=instant(row.get("created_at")),
        updated_at=instant(row.get("updated_at")),
    )


def _status(row: Row, statuses: Mapping[int, Status]) -> Status:
    if row.get("deleted") or row.get("spam"):  # both are in the bin, out of every view of an agent
        return Status.DELETED
    status = number(row.get("status"))
    if status == OPEN and some_id(row.get("responder_id")) is None:
        return Status.NEW
    return statuses.get(status or 0, Status.UNKNOWN)


def _requester_of(row: Row) -> Requester | None:
    """The requester as far as the ticket says: the id, and with `include=requester,company` who they are."""
    inside, company = row.get("requester") or {}, row.get("company") or {}
    id_ = some_id(row.get("requester_id") or inside.get("id"))
    company_id = some_id(row.get("company_id") or company.get("id"))
    if id_ is None:
        return None
    return Requester(
        id=id_,
        name=text_or_none(inside.get("name")),
        email=text_or_none(inside.get("email")),
        organisation=Organisation(company_id, text_or_none(company.get("name"))) if company_id else None,
    )


def requester(row: Row, company: Row | None) -> Requester:
    """A contact with the company it belongs to, None where it belongs to none."""
    return Requester(
        id=str(row["id"]),
        name=text_or_none(row.get("name")),
        email=text_or_none(row.get("email")),
        external_id=text_or_none(row.get("unique_external_id")),
        locale=text_or_none(row.get("language")),
        organisation=_organisation(company) if company else None,
        fields=dict(row.get("custom_fields") or {}),
        created_at=instant(row.get("created_at")),
    )


def _organisation(row: Row) -> Organisation:
    standard = {name: row[name] for name in COMPANY_FACTS if row.get(name) is not None}
    own = dict(row.get("custom_fields") or {})
    return Organisation(id=str(row["id"]), name=text_or_none(row.get("name")), fields=standard | own)


def _messages(row: Row, talk: Iterable[Row]) -> tuple[Message, ...]:
    """The description, which Freshdesk keeps apart, and the conversation after it, oldest first."""
    asker = some_id(row.get("requester_id"))
    first = [_description(row, asker)] if "description" in row or "description_text" in row else []
    rest = [_message(entry, asker) for entry in talk]
    return (
        *first,
        *sorted(rest, key=lambda said: (said.created_at is not None, said.created_at, number(said.id) or 0)),
    )


def _description(row: Row, asker: str | None) -> Message:
    by_us = number(row.get("source")) == OUTBOUND_EMAIL  # an agent wrote first, the requester is who they wrote to
    return Message(
        id="description",
        author=Actor(ActorKind.AGENT) if by_us else Actor(ActorKind.REQUESTER, asker),
        visibility=Visibility.PUBLIC,
        text=_text(row, "description"),
        created_at=instant(row.get("created_at")),
        attachments=_attachments(row),
    )


def _message(entry: Row, asker: str | None) -> Message:
    """One conversation entry; `private` is inverted against other desks, and absent it counts as private."""
    author = some_id(entry.get("user_id"))
    asked = entry.get("incoming") is True or (author is not None and author == asker)
    return Message(
        id=str(entry["id"]),
        author=Actor(ActorKind.REQUESTER if asked else ActorKind.AGENT, author),
        visibility=Visibility.PUBLIC if entry.get("private") is False else Visibility.PRIVATE,
        text=_text(entry, "body"),
        created_at=instant(entry.get("created_at")),
        attachments=_attachments(entry),
    )


def _text(row: Row, name: str) -> str:
    """The vendor's plain text where it sends one, else that of its HTML."""
    return str(row.get(f"{name}_text") or "").strip() or plain(row.get(name))


def _attachments(row: Row) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            name=str(one.get("name") or ""),
            content_type=text_or_none(one.get("content_type")),
            size=number(one.get("size")),
            url=text_or_none(one.get("attachment_url")),
        )
        for one in row.get("attachments") or ()
    )


def agent(row: Row, availability: Row | None) -> AgentRecord:
    """An agent, with status and load by their availability, None where the plan or our credential hides it."""
    contact = row.get("contact") or {}
    channel = _ticket_channel(availability or {})
    return AgentRecord(
        id=str(row["id"]),
        name=str(contact.get("name") or contact.get("email") or row["id"]),
        email=text_or_none(contact.get("email")),
        team_ids=tuple(map(str, row.get("group_ids") or ())),
        status=_agent_status(channel) if channel else _guessed(row),
        load=number(channel.get("current_assignment_load", channel.get("load"))) if channel else None,
        limit=number(channel.get("assignment_limit", channel.get("limit"))) if channel else None,
        inferred=channel is None,
    )


def _ticket_channel(availability: Row) -> Row | None:
    """The channel that stands for tickets, out of `channel_availability` or the older `channels` (name to values)."""
    channels = [row for row in availability.get("channel_availability") or () if isinstance(row, Mapping)]
    older = availability.get("channels") or {}
    channels += [{"channel": name, **row} for name, row in older.items() if isinstance(row, Mapping)]
    named = {str(row.get("channel")).lower(): row for row in reversed(channels)}
    return next((named[name] for name in TICKET_CHANNELS if name in named), channels[0] if channels else None)


def _agent_status(channel: Row) -> AgentStatus:
    """Logged in and available is online, logged in or paused is away; the older shape has one word, `status`."""
    if "status" in channel and "available" not in channel:
        return _WORDS.get(str(channel["status"]).lower(), AgentStatus.UNKNOWN)
    if channel.get("available") and not channel.get("pause_assignment"):
        return AgentStatus.ONLINE if channel.get("logged_in", True) else AgentStatus.OFFLINE
    return AgentStatus.AWAY if channel.get("logged_in") else AgentStatus.OFFLINE


_WORDS: Final[Mapping[str, AgentStatus]] = {
    "available": AgentStatus.ONLINE,
    "online": AgentStatus.ONLINE,
    "busy": AgentStatus.AWAY,
    "away": AgentStatus.AWAY,
    "unavailable": AgentStatus.AWAY,
    "offline": AgentStatus.OFFLINE,
}


def _guessed(row: Row) -> AgentStatus:
    """By the agent's own switch, which groups without automatic assignment do not show: a guess, marked as one."""
    switch = row.get("available")
    return AgentStatus.UNKNOWN if switch is None else AgentStatus.ONLINE if switch else AgentStatus.AWAY


def team(row: Row) -> TeamRecord:
    """A group; where Freshdesk assigns its tickets by itself, by which method."""
    return TeamRecord(str(row["id"]), str(row.get("name") or row["id"]), self_assigning=_self_assigning(row))


def _self_assigning(row: Row) -> str | None:
    newer = row.get("automatic_agent_assignment")
    if isinstance(newer, Mapping):
        return f"Freshdesk automatic assignment ({newer.get('type')})" if newer.get("enabled") else None
    older = number(row.get("auto_ticket_assign")) or 0
    return f"Freshdesk automatic assignment ({OLD_SELF_ASSIGNING.get(older, older)})" if older else None
