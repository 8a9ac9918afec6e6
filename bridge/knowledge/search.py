"""BM25 over documents in any language: the words of a ticket in, the documents that share its rare words out."""

from collections.abc import Iterator, Sequence
from math import log
from typing import Any, Final

import numpy as np

from bridge.triage import Text
from bridge.triage.words import is_unspaced

_STEM: Final = 5
"""Characters of a word that are compared, so that its endings do not count; 5 found most of the gold set."""

_QUERY_MAX: Final = 100
"""Different words of a ticket that are looked for, its first ones: what comes later is detail."""

TITLE_WEIGHT: Final = 2
"""So often a title's words count."""


def terms(text: str) -> list[str]:
    """The words of a text as they are compared: their first letters; of scripts without spaces each two neighbours."""
    return [part for token in Text(text).tokens for part in _parts(token)]


def _parts(token: str) -> Iterator[str]:
    if is_unspaced(token):
        yield from (token[at : at + 2] for at in range(max(1, len(token) - 1)))
    elif len(token) > 1:
        yield token[:_STEM]


def _bm25(listed: Sequence[Sequence[str]]) -> Any:
    # Here, since it brings scipy: a tenth of every process's start, for teams that keep no articles too.
    import bm25s  # type: ignore[import-untyped] # noqa: PLC0415 - see above; publishes no types

    found = bm25s.BM25(method="lucene")
    found.index(listed, show_progress=False)
    return found


class Index:
    """Documents, each a title and a text, ready to be searched; they are known by their place in the order given."""

    def __init__(self, documents: Sequence[tuple[str, str]]) -> None:
        listed = [terms(title) * TITLE_WEIGHT + terms(text) for title, text in documents]
        self._words = frozenset(word for words in listed for word in words)
        self._unit = log(len(listed) + 1)
        self._bm25 = _bm25(listed) if self._words else None

    def find(self, query: str, most: int) -> list[tuple[int, float]]:
        """The best documents with their scores, the best first.

        A score is BM25 (Robertson's, as Lucene counts it) in units of the logarithm of the number of documents: about 1
        for one word that a single document has, so that it means the same in a small collection and in a large one.
        """
        wanted = [word for word in list(dict.fromkeys(terms(query)))[:_QUERY_MAX] if word in self._words]
        if not wanted or self._bm25 is None:
            return []
        scores = self._bm25.get_scores(wanted) / self._unit
        best = np.argsort(-scores, kind="stable")[:most]
        return [(int(at), float(scores[at])) for at in best]
