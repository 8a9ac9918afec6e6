"""A mail's lines as the cleaner compares them: folded, without bold marks and invisible characters."""

from collections.abc import Sequence
from typing import Final

LONGEST: Final = 300
"""Characters; a longer line is somebody's words, and looking no further keeps every test of a line short."""

WORDS: Final = "\ufffc"
"""Stands before the beginning of a line too long to be a mark, and for a line of code."""

_BEGINNING: Final = 120
"""Characters of a long line that are compared: disclaimers come on one line too."""

QUOTES: Final = (">", "\uff1e", "\u203a")
"""ASCII's sign of a quoted line, its wide form in Japanese mails, and the single angle of some webmails."""

DASHES: Final = "-\u2013\u2014~"
"""Hyphen, en dash, em dash, and the tilde that some sign with."""

SENTENCE_ENDS: Final = (".", "!", "?", "\u3002", "\uff01", "\uff1f")
STOPS: Final = ".,;:\uff1a!?\u3001\u3002\uff01\uff1f"
"""Signs behind a line's last word, the two colons fourth and fifth."""

DELIMITER: Final = "-- "
"""The signature's, as the standard has it (RFC 3676, section 4.3); with it there is no doubt, and it never flows."""

_FENCE: Final = "```"
"""Markdown's, above and below code."""

_PROMPT: Final = ">>> "
"""Python's, which is a quote of a quote of a quote only beside those with fewer signs."""

COLONS: Final = ":\uff1a"
"""ASCII's and the wide one of Japanese clients."""

_DROPPED: Final = {ord(char): None for char in "\u200b\u200c\u200d\u200e\u200f\ufeff\u2060\u00ad"}
_STRAIGHT: Final = {0x2019: "'", ord("\u00a0"): " ", ord("\u202f"): " ", ord("\u3000"): " ", ord("\t"): " "}
_FOLDED: Final = _DROPPED | _STRAIGHT
_RULES: Final = frozenset("-\u2013\u2014_=*~━─\uff1d・•#+◆■☆★┃\uff5e\u301c\uff0a\uff0d\uff0b□○◇▼▲ ")


def marks_of(lines: Sequence[str]) -> list[str]:
    """Every line folded; code between fences and behind Python's prompts is words whatever it looks like."""
    marks = [mark(line) for line in lines]
    fences = [at for at, folded in enumerate(marks) if folded.startswith(_FENCE)]
    for opens, closes in zip(fences[::2], fences[1::2], strict=False):
        marks[opens : closes + 1] = [WORDS] * (closes + 1 - opens)
    first = next((folded for folded in marks if folded[:1] == _PROMPT[0]), "")
    if first.startswith(_PROMPT) and all(line.startswith(_PROMPT) for line in marks if is_quoted(line)):
        return [WORDS if is_quoted(line) else line for line in marks]
    return marks


def mark(line: str) -> str:
    """A line folded for comparison; empty where nothing is to be seen, WORDS and its beginning where it is long."""
    if not line:
        return ""
    if len(line) > LONGEST:
        begun = line.lstrip()[:_BEGINNING].translate(_FOLDED).casefold()
        return begun if not begun or begun.startswith(QUOTES) else WORDS + begun
    plain = line.isascii() and "\t" not in line
    folded = (line if plain else line.translate(_FOLDED)).strip().casefold()
    return folded if is_rule(folded) else folded.replace("*", "").strip()


def is_rule(folded: str) -> bool:
    """True for a line drawn with at least three of the signs that people draw with."""
    return len(folded) >= 3 and _RULES.issuperset(folded)


def is_quoted(folded: str) -> bool:
    """True for a line that a mail client marked as another's words."""
    return folded.startswith(QUOTES)


def next_said(marks: Sequence[str], at: int, limit: int = 3) -> str:
    """The next line that is not empty, looking over at most `limit` empty ones; empty where there is none."""
    return next((line for line in marks[at : at + limit + 1] if line), "")
