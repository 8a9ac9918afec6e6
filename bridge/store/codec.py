"""The model's frozen dataclasses as JSON text and back, exactly."""

import json
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

T = TypeVar("T")

_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}  # building one walks the whole model, so each kind is built once


def _adapter(kind: Any) -> TypeAdapter[Any]:
    return _ADAPTERS.get(kind) or _ADAPTERS.setdefault(kind, TypeAdapter(kind))


def dump(value: object) -> str:
    """A dataclass of the model as JSON text.

    Half a character (a lone surrogate), which customers' programs do send and no database takes, becomes "?".
    """
    adapter = _adapter(type(value))
    try:
        return str(adapter.dump_json(value), "utf-8")
    except PydanticSerializationError:
        text = json.dumps(adapter.dump_python(value, mode="json"), ensure_ascii=False)
        return text.encode("utf-8", "replace").decode()


def parse(kind: type[T], text: str) -> T:
    """The dataclass of `kind` that `dump` wrote. Raises pydantic's ValidationError for anything else."""
    parsed: T = _adapter(kind).validate_json(text)
    return parsed
