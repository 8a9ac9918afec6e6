"""Webhooks as Freshdesk sends them: placeholders filled with labels and text, no signature, no event id, no time."""

import base64
import itertools
import json
import re
from typing import Any

from sandbox.common.webhooks import Delivery, Hook, Sender
from sandbox.freshdesk.account import Account
from sandbox.freshdesk.fields import PRIORITIES, SOURCES
from sandbox.freshdesk.records import Ticket
from sandbox.freshdesk.rules import Happening, Rule
from sandbox.freshdesk.wire import JSON, stamp, text_of

SIMPLE = "1"
"""The layout in which fields are picked on a page: wrapped, and escaped as JSON. The other one is text that the admin
wrote, into which values go as they are, quotes and line breaks too."""

WRAPPER = "freshdesk_webhook"

PICKED = {
    "ticket_id": "{{ticket.id}}",
    "ticket_url": "{{ticket.url}}",
    "ticket_subject": "{{ticket.subject}}",
    "ticket_description": "{{ticket.description}}",
    "ticket_status": "{{ticket.status}}",
    "ticket_priority": "{{ticket.priority}}",
    "ticket_source": "{{ticket.source}}",
    "ticket_type": "{{ticket.ticket_type}}",
    "ticket_tags": "{{ticket.tags}}",
    "ticket_due_by_time": "{{ticket.due_by_time}}",
    "ticket_group_name": "{{ticket.group.name}}",
    "ticket_agent_name": "{{ticket.agent.name}}",
    "ticket_agent_email": "{{ticket.agent.email}}",
    "ticket_contact_name": "{{ticket.requester.name}}",
    "ticket_contact_email": "{{ticket.requester.email}}",
    "ticket_latest_public_comment": "{{ticket.latest_public_comment}}",
    "triggered_event": "{{triggered_event}}",
}
"""What the simple layout sends where a rule picks nothing."""

_PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


class Webhooks:
    """Sends the webhook actions of rules."""

    def __init__(self, account: Account, sender: Sender) -> None:
        self._account, self._sender = account, sender
        self._numbers = itertools.count(1)

    def send(self, rule: Rule, action: JSON, ticket: Ticket, happening: Happening) -> None:
        """Queue one webhook; its text is fixed now, as it is when the rule runs."""
        payload = b"" if action["request_type"] == "GET" else _payload(action, self._values(ticket, happening))
        hook = Hook(str(rule.id), action["url"], method=action["request_type"], headers=_headers(action))
        event = happening.triggered_event()
        number = str(next(self._numbers))
        self._sender.send(Delivery(number, event, str(ticket.id), hook, payload, self._account.now()))

    def _values(self, ticket: Ticket, happening: Happening) -> dict[str, str]:
        account = self._account
        agent, group = account.agents.get(ticket.responder_id or 0), account.groups.get(ticket.group_id or 0)
        company = account.companies.get(ticket.company_id or 0)
        return {
            "ticket.id": str(ticket.id),
            "ticket.url": f"https://{account.name}.freshdesk.com/helpdesk/tickets/{ticket.id}",
            "ticket.subject": ticket.subject,
            "ticket.description": ticket.description,
            "ticket.status": account.statuses[ticket.status],
            "ticket.priority": PRIORITIES[ticket.priority],
            "ticket.source": SOURCES[ticket.source],
            "ticket.ticket_type": ticket.type or "",
            "ticket.due_by_time": stamp(ticket.due_by) or "",
            "ticket.tags": ", ".join(ticket.tags),
            "ticket.latest_public_comment": self._latest(ticket),
            "ticket.agent.name": agent.name if agent else "",
            "ticket.agent.email": agent.email if agent else "",
            "ticket.group.name": group.name if group else "",
            "ticket.requester.name": account.person(ticket.requester_id),
            "ticket.requester.email": account.address(ticket.requester_id) or "",
            "ticket.company.name": company.name if company else "",
            "triggered_event": happening.triggered_event(),
        }

    def _latest(self, ticket: Ticket) -> str:
        public = [said for said in ticket.conversations if not said.private]
        return f"{self._account.person(public[-1].user_id)} : {text_of(public[-1].body)}" if public else ""


def _payload(action: JSON, values: dict[str, str]) -> bytes:
    content = action.get("content") or PICKED
    if action["content_layout"] == SIMPLE and isinstance(content, dict):
        filled = {name: _fill(str(written), values) for name, written in content.items()}
        return json.dumps({WRAPPER: filled}, ensure_ascii=False).encode()
    template = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return _fill(template, values).encode()


def _fill(template: str, values: dict[str, str]) -> str:
    """Every known placeholder filled in; an unknown one becomes nothing."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], ""), template)


def _headers(action: JSON) -> dict[str, str]:
    headers: dict[str, Any] = {"Content-Type": "application/json", "User-Agent": "Freshdesk"}
    basic: JSON = action.get("auth_header") or {}
    if "api_key" in action:
        basic = {"username": action["api_key"], "password": "X"}
    if basic:
        pair = f"{basic.get('username', '')}:{basic.get('password', '')}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    return headers | {name: str(value) for name, value in (action.get("custom_headers") or {}).items()}
