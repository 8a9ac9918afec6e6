"""What an explanation says would have applied a rule really applies it, and nothing nearer does."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from bridge.model import Attachment, Case, Channel, Finding, Mode, Priority, Standing, Status, Triage
from bridge.triage import Lexicon
from rules.alter import altered
from rules.misses import Miss
from rules.view import OWN, SOURCES, View
from tests.rules.build import BASE, END, NOW, case, intent, policy
from tests.rules.test_engine import CONDITIONS, LEVELS, STATUSES, TAGS, TIERS, VALUES, WORDS, as_case, with_rules


def applied(loaded: rules.LoadedPolicy, asked: Case) -> set[str]:
    outcome = loaded.decide(asked, desk="d", desk_mode=Mode.LIVE)
    return {verdict.rule for verdict in outcome.verdicts}


def otherwise(values: Mapping[str, Any], miss: Miss) -> dict[str, Any]:
    """The values as the miss wants them, for a case built from nothing."""
    changed = dict(values)
    for one in miss.changes:
        value = one.value
        changed[one.key] = [word for word in WORDS if word in value] if one.key == "text" else value
    return changed


@settings(deadline=None, max_examples=60)
@given(st.lists(CONDITIONS, min_size=1, max_size=3), VALUES)
def test_a_case_built_with_the_values_of_a_miss_has_the_rule_applied(
    conditions: list[dict[str, Any]], values: Mapping[str, Any]
) -> None:
    loaded, given_case = with_rules(*conditions), as_case(values)
    before = applied(loaded, given_case)
    for miss in loaded.misses(given_case, desk="d"):
        assert miss.rule not in before
        assert miss.rule in applied(loaded, as_case(otherwise(values, miss)))


NEIGHBOURS: dict[str, list[Any]] = {
    "status": STATUSES,
    "priority": LEVELS,
    "requester.tier": [None, *TIERS],
    "contacts_24h": [None, *range(5)],
    "tags": [frozenset(some) for size in range(4) for some in combinations(TAGS, size)],
    "field.plan": [None, "a", "b", 1, 2],
    "field.seats": [None, *range(5)],
    "text": [list(some) for size in range(4) for some in combinations(WORDS, size)],
}


def neighbours(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every case that differs in one value."""
    return chain.from_iterable(({**values, key: one} for one in others) for key, others in NEIGHBOURS.items())


@settings(deadline=None, max_examples=60)
@given(st.lists(CONDITIONS, min_size=1, max_size=3), VALUES)
def test_what_one_value_would_change_is_never_told_with_two_nor_left_untold(
    conditions: list[dict[str, Any]], values: Mapping[str, Any]
) -> None:
    loaded = with_rules(*conditions)
    asked = as_case(values)
    reachable = set().union(*(applied(loaded, as_case(one)) for one in neighbours(values)))
    misses = {miss.rule: miss for miss in loaded.misses(asked, desk="d")}
    for rule in reachable - applied(loaded, asked):
        assert len(misses[rule].changes) == 1


def only(when: str, asked: Case, rest: str = "") -> Miss | None:
    """The miss of a route rule with this condition, which is built anew and really decides."""
    loaded = rules.loads(f"{BASE}{rest}route:\n  - {{name: it, when: {when}, to: {{team: billing}}}}\n{END}")
    miss = next((one for one in loaded.misses(asked, desk="d") if one.rule == "it"), None)
    assert miss is None or "it" in applied(loaded, miss.case)
    return miss


BERLIN = 'calendars: {berlin: {timezone: Europe/Berlin, hours: {mon-fri: ["09:00-17:00"]}}}\n'


@pytest.mark.parametrize(
    ("when", "asked", "words"),
    [
        (
            "{intent: billing}",
            case(triage=intent("billing", 0.81)),
            "`it` would have matched if intent confidence were 0.85; it was 0.81",
        ),
        (
            "{intent: {is: billing, min_confidence: 0.9}}",
            case(triage=intent("outage", 0.95)),
            "`it` would have matched if intent were billing; it was outage (0.95)",
        ),
        (
            "{not: {intent: billing}}",
            case(triage=intent("billing", 0.9)),
            "`it` would have matched if intent were something else; it was billing (0.90)",
        ),
        (
            "{urgency: {at_least: high}}",
            case(triage=Triage(urgency=Finding("normal", 0.6))),
            "`it` would have matched if urgency were high; it was normal (0.60)",
        ),
        (
            "{contacts_24h: {over: 2, under: 5}}",
            case(facts={"contacts_24h": 2}),
            "`it` would have matched if contacts_24h were 3; it was 2",
        ),
        (
            "{fact.score: {over: 0.75}}",
            case(facts={"score": 0.5}),
            "`it` would have matched if fact.score were 0.76; it was 0.5",
        ),
        (
            "{tags: {all: [vip, eu], none: [beta]}}",
            case(tags=frozenset({"vip", "beta"})),
            "`it` would have matched if tags had 'eu' and lacked 'beta'; they were beta, vip",
        ),
        (
            "{text: {words: [lawyer]}}",
            case("hello"),
            "`it` would have matched if text had 'lawyer'; it had none of them",
        ),
        (
            "{not: {text: [lawyer]}}",
            case("My Lawyer, says"),
            "`it` would have matched if text lacked 'lawyer'; it had 'lawyer'",
        ),
        ("{asks_for_human: true}", case("hi"), "`it` would have matched if asks_for_human were true; it was false"),
        (
            "{not: {asks_for_human: true}}",
            case("I want to speak to a human"),
            "`it` would have matched if asks_for_human were false; it was true ('speak to a human')",
        ),
        (
            "{attachments: [image]}",
            case(),
            "`it` would have matched if attachments had 'image'; they were none",
        ),
        (
            "{requester.domain: acme.example}",
            case(),
            "`it` would have matched if requester.domain were acme.example; it was unknown",
        ),
        (
            "{requester.tier: {unknown: true}}",
            case(facts={"requester.tier": "pro"}),
            "`it` would have matched if requester.tier were unknown; it was pro",
        ),
        (
            "{previous_assignees: [ana]}",
            case(standing=Standing(previous_assignees=frozenset({"cy"}))),
            "`it` would have matched if previous_assignees had 'ana'; they were cy",
        ),
        (
            "{age: {over: 2h}}",
            case(created_at=NOW - timedelta(hours=1)),
            "`it` would have matched if age were 2h1s; it was 1h",
        ),
        (
            "{all: [{intent: billing}, {channel: email}]}",
            case(triage=intent("billing", 0.6)),
            "`it` would have matched if channel were email (it was other) and intent confidence were 0.85 (it was 0.6)",
        ),
    ],
)
def test_the_nearest_miss_is_told_in_words(when: str, asked: Case, words: str) -> None:
    miss = only(when, asked)
    assert miss is not None
    assert miss.words == words


def test_open_hours_are_counted_back_by_their_calendar() -> None:
    asked = case(created_at=NOW - timedelta(hours=1))
    miss = only("{age: {at_least: 6h, calendar: berlin}}", asked, BERLIN)
    assert miss is not None
    assert miss.words == "`it` would have matched if age were 6h; it was 1h"
    # It is Monday, 13:00 in Berlin: four hours today, and two of Friday's, from 15:00 on.
    assert miss.case.ticket.created_at == NOW - timedelta(days=2, hours=22)


def test_a_calendar_that_is_closed_is_told_with_when_it_opens() -> None:
    miss = only("{not: {within: berlin}}", case(), BERLIN)
    assert miss is not None
    words = "it were 2026-01-05 16:00 UTC, when berlin closes; it was 2026-01-05 12:00 UTC"
    assert miss.words == f"`it` would have matched if {words}"


def test_a_rule_that_another_came_before_is_told_by_what_would_keep_that_one_away() -> None:
    loaded = policy(f"""\
    route:
      - {{name: first, when: {{channel: chat}}, to: {{team: billing}}}}
      - {{name: second, when: {{status: new}}, to: {{team: general}}}}
    {END}""")
    misses = {one.rule: one.words for one in loaded.misses(case(channel="chat"), desk="d")}
    assert misses["second"] == "`second` would have been applied if channel were email; it was chat"


def test_a_rule_that_a_skip_or_a_stop_keeps_away_is_told_by_what_would_undo_it() -> None:
    loaded = policy(f"""\
    annotate:
      - {{name: robots, when: {{automatic: spam}}, then: {{skip: true, stop: true}}}}
      - {{name: tagged, when: {{status: new}}, then: {{add_tags: [x]}}}}
    route:
    {END}""")
    asked = case(triage=Triage(automatic=Finding("spam", 0.9)))
    misses = {one.rule: one.words for one in loaded.misses(asked, desk="d")}
    assert misses["tagged"] == "`tagged` would have been applied if automatic were none; it was spam (0.90)"
    assert "everything else" in misses


def test_a_changed_text_counts_only_where_triage_reads_it_so_too() -> None:
    loaded = policy(f"""\
    route:
      - {{name: sales, when: {{all: [{{text: [refund]}}, {{not: {{intent: billing}}}}]}}, to: {{team: billing}}}}
    {END}""")
    ticket = case("hello").ticket
    asked = case("hello", triage=loaded.triage(ticket, "hello"))
    assert loaded.triage(ticket, "hello … refund").intent == Finding("billing", 0.9, ("refund",))
    assert "sales" not in {one.rule for one in loaded.misses(asked, desk="d")}
    given_otherwise = case("hello", triage=intent("outage", 0.9))
    assert "sales" in {one.rule for one in loaded.misses(given_otherwise, desk="d")}


OTHER_CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "intent": st.sampled_from(["billing", "outage", {"in": ["billing"], "min_confidence": 0.5}]),
        "urgency": st.sampled_from(["low", {"at_least": "high"}, {"under": "critical", "min_confidence": 0.7}]),
        "channel": st.sampled_from(["email", ["chat", "web"]]),
        "type": st.sampled_from(["bug", {"starts_with": "bu"}, {"unknown": True}]),
        "attachments": st.sampled_from([["image"], {"none": ["pdf"]}, {"all": ["pdf", "image"]}]),
        "previous_assignees": st.sampled_from([["ana"], {"none": ["ana", "cy"]}]),
        "requester.domain": st.sampled_from(["acme.example", {"contains": "acme"}]),
        "messages.agent": st.sampled_from([{"over": 1}, {"at_most": 0}]),
        "age": st.sampled_from([{"over": "2h"}, {"at_most": "1h"}]),
        "fact.score": st.sampled_from([{"over": 0.5}, {"under": 0.25}]),
    },
).filter(bool)
OTHER_CASES = st.builds(
    lambda triage, kinds, hours, score, **ticket: case(
        triage=triage,
        messages=tuple(one for kind in kinds for one in _with_file(kind)) or case().ticket.messages,
        created_at=NOW - timedelta(hours=hours),
        facts={"score": score},
        **ticket,
    ),
    st.builds(
        lambda intents, urgencies: Triage(intent=intents, urgency=urgencies),
        st.none() | st.builds(Finding, st.sampled_from(["billing", "outage"]), st.sampled_from([0.4, 0.8, 0.9])),
        st.none() | st.builds(Finding, st.sampled_from(["low", "high"]), st.sampled_from([0.6, 0.8])),
    ),
    st.lists(st.sampled_from(["a.png", "a.pdf"]), max_size=2),
    st.integers(0, 3),
    st.none() | st.sampled_from([0.1, 0.5, 0.6]),
    type=st.sampled_from([None, "bug", "task"]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(OTHER_CONDITIONS, min_size=1, max_size=3), st.booleans(), OTHER_CASES)
def test_a_miss_of_any_kind_of_value_is_decided_so_by_a_policy_loaded_anew(
    conditions: list[dict[str, Any]], negated: bool, asked: Case
) -> None:
    written = [{"not": condition} if negated else condition for condition in conditions]
    loaded, again = with_rules(*written), with_rules(*written)
    for miss in loaded.misses(asked, desk="d"):
        assert miss.rule not in applied(again, asked)
        assert miss.rule in applied(again, miss.case)
        assert len({one.key for one in miss.changes}) == len(miss.changes)


MADE: dict[str, Any] = {
    "event": "requester_replied",
    "status": Status.PENDING,
    "priority": Priority.HIGH,
    "channel": Channel.CHAT,
    "asks_for_human": True,
    "messages.requester": 3,
    "messages.agent": 2,
    "contacts_24h": 4,
    **dict.fromkeys(("tags", "previous_tags", "entities", "organisation.tags"), frozenset({"x", "y"})),
    "previous_assignees": frozenset({"cy"}),
    "attachments": frozenset({"pdf", "image"}),
    "signals": frozenset({"churn"}),
}


@pytest.mark.parametrize("key", [*sorted(set(SOURCES) - {"desk"}), "field.a", "requester.field.a", "fact.a"])
def test_every_key_that_a_condition_asks_about_can_be_supposed_to_be_otherwise(key: str) -> None:
    value = MADE.get(key, "x.example")
    before = View(case("hello"), {}, Lexicon([]), {"x": "X"}, {"a": "cf_a"})
    made = altered(before, key, value)
    assert made is not None
    after = replace(before, case=made, answers={})
    source = SOURCES.get(key) or OWN[f"{key.removesuffix('.a')}.*"](key, "a")
    assert source.read(after) == value
    others = [source for name, source in SOURCES.items() if name not in {key, *LINKED.get(key, ())}]
    assert [source.read(after) for source in others] == [source.read(before) for source in others]


LINKED = {
    "requester.domain": {"requester.email"},
    "requester.email": {"requester.domain"},
}
"""Keys that tell two sides of one thing."""


def test_a_word_of_a_script_without_spaces_is_taken_out_of_the_text() -> None:
    miss = only("{not: {text: [請求書]}}", case("この請求書は間違い"))
    assert miss is not None
    assert miss.words == "`it` would have matched if text lacked '請求書'; it had '請求書'"


def test_what_would_take_a_pattern_is_not_made_up() -> None:
    assert only("{text: {pattern: 'A-[0-9]+'}}", case("hello")) is None


def test_each_of_a_thousand_rules_has_its_miss_within_the_bounded_number_of_tries() -> None:
    each = "\n".join(
        f"  - {{name: r{n}, when: {{all: [{{type: t{n}}}, {{channel: chat}}, {{requester.plan: p{n}}}]}}, skip: true}}"
        for n in range(1_000)
    )
    loaded = rules.loads(f"{BASE}route:\n{each}\n{END}")
    assert len(loaded.misses(case(), desk="d")) == 1_000


def test_a_file_is_attached_to_what_the_requester_wrote() -> None:
    miss = only("{not: {attachments: [pdf]}}", case(messages=_with_file("bill.pdf")))
    assert miss is not None
    assert miss.words == "`it` would have matched if attachments lacked 'pdf'; they were pdf"


def _with_file(name: str) -> Any:
    (message,) = case().ticket.messages
    return (type(message)(message.id, message.author, message.visibility, "", None, (Attachment(name),)),)
