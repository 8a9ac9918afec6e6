"""What a policy's patterns and parts of texts can take together on values made for them, before any is asked."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from bridge.yamlfile import Document, Trail
from rules.automaton import cost
from rules.operators import readable
from rules.references import asking, extracts

MAX_COST: Final = 30_000
"""Microseconds that all of them together may take, each for every value that it is asked of."""

_LOOKED_AT: Final = 10 * MAX_COST
"""Where so much is found nobody looks for more: working a cost out takes time itself."""


class _Asked(NamedTuple):
    """One of them, where it stands, and the microseconds it can take."""

    path: Trail
    what: str
    spent: int


def milliseconds(spent: int) -> str:
    """Microseconds in words."""
    return f"{spent / 1_000:.0f} ms"


def check(document: Document) -> None:
    """Add a fault for each that costs too much by itself, and for the first with which all together do."""
    most, alone, together = milliseconds(MAX_COST), 0, 0
    for one in _asked(document.data):
        if one.spent > MAX_COST:
            alone += one.spent
            words = f"is {one.what} that can hold a ticket up for {milliseconds(one.spent)}; {most} is the most."
            document.fault(one.path, words)
            continue
        if together <= MAX_COST < together + one.spent:
            words = f"is {one.what} too many: all together can hold a ticket up for more than {most}."
            document.fault(one.path, words, "Use words instead where words do.")
        together += one.spent
        if alone + together > _LOOKED_AT:
            return


def _asked(data: object) -> Iterator[_Asked]:
    """What `triage` extracts, then what conditions ask, in the order of the file; what is asked twice costs once."""
    yield from (_pattern(path, written) for path, written in extracts(data) if _reads(written))
    seen: set[tuple[str, str]] = set()
    for path, key, test in asking(data):
        if not isinstance(test, Mapping):
            continue
        pattern, piece = test.get("pattern"), test.get("contains")
        same = (key, str(pattern) if key in _TEXTS else repr(test))
        if same in seen:
            continue
        seen.add(same)
        if isinstance(pattern, str) and _reads(pattern):
            yield _pattern((*path, "pattern"), pattern)
        if isinstance(piece, str):
            yield _Asked((*path, "contains"), "a part of a text", len(piece))


_TEXTS: Final = ("subject", "text")
"""Of these a pattern is asked once, whatever words are asked for beside it."""


def _pattern(path: Trail, written: str) -> _Asked:
    return _Asked(path, "a pattern", cost(written))


def _reads(pattern: str) -> bool:
    """Whether its cost can be worked out; where not, it is a fault already."""
    try:
        readable(pattern)
    except ValueError:
        return False
    return True
