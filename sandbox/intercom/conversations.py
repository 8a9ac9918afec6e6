"""What can happen to a conversation: written, answered, assigned, closed, snoozed, opened, updated, deleted."""

from typing import Any

from sandbox.intercom.inbox import BOT, Actor, Inbox, by_contact
from sandbox.intercom.model import Contact, Conversation, Deleted, Part, State, Tagging
from sandbox.intercom.text import paragraphs


class Conversations(Inbox):
    """Every change of a conversation, with its part, its record and its topic."""

    def write(
        self,
        contact: Contact,
        body: str,
        *,
        subject: str = "",
        channel: str = "email",
        tags: tuple[str, ...] = (),
        actor: Actor | None = None,
    ) -> Conversation:
        """A contact starts a conversation; tags are there from the start, as a workflow would set them."""
        now, actor = self.now(), actor or by_contact(contact)
        item = Conversation(str(next(self.space.item_ids)), contact, now, now)
        item.source_id, item.waiting_since = str(next(self.space.part_ids)), now
        item.channel, item.subject, item.body = channel, subject, paragraphs(body)
        item.company_id = next(iter(contact.company_ids), None)
        for tag in map(self.space.tag_named, tags):
            item.tags[tag.id] = Tagging(tag, now, BOT.id)
        self.space.conversations[item.id] = item
        self.record(item, actor, "create")
        self.tell("conversation.user.created", item, [])
        return item

    def contact_replies(self, item: Conversation, actor: Actor, body: str) -> Part:
        """A contact's reply: a comment, or the part `open` where it opens a closed or snoozed conversation again."""
        before = item.state
        self._put(item, "open", None)
        item.read, item.waiting_since = False, item.waiting_since or self.now()
        part = self.add(item, actor, "comment" if before == "open" else "open", paragraphs(body))
        self.record(item, actor, "reply", **_moved("state", before, item.state))
        self.tell("conversation.user.replied", item, [part])
        return part

    def admin_replies(self, item: Conversation, actor: Actor, body: str) -> Part:
        """An admin's public reply; a closed conversation stays closed (as in the examples of the spec)."""
        item.waiting_since = None
        part = self.add(item, actor, "comment", body)
        self.record(item, actor, "reply")
        self.tell("conversation.admin.replied", item, [part])
        return part

    def assign(self, item: Conversation, actor: Actor, kind: str, to: str | None, body: str | None = None) -> Part:
        """Assign to an admin or a team, None to nobody; a closed conversation is opened by it."""
        field = "admin_id" if kind == "admin" else "team_id"
        before, state = getattr(item, field), item.state
        setattr(item, field, to)
        if reopened := state == "closed":
            self._put(item, "open", None)
        part_type = "assign_and_reopen" if reopened else "assignment"
        part = self.add(item, actor, part_type, body, assigned_to=(kind, to or "0"))
        changes = {"assignee" if kind == "admin" else "team": [before, to]}
        self.record(item, actor, "update", **changes, **_moved("state", state, item.state))
        self.tell("conversation.admin.open.assigned" if reopened else "conversation.admin.assigned", item, [part])
        return part

    def move(
        self, item: Conversation, actor: Actor, state: State, *, until: int | None = None, body: str | None = None
    ) -> Part:
        """Close, open, or snooze until a moment (unix seconds)."""
        before = item.state
        self._put(item, state, until)
        part_type = {"open": "open", "closed": "close", "snoozed": "snoozed"}[state]
        if state == "closed":
            item.waiting_since = None
        part = self.add(item, actor, part_type, body)
        self.record(item, actor, "update", state=[before, item.state])
        opened = "unsnoozed" if before == "snoozed" else "opened"
        word = {"open": opened, "closed": "closed", "snoozed": "snoozed"}[state]
        self.tell(f"conversation.admin.{word}", item, [part])
        return part

    def merge(self, item: Conversation, primary: Conversation, actor: Actor) -> None:
        """Close a conversation in favour of the primary one; how the two show their link is not played."""
        self.move(item, actor, "closed")
        self.record(item, actor, "merge", merged_into=[None, primary.id])

    def wake(self) -> None:
        """Open every conversation whose snooze is over; the bot does it."""
        for item in self.space.conversations.values():
            if item.snoozed_until and item.snoozed_until <= self.now():
                self.move(item, Actor(BOT, "system"), "open")

    def describe(self, item: Conversation, actor: Actor, values: dict[str, Any]) -> None:
        """Set custom attributes that have been checked; a part for each that changed, by the bot, and no topic."""
        before = {name: item.attributes.get(name) for name in values}
        moved = {name: value for name, value in values.items() if before[name] != value}
        for name, value in moved.items():
            item.attributes[name] = value
            told = {"name": "" if value is None else str(value), "previous": _text(before[name])}
            part = self.add(item, actor, "conversation_attribute_updated_by_admin")
            part.author = BOT if actor.through_api else actor.author
            part.extra = {"attribute": {"name": name}, "value": told}
        item.updated_at = self.now()
        self.record(item, actor, "update", **{name: [before[name], value] for name, value in moved.items()})

    def edit(self, item: Conversation, actor: Actor, **values: Any) -> None:
        """Set plain fields of a conversation (title, read, company_id); Intercom tells nobody."""
        before = {name: getattr(item, name) for name in values}
        for name, value in values.items():
            setattr(item, name, value)
        item.updated_at = self.now()
        self.record(item, actor, "update", **{name: [before[name], value] for name, value in values.items()})

    def prioritise(self, item: Conversation, actor: Actor, priority: str) -> None:
        """Set the conversation's own priority, in the words of 2.16."""
        before, item.priority = item.priority, priority
        item.updated_at = self.now()
        self.record(item, actor, "update", priority=[before, priority])
        self.tell("conversation.priority.updated", item, [])

    def delete(self, item: Conversation, actor: Actor) -> None:
        """Delete for good; only the id and the moment are kept."""
        del self.space.conversations[item.id]
        self.space.deleted.append(Deleted(item.id, self.now()))
        self.record(item, actor, "delete")
        self.tell("conversation.deleted", item, [])

    def _put(self, item: Conversation, state: State, until: int | None) -> None:
        item.open, item.snoozed_until = state != "closed", until if state == "snoozed" else None


def _moved(field: str, before: Any, after: Any) -> dict[str, list[Any]]:
    return {} if before == after else {field: [before, after]}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
