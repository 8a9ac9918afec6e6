"""The JSON Schema knows every key, explains it, accepts what loads and refuses what does not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it publishes no types

import rules
from bridge import yamlfile
from rules import jsonschema
from tests.rules.build import BASE
from tests.rules.test_docs import EXAMPLES, TYPES, completed
from tests.rules.test_engine import CONDITIONS, Condition

SCHEMA = jsonschema.schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def faults(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(yamlfile.parse(text, file="p.yaml").data)]


def test_it_is_a_schema_of_draft_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def keys(part: Any) -> Iterator[tuple[str, Any]]:
    """Every key that the schema knows, with what it says of it."""
    if isinstance(part, dict):
        yield from part.get("properties", {}).items()
        yield from part.get("patternProperties", {}).items()
        for each in part.values():
            yield from keys(each)
    elif isinstance(part, list):
        for each in part:
            yield from keys(each)


def test_every_key_of_the_language_is_in_it_and_explained() -> None:
    found = dict(keys(SCHEMA))
    models = [kind for kind in TYPES if hasattr(kind, "model_fields")]
    known = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert {key for key in known if not key.endswith(".*")} <= set(found)
    assert all(len(said["description"]) > 10 for said in found.values())


@pytest.mark.parametrize(
    "text", [rules.STARTER.read_text("utf-8"), *map(completed, EXAMPLES[1:]), EXAMPLES[0]], ids=lambda text: text[:40]
)
def test_what_loads_is_accepted(text: str) -> None:
    assert faults(text) == []


@given(CONDITIONS)
def test_every_condition_that_loads_is_accepted(condition: Condition) -> None:
    route = [{"name": "one", "when": condition, "to": {"team": "billing"}}, {"name": "last", "to": {"team": "general"}}]
    text = f"{BASE}route: {json.dumps(route)}\n"
    rules.loads(text)
    assert faults(text) == []


MISTAKES = {
    "a key that is mistyped": ("annotate:", "anotate:"),
    "a condition that is mistyped": ("{intent: billing}", "{intnt: billing}"),
    "an operator that is mistyped": ("{over: 2}", "{ower: 2}"),
    "a word of a closed list": ("priority: urgent", "priority: urgnt"),
    "text for a number": ("capacity: 16", "capacity: many"),
    "a number for text": ("{team: billing}", "{team: 7}"),
    "a list for a mapping": ("{act: 0.85, suggest: 0.55}", "[0.85, 0.55]"),
    "a threshold over one": ("act: 0.85", "act: 85"),
    "a test's key": ("expect: {intent: billing,", "expect: {intend: billing,"),
    "a mode": ("mode: shadow", "mode: dark"),
    "no teams": ("teams:\n  billing", "groups:\n  billing"),
    "an empty list": ("attachments: [image, video]", "attachments: []"),
    "a bare number for a set": ("attachments: [image, video]", "attachments: 3"),
    "an unknown file": ("attachments: [image, video]", "attachments: [picture]"),
}


@pytest.mark.parametrize(("old", "new"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_refused(old: str, new: str) -> None:
    text = rules.STARTER.read_text("utf-8")
    assert old in text
    assert faults(text.replace(old, new, 1))


def test_the_starter_names_its_schema_to_editors() -> None:
    first = rules.STARTER.read_text("utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema=./{jsonschema.FILE}"
