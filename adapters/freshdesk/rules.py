"""Freshdesk's automation rules in a policy's words: pure tables; what is in none has no words in a policy and is told.

Source: API reference, "Automation rules"; field names and operators beyond its examples are Terraform's provider's [T].
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from adapters.freshdesk.mapping import CHANNELS, PRIORITIES, Row, number
from adapters.saying import (
    Names,
    Reader,
    Unsayable,
    all_of,
    any_of,
    containing,
    equal,
    gap_of,
    looked_up,
    merged,
    negated,
)
from bridge.model import Imported, Part, Roster, Status

CREATION: Final = "1"
CLOCK: Final = "3"
UPDATE: Final = "4"
"""The types of rules, as the API numbers them."""

NOTES: Final = (
    "For a new ticket the first rule that matches is the only one: where yours carries out all, take out `stop: true`.",
    "Rules for updates are read where they answer to the requester's reply, the only update a policy decides on.",
)

FIRST_ONLY: Final = True
"""Whether the first matching rule for new tickets is the only one: the setting of a new account [I]."""

SETTABLE: Final = {Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.RESOLVED}

REQUESTER: Final = {2, 3}
"""Performers of an update rule that include the requester."""

REPLIES: Final = {"reply_sent", "note_type"}
"""Events of an update rule that a requester's reply is."""

MORE: Final = ("nested_fields", "associated_fields", "related_conditions", "case_sensitive")
"""What narrows a condition or an action further, where it is set [T]."""

THIS: Final = {"ticket", "same_ticket"}
"""What an action may be carried out on; others are a parent or a tracker [T]."""

YES: Final = {"is", "in", "is_any_of"}
NO: Final = {"is_not", "not_in", "is_none_of"}


def said(export: Row, roster: Roster, statuses: Mapping[int, Status]) -> Imported:
    """The rules of an export: `{"1": [...], "3": [...], "4": [...]}`, the lists that the API gives by type."""
    book = _Book(Names(roster), statuses)
    for row in _in_order(export.get(CREATION)):
        book.take(row, "ticket_created", stop=FIRST_ONLY)
    for row in _in_order(export.get(UPDATE)):
        if book.answers_to_a_reply(row):
            book.take(row, "requester_replied", stop=False)
    for row in _in_order(export.get(CLOCK)):
        book.reader.lacks(_title(row), "a rule that the clock starts; a policy decides on events")
    book.reader.others(export, {CREATION, UPDATE, CLOCK})
    return book.reader.result({}, NOTES)


def _in_order(rows: object) -> list[Row]:
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return sorted(found, key=lambda row: number(row.get("position")) or 0)


def _title(row: Row) -> str:
    return str(row.get("name") or row.get("id"))


class _Book:
    """Reads one rule after the other."""

    def __init__(self, names: Names, statuses: Mapping[int, Status]) -> None:
        self.reader = Reader()
        self._names = names
        self._statuses = statuses

    def answers_to_a_reply(self, row: Row) -> bool:
        """Whether an update rule may answer to the requester's reply; what else it answers to is told."""
        events = [str(event.get("field_name")) for event in row.get("events") or []]
        performer = number((row.get("performer") or {}).get("type"))
        if performer not in REQUESTER or not REPLIES.intersection(events):
            self.reader.lacks(_title(row), f"a rule for updates: performer {performer}, events {', '.join(events)}")
            return False
        for event in events:
            if event not in REPLIES:
                self.reader.lacks(_title(row), f"event '{event}'")
        return True

    def take(self, row: Row, event: str, *, stop: bool) -> None:
        """Add a rule for an event, where its conditions can be said."""
        title = _title(row)
        if not row.get("active", True):
            self.reader.lacks(title, "switched off at Freshdesk")
            return
        sets, whole = [], True
        for given in row.get("conditions") or []:
            part, complete = self._set(title, given)
            whole = whole and complete
            sets += [part] if part else []
        actions, _ = self.reader.each(title, row.get("actions") or [], self._action)
        if not whole:
            self.reader.lacks(title, "the whole rule: without these conditions it would act on other tickets")
            return
        alternatives = "or" in str(row.get("operator")).lower().split()
        condition = any_of(sets) if alternatives else all_of(sets)
        self._put(title, all_of([{"event": event}, *([condition] if condition else [])]), merged(actions), stop=stop)

    def _put(self, title: str, when: Part | None, then: dict[str, Any], *, stop: bool) -> None:
        team = then.pop("team", None)
        if team is not None or stop:
            self.reader.route(title, when, str(team) if team is not None else None)
        if then or stop:
            self.reader.annotate(title, when, then | ({"stop": True} if stop else {}))

    def _set(self, title: str, given: Row) -> tuple[Part | None, bool]:
        """One set of conditions, and whether it says all that it must."""
        rows: Sequence[Row] = given.get("properties") or []
        parts, whole = self.reader.each(title, rows, self._property)
        if str(given.get("match_type")) == "any":
            return any_of(parts), bool(parts) or not rows
        return all_of(parts), whole

    def _property(self, row: Row) -> Part:
        kind, field = str(row.get("resource_type") or "ticket"), str(row.get("field_name"))
        operator, value = str(row.get("operator")), row.get("value")
        gap = gap_of("condition", kind, field, operator, _short(value))
        _nothing_more(row, gap)
        if field.startswith("cf_") and kind == "ticket":
            return _chosen(f"field.{field}", operator, [_scalar(one, gap) for one in _listed(value)], gap)
        read = looked_up(_PROPERTIES, (kind.rstrip("s"), field), gap)
        return dict(read(self, operator, value, gap))

    def _action(self, row: Row) -> Part:
        field, value = str(row.get("field_name")), row.get("value")
        gap = gap_of("action", field, _short(value))
        _nothing_more(row, gap)
        if (kind := str(row.get("resource_type") or "ticket").lower()) not in THIS:
            raise Unsayable(f"{gap} of the {kind.replace('_', ' ')}")
        if field.startswith("cf_"):
            return {"fields": {field: _scalar(value, gap)}}
        return dict(looked_up(_ACTIONS, field, gap)(self, value, gap))

    def status(self, value: object, gap: str) -> Status:
        """A status of this account by its number. Raises Unsayable."""
        found: Status = looked_up(self._statuses, number(value), gap)
        return found

    def team(self, value: object, gap: str) -> str:
        """A group's name by its id. Raises Unsayable."""
        return _told(self._names.team, value, gap)

    def agent(self, value: object, gap: str) -> str:
        """An agent's name by their id. Raises Unsayable."""
        return _told(self._names.agent, value, gap)


def _nothing_more(row: Row, gap: str) -> None:
    """Raises Unsayable where a condition or an action says more than its field and value."""
    if more := [name for name in MORE if row.get(name)]:
        raise Unsayable(f"{gap} with {', '.join(more)}")


def _told(name: Callable[[object], str], value: object, gap: str) -> str:
    try:
        return name(value)
    except Unsayable as error:
        raise Unsayable(f"{gap}: {error}") from None


def _short(value: object) -> str:
    text = ", ".join(map(str, _listed(value)))
    return text if len(text) <= 60 else f"{text[:59]}…"


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value in {None, ""} else [value]


def _scalar(value: object, gap: str) -> object:
    if not isinstance(value, str | int | bool) or value == "":
        raise Unsayable(gap)
    return value


def _chosen(key: str, operator: str, values: list[object], gap: str) -> Part:
    """A condition on one of several values; no value at all asks whether it is set."""
    if operator not in YES | NO:
        raise Unsayable(gap)
    wanted = None if not values else values[0] if len(values) == 1 else values
    return equal(key, wanted, no=operator in NO)


Named = Callable[[_Book, object, str], str]
Property = Callable[[_Book, str, Any, str], Part]


def _one_of(key: str, name: Named) -> Property:
    def read(book: _Book, operator: str, value: Any, gap: str) -> Part:
        return _chosen(key, operator, [name(book, one, gap) for one in _listed(value)], gap)

    return read


def _priority_of(book: _Book, value: object, gap: str) -> str:
    del book
    return str(looked_up(PRIORITIES, number(value), gap).value)


def _channel_of(book: _Book, value: object, gap: str) -> str:
    del book
    return str(looked_up(CHANNELS, number(value), gap).value)


def _text_of(book: _Book, value: object, gap: str) -> str:
    del book
    return str(_scalar(value, gap))


def _statuses(book: _Book, operator: str, value: Any, gap: str) -> Part:
    """Freshdesk has no status for new: an open ticket that nobody has is new to us."""
    found = [book.status(one, gap).value for one in _listed(value)]
    if not found or operator not in YES | NO:
        raise Unsayable(gap)
    found += [Status.NEW.value] if Status.OPEN.value in found else []
    return negated({"status": found}, no=operator in NO)


_OF_TAGS: Final = dict.fromkeys(YES | {"contains"}, "any") | dict.fromkeys(NO | {"does_not_contain"}, "none")


def _tags(book: _Book, operator: str, value: Any, gap: str) -> Part:
    del book
    tags = [str(one) for one in _listed(value)]
    which = looked_up(_OF_TAGS, operator, gap)
    if not tags:
        raise Unsayable(gap)
    return {"tags": {which: tags}}


def _texts(key: str) -> Property:
    def read(book: _Book, operator: str, value: Any, gap: str) -> Part:
        del book
        no = looked_up({"contains": False, "does_not_contain": True}, operator, gap)
        found = any_of([{key: containing(one, gap)} for one in _listed(value)])
        if found is None:
            raise Unsayable(gap)
        return negated(found, no=no)

    return read


_PROPERTIES: Final[Mapping[tuple[str, str], Property]] = {
    ("ticket", "status"): _statuses,
    ("ticket", "priority"): _one_of("priority", _priority_of),
    ("ticket", "source"): _one_of("channel", _channel_of),
    ("ticket", "ticket_type"): _one_of("type", _text_of),
    ("ticket", "group_id"): _one_of("team", _Book.team),
    ("ticket", "responder_id"): _one_of("assignee", _Book.agent),
    ("ticket", "tag_names"): _tags,
    ("ticket", "subject"): _texts("subject"),
    ("ticket", "description"): _texts("text"),
    ("ticket", "subject_or_description"): _texts("text"),
    ("ticket", "from_email"): _one_of("requester.email", _text_of),
    ("contact", "email"): _one_of("requester.email", _text_of),
    ("company", "name"): _one_of("requester.organisation", _text_of),
}
"""By the resource and the field of a condition; the plural of a resource is the same."""


def _set_status(book: _Book, value: Any, gap: str) -> Part:
    status = book.status(value, gap)
    if status not in SETTABLE:
        raise Unsayable(gap)
    return {"status": status.value}


def _set_tags(book: _Book, value: Any, gap: str) -> Part:
    del book
    tags = [str(one) for one in _listed(value)]
    if not tags or max(map(len, tags)) > 100:
        raise Unsayable(gap)
    return {"add_tags": tags}


_ACTIONS: Final[Mapping[str, Callable[[_Book, Any, str], Part]]] = {
    "status": _set_status,
    "priority": lambda book, value, gap: {"priority": _priority_of(book, value, gap)},
    "ticket_type": lambda book, value, gap: {"type": _text_of(book, value, gap)},
    "group_id": lambda book, value, gap: {"team": book.team(value, gap)},
    "add_tag": _set_tags,  # a responder is left out: whom a ticket is given to is what routing is for
}
"""By an action's `field_name`."""
