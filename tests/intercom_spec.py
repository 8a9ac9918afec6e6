"""Holds one HTTP exchange against Intercom's own OpenAPI description; shared by the adapter's and the sandbox's tests.

Where the description is wrong or laxer than Intercom, the exception stands here with its reason, nowhere else.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # publishes no types
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DESCRIPTION: Final = Path(__file__).parents[1] / ".." / "shared" / "specs" / "intercom-2.16.yaml"

UNDECLARED_STATUSES: Final = frozenset({400, 403, 404, 410, 422, 429, 500, 502, 503, 504})
"""Answered by Intercom on any route, declared on few; held against the schema `error` all the same."""

PATCHES: Final[Mapping[tuple[str, ...], object]] = {
    # The example of this very reply carries its companies in `data`, as every other list of type "list" does.
    ("contact_attached_companies", "properties", "data"): {
        "type": "array",
        "items": {"$ref": "#/components/schemas/company"},
    },
    # Attributes of an account are text, number or yes/no; the description forgets the numbers and the yes/no.
    ("company", "properties", "custom_attributes", "additionalProperties"): {},
    # An unset attribute is null and a checkbox is true or false, as `ticket_custom_attributes` and reality have it.
    ("custom_attributes", "additionalProperties"): {},
    # The example of a merge shows unassigned conversations with null, the words say 0; both are seen.
    ("conversation", "properties", "admin_assignee_id", "nullable"): True,
    ("conversation", "properties", "team_assignee_id", "nullable"): True,
    ("conversation_list_item", "properties", "admin_assignee_id", "nullable"): True,
    ("conversation_list_item", "properties", "team_assignee_id", "nullable"): True,
    ("ticket", "properties", "snoozed_until", "nullable"): True,  # its own words: "If null, ... not currently snoozed"
    # The description has cursors there; recorded lists of articles have the address of the next page, by its number.
    ("article_list", "properties", "pages"): {"$ref": "#/components/schemas/pages_link"},
}
"""What the description gets wrong, by the place in `components.schemas`, with what holds instead."""

UNDECLARED_PARAMETERS: Final = {("GET", "/articles"): frozenset({"page", "per_page"})}
"""What Intercom's own client library declares, and `pages.next` of the recorded answers has."""

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer as they went over the wire; `headers` are the request's."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    reply: bytes


class IntercomSpec:
    """The description, ready to judge exchanges."""

    def __init__(self, text: str) -> None:
        raw = yaml.load(text, Loader=yaml.CSafeLoader)
        for place, value in PATCHES.items():
            _patch(raw["components"]["schemas"], place, value)
        self._description = _as_json_schema(raw)
        self._registry: Registry[Any] = Registry().with_resource(
            "urn:intercom", DRAFT202012.create_resource(self._description)
        )
        self._routes = sorted(((_pattern(path), path) for path in raw["paths"]), key=lambda row: row[1].count("{"))
        self._validators: dict[str, Draft202012Validator] = {}

    def faults(self, exchange: Exchange) -> list[str]:
        """What is wrong with one exchange, one line each; empty where nothing is."""
        method, parts = exchange.method, urlsplit(exchange.url)
        route = next((path for pattern, path in self._routes if pattern.fullmatch(parts.path)), None)
        operation = self._description["paths"].get(route, {}).get(method.lower())
        if route is None or operation is None:
            return [f"{method} {parts.path}: the description has no such call"]
        values = {**_gaps(route, parts.path), **dict(parse_qsl(parts.query, keep_blank_values=True))}
        wrong = [
            *self._parameters(
                (method, route), operation, values, {name.lower(): text for name, text in exchange.headers.items()}
            ),
            *self._request(route, method, operation, exchange.body),
            *self._reply(route, method, operation, exchange),
        ]
        return [f"{method} {route} {exchange.status}: {fault}" for fault in wrong]

    def _parameters(self, call: tuple[str, str], operation: Node, values: Node, headers: Node) -> Iterator[str]:
        declared = {row["name"]: row for row in operation.get("parameters", ()) if row["in"] != "header"}
        for name in values.keys() - declared.keys() - UNDECLARED_PARAMETERS.get(call, frozenset()):
            yield f"parameter {name}: not in the description"
        for name, row in declared.items():
            if row.get("required") and name not in values:
                yield f"parameter {name}: missing"
            if name in values and row["schema"].get("type") == "integer" and not values[name].isdigit():
                yield f"parameter {name}: not an integer"
        known = self._description["components"]["schemas"]["intercom_version"]["enum"]
        if headers.get("intercom-version") not in known:
            yield "header Intercom-Version: missing or not a version of the description"

    def _request(self, route: str, method: str, operation: Node, body: bytes) -> Iterator[str]:
        declared = "requestBody" in operation
        if body and not declared:
            yield "request: a body where the description has none"
        elif declared and not body:
            yield "request: no body"
        elif body:
            pointer = _pointer("paths", route, method.lower(), "requestBody", "content", "application/json", "schema")
            # A key that the description does not know is a typo of ours that Intercom would ignore in silence.
            yield from self._judge("request", {"$ref": pointer, "unevaluatedProperties": False}, json.loads(body))

    def _reply(self, route: str, method: str, operation: Node, exchange: Exchange) -> Iterator[str]:
        status, reply = exchange.status, json.loads(exchange.reply)
        answer = operation["responses"].get(str(status))
        if answer is None and status not in UNDECLARED_STATUSES:
            yield "reply: a status that the description does not declare"
        elif status >= 400:
            yield from self._judge("reply", {"$ref": _pointer("components", "schemas", "error")}, reply)
        else:
            place = ("paths", route, method.lower(), "responses", str(status), "content", "application/json", "schema")
            yield from self._judge("reply", {"$ref": _pointer(*place)}, reply)

    def _judge(self, side: str, schema: Node, value: object) -> Iterator[str]:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator(schema, registry=self._registry)
        for error in self._validators[key].iter_errors(value):
            yield f"{side} {error.json_path}: {error.message[:200]}"


@cache
def _loaded() -> IntercomSpec:
    return IntercomSpec(DESCRIPTION.read_text(encoding="utf-8"))


def intercom_spec() -> IntercomSpec:
    """The description, read once a session. Skips the test where it is not there."""
    if not DESCRIPTION.exists():
        pytest.skip(
            "shared/specs/intercom-2.16.yaml is not there: put Intercom's OpenAPI description beside the checkout"
        )
    return _loaded()


def _patch(schemas: dict[str, Any], place: tuple[str, ...], value: object) -> None:
    *parents, last = place
    node = schemas
    for name in parents:
        node = node[name]
    node[last] = value


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0's dialect in JSON Schema's words: `nullable` becomes a type, beside a `$ref` or `allOf` a choice."""
    if isinstance(node, list):
        return [_as_json_schema(row) for row in node]
    if not isinstance(node, dict):
        return node
    plain = {
        key: _as_json_schema(value) for key, value in node.items() if key not in {"nullable", "example", "examples"}
    }
    if node.get("nullable") is not True:
        return plain
    if not isinstance(plain.get("type"), str) or "allOf" in plain:
        return {"anyOf": [plain, {"type": "null"}]}
    if "enum" in plain:
        plain["enum"] = [*plain["enum"], None]
    return {**plain, "type": [plain["type"], "null"]}


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(
        "".join(f"(?P<{part[1:-1]}>[^/]+)" if part[:1] == "{" else re.escape(part) for part in _split(path))
    )


def _split(path: str) -> list[str]:
    return re.split(r"(\{\w+\})", path)


def _gaps(route: str, path: str) -> dict[str, str]:
    found = _pattern(route).fullmatch(path)
    return found.groupdict() if found else {}


def _pointer(*parts: str) -> str:
    escaped = (part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D") for part in parts)
    return "urn:intercom#/" + "/".join(escaped)
