"""Groups: threads, copies and filled-in templates are never on both sides of a trial."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.triage.intent.groups import grouped
from bridge.triage.intent.lesson import Example, lesson

TEMPLATE = "dear team the delivery of order {} to our warehouse in {} has not arrived as it was promised to us by mail"


def test_filled_in_templates_are_one_group_and_others_are_not() -> None:
    texts = [
        TEMPLATE.format("0000", "berlin"),
        TEMPLATE.format("12", "berlin"),
        "where is my parcel",
        "where is my refund",
    ]
    first, second, third, fourth = grouped(texts, [""] * 4)
    assert first == second
    assert len({first, third, fourth}) == 3


def test_texts_without_a_letter_are_alike_only_where_they_are_the_same() -> None:
    one, two, three = grouped(["😀 0000", "😡", "😀 0000"], [""] * 3)
    assert one == three != two


def test_a_thread_is_one_group_whatever_is_said_in_it() -> None:
    one, two, three = grouped(["my card is lost", "thank you", "the app fails"], ["7", "7", ""])
    assert one == two != three


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("ab")), min_size=20, max_size=40), st.integers(2, 10))
@settings(max_examples=30)
def test_folds_keep_groups_together_and_are_about_equal(rows: list[tuple[int, str]], number: int) -> None:
    base = [Example(f"{label} base", label) for label in "ab" for _ in range(5)]
    given_ = lesson([*base, *(Example(f"text {label}", label, thread=str(thread)) for thread, label in rows)])
    folds = given_.folds(number)
    for group in np.unique(given_.groups):
        assert len(set(folds[given_.groups == group])) == 1
    assert set(folds) <= set(range(number))
