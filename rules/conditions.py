"""Conditions as an admin writes them: all, any, not, and a closed list of things to ask about."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, model_validator

from bridge.model import Channel, EventKind, Status
from bridge.triage.language import LANGUAGE_CODES
from rules.operators import (
    DurationTest,
    Found,
    Named,
    NumberTest,
    OneOf,
    PriorityTest,
    SetTest,
    TextTest,
    UrgencyTest,
    ValueTest,
    WordsTest,
    some,
)


def _language(code: str) -> str:
    if code not in LANGUAGE_CODES:
        raise ValueError(f"is not a language that is told apart; these are: {', '.join(LANGUAGE_CODES)}")
    return code


Sentiment = Literal["negative", "neutral", "positive"]
Automatic = Literal["auto_reply", "bounce", "spam", "loop", "none"]
Signal = Literal["asks_for_human", "churn", "legal", "bug", "repeat_contact", "topic_drift"]
Kind = Literal["image", "video", "audio", "pdf", "text", "archive", "other"]
LanguageCode = Annotated[str, AfterValidator(_language)]
Branch = Annotated[tuple["Condition", ...], AfterValidator(some)]


class Condition(Named):
    """One condition. Several keys in one mapping must all hold."""

    all: Branch | None = None
    any: Branch | None = None
    not_: "Condition | None" = Field(default=None, alias="not")

    event: OneOf[EventKind] | None = None
    desk: OneOf[str] | None = None
    status: OneOf[Status] | None = None
    priority: PriorityTest | None = None
    channel: OneOf[Channel] | None = None
    desk_status: TextTest | None = Field(default=None, alias="desk.status")
    desk_priority: TextTest | None = Field(default=None, alias="desk.priority")
    desk_channel: TextTest | None = Field(default=None, alias="desk.channel")
    type: TextTest | None = None
    assignee: OneOf[str] | None = None
    team: OneOf[str] | None = None
    previous_assignees: SetTest[str] | None = None
    tags: SetTest[str] | None = None
    previous_tags: SetTest[str] | None = None
    attachments: SetTest[Kind] | None = None
    messages_requester: NumberTest | None = Field(default=None, alias="messages.requester")
    messages_agent: NumberTest | None = Field(default=None, alias="messages.agent")

    within: SetTest[str] | None = None
    age: DurationTest | None = None
    idle: DurationTest | None = None
    waiting: DurationTest | None = None

    subject: WordsTest | None = None
    text: WordsTest | None = None
    intent: Found[str] | None = None
    urgency: UrgencyTest | None = None
    sentiment: Found[Sentiment] | None = None
    language: Found[LanguageCode] | None = None
    automatic: Found[Automatic] | None = None
    asks_for_human: StrictBool | None = None
    signals: SetTest[Signal] | None = None
    entities: SetTest[str] | None = None

    requester_name: TextTest | None = Field(default=None, alias="requester.name")
    requester_email: TextTest | None = Field(default=None, alias="requester.email")
    requester_domain: TextTest | None = Field(default=None, alias="requester.domain")
    requester_locale: TextTest | None = Field(default=None, alias="requester.locale")
    requester_external_id: TextTest | None = Field(default=None, alias="requester.external_id")
    requester_organisation: TextTest | None = Field(default=None, alias="requester.organisation")
    organisation_tags: SetTest[str] | None = Field(default=None, alias="organisation.tags")
    requester_tier: TextTest | None = Field(default=None, alias="requester.tier")
    requester_plan: TextTest | None = Field(default=None, alias="requester.plan")
    requester_account_owner: TextTest | None = Field(default=None, alias="requester.account_owner")
    contacts_24h: NumberTest | None = None
    previous_tickets: NumberTest | None = None
    open_tickets: NumberTest | None = None
    last_agent: OneOf[str] | None = None

    fields: dict[str, ValueTest] = Field(default={}, alias="field.*")
    facts: dict[str, ValueTest] = Field(default={}, alias="fact.*")
    requester_fields: dict[str, ValueTest] = Field(default={}, alias="requester.field.*")
    organisation_fields: dict[str, ValueTest] = Field(default={}, alias="organisation.field.*")

    @model_validator(mode="after")
    def _says_something(self) -> "Condition":
        if all(getattr(self, name) in (None, {}) for name in self.model_fields_set):
            raise ValueError("is a condition that asks nothing")
        return self


Condition.model_rebuild()
