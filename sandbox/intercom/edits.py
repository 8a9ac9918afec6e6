"""What an admin can set on a conversation or a ticket in the inbox, by the names of the control face."""

from typing import Any

from sandbox.common.acts import ControlError
from sandbox.intercom.account import Workspace
from sandbox.intercom.conversations import Conversations
from sandbox.intercom.errors import ApiError
from sandbox.intercom.inbox import Actor
from sandbox.intercom.model import PRIORITIES, Admin, Attribute, Conversation, State, Ticket
from sandbox.intercom.tickets import Tickets
from sandbox.intercom.wire import check_attributes

STATES: dict[str, State] = {
    "new": "open",
    "pending": "snoozed",
    "on_hold": "snoozed",
    "resolved": "closed",
    "solved": "closed",
    "open": "open",
    "snoozed": "snoozed",
    "closed": "closed",
}
CATEGORIES = {"new": "submitted", "open": "in_progress", "pending": "waiting_on_customer", "solved": "resolved"}
SNOOZE_SECONDS = 86_400

PRIORITY_ATTRIBUTE = "priority"
"""The workspace's attribute for what Intercom's own priority cannot say: tickets have none, the API writes none."""


class Edits:
    """The setters; guarded by the lock of the desk. Every method may raise ControlError."""

    def __init__(self, space: Workspace, conversations: Conversations, tickets: Tickets) -> None:
        self.space, self.conversations, self.tickets = space, conversations, tickets

    def apply(self, item: Conversation | Ticket, actor: Actor, name: str, value: Any) -> None:
        """Set one thing."""
        match name:
            case "assignee":
                self._assign(item, actor, "admin", self.admin(value).id if value else None)
            case "team":
                self._assign(item, actor, "team", self._team(value) if value else None)
            case "status":
                self._set_status(item, actor, value)
            case "priority":
                self._set_priority(item, actor, value)
            case "add_tags":
                self._add_tags(item, actor, value)
            case "remove_tags":
                self._remove_tags(item, actor, value)
            case _:
                self._set_fields(item, actor, value)

    def admin(self, email: str) -> Admin:
        """The admin of an address."""
        found = self.space.admin_of(email)
        if found is None:
            raise ControlError(f"no admin '{email}'; GET /_sandbox/state lists them", 404)
        return found

    def _team(self, name: str) -> str:
        team = self.space.team_named(name)
        if team is None:
            known = ", ".join(team.name for team in self.space.teams.values())
            raise ControlError(f"no team '{name}'; known are {known}", 404)
        return team.id

    def _assign(self, item: Conversation | Ticket, actor: Actor, kind: str, to: str | None) -> None:
        if (item.admin_id if kind == "admin" else item.team_id) == to:
            return
        if isinstance(item, Ticket):
            self.tickets.assign(item, actor, kind, to)
        else:
            self.conversations.assign(item, actor, kind, to)

    def _set_status(self, item: Conversation | Ticket, actor: Actor, status: str) -> None:
        if isinstance(item, Conversation):
            self._move_conversation(item, actor, status)
        elif isinstance(item, Ticket):
            self._move_ticket(item, actor, status)

    def _move_conversation(self, item: Conversation, actor: Actor, status: str) -> None:
        state = STATES.get(status)
        if state is None:
            raise ControlError(f"a conversation has no status '{status}'; known are {', '.join(STATES)}")
        until = self.conversations.now() + SNOOZE_SECONDS if state == "snoozed" else None
        if state != item.state:
            self.conversations.move(item, actor, state, until=until)

    def _move_ticket(self, item: Ticket, actor: Actor, status: str) -> None:
        if status == "closed":
            self._move_ticket(item, actor, "resolved")
            self.tickets.set_open(item, actor, open_=False)
            return
        category, label = CATEGORIES.get(status, status), status.replace("_", " ")
        wanted = "Waiting on third party" if status == "on_hold" else label
        named = [state for state in item.type.states if state.internal_label.lower() == wanted.lower()]
        state = next((s for s in (*named, *item.type.states) if s in named or s.category == category), None)
        if state is None:
            known = ", ".join(s.category for s in item.type.states)
            raise ControlError(f"a ticket has no status '{status}'; known are {known}, closed")
        if state is not item.state:
            self.tickets.move(item, actor, state)

    def _set_priority(self, item: Conversation | Ticket, actor: Actor, priority: str | None) -> None:
        word = "medium" if priority == "normal" else priority or "none"
        if word not in PRIORITIES:
            raise ControlError(f"no priority '{priority}'; known are {', '.join(PRIORITIES)}")
        if isinstance(item, Conversation):
            self.conversations.prioritise(item, actor, word)
        else:
            label = None if word == "none" else word.capitalize()
            self._set_fields(item, actor, {PRIORITY_ATTRIBUTE: label})

    def _add_tags(self, item: Conversation | Ticket, actor: Actor, tags: list[str]) -> None:
        for name in tags:
            self.conversations.tag(item, actor, self.space.tag_named(name))

    def _remove_tags(self, item: Conversation | Ticket, actor: Actor, tags: list[str]) -> None:
        for tag in [tagging.tag for tagging in item.tags.values() if tagging.tag.name in tags]:
            self.conversations.untag(item, actor, tag)

    def _set_fields(self, item: Conversation | Ticket, actor: Actor, fields: dict[str, Any]) -> None:
        known: list[Attribute] = item.type.attributes if isinstance(item, Ticket) else self.space.attributes
        try:
            check_attributes(fields, known)
        except ApiError as error:
            raise ControlError(error.message) from error
        if isinstance(item, Ticket):
            self.tickets.describe(item, actor, fields)
        else:
            self.conversations.describe(item, actor, fields)
