"""The one canonical layout of a policy file; what it says, its order and every comment stay."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import yaml

from bridge import yamlfile
from bridge.errors import BadFile, Fault

WIDTH: Final = 120
"""Columns of a line; only a single value or comment may be longer."""

_STEP: Final = 2


@dataclass(slots=True)
class _Comment:
    text: str
    blank: bool
    """Whether an empty line comes before it."""


@dataclass(slots=True)
class _Node:
    """A scalar's lines of `text`, or a collection's `entries` (`several`: `{}` or `[]`) and comments `below` them."""

    start: int
    column: int
    text: list[str] = field(default_factory=list)
    several: str = ""
    flow: bool = False
    end: int = 0
    entries: "list[_Entry]" = field(default_factory=list)
    below: list[_Comment] = field(default_factory=list)

    @property
    def commented(self) -> bool:
        """Whether there is a comment inside."""
        return bool(self.below) or any(one.above or one.beside or one.node.commented for one in self.entries)


@dataclass(slots=True)
class _Entry:
    """A key with its value, or an item; the collections around it, outermost first."""

    key: str | None
    start: int
    column: int
    blank: bool
    around: tuple[_Node, ...]
    node: _Node
    above: list[_Comment] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)


def formatted(text: str, *, file: str) -> str:
    """The text laid out anew; doing it again changes nothing. Raises BadFile for what is no YAML that we accept."""
    text = re.sub(r"\r\n?", "\n", text)
    before = _accepted(text, file)
    if not isinstance(before, dict) or not before:
        return text
    after = "\n".join(_root(_Reader(text).root())) + "\n"
    if _accepted(after, file) != before:
        raise BadFile([Fault(file, 1, 1, "cannot be laid out without changing what it says.", "Please tell us.")])
    return after


def _accepted(text: str, file: str) -> object:
    document = yamlfile.parse(text, file=file)
    document.refuse()
    return document.data


class _Reader:
    """Reads a text into nodes and puts each comment beside, above or below what it belongs to."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self._values: list[tuple[int, int]] = []
        self._ends: list[tuple[int, _Entry]] = []
        self._entries: list[_Entry] = []

    def root(self) -> _Node:
        """The value of the whole text, with its comments."""
        next(event for event in self._events if isinstance(event, yaml.DocumentStartEvent))
        root = _Node(0, 0)
        self._fill(root, next(self._events), (root,), None)
        for _ in self._events:
            pass
        for start, end in self._comments():
            self._place(root, start, self._text[start:end].rstrip())
        return root

    def _fill(self, node: _Node, event: yaml.Event, around: tuple[_Node, ...], entry: _Entry | None) -> None:
        """Make the node what the event begins."""
        node.start, node.column = _at(event.start_mark), self._column(_at(event.start_mark))
        if isinstance(event, yaml.ScalarEvent):
            end = self._scalar(node, event)
        else:
            assert isinstance(event, yaml.CollectionStartEvent)
            node.several, node.flow = (
                "{}" if isinstance(event, yaml.MappingStartEvent) else "[]",
                bool(event.flow_style),
            )
            if node.flow and entry is not None:
                self._ends.append((node.start + 1, entry))
            end = self._collect(node, around)
        if entry is not None and entry.key is not None:
            node.column = max(node.column, entry.column + 1)  # a list may stand as far left as its key
        if entry is not None and (node.flow or node.text):
            self._ends.append((end, entry))

    def _scalar(self, node: _Node, event: yaml.ScalarEvent) -> int:
        """Where its first line ends, for a comment may follow it there."""
        start, end = _at(event.start_mark), _at(event.end_mark)
        if event.style in {"|", ">"}:
            header = self._text.index("\n", start) if "\n" in self._text[start:end] else end
            node.text = _block_text(self._text[start:header], self._text[header + 1 : end], event.value)
            self._values.append((header, end))
            return start + 1
        node.text = [_scalar(event)]
        self._values.append((start, end))
        return end

    def _collect(self, node: _Node, around: tuple[_Node, ...]) -> int:
        ends = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
        while not isinstance(event := next(self._events), ends):
            start = _at(event.start_mark)
            key = None
            if node.several == "{}":
                assert isinstance(event, yaml.ScalarEvent)
                key = _scalar(event) or '""'
                self._values.append((start, _at(event.end_mark)))
            column = node.column if key is None else self._column(start)
            entry = _Entry(key, start, column, self._blank(start), around, _Node(0, 0))
            node.entries.append(entry)
            self._entries.append(entry)
            if key is not None:
                self._ends.append((_at(event.end_mark), entry))
                event = next(self._events)
            self._fill(entry.node, event, (*around, entry.node), entry)
        node.end = _at(event.end_mark)
        return node.end

    def _comments(self) -> Iterator[tuple[int, int]]:
        """Where comments begin and end: no `#` stands between values otherwise."""
        position = 0
        for start, end in [*sorted(self._values), (len(self._text), len(self._text))]:
            for match in re.finditer(r"#[^\n]*", self._text[position:start]):
                yield position + match.start(), position + match.end()
            position = max(position, end)

    def _place(self, root: _Node, at: int, text: str) -> None:
        """Beside what ends in its line; else at the end of what it is indented like, or above what comes next."""
        before = bisect_right(self._ends, at, key=lambda one: one[0])
        if before and "\n" not in self._text[self._ends[before - 1][0] : at]:
            self._ends[before - 1][1].beside.append(text)
            return
        comment = _Comment(text, self._blank(at))
        number = bisect_right(self._entries, at, key=lambda one: one.start)
        following = self._entries[number] if number < len(self._entries) else None
        home = self._ended(self._entries[number - 1], following, at) if number else None
        if home is None and following is not None:
            following.above.append(comment)
        else:
            (home or root).below.append(comment)

    def _ended(self, last: _Entry, following: _Entry | None, at: int) -> _Node | None:
        """The innermost collection that ends here and that a comment belongs to by its place or its indentation."""
        after = following.around if following is not None else ()
        ended = [one for one in (*last.around, last.node) if one.several and one not in after]
        column = self._column(at)
        for one in reversed(ended):
            if one.flow:
                if one.start < at < one.end:
                    return one
            elif column >= one.column and (following is None or column > following.column):
                return one
        return None

    def _column(self, at: int) -> int:
        return at - self._text.rfind("\n", 0, at) - 1

    def _blank(self, at: int) -> bool:
        """Whether an empty line comes before what begins here, where nothing else does in its line."""
        start = self._text.rfind("\n", 0, at) + 1
        if self._text[start:at].strip(" -"):
            return False
        return start > 0 and not self._text[self._text.rfind("\n", 0, start - 1) + 1 : start].strip()


def _at(mark: object) -> int:
    return int(getattr(mark, "index"))  # noqa: B009 - the two kinds of marks have no common type


def _scalar(event: yaml.ScalarEvent) -> str:
    """Plain as it is where it fits one line; quoted by double quotes, or single ones where that spares escapes."""
    value = str(event.value)
    if not event.style and "\n" not in value:
        return value
    if ('"' in value or "\\" in value) and not _UNPRINTABLE.search(value):
        return "'" + value.replace("'", "''") + "'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_UNPRINTABLE.sub(lambda match: f"{chr(92)}u{ord(match[0]):04x}", escaped)}"'


_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def _block_text(header: str, body: str, value: str) -> list[str]:
    """A block of text: its header, then its lines without their indentation; quoted where it has `+` or a digit."""
    marks = header.partition("#")[0].strip()
    lines = body.split("\n")
    if len(marks.strip("-")) > 1 or not value.strip():
        return [_scalar(yaml.ScalarEvent(None, None, (False, True), value, style='"'))]
    first = next(line for line in lines if line.strip())
    indent = len(first) - len(first.lstrip(" "))
    while not lines[-1][indent:]:
        lines.pop()
    return [marks, *(line[indent:] for line in lines)]


def _root(root: _Node) -> Iterator[str]:
    """The lines of the file: sections of several lines stand apart."""
    before: Sequence[str] = ()
    for number, entry in enumerate(root.entries):
        lines = _lines(entry, 0)
        if number and max(len(before), len(lines)) > 1 and not (entry.blank or any(one.blank for one in entry.above)):
            yield ""
        yield from _above(entry, 0, first=number == 0)
        yield from lines
        before = lines
    yield from _told(root.below, 0)


def _block(node: _Node, indent: int) -> Iterator[str]:
    for number, entry in enumerate(node.entries):
        lines = _lines(entry, indent)
        yield from _above(entry, indent, first=number == 0)
        yield from lines
    yield from _told(node.below, indent)


def _above(entry: _Entry, indent: int, *, first: bool) -> Iterator[str]:
    told = list(_told(entry.above, indent))
    if entry.blank:
        told.append("")
    yield from told[1:] if first and told[:1] == [""] else told


def _told(comments: Sequence[_Comment], indent: int) -> Iterator[str]:
    for comment in comments:
        if comment.blank:
            yield ""
        yield " " * indent + comment.text


def _lines(entry: _Entry, indent: int) -> list[str]:
    """The lines of an entry; comments that find no place beside it go above."""
    node = entry.node
    pad = " " * indent
    head = f"{pad}- " if entry.key is None else f"{pad}{entry.key}: "
    if node.several and not node.entries:
        entry.above += node.below
        lines = [head + node.several]
    elif not node.several:
        lines = [(head + node.text[0]).rstrip(), *(line and f"{pad}  {line}" for line in node.text[1:])]
    elif node.flow and not node.commented and (flow := _flow(node, head)):
        return _with_comment(entry, flow, len(flow) - 1)
    else:
        return _opened(entry, indent)
    return _with_comment(entry, lines, 0)


def _opened(entry: _Entry, indent: int) -> list[str]:
    """A collection with its entries below each other."""
    inner = entry.node.entries[0]
    if entry.key is not None:
        return [*_with_comment(entry, [f"{' ' * indent}{entry.key}:"], 0), *_block(entry.node, indent + _STEP)]
    inner.blank = False
    first = _lines(inner, indent + _STEP)  # settles which comments stay beside
    entry.above += [*inner.above, *(_Comment(text, blank=False) for text in entry.beside)]
    inner.above, entry.beside = [], []
    rest = list(_block(_Node(0, 0, entries=entry.node.entries[1:], below=entry.node.below), indent + _STEP))
    if len(entry.node.entries) > 1 and entry.node.entries[1].blank and not entry.node.entries[1].above:
        rest.insert(0, "")
    return [f"{' ' * indent}- {first[0].lstrip(' ')}", *first[1:], *rest]


def _with_comment(entry: _Entry, lines: list[str], number: int) -> list[str]:
    """The first comment beside the line; others go above."""
    entry.above += [_Comment(text, blank=False) for text in entry.beside[1:]]
    entry.beside = entry.beside[:1]
    return [f"{line}  {entry.beside[0]}" if at == number and entry.beside else line for at, line in enumerate(lines)]


def _flow(node: _Node, head: str) -> list[str]:
    """On one line where that fits; a longer list of plain values over several; nothing where it must be opened."""
    line = head + _in_line(node)
    if len(line) <= WIDTH:
        return [line]
    if node.several == "{}" or any(one.node.several for one in node.entries):
        return []
    lines = [f"{head}[{_value(node.entries[0])}"]
    for entry in node.entries[1:]:
        value = _value(entry)
        if len(lines[-1]) + len(value) + 3 <= WIDTH:
            lines[-1] += f", {value}"
        else:
            lines[-1] += ","
            lines.append(" " * (len(head) + 1) + value)
    lines[-1] += "]"
    return lines


def _in_line(node: _Node) -> str:
    keyed = (f"{one.key}: {_value(one)}" if one.key is not None else _value(one) for one in node.entries)
    return f"{node.several[0]}{', '.join(keyed)}{node.several[1]}"


def _value(entry: _Entry) -> str:
    return _in_line(entry.node) if entry.node.several else entry.node.text[0] or "null"
