"""`deskbridge policy schema` and `policy format` as they are run, and what `init` writes for editors."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deskbridge.cli import app
from rules import STARTER, jsonschema

LOOSE = "# mine\npolicy:   deskbridge/v1\nteams: {general: {members: {cy: {capacity: 10}}}}   # all of us\n"
NEAT = "# mine\npolicy: deskbridge/v1\nteams: {general: {members: {cy: {capacity: 10}}}}  # all of us\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


def test_the_schema_is_printed_or_written(tmp_path: Path) -> None:
    printed = run("policy", "schema")
    assert printed.exit_code == 0
    assert json.loads(printed.stdout) == jsonschema.schema()
    assert run("policy", "schema", "--output", str(tmp_path / "s.json")).exit_code == 0
    assert (tmp_path / "s.json").read_text("utf-8") == printed.stdout
    assert "cannot write" in str(run("policy", "schema", "--output", str(tmp_path / "none" / "s.json")).exception)


def test_init_writes_the_schema_that_the_starter_names(tmp_path: Path) -> None:
    assert run("init", str(tmp_path)).exit_code == 0
    assert json.loads((tmp_path / "policy.schema.json").read_text("utf-8")) == jsonschema.schema()
    assert f"$schema=./{jsonschema.FILE}" in (tmp_path / "policy.yaml").read_text("utf-8")
    assert run("policy", "format", "--check", str(tmp_path / "policy.yaml")).exit_code == 0


def test_a_file_is_laid_out_once(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(LOOSE, "utf-8")
    assert run("policy", "format", str(file)).stdout == f"Laid {file} out anew.\n"
    assert file.read_text("utf-8") == NEAT
    assert run("policy", "format", str(file)).stdout == f"{file} is laid out well.\n"


def test_check_shows_the_change_and_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(LOOSE, "utf-8")
    said = str(run("policy", "format", "--check", str(file)).exception)
    assert "-policy:   deskbridge/v1\n" in said
    assert "+policy: deskbridge/v1\n" in said
    assert file.read_text("utf-8") == LOOSE


def test_without_a_file_it_is_the_settings_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(STARTER.read_text("utf-8").replace("mode: shadow", "mode:   shadow"), "utf-8")
    assert run("policy", "format").exit_code == 0
    assert (tmp_path / "policy.yaml").read_text("utf-8") == STARTER.read_text("utf-8")
