"""A backlog at Zendesk goes out in jobs: once each, never over an edit, whatever happens to a job or to us."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bridge.bulk import BULK_FROM, GATHER, JOB_PATIENCE, JOBS_MAX, RESTS, Course, course
from bridge.model import Receipt, Step
from bridge.store import Store, casebook, tables
from bridge.store import bulk as jobs
from bridge.store.bulk import Standing, Trust
from bridge.worker import LEASE, beat
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import World

MANY = BULK_FROM + 2
ROOMY = (
    POLICY.replace("capacity: 3", "capacity: 500")
    .replace("capacity: 9", "capacity: 500")
    .replace("annotate:\n", "annotate:\n  - {name: down, when: {text: [down]}, then: {priority: urgent}}\n")
)
NOW = Clock().now
BULK_CALL = "/api/v2/tickets/update_many.json"


class Killed(BaseException):
    """The process is gone at this instruction: no `except Exception` sees it."""


@pytest.fixture
def world(sqlite_store: Store, clock: Clock) -> Iterator[World]:
    made = World("zendesk", sqlite_store, clock, policy=ROOMY)
    yield made
    made.close()


def burst(world: World, count: int = MANY, *, body: str = "Please refund the invoice.") -> list[str]:
    """So many tickets that are decided on, none of them written yet."""
    numbers = [world.customer(f"Charged twice {n}", body) for n in range(count)]
    world.delivered()
    world.clock.turn(2)
    while world.workers.decide("decider"):
        pass
    return numbers


def proven(world: World) -> None:
    """A desk whose bulk calls have shown before that they keep lock and mark."""
    with world.store.writing() as connection:
        connection.execute(tables.bulk_trust.insert().values(desk=world.name, trust=Trust.PROVEN.value))


def trust(world: World) -> Trust:
    with world.store.reading() as connection:
        return jobs.trust(connection, world.name)


def settle(world: World, *, seconds: int = 8) -> None:
    """Write, and let time pass, until nothing is under way."""
    for _ in range(seconds):
        while world.step():
            world.delivered()
        world.clock.turn(1)
        world.delivered()


def writes(world: World) -> Counter[str]:
    """Our API calls that write, and those that ask after a job."""
    kinds = {"update_many": "together", "job_statuses": "asked", "/tickets/": "singly", "/audits": "read back"}
    found: Counter[str] = Counter()
    for call in world.calls():
        kind = next((kind for sign, kind in kinds.items() if sign in call["path"]), None)
        if kind == "singly" and call["method"] == "GET":
            kind = "read back" if "/audits" in call["path"] else None
        found.update([kind] if kind else [])
    return found


def written_once(world: World, numbers: list[str]) -> None:
    """Each ticket is where the policy says, and the desk's own history has each of our marks in one write alone."""
    state = world.control("GET", "state")
    at_desk = {str(ticket["id"]): ticket for ticket in state["tickets"]}
    for number in numbers:
        assert at_desk[number]["team"] == "Billing"
        assert "money" in at_desk[number]["tags"]
        assert len(at_desk[number]["notes"]) == 1
        ours = [w for w in state["writes"] if w["ticket"] == number and w["actor_kind"] == "integration"]
        assert Counter(write["action"] for write in ours) == {"update": 1, "note": 1}
        assert len({write["metadata"]["deskbridge"]["op"] for write in ours}) == 1
    with world.store.reading() as connection:
        assert casebook.entries(connection, states=("open", "parked")) == []


def test_a_backlog_goes_out_in_one_call_after_a_rehearsal_that_changes_nothing(world: World) -> None:
    numbers = burst(world)
    settle(world)
    written_once(world, numbers)
    assert writes(world) == {"together": 2, "asked": 2, "read back": 1}
    assert trust(world) is Trust.PROVEN


def test_few_writes_go_singly_at_once(world: World) -> None:
    numbers = burst(world, BULK_FROM - 1)
    settle(world)
    written_once(world, numbers)
    assert writes(world) == {"singly": BULK_FROM - 1}


def test_once_proven_a_burst_of_three_full_jobs_takes_three_calls_and_a_look_each(world: World) -> None:
    proven(world)
    world.desk.bulk_max = BULK_FROM
    before = writes(world)
    numbers = burst(world, 3 * BULK_FROM)
    settle(world)
    written_once(world, numbers)
    assert writes(world) - before == {"together": 3, "asked": 3}


def test_an_urgent_write_overtakes_those_that_go_together(world: World) -> None:
    proven(world)
    before, numbers = writes(world), burst(world)
    (urgent,) = burst(world, 1, body="Refund the invoice, everything is down.")
    assert world.workers.write("writer")
    assert writes(world) - before == {"singly": 1}
    assert world.ticket(urgent)["team"] == "Billing"
    settle(world)
    written_once(world, [*numbers, urgent])
    assert (writes(world) - before)["singly"] == 1


def test_an_edit_before_the_job_comes_to_a_ticket_wins_and_only_that_ticket_is_decided_anew(world: World) -> None:
    proven(world)
    numbers = burst(world)
    assert world.workers.write("writer")
    world.agent(numbers[7], set={"assignee": "dee@acme.example", "team": "Tech Support"})
    settle(world)
    edited = world.ticket(numbers[7])
    assert (edited["assignee"], edited["team"]) == ("dee@acme.example", "Tech Support")
    assert "money" in edited["tags"]
    assert len(edited["notes"]) == 1
    written_once(world, [number for number in numbers if number != numbers[7]])


@pytest.mark.parametrize("forget", [False, True])
def test_what_a_lost_or_killed_job_left_undone_is_read_back_and_written_singly(world: World, *, forget: bool) -> None:
    proven(world)
    world.control("PUT", "faults", {"kill": {"next": 1}})
    before, numbers = writes(world), burst(world)
    assert world.workers.write("writer")
    if forget:
        world.clock.turn(1)
        world.control("GET", "state")
        world.sandbox.jobs.forget()  # type: ignore[attr-defined]  # of Zendesk's
    settle(world)
    written_once(world, numbers)
    assert (writes(world) - before)["singly"] == MANY // 2


def test_a_bulk_call_whose_answer_is_lost_is_never_made_again_but_read_back(world: World) -> None:
    proven(world)
    lost = {"next": 1, "hold": 0, "match": BULK_CALL.removesuffix(".json")}
    world.control("PUT", "faults", {"timeout_after_write": lost})
    before, numbers = writes(world), burst(world)
    settle(world)
    written_once(world, numbers)
    spent = writes(world) - before
    assert (spent["together"], spent["singly"]) == (1, 0)


def dying(world: World, method: str, *, after: bool) -> None:
    """Have the process die at its next call of a method of the desk."""
    original = getattr(world.desk, method)

    def called(*given: Any) -> Any:
        setattr(world.desk, method, original)
        if after:
            original(*given)
        raise Killed

    setattr(world.desk, method, called)


def silent_for_a_lease(world: World) -> None:
    world.clock.turn(LEASE.total_seconds() + 1)
    beat(world.store, [], world.clock.now)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("method", ["submit", "outcomes"])
def test_whoever_takes_over_after_a_death_brings_the_job_to_its_end(world: World, method: str, *, after: bool) -> None:
    proven(world)
    before, numbers = writes(world), burst(world)
    dying(world, method, after=after)
    with pytest.raises(Killed):
        settle(world)
    silent_for_a_lease(world)
    settle(world)
    written_once(world, numbers)
    spent = writes(world) - before
    assert spent["together"] == (0 if method == "submit" and not after else 1)
    assert spent["singly"] == (MANY if method == "submit" and not after else 0)


def test_a_job_that_dies_with_its_writer_half_way_through_its_outcomes_is_asked_again(world: World) -> None:
    proven(world)
    numbers = burst(world)
    ended = 0
    original = world.writeback._end

    def some(*given: Any) -> None:
        nonlocal ended
        ended += 1
        if ended == 6:
            raise Killed
        original(*given)

    setattr(world.writeback, "_end", some)  # noqa: B010 - the process dies there
    with pytest.raises(Killed):
        settle(world)
    before = writes(world)
    silent_for_a_lease(world)
    settle(world)
    written_once(world, numbers)
    assert writes(world) - before == {"asked": 1}


def test_a_desk_that_refuses_more_jobs_has_the_same_writes_go_together_later(world: World) -> None:
    proven(world)
    world.control("PUT", "faults", {"429": {"next": 1, "retry_after": 3, "match": "update_many"}})
    before, numbers = writes(world), burst(world)
    settle(world, seconds=12)
    written_once(world, numbers)
    spent = writes(world) - before
    assert (spent["together"], spent["singly"]) == (2, 0)


def test_a_desk_that_puts_off_even_the_rehearsal_costs_no_single_write(world: World) -> None:
    world.control("PUT", "faults", {"429": {"next": 1, "retry_after": 3, "match": "update_many"}})
    numbers = burst(world)
    settle(world, seconds=20)
    written_once(world, numbers)
    assert (writes(world)["together"], writes(world)["singly"]) == (3, 0)


def test_a_single_write_that_was_put_off_unsent_goes_with_others_next(world: World) -> None:
    proven(world)
    world.control("PUT", "faults", {"429": {"next": 1, "retry_after": 1, "match": "PUT /api/v2/tickets/"}})
    numbers = burst(world, BULK_FROM - 1)
    assert world.workers.write("writer")
    numbers += burst(world, 1)
    settle(world, seconds=20)
    written_once(world, numbers)
    assert writes(world) == {"singly": 1, "together": 1, "asked": 1}


def test_a_job_that_never_ends_is_given_up_and_its_writes_are_read_back(world: World) -> None:
    proven(world)
    world.sandbox.jobs.seconds = 10 * JOB_PATIENCE.total_seconds()  # type: ignore[attr-defined]  # of Zendesk's
    numbers = burst(world)
    settle(world)
    for _ in range(int(JOB_PATIENCE.total_seconds()) // 10 + 2):
        world.clock.turn(10)
        world.step()
    settle(world)
    written_once(world, numbers)


def breaks_its_word(world: World, method: str, answer: object) -> None:
    setattr(world.desk, method, answer)


def test_a_desk_that_keeps_no_lock_in_bulk_is_found_out_before_it_is_trusted(world: World) -> None:
    def unlocked(_job: str, steps: list[Step]) -> list[Receipt]:
        return [Receipt() for _ in steps]

    breaks_its_word(world, "outcomes", unlocked)
    numbers = burst(world)
    settle(world)
    written_once(world, numbers)
    assert writes(world) == {"together": 1, "singly": MANY}
    assert trust(world) is Trust.BROKEN


def test_a_desk_that_keeps_no_mark_in_bulk_gets_no_second_job(world: World) -> None:
    find = world.desk.find
    breaks_its_word(world, "find", lambda _step: None)
    numbers = burst(world)
    settle(world)
    breaks_its_word(world, "find", find)
    more = burst(world)
    settle(world)
    written_once(world, numbers + more)
    assert (writes(world)["together"], writes(world)["singly"]) == (2, MANY)
    assert trust(world) is Trust.BROKEN


def test_an_adapters_mistake_in_a_bulk_call_is_read_back_and_never_repeated(world: World) -> None:
    proven(world)
    original = world.desk.submit

    def mistaken(steps: list[Step]) -> str:
        original(steps)
        raise KeyError("job_status")

    breaks_its_word(world, "submit", mistaken)
    numbers = burst(world)
    settle(world, seconds=12)
    written_once(world, numbers)


# When writes go together ----------------------------------------------------------------------------------------------


def stands(waiting: int = 0, *, age: float = 0, coming: int = 0, under_way: int = 0, **more: Any) -> Standing:
    oldest = NOW - timedelta(seconds=age) if waiting else None
    return Standing(waiting, oldest, coming, under_way, **{"trust": Trust.PROVEN, "trust_at": NOW, **more})


OLD = GATHER.total_seconds()


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (stands(), Course.SINGLY),
        (stands(BULK_FROM - 1), Course.SINGLY),
        (stands(BULK_FROM - 1, under_way=1), Course.SINGLY),
        (stands(BULK_FROM), Course.TOGETHER),
        (stands(1, coming=BULK_FROM), Course.WAIT),
        (stands(1, coming=BULK_FROM, age=OLD), Course.SINGLY),
        (stands(BULK_FROM, coming=1), Course.WAIT),
        (stands(BULK_FROM, coming=1, age=OLD), Course.TOGETHER),
        (stands(BULK_FROM, under_way=1), Course.WAIT),
        (stands(BULK_FROM, under_way=1, age=OLD), Course.TOGETHER),
        (stands(100, coming=50, under_way=1), Course.TOGETHER),
        (stands(100, under_way=JOBS_MAX, age=OLD), Course.WAIT),
        (stands(1, coming=BULK_FROM, trust=Trust.UNTRIED), Course.TOGETHER),
        (stands(100, trust=Trust.UNTRIED, under_way=1), Course.WAIT),
        (stands(100, trust=Trust.UNTRIED, under_way=1, age=OLD), Course.SINGLY),
        (stands(100, trust=Trust.BROKEN), Course.SINGLY),
        (stands(100, trust=Trust.BROKEN, trust_at=NOW - RESTS[Trust.BROKEN]), Course.TOGETHER),
        (stands(100, trust=Trust.UNSURE), Course.WAIT),
        (stands(100, trust=Trust.UNSURE, age=OLD), Course.SINGLY),
        (stands(100, trust=Trust.UNSURE, trust_at=NOW - RESTS[Trust.UNSURE]), Course.TOGETHER),
    ],
)
def test_writes_wait_for_company_only_where_more_is_coming_and_not_for_long(
    standing: Standing, expected: Course
) -> None:
    assert course(standing, NOW, 100) is expected
