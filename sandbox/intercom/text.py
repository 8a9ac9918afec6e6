"""Bodies as Intercom keeps and shows them: HTML without comments, or plain text with links spelled out."""

import re
from html import escape
from html.parser import HTMLParser

_COMMENT = re.compile(r"<!--.*?(-->|$)", re.DOTALL)
_SCRIPT = re.compile(r"<(script|style)\b.*?(</\1\s*>|$)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_BLOCKS = {"div", "br", "li", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"}


def stored(body: str) -> str:
    """What is kept of a teammate's body: comments and scripts stripped, bare text made paragraphs."""
    kept = _SCRIPT.sub("", _COMMENT.sub("", body)).strip()
    return kept if _TAG.search(kept) else paragraphs(kept)


def paragraphs(text: str) -> str:
    """Plain text as HTML, a paragraph for each run of lines; a contact's words are always plain text."""
    runs = (run for run in re.split(r"\n\s*\n", text.strip()))
    return "".join(f"<p>{escape(run, quote=False).replace(chr(10), '<br>')}</p>" for run in runs)


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "br":
            self._break(tag)
        if tag == "a" and self.links and (link := self.links.pop()):
            self.text += f" ({link})"

    def handle_data(self, data: str) -> None:
        self.text += data

    def _break(self, tag: str) -> None:
        if tag == "p":
            self.text = self.text.rstrip("\n") + "\n\n"
        elif tag == "br" or (tag in _BLOCKS and not self.text.endswith("\n")):
            self.text += "\n"


def plain(html: str) -> str:
    """`display_as=plaintext`: a line for each block, an empty one between paragraphs, a link as `label (url)`."""
    parser = _Plain()
    parser.feed(html)
    parser.close()
    return "\n".join(line.strip() for line in parser.text.strip().splitlines())
