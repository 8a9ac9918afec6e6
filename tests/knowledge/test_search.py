"""Searching: the gold set that `docs/knowledge.md` tells of, and what holds for any documents."""

import csv
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bridge.knowledge import KnowledgeOptions
from bridge.knowledge.search import Index, terms

GOLD = Path(__file__).parent / "gold"
FLOOR = KnowledgeOptions().floor


def gold(name: str) -> list[dict[str, str]]:
    with (GOLD / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def named(index: Index, text: str, articles: list[dict[str, str]]) -> list[str]:
    return [articles[at]["id"] for at, score in index.find(text, 3) if score >= FLOOR]


def test_the_gold_set_is_answered_as_documented() -> None:
    articles, questions = gold("articles.csv"), gold("questions.csv")
    index = Index([(one["title"], one["body"]) for one in articles])
    answers = [(one["articles"], named(index, one["text"], articles)) for one in questions]
    assert len(articles) == 30
    wanted = [(right, found) for right, found in answers if right]
    assert (len(wanted), sum(right in found for right, found in wanted)) == (34, 34)
    unrelated = [found for right, found in answers if not right]
    assert (len(unrelated), sum(bool(found) for found in unrelated)) == (21, 1)


def test_words_are_compared_by_their_beginning_and_unspaced_scripts_by_pairs() -> None:
    assert terms("Invoices invoiced, A 請求書") == ["invoi", "invoi", "請求", "求書"]


def test_an_empty_index_and_unknown_words_find_nothing() -> None:
    assert Index([]).find("anything at all", 3) == []
    assert Index([("", "")]).find("anything at all", 3) == []
    assert Index([("Reset", "password")]).find("zebra", 3) == []


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60)), max_size=6), st.text(max_size=80))
def test_whatever_is_searched_scores_come_in_order_and_none_is_negative(
    documents: list[tuple[str, str]], query: str
) -> None:
    found = Index(documents).find(query, 3)
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert all(score >= 0 for score in scores)
    assert len({at for at, _ in found}) == len(found) <= 3
