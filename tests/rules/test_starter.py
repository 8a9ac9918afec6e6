"""The policy that ships: it loads, its own tests pass, and each of them would notice a change."""

from itertools import pairwise

import pytest

import rules
from bridge.model import Mode
from tests.rules.build import case, policy

SEVEN = [
    "wants a human",
    "bug with screenshot",
    "churn risk",
    "enterprise outage",
    "billing",
    "language",
    "everything else",
]


def starter() -> rules.LoadedPolicy:
    return rules.load(rules.STARTER)


def test_the_starter_has_seven_rules_and_every_one_is_named_by_a_test() -> None:
    file = starter().file
    assert [*(rule.name for rule in file.annotate), *(rule.name for rule in file.route)] == SEVEN
    named = {test.expect.route for test in file.tests} | {r for test in file.tests for r in test.expect.rules or ()}
    assert set(SEVEN) <= named


def test_every_rule_of_the_starter_has_a_comment_above_it() -> None:
    lines = rules.STARTER.read_text("utf-8").splitlines()
    above = [before.strip() for before, line in pairwise(lines) if line.strip().removeprefix("- name: ") in SEVEN]
    assert len(above) == len(SEVEN)
    assert all(comment.startswith("# ") for comment in above)


def test_the_starters_own_tests_pass() -> None:
    assert [(result.name, result.words) for result in starter().run_tests() if not result.passed] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("asks_for_human: true", "asks_for_human: false"),
        ("{over: 2}", "{over: 1}"),
        ("{over: 2}", "{over: 3}"),
        ("lawyer, ", ""),
        ("priority: urgent, add_tags", "priority: high, add_tags"),
        ("[image, video]", "[video]"),
        ("add_tags: [churn-risk]", "add_tags: [churn]"),
        ("{requester.tier: enterprise}]", "{requester.tier: free}]"),
        ("{intent: outage}, {not: {channel: chat}}", "{intent: outage}"),
        ("skills: [api], relax: [{after: 15m, without: [api]}], then", "then"),
        ("{intent: billing}", "{intent: bug}"),
        ("{language: de}", "{language: fr}"),
        ("to: {team: billing}", "to: {team: tech}"),
    ],
)
def test_the_starters_own_tests_notice_a_mistake(old: str, new: str) -> None:
    text = rules.STARTER.read_text("utf-8")
    assert old in text
    assert not all(result.passed for result in rules.loads(text.replace(old, new, 1)).run_tests())


def test_the_starter_writes_nothing_until_the_admin_says_so() -> None:
    assert starter().decide(case("Hello"), desk="acme", desk_mode=Mode.LIVE).mode is Mode.SHADOW


def test_a_failing_test_tells_what_was_expected_what_came_and_why() -> None:
    loaded = policy("""\
    annotate:
      - {name: a, when: {status: open}, then: {priority: high, add_tags: [x]}}
    route:
      - {name: everything else, to: {team: general}}
    tests:
      - given: {subject: Hello, intent: billing, status: open, field.x: 1, fact.y: 2}
        expect: {team: billing, priority: low, tags: [], not_rule: a, intent: billing, skip: false, mode: live}
      - given: {body: Hello}
        expect: {rules: [a], route: everything else, tags: [], priority: none}
      - given: {automatic: none, urgency: low}
        expect: {skip: true}
    """)
    results = loaded.run_tests()
    assert [(result.name, result.line, result.words) for result in results] == [
        (
            "Hello",
            13,
            (
                "priority: expected low, got high; tags: expected none, got x; team: expected billing, got general; "
                "rule 'a' matched: status is open"
            ),
        ),
        ("line 15", 15, "priority: expected none, got none; rule 'a' did not match: status was new, not open"),
        ("line 17", 17, "skip: expected True, got False"),
    ]
    assert loaded.summary() == "2 teams, 2 rules, 3 tests"
