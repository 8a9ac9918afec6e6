"""A policy file with mistakes: each is told at its line and column, all at once, with what to write instead."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from bridge.errors import BadFile
from bridge.triage.language import LANGUAGE_CODES
from tests.rules.build import BASE, END, faults

LINE = BASE.count("\n") + 1


def test_all_faults_of_all_kinds_are_told_together() -> None:
    text = """\
policy: deskbridge/v1
mode: lve
teams:
  billing: {members: {ana: {capacity: "8"}}, overflow: generl}
  general: {members: {cy: {capacity: 10, skils: [api]}}}
triage:
  intent: {act: 0.5, suggest: 0.6}
  words: {billing: [invoice, "??"]}
annotate:
  - name: a
    when: {subjet: hello}
    then: {}
  - name: a
    when: {intent: biling, contacts_24h: {more: 2}}
    then: {add_tags: [x], remove_tags: [x]}
route:
  - name: money
    when: {any: []}
    to: {team: biling, skills: [refund]}
  - name: leave
    skip: true
  - name: last
    when: {status: new}
    to: {team: general, then: general}
bindings:
  desk: {teams: {Billing: x}, agents: {anna: y}}
tests:
  - {given: {subject: x}, expect: {rout: money, not_rule: leaf}}
"""
    assert faults(text) == [
        "p.yaml:2:7: should be 'shadow', 'suggest' or 'live'; did you mean 'live'?",
        "p.yaml:4:39: should be a whole number.",
        "p.yaml:4:56: there is no team 'generl' in this policy; did you mean 'general'?",
        "p.yaml:5:42: 'skils' is not a key here; did you mean 'skills'?",
        "p.yaml:7:11: has suggest above act, so nothing would ever be suggested.",
        "p.yaml:8:30: has no word in it.",
        "p.yaml:11:12: 'subjet' is not a key here; did you mean 'subject'?",
        "p.yaml:12:11: does nothing.",
        "p.yaml:13:11: a rule in line 10 has this name too. Tests and explanations need one name each.",
        "p.yaml:14:20: there is no intent 'biling' in this policy; did you mean 'billing'?",
        "p.yaml:14:43: 'more' is not a key here; the keys here are at_least, at_most, in, is, over, under, unknown.",
        "p.yaml:15:11: adds and removes the same tag: x.",
        "p.yaml:18:17: should not be an empty list.",
        "p.yaml:19:16: there is no team 'biling' in this policy; did you mean 'billing'?",
        "p.yaml:20:5: a rule without a condition hides all rules after it. Give it a 'when', or move it to the end.",
        (
            "p.yaml:23:5: the last route rule must have no condition. "
            "Add one without 'when', so that every ticket has a place."
        ),
        "p.yaml:24:31: a team cannot take over from itself.",
        "p.yaml:26:18: there is no team 'Billing' in this policy; did you mean 'billing'?",
        "p.yaml:26:40: there is no agent 'anna' in this policy; did you mean 'ana'?",
        "p.yaml:28:36: 'rout' is not a key here; did you mean 'route'?",
        "p.yaml:28:59: there is no rule 'leaf' in this policy; did you mean 'leave'?",
    ]


def asking(when: str) -> str:
    """A policy's rest with one condition, which starts in column 21 of its second line."""
    return f"annotate:\n  - {{name: x, when: {when}, then: {{type: x}}}}\nroute:\n{END}"


@pytest.mark.parametrize(
    ("rest", "fault"),
    [
        ("", "1:1: 'route' is missing here."),
        ("route: []\n", f"{LINE}:8: should not be an empty list."),
        (
            "route:\n  - {name: x, to: {team: billing, skills: [refund]}}\n",
            f"{LINE + 1}:44: nobody in team 'billing' has the skill 'refund'; did you mean 'refunds'?",
        ),
        (
            "route:\n  - {name: x, to: {team: general, skills: [api]}}\n",
            f"{LINE + 1}:44: nobody in team 'general' has the skill 'api'; their skills are none.",
        ),
        ("route:\n  - {name: x}\n", f"{LINE + 1}:5: needs either 'to' or 'skip: true'."),
        ("route:\n  - {name: x, skip: false}\n", f"{LINE + 1}:21: should be True."),
        ("route:\n  - {name: '', skip: true}\n", f"{LINE + 1}:12: should have at least 1 character."),
        (
            f"modes: {{categories: {{refund: live}}}}\nroute:\n{END}",
            f"{LINE}:22: there is no intent 'refund' in this policy; there are: billing, outage.",
        ),
        (
            asking("{language: klingon}"),
            f"{LINE + 1}:32: is not a language that is told apart; these are: {', '.join(LANGUAGE_CODES)}.",
        ),
        (
            asking("{text: {pattern: 'a{1000}{1000}'}}"),
            f"{LINE + 1}:38: is not a pattern that RE2 knows: bad repetition operator: {{1000}}{{1000}}.",
        ),
        (
            asking("{text: {pattern: '(abc){400}'}}"),
            f"{LINE + 1}:38: is a pattern of size 1204, too costly; 1000 is the most.",
        ),
        (
            asking("{status: {}}"),
            f"{LINE + 1}:30: asks nothing; it may have in, is, unknown.",
        ),
        (
            asking("{intent: {min_confidence: 0.5}}"),
            f"{LINE + 1}:30: asks for nothing; it needs one of in, is, unknown.",
        ),
        (
            asking("{}"),
            f"{LINE + 1}:21: is a condition that asks nothing.",
        ),
    ],
)
def test_a_fault_has_its_place(rest: str, fault: str) -> None:
    assert faults(BASE + rest) == [f"p.yaml:{fault}"]


def test_a_team_without_members_and_one_that_overflows_into_itself_are_faults() -> None:
    text = """\
policy: deskbridge/v1
teams:
  a: {members: {}}
  general: {overflow: general, members: {x: {capacity: 1}}}
route:
  - {name: everything else, to: {team: general}}
"""
    assert faults(text) == [
        "p.yaml:3:6: is a team without members.",
        "p.yaml:4:23: a team cannot overflow into itself.",
    ]


GOOD = rules.STARTER.read_text("utf-8")


@given(st.integers(0, len(GOOD)), st.integers(0, 12), st.text("abn:-[]{}?*&#|>'\" \n,%~0", max_size=6))
@settings(max_examples=150, deadline=None)
def test_a_garbled_policy_is_read_or_refused_and_never_crashes(at: int, cut: int, put: str) -> None:
    try:
        rules.loads(GOOD[:at] + put + GOOD[at + cut :])
    except BadFile as error:
        assert error.faults  # noqa: PT017 - either outcome is right, a third is not


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["billing", "x", "*", "deskbridge/v1", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "when", "to", "team", "all", "not", "intent", "is", "skills", "members", "field.x", "*"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["policy", "mode", "modes", "teams", "triage", "annotate", "route", "bindings", "tests"]),
        ANYTHING,
    )
)
@settings(deadline=None)
def test_any_shape_in_any_place_is_refused_and_never_crashes(data: dict[str, object]) -> None:
    with pytest.raises(BadFile):
        rules.loads(json.dumps(data))


def test_a_key_without_a_value_is_a_mistake_wherever_it_would_count_as_left_out() -> None:
    text = """\
policy: deskbridge/v1
teams:
  general: {members: {cy: {capacity: 10}}, calendar: }
triage: {words: {billing: [invoice]}}
annotate:
  - name: a
    when:
      intent: billing
      requester.tier:
      contacts_24h: {over: 2, under: }
    then: {type: x, priority: }
route:
  - {name: all, when: , to: {team: general}}
  - {name: rest, to: {team: general, then: }}
tests:
  - {given: {body: x}, expect: {type: null}}
"""
    words = "has no value; write one, or leave the key out."
    assert faults(text) == [
        f"p.yaml:3:44: 'calendar' {words}",
        f"p.yaml:9:7: 'requester.tier' {words}",
        f"p.yaml:10:31: 'under' {words}",
        f"p.yaml:11:21: 'priority' {words}",
        f"p.yaml:13:17: 'when' {words}",
        f"p.yaml:14:38: 'then' {words}",
    ]
