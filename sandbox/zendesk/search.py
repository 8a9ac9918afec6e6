"""Zendesk's search language, as far as a help desk needs it: `type:ticket status<solved assignee:me tags:vip words`."""

import re
from collections.abc import Callable
from typing import Any

from sandbox.zendesk import errors
from sandbox.zendesk.state import CATEGORIES, Account, Group, Organization, Ticket, User
from sandbox.zendesk.times import unstamp
from sandbox.zendesk.wishes import PRIORITIES

RESULTS_MAX = 1000

_TERM = re.compile(r'(-?)(?:([a-z_]+)(:|<=|>=|<|>))?("[^"]*"|\S+)')

Record = Ticket | User | Organization | Group


def find(account: Account, query: str, me: User) -> list[Record]:
    """Every record the query fits, newest change first. Raises Refusal for a keyword this sandbox does not know."""
    terms = [(minus == "-", key, sign, value.strip('"')) for minus, key, sign, value in _TERM.findall(query)]
    kinds = dict.fromkeys(value for _, key, _, value in terms if key == "type") or ["ticket"]
    pool: list[Record] = [record for kind in kinds for record in _pool(account, kind)]
    for negated, key, sign, value in terms:
        if key != "type":
            fits = _test(account, key, sign, value, me)
            pool = [record for record in pool if fits(record) != negated]
    return sorted(pool, key=lambda record: getattr(record, "updated_at", record.created_at), reverse=True)


def kind_of(record: Record) -> str:
    """The `result_type` of a record."""
    return type(record).__name__.lower()


def _pool(account: Account, kind: str) -> list[Record]:
    pools: dict[str, list[Record]] = {
        "ticket": [ticket for ticket in account.tickets.values() if not ticket.deleted],
        "user": list(account.users.values()),
        "organization": list(account.organizations.values()),
        "group": list(account.groups.values()),
    }
    if kind not in pools:
        raise errors.error(422, "invalid", f"Invalid search: type {kind} is not known to this sandbox")
    return pools[kind]


def _test(account: Account, key: str, sign: str, value: str, me: User) -> Callable[[Record], bool]:
    if not key:
        return lambda record: value.lower() in _words(record)
    if key in {"created", "updated"}:
        return lambda record: _compare(int(getattr(record, f"{key}_at", record.created_at)), sign, _moment(value))
    if key in {"status", "priority"}:
        order: tuple[str | None, ...] = CATEGORIES if key == "status" else (None, *PRIORITIES)
        return lambda record: _ranked(record, key, sign, value, order)
    if key in {"assignee", "requester", "submitter"}:
        return lambda record: _is_person(account, record, key, value, me)
    if key in _PLAIN:
        return lambda record: _PLAIN[key](account, record, value.lower())
    raise errors.error(422, "invalid", f"Invalid search: {key} is not known to this sandbox")


def _field(record: Record, name: str) -> Any:
    return record[name] if isinstance(record, Ticket) else getattr(record, name, None)


def _named(pool: Any, key: int | None, value: str) -> bool:
    if key is None:
        return value == "none"
    return value in {str(key), pool[key].name.lower()}


_PLAIN: dict[str, Callable[[Account, Record, str], bool]] = {
    "tags": lambda _, record, value: value in (_field(record, "tags") or []),
    "group": lambda account, record, value: _named(account.groups, _field(record, "group_id"), value),
    "organization": lambda account, record, value: _named(
        account.organizations, _field(record, "organization_id"), value
    ),
    "ticket_type": lambda _, record, value: (_field(record, "type") or "none") == value,
    "external_id": lambda _, record, value: str(_field(record, "external_id") or "").lower() == value,
    "email": lambda _, record, value: str(_field(record, "email") or "").lower() == value,
    "name": lambda _, record, value: value in str(_field(record, "name") or "").lower(),
    "role": lambda _, record, value: str(_field(record, "role") or "") == value,
}


def _words(record: Record) -> str:
    if not isinstance(record, Ticket):
        return f"{record.name} {getattr(record, 'email', '')} {record.id}".lower()
    said = " ".join(comment.body for comment in record.comments)
    return f"{record.id} {record['subject'] or ''} {said}".lower()


def _is_person(account: Account, record: Record, key: str, value: str, me: User) -> bool:
    held = getattr(record, "submitter_id", None) if key == "submitter" else _field(record, f"{key}_id")
    if held is None:
        return value == "none"
    person = account.users[held]
    wanted = me.email if value == "me" else value
    return wanted.lower() in {str(person.id), person.email.lower(), person.name.lower()}


def _ranked(record: Record, key: str, sign: str, value: str, order: tuple[str | None, ...]) -> bool:
    wanted = None if value == "none" else value.lower()
    held = _field(record, key)
    return wanted in order and held in order and _compare(order.index(held), sign, order.index(wanted))


def _compare(left: int, sign: str, right: int) -> bool:
    return {
        ":": left == right,
        "<": left < right,
        ">": left > right,
        "<=": left <= right,
        ">=": left >= right,
    }[sign]


def _moment(text: str) -> int:
    """Unix seconds of a date or a time. Raises Refusal."""
    seconds = unstamp(text)
    if seconds is None:
        raise errors.error(422, "invalid", f"Invalid search: {text} is not a time")
    return seconds
