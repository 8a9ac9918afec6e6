"""Runs the tests that a policy file carries: a ticket given, an outcome expected, every difference told."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

from pydantic import AfterValidator

from bridge import yamlfile
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
    Standing,
    Ticket,
    TicketRef,
    Triage,
    Visibility,
)
from bridge.triage import text_of
from rules import references
from rules.account import RuleAccount
from rules.operators import Strict, own_name, some
from rules.schema import Expect, Given, PolicyFile, PolicyTest

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

    def explain(self, case: Case, *, desk: str) -> tuple[RuleAccount, ...]:
        """Every rule with its verdict, those not applied too."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """What became of one test: `differences` are empty where it passed; `case` is what the policy was asked."""

    __test__ = False  # not a test class of pytest's, whatever its name

    name: str
    line: int
    differences: tuple["Difference", ...]
    case: Case
    outcome: Outcome
    expect: Expect

    @property
    def passed(self) -> bool:
        """True where everything was as expected."""
        return not self.differences

    @property
    def words(self) -> str:
        """The differences as one sentence, empty where there are none."""
        return "; ".join(one.words for one in self.differences)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a test expects and does not get, `what` being a key of `expect`; `words` say it in a sentence."""

    what: str
    expected: str
    got: str
    words: str


class CasesFile(Strict):
    """A file of tests beside a policy."""

    tests: Annotated[tuple[PolicyTest, ...], AfterValidator(some)]


def read(file: Path, policy: PolicyFile) -> list[tuple[PolicyTest, int]]:
    """The tests in a file, each with its line. Raises BadFile, also where one names what the policy lacks."""
    document = yamlfile.read(file)
    found = document.check(CasesFile)
    references.check_tests(document, policy)
    document.refuse()
    assert found is not None
    return [(test, document.place(("tests", index)).line) for index, test in enumerate(found.tests)]


def run(policy: Decides, test: PolicyTest, line: int) -> TestResult:
    """The result of one test, decided as if its desk were live."""
    case = case_of(policy, test.given)
    outcome = policy.decide(case, desk=test.given.desk, desk_mode=Mode.LIVE)
    name = test.name or test.given.subject or f"line {line}"
    accounts = partial(policy.explain, case, desk=test.given.desk)
    differences = tuple(_differences(test.expect, case.triage, outcome, accounts))
    return TestResult(name, line, differences, case, outcome, test.expect)


def case_of(policy: Decides, given: Given) -> Case:
    """The case that a test describes, read by the policy's own triage where the test does not say what it found."""
    now = given.at or _NOW
    ticket = _ticket(given, now)
    text = text_of(ticket)
    standing = Standing(given.assignee, given.team, given.previous_assignees, given.previous_tags)
    read = _triage(policy.triage(ticket, text), given)
    return Case(ticket, given.event, now, text, read, _facts(given, now), standing)


def _ticket(given: Given, now: datetime) -> Ticket:
    return Ticket(
        ref=TicketRef(given.desk, "1"),
        subject=given.subject,
        requester=_requester(given),
        status=given.status,
        status_raw=given.desk_status,
        priority=given.priority,
        priority_raw=given.desk_priority,
        channel=given.channel,
        channel_raw=given.desk_channel,
        type=given.type,
        tags=given.tags,
        fields=_own(given.fields),
        messages=tuple(_messages(given, now)),
        created_at=now - (given.age or timedelta()),
        updated_at=now - (given.idle or timedelta()),
    )


def _requester(given: Given) -> Requester:
    organisation = None
    if given.requester_organisation or given.organisation_tags or given.organisation_fields:
        own = _own(given.organisation_fields)
        organisation = Organisation("1", given.requester_organisation, own, given.organisation_tags)
    return Requester(
        id="1",
        name=given.requester_name,
        email=given.requester_email,
        external_id=given.requester_external_id,
        locale=given.requester_locale,
        organisation=organisation,
        fields=_own(given.requester_fields),
    )


def _messages(given: Given, now: datetime) -> Iterator[Message]:
    """As many as given, those of agents before the requester's last, which has the body and the attachments."""
    at = now - (given.waiting or timedelta())
    earlier = [ActorKind.REQUESTER] * (given.messages_requester - 1) + [ActorKind.AGENT] * given.messages_agent
    for number, kind in enumerate(earlier):
        yield Message(f"earlier {number}", Actor(kind), Visibility.PUBLIC, "", at)
    files = tuple(map(Attachment, given.attachments))
    yield Message("1", Actor(ActorKind.REQUESTER, "1"), Visibility.PUBLIC, given.body, at, files)


def _own(values: Mapping[str, object]) -> dict[str, object]:
    return {own_name(key): value for key, value in values.items()}


def _triage(read: Triage, given: Given) -> Triage:
    """What triage read of the text, with what the test gives in its place."""
    sure: dict[str, Any] = {
        name: Finding(str(value), 1.0) for name in _FOUND if (value := getattr(given, name)) is not None
    }
    if given.signals is not None:
        read = replace(read, signals=tuple(Finding(name, 1.0) for name in sorted(given.signals)))
    if given.automatic == "none":
        return replace(read, **{**sure, "automatic": None})
    return replace(read, **sure)


def _facts(given: Given, now: datetime) -> dict[str, Fact]:
    names = {name: type(given).model_fields[name].alias or name for name in _FACTS}
    values: dict[str, Any] = {names[name]: value for name in _FACTS if (value := getattr(given, name)) is not None}
    values |= _own(given.facts)
    return {name: Fact(name, value, "test", now) for name, value in values.items()}


def _differences(
    expect: Expect, triage: Triage, outcome: Outcome, accounts: Callable[[], tuple[RuleAccount, ...]]
) -> Iterator[Difference]:
    has = got(triage, outcome)
    for name in sorted(expect.model_fields_set - {"not_rule", "rules"}):
        wanted = getattr(expect, name)
        if has[name] != wanted:
            expected, found = in_words(wanted), in_words(has[name])
            yield Difference(name, expected, found, f"{name}: expected {expected}, got {found}")
    matched = {verdict.rule for verdict in outcome.verdicts}
    for rule in sorted((expect.rules or frozenset()) - matched):
        reason = _reason(accounts(), rule)
        yield Difference("rules", rule, f"not {rule}", f"rule '{rule}' did not match: {reason}")
    if expect.not_rule in matched:
        reason = _reason(accounts(), expect.not_rule)
        words = f"rule '{expect.not_rule}' matched: {reason}"
        yield Difference("not_rule", f"not {expect.not_rule}", expect.not_rule, words)


def got(triage: Triage, outcome: Outcome) -> dict[str, object]:
    """Everything that a test may expect, by its key, as it came."""
    effect, target = outcome.effect, outcome.target
    return {
        "route": next((verdict.rule for verdict in outcome.verdicts if verdict.stage == "route"), None),
        "team": target.team if target else None,
        "skills": target.skills if target else frozenset(),
        "skip": target is None,
        "priority": effect.priority,
        "status": effect.status,
        "type": effect.type,
        "tier": effect.tier,
        "fields": dict(effect.fields),
        "tags": effect.add_tags,
        "removed_tags": effect.remove_tags,
        "notes": tuple(remark.text for remark in effect.remarks),
        "notify": frozenset().union(*(notice.to for notice in effect.notices)),
        "call": frozenset(hook.webhook for hook in effect.hooks),
        "intent": triage.intent.value if triage.intent else None,
        "mode": outcome.mode,
    }


def _reason(accounts: Iterable[RuleAccount], rule: str) -> str:
    return next(account.because for account in accounts if account.rule == rule)


def in_words(value: object) -> str:
    """A part of an outcome for a person; `none` where there is nothing."""
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted(value)) or "none"
    return "none" if value is None else str(value)
