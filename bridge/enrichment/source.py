"""What a source of customer records is, and what it may know of the customer it is asked about."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

from bridge.errors import DeskbridgeError
from bridge.model import Requester

IDENTITY: Final = ("email", "domain", "organisation", "external_id")
"""What a customer can be looked up by: address and its domain in lower case, organisation name, the team's own id."""

TEXT_MAX: Final = 200
"""A longer value, in characters, is not a tier, a plan or a name, and is refused rather than cut."""


class SourceFault(DeskbridgeError):
    """A source could not be read. Agents see the words, so they are ours alone: never the source's, never a value."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source says of one customer, by its own names; `as_of` (UTC) is when that was true."""

    record: Mapping[str, object]
    as_of: datetime


class Source(Protocol):
    """Something that knows customers. Thread-safe."""

    name: str
    """What agents see as the facts' source; holds no secret."""

    def suffices(self, requester: Requester) -> bool:
        """False where the requester must first be read from the desk to be looked up here."""

    def look_up(self, requester: Requester, as_of: datetime) -> Reading:
        """What is known of a requester who was read at `as_of`; an empty record where nothing is.

        Raises SourceFault where the source cannot be read.
        """

    def close(self) -> None:
        """Give back connections."""


def identity(requester: Requester) -> Mapping[str, str]:
    """What the requester can be looked up by, as far as it is known: a mapping from the words of `IDENTITY`."""
    email = (requester.email or "").strip().casefold()
    organisation = requester.organisation.name if requester.organisation else None
    known = {
        "email": email,
        "domain": email.rpartition("@")[2] if "@" in email else "",
        "organisation": (organisation or "").strip(),
        "external_id": (requester.external_id or "").strip(),
    }
    return {word: value for word, value in known.items() if value}


def value_at(record: Mapping[str, object], path: str) -> object:
    """The value under a name or, where there is none, under a dotted path (`account.tier`); None where it is absent."""
    if path in record:
        return record[path]
    head, dot, rest = path.partition(".")
    inner = record.get(head)
    return value_at(inner, rest) if dot and isinstance(inner, Mapping) else None


def as_text(value: object) -> str | None:
    """A record's value as one line of text, None where it is empty. Raises SourceFault where it is no plain value."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case str():
            text = " ".join(value.split())
        case int() | float() | Decimal() if math.isfinite(value):
            text = f"{value:f}" if isinstance(value, Decimal) else str(value)
        case _:
            raise SourceFault("the value is neither text nor a number")
    if len(text) > TEXT_MAX:
        raise SourceFault(f"the value is longer than {TEXT_MAX} characters")
    return text or None
