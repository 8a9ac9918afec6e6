"""Zendesk's triggers and automations in a policy's words: pure tables. Source: "Conditions reference", "Actions
reference" of Zendesk's business rules API; what is not in a table has no words in a policy and is told.
"""

from collections.abc import Callable, Mapping, Set
from typing import Any, Final

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
    words,
)
from adapters.zendesk.mapping import CHANNELS, PRIORITIES, STATUSES, TYPES, Json, listing, mapping
from bridge.model import Imported, Part, Roster, Status

NOTES: Final = (
    "A trigger that changes a ticket has Zendesk run all of them again; rules of a policy never see each other's work.",
    "Triggers run on every update; rules of a policy when a ticket comes in and when its requester writes.",
    "The last trigger that sets a group wins at Zendesk, so route rules stand in the opposite order of the triggers.",
    "Conditions on a comment's or the description's words look at what the requester newly wrote, and the subject.",
)

VIA_IDS: Final[Mapping[str, str]] = {
    # The numbers of `via_id` whose channel is beyond doubt; "Via types", API reference.
    "0": "web",
    "4": "email",
    "5": "api",
    "29": "chat",
    "30": "social",  # Twitter
    "34": "phone",
    "35": "phone",
    "38": "social",  # Facebook
}

STATUS_ORDER: Final = ("new", "open", "pending", "hold", "solved", "closed")
"""What `less_than` and `greater_than` go by."""

SETTABLE: Final = {
    raw: STATUSES[raw] for raw in ("open", "pending", "hold", "solved")
}  # a ticket cannot be new again, and closing is Zendesk's own

_CUSTOM_OPERATORS: Final = {
    "is": False,
    "includes": False,
    "present": False,
    "is_not": True,
    "not_includes": True,
    "not_present": True,
}
"""Of a custom field, and whether each says no."""

CUSTOM_FIELD: Final = ("custom_fields_", "ticket_fields_")
"""Before the id of a custom field."""


def said(export: Json, roster: Roster) -> Imported:
    """The triggers of an export (`{"triggers", "automations", "ticket_fields"}`, as the API lists them)."""
    fields = _titles(listing(export.get("ticket_fields")))
    checkboxes = {str(row.get("id")) for row in listing(export.get("ticket_fields")) if row.get("type") == "checkbox"}
    book = _Book(Names(roster), fields, checkboxes)
    triggers = sorted(listing(export.get("triggers")), key=lambda row: row.get("position") or 0)
    for trigger in triggers:
        book.take(trigger)
    for automation in listing(export.get("automations")):
        book.reader.lacks(_title(automation), "an automation, which the clock starts; a policy decides on events")
    book.reader.others(export, {"triggers", "automations", "ticket_fields"})
    used = {title: id_ for id_, title in fields.items() if title in book.used}
    return book.reader.result(used, NOTES)


def _titles(rows: list[Json]) -> dict[str, str]:
    """The policy's name of each custom field by id: its title, where no other field has the same."""
    titles = [str(row.get("title") or "").strip() for row in rows]
    return {
        str(row.get("id")): title
        for row, title in zip(rows, titles, strict=True)
        if title and len(title) <= 80 and titles.count(title) == 1
    }


def _title(row: Json) -> str:
    return str(row.get("title") or row.get("id"))


class _Book:
    """Reads one trigger after the other."""

    def __init__(self, names: Names, fields: Mapping[str, str], checkboxes: Set[str]) -> None:
        self.reader = Reader()
        self.used: set[str] = set()
        self._names = names
        self._fields = fields
        self._checkboxes = checkboxes

    def take(self, trigger: Json) -> None:
        """Add a trigger's rules, where its conditions can be said."""
        title = _title(trigger)
        if not trigger.get("active", True):
            self.reader.lacks(title, "switched off at Zendesk")
            return
        conditions = mapping(trigger.get("conditions"))
        every, whole = self.reader.each(title, listing(conditions.get("all")), self._condition)
        alternatives, _ = self.reader.each(title, listing(conditions.get("any")), self._condition)
        actions, _ = self.reader.each(title, listing(trigger.get("actions")), self._action)
        if not whole or (listing(conditions.get("any")) and not alternatives):
            self.reader.lacks(title, "the whole trigger: without these conditions it would act on other tickets")
            return
        either = any_of(alternatives)
        self._put(title, all_of([*every, *([either] if either else [])]), merged(actions), _guarded(conditions))

    def _put(self, title: str, when: Part | None, then: dict[str, Any], guarded: bool) -> None:
        team = then.pop("team", None)
        if team is not None:
            # One that only fills an empty group gives way to all others, and to those of its kind before it.
            self.reader.route(title, when, str(team), first=not guarded)
        if then:
            self.reader.annotate(title, when, then)

    def _condition(self, row: Json) -> Part:
        field, operator, value = str(row.get("field")), str(row.get("operator")), row.get("value")
        gap = gap_of("condition", field, operator, _short(value))
        if field.startswith(CUSTOM_FIELD):
            return self._custom(field, operator, value, gap)
        read = looked_up(_CONDITIONS, field, gap)
        return dict(read(self._names, operator, value, gap))

    def _custom(self, field: str, operator: str, value: object, gap: str) -> Part:
        no = bool(looked_up(_CUSTOM_OPERATORS, operator, gap))
        if operator in {"present", "not_present"}:
            return equal(f"field.{self._field(field)}", None, no=not no)
        return equal(f"field.{self._field(field)}", self._custom_value(field, value, gap), no=no)

    def _custom_value(self, field: str, value: object, gap: str) -> object:
        """A field's value as tickets have it: a rule writes a checkbox as text."""
        if not isinstance(value, str | int | bool) or value == "":
            raise Unsayable(gap)
        return value == "true" if field.rpartition("_")[2] in self._checkboxes else value

    def _action(self, row: Json) -> Part:
        field, value = str(row.get("field")), row.get("value")
        gap = gap_of("action", field, _short(value))
        if field.startswith(CUSTOM_FIELD):
            return {"fields": {self._field(field): self._custom_value(field, value, gap)}}
        return dict(looked_up(_ACTIONS, field, gap)(self._names, value, gap))

    def _field(self, field: str) -> str:
        id_ = field.rpartition("_")[2]
        name = self._fields.get(id_, id_)
        self.used.add(name)
        return name


def _guarded(conditions: Json) -> bool:
    """Whether a trigger acts only where no group is set yet."""
    return any(
        row.get("field") == "group_id" and row.get("operator") == "is" and not row.get("value")
        for row in listing(conditions.get("all"))
    )


def _short(value: object) -> str:
    """What a rule says, without the texts of its messages: of a list the first element."""
    text = str(value[0] if isinstance(value, list) and value else "" if value is None else value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _equal(operator: str, gap: str) -> bool:
    """Whether an operator is `is` (True) or `is_not` (False). Raises Unsayable for any other, such as `changed`."""
    return bool(looked_up({"is": True, "is_not": False}, operator, gap))


def _status(names: Names, operator: str, value: Any, gap: str) -> Part:
    del names
    if operator in {"less_than", "greater_than"} and value in STATUS_ORDER:
        place = STATUS_ORDER.index(value)
        which = STATUS_ORDER[:place] if operator == "less_than" else STATUS_ORDER[place + 1 :]
        if not which:
            raise Unsayable(gap)
        return {"status": [STATUSES[raw].value for raw in which]}
    status: Status = looked_up(STATUSES, value, gap)
    return negated({"status": status.value}, no=not _equal(operator, gap))


def _priority(names: Names, operator: str, value: Any, gap: str) -> Part:
    del names
    priority = "none" if value in {"", None} else looked_up(PRIORITIES, value, gap).value
    if operator in {"less_than", "greater_than"}:
        return {"priority": {"under" if operator == "less_than" else "over": priority}}
    return negated({"priority": priority}, no=not _equal(operator, gap))


def _type(names: Names, operator: str, value: Any, gap: str) -> Part:
    del names
    if value not in {*TYPES, "", None}:
        raise Unsayable(gap)
    return equal("type", value or None, no=not _equal(operator, gap))


def _named(key: str, name: Callable[[Names, object], str]) -> "Condition":
    def read(names: Names, operator: str, value: Any, gap: str) -> Part:
        no = not _equal(operator, gap)
        try:
            return equal(key, name(names, value) if value not in {"", None} else None, no=no)
        except Unsayable as error:
            raise Unsayable(f"{gap}: {error}") from None

    return read


def _tags(names: Names, operator: str, value: Any, gap: str) -> Part:
    del names
    tags = str(value or "").split()
    if not tags:
        raise Unsayable(gap)
    return {"tags": {looked_up({"includes": "any", "not_includes": "none"}, operator, gap): tags}}


def _texts(key: str) -> "Condition":
    def read(names: Names, operator: str, value: Any, gap: str) -> Part:
        del names
        if operator in {"includes", "not_includes"}:
            return negated({key: {"words": words(value, gap)}}, no=operator == "not_includes")
        return negated({key: containing(value, gap)}, no=not _equal(operator, gap))

    return read


def _update(names: Names, operator: str, value: Any, gap: str) -> Part:
    del names
    event = looked_up({"Create": "ticket_created", "Change": "requester_replied"}, value, gap)
    return negated({"event": event}, no=operator == "is_not")


def _channel(names: Names, operator: str, value: Any, gap: str) -> Part:
    del names
    channel = VIA_IDS.get(str(value)) or looked_up(CHANNELS, str(value).lower(), gap).value
    return negated({"channel": channel}, no=not _equal(operator, gap))


def _role(names: Names, operator: str, value: Any, gap: str) -> Part:
    del names
    if operator != "is" or value not in {"end_user", "end-user"}:
        raise Unsayable(gap)
    return {"event": ["ticket_created", "requester_replied"]}


def _public(names: Names, operator: str, value: Any, gap: str) -> Part:
    """What a requester writes is public, and a policy decides on nothing else."""
    del names, operator
    if str(value).lower() not in {"true", "not_relevant", "requester_can_see_comment"}:
        raise Unsayable(gap)
    return {"event": ["ticket_created", "requester_replied"]}


Condition = Callable[[Names, str, Any, str], Part]

_CONDITIONS: Final[Mapping[str, Condition]] = {
    "status": _status,
    "priority": _priority,
    "type": _type,
    "group_id": _named("team", Names.team),
    "assignee_id": _named("assignee", Names.agent),
    "current_tags": _tags,
    "subject_includes_word": _texts("subject"),
    "description_includes_word": _texts("text"),
    "comment_includes_word": _texts("text"),
    "update_type": _update,
    "via_id": _channel,
    "role": _role,
    "comment_is_public": _public,
}
"""By a condition's `field`."""


def _set_status(names: Names, value: Any, gap: str) -> Part:
    del names
    return {"status": looked_up(SETTABLE, value, gap).value}


def _set_priority(names: Names, value: Any, gap: str) -> Part:
    del names
    return {"priority": looked_up(PRIORITIES, value, gap).value}


def _set_type(names: Names, value: Any, gap: str) -> Part:
    del names
    if value not in TYPES:
        raise Unsayable(gap)
    return {"type": value}


def _set_team(names: Names, value: Any, gap: str) -> Part:
    try:
        return {"team": names.team(value)}
    except Unsayable as error:
        raise Unsayable(f"{gap}: {error}") from None


def _tagging(key: str) -> Callable[[Names, Any, str], Part]:
    def read(names: Names, value: Any, gap: str) -> Part:
        del names
        tags = str(value or "").split()
        if not tags or max(map(len, tags)) > 100:
            raise Unsayable(gap)
        return {key: tags}

    return read


_ACTIONS: Final[Mapping[str, Callable[[Names, Any, str], Part]]] = {
    "status": _set_status,
    "priority": _set_priority,
    "type": _set_type,
    "group_id": _set_team,  # an assignee is left out: whom a ticket is given to is what routing is for
    "current_tags": _tagging("add_tags"),
    "remove_tags": _tagging("remove_tags"),  # `set_tags` is left out: it takes people's tags away
}
"""By an action's `field`."""
