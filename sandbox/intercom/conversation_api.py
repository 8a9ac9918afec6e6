"""The routes of conversations."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, request

from sandbox.intercom.account import Workspace
from sandbox.intercom.conversations import Conversations
from sandbox.intercom.errors import ApiError, not_found
from sandbox.intercom.inbox import by_contact
from sandbox.intercom.model import PRIORITIES, Conversation, Deleted, State
from sandbox.intercom.paging import PER_PAGE, PER_PAGE_MAX, cursor_page, number_page
from sandbox.intercom.search import compiled, conversation_field
from sandbox.intercom.wire import Wire, body, check_attributes, choice, need, want

Json = dict[str, Any]

STATES: dict[str, State] = {"close": "closed", "open": "open", "snoozed": "snoozed"}
"""The state that a `message_type` of `/parts` brings about."""


def conversation_routes(space: Workspace, wire: Wire, acts: Conversations) -> Blueprint:
    """`/conversations`, save for its attributes and tags."""
    face = Blueprint("conversations", __name__)
    _list_routes(face, space, wire)
    _item_routes(face, space, wire, acts)
    _talk_routes(face, space, wire, acts)
    return face


def find_conversation(space: Workspace, conversation_id: str, words: str = "Resource Not Found") -> Conversation:
    """The conversation of an id. Raises ApiError (404)."""
    if conversation_id not in space.conversations:
        raise not_found(words)
    return space.conversations[conversation_id]


def _list_routes(face: Blueprint, space: Workspace, wire: Wire) -> None:
    @face.get("/conversations")
    def conversations() -> Json:
        return _listed(wire, space.conversations.values(), request.args)

    @face.post("/conversations/search")
    def search() -> Json:
        given = body()
        test, pagination = compiled(need(given, "query", dict), conversation_field), want(given, "pagination", dict)
        found = [item for item in space.conversations.values() if test(item)]
        return _listed(wire, found, pagination or {})

    @face.get("/conversations/deleted")
    def deleted() -> Json:
        if not wire.version.at_least(16):
            words = "Requested resource is not available in current API version."
            raise ApiError(400, "intercom_version_invalid", words)
        ordered = sorted(space.deleted, key=lambda one: one.at, reverse=request.args.get("order") != "asc")
        rows, pages = number_page(ordered, PER_PAGE, PER_PAGE_MAX, linked=True)
        shown = {"conversations": [_gone(one) for one in rows], "total_count": len(ordered), "pages": pages}
        return {"type": "conversations.list", **shown}


def _gone(one: Deleted) -> Json:
    return {"type": "conversation", "id": one.id, "metrics_retained": True, "deleted_at": one.at}


def _listed(wire: Wire, items: Iterable[Conversation], asked: Any) -> Json:
    found = list(items)
    rows, pages = cursor_page(found, asked.get("per_page"), asked.get("starting_after"))
    shown = [wire.renderer.conversation_row(item) for item in rows]
    return {"type": "conversation.list", "conversations": shown, "total_count": len(found), "pages": pages}


def _item_routes(face: Blueprint, space: Workspace, wire: Wire, acts: Conversations) -> None:
    @face.get("/conversations/<conversation_id>")
    def conversation(conversation_id: str) -> Json:
        return wire.renderer.conversation(find_conversation(space, conversation_id))

    @face.post("/conversations")
    def create() -> Json:
        given = body()
        contact = wire.contact(need(given, "from", dict), {"id": "id"})
        words, subject = need(given, "body", str), want(given, "subject", str) or ""
        actor = by_contact(contact, "integration")
        return _message(acts.write(contact, words, subject=subject, channel="conversation", actor=actor))

    @face.put("/conversations/<conversation_id>")
    def update(conversation_id: str) -> Json:
        item = find_conversation(space, conversation_id)
        _update(wire, acts, item, body())
        return wire.renderer.conversation(item)

    @face.delete("/conversations/<conversation_id>")
    def delete(conversation_id: str) -> Json:
        acts.delete(find_conversation(space, conversation_id), wire.owner)
        return {"id": conversation_id, "object": "conversation", "deleted": True}


def _message(item: Conversation) -> Json:
    """A new conversation is answered as the message that began it."""
    head = {"type": "user_message", "id": item.source_id, "created_at": item.created_at}
    return head | {"body": item.body, "message_type": "inapp", "conversation_id": item.id}


def _update(wire: Wire, acts: Conversations, item: Conversation, given: Json) -> None:
    """Everything is checked before anything is set; what the version does not know is ignored."""
    readers = {"title": _title, "read": _read, "company_id": wire.company}
    fields = {name: reader(given) for name, reader in readers.items() if name in given}
    named = check_attributes(given.get("custom_attributes", {}), wire.space.attributes)
    if wire.version.preview and "priority" in given:
        word, actor = choice(given, "priority", PRIORITIES), wire.acting(given)
        acts.prioritise(item, actor, word)
    if named:
        acts.describe(item, wire.owner, named)
    if fields:
        acts.edit(item, wire.owner, **fields)


def _title(given: Json) -> str | None:
    title: str | None = want(given, "title", str)
    return title


def _read(given: Json) -> bool:
    return bool(need(given, "read", bool))


def _talk_routes(face: Blueprint, space: Workspace, wire: Wire, acts: Conversations) -> None:
    @face.post("/conversations/<conversation_id>/reply")
    def reply(conversation_id: str) -> Json:
        item = find_conversation(space, conversation_id)
        wire.say(acts, item, body())
        return wire.renderer.conversation(item)

    @face.post("/conversations/<conversation_id>/parts")
    def manage(conversation_id: str) -> Json:
        item = find_conversation(space, conversation_id)
        _manage(wire, acts, item, body())
        return wire.renderer.conversation(item)

    @face.post("/conversations/<conversation_id>/merge")
    def merge(conversation_id: str) -> Json:
        item, given = find_conversation(space, conversation_id), body()
        primary = find_conversation(space, str(need(given, "merge_into_conversation_id", int)))
        acts.merge(item, primary, wire.owner)
        return wire.renderer.conversation(primary)

    @face.post("/conversations/<conversation_id>/tags")
    def tag(conversation_id: str) -> Json:
        item, given = find_conversation(space, conversation_id, "Conversation not found"), body()
        return wire.tag(acts, item, given)

    @face.delete("/conversations/<conversation_id>/tags/<tag_id>")
    def untag(conversation_id: str, tag_id: str) -> Json:
        item, given = find_conversation(space, conversation_id, "Conversation not found"), body()
        return wire.untag(acts, item, tag_id, given)


def _manage(wire: Wire, acts: Conversations, item: Conversation, given: Json) -> None:
    kind = choice(given, "message_type", ["assignment", *STATES])
    actor, words = wire.acting(given), want(given, "body", str)
    if kind == "assignment":
        who = choice(given, "type", ["admin", "team"])
        acts.assign(item, actor, who, wire.assignee(who, need(given, "assignee_id", str)), words)
        return
    if kind == "close":
        choice(given, "type", ["admin"])
    until = need(given, "snoozed_until", int) if kind == "snoozed" else None
    acts.move(item, actor, STATES[kind], until=until, body=words)
