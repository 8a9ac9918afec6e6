"""The JSON Schema of a policy file, by which editors complete, explain and check it as it is typed."""

import json
import re
from inspect import getdoc
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from rules.conditions import Condition
from rules.descriptions import ELSEWHERE, KEYS
from rules.operators import PREFIXES, Named, Operators
from rules.schema import Expect, PolicyFile

FILE: Final = "policy.schema.json"
"""The file that `deskbridge init` writes, and that the starter's first line names to editors."""


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12.

    It accepts every file that loads, save for `null` where a test expects nothing; names that must stand elsewhere in
    the file, and what spans several rules, only `deskbridge check` knows.
    """
    made = PolicyFile.model_json_schema(by_alias=True, schema_generator=_Generator)
    return {"$schema": GenerateJsonSchema.schema_dialect, "title": "Deskbridge policy", **made}


def text() -> str:
    """The schema as a file has it."""
    return f"{json.dumps(schema(), indent=2)}\n"


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, told what our validators accept and what each key means."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """The schema of one model."""
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        made.pop("title", None)
        made["properties"] = {key: _key(model, key, value) for key, value in made.get("properties", {}).items()}
        if issubclass(model, Named):
            _own_keys(made)
        if issubclass(model, Condition | Operators):
            made["minProperties"] = 1
        return _short(model, made) if issubclass(model, Operators) else made

    def frozenset_schema(self, schema: core_schema.FrozenSetSchema) -> JsonSchemaValue:
        """A list; what stands in it twice is once in it, and no mistake."""
        return {name: value for name, value in super().frozenset_schema(schema).items() if name != "uniqueItems"}


def _key(model: type[BaseModel], key: str, value: JsonSchemaValue) -> JsonSchemaValue:
    """One key without pydantic's own title and default; `null` is a value in `expect` alone."""
    options = value.get("anyOf", [])
    if {"type": "null"} in options and not issubclass(model, Expect):
        options = [one for one in options if one != {"type": "null"}]
        value = {**value, "anyOf": options} if len(options) > 1 else {**value, **options[0]}
        if len(options) == 1:
            value.pop("anyOf", None)
    kept = {name: each for name, each in value.items() if name not in {"title", "default"}}
    if issubclass(model, Condition | Operators) and kept.get("type") == "array":
        kept["minItems"] = 1
    return {**kept, "description": ELSEWHERE.get((model.__name__, key)) or KEYS[key]}


def _own_keys(made: JsonSchemaValue) -> None:
    """`field.*` stands for every key that begins with `field.`."""
    for prefix in PREFIXES:
        gathered = made["properties"].pop(f"{prefix}.*")
        one = {**gathered["additionalProperties"], "description": gathered["description"]}
        made.setdefault("patternProperties", {})[f"^{re.escape(prefix)}[.].+"] = one


def _short(model: type[Operators], made: JsonSchemaValue) -> JsonSchemaValue:
    """A bare value or list stands for operators too."""
    keys = made["properties"]
    ways = [keys[name] for name in dict.fromkeys((model.bare, model.bare_list)) if name in keys]
    if model.bare == model.bare_list:
        ways.append(ways[0]["items"])
    made.pop("description", None)
    return {"description": getdoc(model), "anyOf": [*ways, made]}
