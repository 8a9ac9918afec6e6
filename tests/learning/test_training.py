"""Models trained on a team's tickets, compared on fresh ones, promoted, and gone back from."""

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.labelling import digest, load
from bridge.store import Store, models
from bridge.store.activations import How
from bridge.store.models import NoSuchModel
from bridge.triage.intent import Options, silent
from deskbridge.training import Ground, TooFew, Trained, train
from tests.conftest import Clock
from tests.learning.tickets import START, labelled


@pytest.fixture
def ground(sqlite_store: Store, tmp_path: Path) -> Ground:
    return Ground(sqlite_store, tmp_path / "models", "acme", "team", "ana@host", 0.95)


def trained(ground: Ground, clock: Clock, **tickets: object) -> Trained:
    clock.turn(60)
    return train(labelled(**tickets), ground, Options("light"), silent, clock())  # type: ignore[arg-type] # passed on


def in_effect(store: Store) -> str | None:
    with store.reading() as connection:
        found = models.in_effect(connection)
    return found.version if found is not None else None


def test_the_first_model_is_promoted_where_it_beats_saying_the_commonest_label(ground: Ground, clock: Clock) -> None:
    found = trained(ground, clock, number=300)
    assert found.promoted
    assert found.rivals.before is None
    assert (found.known.tickets, found.evaluation.tickets) == (240, 60)
    assert found.known.usual.accuracy == found.evaluation.accuracy > 0.95
    assert in_effect(ground.store) == found.known.version
    assert found.plain()["comparison"]["words"].startswith("of 60 fresh tickets ")


def test_a_model_that_is_no_better_on_fresh_tickets_is_kept_and_not_promoted(ground: Ground, clock: Clock) -> None:
    first = trained(ground, clock, number=300)
    again = trained(ground, clock, number=600)
    assert again.rivals.before == first.known.version
    assert (again.rivals.fresh, again.promoted) == (120, False)
    assert in_effect(ground.store) == first.known.version
    with ground.store.reading() as connection:
        assert [one.version for one in models.listed(connection, 10)] == [again.known.version, first.known.version]


def test_a_model_that_has_learnt_a_changed_world_is_promoted_and_can_be_gone_back_from(
    ground: Ground, clock: Clock
) -> None:
    first = trained(ground, clock, number=300)
    later = START + timedelta(days=60)
    changed = trained(ground, clock, number=400, start=later, seed=1, turned=True)
    assert changed.promoted
    assert changed.rivals.better > 40 > changed.rivals.worse
    with ground.store.reading() as connection:
        before = models.before(connection)
    assert before == first.known.version
    models.activate(ground.store, before, how=How.ROLLBACK, who="bo", now=clock())
    assert in_effect(ground.store) == first.known.version


def test_too_few_fresh_tickets_decide_nothing(ground: Ground, clock: Clock) -> None:
    trained(ground, clock, number=300)
    again = trained(ground, clock, number=250)
    assert again.rivals.fresh < 50
    assert not again.promoted
    assert "50 are needed" in again.rivals.words


def test_too_few_labelled_tickets_are_refused_before_anything_is_kept(ground: Ground, clock: Clock) -> None:
    with pytest.raises(TooFew, match="124 labelled tickets; 125 are needed"):
        trained(ground, clock, number=124)
    assert in_effect(ground.store) is None


def test_a_model_of_another_desk_or_place_is_no_rival(ground: Ground, clock: Clock) -> None:
    trained(ground, clock, number=300)
    other = Ground(ground.store, ground.folder, "acme", "field:topic", "ana@host", 0.95)
    assert trained(other, clock, number=300).rivals.before is None


def test_only_what_was_trained_can_be_brought_into_effect(sqlite_store: Store, clock: Clock) -> None:
    with pytest.raises(NoSuchModel, match="no model '20260101'"):
        models.activate(sqlite_store, "20260101", how=How.ROLLBACK, who="bo", now=clock())
    with sqlite_store.reading() as connection, pytest.raises(NoSuchModel, match="none to go back to"):
        models.before(connection)


def test_a_model_is_known_by_its_manifest(ground: Ground, clock: Clock) -> None:
    found = trained(ground, clock, number=300).known
    assert digest(ground.folder / found.version) == found.digest
    said = load(found, ground.folder).predicted("refund for the invoice charged twice", 0.95)
    assert (said.label, said.model, said.place) == ("Billing", found.version, "team")
