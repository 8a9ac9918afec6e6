"""Intercom behind the port `Desk`: conversations and tickets, read and written through its REST API."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import httpx

from adapters.intercom import articles, connect, planning, rules
from adapters.intercom.client import IntercomClient, Row, next_page
from adapters.intercom.directory import Directory
from adapters.intercom.events import PING, event_of, notification
from adapters.intercom.mapping import (
    CONVERSATION,
    TICKET,
    Names,
    agent_status,
    requester_of,
    self_assigning,
    summary_of,
    ticket_of,
)
from adapters.intercom.options import IntercomOptions
from adapters.intercom.sweep import Sweep
from adapters.intercom.writing import Writer
from adapters.wire import kept, matches_any, some_id
from bridge.errors import DeliveryRefused
from bridge.model import (
    AgentRecord,
    Change,
    Delivery,
    Event,
    Imported,
    Operation,
    Priority,
    RawDelivery,
    Receipt,
    Requester,
    Roster,
    Status,
    Step,
    TeamRecord,
    Ticket,
    TicketRef,
    TicketSummary,
)
from bridge.ports import ArticlePage, Capability, Clock, Gate, Introduction, Page

HISTORY_PAGES: Final = 4
"""Pages of a requester's conversations, and of their tickets, that a history looks through for the newest."""

LOAD_PAGES: Final = 100
"""Pages of open conversations, and of open tickets, that are counted for the load: 15,000 each."""

ALWAYS: Final = frozenset(
    {
        Capability.SIGNED_WEBHOOK,
        Capability.EVENT_ID,
        Capability.WRITE_STATUS,
        Capability.DELTA_TAGS,
        Capability.REMOVE_TAGS,
        Capability.AVAILABILITY,
        Capability.PUSH_AVAILABILITY,
        Capability.HELP_CENTER,
    }
)
"""What every workspace can do; priority and type come where an attribute for them is configured."""

SEARCH: Final = {CONVERSATION: "/conversations/search", TICKET: "/tickets/search"}
ROWS: Final = {CONVERSATION: "conversations", TICKET: "tickets"}


class IntercomDesk:
    """One Intercom workspace (`bridge.ports.HelpDesk`). A reference is `conversation:215470` or `ticket:215481`."""

    vendor = "intercom"
    settle = timedelta(0)
    default_priority = Priority.NONE

    def __init__(
        self,
        name: str,
        options: IntercomOptions,
        *,
        gate: Gate,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.name = name
        self._options = options
        self._clock = clock
        self._client = IntercomClient(name, options, gate, clock, transport)
        self._directory = Directory(self._client, options.admin_id)
        self._writer = Writer(self._client, self._directory, self._ticket)
        self.can = ALWAYS | _configured(options)

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def verify(self, raw: RawDelivery) -> Delivery:
        """The delivery, where `X-Hub-Signature` is `sha1=` and the HMAC-SHA1 of the raw body by a client secret."""
        secrets = (secret.get_secret_value().encode() for secret in self._options.webhook_secrets)
        expected = [f"sha1={hmac.new(secret, raw.body, hashlib.sha1).hexdigest()}" for secret in secrets]
        if not matches_any(raw.headers.get("x-hub-signature", ""), expected):
            raise DeliveryRefused("X-Hub-Signature is missing or not made with a client secret of ours", 401)
        said = notification(raw.body)
        if self._options.app_id is not None and said.get("app_id", self._options.app_id) != self._options.app_id:
            raise DeliveryRefused("the delivery is of another Intercom app: check app_id", 401)
        given = some_id(said.get("id"))
        key = f"{said.get('app_id')}:{given}" if given else hashlib.sha256(raw.body).hexdigest()
        return Delivery(self.name, key, raw.body, kept(raw.headers), raw.received_at, keep=said.get("topic") != PING)

    def read(self, delivery: Delivery) -> Sequence[Event]:
        """The one event of a notification."""
        return (event_of(delivery, self._names()),)

    def fetch(self, ref: TicketRef, *, history: bool = False) -> Ticket:
        """The conversation or ticket with its newest 500 parts, all that Intercom gives."""
        del history  # every read shows it, as parts
        return self._writer.fetch(ref)

    def requester(self, requester_id: str) -> Requester:
        """A contact with their first company; without companies that is one call, else two."""
        contact = self._client.get("/contacts/{id}", id=requester_id)
        if (contact.get("companies") or {}).get("total_count") == 0:
            return requester_of(contact, [])
        answer = self._client.get("/contacts/{id}/companies", id=requester_id)
        # The description names the list `companies`, its own example and the service `data`.
        return requester_of(contact, answer.get("data") or answer.get("companies") or [])

    def history(self, requester_id: str, limit: int) -> Sequence[TicketSummary]:
        """The contact's conversations and tickets; searches come in no stated order, so they are sorted here."""
        filters = {"field": "contact_ids", "operator": "=", "value": requester_id}
        found = [
            summary_of(self._ticket(row, complete=False))
            for kind in (CONVERSATION, TICKET)
            for row in self._found(kind, filters, HISTORY_PAGES)
        ]
        return sorted(found, key=_newest_first)[:limit]

    def changed_since(self, cursor: str | None, *, start: datetime) -> Page:
        """One page of one search. Conversations come without their parts, so they are never complete."""
        sweep = Sweep.resumed(cursor, start=start, now=self._clock())
        filters = {"field": "updated_at", "operator": ">", "value": sweep.floor}
        answer = self._client.search(SEARCH[sweep.kind], filters, after=sweep.after)
        rows = sorted(answer.get(ROWS[sweep.kind]) or (), key=lambda row: row.get("updated_at") or 0)
        # Dates in a search may count in whole days; what that lets through from before is not news.
        rows = [row for row in rows if (row.get("updated_at") or sweep.floor) >= sweep.floor]
        tickets = tuple(self._ticket(row, complete="ticket_parts" in row) for row in rows)
        following, more = sweep.met([row.get("updated_at") or 0 for row in rows]).turned(next_page(answer))
        return Page(tickets, following.cursor(), more)

    def roster(self) -> Roster:
        """Admins, teams and loads.

        Intercom tells no load. Counting per admin by `total_count` costs two searches an admin; instead every open
        conversation and ticket that an admin has is listed, 150 a call, and counted here: two calls for most teams.
        """
        taken_at = self._clock()
        admins = [row for row in self._client.get("/admins").get("admins") or () if some_id(row.get("id"))]
        teams = self._client.get("/teams").get("teams") or ()
        loads = self._loads([str(row["id"]) for row in admins if row.get("has_inbox_seat") is not False])
        return Roster(
            desk=self.name,
            taken_at=taken_at,
            agents=tuple(_agent(row, loads) for row in admins),
            teams=tuple(TeamRecord(str(row["id"]), str(row.get("name")), self_assigning(row)) for row in teams),
            acting_id=self._directory.acting_id(),
        )

    def articles(self, cursor: str | None, *, locale: str | None = None) -> ArticlePage:
        """Fifty articles of the help centre, the last updated first."""
        return articles.page(self._client.get("/articles", query=articles.query(cursor)), locale)

    def introduce(self) -> Introduction:
        """Workspace, region, acting teammate, and what the app may read."""
        return connect.introduce(self._client, self._options)

    def own_rules(self) -> Row:
        """The tags: Intercom shows its workflows and assignment rules to no program."""
        return {"tags": list(self._client.get("/tags").get("data") or ())}

    def in_policy_words(self, own_rules: Row, people: Roster) -> Imported:
        """No rules, and what is known of those there may be."""
        del people
        return rules.said(own_rules)

    def plan(self, operation_id: str, change: Change, ticket: Ticket) -> Operation:
        """2 to 8 calls for a conversation, 1 or 2 and the tags and the note for a ticket."""
        wake_at = int((self._clock() + timedelta(hours=self._options.snooze_hours)).timestamp())
        return planning.plan(operation_id, change, ticket, self._names(), wake_at=wake_at)

    def perform(self, step: Step, seen: Ticket | None) -> Receipt:
        """One call, after a read where fields are to be compared: Intercom has no lock. Tags and notes need none."""
        return self._writer.perform(step, seen)

    def find(self, step: Step) -> Receipt | None:
        """The ticket is read again: it has the values, the tag or a part with the marker, or it has not."""
        return self._writer.find(step)

    def _names(self) -> Names:
        return Names(self._options.priority_attribute, self._options.type_attribute, self._directory.acting)

    def _ticket(self, item: Row, *, complete: bool) -> Ticket:
        return ticket_of(self.name, item, self._names(), complete=complete)

    def _found(self, kind: str, filters: Row, pages: int) -> Iterator[Row]:
        return self._client.found(SEARCH[kind], ROWS[kind], filters, pages=pages)

    def _loads(self, admin_ids: list[str]) -> Counter[str]:
        """Open conversations and tickets by admin, zero for those who have none."""
        loads = Counter(dict.fromkeys(admin_ids, 0))
        if not admin_ids:
            return loads
        # The searches take different types for the same id: a number for conversations, text for tickets.
        for kind, ids in ((CONVERSATION, [int(one) for one in admin_ids]), (TICKET, admin_ids)):
            rows = self._found(kind, _all_of(("open", "=", True), ("admin_assignee_id", "IN", ids)), LOAD_PAGES)
            loads.update(str(row["admin_assignee_id"]) for row in rows if _is_work(self._ticket(row, complete=False)))
        return loads


def _configured(options: IntercomOptions) -> frozenset[Capability]:
    """What the workspace can do because an attribute for it is named."""
    named = {
        Capability.WRITE_PRIORITY: options.priority_attribute,
        Capability.WRITE_TYPE: options.type_attribute,
    }
    return frozenset(capability for capability, attribute in named.items() if attribute is not None)


def _agent(admin: Row, loads: Counter[str]) -> AgentRecord:
    admin_id = str(admin["id"])
    return AgentRecord(
        id=admin_id,
        name=str(admin.get("name")),
        email=admin.get("email"),
        team_ids=tuple(str(team) for team in admin.get("team_ids") or ()),
        status=agent_status(admin),
        load=loads.get(admin_id),
    )


def _is_work(ticket: Ticket) -> bool:
    """True where a ticket lies on its agent's desk: neither asleep, nor waiting for the requester, nor done."""
    return ticket.status in {Status.NEW, Status.OPEN}


def _all_of(*filters: tuple[str, str, object]) -> Row:
    rows = [{"field": field, "operator": operator, "value": value} for field, operator, value in filters]
    return {"operator": "AND", "value": rows}


def _newest_first(summary: TicketSummary) -> float:
    return -summary.created_at.timestamp() if summary.created_at else 0.0
