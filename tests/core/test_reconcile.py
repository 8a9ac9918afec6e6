"""Reconciliation on each vendor's sandbox: what no webhook told is found, decided and written once, all the same."""

import base64
import io
import json
import math
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import stamina
from rich.console import Console
from typer.testing import CliRunner

from bridge import reconcile
from bridge.errors import Retryable
from bridge.model import Delivery, EventKind, Status
from bridge.ports import Desk, Page
from bridge.reconcile import Tally
from bridge.store import Store, cursors, inbox, mailbox
from bridge.store import roster as rosters
from bridge.store.cursors import Place
from bridge.store.inbox import Arrival
from deskbridge.cli import app
from deskbridge.cli.progress import Bars
from deskbridge.cli.sync import SyncFailed
from deskbridge.wiring import Bridge, read_settings
from sandbox.common.server import Running, start
from sandbox.freshdesk import FreshdeskSandbox
from tests.conftest import Clock
from tests.core.world import OPTIONS, World

POLICY = """
policy: deskbridge/v1
mode: live
teams:
  billing: {members: {ana: {capacity: 3}, bo: {capacity: 3}}}
  general: {members: {eli: {capacity: 9}, fay: {capacity: 9}}}
triage:
  intent: {act: 0.8, suggest: 0.5}
  words: {billing: [invoice, refund]}
annotate:
  - {name: money, when: {intent: billing}, then: {add_tags: [money]}}
  - {name: lawyer, when: {text: [lawyer]}, then: {add_tags: [escalated]}}
route:
  - {name: billing, when: {intent: billing}, to: {team: billing}}
  - {name: everything else, to: {team: general}}
bindings:
""" + "".join(
    f"""  acme-{vendor}:
    teams: {{billing: Billing, general: General}}
    agents: {{ana: ana@acme.example, bo: bo@acme.example, eli: eli@acme.example, fay: fay@acme.example}}
"""
    for vendor in ("zendesk", "freshdesk", "intercom")
)
VENDORS = ["zendesk", "freshdesk", "intercom"]
MONTH = timedelta(days=30)

Make = Callable[..., World]


@pytest.fixture
def make(sqlite_store: Store, clock: Clock) -> Iterator[Make]:
    worlds: list[World] = []

    def build(vendor: str, store: Store = sqlite_store) -> World:
        worlds.append(World(vendor, store, clock, policy=POLICY))
        return worlds[-1]

    yield build
    for world in worlds:
        world.close()


@pytest.fixture(params=VENDORS)
def world(request: pytest.FixtureRequest, make: Make) -> World:
    """A desk that was followed to its end before, all of whose webhooks work."""
    world = make(request.param)
    look(world)
    return world


@pytest.fixture
def deaf(world: World) -> World:
    """The same, and not one webhook arrives any more."""
    world.control("PUT", "faults", {"drop": 1})
    return world


def look(world: World, desk: Desk | None = None) -> Tally:
    """One round, after more than the minute that Zendesk's export lags behind."""
    world.clock.turn(62)
    return sum(reconcile.follow(world.store, desk or world.desk, back_fill=MONTH, clock=world.clock), Tally())


def at_once(world: World) -> Tally:
    return sum(reconcile.follow(world.store, world.desk, back_fill=MONTH, clock=world.clock), Tally())


def hint(world: World, number: str) -> None:
    """A finding of before has the ticket looked at now."""
    finding = b'{"ticket": "", "updated_at": null}'
    delivery = Delivery(world.name, f"@reconciled/{number}/before", finding, {}, world.clock.now)
    inbox.keep(world.store, [Arrival(delivery, world.ref(number).id, "reconciled", world.clock.now)])


def catch_up(world: World) -> Tally:
    """A round, and all the work it brings."""
    found = look(world)
    world.run()
    return found


def paths(world: World) -> list[tuple[str, str]]:
    return [(call["method"], call["path"]) for call in world.calls()]


def remembered(world: World, number: str) -> Any:
    with world.store.reading() as connection:
        return mailbox.recall(connection, world.ref(number))


# Every webhook dropped ------------------------------------------------------------------------------------------------


def test_a_new_ticket_that_no_webhook_told_is_routed_once(deaf: World) -> None:
    number = deaf.customer("Charged twice", "Please refund the invoice.")
    assert catch_up(deaf).new == 1
    ticket = deaf.ticket(number)
    assert (ticket["team"], len(ticket["notes"])) == ("Billing", 1)
    assert ticket["assignee"] in {"ana@acme.example", "bo@acme.example"}
    assert "money" in ticket["tags"]
    written = deaf.writes(number)
    for _ in range(3):
        catch_up(deaf)
    assert deaf.writes(number) == written
    assert len(deaf.decisions(number)) == 1


def test_a_reply_that_no_webhook_told_is_decided_on_once(deaf: World) -> None:
    number = deaf.customer("A question", "How do I export?")
    catch_up(deaf)
    deaf.customer("", "You hear from my lawyer.", ticket=number)
    assert catch_up(deaf).changed == 1
    catch_up(deaf)
    ticket = deaf.ticket(number)
    assert "escalated" in ticket["tags"]
    assert len(ticket["notes"]) == 2
    assert [decision.event for decision in deaf.decisions(number)] == [
        EventKind.TICKET_CREATED,
        EventKind.REQUESTER_REPLIED,
    ]


def test_what_a_human_set_unheard_stands_and_is_not_decided_on(deaf: World) -> None:
    number = deaf.customer("A question", "How do I export?")
    catch_up(deaf)
    catch_up(deaf)
    deaf.agent(number, set={"assignee": "dee@acme.example", "team": "Tech Support", "add_tags": ["known"]})
    assert catch_up(deaf).changed == 1
    assert len(deaf.decisions(number)) == 1
    deaf.customer("", "Where is my refund for the invoice?", ticket=number)
    catch_up(deaf)
    ticket = deaf.ticket(number)
    assert (ticket["assignee"], ticket["team"]) == ("dee@acme.example", "Tech Support")
    assert {"known", "money"} <= set(ticket["tags"])
    assert len(deaf.decisions(number)) == 2


def test_many_tickets_and_replies_are_each_found_once(deaf: World) -> None:
    numbers = [deaf.customer(f"Question {n}", "How do I export?") for n in range(12)]
    catch_up(deaf)
    for number in numbers[::2]:
        deaf.customer("", "You hear from my lawyer.", ticket=number)
    catch_up(deaf)
    catch_up(deaf)
    assert [len(deaf.decisions(number)) for number in numbers] == [2, 1] * 6
    assert ["escalated" in deaf.ticket(number)["tags"] for number in numbers] == [True, False] * 6


def test_a_reply_in_the_very_second_of_the_last_read_is_found(deaf: World) -> None:
    number = deaf.customer("A question", "How do I export?")
    catch_up(deaf)
    catch_up(deaf)
    deaf.agent(number, set={"add_tags": ["seen"]})
    hint(deaf, number)
    assert deaf.step()
    deaf.customer("", "You hear from my lawyer.", ticket=number)
    catch_up(deaf)
    assert "escalated" in deaf.ticket(number)["tags"]


@pytest.mark.parametrize("vendor", ["freshdesk", "intercom"])
def test_an_update_listed_in_its_own_second_is_looked_at_when_that_is_over_and_once_more(
    make: Make, vendor: str
) -> None:
    world = make(vendor)
    look(world)
    world.control("PUT", "faults", {"drop": 1})
    number = world.customer("A question", "How do I export?")
    assert at_once(world).new == 1
    assert not world.step()
    hint(world, number)
    assert world.step()
    world.customer("", "You hear from my lawyer.", ticket=number)
    catch_up(world)
    assert "escalated" in world.ticket(number)["tags"]
    assert [decision.event for decision in world.decisions(number)] == [
        EventKind.TICKET_CREATED,
        EventKind.REQUESTER_REPLIED,
    ]


def test_a_ticket_that_a_person_took_unheard_is_decided_on_and_stays_theirs(deaf: World) -> None:
    number = deaf.customer("Charged twice", "Please refund the invoice.")
    deaf.agent(number, set={"assignee": "dee@acme.example", "team": "Tech Support"})
    found = catch_up(deaf)
    assert (found.new, found.remembered) == (1, 0)
    ticket = deaf.ticket(number)
    assert (ticket["assignee"], ticket["team"]) == ("dee@acme.example", "Tech Support")
    assert "money" in ticket["tags"]


# Beside working webhooks ----------------------------------------------------------------------------------------------


def test_beside_working_webhooks_nothing_is_decided_or_written_twice(world: World) -> None:
    number = world.customer("A question", "How do I export?")
    world.run()
    world.customer("", "You hear from my lawyer.", ticket=number)
    world.run()
    decided, written = world.decisions(number), world.writes(number)
    for _ in range(3):
        catch_up(world)
    assert world.decisions(number) == decided
    assert world.writes(number) == written
    assert len(decided) == 2


def test_what_a_webhook_had_us_read_is_not_read_again(make: Make) -> None:
    world = make("freshdesk")
    look(world)
    number = world.customer("A question", "How do I export?")
    world.run()
    catch_up(world)
    world.agent(number, set={"add_tags": ["known"]})
    world.delivered()
    world.clock.turn(3)
    assert world.step()
    found = catch_up(world)
    assert (found.changed, found.unchanged) == (0, 1)


def test_a_quiet_desk_costs_its_list_and_not_one_read(world: World) -> None:
    for _ in range(3):
        world.customer("A question", "How do I export?")
    world.run()
    catch_up(world)
    catch_up(world)
    before = len(paths(world))
    rounds = [catch_up(world) for _ in range(4)]
    assert sum(found.new + found.changed for found in rounds) == 0
    assert len(paths(world)) - before == sum(found.pages for found in rounds)


def test_a_written_ticket_costs_one_read_and_not_one_a_round(deaf: World) -> None:
    number = deaf.customer("Charged twice", "Please refund the invoice.")
    catch_up(deaf)
    found = [catch_up(deaf) for _ in range(3)]
    assert [tally.changed for tally in found] == [1, 0, 0]
    ticket, _ = remembered(deaf, number)
    with deaf.store.reading() as connection:
        known = mailbox.known(connection, deaf.name, [deaf.ref(number).id])[deaf.ref(number).id]
    assert known.seen_until == ticket.updated_at
    assert ticket.team_id is not None


# Tickets that need nobody any more ------------------------------------------------------------------------------------


def promised(world: World) -> int:
    with world.store.reading() as connection:
        return sum(rosters.promised(connection).values())


def test_a_ticket_resolved_unheard_gives_its_agent_room_again_without_a_read(deaf: World) -> None:
    number = deaf.customer("Charged twice", "Please refund the invoice.")
    catch_up(deaf)
    catch_up(deaf)
    assert promised(deaf) == 1
    deaf.agent(number, set={"status": "resolved"})
    before = len(paths(deaf))
    found = catch_up(deaf)
    assert len(paths(deaf)) - before == found.pages
    assert promised(deaf) == 0
    assert remembered(deaf, number)[0].status in {Status.RESOLVED, Status.CLOSED}
    assert len(deaf.decisions(number)) == 1
    deaf.agent(number, set={"add_tags": ["filed"]})
    found = catch_up(deaf)
    assert (found.changed, found.unchanged) == (0, 1)


def test_a_ticket_reopened_unheard_is_decided_on(deaf: World) -> None:
    number = deaf.customer("A question", "How do I export?")
    catch_up(deaf)
    deaf.agent(number, set={"status": "resolved"})
    catch_up(deaf)
    deaf.customer("", "No: you hear from my lawyer.", ticket=number)
    catch_up(deaf)
    assert "escalated" in deaf.ticket(number)["tags"]
    assert len(deaf.decisions(number)) == 2


def delete(world: World, number: str) -> None:
    """An agent deletes a ticket, through the vendor's own API."""
    agent = base64.b64encode(b"bridge@acme.example/token:sandbox-api-token").decode()
    url = f"{world.running.url}/api/v2/tickets/{number}"
    request = urllib.request.Request(url, method="DELETE", headers={"Authorization": f"Basic {agent}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 204


def test_a_ticket_deleted_unheard_is_marked_so_and_gives_its_agent_room_again(make: Make) -> None:
    world = make("zendesk")
    world.control("PUT", "faults", {"drop": 1})
    number = world.customer("Charged twice", "Please refund the invoice.")
    look(world)
    world.run()
    assert promised(world) == 1
    delete(world, number)
    catch_up(world)
    assert promised(world) == 0
    assert remembered(world, number)[0].status is Status.DELETED
    assert len(world.decisions(number)) == 1


def test_a_page_from_before_a_ticket_was_read_does_not_resolve_it(make: Make) -> None:
    world = make("freshdesk")
    number = world.customer("A question", "How do I export?")
    world.run()
    world.control("PUT", "faults", {"drop": 1})
    world.agent(number, set={"status": "resolved"})
    world.clock.turn(5)

    def reopened_meanwhile(_: int) -> None:
        world.control("DELETE", "faults")
        world.customer("", "No: you hear from my lawyer.", ticket=number)
        world.delivered()
        world.control("PUT", "faults", {"drop": 1})
        world.clock.turn(1)
        assert world.step()

    desk: Any = Paged(world.desk, reopened_meanwhile)
    found = sum(reconcile.follow(world.store, desk, back_fill=MONTH, clock=world.clock), Tally())
    assert found.changed == 1
    world.run()
    assert remembered(world, number)[0].status is Status.OPEN
    assert "escalated" in world.ticket(number)["tags"]


# The first time -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=VENDORS)
def found_running(request: pytest.FixtureRequest, make: Make) -> World:
    """A desk with a past, to which the bridge comes only now; webhooks are dropped."""
    world = make(request.param)
    world.control("PUT", "faults", {"drop": 1})
    return world


def test_the_first_round_routes_what_nobody_has_and_leaves_the_rest_to_its_people(found_running: World) -> None:
    world = found_running
    free = world.customer("Charged twice", "Please refund the invoice.")
    taken = world.customer("Charged thrice", "Please refund the invoice.")
    done = world.customer("Charged once", "Please refund the invoice.")
    world.agent(taken, set={"assignee": "dee@acme.example"})
    world.agent(done, set={"status": "resolved"})
    found = catch_up(world)
    assert (found.new, found.remembered, found.unchanged) == (1, 1, 1)
    assert world.ticket(free)["team"] == "Billing"
    assert [world.writes(number) for number in (taken, done)] == [[], []]
    catch_up(world)
    assert [len(world.decisions(number)) for number in (free, taken, done)] == [1, 0, 0]


def test_a_ticket_left_to_its_people_is_decided_on_when_its_requester_writes_again_only(found_running: World) -> None:
    world = found_running
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.agent(number, set={"assignee": "dee@acme.example", "team": "Tech Support"})
    catch_up(world)
    world.agent(number, set={"add_tags": ["looked_at"]}, note="Looking.")
    catch_up(world)
    assert world.decisions(number) == []
    world.customer("", "You hear from my lawyer.", ticket=number)
    catch_up(world)
    (decision,) = world.decisions(number)
    assert decision.event is EventKind.REQUESTER_REPLIED
    ticket = world.ticket(number)
    assert (ticket["assignee"], ticket["team"]) == ("dee@acme.example", "Tech Support")
    assert {"looked_at", "escalated"} <= set(ticket["tags"])


def test_the_first_round_goes_back_so_far_and_no_further(found_running: World) -> None:
    world = found_running
    world.customer("Long ago", "Please refund the invoice.")
    world.clock.turn(3 * 86_400)
    recent = world.customer("Just now", "Please refund the invoice.")
    world.clock.turn(62)
    tallies = reconcile.follow(world.store, world.desk, back_fill=timedelta(days=2), clock=world.clock)
    assert sum(tallies, Tally()).new == 1
    world.run()
    assert world.ticket(recent)["team"] == "Billing"


def test_webhooks_are_worked_on_before_a_back_fill_however_large(make: Make) -> None:
    world = make("freshdesk")
    world.control("PUT", "faults", {"drop": 1})
    for n in range(9):
        world.customer(f"Old {n}", "How do I export?")
    look(world)
    world.control("DELETE", "faults")
    number = world.customer("New", "How do I export?")
    world.delivered()
    world.clock.turn(2)
    world.workers.decide("decider")
    assert len(world.decisions(number)) == 1
    waiting = mailbox.claim(world.store, "other", world.clock.now, timedelta(seconds=9), 99)
    assert len(waiting) == 9


# Pages, crashes, processes --------------------------------------------------------------------------------------------


class Paged:
    """A desk's list of changes in pages of two tickets, whose `before_answer` runs before each page is given."""

    def __init__(self, desk: Desk, before_answer: Callable[[int], None] = lambda _: None) -> None:
        self._desk = desk
        self._before_answer = before_answer
        self.asked: list[str | None] = []
        self.starts: set[datetime] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)

    def changed_since(self, cursor: str | None, *, start: datetime) -> Page:
        """The page at an offset; the list itself is read anew for each."""
        self.asked.append(cursor)
        self.starts.add(start)
        offset = int(cursor or 0)
        whole = self._desk.changed_since(None, start=start)
        self._before_answer(len(self.asked))
        return Page(whole.tickets[offset : offset + 2], str(offset + 2), len(whole.tickets) > offset + 2)


def prepared(make: Make, tickets: int, store: Store) -> tuple[World, list[str]]:
    world = make("freshdesk", store)
    world.control("PUT", "faults", {"drop": 1})
    numbers = [world.customer(f"Question {n}", "How do I export?") for n in range(tickets)]
    return world, numbers


def test_a_desk_that_fails_between_two_pages_is_followed_from_the_second(make: Make, sqlite_store: Store) -> None:
    world, numbers = prepared(make, 5, sqlite_store)

    def fail_at_second(asked: int) -> None:
        if asked == 2:
            raise Retryable("come again", 429)

    desk = Paged(world.desk, fail_at_second)
    with pytest.raises(Retryable):
        look(world, desk)
    with world.store.reading() as connection:
        place = cursors.load(connection, world.name)
    assert place is not None
    assert (place.cursor, place.completed_at) == ("2", None)
    assert look(world, desk).new == 3
    assert desk.asked == [None, "2", "2", "4", "6"], "and one more round, for what came since the first began"
    assert len(desk.starts) == 1
    world.run(for_seconds=9)
    assert [len(world.decisions(number)) for number in numbers] == [1] * 5


def test_a_crash_between_page_and_commit_repeats_the_page_and_no_effect(
    make: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, numbers = prepared(make, 3, store)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "add", die)
        with pytest.raises(KeyboardInterrupt):
            look(world)
    with world.store.reading() as connection:
        assert cursors.load(connection, world.name) is None
        assert inbox.backlog(connection) == 0
    assert catch_up(world).new == 3
    catch_up(world)
    assert [len(world.decisions(number)) for number in numbers] == [1] * 3


@pytest.mark.parametrize("world", ["intercom"], indirect=True)
def test_a_round_that_was_cut_off_is_followed_by_one_that_sees_what_came_since(deaf: World) -> None:
    look(deaf)
    deaf.control("PUT", "faults", {"drop": 1, "503": {"next": 1, "match": "/tickets/search"}})
    with pytest.raises(Retryable):
        look(deaf)
    deaf.customer("Charged twice", "Please refund the invoice.")
    assert look(deaf).new == 1


def test_who_has_been_overtaken_moves_no_cursor(store: Store, clock: Clock) -> None:
    first, second, late = (Place(cursor, clock.now) for cursor in ("1", "2", "1b"))

    def move(before: Place | None, after: Place) -> bool:
        with store.writing() as connection:
            return cursors.move(store, connection, "acme", before, after, now=clock.now)

    assert [move(None, first), move(None, late), move(first, second), move(first, late)] == [True, False, True, False]
    with store.reading() as connection:
        assert cursors.load(connection, "acme") == second


def test_a_ticket_that_waits_keeps_the_better_of_its_ranks(store: Store, clock: Clock) -> None:
    def wake(ticket: str, rank: int) -> None:
        with store.writing() as connection:
            mailbox.wake(store, connection, {("acme", ticket): clock.now}, rank=rank)

    def claimed() -> set[str]:
        return {box.ticket for box in mailbox.claim(store, "one", clock.now, timedelta(seconds=9), 9)}

    wake("told first", mailbox.TOLD)
    wake("told first", mailbox.POLLED)
    wake("polled first", mailbox.POLLED)
    wake("polled first", mailbox.TOLD)
    wake("polled only", mailbox.POLLED)
    assert claimed() == {"told first", "polled first"}
    wake("told first", mailbox.POLLED)
    assert claimed() == {"polled only"}


def test_two_processes_that_reconcile_at_once_find_each_ticket_once(make: Make, store: Store) -> None:
    world, numbers = prepared(make, 6, store)
    world.clock.turn(62)
    both_have_the_first_page = threading.Barrier(2, timeout=10)

    def together(asked: int) -> None:
        if asked == 1:
            both_have_the_first_page.wait()

    def one_process(_: int) -> Tally:
        desk: Any = Paged(world.desk, together)
        return sum(reconcile.follow(world.store, desk, back_fill=MONTH, clock=world.clock), Tally())

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(one_process, range(2)))
    assert sum(tally.new for tally in found) == 6
    world.run(for_seconds=9)
    assert [len(world.decisions(number)) for number in numbers] == [1] * 6


def test_a_kept_finding_says_nothing_that_a_customer_wrote(deaf: World) -> None:
    number = deaf.customer("Password is swordfish", "It is swordfish.")
    deaf.agent(number, set={"status": "resolved"})
    other = deaf.customer("Password is swordfish", "It is swordfish.")
    look(deaf)
    with deaf.store.reading() as connection:
        (kept,) = inbox.waiting(connection, deaf.name, deaf.ref(other).id)
    assert b"swordfish" not in kept.delivery.body


def test_a_sum_of_tallies_has_every_count_and_the_latest_time(clock: Clock) -> None:
    later = clock.now + timedelta(seconds=1)
    assert Tally(1, 4, 1, 1, 1, 1, clock.now) + Tally(1, 3, 0, 1, 0, 2, later) + Tally() == Tally(
        2, 7, 1, 2, 1, 3, later
    )


# The schedule and the command -----------------------------------------------------------------------------------------


@pytest.fixture
def account() -> Iterator[Running]:
    """A local Freshdesk on the real clock, as the command and the bridge want it."""
    with start(FreshdeskSandbox()) as running:
        yield running


@pytest.fixture
def config(account: Running, tmp_path: Path) -> Path:
    file = tmp_path / "deskbridge.yaml"
    (tmp_path / "policy.yaml").write_text(POLICY)
    desk = {"vendor": "freshdesk", "mode": "live", "url": account.url, **OPTIONS["freshdesk"]}
    gone = desk | {"url": "http://127.0.0.1:9"}
    file.write_text(json.dumps({"desks": {"acme-freshdesk": desk, "gone": gone}}))
    return file


def write_ticket(account: Running) -> None:
    say = {"email": "ada@mail.example", "subject": "Charged twice", "body": "Please refund the invoice."}
    request = urllib.request.Request(
        f"{account.url}/_sandbox/customers/write",
        json.dumps(say).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def sync(config: Path, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["sync", "--config", str(config), *arguments])


def test_the_command_says_what_it_found_and_with_how_many_calls(account: Running, config: Path) -> None:
    write_ticket(account)
    write_ticket(account)
    said = json.loads(sync(config, "acme-freshdesk", "--json").stdout)
    assert said == {
        "desk": "acme-freshdesk", "looked_at": 2, "new": 2, "changed": 0, "remembered": 0, "unchanged": 0, "calls": 1,
        "words": None,
    }  # fmt: skip
    write_ticket(account)
    said = json.loads(sync(config, "acme-freshdesk", "--json").stdout)
    assert (said["new"], said["calls"]) == (1, 1)
    shown = sync(config, "acme-freshdesk", "--since", "7d").stdout
    assert "looked at" in shown
    assert "acme-freshdesk" in shown


def test_looking_again_takes_a_length_of_time_and_leaves_the_desk_s_own_place(account: Running, config: Path) -> None:
    write_ticket(account)
    assert json.loads(sync(config, "acme-freshdesk", "--since", "2h", "--json").stdout)["new"] == 1
    store = Store(f"sqlite:///{config.parent}/deskbridge.db")
    with store.reading() as connection:
        assert cursors.load(connection, "acme-freshdesk") is None
    store.close()
    assert "no length of time" in sync(config, "--since", "a week").output


def test_a_desk_that_fails_is_named_and_the_others_are_done(account: Running, config: Path) -> None:
    write_ticket(account)
    with stamina.set_testing(True):
        result = sync(config, "--json")
    done, failed = map(json.loads, result.stdout.splitlines())
    assert (done["desk"], done["new"], done["words"]) == ("acme-freshdesk", 1, None)
    assert failed["desk"] == "gone"
    assert failed["words"]
    assert isinstance(result.exception, SyncFailed)
    assert "gone" in str(result.exception)


def test_a_desk_that_is_not_in_the_settings_is_refused_by_name(config: Path) -> None:
    result = sync(config, "acme-zendesk")
    assert result.exit_code == 2
    assert "no desk is called acme-zendesk" in result.output


@pytest.fixture
def bridge(config: Path, clock: Clock) -> Iterator[Bridge]:
    found = read_settings(config, {})
    bridge = Bridge(found, clock=clock)
    bridge.open()
    yield bridge
    bridge.close()


def metric(bridge: Bridge, name: str, **labels: str) -> float | None:
    return bridge.metrics.registry.get_sample_value(name, labels)


def test_the_schedule_follows_each_desk_and_metrics_say_how_fresh_it_is(
    account: Running, bridge: Bridge, clock: Clock
) -> None:
    age = partial(metric, bridge, "deskbridge_reconciled_age_seconds")
    write_ticket(account)
    jobs = {job.name: job for job in bridge._jobs()}
    assert age(desk="acme-freshdesk") == math.inf
    assert bridge.schedule.attempt(jobs["changes of acme-freshdesk"])
    assert bridge.schedule.attempt(jobs["changes of gone"])
    clock.turn(30)
    assert age(desk="acme-freshdesk") == 30
    assert age(desk="gone") == math.inf
    assert metric(bridge, "deskbridge_reconciled_tickets_total", desk="acme-freshdesk", outcome="new") == 1
    assert set(bridge.schedule.failing()) == {"changes of gone"}
    assert not bridge.schedule.attempt(jobs["changes of acme-freshdesk"])
    clock.turn(30)
    assert bridge.schedule.attempt(jobs["changes of acme-freshdesk"])
    assert age(desk="acme-freshdesk") == 0


def test_a_desk_that_throttles_reconciliation_is_no_trouble_to_report(account: Running, bridge: Bridge) -> None:
    faults = urllib.request.Request(
        f"{account.url}/_sandbox/faults",
        json.dumps({"429": 1}).encode(),
        method="PUT",
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(faults, timeout=10):
        pass
    job = next(job for job in bridge._jobs() if job.name == "changes of acme-freshdesk")
    assert bridge.schedule.attempt(job)
    assert bridge.schedule.failing() == {}
    assert metric(bridge, "deskbridge_reconciled_age_seconds", desk="acme-freshdesk") == math.inf


def test_bars_show_how_far_through_time_a_back_fill_has_come_and_give_the_pages_on(clock: Clock) -> None:
    screen = io.StringIO()
    bars = Bars(clock, Console(file=screen, force_terminal=True, width=100))
    since = clock.now - timedelta(days=30)
    pages = [Tally(pages=1, looked_at=50, new=7, reached=since + timedelta(days=15)), Tally(pages=1, looked_at=9)]
    assert list(bars.watch("acme", since, iter(pages))) == pages
    assert "59 tickets looked at, 7 to work on" in screen.getvalue()
