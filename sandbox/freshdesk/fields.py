"""The ticket fields of an account: their values and labels, and the checks that Freshdesk makes of a request."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.freshdesk.wire import JSON, FieldError, field_error, instant, invalid, unknown_field

STATUSES = {
    2: "Open",
    3: "Pending",
    4: "Resolved",
    5: "Closed",
    6: "Waiting on Customer",
    7: "Waiting on Third Party",
}
CUSTOMER_LABELS = {
    2: "Being Processed",
    3: "Awaiting your Reply",
    4: "This ticket has been Resolved",
    5: "This ticket has been Closed",
    6: "Awaiting your Reply",
    7: "Being Processed",
}
PRIORITIES = {1: "Low", 2: "Medium", 3: "High", 4: "Urgent"}
SOURCES = {1: "Email", 2: "Portal", 3: "Phone", 7: "Chat", 9: "Feedback Widget", 10: "Outbound Email"}
TYPES = ("Question", "Incident", "Problem", "Feature Request", "Refund")

Kind = Literal["custom_text", "custom_number", "custom_decimal", "custom_checkbox", "custom_date", "custom_dropdown"]


@dataclass(frozen=True)
class CustomField:
    """A field that the account added; `name` begins with `cf_`."""

    name: str
    label: str
    kind: Kind = "custom_text"
    choices: tuple[str, ...] = ()
    required_for_agents: bool = False


CUSTOM_FIELDS = (
    CustomField("cf_triage", "Triage"),
    CustomField("cf_language", "Language"),
    CustomField("cf_sentiment", "Sentiment"),
    CustomField("cf_confidence", "Confidence", "custom_decimal"),
    CustomField("cf_order_number", "Order number", "custom_number"),
    CustomField("cf_vip", "VIP", "custom_checkbox"),
    CustomField("cf_renewal", "Renewal", "custom_date"),
    CustomField("cf_region", "Region", "custom_dropdown", ("EMEA", "AMER", "APAC")),
)

Check = Callable[[str, Any], list[FieldError]]
"""What is wrong with a value of a field, nothing where it is right."""

_NAMES: dict[type, str] = {
    bool: "Boolean",
    int: "Integer",
    float: "Float",
    str: "String",
    list: "Array",
    dict: "key/value pair",
    type(None): "Null",
}


def typed(*types: type) -> Check:
    """A value of one of these JSON types; the first is the one that the refusal names."""

    def check(field: str, value: Any) -> list[FieldError]:
        if type(value) in types:
            return []
        message = f"Value set is of type {_NAMES[type(value)]}.It should be a/an {_NAMES[types[0]]}"
        return [field_error(field, message, "datatype_mismatch")]

    return check


def optional(inner: Check) -> Check:
    """Null, or what `inner` accepts."""
    return lambda field, value: [] if value is None else inner(field, value)


def narrowed(first: Check, then: Check) -> Check:
    """What both accept; the second is asked only where the first is content."""
    return lambda field, value: first(field, value) or then(field, value)


def one_of(kind: type, values: Iterable[Any]) -> Check:
    """One of a fixed set of values."""
    allowed = list(values)

    def check(field: str, value: Any) -> list[FieldError]:
        listed = ",".join(map(str, allowed))
        wrong = field_error(field, f"It should be one of these values: '{listed}'", "invalid_value")
        return [] if value in allowed else [wrong]

    return narrowed(typed(kind), check)


def existing(what: str, records: Collection[int]) -> Check:
    """The id of a record of the account."""

    def check(field: str, value: int) -> list[FieldError]:
        wrong = field_error(field, f"There is no {what} matching the given {field}", "invalid_value")
        return [] if value in records else [wrong]

    return narrowed(typed(int), check)


def _filled(field: str, value: str) -> list[FieldError]:
    return (
        []
        if value.strip()
        else [field_error(field, "It should not be blank as this is a mandatory field", "invalid_value")]
    )


def _strings(field: str, value: list[Any]) -> list[FieldError]:
    return [error for item in value for error in text(field, item)]


def _integers(field: str, value: list[Any]) -> list[FieldError]:
    return [error for item in value for error in typed(int)(field, item)]


def _iso(field: str, value: str) -> list[FieldError]:
    try:
        instant(value)
    except ValueError as error:
        return [field_error(field, str(error), "invalid_date")]
    return []


text = typed(str)
filled = narrowed(text, _filled)
flag = typed(bool)
time = narrowed(text, _iso)
strings = narrowed(typed(list), _strings)
integers = narrowed(typed(list), _integers)

_KINDS: dict[Kind, Check] = {
    "custom_text": text,
    "custom_number": typed(int),
    "custom_decimal": typed(float, int),
    "custom_checkbox": flag,
    "custom_date": time,
}


def custom(fields: Mapping[str, CustomField]) -> Check:
    """The `custom_fields` of a ticket: known names, each with a value of its kind or null."""

    def check(_: str, given: JSON) -> list[FieldError]:
        return [error for name, value in given.items() for error in _custom(fields.get(name), name, value)]

    return narrowed(typed(dict), check)


def _custom(field: CustomField | None, name: str, value: Any) -> list[FieldError]:
    path = f"custom_fields.{name}"
    if field is None:
        return [unknown_field(path)]
    return optional(_KINDS.get(field.kind) or one_of(str, field.choices))(path, value)


def missing(field: str) -> FieldError:
    """A mandatory field that was not given."""
    return field_error(field, "It is a mandatory field", "missing_field")


def validate(given: JSON, checks: Mapping[str, Check], *, required: Iterable[str] = ()) -> JSON:
    """The body, found right. Raises Refusal with every fault: unknown, mistyped, out of range, missing."""
    errors = [missing(name) for name in required if name not in given]
    for name, value in given.items():
        errors += checks[name](name, value) if name in checks else [unknown_field(name)]
    if errors:
        raise invalid(errors)
    return given
