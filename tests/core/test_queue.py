"""Tickets that wait for an agent: who leaves the queue and how, and that each place of an agent is given once."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from typer.testing import CliRunner

import rules
from bridge.memory import Memory
from bridge.metrics import Metrics
from bridge.model import (
    AgentRecord,
    AgentStatus,
    Mode,
    Place,
    PlaceState,
    Priority,
    Roster,
    Status,
    Target,
    TeamRecord,
    Ticket,
    TicketRef,
    Wait,
)
from bridge.queueing import Matcher, forget
from bridge.store import Store, mailbox, queue
from bridge.store import roster as rosters
from bridge.worker import LEASE
from deskbridge.cli import app
from tests.conftest import Clock
from tests.core.world import ROUTES, World

POLICY = (
    """
policy: deskbridge/v1
mode: live
teams:
  billing: {slots: 1, members: {ana: {capacity: 3}, bo: {capacity: 3}}}
  general: {slots: 1, members: {eli: {capacity: 9}}}
triage:
  intent: {act: 0.8, suggest: 0.5}
  words: {billing: [invoice, refund]}
"""
    + ROUTES
)
ANA, BO, ELI = "ana@acme.example", "bo@acme.example", "eli@acme.example"
VENDORS = ["zendesk", "freshdesk", "intercom"]

Make = Callable[..., World]


@pytest.fixture
def make(sqlite_store: Store, clock: Clock) -> Iterator[Make]:
    worlds: list[World] = []

    def build(vendor: str, **more: str) -> World:
        worlds.append(World(vendor, sqlite_store, clock, **{"policy": POLICY, **more}))  # type: ignore[arg-type] # passed on
        return worlds[-1]

    yield build
    for world in worlds:
        world.close()


def later(world: World, seconds: float = 20) -> None:
    """Time goes by, the agents are read anew, and what comes of it is done."""
    world.clock.turn(seconds)
    world.take_roster()
    world.run()


def in_queue(world: World) -> dict[str, str]:
    with world.store.reading() as connection:
        return {place.ref.id: place.state.value for place in queue.in_state(connection, *PlaceState)}


def waiting(world: World) -> set[str]:
    return {number for number, state in in_queue(world).items() if state == "waiting"}


def promised(world: World) -> int:
    with world.store.reading() as connection:
        return sum(rosters.promised(connection).values())


def opened(world: World, count: int) -> list[str]:
    numbers = [world.customer(f"Invoice {n}", "Please refund it.") for n in range(count)]
    world.run()
    return numbers


def held(world: World, numbers: list[str]) -> list[str | None]:
    return [world.ticket(number)["assignee"] for number in numbers]


@pytest.mark.parametrize("vendor", VENDORS)
def test_who_finds_nobody_waits_in_the_team_and_goes_to_the_next_agent_with_room(make: Make, vendor: str) -> None:
    world = make(vendor)
    numbers = opened(world, 3)
    assert sorted(filter(None, held(world, numbers))) == [ANA, BO]
    (left,) = [number for number in numbers if world.ticket(number)["assignee"] is None]
    assert world.ticket(left)["team"] == "Billing"
    first = next(number for number in numbers if world.ticket(number)["assignee"] == ANA)
    world.agent(first, ANA, set={"status": "resolved"}, reply="Done.")
    later(world)
    assert world.ticket(left)["assignee"] == ANA
    earlier, decided = world.decisions(world.ref(left).id)
    assert (earlier.assignment and earlier.assignment.agent) is None
    assert decided.assignment is not None
    assert decided.assignment.agent == "ana"
    assert {one.name for one in decided.assignment.candidates} == {"ana", "bo"}
    assert all(one.because for one in decided.assignment.candidates)
    assert earlier.id != decided.id
    assert waiting(world) == set()


def test_who_is_solved_merged_or_taken_by_an_agent_waits_no_longer(make: Make) -> None:
    world = make("zendesk")
    numbers = opened(world, 5)
    solved, taken, stays = [number for number in numbers if number in waiting(world)]
    world.agent(solved, BO, set={"status": "resolved"}, reply="Solved by phone.")
    world.agent(taken, BO, set={"assignee": BO})
    world.run()
    assert waiting(world) == {stays}
    for number in numbers:
        if world.ticket(number)["assignee"] == ANA:
            world.agent(number, ANA, set={"status": "resolved"}, reply="Done.")
    later(world)
    assert world.ticket(taken)["assignee"] == BO
    assert world.ticket(solved)["assignee"] in {None, BO}
    assert world.ticket(stays)["assignee"] == ANA


def test_an_agent_who_lets_go_of_a_waiting_ticket_is_not_overruled(make: Make) -> None:
    world = make("zendesk")
    numbers = opened(world, 3)
    (left,) = waiting(world)
    world.agent(left, BO, set={"assignee": BO})
    world.agent(left, BO, set={"assignee": None})
    world.run()
    for number in set(numbers) - {left}:
        world.agent(number, ANA, set={"status": "resolved"}, reply="Done.")
    later(world)
    assert world.ticket(left)["assignee"] is None
    assert left not in in_queue(world)


@pytest.mark.parametrize("vendor", VENDORS)
def test_who_is_moved_to_another_team_by_a_person_waits_in_no_queue(make: Make, vendor: str) -> None:
    world = make(vendor)
    numbers = opened(world, 3)
    (left,) = waiting(world)
    world.agent(left, BO, set={"team": "General"})
    world.run()
    assert waiting(world) == set()
    world.customer("", "When will I hear of the invoice?", ticket=left)
    world.run()
    for number in set(numbers) - {left}:
        world.agent(number, ANA, set={"status": "solved"})
    later(world)
    assert (waiting(world), promised(world)) == (set(), 0)
    assert (world.ticket(left)["assignee"], world.ticket(left)["team"]) == (None, "General")


def test_an_agent_who_comes_back_to_work_is_given_what_waits(make: Make) -> None:
    world = make("zendesk")
    for agent in (ANA, BO):
        world.control("POST", "agents/status", {"agent": agent, "status": "offline"})
    world.clock.turn(2)
    world.take_roster()
    (number,) = opened(world, 1)
    assert waiting(world) == {number}
    world.control("POST", "agents/status", {"agent": BO, "status": "online"})
    later(world)
    assert world.ticket(number)["assignee"] == BO


def test_another_team_takes_over_when_the_clock_says_so(make: Make) -> None:
    world = make(
        "zendesk", policy=POLICY.replace("to: {team: billing}", "to: {team: billing, then: general, wait_at_most: 2m}")
    )
    numbers = opened(world, 3)
    (left,) = waiting(world)
    world.clock.turn(60)
    world.run(for_seconds=1)
    assert world.ticket(left)["assignee"] is None
    world.clock.turn(400)
    world.run()
    assert world.ticket(left)["assignee"] == ELI
    assert world.ticket(left)["team"] == "General"
    assert len(numbers) == 3


def test_outside_their_hours_agents_are_given_nothing_and_at_their_beginning_what_waits(make: Make) -> None:
    hours = 'calendars:\n  day: {timezone: UTC, hours: {mon-sun: ["%s"]}}\nteams:\n'
    world = make("zendesk")
    opens = world.clock.now + timedelta(minutes=30)
    closes = world.clock.now + timedelta(hours=6)
    policy = POLICY.replace("teams:\n", hours % f"{opens:%H:%M}-{closes:%H:%M}", 1)
    world.policy = rules.loads(policy.replace("billing: {slots: 1,", "billing: {slots: 1, calendar: day,"))
    (number,) = opened(world, 1)
    assert waiting(world) == {number}
    later(world, 1_900)
    assert world.ticket(number)["assignee"] in {ANA, BO}


@pytest.mark.parametrize("when_away", ["hand_back", "reassign", "keep"])
def test_tickets_of_who_has_gone_go_where_the_policy_says_after_the_grace(make: Make, when_away: str) -> None:
    policy = POLICY.replace("billing: {slots: 1,", f"billing: {{slots: 1, when_away: {when_away}, grace: 10m,")
    world = make("zendesk", policy=policy)
    world.control("POST", "agents/status", {"agent": BO, "status": "offline"})
    later(world, 2)
    (number,) = opened(world, 1)
    assert world.ticket(number)["assignee"] == ANA
    world.control("POST", "agents/status", {"agent": ANA, "status": "offline"})
    later(world, 300)
    assert world.ticket(number)["assignee"] == ANA
    later(world, 600)
    assert world.ticket(number)["assignee"] == (None if when_away == "hand_back" else ANA)
    world.control("POST", "agents/status", {"agent": BO, "status": "online"})
    later(world, 2_400)
    assert world.ticket(number)["assignee"] == (ANA if when_away == "keep" else BO)
    assert world.ticket(number)["team"] == "Billing"


def test_a_ticket_that_comes_back_to_who_has_gone_is_handed_back(make: Make) -> None:
    world = make("zendesk", policy=POLICY.replace("billing: {slots: 1,", "billing: {when_away: hand_back, grace: 5m,"))
    world.control("POST", "agents/status", {"agent": BO, "status": "offline"})
    later(world, 2)
    (number,) = opened(world, 1)
    world.agent(number, ANA, set={"status": "resolved"}, reply="Done.")
    world.run()
    assert in_queue(world) == {}
    world.control("POST", "agents/status", {"agent": ANA, "status": "offline"})
    later(world, 60)
    world.customer("", "It is not.", ticket=number)
    world.run()
    assert world.ticket(number)["assignee"] == ANA
    later(world, 600)
    assert world.ticket(number)["assignee"] is None
    assert waiting(world) == {number}


def test_a_write_that_ends_while_an_agent_is_offered_does_not_count_for_the_offer(make: Make) -> None:
    world = make("zendesk")
    numbers = opened(world, 2)
    left = world.customer("Invoice 3", "Please refund it.")
    world.delivered()
    world.clock.turn(2)
    world.workers.decide("decider")  # the team's write is planned, and not carried out
    with world.store.writing() as connection:
        forget(world.store, connection, world.ref(numbers[0]), world.clock.now)
    assert world.workers.match("matcher")
    assert in_queue(world)[left] == "offered"
    while world.workers.write("writer"):
        pass
    world.clock.turn(30)
    world.take_roster()
    with world.store.reading() as connection:
        promised_now = rosters.promised(connection)
    assert sum(promised_now.values()) == 1
    world.run()
    assert world.ticket(left)["assignee"] in {ANA, BO}


def test_what_a_person_gave_to_somebody_is_not_taken_back(make: Make) -> None:
    world = make("zendesk", policy=POLICY.replace("billing: {slots: 1,", "billing: {when_away: hand_back, grace: 1m,"))
    (number,) = opened(world, 1)
    other = BO if world.ticket(number)["assignee"] == ANA else ANA
    world.agent(number, other, set={"assignee": other})
    world.run()
    world.control("POST", "agents/status", {"agent": other, "status": "offline"})
    later(world, 60)
    later(world, 3_600)
    assert world.ticket(number)["assignee"] == other


def test_what_waits_for_its_customer_gives_room_also_where_the_desk_counts_nothing(make: Make) -> None:
    world = make("freshdesk")
    hide_loads(world)
    numbers = opened(world, 3)
    (left,) = waiting(world)
    first = next(number for number in numbers if world.ticket(number)["assignee"] == ANA)
    later(world)
    assert world.ticket(left)["assignee"] is None
    world.agent(first, ANA, set={"status": "pending"}, reply="Which invoice?")
    world.run()
    assert world.ticket(left)["assignee"] == ANA
    assert promised(world) == 2
    world.customer("", "The second one.", ticket=first)
    world.run()
    assert promised(world) == 3


def test_nobody_gets_more_of_a_channel_than_their_limit_whatever_else_they_have_room_for(make: Make) -> None:
    only_ana = POLICY.replace("ana: {capacity: 3}, bo: {capacity: 3}", "ana: {capacity: 9, channels: {chat: 1}}")
    policy = only_ana.replace("slots: 1", "slots: 3").replace("eli: {", "bo: {capacity: 9}, eli: {")
    world = make("intercom", policy=policy)
    numbers = []
    for channel in ("chat", "chat", "email"):
        numbers.append(world.customer("An invoice", "Please refund it.", channel=channel))
        world.run()
    first, second, _ = numbers
    later(world)
    assert held(world, numbers) == [ANA, None, ANA]
    world.agent(first, ANA, set={"status": "solved"})
    world.run()
    later(world)
    assert held(world, [second]) == [ANA]


def hide_loads(world: World) -> None:
    """As on a plan that tells neither availability nor load."""
    read: Callable[[], Roster] = world.desk.roster

    def hidden() -> Roster:
        found = read()
        agents = (
            replace(one, status=AgentStatus.UNKNOWN, load=None, limit=None, inferred=True) for one in found.agents
        )
        return replace(found, agents=tuple(agents))

    world.desk.roster = hidden  # the same desk on a smaller plan
    world.take_roster()


@pytest.mark.parametrize("vendor", ["zendesk", "freshdesk"])
def test_who_lets_a_ticket_lie_is_taken_to_be_away_where_the_desk_hides_it_until_they_act(
    make: Make, vendor: str
) -> None:
    world = make(vendor, policy=POLICY.replace("billing: {slots: 1,", "billing: {slots: 2,"))
    hide_loads(world)
    numbers = opened(world, 2)
    assert set(held(world, numbers)) == {ANA, BO}
    (hers,) = [number for number in numbers if world.ticket(number)["assignee"] == ANA]
    world.clock.turn(1_800)
    world.agent(hers, ANA, note="On it.")
    world.run()
    later(world, 2_400)
    (next_one,) = opened(world, 1)
    assert world.ticket(next_one)["assignee"] == ANA
    found = world.decisions(world.ref(next_one).id)[-1].assignment
    assert found is not None
    assert {one.name: one.because for one in found.candidates}["bo"] == "away (inferred)"
    (his,) = set(numbers) - {hers}
    world.agent(his, BO, note="Back from lunch.")
    later(world)
    (last,) = opened(world, 1)
    assert world.ticket(last)["assignee"] == BO


@pytest.mark.parametrize("mode", [Mode.SHADOW, Mode.SUGGEST])
def test_only_live_decisions_take_places_or_wait_for_them(sqlite_store: Store, clock: Clock, mode: Mode) -> None:
    world = World("zendesk", sqlite_store, clock, policy=POLICY, mode=mode)
    try:
        numbers = opened(world, 3)
        assert (in_queue(world), promised(world)) == ({}, 0)
        assert all(world.decisions(number)[-1].assignment for number in numbers)
    finally:
        world.close()


def test_the_queue_is_listed_with_the_reason_of_each_wait(make: Make, tmp_path: Path) -> None:
    world = make("zendesk")
    opened(world, 3)
    (left,) = waiting(world)
    (tmp_path / "policy.yaml").write_text(POLICY)
    options: dict[str, object] = {"vendor": "zendesk", "mode": "live", "url": world.running.url}
    options |= {"credentials": {"client_id": "a", "client_secret": "b"}, "webhook_secrets": ["c"]}
    settings = {"database": str(world.store.engine.url), "policy": "policy.yaml", "desks": {world.name: options}}
    (tmp_path / "deskbridge.yaml").write_text(json.dumps(settings))
    config = ["--config", str(tmp_path / "deskbridge.yaml")]
    told = CliRunner().invoke(app, ["queue", "--json", *config])
    (line,) = told.output.splitlines()
    found = json.loads(line)
    assert found["ticket"] == f"{world.name}:{left}"
    assert (found["team"], found["state"], found["agent"]) == ("billing", "waiting", None)
    assert found["why"]
    assert left in CliRunner().invoke(app, ["queue", *config]).output
    assert "No ticket waits" in CliRunner().invoke(app, ["queue", "--team", "general", *config]).output
    with world.store.writing() as connection:
        earlier = Wait(Target("r", "general", frozenset({"sanskrit"})), world.clock.now - timedelta(days=1))
        queue.put(world.store, connection, Place(TicketRef(world.name, "1"), PlaceState.WAITING, earlier))
    told = CliRunner().invoke(app, ["queue", "--json", "--team", "billing", "--limit", "1", *config])
    assert json.loads(told.output)["ticket"] == f"{world.name}:{left}"
    for wrong, words in ((["--team", "sales"], "no team is called"), (["--desk", "acne"], "no desk is called")):
        refused = CliRunner().invoke(app, ["queue", *wrong, *config])
        assert (refused.exit_code, words in refused.output) == (2, True)


PEOPLE, SLOTS, TICKETS = 5, 2, 60
CROWD = f"""
policy: deskbridge/v1
mode: live
teams:
  billing:
    slots: {SLOTS}
    members: {{{", ".join(f"agent-{number}: {{capacity: 9}}" for number in range(PEOPLE))}}}
route: [{{name: everything, to: {{team: billing}}}}]
"""


@pytest.fixture
def crowded(store: Store, clock: Clock) -> Store:
    """Sixty tickets that wait for five agents with two slots each, on either engine."""
    agents = tuple(AgentRecord(f"{n}", f"agent-{n}", status=AgentStatus.ONLINE, load=0) for n in range(PEOPLE))
    rosters.save(store, Roster("acme", clock.now, agents, (TeamRecord("1", "billing"),)))
    with store.writing() as connection:
        for number in range(TICKETS):
            put(store, connection, clock, number)
        queue.ring(store, connection, clock.now)
    return store


def put(store: Store, connection: Connection, clock: Clock, number: int) -> None:
    ref = TicketRef("acme", f"{number}")
    wait = Wait(Target("r", "billing"), clock.now - timedelta(minutes=number), Priority.NORMAL)
    mailbox.adopt(store, connection, [(Ticket(ref, "Hello", None, Status.OPEN), Memory(decided=True), None)])
    queue.put(store, connection, Place(ref, PlaceState.WAITING, wait))


def matcher(store: Store, clock: Clock, policy: str = CROWD) -> Matcher:
    compiled = rules.loads(policy)
    return Matcher(store, ["acme"], policy=lambda: compiled, clock=clock, metrics=Metrics())


def places(store: Store) -> Counter[tuple[str, str]]:
    with store.reading() as connection:
        return rosters.promised(connection)


def offered(store: Store) -> list[Place]:
    with store.reading() as connection:
        return queue.in_state(connection, PlaceState.OFFERED)


def test_each_place_is_offered_once_and_who_gets_one_is_woken(crowded: Store, clock: Clock) -> None:
    found = matcher(crowded, clock)
    assert found.run_one()
    assert set(places(crowded).values()) == {SLOTS}
    assert len(offered(crowded)) == PEOPLE * SLOTS
    assert all(place.assignment and place.assignment.agent == place.agent for place in offered(crowded))
    woken = mailbox.claim(crowded, "w", clock.now, LEASE, TICKETS)
    assert {box.ticket for box in woken} == {place.ref.id for place in offered(crowded)}
    assert not found.run_one()


def test_several_processes_never_offer_one_place_twice(crowded: Store, clock: Clock) -> None:
    url = crowded.engine.url.render_as_string(hide_password=False)
    ended = threading.Event()

    def work(number: int) -> int:
        store = Store(url)
        found, done = matcher(store, clock), 0
        for _ in range(12):
            done += found.run_one()
            mine = [place for place in offered(store) if int(place.ref.id) % 4 == number]
            with store.writing() as connection:
                for place in mine[:2]:
                    forget(store, connection, place.ref, clock.now)
                queue.ring(store, connection, clock.now)
        store.close()
        return done

    def watch() -> int:
        most = 0
        while not ended.is_set():
            most = max([most, *places(crowded).values()])
        return most

    with ThreadPoolExecutor(5) as pool:
        seen = pool.submit(watch)
        try:
            assert sum(pool.map(work, range(4))) > 4
        finally:
            ended.set()
        assert seen.result() == SLOTS
    matcher(crowded, clock).run_one()
    assert all(count <= SLOTS for count in places(crowded).values())
    assert sum(places(crowded).values()) == len(offered(crowded))


def test_a_matcher_that_dies_within_its_transaction_leaves_nothing_reserved(crowded: Store, clock: Clock) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    dying = matcher(crowded, clock)
    dying._ring_later = killed  # type: ignore[method-assign,assignment] # the last thing before the commit
    with pytest.raises(Killed):
        dying.run_one()
    assert (places(crowded), offered(crowded)) == ({}, [])
    assert matcher(crowded, clock).run_one()
    assert len(offered(crowded)) == PEOPLE * SLOTS


def test_an_offer_ends_with_its_ticket_and_the_place_is_offered_again(crowded: Store, clock: Clock) -> None:
    found = matcher(crowded, clock)
    found.run_one()
    first, *_ = offered(crowded)
    with crowded.writing() as connection:
        forget(crowded, connection, first.ref, clock.now)
    assert found.run_one()
    now = offered(crowded)
    assert len(now) == PEOPLE * SLOTS
    assert first.ref not in {place.ref for place in now}


def test_a_ticket_whose_team_has_left_the_policy_is_decided_on_anew(crowded: Store, clock: Clock) -> None:
    matcher(crowded, clock, CROWD.replace("billing", "sales")).run_one()
    assert offered(crowded) == []
    assert len(mailbox.claim(crowded, "w", clock.now, LEASE, TICKETS)) == TICKETS


def test_turns_are_taken_where_a_team_assigns_in_turn(make: Make) -> None:
    world = make("zendesk", policy=POLICY.replace("slots: 1", "assign_at_arrival: true, strategy: round_robin"))
    given = [held(world, opened(world, 1))[0] for _ in range(4)]
    assert given in ([ANA, BO, ANA, BO], [BO, ANA, BO, ANA])


def test_a_backlog_that_nobody_at_work_can_have_hides_no_other_ticket(crowded: Store, clock: Clock) -> None:
    with crowded.writing() as connection:
        for number in range(TICKETS, TICKETS + 600):
            wait = Wait(Target("r", "billing", frozenset({"sanskrit"})), clock.now - timedelta(days=1))
            queue.put(crowded, connection, Place(TicketRef("acme", f"{number}"), PlaceState.WAITING, wait))
    assert matcher(crowded, clock).run_one()
    assert len(offered(crowded)) == PEOPLE * SLOTS
