"""docs/policy.md: every example loads and passes its own tests, and every key of the language stands in one."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

import rules
from bridge import yamlfile
from rules.operators import PREFIXES
from rules.schema import PolicyFile

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def completed(example: str) -> str:
    """The example with the sections it lacks taken from the first one; the tests are always its own."""
    given = yamlfile.parse(example, file="example").data
    whole = yamlfile.parse(EXAMPLES[0], file="whole").data
    assert isinstance(given, dict)
    assert isinstance(whole, dict)
    data = {**whole, "annotate": [], **given}
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.split("\n")[0][:30] for example in EXAMPLES])
def test_every_example_loads_and_passes_its_own_tests(example: str) -> None:
    source = example if example == EXAMPLES[0] else completed(example)
    results = rules.loads(source).run_tests()
    assert results
    assert [(result.name, result.words) for result in results if not result.passed] == []


def keys_used(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield re.sub(rf"^({'|'.join(PREFIXES)})\..+", r"\1.*", key)
            yield from keys_used(value)
    elif isinstance(data, list):
        for value in data:
            yield from keys_used(value)


def kinds(kind: Any, seen: set[Any]) -> Iterator[Any]:
    """Every type that a model is made of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind in seen:
            return
        seen.add(kind)
        for field in kind.model_fields.values():
            yield from kinds(field.annotation, seen)
    for arg in () if get_origin(kind) is Literal else get_args(kind):
        yield from kinds(arg, seen)
    yield kind


TYPES = list(kinds(PolicyFile, set()))


def test_every_key_of_the_language_stands_in_an_example() -> None:
    used = {key for example in EXAMPLES for key in keys_used(yamlfile.parse(example, file="example").data)}
    models = {kind for kind in TYPES if isinstance(kind, type) and issubclass(kind, BaseModel)}
    known = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert len(models) > 20
    assert known - used == set()


def test_every_word_of_a_closed_list_is_named() -> None:
    enums = {str(member) for kind in TYPES if isinstance(kind, type) and issubclass(kind, StrEnum) for member in kind}
    literals = {str(word) for kind in TYPES if get_origin(kind) is Literal for word in get_args(kind)} - {"True"}
    assert len(enums) > 40
    assert {word for word in enums | literals if f"`{word}`" not in PAGE} == set()
