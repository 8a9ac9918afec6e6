"""The documentation names every setting with its default, and its examples are files that load."""

import base64
import re
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bridge.enrichment import build
from bridge.enrichment.options import (
    CsvSource,
    DeskSource,
    EnrichmentOptions,
    FieldNames,
    HistoryOptions,
    HttpSource,
    SqlSource,
)
from bridge.knowledge.options import ArticlesCsvOptions, FolderOptions, HelpCenterOptions, KnowledgeOptions
from bridge.ports import Desk
from bridge.settings import Core, DeskSettings, LoopOptions, OutgoingOptions, ReconcileOptions, Settings, load_settings
from deskbridge.vendors import VENDORS
from tests.conftest import Clock
from tests.enrichment.parts import FakeDesk

DOCS = Path(__file__).parents[2] / "docs"
OPTIONS = {name: vendor.options for name, vendor in VENDORS.items()}

SECTIONS: list[tuple[str, str, type[BaseModel]]] = [
    ("configuration.md", "Core", Core),
    ("configuration.md", "Reconcile", ReconcileOptions),
    ("configuration.md", "Loops", LoopOptions),
    ("configuration.md", "Outgoing", OutgoingOptions),
    ("configuration.md", "Desks", DeskSettings),
    *(("configuration.md", vendor, model) for vendor, model in OPTIONS.items()),
    ("enrichment.md", "Where facts come from", EnrichmentOptions),
    ("enrichment.md", "desk", DeskSource),
    ("enrichment.md", "csv", CsvSource),
    ("enrichment.md", "sql", SqlSource),
    ("enrichment.md", "http", HttpSource),
    ("enrichment.md", "fields", FieldNames),
    ("enrichment.md", "history", HistoryOptions),
    ("knowledge.md", "Knowledge: what may help to answer", KnowledgeOptions),
    ("knowledge.md", "folder", FolderOptions),
    ("knowledge.md", "csv", ArticlesCsvOptions),
    ("knowledge.md", "help_center", HelpCenterOptions),
]
"""Each model of the settings and the section that describes it."""


def section(file: str, heading: str) -> str:
    """The text of a section up to the next heading of any level."""
    text = (DOCS / file).read_text("utf-8")
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{file} has no section '{heading}'"
    return re.sub(r"```.*?```", "", found[1], flags=re.DOTALL)


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each table row by its key."""
    found = re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE)
    return {key: rest.split(" | ") for key, rest in found}


def settings_of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Every key an admin may write for a model, those of the models inside a vendor's included."""
    for name, field in model.model_fields.items():
        if (model, name) == (DeskSettings, "options"):
            continue
        yield name, field
        if model in OPTIONS.values():
            for inner in models_in(field.annotation):
                yield from settings_of(inner)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def shown(field: FieldInfo) -> str | None:
    """The default as a table should show it; None where words say it better."""
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel | tuple):
        return None
    return "none" if default in (None, {}) else f"`{worded(default)}`"


def worded(default: object) -> object:
    match default:
        case SecretStr():
            return default.get_secret_value()
        case timedelta():
            return f"{default.total_seconds():g}"
        case Enum():
            return default.value
    return default


@pytest.mark.parametrize(("file", "heading", "model"), SECTIONS, ids=[each[1] for each in SECTIONS])
def test_every_setting_is_described_with_its_default_and_nothing_else_is(
    file: str, heading: str, model: type[BaseModel]
) -> None:
    described = rows(section(file, heading))
    known = dict(settings_of(model)) | ({"desks": Settings.model_fields["desks"]} if model is Core else {})
    assert sorted(described) == sorted(known)
    for name, field in known.items():
        default = shown(field)
        if (model, name) != (CsvSource, "column") and default is not None:
            assert described[name][0] == default, name
        assert len(described[name][-1]) > 3, f"{name} lacks its meaning"


def test_no_model_of_the_enrichment_settings_lacks_a_section() -> None:
    known = {model for _, _, model in SECTIONS}
    assert {model for start in (Core, EnrichmentOptions) for model in reachable(start)} <= known


def reachable(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            yield from reachable(inner)


SIGNING_SECRET = f"whsec_{base64.b64encode(bytes(32)).decode()}"


def example(file: str) -> str:
    found = re.search(r"```yaml\n(.*?)```", (DOCS / file).read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]


def environment(text: str) -> dict[str, str]:
    names = re.findall(r"\$\{(\w+)\}", text)
    return {name: f"a-long-enough-secret-{name.lower()}" for name in names} | {"CRM_WEBHOOK_SECRET": SIGNING_SECRET}


def test_the_example_of_a_whole_file_loads_and_names_every_core_setting(tmp_path: Path) -> None:
    text = example("configuration.md")
    (tmp_path / "deskbridge.yaml").write_text(text)
    settings = load_settings(tmp_path / "deskbridge.yaml", vendors=OPTIONS, env=environment(text))
    assert {desk.vendor for desk in settings.desks.values()} == set(OPTIONS)
    assert settings.plain_secrets == ()
    assert Core.model_fields.keys() <= settings.model_fields_set


def test_the_example_of_enrichment_loads_and_names_every_setting(tmp_path: Path) -> None:
    text = example("enrichment.md") + "desks:\n" + example("configuration.md").partition("desks:\n")[2]
    (tmp_path / "customers.csv").write_text("Domain,Tier,Plan,Owner\n")
    (tmp_path / "deskbridge.yaml").write_text(text)
    settings = load_settings(tmp_path / "deskbridge.yaml", vendors=OPTIONS, env=environment(text))
    parts = [settings.enrichment, settings.enrichment.history, *settings.enrichment.customer]
    named = {type(part): part.model_fields_set for part in parts if part}
    assert named[EnrichmentOptions] == EnrichmentOptions.model_fields.keys()
    assert named[HistoryOptions] == HistoryOptions.model_fields.keys()
    for model in (DeskSource, CsvSource, SqlSource, HttpSource):
        assert model.model_fields.keys() - named[model] <= {"max_age_seconds", "fields"}


def test_every_fact_is_described() -> None:
    options = EnrichmentOptions()
    enrichers = build(options, cast("Desk", FakeDesk()), Clock()).enrichers
    described = re.findall(r"^\| `([\w.]+)` \|", section("enrichment.md", "Facts"), re.MULTILINE)
    assert described == [name for enricher in enrichers for name in enricher.gives]
