"""Writing to Intercom: one step, one call, and where the step writes fields, the comparison just before it."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from adapters.intercom import planning
from adapters.intercom.client import IntercomClient, Row
from adapters.intercom.directory import Directory
from adapters.intercom.mapping import CONVERSATION, TICKET, TICKET_CATEGORY
from bridge.errors import Conflict, NotThere
from bridge.model import Receipt, Status, Step, Ticket, TicketRef

READ: Final = {CONVERSATION: "/conversations/{id}", TICKET: "/tickets/{id}"}
PARTS: Final = "/conversations/{id}/parts"
REPLY: Final = {CONVERSATION: "/conversations/{id}/reply", TICKET: "/tickets/{id}/reply"}
TAGS: Final = {CONVERSATION: "/conversations/{id}/tags", TICKET: "/tickets/{id}/tags"}
ONE_TAG: Final = {CONVERSATION: "/conversations/{id}/tags/{tag}", TICKET: "/tickets/{id}/tags/{tag}"}
PLAIN: Final = {CONVERSATION: {"display_as": "plaintext"}, TICKET: None}


class Mapped(Protocol):
    """How an answer becomes a ticket."""

    def __call__(self, item: Row, *, complete: bool) -> Ticket:
        """The ticket that an item describes."""


class Writer:
    """Carries out the steps of `planning`; thread-safe."""

    def __init__(self, client: IntercomClient, directory: Directory, mapped: Mapped) -> None:
        self._client = client
        self._directory = directory
        self._mapped = mapped

    def fetch(self, ref: TicketRef) -> Ticket:
        """The conversation or ticket with its newest 500 parts, all that Intercom gives."""
        return self._mapped(self._item(ref), complete=True)

    def perform(self, step: Step, seen: Ticket | None) -> Receipt:
        """Carry out one step. Raises Conflict where a field it writes is not as it was when the ticket was read."""
        match step.name:
            case planning.TAG:
                return self._tag(step)
            case planning.UNTAG:
                return self._untag(step)
            case planning.NOTE:
                return self._note(step)
            case _:
                return self._set(step, seen)

    def find(self, step: Step) -> Receipt | None:
        """The receipt where the ticket, read again, has the values, the tag or a part with the marker."""
        ticket = self.fetch(step.ref)
        return Receipt(seen=ticket, found=True) if _shows(ticket, step) else None

    def _item(self, ref: TicketRef) -> Row:
        kind, number = _split(ref)
        return self._client.get(READ[kind], query=PLAIN[kind], id=number)

    def _set(self, step: Step, seen: Ticket | None) -> Receipt:
        """Compare what the step writes with the ticket as it is now, then write it, unless it is so already."""
        want: Mapping[str, Any] = planning.part(step, "want")
        acting, item = self._directory.acting_id(), None  # asked for first, to keep the window after the read small
        if seen is None or "status" in want:
            # A ticket state belongs to a ticket type, which only a read tells: then `seen` does not save it.
            item = self._item(step.ref)
            seen = self._mapped(item, complete=True)
        if not planning.differing(seen, want):
            return Receipt(seen=seen, found=True)
        moved = [*planning.differing(seen, planning.part(step, "expect")), *_taken_since(seen, step)]
        if moved:
            raise Conflict(f"{step.ref}: {', '.join(moved)} changed at Intercom since the ticket was read")
        if step.name in planning.HOLDER_STEP.values() and seen.status_raw == planning.STATE_OF[Status.CLOSED]:
            raise Conflict(f"{step.ref} was closed at Intercom: giving it to somebody would open it again")
        answer = self._send(step, acting, want, item)
        return Receipt(seen=self._mapped(answer, complete=False))

    def _send(self, step: Step, acting: str, want: Mapping[str, Any], item: Row | None) -> Row:
        _, number = _split(step.ref)
        if step.name == planning.UPDATE:
            return self._client.write("PUT", READ[TICKET], self._update(acting, want, item or {}), id=number)
        if step.name == planning.ATTRIBUTES:
            return self._client.write("PUT", READ[CONVERSATION], {"custom_attributes": want["fields"]}, id=number)
        body = {"admin_id": acting, **_action(step, want)}
        return self._client.write("POST", PARTS, body, id=number)

    def _update(self, acting: str, want: Mapping[str, Any], item: Row) -> Row:
        """The body of a ticket's update, in which the acting admin is a number and every other id text."""
        body: dict[str, object] = {"admin_id": int(acting)}
        for field in want.keys() & {"team_id", "assignee_id"}:
            body["assignee_id"] = want[field] or "0"
        if "fields" in want:
            body["ticket_attributes"] = want["fields"]
        if "status" in want:
            status = Status(want["status"])
            body["open"] = status is not Status.CLOSED
            if TICKET_CATEGORY[status] != (item.get("ticket_state") or {}).get("category"):
                ticket_type = str((item.get("ticket_type") or {}).get("id"))
                body["ticket_state_id"] = self._directory.state_id(TICKET_CATEGORY[status], ticket_type)
        return body

    def _tag(self, step: Step) -> Receipt:
        kind, number = _split(step.ref)
        body = {"id": self._directory.make_tag(str(step.data["tag"])), "admin_id": self._directory.acting_id()}
        try:
            self._client.write("POST", TAGS[kind], body, id=number)
        except NotThere:
            self._directory.forget_tags()
            raise
        return Receipt()

    def _untag(self, step: Step) -> Receipt:
        """Take a tag off; one that is off already is no fault, a ticket that is gone is."""
        kind, number = _split(step.ref)
        tag_name = str(step.data["tag"])
        tag = self._directory.tag_id(tag_name)
        if tag is None:
            return Receipt(found=True)
        try:
            self._client.write("DELETE", ONE_TAG[kind], {"admin_id": self._directory.acting_id()}, id=number, tag=tag)
        except NotThere:
            seen = self.fetch(step.ref)
            if not _has(seen, tag_name):
                return Receipt(seen=seen, found=True)
            self._directory.forget_tags()
            raise
        return Receipt()

    def _note(self, step: Step) -> Receipt:
        kind, number = _split(step.ref)
        author = {"type": "admin", "admin_id": self._directory.acting_id()}
        body = {"message_type": "note", **author, "body": step.data["body"]}
        self._client.write("POST", REPLY[kind], body, id=number)
        return Receipt()


def _shows(ticket: Ticket, step: Step) -> bool:
    """True where a ticket shows the effect of a step. A ticket that shows no tags cannot say that one is gone."""
    match step.name:
        case planning.TAG:
            return _has(ticket, str(step.data["tag"]))
        case planning.UNTAG:
            knows = planning.kind_of(ticket.ref) == CONVERSATION or bool(ticket.tags)
            return knows and not _has(ticket, str(step.data["tag"]))
        case planning.NOTE:
            return any(step.marker in message.text for message in ticket.messages)
        case _:
            return not planning.differing(ticket, planning.part(step, "want"))


def _taken_since(seen: Ticket, step: Step) -> list[str]:
    """What people assigned since the step was planned, although it may have been undone and look as it did."""
    since = seen.touched.difference(step.data.get("touched", ()))  # type: ignore[arg-type]  # as plan() made it
    return [field for field, touched in _HANDS.items() if field in planning.part(step, "want") and touched in since]


_HANDS: Final = {"assignee_id": "assignee", "team_id": "team"}


def _has(ticket: Ticket, tag: str) -> bool:
    return tag.casefold() in {one.casefold() for one in ticket.tags}


def _split(ref: TicketRef) -> tuple[str, str]:
    kind, _, number = ref.id.partition(":")
    if kind not in READ or not number:
        raise NotThere(f"{ref} names no conversation or ticket: an id is conversation:<id> or ticket:<id>")
    return kind, number


def _action(step: Step, want: Mapping[str, Any]) -> Row:
    """What is asked of a conversation's parts, without the acting admin."""
    match step.name, want:
        case planning.TEAM, {"team_id": team}:
            return {"message_type": "assignment", "type": "team", "assignee_id": team or "0"}
        case planning.ADMIN, {"assignee_id": admin}:
            return {"message_type": "assignment", "type": "admin", "assignee_id": admin or "0"}
        case _, {"status_raw": "snoozed"}:
            return {"message_type": "snoozed", "snoozed_until": step.data["wake_at"]}
        case _, {"status_raw": "closed"}:
            return {"message_type": "close", "type": "admin"}
        case _:
            return {"message_type": "open"}
