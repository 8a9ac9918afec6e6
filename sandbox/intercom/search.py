"""The search grammar of Intercom: AND and OR groups of filters over named fields, compiled to a predicate."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.intercom.errors import ApiError, invalid
from sandbox.intercom.model import Ticket
from sandbox.intercom.render import statistics
from sandbox.intercom.text import plain

DEPTH_MAX, FILTERS_MAX = 2, 15
"""Groups within groups, and filters in one group, at most."""

DAY = 86_400

Kind = Literal["string", "integer", "boolean", "date", "day", "words", "any"]
"""What a field holds. `day`: a date that is searched by calendar day only (contacts); `words`: one word matches."""

Predicate = Callable[[Any], bool]


@dataclass(frozen=True)
class Field:
    """A searchable field: its kind and how to read it; a list of values matches where one of them does."""

    kind: Kind
    read: Callable[[Any], Any]


_OPERATORS: Mapping[str, frozenset[str]] = {
    "string": frozenset(["=", "!=", "IN", "NIN", "~", "!~", "^", "$"]),
    "words": frozenset(["=", "!=", "~", "!~"]),
    "boolean": frozenset(["=", "!="]),
    "integer": frozenset(["=", "!=", "IN", "NIN", "<", ">", "<=", ">="]),
    "date": frozenset(["=", "!=", "IN", "NIN", "<", ">", "<=", ">="]),
    "day": frozenset(["=", "<", ">"]),
    "any": frozenset(["=", "!=", "IN", "NIN", "<", ">", "<=", ">=", "~", "!~", "^", "$"]),
}

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "words": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "date": (int,),
    "day": (int,),
    "any": (str, int, float, bool),
}

_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda have, want: bool(have == want),
    # As the reference has it: "greater (or equal) than", "lower (or equal) than".
    ">": lambda have, want: have is not None and have >= want,
    ">=": lambda have, want: have is not None and have >= want,
    "<": lambda have, want: have is not None and have <= want,
    "<=": lambda have, want: have is not None and have <= want,
    "~": lambda have, want: have is not None and want.lower() in have.lower(),
    "^": lambda have, want: have is not None and have.lower().startswith(want.lower()),
    "$": lambda have, want: have is not None and have.lower().endswith(want.lower()),
}

_DAY_TESTS: Mapping[str, Callable[[int, int], bool]] = {
    "=": lambda have, want: have // DAY == want // DAY,
    ">": lambda have, want: have // DAY > want // DAY,
    "<": lambda have, want: have // DAY < want // DAY,
}

_NEGATED = {"!=": "=", "!~": "~"}


def compiled(query: Any, fields: Callable[[str], Field | None]) -> Predicate:
    """The predicate of a query; `fields` knows the field of a name. Raises ApiError (400) for what the docs forbid."""
    return _compiled(query, fields, depth=0)


def _compiled(query: Any, fields: Callable[[str], Field | None], depth: int) -> Predicate:
    if not isinstance(query, dict):
        raise invalid("query must be an object with an operator and a value", "query")
    if query.get("operator") not in {"AND", "OR"}:
        return _filter(query, fields)
    rows = query.get("value")
    if not isinstance(rows, list) or not rows:
        raise invalid("the value of AND and OR must be an array of filters", "query")
    if depth == DEPTH_MAX:
        raise invalid(f"a query cannot be nested more than {DEPTH_MAX} levels deep", "query")
    if len(rows) > FILTERS_MAX:
        raise invalid(f"a group cannot have more than {FILTERS_MAX} filters", "query")
    tests = [_compiled(row, fields, depth + 1) for row in rows]
    combine = all if query["operator"] == "AND" else any
    return lambda item: combine(test(item) for test in tests)


def _filter(row: dict[str, Any], fields: Callable[[str], Field | None]) -> Predicate:
    name, operator, value = row.get("field"), row.get("operator"), row.get("value")
    field = fields(name) if isinstance(name, str) else None
    if field is None:
        raise ApiError(400, "invalid_field", f"{name} is not a searchable field", "field")
    if operator not in _OPERATORS[field.kind]:
        raise ApiError(400, "invalid_operator", f"{operator} is not valid for {name}", "operator")
    _check_value(str(name), field.kind, str(operator), value)
    test = _test(field.kind, str(operator), value)
    return lambda item: test(field.read(item))


def _check_value(name: str, kind: Kind, operator: str, value: Any) -> None:
    many = operator in {"IN", "NIN"}
    if many != isinstance(value, list):
        raise invalid(f"the value for {operator} on {name} must {'' if many else 'not '}be an array", "value")
    for one in value if many else [value]:
        wrong_bool = isinstance(one, bool) and bool not in _TYPES[kind]
        if one is not None and (wrong_bool or not isinstance(one, _TYPES[kind])):
            raise invalid(f"{name} is searched with {_TYPES[kind][0].__name__} values", "value")


def _test(kind: Kind, operator: str, value: Any) -> Predicate:
    if operator == "IN":
        return lambda have: any(want in _many(have) for want in value)
    if operator == "NIN":
        return lambda have: all(want not in _many(have) for want in value)
    if operator in _NEGATED:
        positive = _test(kind, _NEGATED[operator], value)
        return lambda have: not positive(have)
    if kind == "day":
        return lambda have: have is not None and _DAY_TESTS[operator](have, value)
    if kind == "words" and operator == "=":
        return lambda have: str(value).lower() in re.findall(r"\w+", (have or "").lower())
    return lambda have: any(_safely(_TESTS[operator], one, value) for one in _many(have))


def _safely(test: Callable[[Any, Any], bool], have: Any, want: Any) -> bool:
    """False where a free attribute holds another type than the one asked for."""
    try:
        return test(have, want)
    except (TypeError, AttributeError):
        return False


def _many(have: Any) -> list[Any]:
    return have or [None] if isinstance(have, list) else [have]


def _shared() -> dict[str, Field]:
    return {
        "id": Field("string", lambda item: item.id),
        "created_at": Field("date", lambda item: item.created_at),
        "updated_at": Field("date", lambda item: item.updated_at),
        "contact_ids": Field("string", lambda item: [item.contact.id]),
        "teammate_ids": Field("string", lambda item: item.teammates),
        "open": Field("boolean", lambda item: item.open),
        "snoozed_until": Field("date", lambda item: item.snoozed_until),
        "tag_ids": Field("string", lambda item: list(item.tags)),
    }


_CONVERSATION = _shared() | {
    # Nobody is 0 in the replies of 2.16 and null before; both find them.
    "admin_assignee_id": Field("integer", lambda item: _number(item.admin_id)),
    "team_assignee_id": Field("integer", lambda item: _number(item.team_id)),
    "source.id": Field("string", lambda item: item.source_id),
    "source.type": Field("string", lambda item: item.channel),
    "source.delivered_as": Field("string", lambda _: "customer_initiated"),
    "source.subject": Field("string", lambda item: item.subject),
    "source.body": Field("words", lambda item: plain(item.body)),
    "source.author.id": Field("string", lambda item: item.contact.id),
    "source.author.type": Field("string", lambda _: "user"),
    "source.author.name": Field("string", lambda item: item.contact.name),
    "source.author.email": Field("string", lambda item: item.contact.email),
    "read": Field("boolean", lambda item: item.read),
    "state": Field("string", lambda item: item.state),
    "priority": Field("string", lambda item: item.priority),
    "waiting_since": Field("date", lambda item: item.waiting_since),
}

_TICKET_CATEGORIES = {"Customer": "request", "Back-office": "task", "Tracker": "tracker"}

_TICKET = _shared() | {
    "admin_assignee_id": Field("string", lambda item: item.admin_id or "0"),
    "team_assignee_id": Field("string", lambda item: item.team_id or "0"),
    "title": Field("string", lambda item: item.attributes.get("_default_title_")),
    "description": Field("string", lambda item: item.attributes.get("_default_description_")),
    "category": Field("string", lambda item: _TICKET_CATEGORIES[item.type.category]),
    "ticket_type_id": Field("string", lambda item: item.type.id),
    "state": Field("string", lambda item: item.state.category),
}

_CONTACT = {
    "id": Field("string", lambda contact: contact.id),
    "role": Field("string", lambda contact: contact.role),
    "name": Field("string", lambda contact: contact.name),
    "email": Field("string", lambda contact: contact.email),
    "email_domain": Field("string", lambda contact: contact.email.rpartition("@")[2]),
    "phone": Field("string", lambda contact: contact.phone),
    "external_id": Field("string", lambda contact: contact.external_id),
    "created_at": Field("day", lambda contact: contact.created_at),
    "updated_at": Field("day", lambda contact: contact.updated_at),
}


def conversation_field(name: str) -> Field | None:
    """A searchable field of conversations; statistics and custom attributes by their path."""
    if name.startswith("statistics."):
        key = name.removeprefix("statistics.")
        return Field("string" if key.endswith("_id") else "integer", lambda item: statistics(item).get(key))
    return _CONVERSATION.get(name) or _attribute(name, "custom_attributes.")


def ticket_field(name: str) -> Field | None:
    """A searchable field of tickets; attributes as `ticket_attribute.{id}`."""
    if not name.startswith("ticket_attribute."):
        return _TICKET.get(name)
    number = name.removeprefix("ticket_attribute.")
    return Field("any", lambda item: _by_number(item, number))


def contact_field(name: str) -> Field | None:
    """A searchable field of contacts."""
    return _CONTACT.get(name) or _attribute(name, "custom_attributes.")


def _attribute(name: str, prefix: str) -> Field | None:
    if not name.startswith(prefix):
        return None
    return Field("any", lambda item: item.attributes.get(name.removeprefix(prefix)))


def _by_number(item: Ticket, number: str) -> Any:
    known = {str(attribute.id): attribute.name for attribute in item.type.attributes}
    return item.attributes.get(known.get(number, ""))


def _number(assignee_id: str | None) -> list[int | None]:
    return [int(assignee_id)] if assignee_id else [0, None]
