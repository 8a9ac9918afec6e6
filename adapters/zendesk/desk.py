"""Zendesk through the port: what the core asks of a desk, said in Zendesk's calls."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, TypeVar

from adapters.wire import kept, some_id, unless_hidden
from adapters.zendesk import articles, audits, bulk, connect, mapping, plan, roster, rules, webhook
from adapters.zendesk.client import ZendeskClient
from adapters.zendesk.connect import Invitation
from adapters.zendesk.options import ZendeskOptions
from bridge.errors import Conflict, DeskError, NotThere, Permanent, Unclear
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
from bridge.ports import ArticlePage, Capability, Clock, Gate, Introduction, Page, TokenPair, Tokens

EXPORT_LAG: Final = timedelta(minutes=1)
"""The incremental export takes no start younger than this."""

REQUESTERS_MAX: Final = 100
"""The most ids that `show_many` takes."""

T = TypeVar("T")


class ZendeskDesk:
    """One Zendesk account as a `bridge.ports.BulkDesk`, a `bridge.ports.PeopleDesk` and a `bridge.ports.HelpDesk`."""

    vendor: str = "zendesk"
    can: frozenset[Capability] = frozenset(
        {
            Capability.SIGNED_WEBHOOK,
            Capability.EVENT_ID,
            Capability.NOTE_WITH_UPDATE,
            Capability.OPTIMISTIC_LOCK,
            Capability.WRITE_PRIORITY,
            Capability.WRITE_TYPE,
            Capability.WRITE_STATUS,
            Capability.AVAILABILITY,
            Capability.PUSH_AVAILABILITY,
            Capability.REMOVE_TAGS,
            Capability.BULK,
            Capability.MANY_REQUESTERS,
            Capability.HELP_CENTER,
        }
    )
    settle: timedelta = timedelta(seconds=1.25)  # the stamp, `updated_at`, counts whole seconds; the rest is for clocks
    default_priority: Priority = Priority.NONE
    bulk_max: int = bulk.BULK_MAX
    requesters_max: int = REQUESTERS_MAX

    def __init__(
        self, name: str, options: ZendeskOptions, *, gate: Gate, clock: Clock, tokens: Tokens | None = None
    ) -> None:
        """`tokens` keeps those of a person's sign-in, where the options name one."""
        self.name = name
        self._options = options
        self._clock = clock
        self._client = ZendeskClient(name, options, gate=gate, clock=clock, tokens=tokens)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def verify(self, raw: RawDelivery) -> Delivery:
        """The delivery where one of our webhooks signed it within the clock window. Raises DeliveryRefused (401)."""
        secrets = [secret.get_secret_value() for secret in self._options.webhook_secrets]
        webhook.authenticate(raw, secrets, self._options.clock_window)
        return Delivery(self.name, webhook.dedupe_key(raw), raw.body, kept(raw.headers, "x-zendesk-"), raw.received_at)

    def read(self, delivery: Delivery) -> Sequence[Event]:
        """The one event of a delivery."""
        return (webhook.read(self.name, self._options.url, delivery.body),)

    def fetch(self, ref: TicketRef, *, history: bool = False) -> Ticket:
        """The ticket with its newest hundred comments, in two calls; its history takes one for each hundred changes."""
        given = self._client.ticket(ref.id)
        said = self._client.comments(ref.id)
        users = [*mapping.listing(given.get("users")), *mapping.listing(said.get("users"))]
        messages = mapping.conversation(
            mapping.listing(said.get("comments")), users, some_id(given["ticket"].get("requester_id"))
        )
        ticket = mapping.ticket_of_rest(
            self.name, self._options.url, given["ticket"], beside=given, messages=messages, complete=True
        )
        if not history:
            return ticket
        requester_id = ticket.requester.id if ticket.requester else None
        return replace(ticket, touched=audits.touched(self._client.audits(ref.id), requester_id))

    def requester(self, requester_id: str) -> Requester:
        """A user, and their organisation where they have one, in one call."""
        given = self._client.user(requester_id)
        return self._with_organisations([given["user"]], given)[0]

    def requesters(self, requester_ids: Sequence[str]) -> Mapping[str, Requester]:
        """Up to a hundred users with their organisations, in one call."""
        given = self._client.users(requester_ids)
        return {each.id: each for each in self._with_organisations(mapping.listing(given.get("users")), given)}

    def _with_organisations(self, users: Sequence[mapping.Json], beside: mapping.Json) -> list[Requester]:
        """The users as requesters; an organisation that was not loaded beside them takes a call of its own."""
        known = mapping.organisations(mapping.listing(beside.get("organizations")))
        wanted = {id_ for user in users if (id_ := some_id(user.get("organization_id"))) is not None}
        if missing := sorted(wanted - known.keys()):
            known |= mapping.organisations(self._client.organisations(missing))
        return [mapping.requester(user, known.get(str(user.get("organization_id")))) for user in users]

    def history(self, requester_id: str, limit: int) -> Sequence[TicketSummary]:
        """Tickets that the user requested, newest first, a hundred at most."""
        return [mapping.summary(self.name, ticket) for ticket in self._client.requested(requester_id, limit)]

    def changed_since(self, cursor: str | None, *, start: datetime) -> Page:
        """A page of the incremental export, its cursor as Zendesk gives it; the tickets come without comments."""
        page = self._client.export(cursor, min(start, self._clock() - EXPORT_LAG))
        tickets = [
            mapping.ticket_of_rest(self.name, self._options.url, given, complete=False) for given in page.tickets
        ]
        return Page(tuple(tickets), cursor=page.cursor or cursor or "", more=not page.ended)

    def roster(self) -> Roster:
        """Agents, groups and ourselves; the status is unknown where the account's plan hides availability."""
        return roster.roster(
            self.name,
            self._clock(),
            users=self._client.agents(),
            groups=self._client.groups(),
            memberships=self._client.memberships(),
            availabilities=unless_hidden(lambda: roster.availability(self._client.availabilities())),
            acting_id=str(self._client.me()["id"]),
            fields=unless_hidden(self._client.ticket_fields),
        )

    def articles(self, cursor: str | None, *, locale: str | None = None) -> ArticlePage:
        """A hundred articles of the help centre. Raises NotThere or BadCredential where there is none for us."""
        return articles.page(self._client.articles(cursor, locale))

    def introduce(self) -> Introduction:
        """Account, acting user, and what the credential allows, by a read of each kind that we make."""
        return connect.introduce(self._client, self._options, self._clock())

    def invite(self, redirect: str) -> Invitation:
        """Begin a person's sign-in, which ends at the address `redirect`."""
        return connect.invite(self._options, redirect)

    def accept(self, invitation: Invitation, landed: str) -> TokenPair:
        """The tokens for the address that the person's browser `landed` on. Raises DeskError."""
        return connect.accept(self._client, self._options, invitation, landed, self._clock())

    def own_rules(self) -> mapping.Json:
        """The triggers and automations, and the ticket fields that give names to what they set; needs an admin."""
        lists = {kind: self._client.rules(kind) for kind in ("triggers", "automations")}
        return {**lists, "ticket_fields": unless_hidden(self._client.ticket_fields) or []}

    def in_policy_words(self, own_rules: mapping.Json, people: Roster) -> Imported:
        """The triggers; automations, which the clock starts, are told."""
        return rules.said(own_rules, people)

    def plan(self, operation_id: str, change: Change, ticket: Ticket) -> Operation:
        """One PUT, or none. Raises Unsupported."""
        return plan.plan(operation_id, change, ticket)

    def perform(self, step: Step, seen: Ticket | None) -> Receipt:
        """PUT under the stamp that the plan saw: Conflict where the ticket has moved since, or was closed."""
        del seen  # Zendesk compares the stamp itself, in the same call
        try:
            after = self._client.update(step.ref.id, step.data["ticket"])  # type: ignore[arg-type]  # as plan() made it
        except Permanent as refused:
            if refused.code == HTTPStatus.UNPROCESSABLE_ENTITY and self._is_final(step.ref):
                raise Conflict(f"somebody closed the ticket since the decision: {refused.words}") from refused
            raise
        return Receipt(
            seen=mapping.ticket_of_rest(self.name, self._options.url, after, complete=False) if after else None
        )

    def _is_final(self, ref: TicketRef) -> bool:
        """Whether nobody can change the ticket any more. Asked, not read out of a refusal: its words are translated."""
        given = self._client.ticket(ref.id)["ticket"]
        return mapping.ticket_of_rest(self.name, self._options.url, given).is_final

    def find(self, step: Step) -> Receipt | None:
        """A receipt where an audit of the ticket carries the step's marker."""
        made = self._client.audits(step.ref.id)
        return Receipt(found=True) if any(audits.marker(audit) == step.marker for audit in made) else None

    def submit(self, steps: Sequence[Step]) -> str:
        """One PUT of up to a hundred tickets, each under the stamp that its plan saw."""
        return self._client.update_many([(step.ref.id, step.data["ticket"]) for step in steps])  # type: ignore[misc]  # as plan() made it

    def outcomes(self, job: str, steps: Sequence[Step]) -> Sequence[Receipt | DeskError] | None:
        """What the job's status says; Zendesk forgets a job after about a day."""
        try:
            return bulk.outcomes(self._client.job(job), steps)
        except NotThere as gone:
            return [Unclear(f"the bulk job is gone: {gone.words}", gone.code)] * len(steps)

    def rehearsal(self, ref: TicketRef) -> Step:
        """A step that changes nothing, under a stale stamp."""
        return bulk.rehearsal(ref)
