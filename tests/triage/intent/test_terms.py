"""Terms: the same as scikit-learn's, and none that could be somebody's."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped] # publishes no types
    CountVectorizer,
    TfidfVectorizer,
)

from bridge.triage.intent.terms import Terms, pieces_of, prepared

WORDS = st.text(alphabet="abcä é?!-7", min_size=1, max_size=12)


@given(st.text(alphabet="abcä?日本", min_size=1, max_size=12))
def test_the_pieces_of_a_word_are_those_that_scikit_learn_finds(word: str) -> None:
    theirs = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5)).build_analyzer()
    assert sorted(pieces_of(word)) == sorted(theirs(word))


def test_weights_are_those_that_scikit_learn_gives() -> None:
    texts = ["the card is lost", "the card card arrived", "is the transfer lost", "a transfer arrived"]
    ours = Terms.fit(texts * 2, range(8))
    theirs = [
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+"),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    ]
    expected = np.hstack([each.fit(texts * 2).transform(texts).toarray() for each in theirs])
    names = [name for each in theirs for name in each.get_feature_names_out()]
    assert list(ours.names) == names
    np.testing.assert_allclose(ours.matrix(texts).toarray(), expected, atol=1e-6)


def test_a_term_of_one_ticket_or_one_thread_is_not_kept() -> None:
    texts = ["refund for habermann", "refund for habermann", "refund for luhmann"]
    names = Terms.fit(texts, [1, 1, 2]).names
    assert "refund" in names
    assert not [name for name in names if "aber" in name or "uhma" in name]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Order 8812034 from ana@acme.example", "order 0000 from [email]"),
        ("Card 4111 1111 1111 1111", "card [card]"),
        ("Error 404 on Office 365", "error 404 on office 365"),
        ("\uff29nvoice \u2116\uff11\uff12345", "invoice no0000"),
    ],
)
def test_numbers_and_personal_data_are_gone_before_anything_is_learnt(text: str, seen: str) -> None:
    assert prepared(text) == seen


@given(st.lists(WORDS, max_size=8).map(" ".join))
def test_every_text_has_a_vector_whose_halves_have_length_one_or_nothing(text: str) -> None:
    terms = Terms.fit(["abc ä é", "abc ä é", text, text], range(4))
    ids, values = terms.vector(text)
    assert list(ids) == sorted(set(ids))
    for half in (values[ids < terms.words], values[ids >= terms.words]):
        assert np.linalg.norm(half) == pytest.approx(1 if len(half) else 0, abs=1e-5)


def test_a_hostile_text_takes_no_longer_than_a_second() -> None:
    terms = Terms.fit(["the card"] * 2, range(2))
    for text in ("a" * 1_000_000, "a " * 500_000, "ﷺ" * 100_000):
        start = time.process_time()
        terms.vector(prepared(text))
        assert time.process_time() - start < 1
