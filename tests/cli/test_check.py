"""`deskbridge check` as it is run: what lint finds, how loud it is, and what CI gets."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deskbridge.cli import app
from rules import STARTER
from rules.lint import CODES
from tests.rules.test_conflicts import SETTINGS

PAGE = (Path(__file__).parents[2] / "docs" / "lint.md").read_text("utf-8")
CLEAN = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[0]
EXAMPLES = re.findall(r"^### ([a-z-]+)\n.*?^```yaml\n(.*?)^```\n\n```\n(.*?)\n```", PAGE, re.DOTALL | re.MULTILINE)

Check = Callable[..., Result]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Runs `deskbridge check` on a policy's text."""

    def check(text: str, *options: str) -> Result:
        (tmp_path / "policy.yaml").write_text(text, "utf-8")
        (tmp_path / "deskbridge.yaml").write_text(SETTINGS, "utf-8")
        return CliRunner().invoke(app, ["check", "--config", str(tmp_path / "deskbridge.yaml"), *options])

    return check


def told(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def parts(example: str) -> str:
    """The first example with the sections of another one in the place of its own."""
    sections = dict(re.findall(r"^(\w+):(.*?)(?=^\w|\Z)", CLEAN, re.DOTALL | re.MULTILINE))
    sections |= dict(re.findall(r"^(\w+):(.*?)(?=^\w|\Z)", example, re.DOTALL | re.MULTILINE))
    return "".join(f"{name}:{text}" for name, text in sections.items())


def test_what_is_clean_is_told_in_one_line(check: Check) -> None:
    result = check(CLEAN, "--strict", "--hints")
    assert result.exit_code == 0
    assert result.stdout.endswith("are in order: 1 desk, 2 teams, 3 rules, 2 tests.\n")
    assert "policy.yaml" not in result.stderr
    assert told(check(CLEAN, "--json")) == []


def test_the_starter_has_no_fault_and_no_warning(check: Check) -> None:
    result = check(STARTER.read_text("utf-8"), "--strict")
    assert result.exit_code == 0
    assert re.search(r"\d hints, which --hints tells\.$", result.stdout)


def test_every_finding_has_an_example() -> None:
    assert [code for code, _, _ in EXAMPLES] == list(CODES)


@pytest.mark.parametrize(("code", "example", "words"), EXAMPLES, ids=[code for code, _, _ in EXAMPLES])
def test_every_example_is_found_in_the_words_of_the_page(check: Check, code: str, example: str, words: str) -> None:
    result = check(parts(example), "--json")
    found = {f"{one['severity']}: {one['message']} {one['advice']}": one for one in told(result)}
    assert words in found
    assert found[words]["code"] == code
    assert result.exit_code == (2 if CODES[code] == "fault" else 0)
    assert check(parts(example), "--json", "--strict").exit_code == (
        2 if {CODES[str(one["code"])] for one in found.values()} - {"hint"} else 0
    )


def test_a_finding_has_its_line_and_column_and_a_fault_fails(check: Check) -> None:
    text = CLEAN.replace("intent: billing}", "intent: billing, all: [{status: new}, {status: open}]}")
    result = check(text)
    words = "'billing' can never match. Its conditions contradict each other, or ask what never is; mend or delete it."
    assert str(result.exception).splitlines()[0].endswith(f"policy.yaml:11:6: fault: {words} [dead-rule]")
    (dead,) = [one for one in told(check(text, "--json")) if one["code"] == "dead-rule"]
    assert (dead["line"], dead["column"]) == (11, 6)


def test_mistakes_in_the_file_itself_are_json_too(check: Check) -> None:
    result = check(CLEAN.replace("skills", "skils").replace("intent: billing", "intnt: billing"), "--json")
    (fault,) = told(result)
    assert (result.exit_code, fault["severity"], fault["code"], fault["line"]) == (2, "fault", "file", 11)
    assert fault["hint"] == "did you mean 'intent'?"


def test_a_failing_test_of_the_policy_is_json_too(check: Check) -> None:
    (failed,) = told(check(CLEAN.replace("expect: {route: billing}", "expect: {route: everything else}"), "--json"))
    assert str(failed["message"]).startswith("policy test 'an invoice': route: expected everything else, got billing")


CALLING = """
webhooks: {crm: "https://crm.example/in"}
annotate:
  - {name: churn risk, when: {text: cancel my account}, then: {call: crm, notify: {to: billing, text: call them}}}
tests:
  - {name: an invoice, given: {body: my invoice}, expect: {route: billing}}
  - {name: leaving, given: {body: please cancel my account}, expect: {route: everything else, call: crm}}
"""


def test_a_webhook_that_nothing_signs_fails_and_a_desk_that_mails_no_notes_is_told(tmp_path: Path) -> None:
    config = tmp_path / "deskbridge.yaml"
    (tmp_path / "policy.yaml").write_text(parts(CALLING), "utf-8")
    config.write_text(SETTINGS + "  chat: {vendor: intercom, access_token: t, webhook_secrets: [s]}\n", "utf-8")
    result = CliRunner().invoke(app, ["check", "--config", str(config)])
    assert "a rule calls webhook 'crm', for which `outgoing.secrets` in the settings has no secret" in str(
        result.exception
    )
    warned = [line for line in result.stderr.splitlines() if "notify" in line]
    assert warned == ["warning: desk 'chat': intercom mails no notes, so that `notify` only stands in the note there"]


def test_tests_in_files_beside_the_policy_count_and_fail_too(check: Check, tmp_path: Path) -> None:
    text = CLEAN[: CLEAN.index("tests:")]
    beside = tmp_path / "more.cases.yaml"
    beside.write_text(CLEAN[CLEAN.index("tests:") :], "utf-8")
    assert told(check(text, "--json")) == []
    beside.write_text(beside.read_text("utf-8").replace("expect: {route: billing}", "expect: {team: general}"), "utf-8")
    assert "policy test 'an invoice': team: expected general, got billing" in str(check(text).exception)
