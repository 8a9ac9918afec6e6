"""Suggestions from end to end: files and solved tickets in, the note at the sandbox desk out."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.knowledge import KnowledgeOptions, Shelf
from bridge.model import Channel, Status, Ticket, TicketRef
from bridge.store import Store
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import World

ASKED = "The export stops with error E-1042."


@pytest.fixture
def help_pages(tmp_path: Path) -> Path:
    folder = tmp_path / "help"
    folder.mkdir()
    (folder / "export.md").write_text("# Export as CSV\nIf an export stops with error E-1042, choose a shorter range.")
    (folder / "login.md").write_text("# Sign in\nChoose Forgot password on the sign-in page.")
    return folder


@pytest.fixture
def shelf(help_pages: Path, sqlite_store: Store) -> Shelf:
    articles = [{"kind": "folder", "path": help_pages, "url": "https://help.example/{path}"}]
    options = KnowledgeOptions.model_validate({"articles": articles, "solved_tickets": 100})
    return Shelf(options, sqlite_store, ["acme-zendesk", "other"])


@pytest.fixture
def world(sqlite_store: Store, clock: Clock, shelf: Shelf) -> Iterator[World]:
    made = World("zendesk", sqlite_store, clock, policy=POLICY, suggest=shelf.suggest)
    yield made
    made.close()


def a_ticket(desk: str = "acme-zendesk") -> Ticket:
    return Ticket(TicketRef(desk, "999"), "Help", None, Status.NEW, channel=Channel.EMAIL)


def note_of(world: World, number: str) -> str:
    return str(world.ticket(number)["notes"][0]["body"])


def test_the_note_links_the_article_that_may_help_and_no_other(world: World, shelf: Shelf) -> None:
    shelf.refresh()
    number = world.customer("Export", ASKED)
    world.run()
    note = note_of(world, number)
    assert '<a href="https://help.example/export">Export as CSV</a>' in note
    assert "Sign in" not in note
    assert [one.title for one in world.decisions(number)[0].suggestions] == ["Export as CSV"]


def test_a_similar_ticket_is_named_once_it_is_solved_and_on_its_own_desk_only(world: World, shelf: Shelf) -> None:
    first = world.customer("Dinosaur import, card 4111 1111 1111 1111", "The dinosaur spreadsheet loses its columns.")
    others = [
        world.customer(subject, f"Something about {subject.lower()} altogether.")
        for subject in ("Printer", "Holiday", "Salary", "Elevator", "Canteen")
    ]
    world.run()
    asked = "The import of my dinosaur spreadsheet loses columns too"
    shelf.refresh()
    assert shelf.suggest(a_ticket(), asked) == ()
    for number in (first, *others):
        world.agent(number, set={"status": "solved"})
    world.run()
    shelf.refresh()
    (found,) = shelf.suggest(a_ticket(), asked)
    assert (found.kind, found.title) == ("ticket", f"{first} Dinosaur import, card [card]")
    assert shelf.suggest(a_ticket("other"), asked) == ()
    number = world.customer("Columns", asked)
    world.run()
    assert re.search(rf"solved ticket (<a [^>]*>)?{first} Dinosaur import", note_of(world, number))


def test_a_changed_file_is_read_at_the_next_refresh(shelf: Shelf, help_pages: Path) -> None:
    shelf.refresh()
    asked = "Where is the zebra setting?"
    assert shelf.suggest(a_ticket(), asked) == ()
    (help_pages / "zebra.md").write_text("# The zebra setting\nIt is under Profile.")
    assert shelf.suggest(a_ticket(), asked) == ()
    shelf.refresh()
    assert [one.title for one in shelf.suggest(a_ticket(), asked)] == ["The zebra setting"]


def test_what_cannot_be_read_is_a_warning_and_the_articles_of_before_stay(shelf: Shelf, help_pages: Path) -> None:
    shelf.refresh()
    (help_pages / "broken.md").write_bytes(b"# \xff")
    shelf.refresh()
    assert "broken.md is not UTF-8" in shelf.warnings()["articles"]
    assert [one.title for one in shelf.suggest(a_ticket(), ASKED)] == ["Export as CSV"]
    (help_pages / "broken.md").unlink()
    shelf.refresh()
    assert shelf.warnings() == {}


def test_a_bridge_without_articles_suggests_nothing(sqlite_store: Store) -> None:
    shelf = Shelf(KnowledgeOptions(), sqlite_store, ["acme-zendesk"])
    shelf.refresh()
    assert shelf.suggest(a_ticket(), ASKED) == ()
    assert not KnowledgeOptions().any
