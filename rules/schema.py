"""The shape of a policy file: what keys there are, what each may hold, and what they default to."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)

from bridge import calendars, labels
from bridge.model import LANGUAGE, Channel, EventKind, Mode, Priority, Status
from bridge.routing.snapshot import WhenAway
from bridge.yamlfile import nearest
from rules import sending
from rules.conditions import Automatic, Condition, LanguageCode, Sentiment, Signal
from rules.operators import Duration, Named, Number, Pattern, Scalar, Strict, Urgency, Words, some
from rules.template import Template


def _zone(name: str) -> str:
    try:
        calendars.zone(name)
    except ValueError:
        if (near := nearest(name, available_timezones())) is None:
            raise
        raise ValueError(f"is no time zone; {near}") from None
    return name


def _days(words: str) -> str:
    calendars.days(words)
    return words


def _span(text: str) -> str:
    calendars.spans([text])
    return text


def _template(written: str) -> str:
    Template(written)
    return written


def _url(written: str) -> str:
    try:
        parts = urlsplit(written)
    except ValueError:
        parts = urlsplit("")
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
    if not secure or not parts.hostname or parts.username is not None:
        raise ValueError("should be an https:// address without a user name in it")
    return written


_THIS_MACHINE: Final = {"127.0.0.1", "localhost", "::1"}
"""Plain http is for these alone: on any longer way everybody could read what is told."""


def _sent(name: str) -> str:
    sending.sent(name)
    return name


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Names = frozenset[Name]
OneOrMore = Annotated[Names, BeforeValidator(_listed, json_schema_input_type=Name | Names)]
Said = Annotated[str, AfterValidator(_template)]
Zone = Annotated[str, AfterValidator(_zone)]
Days = Annotated[str, AfterValidator(_days)]
Span = Annotated[str, AfterValidator(_span)]
Spans = tuple[Span, ...]
Region = Annotated[str, AfterValidator(calendars.region)]

SettablePriority = Literal[Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.URGENT]
SettableStatus = Literal[Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.RESOLVED]


class Calendar(Strict):
    """When a team works: weekly hours in its time zone, without public holidays, and dates with hours of their own."""

    timezone: Zone
    hours: dict[Days, Spans]
    holidays: Annotated[
        tuple[Region, ...], BeforeValidator(_listed, json_schema_input_type=Region | tuple[Region, ...])
    ] = ()
    dates: dict[date, Spans] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _opens(self) -> "Calendar":
        calendars.weekly(self.hours)
        for texts in self.dates.values():
            calendars.spans(texts)
        return self


Places = Annotated[int, Field(strict=True, ge=1, le=1_000)]


class Person(Strict):
    """A member of a team: the open tickets they can hold at once, what they are good at, and when they work.

    `channels` bounds the tickets of single channels. `calendar` stands in place of the team's.
    """

    capacity: Places
    skills: Names = frozenset()
    languages: frozenset[LanguageCode] = frozenset()
    channels: dict[Channel, Places] = Field(default_factory=dict)
    calendar: Name | None = None


class Team(Strict):
    """A team, when it works (always, where no calendar says), how it hands out its tickets, and who takes over.

    A ticket waits in the team's queue until an agent has one of their `slots` free, or is given out `at_arrival` by a
    `strategy`. `when_away` happens to an agent's tickets once they have been away for `grace`.
    Nobody is given anything in the last `guard` before they leave.
    """

    members: dict[Name, Person]
    calendar: Name | None = None
    overflow: Name | None = None
    assign_at_arrival: StrictBool = False
    strategy: Literal["round_robin", "least_loaded", "balanced"] | None = None
    slots: Annotated[int, Field(strict=True, ge=1, le=10)] | None = None
    when_away: WhenAway = WhenAway.KEEP
    grace: Duration = timedelta(minutes=30)
    guard: Duration = timedelta(minutes=15)

    @model_validator(mode="after")
    def _makes_sense(self) -> "Team":
        if not self.members:
            raise ValueError("is a team without members")
        if self.strategy is not None and not self.assign_at_arrival:
            raise ValueError("has a strategy, which is for teams with 'assign_at_arrival: true' alone")
        if self.slots is not None and self.assign_at_arrival:
            raise ValueError("has slots, which are for teams without 'assign_at_arrival: true' alone")
        if self.guard > timedelta(hours=2):
            raise ValueError("has a guard of more than 2h, which leaves too little of a shift")
        return self


Promises = dict[Literal[Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.URGENT], Duration]


class Sla(Strict):
    """How soon a first answer is promised, by priority, in the open hours of the team; `tiers` are customers' own."""

    first_response: Promises
    tiers: dict[Name, Promises] = Field(default_factory=dict)


class Thresholds(Strict):
    """At or above `act` rules may use an intent; from `suggest` up it is told; below it is left to a human."""

    act: Annotated[Number, Field(ge=0, le=1)] = 0.85
    suggest: Annotated[Number, Field(ge=0, le=1)] = 0.55

    @model_validator(mode="after")
    def _in_order(self) -> "Thresholds":
        if self.suggest > self.act:
            raise ValueError("has suggest above act, so nothing would ever be suggested")
        return self


def _writable(written: str) -> str:
    if labels.place(written).kind not in {"type", "field", "tag"}:
        raise ValueError("cannot be written by a model; write type, field:NAME or tag:BEGINNING")
    return written


class TrainedModel(Strict):
    """What a model that was trained on the desk's own tickets may do; which one it is stands in the database.

    `promise` is the precision that its labels must have shown for rules to use them.
    """

    promise: Annotated[Number, Field(ge=0.5, le=0.995)] = 0.95
    mode: Mode = Mode.SHADOW
    intents: Names = frozenset()
    write: Annotated[str, AfterValidator(_writable)] | None = None


class TriageSection(Strict):
    """How intents are recognised, by thresholds and the words for each, and by a trained model; what to extract, a
    pattern for each name.
    """

    intent: Thresholds = Thresholds()
    words: dict[Name, Annotated[tuple[Words, ...], AfterValidator(some)]] = Field(default_factory=dict)
    model: TrainedModel | None = None
    extract: dict[Name, Pattern] = Field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """Every intent that rules may ask for."""
        return set(self.words) | (set(self.model.intents) if self.model else set())


class Webhook(Strict):
    """An address that rules can call, and the values that it is told beside the ticket's ids."""

    url: Annotated[str, AfterValidator(_url)]
    send: tuple[Annotated[str, AfterValidator(_sent)], ...] = ()


def _webhook(written: object) -> object:
    return {"url": written} if isinstance(written, str) else written


class Notify(Strict):
    """Whom to tell, agents or teams of the policy, and what."""

    to: OneOrMore
    text: Said

    @model_validator(mode="after")
    def _tells_somebody(self) -> "Notify":
        if not self.to:
            raise ValueError("tells nobody")
        return self


class Then(Strict):
    """What an annotate rule asks for; `skip` leaves the ticket where it is, `stop` ends the stage with this rule."""

    priority: SettablePriority | None = None
    status: SettableStatus | None = None
    type: Name | None = None
    tier: Name | None = None
    fields: dict[Name, Scalar] = Field(default_factory=dict)
    add_tags: Names = frozenset()
    remove_tags: Names = frozenset()
    note: Said | None = None
    notify: Notify | None = None
    call: OneOrMore = frozenset()
    skip: Literal[True] | None = None
    stop: Literal[True] | None = None

    @model_validator(mode="after")
    def _does_something(self) -> "Then":
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise ValueError("does nothing")
        if self.add_tags & self.remove_tags:
            raise ValueError(f"adds and removes the same tag: {', '.join(sorted(self.add_tags & self.remove_tags))}")
        return self


class AnnotateRule(Strict):
    """What to note on every ticket for which the condition holds."""

    name: Name
    when: Condition
    then: Then
    mode: Mode | None = None


class Relax(Strict):
    """Skills that a ticket does without once it has waited so long; `language` gives up who writes its language."""

    after: Duration
    without: OneOrMore

    @model_validator(mode="after")
    def _gives_up_something(self) -> "Relax":
        if not self.without:
            raise ValueError("gives up no skill")
        return self


class To(Strict):
    """The team that gets a ticket, the skills its agent must have, the team that takes over where nobody is free.

    `prefer` are skills that are good to have; `relax` gives up skills that are hard to find, one step after the other.
    `wait_at_most` is how long it may take to find somebody in the first team; `prefer_last_agent` gives a ticket to who
    answered its requester last, if that is no longer ago.
    """

    team: Name
    skills: Names = frozenset()
    prefer: Names = frozenset()
    relax: tuple[Relax, ...] = ()
    then: Name | None = None
    wait_at_most: Duration | None = None
    prefer_last_agent: Duration | None = None

    @model_validator(mode="after")
    def _relaxes_in_order(self) -> "To":
        if any(later.after <= one.after for one, later in pairwise(self.relax)):
            raise ValueError("has steps of 'relax' out of order; each must come later than the one before")
        asked = self.skills | {LANGUAGE}
        if unknown := sorted({name for step in self.relax for name in step.without} - asked):
            near = nearest(unknown[0], asked)
            raise ValueError(f"relaxes what it does not ask for: {', '.join(unknown)}{f'; {near}' if near else ''}")
        return self


class RouteRule(Strict):
    """Where a ticket goes; only the last rule of a policy has no condition."""

    name: Name
    when: Condition | None = None
    to: To | None = None
    skip: Literal[True] | None = None
    mode: Mode | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> "RouteRule":
        if (self.to is None) is (self.skip is None):
            raise ValueError("needs either 'to' or 'skip: true'")
        return self


class Modes(Strict):
    """Modes of single desks and of single categories (intents), in place of the policy's own."""

    desks: dict[Name, Mode] = Field(default_factory=dict)
    categories: dict[Name, Mode] = Field(default_factory=dict)


class Binding(Strict):
    """What one desk calls the teams, agents, tags and fields of this policy; what is not here has the same name."""

    teams: dict[Name, Name] = Field(default_factory=dict)
    agents: dict[Name, Name] = Field(default_factory=dict)
    tags: dict[Name, Name] = Field(default_factory=dict)
    fields: dict[Name, Name] = Field(default_factory=dict)


class Given(Named):
    """The ticket of a test. What triage says of its text can be given instead, and facts are unknown unless given."""

    subject: str = ""
    body: str = ""
    at: AwareDatetime | None = None
    desk: Name = "test"
    event: EventKind = EventKind.TICKET_CREATED
    status: Status = Status.NEW
    priority: Priority = Priority.NONE
    channel: Channel = Channel.EMAIL
    desk_status: Name | None = Field(default=None, alias="desk.status")
    desk_priority: Name | None = Field(default=None, alias="desk.priority")
    desk_channel: Name | None = Field(default=None, alias="desk.channel")
    type: Name | None = None
    assignee: Name | None = None
    team: Name | None = None
    previous_assignees: Names = frozenset()
    tags: Names = frozenset()
    previous_tags: Names = frozenset()
    attachments: tuple[Name, ...] = ()
    messages_requester: Annotated[int, Field(strict=True, ge=1, le=1_000)] = Field(
        default=1, alias="messages.requester"
    )
    messages_agent: Annotated[int, Field(strict=True, ge=0, le=1_000)] = Field(default=0, alias="messages.agent")
    age: Duration | None = None
    idle: Duration | None = None
    waiting: Duration | None = None
    intent: Name | None = None
    urgency: Urgency | None = None
    sentiment: Sentiment | None = None
    language: LanguageCode | None = None
    automatic: Automatic | None = None
    signals: frozenset[Signal] | None = None
    requester_name: Name | None = Field(default=None, alias="requester.name")
    requester_email: Name | None = Field(default=None, alias="requester.email")
    requester_locale: Name | None = Field(default=None, alias="requester.locale")
    requester_external_id: Name | None = Field(default=None, alias="requester.external_id")
    requester_organisation: Name | None = Field(default=None, alias="requester.organisation")
    organisation_tags: tuple[Name, ...] = Field(default=(), alias="organisation.tags")
    requester_tier: Name | None = Field(default=None, alias="requester.tier")
    requester_plan: Name | None = Field(default=None, alias="requester.plan")
    requester_account_owner: Name | None = Field(default=None, alias="requester.account_owner")
    contacts_24h: Number | None = None
    previous_tickets: Number | None = None
    open_tickets: Number | None = None
    last_agent: Name | None = None
    fields: dict[Name, Scalar] = Field(default={}, alias="field.*")
    facts: dict[Name, Scalar] = Field(default={}, alias="fact.*")
    requester_fields: dict[Name, Scalar] = Field(default={}, alias="requester.field.*")
    organisation_fields: dict[Name, Scalar] = Field(default={}, alias="organisation.field.*")


class Expect(Strict):
    """What a test expects; what it does not name may be anything. `tags` are all tags that are added."""

    route: Name | None = None
    team: Name | None = None
    skills: Names | None = None
    skip: StrictBool | None = None
    rules: Names | None = None
    not_rule: Name | None = None
    priority: Priority | None = None
    status: Status | None = None
    type: Name | None = None
    tier: Name | None = None
    fields: dict[Name, Scalar] | None = None
    tags: Names | None = None
    removed_tags: Names | None = None
    notes: tuple[str, ...] | None = None
    notify: OneOrMore | None = None
    call: OneOrMore | None = None
    intent: Name | None = None
    mode: Mode | None = None


class PolicyTest(Strict):
    """One test that the file carries with it."""

    name: Name | None = None
    given: Given
    expect: Expect


class PolicyFile(Strict):
    """A whole policy file."""

    policy: Literal["deskbridge/v1"]
    mode: Mode = Mode.SHADOW
    modes: Modes = Modes()
    calendars: dict[Name, Calendar] = Field(default_factory=dict)
    sla: Sla | None = None
    webhooks: dict[Name, Annotated[Webhook, BeforeValidator(_webhook, json_schema_input_type=str | Webhook)]] = Field(
        default_factory=dict
    )
    teams: dict[Name, Team]
    triage: TriageSection = TriageSection()
    annotate: tuple[AnnotateRule, ...] = ()
    route: Annotated[tuple[RouteRule, ...], AfterValidator(some)]
    bindings: dict[Name, Binding] = Field(default_factory=dict)
    tests: tuple[PolicyTest, ...] = ()
