"""The whole circle at a sandbox desk: a label predicted, written, changed by a person, learnt of, told as drift."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import rules
from bridge import reconcile
from bridge.labelling import Labeller
from bridge.metrics import Metrics
from bridge.store import Store, feedback
from bridge.store.feedback import Word
from bridge.triage.intent import Options, silent
from deskbridge.training import Ground, drift, train
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import World
from tests.learning.tickets import labelled

PLACE = "tag:topic-"
WRITES = POLICY.replace("annotate:\n", f"  model: {{promise: 0.9, mode: live, write: '{PLACE}'}}\nannotate:\n", 1)
ASKED = "the export crashes with an error and the screen freezes"


@pytest.fixture
def ground(sqlite_store: Store, tmp_path: Path, clock: Clock) -> Ground:
    """A model in effect that names the topics billing, tech and general."""
    made = Ground(sqlite_store, tmp_path / "models", "acme-zendesk", PLACE, "ana@host", 0.9)
    tickets = [replace(one, label=one.label.split()[0].lower()) for one in labelled(400)]
    assert train(tickets, made, Options("light"), silent, clock()).promoted
    return made


@pytest.fixture
def world(ground: Ground, clock: Clock) -> Iterator[World]:
    policy = rules.loads(WRITES)
    labeller = Labeller(ground.store, ground.folder, policy=lambda: policy, metrics=Metrics())
    labeller.refresh()
    made = World("zendesk", ground.store, clock, policy=WRITES, read=labeller.triage)
    yield made
    made.close()


def followed(world: World) -> list[Word]:
    world.clock.turn(70)  # Zendesk does not list the last minute
    for _ in reconcile.follow(world.store, world.desk, back_fill=timedelta(days=1), clock=world.clock):
        pass
    with world.store.reading() as connection:
        return list(feedback.of_place(connection, world.name, PLACE).values())


def test_a_written_label_that_a_person_changes_comes_back_as_the_models_mistake(world: World, ground: Ground) -> None:
    changed, kept = (world.customer("Help", ASKED, email=f"{name}@mail.example") for name in ("ada", "bob"))
    world.run()
    assert "topic-tech" in world.ticket(changed)["tags"]
    world.agent(changed, set={"remove_tags": ["topic-tech"], "add_tags": ["topic-billing"]})
    world.agent(kept, note="Looked at it.")
    found = sorted(followed(world), key=lambda word: word.agreed)
    assert [(word.said, word.became, word.written) for word in found] == [
        ("tech", "billing", True),
        ("tech", "tech", True),
    ]
    told = drift(world.store, ground.folder, world.clock() - timedelta(days=1))
    assert {word.model for word in found} == {told.known.version}
    assert (told.seen.tickets, told.seen.mix) == (2, {"tech": 1.0})
    assert (told.seen.judged, told.seen.agreed) == (2, 0.5)
    assert told.verdict == "unknown"


def test_an_answer_is_read_by_the_words_alone_and_the_label_stands(world: World) -> None:
    number = world.customer("Help", ASKED)
    world.run()
    world.agent(number, reply="Which browser?")
    world.customer("Help", "I would like a refund for the invoice, the payment was charged twice.", ticket=number)
    world.run()
    first, *later = world.decisions(number)
    assert first.triage.predicted is not None
    assert later
    assert all(decision.triage.predicted is None for decision in later)
    assert "topic-tech" in world.ticket(number)["tags"]
    assert "topic-billing" not in world.ticket(number)["tags"]
