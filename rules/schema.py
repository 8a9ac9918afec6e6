"""The shape of a policy file: what keys there are, what each may hold, and what they default to."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, model_validator

from bridge.model import Channel, EventKind, Mode, Priority, Status
from rules.conditions import Automatic, Condition, LanguageCode, Sentiment
from rules.operators import Named, Number, Scalar, Strict, Urgency, Words, some

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Names = frozenset[Name]

SettablePriority = Literal[Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.URGENT]
SettableStatus = Literal[Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.RESOLVED]


class Person(Strict):
    """A member of a team: the open tickets they can hold at once, and what they are good at."""

    capacity: Annotated[int, Field(strict=True, ge=1, le=1_000)]
    skills: Names = frozenset()


class Team(Strict):
    """A team, and the one that takes over where nobody in it is free."""

    members: dict[Name, Person]
    overflow: Name | None = None

    @model_validator(mode="after")
    def _has_members(self) -> "Team":
        if not self.members:
            raise ValueError("is a team without members")
        return self


class Thresholds(Strict):
    """At or above `act` rules may use an intent; from `suggest` up it is told; below it is left to a human."""

    act: Annotated[Number, Field(ge=0, le=1)] = 0.85
    suggest: Annotated[Number, Field(ge=0, le=1)] = 0.55

    @model_validator(mode="after")
    def _in_order(self) -> "Thresholds":
        if self.suggest > self.act:
            raise ValueError("has suggest above act, so nothing would ever be suggested")
        return self


class TriageSection(Strict):
    """How intents are recognised: thresholds, and the words that speak for each intent."""

    intent: Thresholds = Thresholds()
    words: dict[Name, Annotated[tuple[Words, ...], AfterValidator(some)]] = Field(default_factory=dict)


class Then(Strict):
    """What an annotate rule asks for."""

    priority: SettablePriority | None = None
    status: SettableStatus | None = None
    type: Name | None = None
    tier: Name | None = None
    fields: dict[Name, Scalar] = Field(default_factory=dict)
    add_tags: Names = frozenset()
    remove_tags: Names = frozenset()

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


class To(Strict):
    """The team that gets a ticket, the skills its agent must have, the team that takes over where nobody is free."""

    team: Name
    skills: Names = frozenset()
    then: Name | None = None


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
    desk: Name = "test"
    event: EventKind = EventKind.TICKET_CREATED
    status: Status = Status.NEW
    priority: Priority = Priority.NONE
    channel: Channel = Channel.EMAIL
    type: Name | None = None
    tags: Names = frozenset()
    attachments: tuple[Name, ...] = ()
    intent: Name | None = None
    urgency: Urgency | None = None
    sentiment: Sentiment | None = None
    language: LanguageCode | None = None
    automatic: Automatic | None = None
    requester_email: Name | None = Field(default=None, alias="requester.email")
    requester_locale: Name | None = Field(default=None, alias="requester.locale")
    requester_organisation: Name | None = Field(default=None, alias="requester.organisation")
    requester_tier: Name | None = Field(default=None, alias="requester.tier")
    requester_plan: Name | None = Field(default=None, alias="requester.plan")
    requester_account_owner: Name | None = Field(default=None, alias="requester.account_owner")
    contacts_24h: Number | None = None
    previous_tickets: Number | None = None
    open_tickets: Number | None = None
    last_agent: Name | None = None
    fields: dict[Name, Scalar] = Field(default={}, alias="field.*")
    facts: dict[Name, Scalar] = Field(default={}, alias="fact.*")


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
    teams: dict[Name, Team]
    triage: TriageSection = TriageSection()
    annotate: tuple[AnnotateRule, ...] = ()
    route: Annotated[tuple[RouteRule, ...], AfterValidator(some)]
    bindings: dict[Name, Binding] = Field(default_factory=dict)
    tests: tuple[PolicyTest, ...] = ()
