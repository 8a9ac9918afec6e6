"""`deskbridge simulate` from the shell: scenario or history, policies side by side, table, JSON and plot."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge.errors import DeskbridgeError
from bridge.model import Actor, ActorKind, Decision, Message, Visibility
from bridge.store import Store, journal
from deskbridge.cli import app
from deskbridge.simulation.scenario import Customers, Kind, Scenario, Work
from deskbridge.wiring import utc_now
from rules import STARTER
from tests.cli.test_policy import SETTINGS
from tests.core.test_journal import decision
from tests.rules.build import case
from tests.simulation.worlds import POLICY, SCENARIO, team, text

PAGE = (Path(__file__).parents[2] / "docs" / "routing.md").read_text("utf-8")
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `deskbridge simulate` in a folder with settings, a policy and a scenario; its error raised."""
    monkeypatch.chdir(tmp_path)
    for name, content in (("deskbridge.yaml", SETTINGS), ("policy.yaml", text(POLICY)), ("s.yaml", text(SCENARIO))):
        Path(name).write_text(content)

    def run(*arguments: str) -> str:
        result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["simulate", *arguments])
        if isinstance(result.exception, DeskbridgeError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return run


def told(run: Run, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("--json", "--seeds", "2", *arguments))
    return found | {"policies": {one["name"]: one for one in found["policies"]}}


def test_the_policy_stands_beside_the_baselines_and_every_run_says_the_same(run: Run) -> None:
    found = told(run, "--scenario", "s.yaml")
    assert list(found["policies"]) == ["policy.yaml", "round robin", "balanced"]
    assert found == told(run, "--scenario", "s.yaml")
    mine = found["policies"]["policy.yaml"]
    assert set(mine["measures"]) == {
        "first_response", "resolution", "waiting", "utilisation", "inequality", "handovers", "writes", "unanswered"
    }  # fmt: skip
    assert set(map(tuple, mine["more_than_first"].values())) == {(0.0, 0.0)}


def test_another_policy_and_a_change_are_columns_of_their_own_in_the_same_worlds(run: Run) -> None:
    alone = POLICY | {"teams": {"care": team("ana")}}
    Path("alone.yaml").write_text(text(alone))
    change = "teams.care.members={ana: {capacity: 50}}"
    found = told(run, "--scenario", "s.yaml", "--against", "alone.yaml", "--set", change)["policies"]
    assert list(found) == ["policy.yaml", "alone.yaml", change, "round robin", "balanced"]
    assert found["alone.yaml"]["measures"] == found[change]["measures"]
    more, _ = found["alone.yaml"]["more_than_first"]["waiting"]
    assert more == pytest.approx(
        found["alone.yaml"]["measures"]["waiting"][0] - found["policy.yaml"]["measures"]["waiting"][0]
    )
    assert more > 0


def test_a_policy_of_the_same_name_is_set_beside_and_not_in_the_place_of_the_first(run: Run) -> None:
    Path("old").mkdir()
    Path("old/policy.yaml").write_text(text(POLICY | {"teams": {"care": team("ana")}}))
    twice = ["--against", "old/policy.yaml", "--against", "old/policy.yaml"]
    found = told(run, "--scenario", "s.yaml", *twice)["policies"]
    assert list(found) == ["policy.yaml", "old/policy.yaml", "old/policy.yaml (2)", "round robin", "balanced"]
    assert found["old/policy.yaml"]["more_than_first"]["utilisation"][0] > 0


def test_what_only_one_policy_promises_is_told_and_drawn_of_that_one(run: Run) -> None:
    Path("sla.yaml").write_text(text(POLICY | {"sla": {"first_response": {"normal": "1h"}}}))
    for first, second in (("sla.yaml", "policy.yaml"), ("policy.yaml", "sla.yaml")):
        files = ["--policy", first, "--against", second]
        assert "SLA kept" in run("--scenario", "s.yaml", "--seeds", "1", "--plot", "a.svg", *files)


def test_the_table_has_every_measure_and_what_its_signs_mean(run: Run) -> None:
    Path("spam.yaml").write_text(text(SCENARIO | {"tickets": [*SCENARIO["tickets"], SPAM]}))
    table = run("--scenario", "spam.yaml", "--seeds", "2")
    assert re.search(r"first response, open hours .*\d ± \d.*\n.*[+-]\d", table)
    assert "Means over 2 worlds ± half of the 95 % interval" in table
    assert re.search(r"policy.yaml leaves \d+ tickets? of all worlds alone", table)


SPAM = {"share": 2, "given": {"intent": "spam"}}


def test_a_plot_is_an_svg_that_is_the_same_each_time_or_a_png(run: Run) -> None:
    for name in ("a.svg", "b.svg", "c.png"):
        run("--scenario", "s.yaml", "--seeds", "1", "--plot", name)
    assert Path("a.svg").read_bytes() == Path("b.svg").read_bytes()
    assert Path("a.svg").read_text().lstrip().startswith("<?xml")
    assert Path("c.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "teams.care.slots"], "changes nothing; write it like"),
        (["--set", "teams.sales.slots=2"], "leads nowhere: there is no 'sales'"),
        (["--set", "teams.cares.slots=2"], "did you mean 'care'?"),
        (["--set", "mode=live", "--set", "teams.care.slots=99"], "--set:2:18: should be less than or equal to 10"),
        (["--plot", "nowhere/a.svg", "--seeds", "1"], "cannot write nowhere/a.svg: No such file"),
        ([], "s.yaml:4:1: 'week' is not a key here; did you mean 'weeks'?"),
    ],
)
def test_what_makes_no_sense_is_told_in_words(run: Run, arguments: list[str], words: str) -> None:
    if not arguments:
        Path("s.yaml").write_text(text(SCENARIO).replace("weeks:", "week:"))
    with pytest.raises(DeskbridgeError, match=re.escape(words)):
        run("--scenario", "s.yaml", *arguments)


def test_a_plot_of_another_kind_is_refused_before_anything_is_run() -> None:
    result = CliRunner().invoke(app, ["simulate", "--plot", "a.gif"])
    assert (result.exit_code, ".svg or .png" in result.output) == (2, True)


def test_without_a_past_there_is_nothing_to_replay(run: Run) -> None:
    with pytest.raises(DeskbridgeError, match="routes none of the 0 tickets; look further back"):
        run()


def test_past_tickets_come_when_they_came_and_are_answered_as_often_as_their_customers_wrote(run: Run) -> None:
    store = Store("sqlite:///bridge.sqlite3")
    store.migrate()
    try:
        with store.writing() as connection:
            for number in range(6):
                for decision in past(str(number), hours=48 - 5 * number):
                    journal.write(connection, decision)
    finally:
        store.close()
    found = told(run)["policies"]["policy.yaml"]
    assert found["left_alone"] == 0
    resolution, _ = found["measures"]["resolution"]
    assert 3 < resolution < 5, "the customer took three hours to write back, the work some minutes"
    assert found["measures"]["unanswered"] == [0.0, 0.0]
    longer = told(run, "--since", "50h")["policies"]["policy.yaml"]["measures"]
    assert found["measures"]["utilisation"] == pytest.approx(longer["utilisation"], rel=1e-3), "before, there was none"


def past(ticket: str, hours: float) -> list[Decision]:
    """Two decisions on one ticket, the second after an agent answered and the customer wrote back three hours later."""
    came = utc_now() - timedelta(hours=hours)
    read = case("I have the invoice.", created_at=came)
    reply = Message("2", Actor(ActorKind.AGENT, "7"), Visibility.PUBLIC, "Here.", came + timedelta(minutes=10))
    again = Message("3", Actor(ActorKind.REQUESTER), Visibility.PUBLIC, "And?", came + timedelta(minutes=190))
    thread = replace(read.ticket, messages=(*read.ticket.messages, reply, again))
    return [
        replace(decision(f"{ticket}A", ticket, came), ticket=read.ticket),
        replace(decision(f"{ticket}B", ticket, came + timedelta(minutes=191)), ticket=thread),
    ]


EXAMPLE = re.findall(r"^```yaml\n(scenario: .*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_example_of_the_documentation_runs_on_the_starter_policy(run: Run) -> None:
    (example,) = EXAMPLE
    Path("week.yaml").write_text(example)
    found = told(run, "--scenario", "week.yaml", "--seeds", "1", "--policy", str(STARTER))
    assert found["policies"][STARTER.name]["measures"]["unanswered"] == [0.0, None]


@pytest.mark.parametrize("command", re.findall(r"^\$ deskbridge simulate (.*)", PAGE, re.MULTILINE))
def test_the_questions_of_the_documentation_can_be_asked_of_the_starter_policy(run: Run, command: str) -> None:
    Path("week.yaml").write_text(text(SCENARIO))
    options = shlex.split(command)
    found = told(run, "--policy", str(STARTER), "--plot", "asked.svg", *options)["policies"]
    assert list(found)[1] == ", ".join(options[3::2])
    assert Path("asked.svg").stat().st_size > 0


def test_a_long_or_odd_name_leaves_room_for_the_figures(run: Run) -> None:
    change = (
        "teams.care.members={ana$x$_: {capacity: 50}, " + ", ".join(f"b{n}: {{capacity: 9}}" for n in range(9)) + "}"
    )
    run("--scenario", "s.yaml", "--seeds", "1", "--set", change, "--plot", "long.svg")
    drawn = re.findall(r"<!-- (.*?) -->", Path("long.svg").read_text())
    assert "teams.care.members={ana$x$_: {capacity:" in drawn
    assert max(map(len, drawn)) <= 40


def test_every_key_of_a_scenario_stands_in_the_example_or_beneath_it() -> None:
    (example,) = EXAMPLE
    models = (Scenario, Kind, Customers, Work)
    keys = {key for model in models for key in model.model_fields}
    assert {key for key in keys if not re.search(rf"\b{key}:", example)} == set()


def test_the_bridge_itself_loads_nothing_of_it() -> None:
    heavy = "{'simpy', 'matplotlib'} & set(sys.modules)"
    command = f"import sys, deskbridge.cli, deskbridge.web; sys.exit(str({heavy}) if {heavy} else 0)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
