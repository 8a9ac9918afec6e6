"""How well articles and similar tickets are found, by the default floor, and how long that takes."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Final

from benchmarks.report import Figure, Report
from bridge.knowledge import KnowledgeOptions
from bridge.knowledge.search import Index
from bridge.knowledge.shelf import MOST

_GOLD: Final = Path(__file__).parents[1] / "tests" / "knowledge" / "gold"
_BANKING: Final = Path(__file__).parents[1] / ".." / "shared" / "data" / "banking77"
_PAST: Final = 3_000
_ASKED: Final = 600
_FLOOR: Final = KnowledgeOptions().floor

Document = tuple[str, str, str]
"""Title, text, and what makes it right for a question: its id or its topic."""


def measure() -> Report:
    """The table; the second row needs BANKING77 beside this repository."""
    asked = [(one["text"], one["articles"]) for one in _read(_GOLD / "questions.csv")]
    rows = [_row("articles", _articles(), asked)]
    if _BANKING.exists():
        rows.append(_row("similar tickets (BANKING77)", *_banking()))
    return Report(
        title="Knowledge: what the note would name",
        baseline="naming nothing",
        columns=("what", "documents", "questions", "named for", "right of named %", "none fits: named for", "ms p50"),
        rows=tuple(rows),
        notes=(
            f"At most {MOST} documents that score {_FLOOR:g} or more. Right: that article, or a ticket of that topic.",
            "The articles and their questions were written by one hand, and the floor was chosen on them.",
        ),
    )


def _row(what: str, documents: Sequence[Document], questions: Sequence[tuple[str, str]]) -> dict[str, Figure]:
    index = Index([(title, text) for title, text, _ in documents])
    took, fitting, others, right, named = [], 0, 0, 0, 0
    for text, wanted in questions:
        start = perf_counter()
        found = [documents[at][2] for at, score in index.find(text, MOST) if score >= _FLOOR]
        took.append(perf_counter() - start)
        others += bool(found and not wanted)
        fitting += bool(found and wanted)
        named += len(found) if wanted else 0
        right += sum(each == wanted for each in found) if wanted else 0
    return {
        "what": what,
        "documents": len(documents),
        "questions": len(questions),
        "named for": f"{fitting} of {sum(bool(wanted) for _, wanted in questions)}",
        "right of named %": round(100 * right / named, 1),
        "none fits: named for": f"{others} of {sum(not wanted for _, wanted in questions)}",
        "ms p50": round(1_000 * median(took), 2),
    }


def _articles() -> list[Document]:
    return [(one["title"], one["body"], one["id"]) for one in _read(_GOLD / "articles.csv")]


def _banking() -> tuple[list[Document], list[tuple[str, str]]]:
    """Training questions as the past, test questions and those that fit no article as the present."""
    chance = Random(1)
    past, asked = list(_read(_BANKING / "train.csv")), list(_read(_BANKING / "test.csv"))
    chance.shuffle(past)
    chance.shuffle(asked)
    unrelated = [(one["text"], "") for one in _read(_GOLD / "questions.csv") if not one["articles"]]
    documents = [("", one["text"], one["category"]) for one in past[:_PAST]]
    return documents, [(one["text"], one["category"]) for one in asked[:_ASKED]] + unrelated


def _read(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)
