"""Text as words: normalised once, then asked for whole words and phrases in any script."""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

import re2

MAX_CHARACTERS: Final = 32_000
"""What stands further down a text is not looked at; a ticket that long says what it wants before."""

_UNSPACED: Final = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{So}"
"""Scripts that put no spaces between words or glue particles to them (Korean), and emoji."""

_RUN = re2.compile(f"([{_UNSPACED}]+)")
_TOKEN = re2.compile(r"[\pL\pN\pM\p{So}]+")
_EMOJI_STYLE = "\ufe0f"
_NO_ASCII_WORD = {code: " " for code in range(128) if not chr(code).isalnum()}
"""Leaves of ASCII text what _TOKEN finds in it, thirty times as fast."""


MAX_PHRASE: Final = 20
"""Words of a phrase; nobody's customers agree on a longer one."""

_MARKS_MAX: Final = 64
"""So many different marks of a text are replaced one by one; a text with more of them is taken apart in one pass."""

Tokens = tuple[str, ...]


class Text:
    """A text prepared for matching: `raw` is sound UTF-8, cut to MAX_CHARACTERS; `words` have one space around each."""

    __slots__ = ("raw", "tokens", "words")

    def __init__(self, raw: str) -> None:
        self.raw = raw[:MAX_CHARACTERS].encode(errors="replace").decode()
        self.tokens = _tokens(self.raw)
        self.words = f" {' '.join(self.tokens)} "


class Phrase:
    """One or more words that must follow each other; `written` is how the policy writes them.

    It matches whole words, whatever their case and accents' encoding. In a script without spaces it matches anywhere.
    Raises ValueError where there is no word in it, or more than MAX_PHRASE.
    """

    __slots__ = ("needle", "tokens", "written")

    def __init__(self, written: str) -> None:
        tokens = _tokens(written)
        if not tokens:
            raise ValueError("has no word in it")
        if len(tokens) > MAX_PHRASE or len(written) > MAX_PHRASE * 20:
            raise ValueError(f"is longer than {MAX_PHRASE} words")
        self.written = written
        self.tokens = tuple(tokens)
        before = "" if _RUN.match(tokens[0]) else " "
        after = "" if _RUN.match(tokens[-1]) else " "
        self.needle = before + " ".join(tokens) + after

    @property
    def size(self) -> int:
        """How many words it has."""
        return len(self.tokens)

    @property
    def glued(self) -> bool:
        """True where it may stand inside a run of letters, because its script has no spaces."""
        return not (self.needle[0] == self.needle[-1] == " ")

    def is_in(self, text: Text) -> bool:
        """True where the text has the phrase."""
        return self.needle in text.words

    def starts(self, text: Text) -> bool:
        """True where the phrase stands at the very start of the text."""
        return text.words.lstrip().startswith(self.needle.lstrip())


def is_unspaced(token: str) -> bool:
    """True for a token of a text in a script that puts no spaces between words: it may be a whole sentence."""
    return _RUN.match(token) is not None


def found(phrases: Iterable[Phrase], text: Text) -> tuple[str, ...]:
    """The phrases that the text has, as written, in their own order."""
    return tuple(phrase.written for phrase in phrases if phrase.is_in(text))


class Lexicon:
    """Many phrases looked for together: one pass over a text, however many there are.

    Single words, and two tries: of words for phrases in scripts with spaces, of characters for the others. The work is
    bounded by the length of the text times that of the longest phrase.
    """

    __slots__ = ("_glued", "_spaced", "_words")

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._words: dict[str, Tokens] = {}
        self._spaced: dict[str, Any] = {}
        self._glued: dict[str, Any] = {}
        for phrase in phrases:
            if phrase.size == 1 and not phrase.glued:
                self._words[phrase.tokens[0]] = phrase.tokens
                continue
            trie, path = (self._glued, phrase.needle) if phrase.glued else (self._spaced, phrase.tokens)
            for part in path:
                trie = trie.setdefault(part, {})
            trie[_END] = phrase.tokens

    def find(self, text: Text) -> frozenset[Tokens]:
        """The tokens of every phrase that the text has."""
        tokens = set(text.tokens)
        found = {self._words[word] for word in self._words.keys() & tokens}
        if not tokens.isdisjoint(self._spaced):
            found.update(_walk(self._spaced, text.tokens))
        if self._glued and not text.words.isascii():
            found.update(_walk(self._glued, text.words))
        return frozenset(found)


_END: Final = ""
"""Where a phrase ends in a trie; no word and no character is empty."""


def _walk(trie: dict[str, Any], parts: str | list[str]) -> Iterator[Tokens]:
    if trie.keys().isdisjoint(parts):
        return
    for start in [number for number, part in enumerate(parts) if part in trie]:
        node = trie[parts[start]]
        at = start + 1
        while node is not None:
            if _END in node:
                yield node[_END]
            node = node.get(parts[at]) if at < len(parts) else None
            at += 1


def _tokens(raw: str) -> list[str]:
    """The words of a text: compatibility forms unified (NFKC), case folded, accents composed."""
    if raw.isascii():
        return raw.lower().translate(_NO_ASCII_WORD).split()
    unified = unicodedata.normalize("NFKC", raw)[:MAX_CHARACTERS]  # one character can become eighteen
    folded = unicodedata.normalize("NFKC", unified.casefold()).replace(_EMOJI_STYLE, "")[:MAX_CHARACTERS]
    chars = "".join(map(chr, sorted(set(map(ord, folded)))))  # numbers are sorted three times as fast as characters
    kinds = _kinds(chars)
    marks = [char for char in chars if char not in kinds]
    if len(marks) <= _MARKS_MAX and True not in kinds.values():
        for mark in marks:
            folded = folded.replace(mark, " ")
        return folded.split()
    return ["".join(run) for kind, run in groupby(folded, kinds.get) if kind is not None]


def _kinds(chars: str) -> dict[str, bool]:
    """True for characters of scripts without spaces, False for others of words; what is of no word is left out."""
    words, unspaced = _TOKEN.findall(chars), _RUN.findall(chars)
    return dict.fromkeys("".join(words), False) | dict.fromkeys("".join(unspaced), True)
