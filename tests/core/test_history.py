"""What a team has labelled at a desk, read from each vendor's sandbox for training."""

import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.errors import Retryable
from bridge.history import History, Notebook, Progress
from bridge.labels import place
from bridge.store import Store
from tests.conftest import Clock
from tests.core.test_feedback import looked
from tests.core.test_journey import POLICY
from tests.core.world import World

TOPICS = [
    ("Tech Support", "dee", "The export crashes, see jane@mail.example."),
    ("Billing", "ana", "I was charged twice."),
]


@pytest.fixture(params=["zendesk", "freshdesk", "intercom"])
def world(request: pytest.FixtureRequest, sqlite_store: Store, clock: Clock) -> Iterator[World]:
    made = World(request.param, sqlite_store, clock, policy=POLICY)
    yield made
    made.close()


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path / "models" / "reading.jsonl", "acme team")


def past(world: World) -> list[str]:
    """Tickets that people labelled and solved before the bridge came."""
    numbers = [world.customer(f"Help {team}", body) for team, _, body in TOPICS]
    for number, (team, agent, _) in zip(numbers, TOPICS, strict=True):
        world.agent(
            number, f"{agent}@acme.example", set={"team": team}, reply="We have mended it, no export crashes any more."
        )
        world.agent(number, f"{agent}@acme.example", set={"status": "solved"})
    world.customer("Still open", "Nobody has looked at this.")
    world.clock.turn(70)
    return numbers


def read(world: World, notebook: Notebook) -> list[Progress]:
    since = world.clock() - timedelta(days=1)
    return list(History(world.store, world.desk, place("team"), notebook, most=1_000).read(since))


def test_solved_tickets_are_read_as_they_began_with_the_label_they_ended_with(world: World, notebook: Notebook) -> None:
    past(world)
    progress = read(world, notebook)
    found = {one.label: one.text for one in notebook.examples.values()}
    assert sorted(found) == ["Billing", "Tech Support"]
    assert "export crashes" in found["Tech Support"]
    assert "[email]" in found["Tech Support"]
    assert "mended" not in found["Tech Support"]
    assert progress[-1].labelled == 2


def test_a_reading_that_was_cut_off_asks_for_no_ticket_twice(
    world: World, notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past(world)
    fetch, asked = world.desk.fetch, []

    def away_after_one(ref, **more):  # type: ignore[no-untyped-def] # as the desk has it
        asked.append(ref.id)
        if len(asked) == 2:
            raise Retryable("the desk is away")
        return fetch(ref, **more)

    monkeypatch.setattr(world.desk, "fetch", away_after_one)
    with pytest.raises(Retryable):
        read(world, notebook)
    again = Notebook(tmp_path / "models" / "reading.jsonl", "acme team")
    assert len(again.examples) == 1
    read(world, again)
    assert len(again.examples) == 2
    assert len(asked) == 3
    assert asked[1] == asked[2]


def test_a_label_that_we_wrote_and_nobody_changed_teaches_nothing(world: World, notebook: Notebook) -> None:
    ours = world.customer("Refund", "Refund my invoice.")
    theirs = world.customer("Invoice", "The invoice has the wrong address, no refund.")
    world.run()
    world.agent(theirs, set={"team": "Tech Support"})
    for number in (ours, theirs):
        world.agent(number, set={"status": "solved"})
    looked(world)
    progress = read(world, notebook)
    assert [one.label for one in notebook.examples.values()] == ["Tech Support"]
    assert progress[-1].spared == 1


def test_what_a_machine_wrote_is_left_out(world: World, notebook: Notebook) -> None:
    number = world.customer("Out of office: away until Monday", "I am out of office and will answer on my return.")
    world.agent(number, set={"team": "Billing"})
    world.agent(number, set={"status": "solved"})
    world.clock.turn(70)
    read(world, notebook)
    assert notebook.examples == {}


def test_a_notebook_about_something_else_is_begun_anew_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "reading.jsonl"
    first = Notebook(file, "acme team")
    first.write([{"passed": "1"}, {"cursor": "c"}])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Notebook(file, "acme team").knows("1")
    with file.open("a") as stream:
        stream.write('{"passed": "2')
    assert Notebook(file, "acme team").cursor == "c"
    assert not Notebook(file, "acme type").knows("1")
    assert not Notebook(file, "acme type").knows("2")
    Notebook(file, "acme type").done()
    assert not file.exists()
