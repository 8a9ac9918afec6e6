"""A change in Intercom's calls: which steps say it, in which order, and what each step expects to find. Pure.

A step that writes fields carries `want` and `expect`, both by the names of `Ticket` (and `fields` by attribute), so
that the same comparison finds a human's newer edit before the write and our own effect after an unclear one. Steps
that compare come first and in one run, because the answer to one stands in for the read before the next. What people
had `touched` when it was planned is in it, too: who takes a conversation and lets it go leaves the fields as they were.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from adapters.intercom.mapping import PRIORITY_LABEL, TICKET, TICKET_CATEGORY, Names
from bridge.errors import Unsupported
from bridge.model import Change, Operation, Status, Step, Ticket, TicketRef

TEAM: Final = "team"
ADMIN: Final = "admin"
STATE: Final = "state"
ATTRIBUTES: Final = "attributes"
UPDATE: Final = "update"
TAG: Final = "tag"
UNTAG: Final = "untag"
NOTE: Final = "note"

HOLDER_STEP: Final[Mapping[str, str]] = {"team_id": TEAM, "assignee_id": ADMIN}
"""The step that gives a conversation to a team or to an admin, by the field that it writes."""

STATE_OF: Final[Mapping[Status, str]] = {Status.OPEN: "open", Status.PENDING: "snoozed", Status.CLOSED: "closed"}
"""The states that a conversation can be brought to. New is open in nobody's hands, which assignments say."""

Data = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Wish:
    """A change beside the ticket that it is for, and the account's own names."""

    change: Change
    ticket: Ticket
    names: Names

    def holders(self) -> dict[str, tuple[str | None, str | None]]:
        """By field, who has the ticket and who shall have it (None: nobody); the team first, lest it move the admin."""
        wanted = {"team_id": self.change.team_id, "assignee_id": self.change.assignee_id}
        read: dict[str, str | None] = {field: getattr(self.ticket, field) for field in wanted}
        return {field: (read[field], read[field] if to is None else to or None) for field, to in wanted.items()}

    def attributes(self) -> dict[str, object]:
        """The attributes to write, priority and type among them, without those that hold already."""
        wanted = dict(self.change.fields)
        if self.change.priority is not None and self.change.priority != self.ticket.priority:
            wanted[self._attribute("priority")] = PRIORITY_LABEL[self.change.priority]
        if self.change.type not in {None, self.ticket.type}:
            wanted[self._attribute("type")] = self.change.type
        return {name: value for name, value in wanted.items() if self.ticket.fields.get(name) != value}

    def _attribute(self, what: str) -> str:
        name: str | None = getattr(self.names, what)
        if name is None:
            raise Unsupported(f"Intercom has no {what} to write: define an attribute and set {what}_attribute to it")
        return name

    def state(self) -> str | None:
        """The conversation state to bring about, None where it holds. Raises Unsupported."""
        status = self.change.status
        if status in {None, self.ticket.status}:
            return None
        wanted = STATE_OF.get(status or Status.UNKNOWN)
        if wanted is None:
            raise Unsupported(f"an Intercom conversation cannot be {status}: it is open, pending or closed")
        return None if wanted == self.ticket.status_raw else wanted

    def category(self) -> Status | None:
        """The ticket status to bring about, None where it holds. Raises Unsupported."""
        status = self.change.status
        if status in {None, self.ticket.status}:
            return None
        if status not in TICKET_CATEGORY:
            raise Unsupported(f"an Intercom ticket cannot be {status}: it is new, open, pending, resolved or closed")
        return status

    def tags(self) -> Iterator[tuple[str, str]]:
        """Step and tag of what is to add and to remove; a tag's case does not count at Intercom.

        A ticket often does not show its tags: where it shows none, none can be ruled out, and removing is asked for.
        """
        present = {tag.casefold() for tag in self.ticket.tags}
        hidden = kind_of(self.ticket.ref) == TICKET and not present
        yield from ((TAG, tag) for tag in sorted(self.change.add_tags) if tag.casefold() not in present)
        gone = (tag for tag in sorted(self.change.remove_tags) if hidden or tag.casefold() in present)
        yield from ((UNTAG, tag) for tag in gone)


def plan(operation_id: str, change: Change, ticket: Ticket, names: Names, *, wake_at: int) -> Operation:
    """The fewest calls that say the change; `wake_at` (unix seconds) ends a snooze. Raises Unsupported."""
    if change.tell:
        raise Unsupported("Intercom's API sends a note to nobody by name")
    if change.summary is not None:
        raise Unsupported("Intercom has no summary that a program may replace")
    wish = _Wish(change, ticket, names)
    fields = _ticket_steps(wish) if kind_of(ticket.ref) == TICKET else _conversation_steps(wish, wake_at)
    known: Data = {"touched": sorted(ticket.touched)} if ticket.touched else {}
    tags: Iterator[tuple[str, Data]] = ((name, {"tag": tag}) for name, tag in wish.tags())
    rows = [*((name, {**data, **known}) for name, data in fields), *tags]
    if change.note is not None:
        rows.append((NOTE, {"body": f"{change.note}<p><i>Deskbridge ref {escape(operation_id)}</i></p>"}))
    steps = tuple(Step(name, ticket.ref, operation_id, data) for name, data in rows)
    return Operation(operation_id, ticket.ref, change, steps)


def kind_of(ref: TicketRef) -> str:
    """The part of a reference that says conversation or ticket."""
    return ref.id.partition(":")[0]


def differing(ticket: Ticket, values: Mapping[str, object]) -> list[str]:
    """The names of the fields, and of the attributes under `fields`, in which a ticket is not as the values say."""
    named = {name: getattr(ticket, name) for name in values if name != "fields"}
    attributes = values.get("fields")
    wrong = [name for name, value in named.items() if value != values[name]]
    if isinstance(attributes, Mapping):
        wrong += [name for name, value in attributes.items() if ticket.fields.get(name) != value]
    return wrong


def part(step: Step, name: str) -> Mapping[str, Any]:
    """`want` or `expect` of a step that writes fields."""
    values = step.data[name]
    assert isinstance(values, Mapping)
    return values


def _conversation_steps(wish: _Wish, wake_at: int) -> Iterator[tuple[str, Data]]:
    """Who has it, its state, its attributes. It is opened first: giving a closed one to somebody opens it by the way,
    which is refused as a conflict, for whoever closed it meant it."""
    ticket, state = wish.ticket, wish.state()
    states = [] if state is None else [(STATE, _to_state(ticket, state, wake_at))]
    yield from states if state == STATE_OF[Status.OPEN] else ()
    for field, (has, shall) in wish.holders().items():
        if has != shall:
            yield HOLDER_STEP[field], {"want": {field: shall}, "expect": {field: has}}
    yield from states if state != STATE_OF[Status.OPEN] else ()
    attributes = wish.attributes()
    if attributes:
        yield ATTRIBUTES, {"want": {"fields": attributes}, "expect": {"fields": _as_read(ticket, attributes)}}


def _to_state(ticket: Ticket, state: str, wake_at: int) -> Data:
    data: Data = {"want": {"status_raw": state}, "expect": {"status_raw": ticket.status_raw}}
    return {**data, "wake_at": wake_at} if state == STATE_OF[Status.PENDING] else data


def _ticket_steps(wish: _Wish) -> Iterator[tuple[str, Data]]:
    """One update, more where both holders change: a ticket's update has one `assignee_id` for either."""
    ticket, updates, status, attributes = wish.ticket, _handovers(wish), wish.category(), wish.attributes()
    if not updates and (status or attributes):
        updates.append(({}, {}))
    if status:
        updates[-1][0]["status"] = str(status)
        updates[-1][1].update(status=str(ticket.status), status_custom_id=ticket.status_custom_id)
    if attributes:
        updates[-1][0]["fields"] = attributes
        updates[-1][1]["fields"] = _as_read(ticket, attributes)
    for want, expect in updates:
        yield UPDATE, {"want": want, "expect": expect}


def _handovers(wish: _Wish) -> list[tuple[Data, Data]]:
    """What to want and to expect of each update that changes who has a ticket.

    Taking a ticket from its team or its admin may take it from both [I: `assignee_id` "0" does not say from whom], so
    whoever shall keep it is given it again; where they still have it, that step finds nothing to do.
    """
    holders = wish.holders()
    dropped: Data = {field: None for field, (has, shall) in holders.items() if has and not shall}
    if not dropped:
        return [({field: shall}, {field: has}) for field, (has, shall) in holders.items() if has != shall]
    updates: list[tuple[Data, Data]] = [(dropped, {field: has for field, (has, _) in holders.items()})]
    updates += [({field: shall}, dict(dropped)) for field, (_, shall) in holders.items() if shall]
    return updates


def _as_read(ticket: Ticket, attributes: Mapping[str, object]) -> dict[str, object]:
    return {name: ticket.fields.get(name) for name in attributes}
