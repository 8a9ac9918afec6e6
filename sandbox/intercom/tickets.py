"""What can happen to a ticket: opened, answered, moved through its states, assigned, given attributes."""

from collections.abc import Callable
from typing import Any

from sandbox.common.history import History
from sandbox.intercom.account import Workspace
from sandbox.intercom.inbox import BOT, Actor, Inbox, Tell
from sandbox.intercom.model import Contact, Part, Ticket, TicketState, TicketType
from sandbox.intercom.text import paragraphs
from sandbox.intercom.versions import Version


class Tickets(Inbox):
    """Every change of a ticket, with its part, its record and its topic."""

    def __init__(
        self, space: Workspace, history: History, clock: Callable[[], float], tell: Tell, version: Version
    ) -> None:
        super().__init__(space, history, clock, tell)
        self.version = version
        """Of the app: before 2.15 the topic `ticket.closed` told that a ticket was resolved."""

    def open(self, contact: Contact, kind: TicketType, attributes: dict[str, Any], actor: Actor) -> Ticket:
        """A new ticket in the first state of its type; the attributes have been checked."""
        now, state = self.now(), kind.state("submitted")
        number = str(next(self.space.ticket_numbers))
        item = Ticket(
            str(next(self.space.item_ids)), contact, now, now, ticket_id=number, type=kind, state=state, is_shared=True
        )
        item.attributes = attributes
        self.space.tickets[item.id] = item
        self._state_part(item, actor, state, state)
        self.record(item, actor, "create")
        self.tell("ticket.created", item, item.parts)
        return item

    def contact_replies(self, item: Ticket, actor: Actor, body: str) -> Part:
        """A contact's reply: it opens a closed ticket, and one that waited or was resolved is in progress again."""
        part = self.add(item, actor, "comment", paragraphs(body))
        self.record(item, actor, "reply")
        self.tell("ticket.contact.replied", item, [part])
        system = Actor(BOT, "system")
        if not item.open:
            self.set_open(item, system, open_=True)
        if item.state.category in {"waiting_on_customer", "resolved"}:
            self.move(item, system, item.type.state("in_progress"))
        return part

    def admin_replies(self, item: Ticket, actor: Actor, body: str) -> Part:
        """An admin's public reply."""
        part = self.add(item, actor, "comment", body)
        self.record(item, actor, "reply")
        self.tell("ticket.admin.replied", item, [part])
        return part

    def move(self, item: Ticket, actor: Actor, state: TicketState) -> None:
        """Put the ticket into a state of its type."""
        before, item.state = item.state, state
        part = self._state_part(item, actor, before, state)
        self.record(item, actor, "update", state=[before.internal_label, state.internal_label])
        self.tell("ticket.state.updated", item, [part])
        if state.category == "resolved" and before.category != "resolved":
            self.tell("ticket.resolved", item, [part])
            if not self.version.closed_means_closed:
                self.tell("ticket.closed", item, [part])

    def assign(self, item: Ticket, actor: Actor, kind: str, to: str | None) -> None:
        """Assign to an admin or a team, None to nobody."""
        field = "admin_id" if kind == "admin" else "team_id"
        before = getattr(item, field)
        setattr(item, field, to)
        part = self.add(item, actor, "assignment", assigned_to=(kind, to or "0"))
        self.record(item, actor, "update", **{"assignee" if kind == "admin" else "team": [before, to]})
        self.tell(f"ticket.{kind}.assigned", item, [part])

    def describe(self, item: Ticket, actor: Actor, values: dict[str, Any]) -> None:
        """Set attributes that have been checked; a part and a topic for each that changed."""
        before = {name: item.attributes.get(name) for name in values}
        moved = {name: value for name, value in values.items() if before[name] != value}
        item.updated_at = self.now()
        self.record(item, actor, "update", **{name: [before[name], value] for name, value in moved.items()})
        for name, value in moved.items():
            item.attributes[name] = value
            self._attribute_part(item, actor, name, value)

    def set_open(self, item: Ticket, actor: Actor, *, open_: bool) -> None:
        """Open or close; closing also ends a snooze."""
        before, item.open = item.open, open_
        item.snoozed_until = item.snoozed_until if open_ else None
        part = self.add(item, actor, "open" if open_ else "close")
        self.record(item, actor, "update", open=[before, open_])
        if not open_ and self.version.closed_means_closed:
            self.tell("ticket.closed", item, [part])

    def snooze(self, item: Ticket, actor: Actor, until: int) -> None:
        """Snooze until a moment (unix seconds)."""
        before, item.snoozed_until = item.snoozed_until, until
        self.add(item, actor, "snoozed")
        self.record(item, actor, "update", snoozed_until=[before, until])

    def wake(self) -> None:
        """End every snooze whose moment has come; the bot does it."""
        for item in self.space.tickets.values():
            if item.snoozed_until and item.snoozed_until <= self.now():
                item.snoozed_until = None
                self.add(item, Actor(BOT, "system"), "open")

    def edit(self, item: Ticket, actor: Actor, **values: Any) -> None:
        """Set plain fields of a ticket (is_shared, company_id); Intercom tells nobody."""
        before = {name: getattr(item, name) for name in values}
        for name, value in values.items():
            setattr(item, name, value)
        item.updated_at = self.now()
        self.record(item, actor, "update", **{name: [before[name], value] for name, value in values.items()})

    def delete(self, item: Ticket, actor: Actor) -> None:
        """Delete for good; Intercom has no topic for it."""
        del self.space.tickets[item.id]
        self.record(item, actor, "delete")

    def _state_part(self, item: Ticket, actor: Actor, before: TicketState, after: TicketState) -> Part:
        part = self.add(item, actor, "ticket_state_updated_by_admin")
        part.extra = {"ticket_state": after.category, "previous_ticket_state": before.category}
        return part

    def _attribute_part(self, item: Ticket, actor: Actor, name: str, value: Any) -> None:
        attribute = item.type.attribute(name)
        part = self.add(item, actor, "ticket_attribute_updated_by_admin")
        shown = "" if value is None else str(value)
        part.extra = {
            "updated_attribute_data": {
                "attribute": {"type": "attribute", "id": str(attribute.id if attribute else 0), "label": name},
                "value": {"type": "value", "id": shown, "label": shown},
            }
        }
        self.tell("ticket.attribute.updated", item, [part])
