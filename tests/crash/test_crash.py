"""The bridge dies once at every step of the journey on every desk, and nothing is lost, doubled or left behind."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge import bulk
from bridge.model import AgentStatus, PlaceState
from bridge.store import casebook, queue
from bridge.store import roster as rosters
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import SANDBOXES
from tests.crash.life import WEB, WORK, Moment, Mortal, Place

POINTS_MAX = 8
"""So many points of a side of each story are tried by default; `ALL_CRASH_POINTS=1` tries every one."""

Story = Callable[[Place], str]
"""What people do, and when, with time to work in between; the ticket it is about."""


def journey(place: Place) -> str:
    """A ticket, a reply that asks for more, and one that asks for nothing."""
    number = place.customer("Charged twice", "Please refund the invoice.")
    place.minute()
    place.customer("", "You hear from my lawyer.", ticket=number)
    place.minute()
    place.customer("", "Thank you.", ticket=number)
    place.minute()
    return number


def unheard(place: Place) -> str:
    """No webhook comes: everything is found by asking."""
    place.control("PUT", "faults", {"drop": 1.0})
    return journey(place)


def conflict(place: Place) -> str:
    """An agent takes the ticket between the decision and its write."""
    number = place.customer("Charged twice", "Please refund the invoice.")
    place.work(3, Mortal.decide)
    place.clock.turn(70)
    place.alive(Mortal.look_around)
    place.work(3, Mortal.decide)
    place.agent(number, set={"assignee": "dee@acme.example", "team": "Tech Support", "add_tags": ["seen-by-dee"]})
    place.minute()
    return number


def put_off(place: Place) -> str:
    """The desk loses answers to writes that took effect, then asks for patience."""
    where = "/conversations/" if place.vendor == "intercom" else "/tickets/"
    lost = {"next": 2, "hold": 0, "match": where}
    place.control("PUT", "faults", {"timeout_after_write": lost, "429": {"next": 2, "retry_after": 2, "match": where}})
    number = place.customer("Charged twice", "Please refund the invoice.")
    place.work(20)
    place.minute()
    return number


def away(place: Place) -> str:
    """An agent goes away just before a ticket comes."""
    place.control("POST", "agents/status", {"agent": "ana@acme.example", "status": "away"})
    place.minute()
    number = place.customer("Charged twice", "Please refund the invoice.")
    place.minute()
    return number


def backlog(place: Place) -> str:
    """Two tickets at once, which is a backlog here (fixture `backlogs`): they go together where the vendor can.

    Only one agent is there to have them, since a death may change which of them comes first.
    """
    place.control("POST", "agents/status", {"agent": "ana@acme.example", "status": "away"})
    place.minute()
    numbers = [place.customer(f"Charged twice {n}", "Please refund the invoice.") for n in range(2)]
    place.minute()
    return numbers[1]


def queued(place: Place) -> str:
    """A ticket finds nobody with room and waits in the queue until an agent has solved another."""
    place.control("POST", "agents/status", {"agent": "ana@acme.example", "status": "away"})
    place.minute()
    first = place.customer("Charged twice", "Please refund the invoice.")
    place.minute()
    second = place.customer("Charged again", "Please refund the invoice.")
    place.minute()
    place.agent(first, "bo@acme.example", set={"status": "resolved"}, reply="Done.")
    place.minute()
    return second


STORIES: dict[str, Story] = {
    story.__name__: story for story in (journey, unheard, conflict, put_off, away, backlog, queued)
}
LATE = POLICY.replace("assign_at_arrival: true", "slots: 1")
"""The policy of the story of the queue."""


class Lives:
    """Plays a story from its beginning as often as asked, each time with another death."""

    def __init__(self, vendor: str, story: Story, empty: Path) -> None:
        self._vendor, self._story, self._empty = vendor, story, empty

    def untroubled(self) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """How the story ends, and the moments at which its process could have died."""
        with self._place(None) as place:
            return self._end(place), place.process.life.moments

    def ended_at(self, moment: Moment) -> tuple[dict[str, Any], bool]:
        """How the story ends where the first process dies at that moment, and whether it did."""
        with self._place(moment) as place:
            return self._end(place), place.generation == 2

    @contextmanager
    def _place(self, ends_at: Moment | None) -> Iterator[Place]:
        database = self._empty.with_name("story.sqlite3")
        shutil.copy(self._empty, database)
        place = Place(
            self._vendor, database, Clock(), policy=LATE if self._story is queued else POLICY, ends_at=ends_at
        )
        try:
            yield place
        finally:
            place.close()
            for left in database.parent.glob("story.*"):
                left.unlink()

    def _end(self, place: Place) -> dict[str, Any]:
        number = self._story(place)
        place.end()
        return seen_at_the_desk(place, number) | left_in_the_database(place)


def seen_at_the_desk(place: Place, number: str) -> dict[str, Any]:
    """The ticket, and every effect that we and people had on it, by the desk's own history."""
    ticket = place.ticket(number)
    writes = [write for write in place.control("GET", "state")["writes"] if write["ticket"] == number]
    return {
        **{name: ticket[name] for name in ("team", "assignee", "status", "priority", "fields")},
        "tags": sorted(ticket["tags"]),
        "notes": len(ticket["notes"]),
        "replies": [reply["body"] for reply in ticket["replies"]],
        "effects": Counter(effect for write in writes for effect in effects(write)),
    }


def effects(write: dict[str, Any]) -> list[tuple[str, ...]]:
    """Who did what; what was said is told elsewhere, and has another id in every life."""
    who = write["actor_kind"], write["action"]
    if write["action"] in {"note", "reply"}:
        return [who]
    return [(*who, field, str(before), str(after)) for field, (before, after) in write["changes"].items()] or [who]


def left_in_the_database(place: Place) -> dict[str, Any]:
    with place.process.store.reading() as connection:
        everything = casebook.entries(connection, states=casebook.STATES, limit=10_000)
        (roster,) = rosters.load(connection).values()
        return {
            "idle": casebook.idle(connection),
            "open": [entry for entry in everything if entry.state in {"waiting", "open", "parked", "unknown"}],
            # How often it was decided anew tells of the moment; what became of it in the end must not.
            "operations": Counter(one.state for one in everything if one.id[0] != "d" and one.state != "superseded"),
            "promised": dict(rosters.promised(connection)),
            "queue": [(place.state, place.agent) for place in queue.in_state(connection, *PlaceState)],
            "away": [agent.email for agent in roster.agents if agent.status is AgentStatus.AWAY],
        }


@pytest.fixture(autouse=True)
def backlogs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writes are a backlog: the stories stay short."""
    monkeypatch.setattr(bulk, "BULK_FROM", 2)


def chosen(moments: dict[str, list[str]]) -> list[Moment]:
    every = [(side, number) for side in (WORK, WEB) for number in range(len(moments[side]))]
    stride = 1 if os.environ.get("ALL_CRASH_POINTS") else -(-len(every) // POINTS_MAX)
    return every[stride // 2 :: stride]


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("vendor", sorted(SANDBOXES))
def test_a_death_at_any_moment_leaves_no_trace(vendor: str, name: str, empty_database: Path) -> None:
    lives = Lives(vendor, STORIES[name], empty_database)
    expected, moments = lives.untroubled()
    assert expected["idle"]
    assert expected["open"] == []
    tried = chosen(moments)
    wrong = []
    for side, number in tried:
        end, died = lives.ended_at((side, number))
        differs = [key for key in expected if end[key] != expected[key]]
        if differs or not died:
            at = f"{side} {number}, {moments[side][number]}"
            wrong.append((at, [(key, end[key], expected[key]) for key in differs] if died else "did not die"))
    assert not wrong, f"{len(wrong)} of {len(tried)} deaths left a trace: {wrong}"
