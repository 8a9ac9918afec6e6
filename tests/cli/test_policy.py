"""`deskbridge policy`: versions listed, shown, brought into effect and taken back from the shell."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import rules
from bridge.errors import BadFile, DeskbridgeError
from bridge.store import Store, policies
from bridge.store.activations import How
from bridge.store.policies import Candidate
from deskbridge.cli import app
from deskbridge.policies import here
from tests.conftest import Clock
from tests.core.test_policy_versions import DEAD, DOUBTED, FAILING, FAULTY, OTHER, POLICY, version

Run = Callable[..., str]

SETTINGS = """\
database: sqlite:///bridge.sqlite3
desks:
  acme:
    {vendor: freshdesk, url: http://127.0.0.1:9, api_key: k,
     webhook_secrets: [a-header-secret-of-ours], path_secrets: [a-path-secret-of-ours]}
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `deskbridge policy` on the settings and policy of a folder: what it says, or its error raised."""
    (tmp_path / "deskbridge.yaml").write_text(SETTINGS)
    (tmp_path / "policy.yaml").write_text(POLICY)

    def run(*arguments: str) -> str:
        given = ["policy", *arguments, "--config", str(tmp_path / "deskbridge.yaml")]
        result = CliRunner(env={"COLUMNS": "200"}).invoke(app, given)
        if isinstance(result.exception, DeskbridgeError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return run


def rows(run: Run) -> list[dict[str, object]]:
    return [json.loads(line) for line in run("list", "--json").splitlines()]


def test_a_file_is_checked_and_brought_into_effect_once(run: Run) -> None:
    assert run("activate") == f"Version {version(POLICY)} is in effect.\n"
    assert "is in effect already, since" in run("activate")
    (row,) = rows(run)
    assert (row["version"], row["how"], row["who"], row["decisions"]) == (version(POLICY), "command", here(), 0)


def test_another_file_supersedes_it_and_a_rollback_brings_it_back_by_name(run: Run, tmp_path: Path) -> None:
    run("activate")
    (tmp_path / "other.yaml").write_text(OTHER)
    told = run("activate", str(tmp_path / "other.yaml"), "--by", "Ana Alvarez")
    assert told == f"Version {version(OTHER)} is in effect; before it was {version(POLICY)}.\n"
    assert (
        run("rollback", "--by", "Bo Berg")
        == f"Version {version(POLICY)} is in effect; before it was {version(OTHER)}.\n"
    )
    assert [(row["version"], row["how"], row["who"]) for row in rows(run)] == [
        (version(POLICY), "rollback", "Bo Berg"),
        (version(OTHER), "command", "Ana Alvarez"),
        (version(POLICY), "command", here()),
    ]
    assert version(OTHER) in run("rollback", version(OTHER)[:5])


def test_the_text_of_a_version_is_shown_as_it_stood(run: Run, tmp_path: Path) -> None:
    commented = "# for the auditors\n" + POLICY
    (tmp_path / "policy.yaml").write_text(commented)
    run("activate")
    (tmp_path / "policy.yaml").write_text(OTHER)
    run("activate")
    assert run("show") == OTHER
    assert run("show", version(POLICY)[:6]) == commented


@pytest.mark.parametrize("text", [FAULTY, FAILING, DEAD])
def test_a_file_that_does_not_check_clean_is_refused_with_its_place(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(BadFile, match=r"policy\.yaml:\d+:\d+: "):
        run("activate")
    assert run("list") == "No policy has taken effect yet.\n"


def test_what_is_most_likely_a_mistake_is_told_and_takes_effect(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(DOUBTED)
    told = run("activate").splitlines()
    assert "warning: Nothing uses the team 'idle'" in told[0]
    assert told[1] == f"Version {version(DOUBTED)} is in effect."


def test_a_file_that_is_not_there_is_named(run: Run) -> None:
    with pytest.raises(BadFile, match=r"missing\.yaml:1:1: cannot be read"):
        run("activate", "missing.yaml")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rollback"], "none to go back to"),
        (["rollback", "abc"], "begins with 'abc'"),
        (["show"], "no policy has taken effect yet"),
        (["show", "abc"], "begins with 'abc'"),
    ],
)
def test_what_is_not_there_is_said_with_what_to_do(run: Run, arguments: list[str], words: str) -> None:
    with pytest.raises(DeskbridgeError, match=re.escape(words)):
        run(*arguments)


@pytest.mark.parametrize(
    ("text", "fault"),
    [("policy: deskbridge/v0\n", ":1:9: "), (DEAD, ":5:6: "), (FAILING, ":8:1: policy test 'never'")],
)
def test_a_version_that_does_not_check_clean_in_this_release_is_not_rolled_back_to(
    run: Run, tmp_path: Path, clock: Clock, text: str, fault: str
) -> None:
    store = Store(f"sqlite:///{tmp_path}/bridge.sqlite3")
    store.migrate()
    policies.activate(store, Candidate("0ldversion00", text), how=How.FILE, who="x", now=clock.now)
    run("activate")
    with pytest.raises(BadFile, match=f"policy version 0ldversion00{fault}"):
        run("rollback")
    assert rows(run)[0]["version"] == version(POLICY)
    store.close()
    assert rows(run)[0]["version"] == rules.loads(POLICY).version


def test_the_table_shows_who_brought_what_and_how_much_it_decided(run: Run) -> None:
    run("activate", "--by", "Ana Alvarez")
    table = run("list")
    assert all(word in table for word in (version(POLICY), "Ana Alvarez", "command", "decisions kept"))
