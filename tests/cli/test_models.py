"""`deskbridge triage train --desk`, `models`, `rollback`, `drift`: from a desk's past to a model in effect and back."""

import csv
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bridge.store import Store, feedback
from bridge.store.feedback import Word
from bridge.store.models import NoSuchModel
from bridge.triage.intent import Options, silent
from deskbridge import training
from deskbridge.cli.models import ReadingFailed
from deskbridge.training import Ground
from deskbridge.wiring import utc_now
from sandbox.common.server import start
from sandbox.zendesk import ZendeskSandbox
from tests.cli.running import Command
from tests.core.test_journey import POLICY
from tests.core.world import OPTIONS, People
from tests.learning.tickets import WORDS, labelled, text_about

MODEL = "  model: {promise: 0.9, mode: live, intents: [Tech Support, General, Billing]}\nannotate:\n"
DESK = "acme-zendesk"
AGENTS = {"Billing": "ana", "Tech Support": "dee", "General": "eli"}


class Desk(People):
    """A sandbox desk on the real clock."""

    def __init__(self) -> None:
        self.running = start(ZendeskSandbox(export_delay=0))

    def past(self, number: int) -> None:
        """Tickets that people gave to a team and solved."""
        chance = Random(1)
        for _ in range(number):
            team = chance.choice(list(WORDS))
            made = self.customer("Help", text_about(team, chance))
            self.agent(made, f"{AGENTS[team]}@acme.example", set={"team": team, "status": "solved"})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk()
    (tmp_path / "policy.yaml").write_text(POLICY.replace("annotate:\n", MODEL, 1))
    settings = {
        "database": f"sqlite:///{tmp_path}/bridge.sqlite3",
        "desks": {DESK: {"vendor": "zendesk", "mode": "live", "url": made.running.url, **OPTIONS["zendesk"]}},
    }
    (tmp_path / "deskbridge.yaml").write_text(json.dumps(settings))
    yield made
    made.running.stop()


COMMAND = Command()
invoke, run, plain = COMMAND.invoke, COMMAND.run, COMMAND.plain


def train(folder: Path, *more: str) -> dict[str, Any]:
    return plain(folder, "triage", "train", "--desk", DESK, "--label", "team", "--features", "light", *more)


def test_a_desks_past_becomes_a_model_that_explains_new_tickets(desk: Desk, tmp_path: Path) -> None:
    desk.past(130)
    trained = train(tmp_path, "--by", "ana")
    assert (trained["tickets"], trained["evaluation"]["tickets"]) == (104, 26)
    assert trained["evaluation"]["accuracy"] > 0.9
    assert trained["promoted"] is False
    assert "50 are needed" in trained["comparison"]["words"]
    assert not list((tmp_path / "models").glob(".*"))
    version = trained["version"]
    assert plain(tmp_path, "triage", "models")["in_effect"] is False
    assert f"Model {version} is in effect" in run(tmp_path, "triage", "rollback", version)
    assert plain(tmp_path, "triage", "models")["in_effect"] is True
    number = desk.customer("Help", "the export crashes with an error and the screen freezes")
    explained = plain(tmp_path, "explain", f"{DESK}:{number}")
    assert explained["triage"][0]["value"] == "Tech Support"
    assert explained["predicted"]["label"] == "Tech Support"
    assert explained["predicted"]["model"] == version
    assert "next" in explained["predicted"]["words"]
    assert "the model" in run(tmp_path, "explain", f"{DESK}:{number}")
    assert "Too few tickets to tell" in run(tmp_path, "triage", "drift")
    (tmp_path / "models" / version / "terms.json").unlink()
    refused = invoke(tmp_path, "triage", "rollback", version)
    assert isinstance(refused.exception, NoSuchModel)
    assert "holds no model" in str(refused.exception)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A file of labelled tickets with their times."""
    file = tmp_path / "tickets.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["text", "label", "at"])
        rows.writerows([one.text, one.label, one.at.isoformat()] for one in labelled(300))
    return file


def test_a_file_of_tickets_becomes_the_model_in_effect_of_a_desk(desk: Desk, tmp_path: Path, table: Path) -> None:
    file = ["triage", "train", "--train", str(table), "--time", "at", "--features", "light", "--desk", DESK]
    first = plain(tmp_path, *file, "--place", "team")
    assert (first["desk"], first["label"], first["tickets"], first["promoted"]) == (DESK, "team", 240, True)
    listed = plain(tmp_path, "triage", "models")
    assert (listed["version"], listed["in_effect"]) == (first["version"], True)
    number = desk.customer("Help", "the export crashes with an error and the screen freezes")
    assert plain(tmp_path, "explain", f"{DESK}:{number}")["predicted"]["model"] == first["version"]


@pytest.mark.parametrize(
    ("more", "words"), [(["--time", "at"], "--place is needed"), (["--place", "team"], "--time is needed")]
)
def test_a_file_for_a_desk_must_say_when_tickets_came_and_where_labels_belong(
    desk: Desk, tmp_path: Path, table: Path, more: list[str], words: str
) -> None:
    result = invoke(tmp_path, "triage", "train", "--train", str(table), "--desk", DESK, *more)
    assert result.exit_code == 2
    assert words in result.output
    assert not (tmp_path / "models").exists()


def test_a_desk_that_refuses_costs_no_ticket_that_was_read(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "deskbridge.yaml"
    file.write_text(file.read_text().replace("sandbox-client-secret", "a-wrong-client-secret"))
    with pytest.raises(ReadingFailed, match="the same command goes on from there"):
        train(tmp_path)
    (notebook,) = (tmp_path / "models").glob(".*.jsonl")
    assert stat.S_IMODE(notebook.stat().st_mode) == 0o600


def test_drift_counts_what_people_changed_and_says_what_to_do(desk: Desk, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/bridge.sqlite3")
    store.migrate()
    ground = Ground(store, tmp_path / "models", DESK, "team", "ana@host", 0.9)
    version = training.train(labelled(300), ground, Options("light"), silent, utc_now()).known.version
    words = [
        Word(
            DESK, str(number), "team", "01", "Billing", "General" if number % 2 else "Billing", utc_now(), True, version
        )
        for number in range(200)
    ]
    with store.writing() as connection:
        feedback.keep(store, connection, words)
    store.close()
    found = plain(tmp_path, "triage", "drift", "--since", "1d")
    assert (found["version"], found["judged"], found["verdict"]) == (version, 200, "moved")
    assert [(sign["what"], sign["now"]) for sign in found["signs"]] == [("agreement with people", 0.5)]
    assert "train anew" in run(tmp_path, "triage", "drift")


def test_without_a_model_there_is_nothing_to_list_or_to_go_back_to(desk: Desk, tmp_path: Path) -> None:
    assert "No model has been trained yet" in run(tmp_path, "triage", "models")
    for command in (["rollback"], ["rollback", "20260101"], ["drift"]):
        with pytest.raises(NoSuchModel):
            run(tmp_path, "triage", *command)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--desk", "other", "--label", "team"], "no desk is called 'other'"),
        (["--desk", DESK, "--label", "mood"], "is no place of a label"),
        (["--desk", DESK, "--label", "team", "--since", "soon"], "is no length of time"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_before_a_call(
    desk: Desk, tmp_path: Path, arguments: list[str], words: str
) -> None:
    result = invoke(tmp_path, "triage", "train", *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert desk.control("GET", "state")["calls"] == []
