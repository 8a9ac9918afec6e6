"""The only shapes the core knows of a desk, of a policy, of triage, of time: what plugs in from outside."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol

from bridge.calendars import Calendar
from bridge.errors import DeskError
from bridge.model import (
    Case,
    Change,
    Delivery,
    Event,
    Imported,
    Labelling,
    Member,
    Mode,
    Operation,
    Outcome,
    Predicted,
    Priority,
    RawDelivery,
    Receipt,
    Requester,
    Roster,
    Status,
    Step,
    Ticket,
    TicketRef,
    TicketSummary,
    Triage,
)
from bridge.routing.snapshot import Rules

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
    SUMMARY = "summary"
    HELP_CENTER = "help_center"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call to a vendor, for metrics and budgets; `route` has ids replaced, so that it names a kind of call.

    `status` is None where no answer came. `limit`, `remaining` (calls) and `reset_in` (seconds) are the vendor's
    rate-limit headers, None where it sent none. `retry_after` (seconds) is how long a refusal asks to keep away, and
    `covers` what that refusal is about: all calls, this kind of call, or this one ticket. `cost` is how many calls
    the vendor counts it for. `clock` is the time by the vendor's own clock (UTC, whole seconds) when it answered.
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
    clock: datetime | None = None


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


@dataclass(frozen=True, slots=True)
class Article:
    """One page that helps: its title, its plain text as far as it is searched, and its address where it has one."""

    title: str
    text: str = field(repr=False)
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """Some articles of a help centre, and where to go on; None after the last of them."""

    articles: tuple[Article, ...]
    cursor: str | None


class HelpDesk(Desk, Protocol):
    """A desk that lists the articles of its help centre (`Capability.HELP_CENTER`)."""

    def articles(self, cursor: str | None, *, locale: str | None = None) -> ArticlePage:
        """The articles after the cursor of the page before (None: from the start) that anybody may read; one call.

        Drafts are left out, and what only some may see. Without a locale each article comes in its main language, with
        one in that language, where it is translated.
        """


class OwnRules(Protocol):
    """A desk whose own rules can be turned into a policy."""

    def own_rules(self) -> Mapping[str, object]:
        """The rules that the desk carries out itself, as its API lists them and an export file holds them."""

    def in_policy_words(self, own_rules: Mapping[str, object], people: Roster) -> Imported:
        """The same rules in a policy's words, and what of them has none. Pure."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing of ours at a desk: its kind in the vendor's word (webhook, trigger, rule), its id there, its name."""

    kind: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Act:
    """One call that creates, changes or deletes a piece; the id of one to be created is empty.

    `path` starts from the desk's address. `body` may hold the `secrets`, and stand-ins (`Installer.carry_out`).
    """

    verb: Literal["create", "change", "delete"]
    piece: Piece
    method: str
    path: str
    body: Mapping[str, object] | None = field(default=None, repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """A piece as the desk shows it."""

    piece: Piece
    row: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is at a desk: our pieces and those of other installations of ours.

    `pattern` is a webhook made by hand, to copy its shape. `ranks` is how many rules stand in line, by their purpose.
    """

    ours: tuple[Found, ...] = ()
    others: tuple[Piece, ...] = ()
    pattern: Mapping[str, object] | None = field(default=None, repr=False)
    ranks: Mapping[str, int] = field(default_factory=dict)


class Installer(Protocol):
    """Has a desk send its webhooks to us, as far as the vendor lets a program, and undoes that.

    Only `survey`, `carry_out` and `signing_secret` call the desk, and may raise any DeskError.
    """

    name: str
    needs: str
    """What the credential must be allowed, to be said where the desk refuses."""
    ways: tuple[str, ...]
    """The ways in which the vendor can be made to send webhooks, the best first; none where only a person can."""
    makes_up: tuple[str, ...]
    """The vendor's settings whose secrets are made up where they are empty, before anything is put up."""

    def survey(self, addresses: Sequence[str], known: Sequence[Piece]) -> Survey:
        """What is there. Ours is what is `known`, and what has our mark and sends to one of the `addresses`.

        An address is where we take this desk's webhooks, without what a vendor's own secret adds at its end.
        """

    def put_up(self, found: Survey, address: str, way: str) -> Sequence[Act]:
        """The calls after which exactly what is wanted is there; none where it is already. Pure."""

    def take_down(self, found: Survey) -> Sequence[Act]:
        """The calls after which nothing of ours is there. Pure."""

    def carry_out(self, act: Act, made: Sequence[Piece]) -> Piece:
        """Make the call; the piece as it is then. A stand-in for an id becomes that of the piece `made` before."""

    def signing_secret(self, pieces: Sequence[Piece]) -> str | None:
        """What the desk signs our webhooks with, None where that is not for the desk to say."""

    def by_hand(self, address: str) -> Sequence[str]:
        """What a person has to do at the vendor, step by step; nothing where `put_up` does it."""

    def close(self) -> None:
        """Give back every connection."""


class Health(StrEnum):
    """How something stands: a NOTE is worth knowing, a WARNING may hurt, a FAULT does."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of a check-up: what was looked at, how it stands, what that means, and what to do (None: nothing)."""

    about: str
    health: Health
    words: str
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class DeskStatus:
    """A status that a desk's tickets can have: its id and name there, and what it means; None where nothing says so."""

    id: str
    name: str
    means: Status | None


class Inspector(Protocol):
    """Looks a desk over for what only its vendor's API tells; reads only. Every method may raise any DeskError."""

    name: str

    def statuses(self) -> Sequence[DeskStatus] | None:
        """The statuses that tickets can have, None where the desk does not show them."""

    def inspect(self, pieces: Sequence[Piece]) -> Iterator[Diagnosis]:
        """What is to be said of this desk and of our `pieces` there, what could not be seen as a NOTE."""

    def plan(self, limit: int) -> str | None:
        """The vendor's plan that a call limit belongs to, None where that tells nothing. Pure."""

    def close(self) -> None:
        """Give back every connection."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a vendor gives for a person's sign-in: `access` goes with calls until then (UTC), `refresh` works once."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    until: datetime
    scope: str = ""
    """What the access token allows, in the vendor's words; empty where it did not say."""
    refresh_until: datetime | None = None
    """When the refresh token ends unused (UTC), None where the vendor did not say."""


class Tokens(Protocol):
    """The newest token pair of one desk, the same in every process. Thread-safe; every method may raise DeskError."""

    def pair(self) -> TokenPair:
        """The newest pair. Raises BadCredential where nobody has signed in."""

    def renew(self, spent: TokenPair, exchange: Callable[[TokenPair], TokenPair]) -> TokenPair:
        """A newer pair than `spent`: what somebody else got meanwhile, or what `exchange` gives for it, kept first.

        Of all processes one at a time exchanges; the others wait for what it gets.
        """

    def close(self) -> None:
        """Give back every connection."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that we do at a desk: the vendor's word for it, what it is for, and the refusal (None: allowed).

    What is `needed` is so for any work at all; without the rest something is worse or missing.
    """

    name: str
    use: str
    needed: bool
    refused: str | None


@dataclass(frozen=True, slots=True)
class Introduction:
    """Whom a credential makes us at a desk: the account, the acting user, what is allowed, what an admin should know.

    `suggests` are options of the desk that are best written down, by their keys. `ends` is when the credential holds no
    more (UTC), if nobody renews it before; None where it does not end, or nothing says when.
    """

    account: str
    user: str
    permissions: tuple[Permission, ...]
    remarks: tuple[str, ...] = ()
    suggests: Mapping[str, object] = field(default_factory=dict)
    ends: datetime | None = None


class Introduces(Protocol):
    """A desk that says whom its credential makes us and what that allows, by reads that change nothing."""

    def introduce(self) -> Introduction:
        """Ask the desk. Raises DeskError where it does not answer, or does not know the credential."""


class Policy(Protocol):
    """What an admin decided, checked and compiled. Pure."""

    version: str

    def triage(self, ticket: Ticket, text: str) -> Triage:
        """What the text says, by the policy's words and thresholds."""

    @property
    def acts_from(self) -> float:
        """The least confidence of an intent that its rules may use."""

    @property
    def intents(self) -> frozenset[str]:
        """Every intent that its rules may ask for."""

    @property
    def labelling(self) -> Labelling | None:
        """What the policy wants of a trained model, None where nothing."""

    def over(self, found: Triage, predicted: Predicted) -> Triage:
        """What triage says once a model has been asked too."""

    def decide(self, case: Case, *, desk: str, desk_mode: Mode) -> Outcome:
        """The outcome for a case; deterministic."""

    def nearest_miss(self, case: Case, *, desk: str) -> str | None:
        """What would have had to be otherwise for another rule to send the case elsewhere, in one sentence."""

    def members(self, team: str) -> tuple[Member, ...]:
        """The members of a team of the policy, in the order of the file. Raises KeyError for a team it lacks."""

    def teams(self) -> tuple[str, ...]:
        """The policy's team names."""

    def routing(self, team: str) -> Rules:
        """How a team hands out its tickets. Raises KeyError for a team it lacks."""

    def in_turn(self, team: str, then: str | None) -> tuple[str, ...]:
        """The teams that may have a ticket by and by: `team`, `then`, whom that overflows into, and so on.

        Raises KeyError for a team it lacks.
        """

    def opening(self, team: str) -> Calendar | None:
        """The hours in which a team's promises count, None where always. Raises KeyError for a team it lacks."""

    def hours(self, team: str, member: str) -> Calendar | None:
        """When a member of a team works, None where always. Raises KeyError for one it lacks."""

    def promise(self, priority: Priority, tier: str | None) -> timedelta | None:
        """How soon a first answer is promised, in the team's open hours; None where nothing is."""

    def webhook(self, name: str) -> str | None:
        """The address of one of the policy's outgoing webhooks, None where it has none of that name."""

    def bindings(self, kind: str, desk: str) -> Mapping[str, str]:
        """What the policy says that names of its own (`kind` as in `bound`) are called at a desk, by those names."""

    def bound(self, kind: str, desk: str, name: str) -> str:
        """What a name of the policy (`kind`: teams, agents, tags or fields) is called at a desk; itself by default."""
