"""HTML to plain text in one pass: paragraphs, quotes marked as in plain mail, signatures under their delimiter."""

import html
import string
from typing import Final

from bridge.triage.lines import DELIMITER

_PARAGRAPHS: Final = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"))
_LISTS: Final = frozenset(("ul", "ol"))
_LINES: Final = frozenset(("div", "br", "li", "tr", "hr", "dt", "dd", "section", "article", "center", "body"))
_SILENT: Final = frozenset(("script", "style", "head", "title", "template"))
_SIGNATURES: Final = ("gmail_signature", "moz-signature", 'id="signature"', "id='signature'", "id=signature")

_MAILED: Final = ("<br><br>", "<br/><br/>", "<br /><br />", "<blockquote", 'class="gmail_', 'type="cite"')
"""What nobody types into the first line of a plain message, and HTML that begins with words has there."""

_FIRST: Final = 10_000
"""Characters of the first line that are looked at for these."""

_HIDING: Final = frozenset(("div", "span", "table", "td"))
"""Elements in which newsletters hide words that only a list of mails is to show."""

_DEEPEST: Final = 9
"""Quotes within quotes that are still told apart."""

_ASCII_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""Keeps every character's place, which `str.lower` does not."""


def is_markup(text: str) -> bool:
    """True for a text that begins with a tag of an HTML document or of a mail's body, or has one's signs at once."""
    name = text.lstrip("\ufeff \t\r\n")[:20].casefold()
    tag = name[1:].split(">")[0].split(" ")[0].rstrip("/")
    known = tag in _PARAGRAPHS | _LINES | _SILENT | {"html", "span", "b", "i", "strong", "em", "font", "a", "meta"}
    if name.startswith(("<!doctype html", "<!--")) or (name.startswith("<") and known):
        return True
    first = text.lstrip().partition("\n")[0][:_FIRST].casefold()
    return any(sign in first for sign in _MAILED)


def text_of_markup(markup: str) -> str:
    """The text of an HTML body. Broken markup is read as text; no input takes more than one look at each character."""
    page = _Page()
    folded = markup.translate(_ASCII_LOWER)
    at = 0
    while (start := markup.find("<", at)) >= 0:
        page.say(markup[at:start])
        at = _after_tag(markup, folded, start, page)
    page.say(markup[at:])
    return page.text()


def _after_tag(markup: str, folded: str, start: int, page: "_Page") -> int:
    """Where the text goes on after what begins at `start` with a `<`."""
    if folded.startswith("<!--", start):
        end = folded.find("-->", start)
        return end + 3 if end >= 0 else len(markup)
    following = folded[start + 1 : start + 2]
    if not (following.isalpha() or following in "/!?") or not following:
        page.say("<")
        return start + 1
    end = folded.find(">", start)
    if end < 0:
        page.say(markup[start:])
        return len(markup)
    inside = folded[start + 1 : end]
    words = inside.strip("/ ").split(None, 1)
    name = words[0].rstrip("/") if words else ""
    if name in _SILENT and not inside.startswith("/"):
        close = folded.find(f"</{name}", end)
        close = folded.find(">", close) if close >= 0 else -1
        return close + 1 if close >= 0 else len(markup)
    page.tag(name, inside, opens=not inside.startswith("/"))
    return end + 1


class _Page:
    """Lines of text as they grow."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._words: list[str] = []
        self._depth = 0
        self._counts: list[int] = []
        self._as_typed = False
        self._hidden = ("", 0)

    def say(self, words: str) -> None:
        if not words or self._hidden[1]:
            return
        if not self._as_typed:
            self._words.append(words)
            return
        for number, line in enumerate(words.replace("\r\n", "\n").split("\n")):
            if number:
                self._break(empty=True)
            self._words.append(line)

    def tag(self, name: str, inside: str, *, opens: bool) -> None:
        if self._hides(name, inside, opens=opens):
            return
        self._part(name, opens=opens)
        if name == "pre":
            self._as_typed = opens
        elif name == "blockquote":
            self._depth = max(0, self._depth + (1 if opens else -1))
        elif name in _LISTS:
            self._list(numbered=name == "ol", opens=opens)
        elif name == "li" and opens:
            self.say(self._bullet())
        if opens and "=" in inside and any(sign in inside for sign in _SIGNATURES):
            self._break()
            self._lines.append(DELIMITER)

    def _part(self, name: str, *, opens: bool) -> None:
        """What the tag puts between the words around it: an empty line, a new one, a space, nothing."""
        if name in _PARAGRAPHS:
            self._break()
            if not (name in _LISTS and len(self._counts) > (not opens)):
                self._blank()
        elif name in _LINES:
            self._break(empty=name == "br")
        elif name in {"td", "th"}:
            self.say(" ")

    def _list(self, *, numbered: bool, opens: bool) -> None:
        if opens:
            self._counts.append(1 if numbered else 0)
        elif self._counts:
            self._counts.pop()

    def _bullet(self) -> str:
        if not self._counts or not self._counts[-1]:
            return "- "
        self._counts[-1] += 1
        return f"{self._counts[-1] - 1}. "

    def _hides(self, name: str, inside: str, *, opens: bool) -> bool:
        """Whether the page is hidden at this tag: from one that says so to the one that closes it."""
        hiding, depth = self._hidden
        if depth:
            self._hidden = (hiding, depth + (name == hiding) * (1 if opens else -1))
        elif opens and name in _HIDING and "display" in inside and "display:none" in inside.replace(" ", ""):
            self._hidden = (name, 1)
        return bool(depth or self._hidden[1])

    def text(self) -> str:
        self._break()
        return "\n".join(self._lines).strip("\n")

    def _break(self, *, empty: bool = False) -> None:
        said = html.unescape("".join(self._words))
        line = said.rstrip() if self._as_typed else " ".join(said.split())
        self._words.clear()
        if line:
            self._lines.append("> " * min(self._depth, _DEEPEST) + line)
        elif empty:
            self._blank()

    def _blank(self) -> None:
        if self._lines and self._lines[-1]:
            self._lines.append("")
