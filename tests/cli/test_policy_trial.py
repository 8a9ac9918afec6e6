"""`deskbridge policy test` and `policy diff`: what a changed policy does, before it takes effect."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BadFile
from bridge.store import Store, policies
from bridge.store.activations import How
from bridge.store.policies import Candidate, NoSuchVersion
from tests.cli.running import Command
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import OPTIONS, World

TESTS = """\
tests:
  - name: an invoice
    given: {subject: Question, body: I have the invoice.}
    expect: {route: billing, tags: [money], not_rule: lawyer}
"""
CASES = """\
tests:
  - name: a lawyer is nobody's favourite
    given: {subject: Question, body: Ask my lawyer.}
    expect: {route: billing, rules: [money, lawyer], tags: [money]}
"""
ALWAYS = "--since=9999d"


COMMAND = Command("policy")
invoke, run = COMMAND.invoke, COMMAND.run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with settings and a policy that has a test of its own."""
    (tmp_path / "policy.yaml").write_text(POLICY + TESTS)
    desk = {"vendor": "freshdesk", "url": "http://127.0.0.1:9", **OPTIONS["freshdesk"]}
    settings = {"database": f"sqlite:///{tmp_path}/bridge.sqlite3", "desks": {"acme-freshdesk": desk}}
    (tmp_path / "deskbridge.yaml").write_text(json.dumps(settings))
    return tmp_path


def test_the_tests_of_the_file_are_run_and_shown(folder: Path) -> None:
    text = run(folder, "test")
    assert "│ an invoice │ passed │" in text
    assert "1 of 1 tests passed." in text


def test_a_file_beside_the_policy_is_run_too_and_a_failure_is_told_as_a_diff_with_its_reasons(folder: Path) -> None:
    (folder / "legal.cases.yaml").write_text(CASES)
    text = run(folder, "test", code=1)
    assert "1 of 2 tests passed." in text
    _, _, told = text.partition("legal.cases.yaml:2: a lawyer is nobody's favourite\n")
    assert told.splitlines()[:6] == [
        "- route: billing",
        "+ route: everything else",
        "- tags: money",
        "+ tags: escalated",
        "- rules: money",
        "+ rules: not money",
    ]
    assert "  billing (line 14) not applied: intent was unknown, not billing" in told
    assert "`billing` would have matched if intent were billing; it was unknown" in told
    assert "  lawyer (line 12) applied: text has 'lawyer'" in told


def test_the_json_has_every_test_with_its_place_and_its_differences(folder: Path) -> None:
    (folder / "legal.cases.yaml").write_text(CASES)
    rows = [json.loads(line) for line in run(folder, "test", "--json", code=1).splitlines()]
    assert [(Path(row["file"]).name, row["line"], row["passed"]) for row in rows] == [
        ("policy.yaml", 27, True),
        ("legal.cases.yaml", 2, False),
    ]
    assert rows[1]["differences"][0] == {
        "what": "route",
        "expected": "billing",
        "got": "everything else",
        "words": "route: expected billing, got everything else",
    }


def test_a_policy_and_cases_elsewhere_are_run_without_any_settings(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.yaml").write_text(TESTS)
    text = run(tmp_path, "test", str(tmp_path / "p.yaml"), "--cases", str(tmp_path / "more" / "a.yaml"))
    assert "1 of 1 tests passed." in text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (CASES.replace("[money, lawyer]", "[money, loyer]"), r":4:45: there is no rule 'loyer'.*did you mean 'lawyer'"),
        (CASES.replace("route: billing", "route: bills"), r":4:21: there is no rule 'bills'"),
        (CASES.replace("given", "giving"), r":3:5: 'giving' is not a key here"),
        ("tests: []\n", r":1:8: should not be an empty list"),
    ],
)
def test_a_mistake_in_a_file_of_tests_is_told_with_its_place(folder: Path, text: str, fault: str) -> None:
    (folder / "legal.cases.yaml").write_text(text)
    with pytest.raises(BadFile, match=fault):
        run(folder, "test")


NEW = POLICY.replace("words: {billing: [invoice, refund]}", "words: {billing: [refund]}").replace(
    "{add_tags: [escalated]}", "{add_tags: [legal]}"
)
TICKETS = """\
tickets:
  - {subject: Question, body: I have the invoice.}
  - {subject: Question, body: "Refund me, says my lawyer."}
  - {subject: Question, body: Hello.}
"""


def test_tickets_of_a_file_are_told_by_the_edit_that_sends_them_elsewhere(folder: Path) -> None:
    (folder / "new.yaml").write_text(NEW)
    (folder / "tickets.yaml").write_text(TICKETS)
    arguments = ("diff", f"{folder}/policy.yaml", f"{folder}/new.yaml", "--tickets", f"{folder}/tickets.yaml")
    rows = [json.loads(line) for line in run(folder, *arguments, "--json").splitlines()]
    assert [{**row, "ticket": Path(row["ticket"]).name} for row in rows] == [
        {
            "ticket": "tickets.yaml:2",
            "elsewhere": True,
            "old_rule": "billing",
            "new_rule": "everything else",
            "differences": {"team": ["billing", "general"], "tags": ["money", "none"]},
            "cause": ["triage.words.billing: [invoice, refund] → [refund]"],
        },
        {
            "ticket": "tickets.yaml:3",
            "elsewhere": False,
            "old_rule": "billing",
            "new_rule": "billing",
            "differences": {"tags": ["escalated, money", "legal, money"]},
            "cause": ["annotate rule 'lawyer'.then.add_tags.0: escalated → legal"],
        },
    ]
    text = run(folder, *arguments)
    assert text.startswith(
        "2 edits. Of 3 tickets 1 would have gone elsewhere, 1 more would have been treated otherwise.\n"
    )
    assert "triage.words.billing: [invoice, refund] → [refund]: 1\n" in text


def test_an_edit_that_moves_no_ticket_is_told_too(folder: Path) -> None:
    (folder / "new.yaml").write_text(NEW)
    (folder / "tickets.yaml").write_text("tickets:\n  - {subject: Hello}\n")
    arguments = ("diff", f"{folder}/policy.yaml", f"{folder}/new.yaml", "--tickets", f"{folder}/tickets.yaml")
    text = run(folder, *arguments)
    assert text.startswith("2 edits. Of 1 ticket 0 would have gone elsewhere, 0 ")
    assert text.count("no ticket goes otherwise by: ") == 2


def test_many_tickets_of_one_edit_are_told_in_short_by_files_alone(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(POLICY)
    (tmp_path / "new.yaml").write_text(NEW)
    (tmp_path / "t.yaml").write_text("tickets:\n" + "  - {body: I have the invoice.}\n" * 23)
    text = run(tmp_path, "diff", f"{tmp_path}/old.yaml", f"{tmp_path}/new.yaml", "--tickets", f"{tmp_path}/t.yaml")
    assert text.count("t.yaml:") == 20
    assert "and 3 more; --json shows all" in text


@pytest.fixture
def world(sqlite_store: Store, clock: Clock, folder: Path) -> Iterator[World]:
    del folder
    found = World("freshdesk", sqlite_store, clock, policy=POLICY)
    yield found
    found.close()


def test_past_tickets_are_taken_from_the_journal_each_as_it_was_decided_on_last(
    world: World, folder: Path, clock: Clock
) -> None:
    versions = [
        policies.activate(world.store, Candidate(name, text), how=How.FILE, who="x", now=clock.now).version
        for name, text in (("0ld000000000", POLICY), ("new000000000", NEW))
    ]
    first = world.customer("Question", "I have the invoice.")
    world.customer("Question", "Hello.", email="bob@mail.example")
    world.run()
    world.customer("", "And my lawyer says hello.", ticket=first)
    world.run()
    rows = [json.loads(line) for line in run(folder, "diff", *versions, ALWAYS, "--json").splitlines()]
    assert [(row["ticket"], row["new_rule"]) for row in rows] == [(f"acme-freshdesk:{first}", "everything else")]
    assert rows[0]["differences"]["tags"] == ["escalated, money", "legal"]
    assert len(rows[0]["cause"]) == 2
    assert run(folder, "diff", *versions, ALWAYS).startswith("2 edits. Of 2 tickets 1 would have gone elsewhere, 0 ")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("diff", "abc", "policy.yaml"), NoSuchVersion),
        (("diff", "missing.yaml", "policy.yaml"), BadFile),
    ],
)
def test_a_policy_that_is_not_there_is_named(folder: Path, arguments: tuple[str, ...], error: Any) -> None:
    with pytest.raises(error, match=arguments[1]):
        run(folder, *arguments)
