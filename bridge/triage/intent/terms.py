"""A text's terms, weighted: words, pairs of words and pieces of words, without numbers that could be somebody's."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import re2
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bridge.triage.personal import redact
from bridge.triage.words import is_unspaced

MAX_CHARACTERS: Final = 8_000
"""What stands further down a text is not looked at; a ticket that long says what it wants before."""

MIN_TICKETS: Final = 2
"""A term of fewer tickets (threads and templates count once) is not kept: it may be a name, and teaches little."""

_PIECES: Final = range(2, 6)
_LONGEST: Final = 40
_GLUED: Final = 6
"""Characters of a word with which a person can begin something: elsewhere, and in a script without spaces."""
_LONG_NUMBER = re2.compile(r"\d{4,}")
_WORD = re2.compile(r"[\pL\pN\pM_]+")

Ids = NDArray[np.int32]
Values = NDArray[np.float32]


def prepared(text: str) -> str:
    """The text as the classifier sees it: personal data masked, folded (NFKC, lower case), long numbers all alike."""
    sound = redact(text[:MAX_CHARACTERS].encode(errors="replace").decode())
    if not sound.isascii():
        sound = unicodedata.normalize("NFKC", sound)
    folded: str = _LONG_NUMBER.sub("0000", sound.lower())
    return folded


class Terms:
    """The terms worth knowing and their weights: sublinear frequency times inverse document frequency, length 1.

    Words and pairs of them are one half, pieces of 2 to 5 characters of space-separated words the other; each half has
    length 1. `names` are the terms, the first `words` of them words; `idf` their weights in the same order.
    """

    def __init__(self, names: Sequence[str], words: int, idf: Values) -> None:
        self.names = tuple(names)
        self.words = words
        self.idf = idf
        self._words: Mapping[str, int] = {name: at for at, name in enumerate(self.names[:words])}
        self._pieces: Mapping[str, int] = {name: at for at, name in enumerate(self.names[words:], words)}
        self._of_chunk: Callable[[str], Ids] = lru_cache(maxsize=50_000)(self._ids_of_chunk)

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def fit(cls, texts: Sequence[str], groups: Sequence[int]) -> "Terms":
        """The terms of prepared texts that stand in MIN_TICKETS or more groups of them."""
        chunks = [set(text.split()) for text in texts]
        words, in_words = _counted((_words_of(text) for text in texts), groups)
        pieces, in_pieces = _counted(
            ({piece for each in chunk for piece in pieces_of(each)} for chunk in chunks), groups
        )
        idf = np.log((1 + len(texts)) / (1 + np.array(in_words + in_pieces, np.float32))) + 1
        return cls(words + pieces, len(words), idf.astype(np.float32))

    def vector(self, text: str) -> tuple[Ids, Values]:
        """The known terms of a prepared text and what each weighs."""
        parts = [self._of_chunk(chunk) for chunk in text.split()]
        known = [at for at in map(self._words.get, _word_list(text)) if at is not None]
        ids, counts = np.unique(np.concatenate([np.array(known, np.int32), *parts]), return_counts=True)
        values = (1 + np.log(counts.astype(np.float32))) * self.idf[ids]
        split = int(np.searchsorted(ids, self.words))
        for half in (slice(split), slice(split, None)):
            values[half] /= np.sqrt(values[half] @ values[half]) or 1
        return ids, values.astype(np.float32)

    def matrix(self, texts: Iterable[str]) -> "csr_array[np.float32]":
        """One row a prepared text, one column a term."""
        rows = [self.vector(text) for text in texts]
        ends = np.cumsum([0, *(len(ids) for ids, _ in rows)], dtype=np.int32)
        ids = np.concatenate([ids for ids, _ in rows]) if rows else np.empty(0, np.int32)
        values = np.concatenate([values for _, values in rows]) if rows else np.empty(0, np.float32)
        return csr_array((values, ids, ends), shape=(len(rows), len(self)))

    def shares(self, text: str, weights: Values) -> list[tuple[str, float]]:
        """The words of a prepared text and what each speaks for, by the `weights` of all terms; the most first.

        What is too long for a word (a sentence in a script without spaces, code) is told by its strongest piece.
        """
        ids, values = self.vector(text)
        said = dict(zip(ids.tolist(), (values * weights[ids]).tolist(), strict=True))
        shares: dict[str, float] = {}
        for chunk in dict.fromkeys(text.split()):
            own = {*self._of_chunk(chunk).tolist(), *(self._words.get(word, -1) for word in _WORD.findall(chunk))}
            share, word = sum(said.get(at, 0.0) for at in own), self._word_of(chunk, said)
            shares[word] = max(share, shares.get(word, share))
        return sorted(((word, share) for word, share in shares.items() if word), key=lambda one: -one[1])

    def _word_of(self, chunk: str, said: Mapping[int, float]) -> str:
        whole = _apart(chunk)
        if len(whole) <= (_GLUED if is_unspaced(whole) else _LONGEST):
            return whole
        return _apart(max(pieces_of(chunk), key=lambda piece: said.get(self._pieces.get(piece, -1), 0.0)))

    def _ids_of_chunk(self, chunk: str) -> Ids:
        return np.array([at for at in map(self._pieces.get, pieces_of(chunk)) if at is not None], np.int32)


def pieces_of(chunk: str) -> list[str]:
    """The pieces of a word between spaces, the spaces beside it included; a shorter word is its own piece, once."""
    padded = f" {chunk} "
    pieces = []
    for size in _PIECES:
        pieces += [padded[at : at + size] for at in range(max(len(padded) - size, 0) + 1)]
        if size >= len(padded):
            break
    return pieces


def _apart(chunk: str) -> str:
    return " ".join(_WORD.findall(chunk))


def _word_list(text: str) -> list[str]:
    words: list[str] = _WORD.findall(text)
    return words + [f"{one} {other}" for one, other in pairwise(words)]


def _words_of(text: str) -> set[str]:
    return set(_word_list(text))


def _counted(terms: Iterator[set[str]], groups: Sequence[int]) -> tuple[list[str], list[int]]:
    """The terms of enough groups, in order, and in how many texts each stands."""
    texts: Counter[str] = Counter()
    first: dict[str, int] = {}
    several: set[str] = set()
    for own, group in zip(terms, groups, strict=True):
        texts.update(own)
        several.update(term for term in own if first.setdefault(term, group) != group)
    names = sorted(several)
    return names, [texts[name] for name in names]
