"""The basic questions that every test is made of: each asks one thing of one known value."""

import operator
import unicodedata
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, Protocol

import re2

from bridge.model import Priority

Verdict = bool | None
"""Three values: holds, does not hold, cannot be said because something is unknown."""

Comparison = Literal["over", "under", "at_least", "at_most"]

COMPARE: Final[Mapping[Comparison, Callable[[Any, float], bool]]] = {
    "over": operator.gt,
    "under": operator.lt,
    "at_least": operator.ge,
    "at_most": operator.le,
}


class Question(Protocol):
    """One thing asked of a known value."""

    def holds(self, value: Any) -> Verdict:
        """The answer; None where the value cannot be asked this."""


@dataclass(frozen=True, slots=True)
class Among:
    """Whether the value, or any element of it where it is several, is among these (folded)."""

    values: frozenset[Hashable]

    def holds(self, value: Any) -> bool:
        """Known always."""
        return not self.values.isdisjoint(folded(value))


@dataclass(frozen=True, slots=True)
class Lacks:
    """Whether neither the value nor any element of it is among these (folded)."""

    values: frozenset[Hashable]

    def holds(self, value: Any) -> bool:
        """Known always."""
        return self.values.isdisjoint(folded(value))


@dataclass(frozen=True, slots=True)
class Compared:
    """Whether the value is over, under, at least or at most a bound; None for a value that has no rank."""

    comparison: Comparison
    bound: float

    def holds(self, value: Any) -> Verdict:
        """None for what is neither a number, a level nor a duration."""
        rank = rank_of(value)
        return None if rank is None else COMPARE[self.comparison](rank, self.bound)


@dataclass(frozen=True, slots=True)
class Part:
    """Whether a text starts with, ends with or contains a piece (folded); None for what is no text."""

    where: Literal["starts_with", "ends_with", "contains"]
    piece: str

    def holds(self, value: Any) -> Verdict:
        """Of several texts any may."""
        texts = [text for text in folded(value) if isinstance(text, str)]
        if not texts:
            return None
        return any(self.is_in(text) for text in texts)

    def is_in(self, text: str) -> bool:
        """Of one text that is folded."""
        match self.where:
            case "starts_with":
                return text.startswith(self.piece)
            case "ends_with":
                return text.endswith(self.piece)
        return self.piece in text


@dataclass(frozen=True)
class Matches:
    """Whether an RE2 pattern matches anywhere in a text as it is written; None for what is no text."""

    pattern: str

    @cached_property
    def _compiled(self) -> Any:
        """Only for patterns that are ever asked; most rules fail on something cheaper."""
        return pattern(self.pattern)

    def holds(self, value: Any) -> Verdict:
        """Of a text as it is or in UTF-8, which spares making it for each pattern anew."""
        if isinstance(value, str):
            value = value[:MAX_TEXT].encode(errors="replace")
        if not isinstance(value, bytes):
            return None
        return self._compiled.search(value[:MAX_TEXT]) is not None


def pattern(written: str) -> Any:
    """An RE2 pattern of which only is asked whether it matches. Raises re2.error for what is none."""
    options = re2.Options()
    options.log_errors = False
    options.never_capture = options.longest_match = True  # the fewest states
    options.max_mem = MAX_MEMORY
    return re2.compile(written, options)


MAX_TEXT: Final = 32_000
"""Bytes of a text that patterns see."""

MAX_MEMORY: Final = 4 << 20
"""Bytes that RE2 keeps of a pattern's automaton; with more it would give up later where it has to."""


def fold(value: object) -> Hashable:
    """What equality compares: text without case, numbers by value, true and false apart from 1 and 0."""
    if isinstance(value, str):
        return _cut(value).lower().strip() if value.isascii() else _folded(_cut(value))
    if isinstance(value, bool):
        return ("bool", value)
    try:
        hash(value)
    except TypeError:  # a desk may keep a list of lists in a field
        return str(value)
    return value


@lru_cache(maxsize=1_024)
def _folded(text: str) -> str:
    """The characters of any script; what many rules ask of one value is folded once, for it takes long."""
    unified = _cut(unicodedata.normalize("NFKC", text))  # one character can become eighteen
    return unicodedata.normalize("NFKC", unified.casefold()).strip()


def _cut(text: str) -> str:
    """What is compared of a text: of a long one its beginning and its end, and between them what no policy can ask."""
    return text if len(text) <= _BEGINNING + _END else f"{text[:_BEGINNING]}\0{text[-_END:]}"


_BEGINNING: Final = 3_000
_END: Final = 1_000
"""Characters; what a requester writes into a field can be much longer, and folding it takes long."""


def folded(value: object) -> frozenset[Hashable]:
    """The elements of a value, folded: one, unless it is a list or a set."""
    if isinstance(value, list | set | frozenset):
        return frozenset(map(fold, value))
    return frozenset((fold(value),))


def rank_of(value: object) -> float | None:
    """Where a value stands on its scale: numbers by themselves, durations by seconds, levels from 0 up; else None."""
    match value:
        case bool():
            return None
        case int() | float():
            return None if value != value else value  # noqa: PLR0124 - not a number, whatever a source says
        case timedelta():
            return value.total_seconds()
        case Priority():
            return value.rank
    return getattr(value, "rank", None)
