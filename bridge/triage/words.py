"""Text as words: normalised once, then asked for whole words and phrases in any script."""

import unicodedata
from collections.abc import Iterable
from typing import Final

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


class Text:
    """A text prepared for matching: `raw` is sound UTF-8, cut to MAX_CHARACTERS; `words` have one space around each."""

    __slots__ = ("raw", "words")

    def __init__(self, raw: str) -> None:
        self.raw = raw[:MAX_CHARACTERS].encode(errors="replace").decode()
        self.words = f" {' '.join(_tokens(self.raw))} "


class Phrase:
    """One or more words that must follow each other; `written` is how the policy writes them.

    It matches whole words, whatever their case and accents' encoding. In a script without spaces it matches anywhere.
    Raises ValueError where there is no word in it.
    """

    __slots__ = ("_needle", "size", "written")

    def __init__(self, written: str) -> None:
        tokens = _tokens(written)
        if not tokens:
            raise ValueError("has no word in it")
        self.written = written
        self.size = len(tokens)
        before = "" if _RUN.match(tokens[0]) else " "
        after = "" if _RUN.match(tokens[-1]) else " "
        self._needle = before + " ".join(tokens) + after

    def is_in(self, text: Text) -> bool:
        """True where the text has the phrase."""
        return self._needle in text.words

    def starts(self, text: Text) -> bool:
        """True where the phrase stands at the very start of the text."""
        return text.words.lstrip().startswith(self._needle.lstrip())


def found(phrases: Iterable[Phrase], text: Text) -> tuple[str, ...]:
    """The phrases that the text has, as written, in their own order."""
    return tuple(phrase.written for phrase in phrases if phrase.is_in(text))


def _tokens(raw: str) -> list[str]:
    """The words of a text: compatibility forms unified (NFKC), case folded, accents composed."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", raw).casefold())
    if folded.isascii():
        return folded.translate(_NO_ASCII_WORD).split()
    folded = _RUN.sub(r" \1 ", folded.replace(_EMOJI_STYLE, ""))
    return list(_TOKEN.findall(folded))
