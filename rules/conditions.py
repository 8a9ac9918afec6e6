"""Conditions as an admin writes them: all, any, not, and a closed list of things to ask about."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, model_validator

from bridge.model import Channel, EventKind, Status
from bridge.triage.language import LANGUAGE_CODES
from rules.operators import (
    IntentTest,
    Named,
    NumberTest,
    OneOf,
    PriorityTest,
    SetTest,
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
Automatic = Literal["auto_reply", "bounce", "none"]
Kind = Literal["image", "video", "audio", "pdf", "text", "archive", "other"]
LanguageCode = Annotated[str, AfterValidator(_language)]
Branch = Annotated[tuple["Condition", ...], AfterValidator(some)]


class Condition(Named):
    """One condition. Several keys in one mapping must all hold."""

    all: Branch | None = None
    any: Branch | None = None
    not_: "Condition | None" = Field(default=None, alias="not")

    event: OneOf[EventKind] | None = None
    status: OneOf[Status] | None = None
    priority: PriorityTest | None = None
    channel: OneOf[Channel] | None = None
    type: OneOf[str] | None = None
    tags: SetTest[str] | None = None
    attachments: SetTest[Kind] | None = None

    subject: WordsTest | None = None
    text: WordsTest | None = None
    intent: IntentTest | None = None
    urgency: UrgencyTest | None = None
    sentiment: OneOf[Sentiment] | None = None
    language: OneOf[LanguageCode] | None = None
    automatic: OneOf[Automatic] | None = None
    asks_for_human: StrictBool | None = None

    requester_email: OneOf[str] | None = Field(default=None, alias="requester.email")
    requester_domain: OneOf[str] | None = Field(default=None, alias="requester.domain")
    requester_locale: OneOf[str] | None = Field(default=None, alias="requester.locale")
    requester_organisation: OneOf[str] | None = Field(default=None, alias="requester.organisation")
    requester_tier: OneOf[str] | None = Field(default=None, alias="requester.tier")
    requester_plan: OneOf[str] | None = Field(default=None, alias="requester.plan")
    requester_account_owner: OneOf[str] | None = Field(default=None, alias="requester.account_owner")
    contacts_24h: NumberTest | None = None
    previous_tickets: NumberTest | None = None
    open_tickets: NumberTest | None = None
    last_agent: OneOf[str] | None = None

    fields: dict[str, ValueTest] = Field(default={}, alias="field.*")
    facts: dict[str, ValueTest] = Field(default={}, alias="fact.*")

    @model_validator(mode="after")
    def _says_something(self) -> "Condition":
        if not any(getattr(self, name) not in (None, {}) for name in type(self).model_fields):
            raise ValueError("is a condition that asks nothing")
        return self


Condition.model_rebuild()
