"""Runs the tests that a policy file carries: a ticket given, an outcome expected, every difference told."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol

from bridge.model import (
    Actor,
    ActorKind,
    Attachment,
    Case,
    Fact,
    Finding,
    Message,
    Mode,
    Organisation,
    Outcome,
    Requester,
    Ticket,
    TicketRef,
    Triage,
    Visibility,
)
from bridge.triage import text_of
from rules.schema import Expect, Given, PolicyTest

_NOW: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""The moment at which every test happens, so that the same file always gives the same results."""

_FACTS: Final = (
    "requester_tier",
    "requester_plan",
    "requester_account_owner",
    "contacts_24h",
    "previous_tickets",
    "open_tickets",
    "last_agent",
)
_FOUND: Final = ("intent", "urgency", "sentiment", "language", "automatic")


class Decides(Protocol):
    """What a test needs of a policy."""

    def triage(self, ticket: Ticket, text: str) -> Triage:
        """As bridge.ports.Policy."""

    def decide(self, case: Case, *, desk: str, desk_mode: Mode) -> Outcome:
        """As bridge.ports.Policy."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """What became of one test: `differences` are empty where it passed; `outcome` has the verdicts that explain it."""

    __test__ = False  # not a test class of pytest's, whatever its name

    name: str
    line: int
    differences: tuple[str, ...]
    outcome: Outcome

    @property
    def passed(self) -> bool:
        """True where everything was as expected."""
        return not self.differences

    @property
    def words(self) -> str:
        """The differences as one sentence, empty where there are none."""
        return "; ".join(self.differences)


def run(policy: Decides, test: PolicyTest, line: int) -> TestResult:
    """The result of one test, decided as if its desk were live."""
    case = _case(policy, test.given)
    outcome = policy.decide(case, desk=test.given.desk, desk_mode=Mode.LIVE)
    name = test.name or test.given.subject or f"line {line}"
    return TestResult(name, line, tuple(_differences(test.expect, case.triage, outcome)), outcome)


def _case(policy: Decides, given: Given) -> Case:
    ticket = _ticket(given)
    text = text_of(ticket)
    return Case(ticket, given.event, _NOW, text, _triage(policy.triage(ticket, text), given), _facts(given))


def _ticket(given: Given) -> Ticket:
    requester = Requester(
        id="1",
        email=given.requester_email,
        locale=given.requester_locale,
        organisation=Organisation("1", given.requester_organisation) if given.requester_organisation else None,
    )
    files = tuple(map(Attachment, given.attachments))
    message = Message("1", Actor(ActorKind.REQUESTER, "1"), Visibility.PUBLIC, given.body, _NOW, files)
    return Ticket(
        ref=TicketRef(given.desk, "1"),
        subject=given.subject,
        requester=requester,
        status=given.status,
        priority=given.priority,
        channel=given.channel,
        type=given.type,
        tags=given.tags,
        fields={name.partition(".")[2]: value for name, value in given.fields.items()},
        messages=(message,),
        created_at=_NOW,
        updated_at=_NOW,
    )


def _triage(read: Triage, given: Given) -> Triage:
    """What triage read of the text, with what the test gives in its place."""
    sure = {name: Finding(str(value), 1.0) for name in _FOUND if (value := getattr(given, name)) is not None}
    if given.automatic == "none":
        return replace(read, **{**sure, "automatic": None})
    return replace(read, **sure)


def _facts(given: Given) -> dict[str, Fact]:
    names = {name: type(given).model_fields[name].alias or name for name in _FACTS}
    values = {names[name]: value for name in _FACTS if (value := getattr(given, name)) is not None}
    values |= {name.partition(".")[2]: value for name, value in given.facts.items()}
    return {name: Fact(name, value, "test", _NOW) for name, value in values.items()}


def _differences(expect: Expect, triage: Triage, outcome: Outcome) -> Iterator[str]:
    got = _got(triage, outcome)
    for name in sorted(expect.model_fields_set - {"not_rule", "rules"}):
        wanted = getattr(expect, name)
        if got[name] != wanted:
            yield f"{name}: expected {_words(wanted)}, got {_words(got[name])}"
    matched = {verdict.rule for verdict in outcome.verdicts if verdict.matched}
    for rule in sorted((expect.rules or frozenset()) - matched):
        yield f"rule '{rule}' did not match: {_reason(outcome, rule)}"
    if expect.not_rule in matched:
        yield f"rule '{expect.not_rule}' matched: {_reason(outcome, expect.not_rule)}"


def _got(triage: Triage, outcome: Outcome) -> dict[str, object]:
    effect, target = outcome.effect, outcome.target
    return {
        "route": next(v.rule for v in outcome.verdicts if v.stage == "route" and v.matched),
        "team": target.team if target else None,
        "skills": target.skills if target else frozenset(),
        "skip": target is None,
        "priority": effect.priority,
        "status": effect.status,
        "type": effect.type,
        "tier": effect.tier,
        "fields": dict(effect.fields),
        "tags": effect.add_tags,
        "intent": triage.intent.value if triage.intent else None,
        "mode": outcome.mode,
    }


def _reason(outcome: Outcome, rule: str) -> str:
    verdicts = (verdict.because for verdict in outcome.verdicts if verdict.rule == rule)
    return next(verdicts, "an earlier route rule matched")


def _words(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    return "none" if value is None else str(value)
