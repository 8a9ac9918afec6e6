"""What the vendor calls of the running code are for: said once where work begins, read where a call is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Rank(IntEnum):
    """Whose calls go first when a desk's budget gets short."""

    URGENT = 0
    ORDINARY = 1
    BACKGROUND = 2


@dataclass(frozen=True, slots=True)
class Purpose:
    """A word for the metrics, and how much the calls matter."""

    name: str
    rank: Rank


_UNSAID: Final = Purpose("other", Rank.ORDINARY)
_CURRENT: Final = ContextVar("purpose", default=_UNSAID)


def current() -> Purpose:
    """What the calls of the running code are for."""
    return _CURRENT.get()


@contextmanager
def purpose(name: str, rank: Rank | None = None) -> Iterator[None]:
    """Every vendor call inside is for this; without a rank they matter as much as those of the code around."""
    token = _CURRENT.set(Purpose(name, current().rank if rank is None else rank))
    try:
        yield
    finally:
        _CURRENT.reset(token)
