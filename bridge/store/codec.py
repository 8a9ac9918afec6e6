"""The model's frozen dataclasses as JSON text and back, exactly."""

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}  # building one walks the whole model, so each kind is built once


def _adapter(kind: Any) -> TypeAdapter[Any]:
    return _ADAPTERS.get(kind) or _ADAPTERS.setdefault(kind, TypeAdapter(kind))


def dump(value: object) -> str:
    """A dataclass of the model as JSON text."""
    return str(_adapter(type(value)).dump_json(value), "utf-8")


def parse(kind: type[T], text: str) -> T:
    """The dataclass of `kind` that `dump` wrote. Raises pydantic's ValidationError for anything else."""
    parsed: T = _adapter(kind).validate_json(text)
    return parsed
