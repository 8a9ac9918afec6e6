"""The query language of `GET /search/tickets`: terms with AND, OR and brackets, as a predicate over tickets."""

import re
from collections.abc import Callable
from typing import Any

from sandbox.freshdesk.records import Ticket
from sandbox.freshdesk.wire import stamp

QUERY_MAX = 512
"""Characters in a query, at most."""

Predicate = Callable[[Ticket], bool]

_TOKEN = re.compile(r"\s*(?:(?P<mark>[()])|(?P<word>AND|OR)\b|(?P<term>\w+:[<>]?(?:'[^']*'|[^\s()']+)))")
_TERM = re.compile(r"(\w+):([<>]?)(.*)")
_NUMBERS = {"status": "status", "priority": "priority", "agent_id": "responder_id", "group_id": "group_id"}
_DAYS = ("created_at", "updated_at", "due_by", "fr_due_by")


def parse(text: str) -> Predicate:
    """The predicate of a query as it stands in the URL, double quotes included. Raises ValueError."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"' or len(text) > QUERY_MAX + 2:
        raise ValueError(f"The query should be in double quotes and have {QUERY_MAX} characters at most")
    reader = _Query(text[1:-1])
    found = reader.either()
    if reader.tokens:
        raise ValueError(f"Unexpected {reader.tokens[0]!r} in the query")
    return found


class _Query:
    """Recursive descent; AND binds closer than OR."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise ValueError(f"The query cannot be read from {text[place:][:20]!r}")
            self.tokens.append(match[0].strip())
            place = match.end()

    def either(self) -> Predicate:
        parts = [self.both()]
        while self.take("OR"):
            parts.append(self.both())
        return lambda ticket: any(part(ticket) for part in parts)

    def both(self) -> Predicate:
        parts = [self.one()]
        while self.take("AND"):
            parts.append(self.one())
        return lambda ticket: all(part(ticket) for part in parts)

    def one(self) -> Predicate:
        if self.take("("):
            inner = self.either()
            if not self.take(")"):
                raise ValueError("A bracket of the query is not closed")
            return inner
        match = _TERM.fullmatch(self.tokens.pop(0)) if self.tokens else None
        if match is None:
            raise ValueError("The query lacks a term")
        return _term(match[1], match[2], match[3])

    def take(self, token: str) -> bool:
        taken = self.tokens[:1] == [token]
        self.tokens = self.tokens[taken:]
        return taken


def _term(field: str, sign: str, written: str) -> Predicate:
    if field in _DAYS:
        return _day(field, sign, written.strip("'"))
    if sign:
        raise ValueError(f"{field} cannot be compared")
    value = _value(written)
    if field in _NUMBERS and (value is None or isinstance(value, int)):
        return lambda ticket: bool(getattr(ticket, _NUMBERS[field]) == value)
    if field == "type":
        return lambda ticket: ticket.type == value
    if field == "tag":
        return lambda ticket: value in ticket.tags
    if field.startswith("cf_"):
        return lambda ticket: bool(ticket.custom_fields.get(field) == value)
    raise ValueError(f"{field}:{written} cannot be searched for")


def _day(field: str, sign: str, day: str) -> Predicate:
    """By the day only; `:>` and `:<` include the day named."""

    def test(ticket: Ticket) -> bool:
        of = (stamp(getattr(ticket, field)) or "")[:10]
        return of >= day if sign == ">" else of <= day if sign == "<" else of == day

    return test


def _value(written: str) -> Any:
    if written.startswith("'"):
        return written.strip("'")
    constants = {"null": None, "true": True, "false": False}
    if written in constants:
        return constants[written]
    try:
        return int(written)
    except ValueError as error:
        raise ValueError(f"{written} is neither a number, null, true, false nor in single quotes") from error
