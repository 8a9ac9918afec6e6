"""Numbers and names that a team's policy knows how to recognise: orders, invoices, error codes, addresses of pages."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import re2

from bridge.model import Entity
from bridge.triage.words import Text

MOST: Final = 5
"""Of one kind at most so many are told."""

_LOOKED_AT: Final = 100
"""Matches of one kind: each is a search of its own, which may go as far as the text does."""

URL: Final = "url"
"""What is always found, whatever the policy names."""

_URL: Final = re2.compile(r"https?://[^\s<>\"')\]]+")
_NEAR: Final = 30
"""Characters before a match within which its name makes it surer."""

_ALONE: Final = 0.8
_NAMED: Final = 0.95
_EXACT: Final = 0.99


class Extractors:
    """A policy's patterns by name, in RE2's syntax, each compiled once; their order is that of what they find.

    A pattern's first group is the value, the whole match where it has none. Raises re2.error for what is no pattern.
    """

    def __init__(self, patterns: Iterable[tuple[str, str]]) -> None:
        self._patterns = tuple((name, re2.compile(pattern)) for name, pattern in patterns)

    def entities(self, text: Text) -> tuple[Entity, ...]:
        """What the text holds. 0.80 for a match alone, 0.95 with its name shortly before it, 0.99 for a URL."""
        found = [entity for name, pattern in self._patterns for entity in _of_kind(name, pattern, text.raw)]
        urls = dict.fromkeys(match.group().rstrip(".,;:!?") for match in _URL.finditer(text.raw))
        return (*found, *(Entity(URL, url, _EXACT) for url in list(urls)[:MOST]))


def _of_kind(name: str, pattern: Any, text: str) -> Iterator[Entity]:
    told: dict[str, float] = {}
    first = name.replace("_", " ").split()[0].casefold()
    for match in islice(pattern.finditer(text), _LOOKED_AT):
        value = match.group(1 if pattern.groups else 0)
        if value:
            named = first in text[max(0, match.start() - _NEAR) : match.end()].casefold().replace(value.casefold(), "")
            told[value] = max(told.get(value, 0.0), _NAMED if named else _ALONE)
        if len(told) == MOST:
            break
    return (Entity(name, value, confidence) for value, confidence in told.items())
