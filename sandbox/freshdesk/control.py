"""The control face's acts on a Freshdesk account: customers write, agents edit, and the state is shown."""

from typing import Any, Literal

from sandbox.common.acts import AgentEdit, ControlError, CustomerMessage
from sandbox.freshdesk.account import Account
from sandbox.freshdesk.fields import PRIORITIES
from sandbox.freshdesk.records import Actor, Agent, Conversation, Ticket
from sandbox.freshdesk.rules import ANY, CREATION, UPDATE, WEBHOOK, RuleType
from sandbox.freshdesk.tickets import NOTE, REPLY, Tickets, Words, customers_words
from sandbox.freshdesk.wire import JSON, html

SECRET_HEADER = "X-Deskbridge-Secret"  # noqa: S105 - the header's name, not a secret

STATUS_WORDS = {"new": 2, "open": 2, "pending": 3, "on_hold": 7, "resolved": 4, "solved": 4, "closed": 5}
PRIORITY_WORDS = {"low": 1, "normal": 2, "medium": 2, "high": 3, "urgent": 4}
CHANNELS = {"email": 1, "web": 2, "phone": 3, "chat": 7, "widget": 9}
FLAGS = ("spam", "deleted")
"""What `status` may be set to besides: Freshdesk keeps these two beside the status."""

TOPICS: dict[str, RuleType] = {"created": CREATION, "updated": UPDATE, "replied": UPDATE}
"""What a webhook may be asked for, and the type of rule that sends it; `replied` is an update by the requester."""

_PERFORMERS = {"updated": 3, "replied": 2}
"""Agent or requester; the requester alone, so that nobody's API writes come back."""


class Controls:
    """The acts; guarded by the lock of the desk. Every method may raise ControlError."""

    def __init__(self, account: Account, tickets: Tickets) -> None:
        self._account, self._tickets = account, tickets

    def customer_writes(self, message: CustomerMessage) -> str:
        """Open or continue a ticket as the customer; the ticket's id."""
        if message.channel not in CHANNELS:
            raise ControlError(f"Freshdesk has no channel {message.channel!r}; known are {', '.join(CHANNELS)}")
        contact = self._account.contact_for(message.email, message.name)
        actor = Actor("requester", contact.id, contact.email)
        if message.ticket is not None:
            ticket = self._ticket(message.ticket)
            self._tickets.say(ticket, customers_words(contact, message.body), actor)
            return message.ticket
        values = {
            "subject": message.subject or message.body.strip().partition("\n")[0][:80],
            "description": html(message.body),
            "source": CHANNELS[message.channel],
            "tags": message.tags,
        }
        return str(self._tickets.create(values, contact, actor).id)

    def agent_edits(self, edit: AgentEdit) -> None:
        """Work on a ticket as a human agent: first the fields, then the reply, then the note."""
        ticket, agent = self._ticket(edit.ticket), self.agent(edit.agent)
        actor = self._account.acting(agent, "agent")
        changes = dict(edit.changes)
        if changes.get("status") in FLAGS:
            self._tickets.flag(ticket, changes.pop("status"), value=True, actor=actor)
        self._tickets.update(ticket, self._values(ticket, changes), actor)
        if edit.reply:
            to = self._account.address(ticket.requester_id) or ""
            self._tickets.say(ticket, Words(html(edit.reply), REPLY, from_email=agent.email, to_emails=(to,)), actor)
        if edit.note:
            self._tickets.say(ticket, Words(html(edit.note), NOTE, private=True), actor)

    def agent_status(self, email: str, status: str) -> None:
        """Set an agent's availability."""
        agent = self.agent(email)
        agent.status, agent.status_at = _STATUS[status], self._account.now()

    def remove_agent(self, email: str) -> None:
        """Make an agent a contact, as `DELETE /agents/{id}` does."""
        agent = self.agent(email)
        del self._account.agents[agent.id]
        self._account.contact_for(agent.email, agent.name)

    def agent(self, email: str) -> Agent:
        """The agent of an address."""
        found = self._account.agent(email)
        if found is None:
            raise ControlError(f"no agent {email!r}; GET /_sandbox/state lists them", 404)
        return found

    def render_tickets(self) -> list[dict[str, Any]]:
        """Every ticket as the control face shows it."""
        return [self._shown(ticket) for ticket in self._account.tickets.values()]

    def render_agents(self) -> list[dict[str, Any]]:
        """Every agent as the control face shows it."""
        return [
            {"id": str(agent.id), "email": agent.email, "status": agent.status, "load": self._account.load(agent)}
            for agent in self._account.agents.values()
        ]

    def _ticket(self, id_: str) -> Ticket:
        found = self._account.tickets.get(int(id_)) if id_.isdecimal() else None
        if found is None or found.deleted:
            raise ControlError(f"no ticket {id_!r}; GET /_sandbox/state lists them", 404)
        return found

    def _values(self, ticket: Ticket, changes: JSON) -> JSON:
        """An edit's words as attributes of Ticket."""
        values: JSON = {}
        if "assignee" in changes:
            values["responder_id"] = self.agent(changes["assignee"]).id if changes["assignee"] else None
        if "team" in changes:
            values["group_id"] = self._group(changes["team"]) if changes["team"] else None
        if "status" in changes:
            values["status"] = _number("status", changes["status"], STATUS_WORDS, self._account.statuses)
        if "priority" in changes:
            values["priority"] = _number("priority", changes["priority"], PRIORITY_WORDS, PRIORITIES)
        if "fields" in changes:
            values["custom_fields"] = self._fields(changes["fields"])
        if "add_tags" in changes or "remove_tags" in changes:
            kept = [tag for tag in ticket.tags if tag not in changes.get("remove_tags", ())]
            values["tags"] = kept + changes.get("add_tags", [])
        return values

    def _group(self, name: str) -> int:
        found = self._account.group(name)
        if found is None:
            known = ", ".join(group.name for group in self._account.groups.values())
            raise ControlError(f"no team {name!r}; known are {known}")
        return found.id

    def _fields(self, given: JSON) -> JSON:
        if unknown := given.keys() - self._account.custom_fields.keys():
            known = ", ".join(self._account.custom_fields)
            raise ControlError(f"no field {', '.join(sorted(unknown))}; known are {known}")
        return given

    def _shown(self, ticket: Ticket) -> dict[str, Any]:
        account = self._account
        group = account.groups.get(ticket.group_id or 0)
        said = ticket.conversations
        return {
            "id": str(ticket.id),
            "kind": "ticket",
            "subject": ticket.subject,
            "status": ticket.status,
            "priority": ticket.priority,
            "assignee": account.address(ticket.responder_id),
            "team": group.name if group else None,
            "tags": ticket.tags,
            "fields": ticket.custom_fields,
            "summary": ticket.summary.body if ticket.summary else None,
            "notes": [self._said(one) for one in said if one.private],
            "replies": [
                self._said(one) | {"author_kind": one.actor.kind, "public": True} for one in said if not one.private
            ],
            "requester": account.address(ticket.requester_id),
            "created_at": ticket.created_at,
            "updated_at": ticket.updated_at,
        }

    def _said(self, one: Conversation) -> dict[str, Any]:
        return {"id": str(one.id), "body": one.body, "author": self._account.address(one.user_id), "at": one.created_at}


_STATUS: dict[str, Literal["online", "away", "offline"]] = {
    "online": "online",
    "away": "away",
    "offline": "offline",
}


def _number(what: str, value: Any, words: dict[str, int], known: dict[int, str]) -> int:
    number = words.get(value, value) if isinstance(value, str) else value
    if number not in known:
        raise ControlError(f"no {what} {value!r}; known are {', '.join(words)} and {', '.join(map(str, known))}")
    return int(number)


def webhook_rules(url: str, secret: str, topics: list[str] | None) -> dict[RuleType, JSON]:
    """The rules, by type, that send these topics (None: created and updated) to a URL with a secret in a header."""
    wanted = ["created", "updated"] if topics is None else topics
    types = {TOPICS[topic] for topic in wanted if topic in TOPICS}
    if not wanted or len(types) < len(wanted):
        raise ControlError("topics are created, and either updated or replied")
    return {TOPICS[topic]: _webhook_rule(topic, TOPICS[topic], url, secret) for topic in wanted}


def _webhook_rule(topic: str, type_: int, url: str, secret: str) -> JSON:
    every = {"resource_type": "ticket", "field_name": "priority", "operator": "in", "value": list(PRIORITIES)}
    action = {
        "field_name": WEBHOOK,
        "request_type": "POST",
        "url": url,
        "content_type": "JSON",
        "content_layout": "2",
        "custom_headers": {SECRET_HEADER: secret},
        "content": {"v": 1, "ticket_id": "{{ticket.id}}", "triggered_event": "{{triggered_event}}"},
    }
    rule: JSON = {
        "name": f"deskbridge: {topic}",
        "conditions": [{"name": "condition_set_1", "match_type": "any", "properties": [every]}],
        "actions": [action],
    }
    if type_ == UPDATE:
        rule |= {"performer": {"type": _PERFORMERS[topic]}, "events": [_any(name) for name in _UPDATE_EVENTS]}
    return rule


_UPDATE_EVENTS = (
    "reply_sent",
    "note_type",
    "status",
    "priority",
    "responder_id",
    "group_id",
    "ticket_type",
    "ticket_action",
)


def _any(name: str) -> JSON:
    if name in {"reply_sent", "note_type", "ticket_action"}:
        return {"field_name": name, "value": ANY}
    return {"field_name": name, "from": ANY, "to": ANY}
