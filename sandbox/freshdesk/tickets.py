"""What can be done to tickets, by whomever: each act is recorded and runs the automation rules."""

from dataclasses import dataclass
from typing import Any

from sandbox.common.history import Action, History
from sandbox.freshdesk.account import Account
from sandbox.freshdesk.hooks import Webhooks
from sandbox.freshdesk.records import (
    CLOSED,
    OPEN,
    PENDING,
    RESOLVED,
    SYSTEM,
    WAITING_ON_CUSTOMER,
    Actor,
    Contact,
    Conversation,
    Stats,
    Summary,
    Ticket,
)
from sandbox.freshdesk.rules import CREATED, CREATION, SETTERS, UPDATE, UPDATED, WEBHOOK, Happening, Rulebook
from sandbox.freshdesk.wire import JSON, html, instant

REOPENED_BY_REPLY = {PENDING, RESOLVED, CLOSED, WAITING_ON_CUSTOMER}
"""By the rule for this that a new account has."""

SLA = {1: (24, 72), 2: (8, 48), 3: (4, 24), 4: (1, 8)}
"""Hours to the first response and to the resolution, by priority; the default policy of the sandbox."""

REPLY, NOTE = 0, 2

_WATCHED = {"status": "status", "priority": "priority", "type": "ticket_type", "group_id": "group_id"} | {
    "responder_id": "responder_id"
}


@dataclass(frozen=True)
class Words:
    """A reply or a note to be added; `user_id` is the author where it is not the one who acts."""

    body: str
    source: int
    private: bool = False
    incoming: bool = False
    user_id: int | None = None
    from_email: str | None = None
    to_emails: tuple[str, ...] = ()
    cc_emails: tuple[str, ...] = ()
    bcc_emails: tuple[str, ...] = ()


class Tickets:
    """The acts; guarded by the lock of the desk."""

    def __init__(self, account: Account, history: History, rulebook: Rulebook, webhooks: Webhooks) -> None:
        self._account, self._history = account, history
        self._rulebook, self._webhooks = rulebook, webhooks

    def create(self, values: JSON, requester: Contact, actor: Actor) -> Ticket:
        """A new ticket of a requester; `values` are attributes of Ticket, checked before."""
        now = self._account.now()
        first, last = _due(1, now)
        ticket = Ticket(
            id=self._account.new_ticket_id(),
            requester_id=requester.id,
            company_id=requester.company_id,
            created_at=now,
            updated_at=now,
            fr_due_by=first,
            due_by=last,
            stats=Stats(now),
            subject=values["subject"],
            description=values["description"],
            custom_fields=dict.fromkeys(self._account.custom_fields),
        )
        self._assign(ticket, {name: value for name, value in values.items() if name not in {"subject", "description"}})
        self._account.tickets[ticket.id] = ticket
        self._record(ticket, actor, "create", {name: [None, value] for name, value in values.items()})
        self._react(CREATION, ticket, [CREATED], actor)
        return ticket

    def update(self, ticket: Ticket, values: JSON, actor: Actor, *, quietly: bool = False) -> None:
        """Set attributes of a ticket; what is so already is no change. `quietly` runs no rules."""
        changes = self._assign(ticket, values)
        if not changes:
            return
        ticket.updated_at = self._account.now()
        self._record(ticket, actor, "update", changes)
        if not quietly:
            happenings = [Happening(_WATCHED[name], *changes[name]) for name in _WATCHED if name in changes]
            self._react(UPDATE, ticket, [*happenings, UPDATED], actor)

    def say(self, ticket: Ticket, words: Words, actor: Actor) -> Conversation:
        """Add a reply or a note. A customer's reply opens the ticket again."""
        said = self._converse(ticket, words, actor)
        self._record(ticket, actor, "reply" if words.source == REPLY else "note", metadata={"conversation": said.id})
        kind = Happening("reply_sent", word="sent")
        if words.source == NOTE:
            kind = Happening("note_type", word="private" if said.private else "public")
        self._react(UPDATE, ticket, [kind], actor)
        if actor.kind == "requester" and ticket.status in REOPENED_BY_REPLY:
            self.update(ticket, {"status": OPEN}, SYSTEM)
        return said

    def rewrite(self, said: Conversation, body: str, actor: Actor) -> None:
        """Give a note another text."""
        said.body, said.updated_at = body, self._account.now()
        self._touch(said, actor, {"body": [None, None]})

    def retract(self, said: Conversation, actor: Actor) -> None:
        """Take a conversation away."""
        del self._account.conversations[said.id]
        self._account.tickets[said.ticket_id].conversations.remove(said)
        self._touch(said, actor, {"conversation": [said.id, None]})

    def summarise(self, ticket: Ticket, body: str | None, user_id: int, actor: Actor) -> None:
        """Put the pinned summary of a ticket in place of the one before, or take it away (None)."""
        now, before = self._account.now(), ticket.summary
        self._record(ticket, actor, "note", {"summary": [before.body if before else None, body]})
        if body is None:
            ticket.summary = None
        elif before is None:
            ticket.summary = Summary(self._account.new_id("summary"), body, user_id, now, now)
        else:
            before.body, before.user_id, before.updated_at = body, user_id, now

    def merge(
        self, primary: Ticket, others: list[Ticket], notes: tuple[Words | None, Words | None], actor: Actor
    ) -> None:
        """Close tickets into a primary one, with a note (or none) at the primary and at the others."""
        at_primary, at_others = notes
        if at_primary:
            self.say(primary, at_primary, actor)
        for ticket in others:
            if at_others:
                self.say(ticket, at_others, actor)
            self.update(ticket, {"status": CLOSED}, actor)
            self._record(ticket, actor, "merge", {"merged_into": [None, primary.id]})

    def flag(self, ticket: Ticket, flag: str, *, value: bool, actor: Actor) -> None:
        """Set or take away `deleted` or `spam`."""
        before = getattr(ticket, flag)
        setattr(ticket, flag, value)
        ticket.updated_at = self._account.now()
        self._record(ticket, actor, "delete", {flag: [before, value]})

    def _assign(self, ticket: Ticket, values: JSON) -> dict[str, list[Any]]:
        """Set what differs; {attribute: [before, after]}."""
        wanted = dict(values)
        if "custom_fields" in wanted:
            wanted["custom_fields"] = ticket.custom_fields | wanted["custom_fields"]
        if "tags" in wanted:
            wanted["tags"] = list(dict.fromkeys(wanted["tags"]))
        if wanted.get("priority", ticket.priority) != ticket.priority:
            first, last = _due(wanted["priority"], ticket.created_at)
            wanted = {"fr_due_by": first, "due_by": last} | wanted
        changes = {name: [getattr(ticket, name), value] for name, value in wanted.items()}
        changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        for name, (_, value) in changes.items():
            setattr(ticket, name, value)
        if "status" in changes:
            self._note_status(ticket, *changes["status"])
        return changes

    def _note_status(self, ticket: Ticket, before: int, after: int) -> None:
        now, stats = self._account.now(), ticket.stats
        stats.status_updated_at = now
        done = {RESOLVED, CLOSED}
        if after in done:
            stats.resolved_at = stats.resolved_at or now
            stats.closed_at = now if after == CLOSED else None
        elif before in done:
            stats.reopened_at, stats.resolved_at, stats.closed_at = now, None, None
        stats.pending_since = now if after == PENDING else None

    def _converse(self, ticket: Ticket, words: Words, actor: Actor) -> Conversation:
        now, account = self._account.now(), self._account
        said = Conversation(
            id=account.new_id("conversation"),
            ticket_id=ticket.id,
            actor=actor,
            user_id=words.user_id or actor.id,
            body=words.body,
            private=words.private,
            incoming=words.incoming,
            source=words.source,
            created_at=now,
            updated_at=now,
            from_email=words.from_email,
            to_emails=list(words.to_emails),
            cc_emails=list(words.cc_emails),
            bcc_emails=list(words.bcc_emails),
        )
        account.conversations[said.id] = said
        ticket.conversations.append(said)
        ticket.updated_at = now
        if not said.private:
            _note_answer(ticket.stats, now, by_requester=said.incoming)
        return said

    def _touch(self, said: Conversation, actor: Actor, changes: dict[str, list[Any]]) -> None:
        ticket = self._account.tickets[said.ticket_id]
        ticket.updated_at = self._account.now()
        self._record(ticket, actor, "note", changes, {"conversation": said.id})

    def _record(
        self,
        ticket: Ticket,
        actor: Actor,
        action: Action,
        changes: dict[str, list[Any]] | None = None,
        metadata: JSON | None = None,
    ) -> None:
        self._history.record(
            at=self._account.now(),
            ticket=str(ticket.id),
            actor=actor.email,
            actor_kind=actor.kind,
            action=action,
            changes=changes,
            metadata=metadata,
        )

    def _react(self, type_: int, ticket: Ticket, happenings: list[Happening], actor: Actor) -> None:
        """Run the rules that answer; what they change runs no further rules (cascading is off in a new account)."""
        for rule, happening in list(self._rulebook.answering(type_, ticket, happenings, actor)):
            for action in rule.body["actions"]:
                if action["field_name"] == WEBHOOK:
                    self._webhooks.send(rule, action, ticket, happening)
                elif action["field_name"] in SETTERS:
                    self.update(ticket, _set_by(action, ticket), SYSTEM, quietly=True)


def _set_by(action: JSON, ticket: Ticket) -> JSON:
    value = action.get("value")
    if action["field_name"] == "add_tag":
        value = [*ticket.tags, *(value if isinstance(value, list) else [value])]
    return {SETTERS[action["field_name"]]: value}


def _note_answer(stats: Stats, now: float, *, by_requester: bool) -> None:
    if by_requester:
        stats.requester_responded_at = now
    else:
        stats.agent_responded_at = now
        stats.first_responded_at = stats.first_responded_at or now


def _due(priority: int, since: float) -> tuple[float, float]:
    first, last = SLA[priority]
    return since + first * 3600, since + last * 3600


def values_of(given: JSON) -> JSON:
    """The body of a request as attributes of Ticket: times as unix seconds."""
    return {name: instant(value) if name in {"due_by", "fr_due_by"} else value for name, value in given.items()}


def customers_words(contact: Contact, text: str) -> Words:
    """What a customer wrote, as Freshdesk keeps it."""
    return Words(html(text), REPLY, incoming=True, from_email=contact.email)
