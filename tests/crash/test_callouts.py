"""The bridge dies once at every step of a message's way, and the receiver is told all, once by what it can tell."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bridge import caller, outbound
from bridge.store import Store, casebook
from tests.conftest import Clock
from tests.core.receiver import Receiver, dies, says
from tests.core.test_callouts import POLICY
from tests.core.world import WEBHOOK_KEYS
from tests.crash.life import Moment, Mortal, Place
from tests.crash.test_crash import chosen


def replied(place: Place) -> str:
    """A ticket and a reply to it, both of which are told."""
    number = place.customer("Refund", "The invoice is wrong.")
    place.minute()
    place.customer("", "Where is my refund?", ticket=number)
    place.minute()
    return number


def overtaken(place: Place) -> str:
    """An agent changes the ticket between its decision and the write, so that it is decided on again."""
    number = place.customer("Refund", "The invoice is wrong.")
    place.clock.turn(3)
    place.work(3, Mortal.decide)
    place.agent(number, set={"priority": "high"})
    place.minute()
    return number


STORIES = {replied: 2, overtaken: 1}
"""How many messages each of them brings."""


class Telling:
    """Plays a story as often as asked, each time with another death and a receiver that has trouble at first."""

    def __init__(self, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._empty, self._monkeypatch = empty, monkeypatch

    def play(self, story: Any, ends_at: Moment | None) -> tuple[dict[str, Any], dict[str, list[str]], bool]:
        """What the receiver and the database have in the end, the moments of the first process, whether it died."""
        database = self._empty.with_name("telling.sqlite3")
        shutil.copy(self._empty, database)
        receiver = Receiver()
        receiver.next.extend([dies, says(500)])
        place = Place("zendesk", database, Clock(), policy=POLICY % receiver.url, ends_at=ends_at)
        first = place.process.life

        def mortal_post(*given: Any, **named: Any) -> Any:
            place.process.life.moment("before the message")
            try:
                return outbound.post(*given, **named)
            finally:
                place.process.life.changed()
                place.process.life.moment("after the message")

        try:
            with self._monkeypatch.context() as patched:
                patched.setattr(caller, "post", mortal_post)
                story(place)
                place.end()
            return self._end(place, receiver), first.moments, place.generation == 2
        finally:
            place.close()
            receiver.close()
            for left in database.parent.glob("telling.*"):
                left.unlink()

    def _end(self, place: Place, receiver: Receiver) -> dict[str, Any]:
        told = {heard.id: heard for heard in receiver.heard}
        with place.process.store.reading() as connection:
            entries = casebook.entries(connection, states=casebook.STATES, limit=10_000)
            idle = casebook.idle(connection)
        return {
            "idle": idle,
            "told": Counter((heard.data["event"], tuple(heard.data["rules"])) for heard in told.values()),
            "always the same": all(heard.body == told[heard.id].body for heard in receiver.heard),
            "signed": all(heard.signed_with(key) for heard in receiver.heard for key in WEBHOOK_KEYS),
            "kept": Counter((entry.id in told, entry.state) for entry in entries if entry.id.startswith("w")),
        }


@pytest.fixture
def telling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Telling:
    path = tmp_path / "empty.sqlite3"
    store = Store(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return Telling(path, monkeypatch)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_death_at_any_moment_neither_loses_a_message_nor_makes_another_of_it(telling: Telling, story: Any) -> None:
    expected, moments, _ = telling.play(story, None)
    assert expected["idle"]
    assert expected["kept"] == {(True, "done"): STORIES[story]}
    assert any("message" in name for name in moments["work"])
    around = [("work", n) for n, name in enumerate(moments["work"]) if "message" in name or "caller" in name]
    wrong = []
    for moment in dict.fromkeys([*chosen(moments), *around]):
        end, _, died = telling.play(story, moment)
        differs = {key: end[key] for key in expected if end[key] != expected[key]}
        if differs or not died:
            wrong.append((moment, moments[moment[0]][moment[1]], differs if died else "did not die"))
    assert not wrong
