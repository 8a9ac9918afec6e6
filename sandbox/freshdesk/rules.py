"""Automation rules: what Freshdesk accepts as one, and whether one answers to what happened to a ticket."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from sandbox.freshdesk.fields import (
    Check,
    filled,
    flag,
    integers,
    missing,
    narrowed,
    one_of,
    optional,
    text,
    typed,
    validate,
)
from sandbox.freshdesk.records import Actor, Ticket
from sandbox.freshdesk.wire import JSON, FieldError, Refusal, unknown_field

RuleType = Literal[1, 3, 4]
CREATION: Final = 1
HOURLY: Final = 3
UPDATE: Final = 4
"""The types of rules; the hourly ones are kept as an account has them, and not played."""

ANY = "--"

WEBHOOK = "trigger_webhook"
WEBHOOK_KEYS = ("request_type", "url", "content_type", "content_layout")
"""Without these the live service answered 500 to a Terraform provider's tests. [T]"""

SETTERS = {
    "status": "status",
    "priority": "priority",
    "group_id": "group_id",
    "responder_id": "responder_id",
    "ticket_type": "type",
    "add_tag": "tags",
}
"""The other actions that are played, with the attribute of the ticket that each sets."""

STORED = ("send_email_to_requester", "send_email_to_agent", "send_email_to_group", "add_note", "add_watcher")
"""Actions that are kept as an account has them, and not played."""

_PERFORMERS = {1: {"agent", "integration"}, 2: {"requester"}, 3: {"agent", "integration", "requester"}, 4: {"system"}}
"""An API write is made by the agent whose key it is."""

_PROPERTIES = {"status": "status", "priority": "priority", "ticket_type": "type", "group_id": "group_id"} | {
    "responder_id": "responder_id",
    "source": "source",
    "subject": "subject",
    "description": "description",
    "tag_names": "tags",
    "requester_id": "requester_id",
}

EVENTS = ("status", "priority", "ticket_type", "group_id", "responder_id", "note_type", "reply_sent", "ticket_action")


@dataclass(frozen=True)
class Happening:
    """One thing that happened: a property that went from one value to another, or an act with a word for it."""

    name: str
    before: Any = None
    after: Any = None
    word: str | None = None

    def triggered_event(self) -> str:
        """As webhooks say it: it looks like JSON and is not. `{status:{from:4,to:6}}`, `{note_type:private}`."""
        if self.word is not None:
            return f"{{{self.name}:{self.word}}}"
        return f"{{{self.name}:{{from:{_blank(self.before)},to:{_blank(self.after)}}}}}"

    def is_meant_by(self, event: JSON) -> bool:
        """True where an entry of a rule's `events` names it."""
        if event["field_name"] != self.name:
            return False
        if self.word is not None:
            return _means(event.get("value"), self.word)
        return _means(event.get("from"), self.before) and _means(event.get("to"), self.after)


CREATED = Happening("ticket_action", word="created")
UPDATED = Happening("ticket_action", word="update")


def _blank(value: Any) -> str:
    return "" if value is None else str(value)


def _means(wanted: Any, value: Any) -> bool:
    return wanted in (None, "", ANY) or str(wanted) == _blank(value)


@dataclass
class Rule:
    """A rule as it was sent (`body`, with every default filled in)."""

    id: int
    type: RuleType
    body: JSON
    last_updated_by: int
    created_at: float
    updated_at: float
    affected: int = 0

    def match(self, ticket: Ticket, happenings: Iterable[Happening], actor: Actor) -> Happening | None:
        """The happening to which the rule answers: the first that its own list of events names."""
        if not self.body["active"] or not _holds(self.body, ticket):
            return None
        if self.type == CREATION:
            return next((one for one in happenings if one == CREATED), None)
        if not _performed(self.body["performer"], actor):
            return None
        events = self.body["events"]
        return next((one for event in events for one in happenings if one.is_meant_by(event)), None)


def _performed(performer: JSON, actor: Actor) -> bool:
    members = performer.get("members") or [actor.id]
    return actor.kind in _PERFORMERS[performer["type"]] and actor.id in members


def _holds(body: JSON, ticket: Ticket) -> bool:
    join = any if "or" in str(body["operator"]).lower().split() else all
    return join(_set_holds(conditions, ticket) for conditions in body["conditions"])


def _set_holds(conditions: JSON, ticket: Ticket) -> bool:
    join = any if conditions["match_type"] == "any" else all
    return join(_property_holds(wanted, ticket) for wanted in conditions["properties"])


def _property_holds(wanted: JSON, ticket: Ticket) -> bool:
    value = getattr(ticket, _PROPERTIES[wanted["field_name"]])
    values = value if isinstance(value, list) else [value]
    listed = wanted["value"] if isinstance(wanted["value"], list) else [wanted["value"]]
    sign = wanted["operator"]
    if sign in {"contains", "does_not_contain"}:
        found = any(str(word).lower() in str(one).lower() for word in listed for one in values)
    else:
        found = any(one in listed for one in values)
    return found != (sign in {"not_in", "is_not", "does_not_contain"})


def rule_body(type_: int, given: JSON) -> JSON:
    """A rule's body, checked, with defaults. Raises Refusal: 400, and 500 for a webhook without its keys."""
    required = ["name", "conditions", "actions", *(["performer", "events"] if type_ == UPDATE else [])]
    checks = _RULE | (_UPDATE if type_ == UPDATE else {})
    body: JSON = {"description": None, "active": True, "position": 1, "operator": "and"} | validate(
        given, checks, required=required
    )
    for action in body["actions"]:
        if action["field_name"] == WEBHOOK and any(not action.get(key) for key in WEBHOOK_KEYS):
            raise Refusal(500, {"code": "internal_error", "message": "We're sorry, but something went wrong."})
    return body


def _shaped(checks: dict[str, Check], required: tuple[str, ...]) -> Check:
    """An object with these keys and no others, faults named by their path."""

    def check(path: str, value: JSON) -> list[FieldError]:
        errors = [missing(f"{path}.{name}") for name in required if name not in value]
        for name, inner in value.items():
            errors += checks[name](f"{path}.{name}", inner) if name in checks else [unknown_field(f"{path}.{name}")]
        return errors

    return narrowed(typed(dict), check)


def _each(inner: Check) -> Check:
    def check(path: str, value: list[Any]) -> list[FieldError]:
        return [error for place, item in enumerate(value) for error in inner(f"{path}[{place}]", item)]

    return narrowed(typed(list), check)


def _anything(field: str, value: Any) -> list[FieldError]:
    del field, value
    return []


_PROPERTY = _shaped(
    {
        "resource_type": one_of(str, ["ticket"]),
        "field_name": one_of(str, _PROPERTIES),
        "operator": one_of(str, ["in", "not_in", "is", "is_not", "contains", "does_not_contain"]),
        "value": _anything,
    },
    ("resource_type", "field_name", "operator", "value"),
)
_CONDITIONS = _shaped(
    {"name": text, "match_type": one_of(str, ["all", "any"]), "properties": _each(_PROPERTY)},
    ("name", "match_type", "properties"),
)
_ACTION = _shaped(
    {
        "field_name": one_of(str, [WEBHOOK, *SETTERS, *STORED]),
        "value": _anything,
        "request_type": one_of(str, ["GET", "POST", "PUT", "PATCH", "DELETE"]),
        "url": text,
        "content_type": one_of(str, ["JSON"]),
        "content_layout": one_of(str, ["1", "2"]),
        "content": typed(dict, str),
        "custom_headers": typed(dict),
        "auth_header": typed(dict),
        "api_key": text,
    },
    ("field_name",),
)
_EVENT = _shaped(
    {"field_name": one_of(str, EVENTS), "from": _anything, "to": _anything, "value": _anything}, ("field_name",)
)
_RULE: dict[str, Check] = {
    "name": filled,
    "description": optional(text),
    "position": typed(int),
    "active": flag,
    "conditions": _each(_CONDITIONS),
    "operator": text,
    "actions": _each(_ACTION),
}
_UPDATE: dict[str, Check] = {
    "performer": _shaped({"type": one_of(int, _PERFORMERS), "members": integers}, ("type",)),
    "events": _each(_EVENT),
}


class Rulebook:
    """The rules of an account, in the order of their positions."""

    def __init__(self) -> None:
        self.rules: dict[int, Rule] = {}

    def add(self, type_: RuleType, given: JSON, actor: Actor, id_: int, now: float) -> Rule:
        """A new rule. Raises Refusal."""
        rule = Rule(id_, type_, rule_body(type_, given), actor.id, now, now)
        self.rules[id_] = rule
        return rule

    def of(self, type_: int) -> list[Rule]:
        """The rules of a type, first position first."""
        found = (rule for rule in self.rules.values() if rule.type == type_)
        return sorted(found, key=lambda rule: (rule.body["position"], rule.id))

    def answering(
        self, type_: int, ticket: Ticket, happenings: list[Happening], actor: Actor
    ) -> Iterator[tuple[Rule, Happening]]:
        """Every rule that answers to what happened, with the happening that it answers to."""
        for rule in self.of(type_):
            if happening := rule.match(ticket, happenings, actor):
                rule.affected += 1
                yield rule, happening


def type_of(number: int) -> RuleType:
    """The type of rules a path names. Raises Refusal: 404 for the unknown."""
    if number == CREATION:
        return 1
    if number == HOURLY:
        return 3
    if number == UPDATE:
        return 4
    raise Refusal(404)
