"""What can happen to conversations and tickets alike: parts, replies, tags; recorded, and told to the webhooks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.common.history import Action, ActorKind, History
from sandbox.intercom.account import Workspace
from sandbox.intercom.model import Admin, Author, Contact, Conversation, Item, Part, Tag, Tagging
from sandbox.intercom.text import stored


@dataclass(frozen=True)
class Actor:
    """Who acts: an author and how the history calls them; the integration is whoever comes through the API."""

    author: Author
    kind: ActorKind

    @property
    def through_api(self) -> bool:
        """True where the part gets the code of our app."""
        return self.kind == "integration"


def by_contact(contact: Contact, kind: ActorKind = "requester") -> Actor:
    """The contact acts, or the API on their behalf."""
    return Actor(Author("user", contact.id, contact.name, contact.email), kind)


def by_admin(admin: Admin, kind: ActorKind) -> Actor:
    """An admin acts: in the inbox ("agent") or through the API ("integration")."""
    return Actor(Author("admin", admin.id, admin.name, admin.email), kind)


BOT = Author("bot", "9000", "Fin", "operator+ab12cd34@intercom.example")
"""Whom Intercom names as author where no admin is said to act: attribute changes, mostly (examples of the spec)."""

Tell = Callable[[str, Item, Sequence[Part]], None]
"""Sends a topic about an item, with the parts that are news, to whoever listens."""


def ref(item: Item) -> str:
    """The item's id at the control face: its kind and Intercom's id."""
    return f"{item.kind}:{item.id}"


class Inbox:
    """The part of conversations and tickets that is the same; guarded by the lock of its desk."""

    def __init__(self, space: Workspace, history: History, clock: Callable[[], float], tell: Tell) -> None:
        self.space, self.history, self.clock, self.tell = space, history, clock, tell

    def now(self) -> int:
        """Unix seconds, whole, as Intercom has them."""
        return int(self.clock())

    def add(self, item: Item, actor: Actor, part_type: str, body: str | None = None, **more: Any) -> Part:
        """Append a part; the item is updated by it."""
        part_id, kept = str(next(self.space.part_ids)), stored(body) if body else None
        part = Part(part_id, part_type, actor.author, self.now(), kept, through_api=actor.through_api, **more)
        part.state = item.state if isinstance(item, Conversation) else None
        item.parts.append(part)
        item.updated_at = part.at
        return part

    def record(self, item: Item, actor: Actor, action: Action, /, **changes: list[Any]) -> None:
        """Write what happened into the history; `changes` maps field to [before, after]."""
        self.history.record(
            at=self.clock(),
            ticket=ref(item),
            actor=actor.author.email,
            actor_kind=actor.kind,
            action=action,
            changes=changes,
        )

    def note(self, item: Item, actor: Actor, body: str) -> Part:
        """An admin's internal note: it changes nothing else, and reopens nothing."""
        state = {"state": item.state} if isinstance(item, Conversation) else {}
        part = self.add(item, actor, "note", body, **state)
        self.record(item, actor, "note", body=[None, part.body])
        self.tell("conversation.admin.noted" if item.kind == "conversation" else "ticket.note.created", item, [part])
        return part

    def tag(self, item: Item, actor: Actor, tag: Tag) -> Tagging:
        """Apply a tag; one that is there already stays as it is."""
        if tag.id not in item.tags:
            before = names(item)
            item.tags[tag.id] = Tagging(tag, self.now(), actor.author.id)
            item.updated_at = self.now()
            self.record(item, actor, "tag", tags=[before, names(item)])
            if item.kind == "conversation":
                self.tell("conversation_part.tag.created", item, item.parts[-1:])
        return item.tags[tag.id]

    def untag(self, item: Item, actor: Actor, tag: Tag) -> None:
        """Take a tag off; Intercom has no topic for it. Raises KeyError where it is not on."""
        before = names(item)
        del item.tags[tag.id]
        item.updated_at = self.now()
        self.record(item, actor, "untag", tags=[before, names(item)])


def names(item: Item) -> list[str]:
    """The names of an item's tags."""
    return [tagging.tag.name for tagging in item.tags.values()]
