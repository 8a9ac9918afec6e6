"""What is said never to happen never happens, and what contradicts itself is seen: random policies, random tickets."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rules
from bridge import yamlfile
from bridge.model import Case, Mode
from rules.lint import Finding, lint
from rules.policy import checked
from tests.rules.build import BASE, END, case
from tests.rules.test_conflicts import NO_SHRINKING
from tests.rules.test_engine import CONDITIONS, VALUES, Condition, Values, as_case, naive

bounded = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=NO_SHRINKING,
)
SHORT = CONDITIONS.filter(lambda condition: len(json.dumps(condition)) < 160)  # no way through it takes too long

GENERAL = {"name": "last", "to": {"team": "general"}}


def linted(*conditions: Condition) -> tuple[rules.LoadedPolicy, list[Finding]]:
    """Route rules r0, r1, … with these conditions, and what is found in them."""
    route = [{"name": f"r{number}", "when": one, "to": {"team": "billing"}} for number, one in enumerate(conditions)]
    document = yamlfile.parse(f"{BASE}route: {json.dumps([*route, GENERAL])}\n", file="p.yaml")
    loaded = checked(document)
    return loaded, lint(loaded, document, loaded.run_tests())


def named(found: list[Finding], code: str) -> set[str]:
    return {finding.message.split("'")[1] for finding in found if finding.code == code}


def decides(loaded: rules.LoadedPolicy, given_case: Case) -> str:
    return loaded.decide(given_case, desk="d", desk_mode=Mode.LIVE).verdicts[-1].rule


@bounded
@given(st.lists(CONDITIONS, min_size=1, max_size=4), st.lists(VALUES, min_size=3, max_size=6))
def test_what_is_reported_dead_matches_no_ticket_and_what_is_shadowed_decides_none(
    conditions: list[Condition], tickets: list[Values]
) -> None:
    loaded, found = linted(*conditions)
    dead, shadowed = named(found, "dead-rule"), named(found, "shadowed-rule")
    for values in tickets:
        assert not any(naive(conditions[int(name[1:])], values) for name in dead)
        assert decides(loaded, as_case(values)) not in dead | shadowed


@bounded
@given(SHORT)
def test_a_rule_that_asks_for_a_condition_and_its_opposite_is_dead(condition: Condition) -> None:
    _, found = linted({"all": [condition, {"not": condition}]})
    assert named(found, "dead-rule") == {"r0"}


@bounded
@given(SHORT, SHORT)
def test_a_rule_that_asks_for_more_than_an_earlier_one_is_shadowed_or_dead(one: Condition, more: Condition) -> None:
    _, found = linted(one, {"all": [one, more]})
    assert "r1" in named(found, "dead-rule") | named(found, "shadowed-rule")


@bounded
@given(SHORT, SHORT)
def test_a_rule_that_earlier_ones_share_between_them_is_shadowed_or_dead(one: Condition, other: Condition) -> None:
    _, found = linted(one, other, {"any": [one, other]})
    assert "r2" in named(found, "dead-rule") | named(found, "shadowed-rule")


BROAD: list[Condition] = [
    {"status": "new"}, {"status": ["new", "open"]}, {"requester.tier": "pro"}, {"tags": "vip"},
    {"status": "new", "tags": "vip"}, {"status": {"unknown": False}},
]  # fmt: skip
DOES: list[dict[str, Any]] = [
    {"priority": "high"}, {"priority": "low"}, {"add_tags": ["x"]}, {"remove_tags": ["x"]},
    {"priority": "high", "stop": True}, {"add_tags": ["x"], "skip": True},
]  # fmt: skip


def annotating(written: list[tuple[Condition, dict[str, Any]]]) -> tuple[rules.LoadedPolicy, list[Finding]]:
    """Annotate rules a0, a1, … with these conditions and effects, and what is found in them."""
    annotate = [{"name": f"a{number}", "when": when, "then": then} for number, (when, then) in enumerate(written)]
    document = yamlfile.parse(f"{BASE}annotate: {json.dumps(annotate)}\nroute:\n{END}", file="p.yaml")
    loaded = checked(document)
    return loaded, lint(loaded, document, [])


@bounded
@given(
    st.lists(st.tuples(st.sampled_from(BROAD), st.sampled_from(DOES)), min_size=2, max_size=5),
    st.lists(VALUES, min_size=4, max_size=8),
)
def test_a_rule_that_is_said_to_add_nothing_can_be_deleted_whatever_stands_between(
    written: list[tuple[Condition, dict[str, Any]]], tickets: list[Values]
) -> None:
    loaded, found = annotating(written)
    for name in named(found, "redundant-rule"):
        less, _ = annotating([one for number, one in enumerate(written) if f"a{number}" != name])
        for values in tickets:
            before, after = (one.decide(as_case(values), desk="d", desk_mode=Mode.LIVE) for one in (loaded, less))
            assert (before.effect, before.target) == (after.effect, after.target)


def test_a_rule_that_says_again_what_one_between_undid_is_not_called_redundant() -> None:
    high, low = {"priority": "high"}, {"priority": "low"}
    pro, chat = {"requester.tier": "pro"}, {"requester.tier": "pro", "channel": "chat"}
    assert named(annotating([(pro, high), (chat, high)])[1], "redundant-rule") == {"a1"}
    assert named(annotating([(pro, high), ({"tags": "vip"}, low), (chat, high)])[1], "redundant-rule") == set()


def test_a_rule_that_a_later_one_repeats_counts_where_a_rule_between_stops() -> None:
    tag, stop = {"add_tags": ["x"]}, {"add_tags": ["y"], "stop": True}
    pro, chat = {"requester.tier": "pro"}, {"requester.tier": "pro", "channel": "chat"}
    assert named(annotating([(chat, tag), (pro, tag)])[1], "redundant-rule") == {"a0"}
    assert named(annotating([(chat, tag), ({"tags": "vip"}, stop), (pro, tag)])[1], "redundant-rule") == set()


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ({"event": "requester_replied"}, []),
        ({"event": ["ticket_created", "requester_replied"]}, []),
        ({"waiting": {"over": "2h"}, "age": "1d"}, []),
        ({"idle": {"over": "2d"}}, ["A ticket is decided on when something just happened to it"]),
        ({"not": {"any": [{"event": "rated"}]}}, ["No rule is asked at 'rated'"]),
        (
            {"event": ["rated", "merged", "ticket_created"]},
            ["No rule is asked at 'merged'", "No rule is asked at 'rated'"],
        ),
    ],
    ids=str,
)
def test_conditions_on_moments_at_which_no_rule_is_asked_are_told(when: Condition, told: list[str]) -> None:
    found = sorted(one.message for one in linted(when)[1] if one.code == "never-asked")
    assert [message.partition(",")[0].partition(":")[0] for message in found] == told


PIECES = st.text("aAbß1", min_size=1, max_size=2)
ANYTHING = st.none() | st.text("aAbß1", max_size=4) | st.sampled_from([0, 1, 1.5, 2, True, False])
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "is": PIECES | st.sampled_from([1, 1.5, True]),
        "in": st.lists(PIECES | st.sampled_from([0, 2, False]), min_size=1, max_size=3),
        **dict.fromkeys(("starts_with", "ends_with", "contains"), PIECES),
        "pattern": st.sampled_from(["a", "^b", "ß$", "1"]),
        **dict.fromkeys(("over", "under", "at_least", "at_most"), st.sampled_from([0.0, 1.0, 1.5, 2.0])),
        "unknown": st.booleans(),
    },
).filter(bool)
OWN = st.recursive(
    st.builds(lambda asked: {"field.own": asked}, ASKED),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=5,
)


@bounded
@given(
    st.lists(OWN, min_size=2, max_size=3), st.lists(ANYTHING | st.lists(ANYTHING, max_size=3), min_size=8, max_size=12)
)
def test_texts_numbers_and_lists_of_a_field_are_reasoned_about_as_they_are_compared(
    conditions: list[Condition], values: list[Any]
) -> None:
    loaded, found = linted(*conditions)
    never = named(found, "dead-rule") | named(found, "shadowed-rule")
    for value in values:
        assert decides(loaded, case(fields={"own": value})) not in never


@pytest.mark.parametrize(
    "when",
    [
        {"status": "new", "not": {"status": ["new", "open"]}},
        {"contacts_24h": {"over": 3, "under": 2}},
        {"contacts_24h": {"over": 2, "at_most": 2}},
        {"contacts_24h": {"is": 4, "at_most": 3}},
        {"priority": {"over": "urgent"}},
        {"priority": {"over": "normal", "under": "high"}},
        {"status": {"unknown": True}},
        {"age": {"under": "0s"}},
        {"waiting": {"over": "2h", "under": "1h"}},
        {"all": [{"channel": "chat"}, {"channel": "email"}]},
        {"all": [{"requester.tier": "pro"}, {"requester.tier": {"unknown": True}}]},
        {"tags": {"all": ["vip"], "none": ["VIP"]}},
        {"all": [{"text": "refund"}, {"not": {"text": ["refund", "money"]}}]},
        {"requester.domain": {"starts_with": "a", "is": "b.example"}},
        {"requester.email": {"ends_with": "@a.example"}, "not": {"requester.email": {"contains": "a.ex"}}},
        {"text": {"pattern": "A-[0-9]"}, "not": {"text": {"pattern": "A-[0-9]"}}},
    ],
    ids=str,
)  # fmt: skip
def test_contradictions_of_every_kind_are_seen(when: Condition) -> None:
    assert named(linted(when)[1], "dead-rule") == {"r0"}


@pytest.mark.parametrize(
    "when",
    [
        {"contacts_24h": {"over": 2, "under": 3}},
        {"field.own": {"is": "a", "in": ["b"]}},
        {"tags": {"any": ["vip"], "none": ["eu"]}},
        {"all": [{"text": "refund"}, {"text": "money"}]},
        {"requester.email": {"starts_with": "ann", "ends_with": "nn@a.example", "contains": "."}},
        {"not": {"requester.tier": "pro"}, "requester.plan": {"unknown": True}},
        {"not": {"priority": {"over": "none"}}},
    ],
    ids=str,
)
def test_what_may_happen_is_not_called_dead(when: Condition) -> None:
    assert named(linted(when)[1], "dead-rule") == set()


def test_what_leaves_no_choice_is_settled_first() -> None:
    sides = [{"any": [{f"field.f{n}": "a"}, {f"field.f{n}": "b"}]} for n in range(12)]
    assert named(linted({"all": [*sides, {"not": {"any": sides}}]})[1], "dead-rule") == {"r0"}


@pytest.mark.parametrize(("pigeons", "found"), [(4, {"r0"}), (9, set())])
def test_of_what_takes_too_long_nothing_is_said(pigeons: int, found: set[str]) -> None:
    holes = range(pigeons - 1)
    each_has_a_hole = [{"any": [{f"fact.hole{n}": f"pigeon {one}"} for n in holes]} for one in range(pigeons)]
    assert named(linted({"all": each_has_a_hole})[1], "dead-rule") == found


def test_the_last_rule_is_never_called_shadowed() -> None:
    document = yamlfile.parse(
        f"{BASE}route:\n  - {{name: r0, when: {{status: {{unknown: false}}}}, skip: true}}\n{END}", file="p"
    )
    assert not [one for one in lint(checked(document), document, []) if one.code == "shadowed-rule"]
