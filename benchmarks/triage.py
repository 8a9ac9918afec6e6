"""How well triage reads: cleaning, languages, signals and machines' mail, each on messages labelled by hand.

The labelled sets were written apart from the word lists and are not tuned on; those called `_dev` were, and stay out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final, TypeVar

from benchmarks.report import Figure, Report
from bridge.model import Status, Ticket, TicketRef
from bridge.triage import Text, new_words
from bridge.triage.automatic import automatic
from bridge.triage.language import language
from bridge.triage.signals import sentiment, signals, urgency

_LABELLED: Final = Path(__file__).with_name("labelled")
_GOLD: Final = Path(__file__).parents[1] / "tests" / "triage" / "gold"
_COLUMNS: Final = ("what", "messages", "precision %", "recall %", "baseline %", "ms p50")
_NONE: Final = "-"
_SHORT: Final = {"asks_for_human": "human", "repeat_contact": "repeat"}
"""What the labelled set calls these signals."""

T = TypeVar("T")
R = TypeVar("R")


def measure() -> Report:
    """The table; needs nothing but this repository."""
    return Report(
        title="Triage: what is found of what a reader finds",
        baseline="the message as it came (cleaning), the commonest answer (all others)",
        columns=_COLUMNS,
        rows=(_cleaning(), _languages(), *_signals(), _automatic()),
        notes=(
            "Cleaning: exact matches on the gold set of the tests, which the cleaner was finished on.",
            "Precision: of what was told, how much is right; recall: of what is there, how much was told right.",
        ),
    )


def _cleaning() -> dict[str, Figure]:
    files = [path.read_text(encoding="utf-8") for path in sorted(_GOLD.glob("*.txt"))]
    blocks = [block for written in files for block in f"\n{written}".split("\n%% ")[1:]]
    messages = [block.partition("\n")[2] for block in blocks[::2]]
    left = [block.partition("\n")[2].rstrip("\n") for block in blocks[1::2]]
    got, ms = _timed(new_words, messages)
    exact = _percent(got, left)
    return _row("cleaning, exact", len(left), exact, exact, _percent([text.strip() for text in messages], left), ms)


def _languages() -> dict[str, Figure]:
    rows = _labelled("language")
    got, ms = _timed(language, [text for _, text in rows])
    wanted = [[] if code == _NONE else [code] for code, _ in rows]
    return _judged("language", wanted, [[found.value] if found else [] for found in got], ms)


def _signals() -> Iterable[dict[str, Figure]]:
    rows = _labelled("signals")
    wanted = [[] if labels == _NONE else labels.split(",") for labels, _ in rows]
    got, ms = _timed(_told, [text for _, text in rows])
    yield _judged("all signals", wanted, got, ms)
    for name in sorted({label for labels in wanted for label in labels}):
        yield _judged(f"  {name}", [_only(name, one) for one in wanted], [_only(name, one) for one in got], None)


def _automatic() -> dict[str, Figure]:
    rows = [(kind, *text.split("\t")) for kind, text in _labelled("automatic")]
    got, ms = _timed(lambda row: automatic(_ticket(row[1]), row[2]), rows)
    wanted = [[] if kind == _NONE else [kind] for kind, *_ in rows]
    return _judged("written by machines", wanted, [[found.value] if found else [] for found in got], ms)


def _told(text: str) -> list[str]:
    words = Text(text)
    found = [*signals(_ticket(""), words), urgency(words), sentiment(words)]
    names = [one.value for one in found if one is not None and one.value not in {"normal", "neutral"}]
    return [_SHORT.get(name, name) for name in names]


def _ticket(subject: str) -> Ticket:
    return Ticket(TicketRef("benchmark", "1"), subject, None, Status.NEW)


def _labelled(name: str) -> list[tuple[str, str]]:
    lines = (_LABELLED / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [(label, text) for label, _, text in (line.partition("\t") for line in lines)]


def _only(name: str, labels: Sequence[str]) -> list[str]:
    return [label for label in labels if label == name]


def _timed(read: Callable[[T], R], given: Sequence[T]) -> tuple[list[R], float]:
    """The answers, and the median milliseconds of one; the first, which loads what is needed, is asked twice."""
    read(given[0])
    answers: list[R] = []
    times: list[float] = []
    for one in given:
        start = perf_counter()
        answers.append(read(one))
        times.append((perf_counter() - start) * 1_000)
    return answers, median(times)


def _percent(got: Sequence[object], wanted: Sequence[object]) -> float:
    return 100 * sum(one == other for one, other in zip(got, wanted, strict=True)) / len(wanted)


def _judged(what: str, wanted: list[list[str]], got: list[list[str]], ms: float | None) -> dict[str, Figure]:
    right = sum(len(set(one) & set(other)) for one, other in zip(wanted, got, strict=True))
    there, told = sum(map(len, wanted)), sum(map(len, got))
    commonest = Counter(label for labels in wanted for label in labels).most_common(1)[0][1]
    return _row(what, len(wanted), 100 * right / max(told, 1), 100 * right / there, 100 * commonest / len(wanted), ms)


def _row(*figures: Figure) -> dict[str, Figure]:
    return dict(zip(_COLUMNS, figures, strict=True))
