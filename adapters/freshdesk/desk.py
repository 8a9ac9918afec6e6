"""The port of the core, filled for one Freshdesk account."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import httpx

from adapters.freshdesk import connect, hint, mapping, rules, solutions, writing
from adapters.freshdesk.bookmark import SECOND, Bookmark
from adapters.freshdesk.client import PAGE_MAX, FreshdeskClient
from adapters.freshdesk.mapping import Row
from adapters.freshdesk.options import FreshdeskOptions
from adapters.freshdesk.summary import Summaries, carries, marked
from adapters.wire import instant, kept, matches_any
from bridge.errors import BadCredential, DeliveryRefused, NotThere, Permanent, Unsupported
from bridge.model import (
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
    Step,
    Ticket,
    TicketRef,
    TicketSummary,
)
from bridge.ports import ArticlePage, Capability, Clock, Gate, Introduction, Page

HEADER: Final = "x-deskbridge-secret"
"""Lower case; the header that the account's automation rule sends with our secret."""

UPDATE: Final = "update"
NOTE: Final = "note"
SUMMARY: Final = "summary"

INCLUDED: Final = 10
"""How many conversation entries come with a ticket, the OLDEST; API reference, "View a Ticket"."""

TALK_PAGE: Final = 30
"""Conversation entries a page; API reference, "List All Conversations of a Ticket"."""

ALWAYS: Final = "2000-01-01T00:00:00Z"
"""A list of tickets without `updated_since` leaves out those created more than 30 days ago."""


CAN: Final = frozenset(
    {
        Capability.WRITE_PRIORITY,
        Capability.WRITE_TYPE,
        Capability.WRITE_STATUS,
        Capability.REMOVE_TAGS,
        Capability.AVAILABILITY,
        Capability.NOTIFY,
        Capability.HELP_CENTER,
    }
)


class FreshdeskDesk:
    """One Freshdesk account; see `bridge.ports.HelpDesk`. `transport` stands in for the network where it is given."""

    vendor = "freshdesk"
    settle = timedelta(0)  # a webhook says nothing we would compare a read with
    default_priority = Priority.LOW  # API reference, "Create a Ticket": the default value is 1

    def __init__(
        self,
        name: str,
        options: FreshdeskOptions,
        *,
        gate: Gate,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.name = name
        self._base = options.url
        self._clock = clock
        self._statuses = {**mapping.STATUSES, **options.status_map}
        self._header_secrets = [secret.get_secret_value() for secret in options.webhook_secrets]
        self._path_secrets = [secret.get_secret_value() for secret in options.path_secrets]
        self._client = FreshdeskClient(name, options, gate, transport)
        self._summaries = Summaries(self._client)
        self.can = CAN | ({Capability.SUMMARY} if options.note_in == "summary" else set())

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def verify(self, raw: RawDelivery) -> Delivery:
        """The delivery, if header and path carry one of our secrets each. Raises DeliveryRefused (401)."""
        by_header = matches_any(raw.headers.get(HEADER, ""), self._header_secrets)
        by_path = matches_any(raw.secret_path or "", self._path_secrets)
        if not (by_header and by_path):
            raise DeliveryRefused("the secret header or the secret path is not this desk's")
        return Delivery(self.name, hint.key(raw), raw.body, kept(raw.headers), raw.received_at)

    def read(self, delivery: Delivery) -> Sequence[Event]:
        """The hint that the delivery is; see `hint.events`."""
        return hint.events(delivery)

    def fetch(self, ref: TicketRef, *, history: bool = False) -> Ticket:
        """The ticket with its whole conversation: one call, and one more for every 30 entries of a long one."""
        del history  # no call of Freshdesk's tells what was done to a ticket
        row = self._client.get("/tickets/{id}", ref.id, include="requester,company,conversations")
        talk = row.get("conversations") or []
        return self._ticket(ref, row, list(self._talk(ref)) if len(talk) >= INCLUDED else talk)

    def requester(self, requester_id: str) -> Requester:
        """The contact, and their company where they have one that our credential may see."""
        row = self._client.get("/contacts/{id}", requester_id)
        company = None
        if row.get("company_id"):
            with suppress(NotThere, BadCredential):
                company = self._client.get("/companies/{id}", str(row["company_id"]))
        return mapping.requester(row, company)

    def history(self, requester_id: str, limit: int) -> Sequence[TicketSummary]:
        """The requester's tickets, newest first, however old."""
        rows = self._client.all(
            "/tickets",
            "",
            min(limit, PAGE_MAX),
            requester_id=requester_id,
            updated_since=ALWAYS,
            order_by="created_at",
            order_type="desc",
        )
        return [mapping.summary(self.name, row, self._statuses) for row in islice(rows, limit)]

    def changed_since(self, cursor: str | None, *, start: datetime) -> Page:
        """A page of changed tickets, without their conversations (not complete); see `Bookmark`."""
        mark = Bookmark.parse(cursor) if cursor else Bookmark(start - SECOND)
        (asked, more), *again = [self._changed(mark, page) for page in mark.pages]
        newest = max((when for row in asked if (when := instant(row.get("updated_at")))), default=mark.since)
        rows = [*asked, *(row for before, _ in again for row in before)]
        tickets = [self._ticket(TicketRef(self.name, str(row["id"])), row) for row in rows]
        return Page(tuple(tickets), str(mark.after(newest, more=more)), more)

    def roster(self) -> Roster:
        """Agents, groups, and ourselves; a key without administrator rights sees only the agent it belongs to."""
        taken_at = self._clock()  # what we give while this is read must not pass for counted
        me = self._client.get("/agents/me")
        agents = self._list("/agents") or [me]
        availability = self._availability()
        fields = self._unless_refused(lambda: self._client.page("/ticket_fields")[0])
        return Roster(
            desk=self.name,
            taken_at=taken_at,
            agents=tuple(mapping.agent(row, availability.get(str(row["id"]))) for row in agents),
            teams=tuple(mapping.team(row) for row in self._groups()),
            acting_id=str(me["id"]),
            field_names=tuple(str(row["name"]) for row in fields if row.get("name")) if fields else None,
        )

    def articles(self, cursor: str | None, *, locale: str | None = None) -> ArticlePage:
        """What the next list of the knowledge base holds: most lists lead to others, and hold no article."""
        return solutions.page(self._client, self._base, cursor, locale)

    def introduce(self) -> Introduction:
        """Account, whose key it is, and what it allows, by a read of each kind that we make."""
        return connect.introduce(self._client, self._base)

    def own_rules(self) -> Row:
        """The automation rules by their type's number; needs an administrator's key."""
        types = (rules.CREATION, rules.CLOCK, rules.UPDATE)
        return {type_: list(self._client.all("/automations/{id}/rules", type_)) for type_ in types}

    def in_policy_words(self, own_rules: Row, people: Roster) -> Imported:
        """The rules for new tickets and for replies; those that the clock starts are told."""
        return rules.said(own_rules, people, self._statuses)

    def plan(self, operation_id: str, change: Change, ticket: Ticket) -> Operation:
        """One PUT of what differs, then the note and the summary, which carry the marker where agents see it."""
        steps = []
        data = writing.update(change, ticket, self._statuses)
        if data is not None:
            steps.append(Step(UPDATE, ticket.ref, operation_id, data))
        if change.note is not None:
            mailed = {"notify_emails": sorted(change.tell)} if change.tell else {}
            steps.append(Step(NOTE, ticket.ref, operation_id, {"body": marked(change.note, operation_id), **mailed}))
        if change.summary is not None:
            if Capability.SUMMARY not in self.can:
                raise Unsupported("the desk's notes go to the conversation: `note_in: summary` is not set")
            marker = f"{operation_id} {SUMMARY}"  # as a note in the summary's stead it is not the operation's own note
            steps.append(Step(SUMMARY, ticket.ref, marker, {"body": marked(change.summary, marker)}))
        return Operation(operation_id, ticket.ref, change, tuple(steps))

    def perform(self, step: Step, seen: Ticket | None) -> Receipt:
        """Post the note; or compare, then PUT, with nothing between the two calls where the ticket is not `seen`.

        A summary that is not to be had becomes a note.
        """
        if step.name == SUMMARY and self._summaries.write(step):
            return Receipt()
        if step.name in {NOTE, SUMMARY}:
            self._client.write("POST", "/tickets/{id}/notes", step.ref.id, body={**step.data, "private": True})
            return Receipt()
        now = seen or self._now(step.ref)
        body = writing.body(step.data, now)
        if not body:
            return Receipt(seen=now, found=True)
        row = self._client.write("PUT", "/tickets/{id}", step.ref.id, body=body)
        return Receipt(seen=self._ticket(step.ref, row))

    def find(self, step: Step) -> Receipt | None:
        """The note by its marker in the conversation; the update by every value it was to write."""
        if step.name == SUMMARY and self._summaries.holds(step):
            return Receipt(found=True)
        if step.name in {NOTE, SUMMARY}:
            return Receipt(found=True) if any(carries(entry, step.marker) for entry in self._talk(step.ref)) else None
        now = self._now(step.ref)
        return Receipt(seen=now, found=True) if writing.done(step.data, now) else None

    def _ticket(self, ref: TicketRef, row: Row, talk: Sequence[Row] | None = None) -> Ticket:
        return mapping.ticket(ref, row, self._statuses, base=self._base, talk=talk)

    def _now(self, ref: TicketRef) -> Ticket:
        """The ticket's fields alone, in the cheapest call there is."""
        return self._ticket(ref, self._client.get("/tickets/{id}", ref.id))

    def _talk(self, ref: TicketRef) -> Iterator[Row]:
        return self._client.all("/tickets/{id}/conversations", ref.id, TALK_PAGE)

    def _changed(self, mark: Bookmark, page: int) -> tuple[list[Row], bool]:
        return self._client.page(
            "/tickets",
            updated_since=mark.updated_since,
            order_by="updated_at",
            order_type="asc",
            per_page=PAGE_MAX,
            page=page,
        )

    def _availability(self) -> dict[str, Row]:
        """Every agent's availability by agent id, empty where the plan or our credential hides it."""
        rows = self._list("/agents", only="availability") or []
        return {str(row.get("agent_id") or row.get("id")): row.get("availability") or row for row in rows}

    def _groups(self) -> list[Row]:
        """Groups by the newer address, else by the older one, else none."""
        newer = self._list("/admin/groups")
        return newer if newer is not None else self._list("/groups") or []

    def _list(self, route: str, **query: str) -> list[Row] | None:
        return self._unless_refused(lambda: list(self._client.all(route, **query)))

    @staticmethod
    def _unless_refused(read: Callable[[], list[Row]]) -> list[Row] | None:
        """What is read, None where the account's plan or our credential does not show it."""
        try:
            return read()
        except Permanent:
            return None
