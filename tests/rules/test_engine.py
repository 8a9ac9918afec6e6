"""Laws of the engine: it agrees with a naive evaluator, is deterministic, and joins rules as the file's order says."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from bridge.model import Case, Channel, Effect, Mode, Priority, Status
from bridge.triage import Lexicon, Phrase, Text
from tests.rules.build import BASE, END, case, intent, policy

Condition = dict[str, Any]
Values = Mapping[str, Any]

STATUSES = ["new", "open", "pending"]
LEVELS = ["none", "low", "normal", "high", "urgent"]
TIERS = ["free", "pro", "enterprise"]
TAGS = ["vip", "eu", "beta"]
WORDS = ["refund", "lawyer", "outage"]


def naive(condition: Condition, values: Values) -> bool | None:
    """Ten lines, obviously right: None is unknown, an `all` or mapping is as false as its falsest part."""
    answers = [naive_key(key, test, values) for key, test in condition.items()]
    return False if False in answers else None if None in answers else True


def naive_key(key: str, test: Any, values: Values) -> bool | None:
    match key:
        case "all" | "any":
            answers = [naive(part, values) for part in test]
            decided = key == "any"
            return decided if decided in answers else None if None in answers else not decided
        case "not":
            answer = naive(test, values)
            return None if answer is None else not answer
        case "tags" | "text" if isinstance(test, dict):
            return all(naive_set(operator, values[key], wanted) for operator, wanted in test.items())
        case "tags" | "text":
            return any(one in values[key] for one in test)
        case "field.plan" if values[key] is not None:
            return naive_several([low(one) for one in as_list(values[key])], test)
        case _:
            return naive_value(values[key], test)


def naive_set(operator: str, values: Any, wanted: list[str]) -> bool:
    there = [one in values for one in wanted]
    return all(there) if operator.startswith("all") else any(there) is (operator != "none")


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def low(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def naive_several(values: list[Any], test: Condition) -> bool:
    """Of a list any element may be the one."""
    wanted = [as_list(asked) for operator, asked in test.items() if operator != "unknown"]
    return all(any(value in one for value in values) for one in wanted) if wanted else not test["unknown"]


def naive_value(value: Any, test: Condition) -> bool | None:
    if value is None:
        return test.get("unknown")
    scale = LEVELS if value in LEVELS else [*range(10)]
    answers = [
        naive_operator(operator, scale, value, asked) for operator, asked in test.items() if operator != "unknown"
    ]
    return all(answers) if answers else not test["unknown"]


def naive_operator(operator: str, scale: list[Any], value: Any, asked: Any) -> bool:
    match operator:
        case "is":
            return bool(value == asked)
        case "in":
            return value in asked
        case "over":
            return scale.index(value) > scale.index(asked)
        case "under":
            return scale.index(value) < scale.index(asked)
        case "at_least":
            return scale.index(value) >= scale.index(asked)
    return scale.index(value) <= scale.index(asked)


def asked_of(values: list[Any], *, ordered: bool) -> st.SearchStrategy[Condition]:
    one, several = st.sampled_from(values), st.lists(st.sampled_from(values), min_size=1)
    operators: dict[str, st.SearchStrategy[Any]] = {"is": one, "in": several, "unknown": st.booleans()}
    if ordered:
        operators |= dict.fromkeys(("over", "under", "at_least", "at_most"), one)
    return st.fixed_dictionaries({}, optional=operators).filter(bool)


def sets_of(values: list[Any], *operators: str) -> st.SearchStrategy[Condition]:
    several = st.lists(st.sampled_from(values), min_size=1)
    return st.fixed_dictionaries({}, optional=dict.fromkeys(operators, several)).filter(bool)


LEAVES = st.fixed_dictionaries(
    {},
    optional={
        "status": asked_of(STATUSES, ordered=False),
        "priority": asked_of(LEVELS, ordered=True),
        "requester.tier": asked_of(TIERS, ordered=False),
        "contacts_24h": asked_of([*range(5)], ordered=True),
        "tags": st.lists(st.sampled_from(TAGS), min_size=1) | sets_of(TAGS, "any", "all", "none"),
        "field.plan": asked_of(["a", "b", 1, 2], ordered=False),
        "field.seats": asked_of([*range(5)], ordered=True),
        "text": st.lists(st.sampled_from(WORDS), min_size=1) | sets_of(WORDS, "words", "all_words"),
    },
).filter(bool)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=8,
)
VALUES = st.fixed_dictionaries(
    {
        "status": st.sampled_from(STATUSES),
        "priority": st.sampled_from(LEVELS),
        "requester.tier": st.none() | st.sampled_from(TIERS),
        "contacts_24h": st.none() | st.integers(0, 4),
        "tags": st.frozensets(st.sampled_from(TAGS)),
        "field.plan": st.none() | st.sampled_from(["a", "B", 1, 2.0]) | st.lists(st.sampled_from(["A", "b", 2])),
        "field.seats": st.none() | st.integers(0, 4),
        "text": st.lists(st.sampled_from(WORDS)),
    }
)


def as_case(values: Values) -> Case:
    return case(
        " and ".join(values["text"]),
        status=Status(values["status"]),
        priority=Priority(values["priority"]),
        tags=values["tags"],
        fields={name: values[f"field.{name}"] for name in ("plan", "seats")},
        facts={name: values[name] for name in ("requester.tier", "contacts_24h")},
    )


def with_rules(*conditions: Condition) -> rules.LoadedPolicy:
    annotate = [{"name": f"a{n}", "when": one, "then": {"type": "x"}} for n, one in enumerate(conditions)]
    route = [{"name": f"r{n}", "when": one, "to": {"team": "billing"}} for n, one in enumerate(conditions)]
    last = {"name": "last", "to": {"team": "general"}}
    return rules.loads(f"{BASE}annotate: {json.dumps(annotate)}\nroute: {json.dumps([*route, last])}\n")


@given(st.lists(CONDITIONS, min_size=1, max_size=4), VALUES)
def test_the_engine_agrees_with_the_naive_evaluator(conditions: list[Condition], values: Values) -> None:
    expected = [naive(condition, values) is True for condition in conditions]
    outcome = with_rules(*conditions).decide(as_case(values), desk="d", desk_mode=Mode.LIVE)
    applied = [f"a{number}" for number, holds in enumerate(expected) if holds]
    first = f"r{expected.index(True)}" if True in expected else "last"
    assert [verdict.rule for verdict in outcome.verdicts] == [*applied, first]
    assert outcome.target is not None
    assert outcome.target.rule == first


ALPHABET = "ab é👍請求ßﬁ-'\u0301न\u200d"


@given(st.lists(st.text(ALPHABET, min_size=1, max_size=6), max_size=6), st.text(ALPHABET, max_size=40))
def test_all_words_looked_for_together_are_those_found_one_by_one(words: list[str], text: str) -> None:
    phrases = [Phrase(word) for word in words if Text(word).words.strip()]
    found = Lexicon(phrases).find(Text(text))
    assert found == {phrase.tokens for phrase in phrases if phrase.is_in(Text(text))}


@given(CONDITIONS, VALUES)
def test_the_explanation_says_what_the_decision_does(condition: Condition, values: Values) -> None:
    loaded, given_case = with_rules(condition), as_case(values)
    decided = {verdict.rule for verdict in loaded.decide(given_case, desk="d", desk_mode=Mode.LIVE).verdicts}
    accounts = loaded.explain(given_case, desk="d")
    assert {account.rule for account in accounts if account.applied} == decided
    assert accounts[0].verdict is naive(condition, values)
    assert all(account.because for account in accounts)


@given(CONDITIONS, VALUES)
def test_the_same_case_always_gives_the_same_outcome(condition: Condition, values: Values) -> None:
    again = [with_rules(condition).decide(as_case(values), desk="d", desk_mode=Mode.LIVE) for _ in range(2)]
    assert again[0] == again[1]


@given(CONDITIONS, VALUES)
def test_a_condition_and_its_opposite_never_both_hold(condition: Condition, values: Values) -> None:
    outcome = with_rules(condition, {"not": condition}).decide(as_case(values), desk="d", desk_mode=Mode.LIVE)
    assert sum(verdict.stage == "annotate" for verdict in outcome.verdicts) <= 1


def test_every_matching_annotate_rule_adds_its_part_and_the_later_wins() -> None:
    loaded = policy("""\
    annotate:
      - name: first
        when: {status: new}
        then: {priority: low, type: bug, tier: a, fields: {x: 1, y: 1}, add_tags: [a, b], remove_tags: [c]}
      - {name: not this, when: {status: open}, then: {priority: urgent}}
      - name: second
        when: {status: new}
        then: {priority: high, type: bug, fields: {y: 2}, add_tags: [c], remove_tags: [b]}
    route:
      - {name: everything else, to: {team: general}}
    """)
    outcome = loaded.decide(case(), desk="d", desk_mode=Mode.LIVE)
    assert [verdict.rule for verdict in outcome.verdicts] == ["first", "second", "everything else"]
    assert outcome.effect == Effect(
        priority=Priority.HIGH,
        type="bug",
        tier="a",
        fields={"x": 1, "y": 2},
        add_tags=frozenset({"a", "c"}),
        remove_tags=frozenset({"b"}),
    )
    assert [account.because for account in loaded.explain(case(), desk="d")] == [
        "status is new; overridden on priority by 'second', field.y by 'second', tag b by 'second', tag c by 'second'",
        "status was new, not open",
        "status is new",
        "it has no condition",
    ]


def test_the_first_matching_route_rule_decides_and_later_ones_are_not_asked() -> None:
    loaded = policy("""\
    route:
      - {name: one, when: {channel: chat}, to: {team: general}}
      - {name: two, when: {status: new}, to: {team: billing, skills: [refunds]}}
      - {name: three, when: {status: new}, to: {team: general}}
      - {name: everything else, to: {team: general}}
    """)
    outcome = loaded.decide(case(channel=Channel.EMAIL), desk="d", desk_mode=Mode.LIVE)
    assert outcome.target is not None
    assert (outcome.target.team, outcome.target.skills) == ("billing", frozenset({"refunds"}))
    accounts = loaded.explain(case(channel=Channel.EMAIL), desk="d")
    assert [(account.rule, account.applied, account.line, account.because) for account in accounts] == [
        ("one", False, 9, "channel was email, not chat"),
        ("two", True, 10, "status is new"),
        ("three", False, 11, "status is new; but 'two' comes first"),
        ("everything else", False, 12, "it has no condition; but 'two' comes first"),
    ]


@pytest.mark.parametrize(
    ("to", "then"),
    [("{team: billing}", "general"), ("{team: general}", None), ("{team: general, then: billing}", "billing")],
)
def test_the_team_that_takes_over_is_the_rules_own_or_the_teams_overflow(to: str, then: str | None) -> None:
    target = policy(f"route:\n  - {{name: it, to: {to}}}\n").decide(case(), desk="d", desk_mode=Mode.LIVE).target
    assert target is not None
    assert target.then == then


def test_a_rule_that_skips_leaves_the_ticket_alone() -> None:
    loaded = policy(f"route:\n  - {{name: leave it, when: {{status: new}}, skip: true}}\n{END}")
    assert loaded.decide(case(), desk="d", desk_mode=Mode.LIVE).target is None


MODES = list(Mode)


@given(
    base=st.sampled_from(MODES),
    rule=st.none() | st.sampled_from(MODES),
    desk=st.none() | st.sampled_from(MODES),
    category=st.none() | st.sampled_from(MODES),
    cap=st.sampled_from(MODES),
)
def test_the_lowest_mode_given_holds_and_the_desk_caps_it(
    base: Mode, rule: Mode | None, desk: Mode | None, category: Mode | None, cap: Mode
) -> None:
    modes = {"desks": {"d": desk} if desk else {}, "categories": {"billing": category} if category else {}}
    route = [{"name": "it", "to": {"team": "general"}} | ({"mode": rule} if rule else {})]
    text = BASE.replace("mode: live", f"mode: {base}")
    loaded = rules.loads(f"{text}modes: {json.dumps(modes)}\nroute: {json.dumps(route)}\n")
    given_modes = [mode for mode in (rule, desk, category) if mode] or [base]
    expected = min([*given_modes, cap], key=lambda mode: mode.rank)
    outcome = loaded.decide(case(triage=intent("billing", 0.9)), desk="d", desk_mode=cap)
    assert outcome.mode is expected


def test_a_matching_rule_without_a_mode_keeps_the_policys_mode_for_the_whole_decision() -> None:
    loaded = rules.loads(
        BASE.replace("mode: live", "mode: shadow")
        + "annotate:\n  - {name: a, when: {status: new}, then: {type: x}}\nroute:\n"
        + "  - {name: r, mode: live, when: {status: [new, open]}, to: {team: billing}}\n"
        + END
    )
    assert loaded.decide(case(), desk="d", desk_mode=Mode.LIVE).mode is Mode.SHADOW
    assert loaded.decide(case(status=Status.OPEN), desk="d", desk_mode=Mode.LIVE).mode is Mode.LIVE


def test_a_category_counts_only_where_triage_is_sure() -> None:
    loaded = policy(f"modes: {{categories: {{billing: suggest}}}}\nroute:\n{END}")
    modes = [
        loaded.decide(case(triage=intent("billing", sure)), desk="d", desk_mode=Mode.LIVE).mode for sure in (0.8, 0.9)
    ]
    assert modes == [Mode.LIVE, Mode.SUGGEST]


def test_names_are_bound_per_desk_then_for_every_desk_then_themselves() -> None:
    loaded = policy("""\
    bindings:
      "*": {teams: {billing: Billing, general: General}, tags: {vip: VIP}}
      fd: {teams: {billing: Money}, fields: {order: cf_order}}
    annotate:
      - {name: tagged, when: {tags: vip}, then: {type: x}}
      - {name: ordered, when: {field.order: A-1}, then: {type: x}}
    route:
      - {name: everything else, to: {team: general}}
    """)
    assert [loaded.bound("teams", desk, "billing") for desk in ("fd", "zd")] == ["Money", "Billing"]
    assert [loaded.bound("teams", "fd", name) for name in ("general", "unheard")] == ["General", "unheard"]
    ticket = case(tags=frozenset({"VIP"}), fields={"cf_order": "A-1"})
    assert [account.applied for account in loaded.explain(ticket, desk="fd")] == [True, True, True]
    other = case(tags=frozenset({"vip"}), fields={"order": "A-1"})
    assert [account.applied for account in loaded.explain(other, desk="fd")] == [False, False, True]


def test_members_and_teams_stand_in_the_order_of_the_file() -> None:
    loaded = policy()
    assert loaded.teams() == ("billing", "general")
    assert [(m.name, m.capacity, m.skills) for m in loaded.members("billing")] == [("ana", 8, frozenset({"refunds"}))]
    with pytest.raises(KeyError):
        loaded.members("none")


def test_the_version_changes_with_the_meaning_and_not_with_the_layout() -> None:
    text = f"{BASE}route:\n{END}"
    version = rules.loads(text).version
    assert rules.loads(f"# a comment\n{text}").version == version
    assert rules.loads(text.replace("capacity: 8", "capacity: 9")).version != version
    assert rules.loads(text.replace("general: {members", "general: {overflow: billing, members")).version != version


def test_triage_tells_an_intent_from_the_suggest_threshold_on() -> None:
    loaded = policy()
    told = [case(text, subject=text) for text in ("my invoice", "the invoice is down", "hello there")]
    intents = [loaded.triage(one.ticket, one.text).intent for one in told]
    assert [found and (found.value, found.confidence) for found in intents] == [
        ("billing", 0.95),
        ("outage", 0.58),
        None,
    ]
