"""The edits between two policies make the one the other, and what is told of a ticket is what really comes of it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from bridge.model import Case, Mode
from rules.diff import Comparison, Move
from rules.edits import edited, edits
from tests.rules.build import BASE, END, case, intent
from tests.rules.test_engine import CONDITIONS, VALUES, as_case

TEAMS = {"billing": {"members": {"ana": {"capacity": 8}}}, "general": {"members": {"cy": {"capacity": 10}}}}
NAMES = ["a", "b", "c", "d"]
THENS = st.sampled_from([{"type": "x"}, {"priority": "high"}, {"add_tags": ["t"]}, {"add_tags": ["t"], "tier": "x"}])
TOS = st.sampled_from([{"team": "billing"}, {"team": "general"}, {"team": "billing", "then": "general"}])


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """The data of a policy of up to eight rules, in any order."""
    names = st.permutations(NAMES).flatmap(lambda some: st.integers(0, 4).map(lambda size: some[:size]))
    annotate = [{"name": f"n{one}", "when": draw(CONDITIONS), "then": draw(THENS)} for one in draw(names)]
    route = [{"name": one, "when": draw(CONDITIONS), "to": draw(TOS)} for one in draw(names)]
    optional = {
        "mode": st.sampled_from(list(Mode)),
        "triage": st.builds(lambda act: {"intent": {"act": act}}, st.sampled_from([0.6, 0.9])),
        "modes": st.builds(lambda mode: {"desks": {"d": mode}}, st.sampled_from(list(Mode))),
    }
    rest = draw(st.fixed_dictionaries({}, optional=optional))
    last = {"name": "last", "to": draw(TOS)}
    return {"policy": "deskbridge/v1", "teams": TEAMS, **rest, "annotate": annotate, "route": [*route, last]}


def loaded(data: Mapping[str, Any]) -> rules.LoadedPolicy:
    return rules.loads(json.dumps(data))


def without_empty(data: Mapping[str, Any]) -> dict[str, Any]:
    """A section whose last entry was taken out says no more than one that is not there."""
    return {key: value for key, value in data.items() if value not in ({}, [], {"intent": {}}, {"desks": {}})}


@settings(deadline=None)
@given(policies(), policies())
def test_all_edits_together_make_the_new_policy_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    made = edited(old, new, edits(old, new))
    assert without_empty(made) == without_empty(new)
    assert edited(old, new, []) == old
    assert not edits(old, old)


@settings(deadline=None, max_examples=50)
@given(policies(), policies(), VALUES)
def test_what_is_told_of_a_ticket_is_what_the_new_policy_gives_and_its_cause_alone_gives_it_too(
    old: dict[str, Any], new: dict[str, Any], values: Mapping[str, Any]
) -> None:
    asked = as_case(values)
    one, other = loaded(old), loaded(new)
    comparison = Comparison(one, other)
    before, after = (policy.decide(asked, desk="d", desk_mode=Mode.LIVE) for policy in (one, other))
    told = comparison.move("1", lambda _: asked)
    same = (before.effect, _place(before), before.mode) == (after.effect, _place(after), after.mode)
    assert (told is None) is same
    if told is not None:
        assert told.elsewhere is (_place(before) != _place(after))
        assert all(difference.old != difference.new for difference in told.differences)
        alone = loaded(edited(old, new, told.cause)).decide(asked, desk="d", desk_mode=Mode.LIVE)
        assert (alone.effect, _place(alone), alone.mode) == (after.effect, _place(after), after.mode)


def _place(outcome: Any) -> tuple[Any, ...] | None:
    target = outcome.target
    return target and (target.team, target.skills, target.then)


def moved(old: str, new: str, asked: Case) -> Move | None:
    text = f"{BASE}route:\n{END}"
    first, second = (rules.loads(text.replace("route:\n", f"{one}route:\n", 1)) for one in (old, new))
    return Comparison(first, second).move("1", lambda _: asked)


A = "  - {name: a, when: {status: new}, to: {team: billing}}\n"
B = "  - {name: b, when: {channel: other}, to: {team: general, skills: []}}\n"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (END, A + END, "route rule 'a' added"),
        (A + END, END, "route rule 'a' removed"),
        (B + A + END, A + B + END, "route rule 'a' moved to the front"),
        (A + END, A.replace("new", "open") + END, "route rule 'a': when.status: new → open"),
        (
            A + END,
            A.replace("billing", "general") + END,
            "route rule 'a'.to.team: billing → general",
        ),
    ],
)
def test_the_edit_of_a_rule_that_sends_a_ticket_elsewhere_is_named(old: str, new: str, words: str) -> None:
    one, other = (rules.loads(f"{BASE}route:\n{text}") for text in (old, new))
    told = Comparison(one, other).move("1", lambda _: case())
    assert told is not None
    assert told.elsewhere
    assert [edit.words for edit in told.cause] == [words]
    assert {one.what: (one.old, one.new) for one in told.differences}["team"] in {
        ("billing", "general"),
        ("general", "billing"),
    }


def test_a_threshold_that_is_lowered_is_the_cause_for_those_it_lets_through() -> None:
    rule = "  - {name: money, when: {intent: billing}, to: {team: billing}}\n"
    text = f"{BASE}route:\n{rule}{END}"
    one = rules.loads(text)
    other = rules.loads(text.replace("triage:\n", "triage:\n  intent: {act: 0.6}\n"))
    told = Comparison(one, other).move("1", lambda _: case(triage=intent("billing", 0.7)))
    assert told is not None
    assert (told.old_rule, told.new_rule) == ("everything else", "money")
    assert [edit.words for edit in told.cause] == ["triage.intent.act added: 0.6"]
    assert Comparison(one, other).move("2", lambda _: case(triage=intent("billing", 0.5))) is None


def test_a_rule_for_a_new_team_is_caused_by_both_since_neither_stands_alone() -> None:
    old = rules.loads(f"{BASE}route:\n{END}")
    team = "  sales: {members: {bo: {capacity: 1}}}\n"
    new = rules.loads(
        f"{BASE.replace('triage:', team + 'triage:')}route:\n{A.replace('billing', 'sales')}{END}",
    )
    comparison = Comparison(old, new)
    told = comparison.move("1", lambda _: case())
    assert told is not None
    assert {edit.words for edit in told.cause} == {
        "route rule 'a' added",
        "teams.sales added: {members: {bo: {capacity: 1}}}",
    }


def test_a_rule_that_only_has_another_name_moves_nothing() -> None:
    one, other = (rules.loads(f"{BASE}route:\n{text}{END}") for text in (A, A.replace("name: a", "name: z")))
    assert Comparison(one, other).move("1", lambda _: case()) is None


def test_what_is_otherwise_without_going_elsewhere_is_told_apart() -> None:
    rule = "annotate:\n  - {name: tag, when: {status: new}, then: {add_tags: [x]}}\n"
    told = moved("", rule, case())
    assert told is not None
    assert not told.elsewhere
    assert [(one.what, one.old, one.new) for one in told.differences] == [("tags", "none", "x")]


def test_the_causes_of_a_policy_that_is_another_altogether_are_not_looked_for() -> None:
    many = "".join(f"  - {{name: r{n}, when: {{type: t{n}}}, skip: true}}\n" for n in range(200))
    one, other = rules.loads(f"{BASE}route:\n{END}"), rules.loads(f"{BASE}route:\n{many}{A}{END}")
    told = Comparison(one, other).move("1", lambda _: case())
    assert told is not None
    assert told.cause == ()
