"""Mistakes planted in the starter policy are noticed, nearly all of them, and each by what should notice it."""

import pytest

import rules
from benchmarks import mutation

STARTER = rules.STARTER.read_text("utf-8")


def test_of_a_hundred_mistakes_at_least_ninety_five_are_noticed() -> None:
    report = mutation.measure()
    total = report.rows[-1]
    assert total["planted"] == mutation.PLANTED
    assert int(total["missed"] or 0) <= 5
    assert [row for row in report.rows if not row["planted"]] == []
    assert sum("missed: line" in note for note in report.notes) == total["missed"]


@pytest.mark.parametrize("kind", mutation.KINDS)
def test_every_kind_of_mistake_can_be_made_in_the_starter(kind: str) -> None:
    planted = list(mutation.found(kind, STARTER))
    assert planted
    assert all(one.text != STARTER for one in planted)


@pytest.mark.parametrize(
    ("kind", "by"),
    [
        ("a letter missing in a key", "refused at load"),
        ("a rule that can never match", "found by lint"),
        ("two rules in the wrong order", "failed its tests"),
        ("a word of a list missing", None),
    ],
)
def test_what_notices_a_mistake_is_told(kind: str, by: str | None) -> None:
    assert mutation.noticed(next(mutation.found(kind, STARTER)).text) == by


def test_nothing_is_noticed_of_the_starter_itself() -> None:
    assert mutation.noticed(STARTER) is None
