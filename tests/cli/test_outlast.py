"""`check --live` and `sync` outlast a desk's passing fault, say so, and give up in the end; no time is spent here."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity.nap
from typer.testing import CliRunner, Result

from bridge.budget import Held
from deskbridge.cli import app
from deskbridge.cli.outlast import ATTEMPTS_MAX, SECONDS_MAX, outlast
from sandbox.common.server import Running, start
from sandbox.freshdesk import FreshdeskSandbox
from tests.core.test_journey import POLICY
from tests.core.world import OPTIONS


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of the command, none of which is waited."""
    waits: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=waits.append))
    return waits


@pytest.fixture
def desk() -> Iterator[Running]:
    with start(FreshdeskSandbox()) as running:
        yield running


@pytest.fixture
def config(desk: Running, tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY)
    file = tmp_path / "deskbridge.yaml"
    file.write_text(
        json.dumps({"desks": {"acme-freshdesk": {"vendor": "freshdesk", "url": desk.url, **OPTIONS["freshdesk"]}}})
    )
    return file


def break_(desk: Running, **faults: Any) -> None:
    request = urllib.request.Request(
        f"{desk.url}/_sandbox/faults",
        json.dumps(faults).encode(),
        method="PUT",
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10):
        pass


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(config)])


COMMANDS = [["check", "--live"], ["sync"], ["sync", "--since", "2h"]]


@pytest.mark.parametrize("fault", [{"500": {"next": 2}}, {"reset": {"next": 2}}, {"503": {"next": 2}}])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_passing_fault_is_outlasted_and_said(
    command: list[str], fault: dict[str, Any], desk: Running, config: Path, slept: list[float]
) -> None:
    break_(desk, **fault)
    result = run(config, *command)
    assert result.exception is None, result.output
    assert result.exit_code == 0
    said = re.findall(r"desk 'acme-freshdesk': .*; asked again in \d+ s", result.stderr)
    assert len(said) == len(slept) == 2


def test_a_desk_that_says_when_to_come_again_is_obeyed_to_the_second(
    desk: Running, config: Path, slept: list[float]
) -> None:
    break_(desk, **{"429": {"next": 1, "retry_after": 7}})
    result = run(config, "check", "--live")
    assert result.exit_code == 0
    assert slept == [7.0]
    assert "asked again in 7 s" in result.stderr


def test_each_name_that_the_desk_lacks_is_told_at_its_line(config: Path, tmp_path: Path) -> None:
    text = POLICY.replace("billing: Billing", "billing: Money").replace("ana: ana@", "ana: ann@")
    text += '  "*": {fields: {order: cf_ordr}}\n'
    (tmp_path / "policy.yaml").write_text(text)
    result = run(config, "check", "--live", "--json")
    told = [one for one in map(json.loads, result.stdout.splitlines()) if " is not on desk " in one["message"]]
    lines = text.splitlines()
    marked = {one["message"].partition(" (")[0]: lines[one["line"] - 1][one["column"] - 1 :] for one in told}
    assert {name: rest[:6] for name, rest in marked.items()} == {
        "team 'billing'": "Money,", "agent 'ana'": "ann@ac", "field 'order'": "cf_ord",
    }  # fmt: skip
    assert all(one["line"] > text[: text.index("acme-freshdesk")].count("\n") for one in told)
    assert result.exit_code == 2


def test_nobody_waits_for_longer_than_a_minute(desk: Running, config: Path, slept: list[float]) -> None:
    break_(desk, **{"429": {"next": 1, "retry_after": SECONDS_MAX + 1}})
    result = run(config, "check", "--live")
    assert "(HTTP 429)" in str(result.exception)
    assert slept == []


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_fault_that_lasts_is_told_after_some_attempts(
    command: list[str], desk: Running, config: Path, slept: list[float]
) -> None:
    break_(desk, **{"503": 1.0})
    result = run(config, *command)
    assert "acme" in str(result.exception)
    assert 0 < len(slept) < ATTEMPTS_MAX


def test_our_own_budget_is_waited_for_as_long_as_it_takes(slept: list[float]) -> None:
    held = [Held("the desk's call budget is spent", SECONDS_MAX - 1, spent=True)] * (2 * ATTEMPTS_MAX)

    def ask() -> str:
        if held:
            raise held.pop()
        return "the page"

    assert outlast("acme", ask) == "the page"
    assert slept == [SECONDS_MAX - 1] * (2 * ATTEMPTS_MAX)


def test_a_refusal_is_told_at_once(desk: Running, config: Path, slept: list[float]) -> None:
    config.write_text(config.read_text().replace("sandbox-freshdesk-key", "no-such-key"))
    result = run(config, "check", "--live")
    assert "refuses the credentials" in str(result.exception)
    assert slept == []
