"""A model in a running bridge: asked after the policy's words, as far as its precision and the policy let it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import rules
from bridge.labelling import Labeller, read_again
from bridge.metrics import Metrics
from bridge.model import (
    Actor,
    ActorKind,
    Case,
    EventKind,
    Finding,
    Message,
    Mode,
    Predicted,
    Status,
    Ticket,
    TicketRef,
    Triage,
    Use,
    Visibility,
)
from bridge.store import Store, models
from bridge.store.activations import How
from bridge.triage.intent import Options, silent
from deskbridge.training import Ground, train
from rules import LoadedPolicy
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import World
from tests.learning.tickets import labelled

MODEL = "  model: {promise: 0.9, mode: %s, intents: [Tech Support, General, Billing], write: field:topic}\n"
ROUTE = "  - {name: everything else"
BY_MODEL = "  - {name: by the model, when: {intent: Tech Support}, to: {team: billing}}\n"
ASKED = "the export crashes with an error and the screen freezes"


def policy(mode: str = "live") -> str:
    return POLICY.replace("annotate:\n", MODEL % mode + "annotate:\n", 1).replace(ROUTE, BY_MODEL + ROUTE, 1)


@pytest.fixture
def ground(sqlite_store: Store, tmp_path: Path, clock: Clock) -> Ground:
    """A model in effect."""
    made = Ground(sqlite_store, tmp_path / "models", "acme-zendesk", "field:topic", "ana@host", 0.9)
    assert train(labelled(400), made, Options("light"), silent, clock()).promoted
    return made


def labeller(ground: Ground, written: str, metrics: Metrics | None = None) -> Labeller:
    loaded = rules.loads(written)
    made = Labeller(ground.store, ground.folder, policy=lambda: loaded, metrics=metrics or Metrics())
    made.refresh()
    return made


def ticket(body: str, *answers: str) -> Ticket:
    said = [Message("1", Actor(ActorKind.REQUESTER, "7"), Visibility.PUBLIC, body)]
    said += [Message(text, Actor(ActorKind.AGENT, "8"), Visibility.PUBLIC, text) for text in answers]
    return Ticket(TicketRef("acme-zendesk", "1"), "", None, Status.NEW, messages=tuple(said))


def read(ground: Ground, mode: str, text: str, *answers: str) -> Triage:
    return labeller(ground, policy(mode)).triage(rules.loads(policy(mode)), ticket(text, *answers), text)


def test_in_shadow_the_model_is_recorded_and_changes_nothing(ground: Ground) -> None:
    found = read(ground, "shadow", ASKED)
    assert found.intent is None
    assert found.predicted is not None
    assert (found.predicted.label, found.predicted.use, found.predicted.place) == (
        "Tech Support",
        Use.ACT,
        "field:topic",
    )


def test_in_suggest_the_note_may_tell_it_and_rules_may_not_use_it(ground: Ground) -> None:
    found = read(ground, "suggest", ASKED)
    assert found.intent is not None
    assert found.intent.value == "Tech Support"
    assert found.intent.confidence < 0.8


def test_live_a_label_that_holds_the_promise_is_an_intent_for_rules(ground: Ground) -> None:
    found = read(ground, "live", ASKED)
    assert found.intent is not None
    assert found.intent.confidence >= 0.8
    assert set(found.intent.because) <= set(ASKED.split())


def test_the_policys_own_words_go_first_where_they_suffice(ground: Ground) -> None:
    found = read(ground, "live", f"{ASKED} on the invoice")
    assert found.intent is not None
    assert (found.intent.value, found.intent.because) == ("billing", ("invoice",))
    assert found.predicted is not None


def test_what_is_unlike_everything_learnt_is_left_to_people(ground: Ground) -> None:
    found = read(ground, "live", "Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich")
    assert found.intent is None
    assert found.predicted is not None
    assert found.predicted.use is Use.LEAVE


def test_machines_and_answered_tickets_are_not_asked_about(ground: Ground) -> None:
    assert read(ground, "live", ASKED, "We are looking into it.").predicted is None
    assert read(ground, "live", "Out of office: I am on vacation and will read your mail later.").predicted is None


def test_a_policy_without_a_model_asks_none(ground: Ground) -> None:
    metrics = Metrics()
    made = labeller(ground, POLICY, metrics)
    assert made.triage(rules.loads(POLICY), ticket(ASKED), ASKED).predicted is None
    assert made.warnings() == {}
    assert b"deskbridge_model_active{" not in metrics.render()


def test_the_metrics_name_the_model_and_a_rollback_reaches_a_running_process(ground: Ground, clock: Clock) -> None:
    metrics = Metrics()
    made = labeller(ground, policy(), metrics)
    first = read(ground, "live", ASKED).predicted
    assert first is not None
    assert f'deskbridge_model_active{{version="{first.model}"}} 1.0'.encode() in metrics.render()
    clock.turn(60)
    second = train(labelled(500, seed=3), ground, Options("light"), silent, clock()).known.version
    models.activate(ground.store, second, how=How.ROLLBACK, who="bo", now=clock())
    made.refresh()
    found = made.triage(rules.loads(policy()), ticket(ASKED), ASKED).predicted
    assert found is not None
    assert found.model == second
    assert metrics.render().count(b"deskbridge_model_active{") == 1


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (shutil.rmtree, "cannot be read: No such file"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "is not the model"),
        (
            lambda folder: [part.write_bytes(b"x") for part in folder.iterdir() if part.name != "manifest.json"],
            "model ",
        ),
    ],
    ids=["gone", "another manifest", "other files"],
)
def test_a_model_that_cannot_be_read_leaves_the_words_and_says_so(
    ground: Ground, harm: Callable[[Path], object], words: str
) -> None:
    (folder,) = [path for path in ground.folder.iterdir() if path.is_dir()]
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept)
    harm(folder)
    metrics = Metrics()
    made = labeller(ground, policy(), metrics)
    assert words in made.warnings()["model"]
    assert b"deskbridge_model_unusable 1.0" in metrics.render()
    found = made.triage(rules.loads(policy()), ticket("the invoice"), "the invoice")
    assert found.intent is not None
    assert found.intent.value == "billing"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept, folder)
    made.refresh()
    assert made.warnings() == {}
    assert b"deskbridge_model_unusable 0.0" in metrics.render()


def test_intents_that_the_model_never_names_are_told_with_the_nearest_label(ground: Ground) -> None:
    assert labeller(ground, policy()).warnings() == {}
    made = labeller(ground, policy().replace("intents: [", "intents: [Bilings, Wholly Other, "))
    told = made.warnings()["intents"]
    assert "'Bilings' (did you mean 'Billing'?)" in told
    assert "'Wholly Other' (no label is like it)" in told
    assert made.version is not None


def test_a_policy_that_wants_a_model_where_none_was_trained_says_so(sqlite_store: Store, tmp_path: Path) -> None:
    loaded = rules.loads(policy())
    made = Labeller(sqlite_store, tmp_path, policy=lambda: loaded, metrics=Metrics())
    made.refresh()
    assert "none is in effect" in made.warnings()["model"]


PREDICTED = Predicted("Tech Support", 0.93, Use.ACT, ("crashes",), "Tech Support 93% for “crashes”", "1", "field:topic")


def case(clock: Clock, predicted: Predicted = PREDICTED, intent: Finding | None = None) -> Case:
    loaded = rules.loads(policy())
    found = loaded.over(Triage(intent=intent), predicted)
    return Case(ticket(ASKED), EventKind.TICKET_CREATED, clock(), ASKED, found)


def fields(loaded: LoadedPolicy, decided: Case) -> dict[str, object]:
    return dict(loaded.decide(decided, desk="acme-zendesk", desk_mode=Mode.LIVE).effect.fields)


def test_a_label_is_written_only_where_it_may_be_acted_on(clock: Clock) -> None:
    loaded = rules.loads(policy())
    assert fields(loaded, case(clock)) == {"topic": "Tech Support"}
    assert fields(loaded, case(clock, replace(PREDICTED, use=Use.SUGGEST))) == {}
    assert fields(loaded, case(clock, intent=Finding("billing", 0.95, ("invoice",)))) == {}
    assert fields(rules.loads(policy("suggest")), case(clock)) == {}


@pytest.mark.parametrize(("write", "what"), [("type", "type"), ("'tag:topic-'", "add_tags")])
def test_a_label_can_be_written_as_type_or_tag(clock: Clock, write: str, what: str) -> None:
    loaded = rules.loads(policy().replace("field:topic", write))
    effect = loaded.decide(case(clock), desk="acme-zendesk", desk_mode=Mode.LIVE).effect
    assert getattr(effect, what) == ("Tech Support" if what == "type" else frozenset({"topic-Tech_Support"}))


def test_a_label_that_was_learnt_from_tags_is_written_as_it_stood_there(clock: Clock) -> None:
    loaded = rules.loads(policy().replace("field:topic", "'tag:topic-'"))
    learnt = replace(PREDICTED, place="tag:topic-")
    effect = loaded.decide(case(clock, learnt), desk="acme-freshdesk", desk_mode=Mode.LIVE).effect
    assert effect.add_tags == frozenset({"topic-Tech Support"})


def test_a_past_case_is_read_again_with_the_word_of_its_own_model(clock: Clock) -> None:
    again = read_again(rules.loads(policy()), case(clock))
    assert again.intent is not None
    assert again.intent.value == "Tech Support"
    assert read_again(rules.loads(POLICY), case(clock)).intent is None


@pytest.fixture
def world(ground: Ground, clock: Clock) -> Iterator[World]:
    made = World(
        "zendesk",
        ground.store,
        clock,
        policy=policy().replace(", write: field:topic", ""),
        read=labeller(ground, policy()).triage,
    )
    yield made
    made.close()


def test_a_ticket_goes_where_the_model_says_and_the_note_explains_it_in_a_line(world: World) -> None:
    number = world.customer("Help", ASKED)
    world.run()
    shown = world.ticket(number)
    assert shown["team"] == "Billing"
    note = shown["notes"][0]["body"]
    assert "<b>What it is</b>: Tech Support by the model" in note
    assert "<b>Confidence</b>: rules act on it: Tech Support" in note
    assert "next " in note
    (decision,) = world.decisions(number)
    assert decision.triage.predicted is not None
