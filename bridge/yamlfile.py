"""Reads a YAML file that an admin writes into a pydantic model, and tells every mistake at once with its place."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Final, Literal, NamedTuple, NoReturn, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bridge.errors import BadFile, Fault

MAX_BYTES: Final = 3_000_000
"""A larger file is refused unread; a policy of ten thousand rules has about 1,500,000 bytes."""

MAX_ENTRIES: Final = 400_000
"""Keys, values and items of one file; a policy of ten thousand rules has about 250,000."""

MAX_DEPTH: Final = 64
"""Mappings and lists inside each other; deeper is refused before anything is built."""

MAX_FAULTS: Final = 100
"""So many faults of one file are told; nobody mends more at once."""

_COMPARED: Final = 500
"""With so many names of the most similar length one that is unknown is compared; with 10,000 it would take a second."""

Key = str | int
Trail = tuple[Key, ...]
"""Where a value stands in a document: the keys and list indexes that lead to it."""

_NOWHERE: Final = -1
"""The path part of what is read and thrown away; no list has it and no key is a number."""

Transform = Callable[[str], str]
"""Rewrites a text value, whatever its quotes; a ValueError becomes a fault at that value, so it must hold no secret."""

M = TypeVar("M", bound=BaseModel)


class Place(NamedTuple):
    """A position in a file, 1-based as editors count."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an entry stands: its key (the list item itself, where it has no key) and its value."""

    key: Place
    value: Place


def load(path: Path, model: type[M], *, transform: Transform | None = None) -> M:
    """The file as an instance of `model`. Raises BadFile with every fault, also where the file cannot be read."""
    return read(path, transform=transform).load(model)


def loads(text: str | bytes, model: type[M], *, file: str = "<text>", transform: Transform | None = None) -> M:
    """The text as an instance of `model`; `file` is what faults call it. Raises BadFile."""
    return parse(text, file=file, transform=transform).load(model)


def read(path: Path, *, transform: Transform | None = None) -> "Document":
    """The file as a document not yet checked against a model. Raises BadFile where it cannot be read at all."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadFile([Fault(str(path), 1, 1, f"cannot be read: {error.strerror}.")]) from error
    return parse(content, file=str(path), transform=transform)


def parse(text: str | bytes, *, file: str, transform: Transform | None = None) -> "Document":
    """The text as a document not yet checked against a model. Raises BadFile where it is not the YAML we accept."""
    reader = _Reader(file, transform)
    data = reader.document(_decoded(text, file))
    return Document(file, data, reader.spots, reader.faults)


def nearest(word: str, known: Sequence[str] | Set[str]) -> str | None:
    """`did you mean 'subject'?`, or None where nothing known comes close to the word."""
    likely = sorted(known, key=lambda one: (abs(len(one) - len(word)), one))[:_COMPARED]
    folded = {one.casefold(): one for one in sorted(likely)}
    close = difflib.get_close_matches(word[:80].casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean '{folded[close[0]]}'?" if close else None


class Document:
    """What a file says, with the place of every key and value; `faults` are the mistakes known so far."""

    def __init__(self, file: str, data: object, spots: Mapping[Trail, Spot], faults: Sequence[Fault] = ()) -> None:
        self.file = file
        self.data = data
        self.faults = list(faults)
        self._spots = spots
        self._unread = {Place(fault.line, fault.column) for fault in faults}

    def load(self, model: type[M]) -> M:
        """An instance of `model`. Raises BadFile with every fault."""
        instance = self.check(model)
        if instance is None or self.faults:
            self.refuse()
        assert instance is not None
        return instance

    def check(self, model: type[M]) -> M | None:
        """An instance of `model`, or None with the reasons added to `faults`."""
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            details = error.errors(include_url=False)
        except RecursionError:
            self.fault((), "is nested too deeply.")
            return None
        for detail in details[:MAX_FAULTS]:
            self._blame(detail, model)
        return None

    def refuse(self) -> None:
        """Raise BadFile where there is any fault, in the order of the file, each told once."""
        if self.faults:
            once = dict.fromkeys(sorted(self.faults, key=lambda fault: (fault.line, fault.column)))
            raise BadFile(list(once)[:MAX_FAULTS])

    def fault(self, path: Trail, message: str, hint: str | None = None, *, key: bool = False) -> None:
        """Note a mistake at the value of `path`, or at its key."""
        place = self.place(path, key=key)
        self.faults.append(Fault(self.file, place.line, place.column, message, hint))

    def at(self, path: Trail) -> Any:
        """The value at a path. Raises LookupError where there is none."""
        found: Any = self.data
        for part in path:
            found = found[part]
        return found

    def has(self, path: Trail) -> bool:
        """Whether the file has something at a path."""
        return path in self._spots

    def place(self, path: Trail, *, key: bool = False) -> Place:
        """Where the entry stands; the nearest one around it where the path leads outside the file."""
        while path not in self._spots and path:
            path = path[:-1]
        spot = self._spots.get(path)
        return Place(1, 1) if spot is None else spot.key if key else spot.value

    def _blame(self, detail: ErrorDetails, model: type[BaseModel]) -> None:
        path = self._path_of(detail["loc"])
        last = detail["loc"][-1] if detail["loc"] else ""
        match detail["type"]:
            case "extra_forbidden":
                known = sorted(_known_keys(model, detail["loc"][:-1]))
                near = nearest(str(last), known) or f"the keys here are {', '.join(known)}."
                self.fault(path, f"'{_short(last)}' is not a key here;", near, key=True)
            case "missing":
                self.fault(path, f"'{last}' is missing here.", key=True)
            case "union_tag_not_found":
                self.fault(path, f"{detail['ctx']['discriminator']} is missing here.", key=True)
            case _ if self.place(path) not in self._unread:
                self._blame_value(path, detail)

    def _blame_value(self, path: Trail, detail: ErrorDetails) -> None:
        """Pydantic's words name what is expected and never the value itself, which may be a secret."""
        context = detail.get("ctx", {})
        words = _PLAIN_WORDS.get(detail["type"]) or str(context.get("error", "")) or detail["msg"]
        given: object = detail["input"]
        if detail["type"] == "union_tag_invalid":
            path, given = (*path, context["discriminator"].strip("'")), context["tag"]
            words = f"should be one of {context['expected_tags']}"
        closed = re.findall(r"'([^']*)'", str(context.get("expected", context.get("expected_tags", ""))))
        hint = nearest(given, closed) if isinstance(given, str) else None
        words = re.sub(r"^(Input|Value|String) ", "", _ENUM.sub(r"\1", words)).strip().rstrip(".")
        end = "" if words.endswith("?") else ";" if hint else "."
        self.fault(path, f"{words}{end}", hint, key=detail["loc"][-1:] == ("[key]",))

    def _path_of(self, loc: Trail) -> Trail:
        """Pydantic's location without what is not in the file: union labels, and keys that are missing."""
        path: Trail = ()
        for part in loc:
            if (*path, part) in self._spots:
                path = (*path, part)
        return path


_PLAIN_WORDS: Final = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "should be keys with values"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "should be a list, such as [one, two]"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "should be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "should be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "should be true or false"),
    "string_type": "should be text",
    **dict.fromkeys(("date_type", "date_from_datetime_parsing"), "should be a date, such as 2026-11-30"),
}
"""What Python calls a type is not what an admin calls it."""

_ENUM: Final = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""How Python shows a member of an enumeration, of which an admin writes the value."""


def _short(word: object) -> str:
    text = str(word)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _known_keys(model: type[BaseModel], loc: Trail) -> set[str]:
    """The keys that the models at a pydantic location know."""
    kinds: list[object] = [model]
    for part in loc:
        kinds = [step for kind in kinds for step in _step(kind, part)]
    models = [found for kind in kinds for found in _models(kind)]
    return {info.alias or name for found in models for name, info in found.model_fields.items()}


def _step(kind: object, part: Key) -> list[object]:
    """The types found one part of a location further down; a union's label leads to the type of that tag, if any."""
    if _is_model(kind):
        fields = {info.alias or name: info.annotation for name, info in kind.model_fields.items()}  # type: ignore[attr-defined] # _is_model
        return [fields[part]] if part in fields else [kind]
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return [args[1]]
    if isinstance(origin, type) and issubclass(origin, Sequence | Set):
        return [args[0]]
    tagged = [arg for arg in args if _is_model(arg) and part in _tags(arg)]
    return [step for arg in tagged or args for step in _step(arg, part)]


def _tags(model: type[BaseModel]) -> set[object]:
    """What a model's fields that can have only certain values may have: among them what a union knows it by."""
    choices = (info.annotation for info in model.model_fields.values() if get_origin(info.annotation) is Literal)
    return {value for choice in choices for value in get_args(choice)}


def _models(kind: object) -> Iterator[type[BaseModel]]:
    """Every model that a type is or is a union of."""
    if _is_model(kind):
        yield kind  # type: ignore[misc] # _is_model
    elif not isinstance(get_origin(kind), type) or NoneType in get_args(kind):
        for arg in get_args(kind):
            yield from _models(arg)


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _decoded(text: str | bytes, file: str) -> str:
    """The text, checked for size and encoding. Raises BadFile."""
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(content) > MAX_BYTES:
        raise BadFile([Fault(file, 1, 1, f"is larger than {MAX_BYTES:,} bytes.")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadFile([Fault(file, line, 1, "is not UTF-8 text.", "Save it as UTF-8.")]) from error


_PLAIN: Final = (
    (re.compile(r"null|~|", re.ASCII), lambda _: None),
    (re.compile(r"true|false", re.ASCII), lambda text: text == "true"),
    (re.compile(r"[-+]?(0|[1-9][0-9]{0,17})", re.ASCII), int),
    (re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}", re.ASCII), float),
)
"""What a plain scalar can be beside text. YAML 1.1 would read 17:00 as 61200, no as false and 010 as 8; we do not."""


def _scalar(event: yaml.ScalarEvent) -> str | int | float | bool | None:
    if event.implicit[0]:
        for pattern, construct in _PLAIN:
            if pattern.fullmatch(event.value):
                return construct(event.value)
    return str(event.value)


class _Reader:
    """Builds plain data from the parser's events, with the place of everything; stops at what could be a bomb."""

    def __init__(self, file: str, transform: Transform | None) -> None:
        self.file = file
        self.spots: dict[Trail, Spot] = {}
        self.faults: list[Fault] = []
        self._transform = transform
        self._events: Iterator[yaml.Event] = iter(())

    def document(self, text: str) -> object:
        """The data of the only document in the text. Raises BadFile where it is not YAML."""
        self._events = yaml.parse(text, Loader=yaml.CSafeLoader)
        try:
            next(self._events)
            start = next(self._events)
            data = self._node(next(self._events), ()) if isinstance(start, yaml.DocumentStartEvent) else None
            self._end()
        except yaml.reader.ReaderError as error:
            line = text.encode()[: error.position].count(b"\n") + 1
            self._stop(Place(line, 1), "has a character that YAML does not allow.")
        except yaml.MarkedYAMLError as error:
            self._stop(_place(error.problem_mark), f"is not YAML: {error.problem}.")
        return data

    def _end(self) -> None:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._stop(_place(event.start_mark), "starts a second document; one file is one document.")

    def _node(self, event: yaml.Event, path: Trail, key: Place | None = None) -> object:
        place = _place(event.start_mark)
        self.spots[path] = Spot(key or place, place)
        self._refuse_reference(event, place)
        if len(self.spots) > MAX_ENTRIES:
            self._stop(place, f"has more than {MAX_ENTRIES:,} entries.")
        if len(path) > MAX_DEPTH:
            self._stop(place, f"is nested deeper than {MAX_DEPTH} levels.")
        match event:
            case yaml.MappingStartEvent():
                return self._mapping(path)
            case yaml.SequenceStartEvent():
                return self._sequence(path)
            case yaml.ScalarEvent():
                return self._text(_scalar(event), place)
        return None

    def _refuse_reference(self, event: yaml.Event, place: Place) -> None:
        if getattr(event, "anchor", None) is not None:
            self._note(place, "anchors and aliases (& and *) are not allowed.", "Write the value out, or quote it.")
        if getattr(event, "tag", None) is not None:
            self._note(place, "tags (!) are not allowed.", "Quote the value if it starts with an exclamation mark.")

    def _mapping(self, path: Trail) -> dict[str, object]:
        data: dict[str, object] = {}
        for event in self._until(yaml.MappingEndEvent):
            place = _place(event.start_mark)
            self._refuse_reference(event, place)
            if not isinstance(event, yaml.ScalarEvent):
                self._stop(place, "a key must be one word or text.")
            self._entry(data, path, event.value, place)
        return data

    def _entry(self, data: dict[str, object], path: Trail, name: str, place: Place) -> None:
        """Read one value of a mapping; of a key given twice the first value stays."""
        event = next(self._events)
        if name not in data:
            data[name] = self._node(event, (*path, name), place)
            return
        self._note(place, f"'{_short(name)}' stands here twice, first in line {self.spots[*path, name].key.line}.")
        self._node(event, (*path, _NOWHERE), place)

    def _sequence(self, path: Trail) -> list[object]:
        return [self._node(event, (*path, index)) for index, event in enumerate(self._until(yaml.SequenceEndEvent))]

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _text(self, value: object, place: Place) -> object:
        if self._transform is None or not isinstance(value, str):
            return value
        try:
            return self._transform(value)
        except ValueError as error:
            self._note(place, str(error))
            return value

    def _note(self, place: Place, message: str, hint: str | None = None) -> None:
        self.faults.append(Fault(self.file, place.line, place.column, message, hint))
        if len(self.faults) == MAX_FAULTS:  # a file that is all faults would be read for seconds
            raise BadFile(self.faults)

    def _stop(self, place: Place, message: str) -> NoReturn:
        self._note(place, message)
        raise BadFile(self.faults)


def _place(mark: yaml.error.Mark | yaml._yaml.Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
