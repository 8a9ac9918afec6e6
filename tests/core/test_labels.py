"""Places of labels, and what is kept of models and of people's labels, on both engines."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.labels import Place, place
from bridge.model import Priority, Status, Ticket, TicketRef
from bridge.store import Store, feedback, models
from bridge.store.activations import How
from bridge.store.feedback import Word
from bridge.store.models import Model, NoSuchModel, Usual
from tests.conftest import Clock

TICKET = Ticket(
    TicketRef("acme", "1"),
    "Help",
    None,
    Status.OPEN,
    priority=Priority.HIGH,
    type="incident",
    team_id="77",
    tags=frozenset({"topic-refund", "vip", "mood-bad", "mood-good"}),
    fields={"topic": "refund", "empty": "", "off": False, "on": True, "many": ["a", "b"], "count": 3},
)


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("team", "Billing"),
        ("type", "incident"),
        ("priority", "high"),
        ("field:topic", "refund"),
        ("field:empty", None),
        ("field:off", None),
        ("field:on", "True"),
        ("field:many", None),
        ("field:count", "3"),
        ("field:unknown", None),
        ("tag:topic-", "refund"),
        ("tag:mood-", None),
        ("tag:vip", None),
        ("tag:none-", None),
    ],
)
def test_a_label_is_read_where_its_place_says(written: str, label: str | None) -> None:
    found = place(written)
    assert str(found) == written
    assert found.of(TICKET, {"77": "Billing"}) == label


def test_a_ticket_without_a_label_has_none_and_an_unknown_team_is_its_id() -> None:
    bare = replace(TICKET, priority=Priority.NONE, type=None, team_id=None)
    assert [Place(kind).of(bare, {}) for kind in ("team", "type", "priority")] == [None, None, None]
    assert Place("team").of(TICKET, {}) == "77"


@pytest.mark.parametrize("written", ["", "mood", "field", "field:", "tag:", "team:billing"])
def test_what_is_no_place_is_refused_with_what_to_write(written: str) -> None:
    with pytest.raises(ValueError, match="write team, type, priority, field:NAME or tag:BEGINNING"):
        place(written)


def model(version: str, clock: Clock) -> Model:
    return Model(version, clock(), "acme", "team", 100, clock(), "digest", Usual(50, {"Billing": 1.0}, 0.1, 0.2, 0.9))


def test_the_model_in_effect_is_the_one_that_was_activated_last(store: Store, clock: Clock) -> None:
    with store.reading() as connection:
        assert models.in_effect(connection) is None
    for version in ("1", "2"):
        clock.turn(1)
        with store.writing() as connection:
            models.keep(connection, model(version, clock))
        models.activate(store, version, how=How.TRAINING, who="ana", now=clock())
    again = models.activate(store, "2", how=How.TRAINING, who="bo", now=clock())
    assert (again.who, again.how) == ("ana", How.TRAINING)
    with store.reading() as connection:
        assert models.in_effect(connection) == model("2", clock)
        assert models.before(connection) == "1"
        assert [one.version for one in models.listed(connection, 10)] == ["2", "1"]
    models.activate(store, "1", how=How.ROLLBACK, who="bo", now=clock())
    with store.reading() as connection:
        assert [one.version for one in models.history(connection, 10)] == ["1", "2", "1"]
    with pytest.raises(NoSuchModel):
        models.activate(store, "3", how=How.ROLLBACK, who="bo", now=clock())


def test_a_word_takes_the_place_of_the_one_before_about_the_same_place(store: Store, clock: Clock) -> None:
    first = Word("acme", "1", "team", "01", "Billing", "Tech", clock(), written=True)
    other = replace(first, place="type", said="incident", became=None, model="m1")
    clock.turn(60)
    later = replace(first, became="Billing", at=clock())
    for words in ([first, other], [later]):
        with store.writing() as connection:
            feedback.keep(store, connection, words)
    with store.reading() as connection:
        assert feedback.since(connection, clock() - timedelta(hours=1)) == [other, later]
        assert feedback.of_place(connection, "acme", "team") == {"1": later}
        assert feedback.of_place(connection, "other", "team") == {}
    with store.writing() as connection:
        feedback.forget(connection, clock())
    with store.reading() as connection:
        assert feedback.since(connection, clock() - timedelta(hours=1)) == [later]
