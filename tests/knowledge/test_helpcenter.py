"""A desk's own help centre from end to end: the sandbox's articles read, kept, searched and named in a note."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bridge.errors import NotThere, Permanent, Retryable
from bridge.knowledge import KnowledgeOptions, Shelf
from bridge.knowledge.articles import MAX_BYTES
from bridge.knowledge.helpcenter import EVERY, read_on
from bridge.model import Status, Ticket, TicketRef
from bridge.ports import Article, ArticlePage, Capability
from bridge.store import Store, helpcenters
from bridge.store.helpcenters import Place, Reading
from bridge.store.tables import help_centers
from deskbridge.wiring import Bridge, read_settings
from sandbox.common import start
from sandbox.freshdesk import API_KEY, FreshdeskSandbox
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import World
from tests.sandbox.freshdesk_parts import until

PUBLISHED: Final = ["Export invoices as CSV", "Invite a colleague", "Reset your password"]
ASKED: Final = "The export of my invoices stops with error E-1042."
SECRETS: Final = "platypus importer ocelot partners wombat"
"""Words of the draft, of what customers alone may read and of what the team alone may."""


def never() -> bool:
    return False


def after(turns: int) -> Callable[[], bool]:
    """What says that it is enough once so many pages were read."""
    counted = itertools.count()
    return lambda: next(counted) >= turns


@dataclass
class Scene:
    """A whole bridge at a sandbox desk, and the shelf that reads its help centre."""

    world: World
    shelf: Shelf
    store: Store

    @property
    def place(self) -> Place:
        return Place(self.world.name)

    def read(self, enough: Callable[[], bool] = never) -> bool:
        """What the schedule does each minute."""
        read = read_on(self.store, self.world.desk, None, clock=self.world.clock, enough=enough)
        self.shelf.refresh()
        return read

    def titles(self) -> list[str]:
        with self.store.reading() as connection:
            return sorted(article.title for article in helpcenters.articles(connection, self.place))

    def found(self, text: str) -> list[str]:
        ticket = Ticket(TicketRef(self.world.name, "999"), "Help", None, Status.NEW)
        return [one.title for one in self.shelf.suggest(ticket, text)]

    def write(self, title: str, body: str = "<p>Words.</p>") -> str:
        written: str = self.world.control("POST", "articles", {"title": title, "body": body})["id"]
        return written

    def faults(self, **faults: Any) -> None:
        self.world.control("PUT", "faults", faults)

    def next_hour(self) -> None:
        self.world.clock.turn(EVERY.total_seconds())


def knowledge(desk: str) -> KnowledgeOptions:
    return KnowledgeOptions.model_validate({"articles": [{"kind": "help_center", "desk": desk}]})


@pytest.fixture
def scene_of(sqlite_store: Store, clock: Clock) -> Iterator[Callable[[str], Scene]]:
    opened: list[World] = []

    def made(vendor: str) -> Scene:
        shelf = Shelf(knowledge(f"acme-{vendor}"), sqlite_store, [f"acme-{vendor}"])
        opened.append(World(vendor, sqlite_store, clock, policy=POLICY, suggest=shelf.suggest))
        return Scene(opened[0], shelf, sqlite_store)

    yield made
    for world in opened:
        world.close()


@pytest.fixture(params=["zendesk", "freshdesk", "intercom"])
def scene(request: pytest.FixtureRequest, scene_of: Callable[[str], Scene]) -> Scene:
    return scene_of(request.param)


@pytest.fixture
def zendesk(scene_of: Callable[[str], Scene]) -> Scene:
    """One vendor, where the others would show nothing more."""
    return scene_of("zendesk")


@pytest.fixture
def large(scene: Scene) -> Scene:
    """A help centre of several pages at every vendor."""
    for number in range(120):
        scene.world.sandbox.help_center.write({"title": f"Article {number}", "body": "<p>Words.</p>"})
    return scene


# What is named -------------------------------------------------------------------------------------------------------


def test_the_note_links_the_help_centres_article_that_may_help(scene: Scene) -> None:
    scene.read()
    number = scene.world.customer("Export", ASKED)
    scene.world.run()
    note = str(scene.world.ticket(number)["notes"][0]["body"])
    (suggestion,) = scene.world.decisions(number)[0].suggestions
    assert (suggestion.kind, suggestion.title) == ("article", "Export invoices as CSV")
    assert suggestion.url is not None
    assert f'<a href="{suggestion.url}">Export invoices as CSV</a>' in note


def test_drafts_and_what_only_some_may_read_are_never_named(scene: Scene) -> None:
    scene.read()
    assert scene.titles() == PUBLISHED
    assert scene.found(SECRETS) == []


def test_no_ticket_costs_a_call_to_the_help_centre(scene: Scene) -> None:
    scene.read()
    before = listed(scene)
    scene.world.customer("Export", ASKED)
    scene.world.run()
    assert listed(scene) == before


def listed(scene: Scene) -> int:
    """How many calls of the help centre the desk has seen."""
    words = ("help_center", "solutions", "/articles")
    return sum(any(word in call["path"] for word in words) for call in scene.world.calls())


# When it is read ------------------------------------------------------------------------------------------------------


def test_it_is_read_again_after_an_hour_and_not_before(zendesk: Scene) -> None:
    assert zendesk.read()
    zendesk.write("The zebra setting", "<p>It is under Profile.</p>")
    assert not zendesk.read()
    assert zendesk.found("Where is the zebra setting?") == []
    zendesk.next_hour()
    assert zendesk.read()
    assert zendesk.found("Where is the zebra setting?") == ["The zebra setting"]


def test_reading_twice_what_has_not_changed_changes_nothing(zendesk: Scene) -> None:
    zendesk.read()
    before = row(zendesk.store, zendesk.place)
    zendesk.next_hour()
    zendesk.read()
    assert row(zendesk.store, zendesk.place)[1:] == before[1:]


def test_an_article_that_is_taken_back_is_named_no_more(zendesk: Scene) -> None:
    number = zendesk.write("The zebra setting", "<p>It is under Profile.</p>")
    zendesk.read()
    assert zendesk.found("Where is the zebra setting?") == ["The zebra setting"]
    zendesk.world.control("DELETE", f"articles/{number}")
    zendesk.next_hour()
    zendesk.read()
    assert zendesk.found("Where is the zebra setting?") == []


def row(store: Store, place: Place) -> tuple[Any, ...]:
    """When it is due, and what is kept."""
    kept = help_centers.c
    with store.reading() as connection:
        asked = select(kept.due_at, kept.cursor, kept.partly, kept.articles, kept.digest, kept.words)
        return tuple(connection.execute(asked.where(kept.desk == place.desk)).one())


# What gets in the way -------------------------------------------------------------------------------------------------


def test_cut_off_between_two_pages_it_goes_on_where_it_was_and_asks_for_no_page_twice(large: Scene) -> None:
    whole = calls_of(large, large.read)
    reached = large.titles()
    large.next_hour()
    assert calls_of(large, lambda: large.read(after(1))) == whole[:1]
    assert large.titles() == reached
    assert calls_of(large, large.read) == whole[1:]
    assert len(large.titles()) == 123


def calls_of(scene: Scene, act: Callable[[], object]) -> list[str]:
    """The paths that were called meanwhile."""
    before = len(scene.world.calls())
    act()
    return [call["path"] for call in scene.world.calls()[before:] if "oauth" not in call["path"]]


def test_a_429_on_the_second_page_keeps_the_first_and_is_no_warning(large: Scene) -> None:
    first = calls_of(large, lambda: large.read(after(1)))
    large.faults(**{"429": {"next": 1, "retry_after": 7}})
    large.read()
    assert large.shelf.warnings() == {}
    assert large.titles() == []
    assert large.read()  # nobody may call yet: our own budget holds that back
    assert large.shelf.warnings() == {}
    large.world.clock.turn(60)
    assert first[0] not in calls_of(large, large.read)
    assert len(large.titles()) == 123


def test_a_server_error_is_a_warning_until_the_next_run_goes_on(large: Scene) -> None:
    large.read(after(1))
    large.faults(**{"500": {"next": 1}})
    large.read()
    assert f"the help centre of {large.world.name} cannot be read" in large.shelf.warnings()["articles"]
    large.world.clock.turn(60)
    large.read()
    assert large.shelf.warnings() == {}
    assert len(large.titles()) == 123


def test_a_help_centre_that_is_switched_off_is_a_warning_and_everything_else_works(scene: Scene) -> None:
    scene.world.control("PUT", "help_center", {"enabled": False})
    scene.read()
    assert f"the help centre of {scene.world.name}" in scene.shelf.warnings()["articles"]
    assert not scene.read(), "it is tried again after an hour"
    number = scene.world.customer("Export", ASKED)
    scene.world.run()
    assert scene.world.ticket(number)["assignee"] is not None
    scene.world.control("PUT", "help_center", {"enabled": True})
    scene.next_hour()
    scene.read()
    assert scene.shelf.warnings() == {}
    assert scene.found(ASKED) == ["Export invoices as CSV"]


@pytest.mark.parametrize("vendor", ["zendesk", "freshdesk"])  # of Intercom's an empty list is all that is to be seen
def test_switched_off_later_the_articles_last_read_stay(scene_of: Callable[[str], Scene], vendor: str) -> None:
    scene = scene_of(vendor)
    scene.read()
    scene.world.control("PUT", "help_center", {"enabled": False})
    scene.next_hour()
    scene.read()
    (words,) = scene.shelf.warnings().values()
    assert "See that it is switched on and that the credential may read it" in words
    assert scene.found(ASKED) == ["Export invoices as CSV"]


def test_another_process_searches_what_one_has_read_and_warns_of_what_it_met(zendesk: Scene) -> None:
    zendesk.read()
    elsewhere = Shelf(knowledge(zendesk.world.name), zendesk.store, [zendesk.world.name])
    elsewhere.refresh()
    ticket = Ticket(TicketRef(zendesk.world.name, "999"), "Help", None, Status.NEW)
    assert [one.title for one in elsewhere.suggest(ticket, ASKED)] == ["Export invoices as CSV"]
    zendesk.world.control("PUT", "help_center", {"enabled": False})
    zendesk.next_hour()
    zendesk.read()
    elsewhere.refresh()
    assert elsewhere.warnings() == zendesk.shelf.warnings() != {}


# In the bridge --------------------------------------------------------------------------------------------------------


@pytest.fixture
def bridge(tmp_path: Path, clock: Clock) -> Iterator[Bridge]:
    running = start(FreshdeskSandbox(clock=clock.unix))
    secrets = {"webhook_secrets": ["a-header-secret-of-ours"], "path_secrets": ["a-path-secret-of-ours"]}
    desk = {"vendor": "freshdesk", "url": running.url, "api_key": API_KEY, **secrets}
    articles = [{"kind": "help_center", "desk": "acme"}]
    written = {"desks": {"acme": desk}, "knowledge": {"articles": articles}}
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "deskbridge.yaml").write_text(json.dumps(written))
    found = Bridge(read_settings(tmp_path / "deskbridge.yaml", {}), clock=clock)
    found.open()
    yield found
    found.schedule.stop()
    found.close()
    running.stop()


def test_a_bridge_reads_its_help_centres_by_itself_in_the_background_of_the_budget(bridge: Bridge) -> None:
    bridge.schedule.start()
    ticket = Ticket(TicketRef("acme", "999"), "Help", None, Status.NEW)
    until(lambda: bool(bridge.shelf.suggest(ticket, ASKED)))
    route = {"desk": "acme", "route": "GET /solutions/categories", "status": "200", "purpose": "articles"}
    assert bridge.metrics.registry.get_sample_value("deskbridge_vendor_calls_total", route) == 1
    assert bridge.warnings() == {}


def test_what_was_read_of_help_centres_that_are_named_no_more_is_tidied_away(bridge: Bridge, clock: Clock) -> None:
    gone, named = Place("gone"), Place("acme")
    for place in (gone, named):
        helpcenters.finish(bridge.store, place, [an_article(1)], due_at=clock(), words="cannot be read")
    bridge.tidy()
    with bridge.store.reading() as connection:
        assert helpcenters.load(connection, gone) is None
        assert helpcenters.articles(connection, named) == [an_article(1)]


# Any desk -------------------------------------------------------------------------------------------------------------


@dataclass
class Pages:
    """A desk of which only the help centre matters: pages, or what they raise, by cursor."""

    pages: Mapping[str | None, ArticlePage | BaseException]
    name: str = "acme"
    vendor: str = "acme"
    can: frozenset[Capability] = frozenset({Capability.HELP_CENTER})
    asked: list[str | None] = field(default_factory=list)

    def articles(self, cursor: str | None, *, locale: str | None = None) -> ArticlePage:
        del locale
        self.asked.append(cursor)
        page = self.pages[cursor]
        if isinstance(page, BaseException):
            raise page
        return page


def an_article(number: int, text: str = "Words.") -> Article:
    return Article(f"Article {number}", text, f"https://help.example/{number}")


def warnings_after(store: Store, clock: Clock, desk: Any) -> str:
    shelf = Shelf(knowledge("acme"), store, ["acme"])
    assert read_on(store, desk, None, clock=clock, enough=never)
    shelf.refresh()
    return shelf.warnings().get("articles", "")


def test_an_article_that_moved_to_another_page_meanwhile_is_kept_once_and_as_it_is_now(
    store: Store, clock: Clock
) -> None:
    edited = Article("Article 1", "New words.", "https://help.example/1")
    pages = {None: ArticlePage((an_article(1), an_article(2)), "2"), "2": ArticlePage((an_article(3), edited), None)}
    assert warnings_after(store, clock, Pages(pages)) == ""
    with store.reading() as connection:
        assert helpcenters.articles(connection, Place("acme")) == [edited, an_article(2), an_article(3)]


class Killed(BaseException):
    """The process is gone at this instruction: no `except Exception` sees it."""


ENDS: Final[Mapping[str, BaseException | None]] = {
    "time is up": None,
    "throttled": Retryable("slow down", 429),
    "broken": Retryable("no answer"),
    "killed": Killed(),
}
"""How a run may end before the last page."""


@given(
    sizes=st.lists(st.integers(0, 3), min_size=1, max_size=5),
    runs=st.lists(st.tuples(st.sampled_from(sorted(ENDS)), st.integers(0, 4)), max_size=5),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_however_often_a_reading_is_cut_off_it_ends_with_every_article(
    sqlite_store: Store, sizes: list[int], runs: list[tuple[str, int]]
) -> None:
    clock, numbers = Clock(), itertools.count()
    cursors = [None, *map(str, range(1, len(sizes))), None]
    whole = {
        cursors[page]: ArticlePage(tuple(an_article(next(numbers)) for _ in range(size)), cursors[page + 1])
        for page, size in enumerate(sizes)
    }
    with sqlite_store.writing() as connection:
        helpcenters.forget_others(connection, [])
    for end, turns in runs:
        fault = ENDS[end]
        broken = dict.fromkeys(list(whole)[turns:], fault) if isinstance(fault, BaseException) else {}
        with suppress(Killed):
            read_on(sqlite_store, cast("Any", Pages({**whole, **broken})), None, clock=clock, enough=after(turns))
    read_on(sqlite_store, cast("Any", Pages(whole)), None, clock=clock, enough=never)
    with sqlite_store.reading() as connection:
        found = helpcenters.articles(connection, Place("acme"))
    assert sorted(found, key=lambda one: one.title) == sorted(
        (article for page in whole.values() for article in page.articles), key=lambda one: one.title
    )


def test_a_list_that_does_not_get_on_is_given_up(store: Store, clock: Clock) -> None:
    desk = Pages({None: ArticlePage((), "2"), "2": ArticlePage((), "2")})
    assert "that page again" in warnings_after(store, clock, desk)
    assert desk.asked == [None, "2"]


def test_more_than_fits_in_memory_is_given_up(store: Store, clock: Clock) -> None:
    desk = Pages({None: ArticlePage((an_article(1, "x" * (MAX_BYTES + 1)),), "2")})
    assert "holds more than 50,000,000 characters" in warnings_after(store, clock, desk)


def test_a_refusal_in_the_middle_begins_anew_after_an_hour(store: Store, clock: Clock) -> None:
    pages: dict[str | None, ArticlePage | Exception] = {None: ArticlePage((an_article(1),), "2")}
    pages["2"] = Permanent("that cursor has ended", 400)
    desk = Pages(pages)
    assert "that cursor has ended (HTTP 400)" in warnings_after(store, clock, desk)
    clock.turn(EVERY.total_seconds())
    pages["2"] = ArticlePage((an_article(2),), None)
    assert warnings_after(store, clock, desk) == ""
    assert desk.asked == [None, "2", None, "2"]


def test_a_vendor_without_help_centres_is_told_and_not_asked(store: Store, clock: Clock) -> None:
    desk = Pages({None: NotThere("no such call", 404)}, can=frozenset())
    assert "acme has no help centre that can be read" in warnings_after(store, clock, desk)
    assert desk.asked == []


def test_an_empty_help_centre_is_told(store: Store, clock: Clock) -> None:
    words = warnings_after(store, clock, Pages({None: ArticlePage((), None)}))
    assert words == "the help centre of acme has no published article that anybody may read"


def test_what_was_read_is_kept_small_and_by_language_until_it_is_named_no_more(store: Store, clock: Clock) -> None:
    long, german = an_article(1, "Words. " * 10_000), Place("acme", "de")
    helpcenters.finish(store, Place("acme"), [long], due_at=clock(), words=None)
    helpcenters.finish(store, german, [an_article(2)], due_at=clock(), words=None)
    helpcenters.go_on(store, german, Reading(clock(), "2", (an_article(3),)), words=None)
    with store.writing() as connection:
        assert helpcenters.articles(connection, Place("acme")) == [long]
        kept = connection.scalar(select(help_centers.c.articles).where(help_centers.c.locale == ""))
        assert kept is not None
        assert len(kept) < len(long.text) / 10
        assert helpcenters.articles(connection, german) == [an_article(2)]
        assert helpcenters.load(connection, german) == Reading(clock(), "2", (an_article(3),))
        helpcenters.forget_others(connection, [german])
        assert helpcenters.load(connection, Place("acme")) is None
        assert helpcenters.load(connection, german) is not None
        helpcenters.forget_others(connection, [])
        assert helpcenters.load(connection, german) is None
