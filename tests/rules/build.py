"""Cases and policies for the tests of the rules."""

from collections.abc import Mapping
from datetime import UTC, datetime
from textwrap import dedent
from typing import Any

import pytest

import rules
from bridge.errors import BadFile
from bridge.model import (
    Actor,
    ActorKind,
    Case,
    EventKind,
    Fact,
    Finding,
    Message,
    Mode,
    Requester,
    Standing,
    Status,
    Ticket,
    TicketRef,
    Triage,
    Visibility,
)
from rules.account import RuleAccount

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)

BASE = """\
policy: deskbridge/v1
mode: live
teams:
  billing: {members: {ana: {capacity: 8, skills: [refunds]}}, overflow: general}
  general: {members: {cy: {capacity: 10}}}
triage:
  words: {billing: [invoice, refund], outage: [is down]}
"""
"""A policy to which a test adds its rules."""

END = "  - {name: everything else, to: {team: general}}\n"


def policy(rest: str = "route:\n" + END) -> rules.LoadedPolicy:
    return rules.loads(BASE + dedent(rest))


def faults(text: str) -> list[str]:
    with pytest.raises(BadFile) as caught:
        rules.loads(text, file="p.yaml")
    return [str(fault) for fault in caught.value.faults]


def case(
    text: str = "",
    *,
    facts: Mapping[str, str | int | float | bool | None] | None = None,
    triage: Triage | None = None,
    event: EventKind = EventKind.TICKET_CREATED,
    standing: Standing | None = None,
    **ticket: Any,
) -> Case:
    message = Message("1", Actor(ActorKind.REQUESTER), Visibility.PUBLIC, text)
    given: dict[str, Any] = {"subject": "", "requester": Requester("1"), "status": Status.NEW, "messages": (message,)}
    return Case(
        ticket=Ticket(TicketRef("d", "1"), **(given | ticket)),
        event=event,
        now=NOW,
        text=text,
        triage=triage or Triage(),
        facts={name: Fact(name, value, "test", NOW) for name, value in (facts or {}).items()},
        standing=standing or Standing(),
    )


def intent(value: str, confidence: float) -> Triage:
    return Triage(intent=Finding(value, confidence))


def verdict(when: str, given: Case) -> RuleAccount:
    """What one condition, written in flow style, says of a case; the explanation and the decision must agree."""
    loaded = policy(f"annotate:\n  - {{name: it, when: {when}, then: {{type: x}}}}\nroute:\n{END}")
    account = loaded.explain(given, desk="d")[0]
    decided = [one.rule for one in loaded.decide(given, desk="d", desk_mode=Mode.LIVE).verdicts]
    assert account.applied is ("it" in decided)
    return account
