"""What an outgoing webhook is told of a case: the values that the policy names, as JSON has them."""

from collections.abc import Iterable
from typing import Final

from rules.template import PLACEHOLDERS, meant, source_of
from rules.view import Source, View

_TEXT: Final = Source("text", lambda view: view.case.text)


def sent(name: str) -> Source:
    """Where a value under `send` comes from. Raises ValueError where there is none of that name."""
    source = _TEXT if name == _TEXT.name else source_of(name)
    if source is None:
        raise ValueError(f"'{name[:40]}' cannot be sent; {meant(name, _TEXT.name, *PLACEHOLDERS)}")
    return source


def values(names: Iterable[str], view: View) -> dict[str, object]:
    """The values for a case, by their names; None where one is unknown."""
    return {name: _plain(sent(name).read(view)) for name in names}


def _plain(value: object) -> object:
    """A value as it is where JSON has it, several as a list, whatever else as text."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return value if value is None or isinstance(value, bool | int | float) else str(value)
