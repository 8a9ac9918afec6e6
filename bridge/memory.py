"""What is remembered of a ticket between decisions, above all what in it belongs to somebody else."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.model import ActorKind, Change, EventKind, Message, Priority, Status, Ticket, Visibility, owned


@dataclass(frozen=True, slots=True)
class Memory:
    """What happened to one ticket so far, as far as the next decision needs it.

    `held` are the fields that somebody other than us set (`assignee`, `team`, `priority`, `status`, `type`,
    `field:<name>`): we never write them again. `refused_tags` are tags somebody took off, `added_tags` tags somebody
    put on. `attempted` is the change of an operation that did not end well: what of it stands at the desk is ours even
    so. `heard` and `heard_at` say how many public messages of the requester the last decision knew (None: all until
    `heard_at`, which were not counted) and when the newest was written. `suggested` is what was last suggested;
    `conflicts` counts decisions that came too late. `past_assignees` (the desk's ids) are those from whom somebody took
    the ticket, `past_tags` what somebody took off, as far as we saw; `remarked` are the rules whose notes and notices
    stand in ours; `called` the webhooks that rules called since the requester's last message (`bridge.callouts.key`);
    `tier` is the support tier that was last decided. `answered` are the notes with commands (`bridge.commands`) whose
    answers stand at the desk, `answering` those that the last decision answers. `wrote` are those fields that
    we have ever set whose changes events tell.
    """

    decided: bool = False
    noted: bool = False
    held: frozenset[str] = frozenset()
    refused_tags: frozenset[str] = frozenset()
    added_tags: frozenset[str] = frozenset()
    attempted: Change | None = None
    heard: int | None = 0
    heard_at: datetime | None = None
    suggested: Change | None = None
    conflicts: int = 0
    event: EventKind = EventKind.TICKET_CREATED
    past_assignees: frozenset[str] = frozenset()
    past_tags: frozenset[str] = frozenset()
    remarked: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()
    tier: str | None = None
    answered: frozenset[str] = frozenset()
    answering: frozenset[str] = frozenset()
    wrote: frozenset[str] = frozenset()


SETTLED = {Status.RESOLVED, Status.CLOSED, Status.DELETED}
"""Statuses of a ticket that needs nobody: its agent has room again, and there is nothing to decide."""

RESTING = {Status.PENDING, Status.ON_HOLD}
"""Statuses of a ticket that waits for its requester or a third party: its agent has room for another meanwhile."""


def seen(
    memory: Memory, known: Ticket | None, now: Ticket, default_priority: Priority, created: Ticket | None = None
) -> Memory:
    """The memory after a whole look at a ticket, `known` being what we knew of it; the rest as `first_sight`."""
    memory = replace(memory, held=memory.held | now.touched)
    if known is None:
        return first_sight(memory, created, now, default_priority)
    return observe(memory, known, now)


def looks_back(memory: Memory, known: Ticket | None, *, queued: bool) -> bool:
    """Whether a look at a ticket must ask for its history too: while it may yet be assigned.

    Who took it and gave it back before we looked leaves no other trace. `queued` says that it is in the router's care.
    """
    return known is None or memory.conflicts > 0 or queued


def observe(memory: Memory, known: Ticket | None, now: Ticket) -> Memory:
    """The memory after seeing a ticket anew: what differs from what we knew was set by somebody else.

    `known` holds our finished writes. A field that is empty now was cleared, which holds it too.
    """
    if known is None:
        return _assigned(memory, now)
    ours = applied(memory.attempted, known) if memory.attempted else known
    moved = {
        name
        for (name, before, after), (_, wished, _) in zip(_compared(known, now), _compared(ours, now), strict=True)
        if after not in (before, wished)
    }
    if now.status in _BY_ITSELF:
        moved.discard("status")
    if "assignee" in moved and now.assignee_id is not None:
        moved |= owned("assignee")
    left = {known.assignee_id} if "assignee" in moved and known.assignee_id else set()
    attempted = memory.attempted or Change()
    removed = known.tags - now.tags - attempted.remove_tags
    added = now.tags - known.tags - attempted.add_tags
    return replace(
        memory,
        held=memory.held | moved,
        refused_tags=memory.refused_tags | removed,
        added_tags=memory.added_tags | added,
        past_assignees=memory.past_assignees | left,
        past_tags=memory.past_tags | removed,
    )


def first_sight(memory: Memory, created: Ticket | None, now: Ticket, default_priority: Priority) -> Memory:
    """The memory after the first look at a ticket, `created` being how it began, where an event told.

    What differs from that was set by somebody. Where nothing tells and the ticket was touched since, whatever is
    filled in may be a person's choice and is left alone; `default_priority` is nobody's.
    """
    if created is not None:
        return observe(_assigned(memory, created), created, now)
    if now.created_at and now.updated_at and now.updated_at - now.created_at < _NOBODY_YET:
        return _assigned(memory, now)
    mine = replace(now, priority=Priority.NONE) if now.priority is default_priority else now
    status = frozenset() if now.status in _BY_ITSELF else frozenset({"status"})
    found = created_by_a_person(_assigned(memory, now), mine)
    return replace(found, held=found.held | status)


_NOBODY_YET = timedelta(seconds=2)
"""How long after its creation a ticket cannot have been read and changed by a person; desks count whole seconds."""


def _assigned(memory: Memory, ticket: Ticket) -> Memory:
    """An assignee found at first sight is somebody's choice, and so is the team they are in."""
    return memory if ticket.assignee_id is None else replace(memory, held=memory.held | owned("assignee"))


_BY_ITSELF = {Status.NEW, Status.OPEN}
"""Statuses that desks set by themselves, when a ticket is assigned or its requester replies: nobody's choice."""


def requester_messages(ticket: Ticket) -> list[Message]:
    """What the requester has said in public, oldest first."""
    return [
        message
        for message in ticket.messages
        if message.author.kind is ActorKind.REQUESTER and message.visibility is Visibility.PUBLIC
    ]


def heard(memory: Memory, ticket: Ticket) -> Memory:
    """The memory of a ticket whose messages have all been considered."""
    said = requester_messages(ticket)
    times = [message.created_at for message in said if message.created_at]
    return replace(memory, heard=len(said), heard_at=max(times, default=memory.heard_at))


def has_news(memory: Memory, ticket: Ticket) -> bool:
    """True where the requester has said something since the last decision.

    The count decides; where a desk shows only the newest messages, the time of the last one does.
    """
    latest = heard(memory, ticket)
    if memory.heard is not None and (latest.heard or 0) > memory.heard:
        return True
    return bool(latest.heard_at and memory.heard_at and latest.heard_at > memory.heard_at + _SAME_MOMENT)


_SAME_MOMENT = timedelta(seconds=2)
"""How far the times of one message may lie apart between an event and a read."""


def told(memory: Memory, by_people: Iterable[EventKind], by_somebody: Iterable[EventKind] = ()) -> Memory:
    """The memory after events: what people set is theirs, also where another put it back before we looked.

    An event `by_somebody` may be of our own write; of a field that we never wrote it is not.
    """
    theirs = {_SET[kind] for kind in by_people if kind in _SET}
    theirs |= {_SET[kind] for kind in by_somebody if kind in _SET} - memory.wrote
    return replace(memory, held=memory.held.union(*map(owned, theirs)))


def sent(memory: Memory, change: Change) -> Memory:
    """The memory once a change was written, or may have been in part."""
    wishes = {"assignee": change.assignee_id, "team": change.team_id, "priority": change.priority}
    return replace(memory, wrote=memory.wrote | {name for name, wish in wishes.items() if wish is not None})


_SET: Mapping[EventKind, str] = {
    EventKind.ASSIGNED: "assignee",
    EventKind.TEAM_CHANGED: "team",
    EventKind.PRIORITY_CHANGED: "priority",
}
"""What was set, by the kind of an event; as `observe` finds by comparing."""


def created_by_a_person(memory: Memory, ticket: Ticket) -> Memory:
    """The memory of a ticket that an agent wrote by hand: whatever they filled in is theirs."""
    blank = Ticket(ticket.ref, "", None, ticket.status)
    filled = {name for name, before, after in _compared(blank, ticket) if before != after}
    return replace(memory, held=memory.held | filled)


def left_to_people(ticket: Ticket) -> Memory:
    """The memory of a ticket that people worked on before we came: what they did and heard is done and theirs.

    Its messages need not have been read: only later ones are news.
    """
    return created_by_a_person(
        observe(Memory(decided=True, heard=None, heard_at=ticket.updated_at), None, ticket), ticket
    )


def applied(change: Change, ticket: Ticket) -> Ticket:
    """The ticket as it is once a change is written; what it does not touch stays."""
    return replace(
        ticket,
        assignee_id=ticket.assignee_id if change.assignee_id is None else change.assignee_id or None,
        team_id=ticket.team_id if change.team_id is None else change.team_id or None,
        status=change.status or ticket.status,
        priority=change.priority or ticket.priority,
        type=change.type or ticket.type,
        tags=(ticket.tags | change.add_tags) - change.remove_tags,
        fields={**ticket.fields, **change.fields},
    )


def _compared(before: Ticket, after: Ticket) -> Iterator[tuple[str, object, object]]:
    yield "assignee", before.assignee_id, after.assignee_id
    yield "team", before.team_id, after.team_id
    yield "priority", before.priority, after.priority
    yield "status", before.status, after.status
    yield "type", before.type, after.type
    for name in sorted(after.fields):
        yield f"field:{name}", before.fields.get(name), after.fields[name]
