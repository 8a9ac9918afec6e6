"""`deskbridge explain`: a ticket of a file, of a running desk, of a past decision, each with what decided and why."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

import rules
from bridge.errors import BadFile
from bridge.store import Store, policies, tables
from bridge.store.activations import How
from bridge.store.policies import Candidate
from deskbridge.explaining import NothingToExplain
from tests.cli.running import Command
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import OPTIONS, World

DESK = "acme-freshdesk"


@pytest.fixture
def world(request: pytest.FixtureRequest, sqlite_store: Store, clock: Clock, tmp_path: Path) -> Iterator[World]:
    """A bridge on a sandbox, Freshdesk's by default, with the files of its settings and policy beside its database."""
    vendor = getattr(request, "param", "freshdesk")
    (tmp_path / "policy.yaml").write_text(POLICY)
    found = World(vendor, sqlite_store, clock, policy=POLICY)
    desk = {"vendor": vendor, "mode": "live", "url": found.running.url, **OPTIONS[vendor]}
    settings = {"database": f"sqlite:///{tmp_path}/bridge.sqlite3", "desks": {f"acme-{vendor}": desk}}
    (tmp_path / "deskbridge.yaml").write_text(json.dumps(settings))
    yield found
    found.close()


COMMAND = Command("explain")
invoke, run, plain = COMMAND.invoke, COMMAND.run, COMMAND.plain


def rule(explained: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in explained["rules"] if one["rule"] == name)
    return found


def counts(store: Store) -> dict[str, int]:
    """How many rows each table has that says something of tickets and decisions."""
    kept = (tables.decisions, tables.operations, tables.tickets, tables.deliveries, tables.reservations)
    with store.reading() as connection:
        return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in kept}


def test_a_ticket_of_a_desk_is_read_and_explained_with_the_agents_who_lost_and_nothing_is_written(
    world: World, tmp_path: Path
) -> None:
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.delivered()
    calls, before = len(world.calls()), counts(world.store)
    explained = plain(tmp_path, f"{DESK}:{number}")
    assert (explained["ticket"], explained["policy"]) == (f"{DESK}:{number}", world.policy.version)
    assert [one["rule"] for one in explained["rules"] if one["applied"]] == ["money", "billing"]
    assert explained["goes_to"]["team"] == "billing"
    assert {one["name"]: one["because"] for one in explained["assignment"]["candidates"]} == {
        "ana": "smallest share in use: 0 of 3",
        "bo": "could have it, ana comes first",
    }
    assert {call["method"] for call in world.calls()[calls:]} == {"GET"}
    assert (world.writes(number), counts(world.store)) == ([], before)
    assert explained["decisions"] == []
    assert explained["remarks"] == ["not decided on yet: this is what the policy would do with it now"]


def test_agents_who_are_away_lose_in_those_words(world: World, tmp_path: Path) -> None:
    world.control("POST", "agents/status", {"agent": "ana@acme.example", "status": "offline"})
    world.take_roster()
    number = world.customer("Charged twice", "Please refund the invoice.")
    (lost,) = [line for line in run(tmp_path, f"{DESK}:{number}").splitlines() if line.startswith("│ ana")]
    assert [cell.strip() for cell in lost.split("│")[1:5]] == ["ana", "lost", "offline", "0 of 3"]


def test_what_somebody_else_set_is_told_as_left_alone_and_earlier_decisions_by_time_and_mode(
    world: World, tmp_path: Path
) -> None:
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    world.agent(number, set={"remove_tags": ["money"]})
    world.run()
    explained = plain(tmp_path, f"{DESK}:{number}")
    assert explained["kept"] == ["tag money was taken off by somebody"]
    (decision,) = world.decisions(number)
    assert explained["decisions"] == [{"id": decision.id, "at": decision.at.isoformat(), "mode": "live"}]
    assert not [remark for remark in explained["remarks"] if remark.startswith("not decided on yet")]
    assert explained["assignment"] is None
    assert explained["remarks"][0].startswith("it has an agent already")
    told = run(tmp_path, f"{DESK}:{number}")
    assert f"left alone: {explained['kept'][0]}" in told
    assert f"earlier decision: {decision.at:%Y-%m-%d %H:%M} UTC, live, {decision.id}" in told


@pytest.mark.parametrize("world", ["zendesk", "intercom"], indirect=True)
def test_what_somebody_set_and_took_back_before_we_looked_is_told_as_left_alone(world: World, tmp_path: Path) -> None:
    world.control("PUT", "faults", {"drop": 1.0})
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.clock.turn(4)
    world.agent(number, set={"team": "Billing", "assignee": "bo@acme.example"})
    world.agent(number, set={"assignee": None})
    kept = plain(tmp_path, f"{world.desk.name}:{number}")["kept"]
    assert "assignee was set by somebody else" in kept


def test_a_past_decision_is_explained_by_the_policy_and_the_ticket_that_it_was_made_by(
    world: World, tmp_path: Path, clock: Clock
) -> None:
    policies.activate(world.store, Candidate(world.policy.version, POLICY), how=How.FILE, who="x", now=clock.now)
    number = world.customer("Question", "I have the invoice.", email="ada@mail.example")
    world.run()
    (decision,) = world.decisions(number)
    other = POLICY.replace("refund", "repay").replace("{act: 0.8", "{act: 0.95").replace("name: money", "name: cash")
    policies.activate(world.store, Candidate(rules.loads(other).version, other), how=How.FILE, who="x", now=clock.now)
    world.agent(number, set={"priority": "urgent", "assignee": None})
    explained = plain(tmp_path, decision.id)
    assert (explained["policy"], explained["mode"]) == (decision.policy_version, "live")
    assert [one["rule"] for one in explained["rules"] if one["applied"]] == [one.rule for one in decision.verdicts]
    assert decision.assignment is not None
    assert explained["assignment"]["agent"] == decision.assignment.agent
    assert len(explained["assignment"]["candidates"]) == len(decision.assignment.candidates) == 2
    by_the_other = plain(tmp_path, decision.id, "--policy", rules.loads(other).version[:6])
    assert rule(by_the_other, "billing")["miss"]["words"] == (
        "`billing` would have matched if intent confidence were 0.95; it was 0.9"
    )
    (tmp_path / "other.yaml").write_text(other)
    by_a_file = plain(tmp_path, decision.id, "--policy", str(tmp_path / "other.yaml"))
    assert by_a_file == by_the_other
    assert (by_a_file["policy"], by_a_file["assignment"]) == (rules.loads(other).version, None)
    assert decision.policy_version in by_a_file["remarks"][0]


def test_a_decision_that_retention_purged_is_said_to_be_gone(world: World, tmp_path: Path) -> None:
    del world
    with pytest.raises(NothingToExplain, match=r"no file, desk:id or decision '01HZ'.*retention_days"):
        run(tmp_path, "01HZ")


@pytest.mark.parametrize("world", ["zendesk", "freshdesk", "intercom"], indirect=True)
def test_a_ticket_that_the_desk_does_not_have_is_told_with_the_desk_and_what_to_do(
    world: World, tmp_path: Path
) -> None:
    desk, missing = world.name, "conversation:999999" if world.name == "acme-intercom" else "999999"
    with pytest.raises(
        NothingToExplain, match=rf"desk '{desk}' has no ticket '{missing}' \(.*HTTP 404\)\); look"
    ) as told:
        run(tmp_path, f"{desk}:{missing}")
    assert "web page" not in str(told.value)


def test_an_unknown_desk_is_told_with_those_there_are(world: World, tmp_path: Path) -> None:
    del world
    result = invoke(tmp_path, "nowhere:1")
    assert result.exit_code == 2
    assert "no desk is called 'nowhere'" in result.stderr


def test_a_ticket_in_a_file_is_explained_down_to_the_condition_with_its_line(world: World, tmp_path: Path) -> None:
    del world
    (tmp_path / "t.yaml").write_text("subject: Hello\nbody: My lawyer will call.\nintent: billing\n")
    explained = plain(tmp_path, str(tmp_path / "t.yaml"))
    assert rule(explained, "lawyer") == {
        "stage": "annotate",
        "rule": "lawyer",
        "line": 12,
        "verdict": True,
        "applied": True,
        "because": "text has 'lawyer'",
        "condition": {"words": "text: [lawyer]", "line": 12, "verdict": True, "value": "'lawyer'"},
        "miss": None,
    }
    assert rule(explained, "everything else")["because"] == "it has no condition; but 'billing' comes first"
    assert explained["nearest"] == (
        "`everything else` would have been applied if intent confidence were 0.79; it was 1"
    )
    assert "agents are not told" in explained["remarks"][0]


def test_a_ticket_in_a_file_that_names_a_desk_is_routed_among_its_agents(world: World, tmp_path: Path) -> None:
    del world
    (tmp_path / "t.json").write_text(json.dumps({"subject": "Refund", "body": "the invoice", "desk": DESK}))
    explained = plain(tmp_path, str(tmp_path / "t.json"))
    assert explained["assignment"]["agent"] == "ana"


@pytest.mark.parametrize(("waiting", "teams"), [("1m", {"billing"}), ("1h", {"billing", "general"})])
def test_a_ticket_in_a_file_has_waited_as_long_as_the_file_says(
    world: World, tmp_path: Path, waiting: str, teams: set[str]
) -> None:
    timed = POLICY.replace("to: {team: billing}", "to: {team: billing, then: general, wait_at_most: 10m}")
    (tmp_path / "policy.yaml").write_text(timed)
    (tmp_path / "t.yaml").write_text(f"{{subject: Invoice, body: refund, desk: {DESK}, waiting: {waiting}}}\n")
    named = {one["name"] for one in plain(tmp_path, str(tmp_path / "t.yaml"))["assignment"]["candidates"]}
    asked = {team for team in ("billing", "general") if named & {one.name for one in world.policy.members(team)}}
    assert asked == teams


def test_a_ticket_in_a_file_is_explained_by_a_policy_in_a_file_without_any_settings(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    (tmp_path / "t.yaml").write_text("subject: Hello\nbody: The invoice is late.\n")
    explained = plain(tmp_path, str(tmp_path / "t.yaml"), "--policy", str(tmp_path / "p.yaml"))
    assert explained["goes_to"] == {"rule": "billing", "team": "billing", "skills": [], "then": None}
    assert not (tmp_path / "bridge.sqlite3").exists()


def test_the_text_of_a_ticket_is_never_told(world: World, tmp_path: Path) -> None:
    number = world.customer("Charged twice", "Please refund the invoice. My password is hunter2.")
    assert "hunter2" not in run(tmp_path, f"{DESK}:{number}", "--json") + run(tmp_path, f"{DESK}:{number}")


def test_a_mistake_in_the_file_is_told_with_its_place(world: World, tmp_path: Path) -> None:
    del world
    (tmp_path / "t.yaml").write_text("subject: Hello\nchanel: chat\n")
    with pytest.raises(BadFile, match=r"t\.yaml:2:1: 'chanel' is not a key here; did you mean 'channel'\?"):
        run(tmp_path, str(tmp_path / "t.yaml"))


def test_every_rule_and_the_nearest_miss_stand_in_what_a_person_reads(world: World, tmp_path: Path) -> None:
    del world
    (tmp_path / "t.yaml").write_text("subject: Hello\nbody: The invoice is late.\n")
    text = run(tmp_path, str(tmp_path / "t.yaml"), "--policy", str(tmp_path / "policy.yaml"))
    assert "yes money (line 11) applied" in text
    assert "no text: [lawyer] (line 12); the ticket: no such words" in text
    assert "`lawyer` would have matched if text had 'lawyer'; it had none of them" in text
    assert "live: to team billing by 'billing'" in text
    assert "yes everything else (line 15), but 'billing' comes first" in text
