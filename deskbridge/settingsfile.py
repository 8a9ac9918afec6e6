"""Changes single values in `deskbridge.yaml` and leaves every other character of it, comments too, as it is."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from bridge.errors import DeskbridgeError

_STEP: Final = 2
_WORD: Final = re.compile(r"(?!(?:true|false|null|yes|no|on|off)$)[A-Za-z][A-Za-z0-9_.-]*")

Value = str | Sequence["Value"] | Mapping[str, "Value"]
"""What a key can hold: texts, and lists and mappings of them."""


class CannotChange(DeskbridgeError):
    """The settings file cannot be written, or is laid out in a way that a program should not touch."""


def put_list(config: Path, desk: str, key: str, values: Sequence[str]) -> bool:
    """Have a key of a desk hold these texts; False, and nothing is written, where it does. Raises CannotChange."""
    text = config.read_text("utf-8")
    return _put(config, text, _with(text, desk, key, list(values)))


def put_desk(config: Path, desk: str, entry: Mapping[str, Value]) -> bool:
    """Have the file hold a desk with these values, beside what else the desk has; False where it does.

    A desk that is new comes behind the others. Raises CannotChange.
    """
    text = config.read_text("utf-8")
    first, *_ = entry.items()
    changed = _with_desk(text, desk, *first)
    for key, value in entry.items():
        changed = _with(changed, desk, key, value)
    return _put(config, text, changed)


def entry(config: Path, desk: str) -> dict[str, Any]:
    """What the file says of a desk as it is written, references and all; nothing where it does not have it."""
    return entries(config).get(desk, {})


def entries(config: Path) -> dict[str, dict[str, Any]]:
    """What the file says of each desk as it is written, references and all."""
    _, desks = _found(yaml.compose(config.read_text("utf-8"), yaml.SafeLoader), "desks")
    said = _said(desks) if isinstance(desks, yaml.MappingNode) else {}
    return {name: each for name, each in said.items() if isinstance(each, dict)} if isinstance(said, dict) else {}


def _put(config: Path, before: str, after: str) -> bool:
    if after != before:
        _write(config, after)
    return after != before


def _with_desk(text: str, desk: str, key: str, value: Value) -> str:
    """The text with an entry for the desk, which begins with a key where it is new."""
    name, desks = _found(yaml.compose(text, yaml.SafeLoader), "desks")
    begun = f"{desk}:\n{{0}}{' ' * _STEP}{key}: {_flow(value)}"
    if name is None or desks is None:
        return f"{text.rstrip()}\n\ndesks:\n{' ' * _STEP}{begun.format(' ' * _STEP)}\n".lstrip()
    if not desks.value:
        return f"{text[: name.end_mark.index]}:\n{' ' * _STEP}{begun.format(' ' * _STEP)}{text[desks.end_mark.index :]}"
    if not isinstance(desks, yaml.MappingNode) or desks.flow_style:
        raise CannotChange("write `desks` in the settings file with one desk below the other, then it can be added to")
    if _found(desks, desk)[1] is not None:
        return text
    indent = " " * desks.value[0][0].start_mark.column
    end = _line_end(text, _end(desks))
    return f"{text[:end]}\n\n{indent}{begun.format(indent)}{text[end:]}"


def listed(config: Path, desk: str, key: str) -> list[str]:
    """The texts that a key of a desk holds as they are written, references and all; none where it has none."""
    _, node = _found(_desk(yaml.compose(config.read_text("utf-8"), yaml.SafeLoader), desk), key)
    return [each.value for each in node.value] if isinstance(node, yaml.SequenceNode) else []


def _with(text: str, desk: str, key: str, value: Value) -> str:
    """The text with the key set."""
    here = _desk(yaml.compose(text, yaml.SafeLoader), desk)
    name, node = _found(here, key)
    if name is None or node is None:
        return _added(text, here, f"{key}: {_flow(value)}")
    if _said(node) == value:
        return text
    return f"{text[: name.end_mark.index]}: {_flow(value)}{text[_end(node) :]}"


def _said(node: yaml.Node) -> Value:
    """The texts of a value, as they are written."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _said(value) for key, value in node.value}
    return [_said(each) for each in node.value] if isinstance(node, yaml.SequenceNode) else str(node.value)


def _flow(value: Value) -> str:
    """The value on one line: words as they are, other texts in double quotes, which in YAML are those of JSON."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_flow(each)}' for key, each in value.items())}}}"
    if not isinstance(value, str):
        return f"[{', '.join(map(_flow, value))}]"
    return value if _WORD.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _desk(root: yaml.Node | None, desk: str) -> yaml.MappingNode:
    _, desks = _found(root, "desks")
    _, here = _found(desks, desk)
    if not isinstance(here, yaml.MappingNode) or not here.value:
        raise CannotChange(f"the settings file has no entry for desk '{desk}' that could be added to")
    return here


def _found(node: yaml.Node | None, key: str) -> tuple[yaml.Node | None, yaml.Node | None]:
    """A key of a mapping and its value, where it has them."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next(((name, value) for name, value in pairs if name.value == key), (None, None))


def _added(text: str, here: yaml.MappingNode, entry: str) -> str:
    """The text with an entry more at the end of the desk's own."""
    end = _end(here.value[-1][1])
    if here.flow_style:
        return f"{text[:end]}, {entry}{text[end:]}"
    end = _line_end(text, end)
    return f"{text[:end]}\n{' ' * here.value[0][0].start_mark.column}{entry}{text[end:]}"


def _line_end(text: str, at: int) -> int:
    """The end of a line, behind a comment on it."""
    newline = text.find("\n", at)
    return newline if newline >= 0 else len(text)


def _end(node: yaml.Node) -> int:
    """Where a value's text ends; a block's own mark lies behind what follows it, comments too."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _write(config: Path, text: str) -> None:
    """Whole or not at all, for the same readers as before."""
    beside = config.with_name(f".{config.name}.new")
    try:
        mode = config.stat().st_mode & 0o777
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(config)
    except OSError as error:
        raise CannotChange(f"cannot write {config}: {error.strerror}") from error
