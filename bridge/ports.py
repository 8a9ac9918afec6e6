"""The only shapes the core knows of a desk, of a policy, of triage, of time: what plugs in from outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol

from bridge.errors import DeskError
from bridge.model import (
    Case,
    Change,
    Delivery,
    Event,
    Imported,
    Member,
    Mode,
    Operation,
    Outcome,
    Priority,
    RawDelivery,
    Receipt,
    Requester,
    Roster,
    Step,
    Ticket,
    TicketRef,
    TicketSummary,
    Triage,
)

Clock = Callable[[], datetime]
"""The time now, in UTC, always handed in so that tests can turn it."""


class Capability(StrEnum):
    """What a vendor can express; what is not in `Desk.can` raises Unsupported instead of being dropped in silence."""

    SIGNED_WEBHOOK = "signed_webhook"
    EVENT_ID = "event_id"
    NOTE_WITH_UPDATE = "note_with_update"
    OPTIMISTIC_LOCK = "optimistic_lock"
    WRITE_PRIORITY = "write_priority"
    WRITE_TYPE = "write_type"
    WRITE_STATUS = "write_status"
    DELTA_TAGS = "delta_tags"
    AVAILABILITY = "availability"
    PUSH_AVAILABILITY = "push_availability"
    REMOVE_TAGS = "remove_tags"
    BULK = "bulk"
    NOTIFY = "notify"
    MANY_REQUESTERS = "many_requesters"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call to a vendor, for metrics and budgets; `route` has ids replaced, so that it names a kind of call.

    `status` is None where no answer came. `limit`, `remaining` (calls) and `reset_in` (seconds) are the vendor's
    rate-limit headers, None where it sent none. `retry_after` (seconds) is how long a refusal asks to keep away, and
    `covers` what that refusal is about: all calls, this kind of call, or this one ticket. `cost` is how many calls
    the vendor counts it for.
    """

    desk: str
    method: str
    route: str
    status: int | None
    seconds: float
    limit: int | None = None
    remaining: int | None = None
    reset_in: float | None = None
    retry_after: float | None = None
    covers: Literal["desk", "route", "ticket"] = "desk"
    cost: int = 1


class Gate(Protocol):
    """What every vendor call passes: it may be held back before it is made, and is counted after."""

    def admit(self, desk: str, method: str, route: str) -> None:
        """Return when the call may be made. Raises Retryable where the desk's budget is spent."""

    def record(self, call: Call) -> None:
        """Count a call that was made."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of reconciliation: what changed, where to go on, and whether there is more now."""

    tickets: tuple[Ticket, ...]
    cursor: str
    more: bool


class Desk(Protocol):
    """One connected vendor account. Thread-safe; every method that calls the vendor may raise any DeskError."""

    name: str
    vendor: str
    can: frozenset[Capability]
    settle: timedelta
    """How long after a version stamp nothing more happens under it: a write over a younger one might not be refused."""
    default_priority: Priority
    """The priority of a ticket that nobody has given one."""

    def verify(self, raw: RawDelivery) -> Delivery:
        """The delivery, authenticated over its raw bytes. Raises DeliveryRefused; never returns a verdict."""

    def read(self, delivery: Delivery) -> Sequence[Event]:
        """What the delivery says, pure: an unknown or unreadable one is one Event of kind UNKNOWN, never an error."""

    def fetch(self, ref: TicketRef, *, history: bool = False) -> Ticket:
        """The ticket as it is now, complete, with its newest messages and its requester as far as one read gives it.

        With `history` also what people have `touched`, where the vendor tells and even if that costs another call.
        """

    def requester(self, requester_id: str) -> Requester:
        """A requester with their organisation."""

    def history(self, requester_id: str, limit: int) -> Sequence[TicketSummary]:
        """The requester's newest tickets first, `limit` at most, the present one among them."""

    def changed_since(self, cursor: str | None, *, start: datetime) -> Page:
        """Tickets changed since the cursor of the page before (None: since `start`); may repeat, never omits one."""

    def roster(self) -> Roster:
        """Agents with status and load, teams, and the agent in whose name we write."""

    def plan(self, operation_id: str, change: Change, ticket: Ticket) -> Operation:
        """The fewest calls that say the change, given the ticket as read. Raises Unsupported; makes no call.

        What the ticket already is takes no step: a change that changes nothing gives no steps.
        """

    def perform(self, step: Step, seen: Ticket | None) -> Receipt:
        """Carry out one step unless the ticket changed under us (Conflict).

        `seen` is the ticket as the answer to the step just before showed it, None where none did: a vendor without
        a lock then reads before it writes. Once the request may have left, a fault is Unclear, not Retryable.
        """

    def close(self) -> None:
        """Give back every connection."""

    def find(self, step: Step) -> Receipt | None:
        """After an unclear outcome: the receipt where the step's effect is at the desk, None where it is absent."""


class BulkDesk(Desk, Protocol):
    """A desk that carries out steps of many tickets with one call, by a job of its own (`Capability.BULK`).

    Each step keeps its marker and its lock in a job. That nobody should take on trust: `rehearsal` is there to ask.
    """

    bulk_max: int
    """The most steps that one job takes."""

    def submit(self, steps: Sequence[Step]) -> str:
        """Have these steps, each of another ticket, carried out some time soon; the job's id. One call."""

    def outcomes(self, job: str, steps: Sequence[Step]) -> Sequence[Receipt | DeskError] | None:
        """What became of each step of a job; None while the desk works on it. One call.

        A step that the job does not tell of, of a job that is lost too, is Unclear: read it back.
        """

    def rehearsal(self, ref: TicketRef) -> Step:
        """A step that changes nothing and that the lock must refuse (Conflict), to try in a job of its own."""


class PeopleDesk(Desk, Protocol):
    """A desk that tells of many requesters with one call (`Capability.MANY_REQUESTERS`)."""

    requesters_max: int
    """The most requesters that one call tells of."""

    def requesters(self, requester_ids: Sequence[str]) -> Mapping[str, Requester]:
        """Requesters with their organisations by id, without those that the desk does not know."""


class OwnRules(Protocol):
    """A desk whose own rules can be turned into a policy."""

    def own_rules(self) -> Mapping[str, object]:
        """The rules that the desk carries out itself, as its API lists them and an export file holds them."""

    def in_policy_words(self, own_rules: Mapping[str, object], people: Roster) -> Imported:
        """The same rules in a policy's words, and what of them has none. Pure."""


class Policy(Protocol):
    """What an admin decided, checked and compiled. Pure."""

    version: str

    def triage(self, ticket: Ticket, text: str) -> Triage:
        """What the text says, by the policy's words and thresholds."""

    def decide(self, case: Case, *, desk: str, desk_mode: Mode) -> Outcome:
        """The outcome for a case; deterministic."""

    def members(self, team: str) -> tuple[Member, ...]:
        """The members of a team of the policy, in the order of the file. Raises KeyError for a team it lacks."""

    def teams(self) -> tuple[str, ...]:
        """The policy's team names."""

    def webhook(self, name: str) -> str | None:
        """The address of one of the policy's outgoing webhooks, None where it has none of that name."""

    def bound(self, kind: str, desk: str, name: str) -> str:
        """What a name of the policy (`kind`: teams, agents, tags or fields) is called at a desk; itself by default."""
