"""What is learnt from: tickets with labels, put in order before anything is fitted."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.triage.intent.faults import BadExamples
from bridge.triage.intent.groups import grouped
from bridge.triage.intent.terms import prepared

OTHER: Final = "other"
"""The class into which rare ones are folded; it is never told as an answer to act on."""

MIN_EXAMPLES: Final = 5
"""A class of fewer tickets is rare: what is seen so seldom is neither learnt nor measured."""

_BREAKS: Final = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]+")
_SEED: Final = 5


@dataclass(frozen=True, slots=True)
class Example:
    """A ticket's cleaned text with the label that people gave it.

    `ref` is what reports call it (a row, a ticket), `thread` what it belongs to ("" for nothing), `at` when it came.
    """

    text: str
    label: str
    ref: str = ""
    thread: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """Examples ready to be learnt: prepared texts, their class numbers, their groups, and what had to be done."""

    texts: tuple[str, ...]
    targets: NDArray[np.int64]
    classes: tuple[str, ...]
    groups: NDArray[np.int64]
    examples: tuple[Example, ...]
    folded: tuple[str, ...]
    contradictions: int

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes' names as texts: each is one more example of its class, for names are seldom chosen idly."""
        return tuple(prepared(name.replace("_", " ")) for name in self.classes)

    def folds(self, number: int) -> NDArray[np.int64]:
        """The fold of each ticket, 0 to `number` - 1: whole groups, each class spread evenly, always the same."""
        _, first, group = np.unique(self.groups, return_index=True, return_inverse=True)
        order = np.lexsort((np.random.default_rng(_SEED).random(len(first)), self.targets[first]))
        fold_of_group = np.empty(len(first), np.int64)
        fold_of_group[order] = np.arange(len(first)) % number
        folds: NDArray[np.int64] = fold_of_group[group]
        return folds


def lesson(examples: Iterable[Example]) -> Lesson:
    """The examples in order; those without text or label are left out. Raises BadExamples."""
    kept = tuple(example for example in examples if example.text.strip() and named(example.label))
    labels, folded = _folded([named(example.label) for example in kept])
    classes = tuple(sorted(set(labels)))
    if len(classes) < 2:
        raise BadExamples(_too_few(len(kept), labels, folded))
    texts = tuple(prepared(example.text) for example in kept)
    number = {name: at for at, name in enumerate(classes)}
    return Lesson(
        texts=texts,
        targets=np.array([number[label] for label in labels], np.int64),
        classes=classes,
        groups=grouped(texts, [example.thread for example in kept]),
        examples=kept,
        folded=folded,
        contradictions=_contradictions(texts, labels),
    )


def named(label: str) -> str:
    """A label in one line without spaces around it, its accents composed."""
    return unicodedata.normalize("NFC", _BREAKS.sub(" ", label).strip())


def _folded(labels: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    counts = Counter(labels)
    rare = {label for label, count in counts.items() if count < MIN_EXAMPLES and label != OTHER}
    return [OTHER if label in rare else label for label in labels], tuple(sorted(rare))


def _too_few(tickets: int, labels: Sequence[str], folded: Sequence[str]) -> str:
    if not tickets:
        return "no ticket has both a text and a label"
    if folded:
        return (
            f"{tickets} tickets, but no two classes of {MIN_EXAMPLES} or more; {len(folded)} rarer ones were folded "
            f"into '{OTHER}'; label more tickets or join classes"
        )
    return f"all {tickets} tickets have one label, '{labels[0]}'; at least two are needed"


def _contradictions(texts: Sequence[str], labels: Sequence[str]) -> int:
    """How many tickets have the words of another with a different label."""
    said: dict[str, set[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        said.setdefault(text, set()).add(label)
    return sum(len(said[text]) > 1 for text in texts)
