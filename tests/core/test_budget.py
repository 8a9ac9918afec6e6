"""One call budget a desk however many processes share it, who goes first, pauses and the breaker: laws and storms."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from bridge.allowance import BREAK_FIRST, BREAK_MAX, SLICE_LIFE, Terms
from bridge.budget import FAULTS_MAX, SLICE_MAX, BudgetGate, Held
from bridge.errors import DeskError, Retryable
from bridge.metrics import Metrics
from bridge.model import TicketRef
from bridge.pipeline import SPREAD_MAX, patience
from bridge.ports import Call, Desk
from bridge.purpose import Rank, purpose
from bridge.store import Store, casebook
from bridge.store import budget as budgets
from deskbridge.vendors import VENDORS
from deskbridge.wiring import Bridge, read_settings
from sandbox.common.desk import SandboxDesk
from sandbox.common.server import start
from sandbox.freshdesk import FreshdeskSandbox
from sandbox.intercom import IntercomSandbox
from sandbox.zendesk import ZendeskSandbox
from sandbox.zendesk.limits import Limits
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import OPTIONS, World

MINUTE = timedelta(minutes=1)
NAMES = count()


class Processes:
    """Several gates, each with what one process knows, over one database and one clock."""

    def __init__(
        self, stores: list[Store], clock: Clock, *, headroom: float = 0.3, window: timedelta = MINUTE, limit: int | None
    ) -> None:
        self.desk, self.clock, self.limit = f"desk-{next(NAMES)}", clock, limit
        self.metrics = [Metrics() for _ in stores]
        terms = {self.desk: Terms(headroom, window)}
        self.gates = [
            BudgetGate(store, terms, clock=clock, metrics=metrics)
            for store, metrics in zip(stores, self.metrics, strict=True)
        ]
        self.made: list[float] = []

    def call(self, gate: int, rank: Rank = Rank.ORDINARY, status: int | None = 200, **told: Any) -> bool:
        """One call, answered with this status; False where it was held back."""
        headers = {"limit": self.limit, "remaining": 1, **told}
        with purpose("test", rank):
            try:
                self.gates[gate].admit(self.desk, "GET", "/tickets/{id}")
            except Held:
                return False
            self.made.append(self.clock.unix())
            self.gates[gate].record(Call(self.desk, "GET", "/tickets/{id}", status, 0.1, **headers))
        return True

    def busiest(self, window: timedelta) -> int:
        """The most calls made in any window, wherever it begins."""
        return max(
            (sum(at <= other < at + window.total_seconds() for other in self.made) for at in self.made), default=0
        )


@pytest.fixture
def two(store: Store) -> Iterator[list[Store]]:
    """The same database as two processes see it."""
    other = Store(store.engine.url.render_as_string(hide_password=False), durability="normal")
    yield [store, other]
    other.close()


@contextmanager
def commits(engine: Engine) -> Iterator[list[int]]:
    """Counts the transactions that an engine commits."""
    seen: list[int] = []

    def note(connection: object) -> None:
        seen.append(1)

    event.listen(engine, "commit", note)
    yield seen
    event.remove(engine, "commit", note)


LAW = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
BURSTS = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(Rank), st.integers(1, 40), st.sampled_from((0.0, 0.3, 1.0, 7.0, 31.0))
    ),
    max_size=25,
)


@LAW
@given(
    bursts=BURSTS,
    limit=st.integers(2, 60),
    headroom=st.sampled_from((0.0, 0.3, 0.5)),
    seconds=st.sampled_from((10, 60)),
)
def test_never_more_than_the_budget_in_any_window_over_all_processes(
    sqlite_store: Store,
    bursts: list[tuple[int, Rank, int, float]],
    limit: int,
    headroom: float,
    seconds: int,
) -> None:
    window = timedelta(seconds=seconds)
    crowd = Processes([sqlite_store] * 3, Clock(), headroom=headroom, window=window, limit=limit)
    crowd.call(0)
    for process, rank, calls, pause in bursts:
        for _ in range(calls):
            crowd.call(process, rank)
        crowd.clock.turn(pause)
    assert crowd.busiest(window) <= max(1, limit * (1 - headroom))


@LAW
@given(bursts=BURSTS, limit=st.integers(2, 60))
def test_no_background_call_is_admitted_while_an_urgent_one_is_refused(
    sqlite_store: Store, bursts: list[tuple[int, Rank, int, float]], limit: int
) -> None:
    crowd = Processes([sqlite_store] * 3, Clock(), limit=limit)
    crowd.call(0)
    for process, rank, calls, pause in bursts:
        for _ in range(calls):
            crowd.call(process, rank)
        urgent = crowd.call((process + 1) % 3, Rank.URGENT)
        background = crowd.call(process, Rank.BACKGROUND)
        assert urgent or not background
        crowd.clock.turn(pause)


def test_the_whole_budget_is_used_and_again_in_the_next_window(sqlite_store: Store, clock: Clock) -> None:
    crowd = Processes([sqlite_store] * 2, clock, limit=100)
    for _ in range(60):
        for _ in range(4):
            crowd.call(0)
            crowd.call(1, Rank.URGENT)
        clock.turn(1)
    assert len(crowd.made) == 70
    clock.turn(3)
    assert crowd.call(0)


def test_what_matters_more_has_room_left_when_what_matters_less_has_none(sqlite_store: Store, clock: Clock) -> None:
    crowd = Processes([sqlite_store], clock, limit=100)
    admitted = dict.fromkeys(Rank, 0)
    for rank in (Rank.BACKGROUND, Rank.ORDINARY, Rank.URGENT):
        while crowd.call(0, rank, remaining=100):
            admitted[rank] += 1
    assert list(admitted.values()) == [7, 28, 35]


def test_background_work_leaves_to_other_apps_what_the_vendor_says_is_left(sqlite_store: Store, clock: Clock) -> None:
    crowd = Processes([sqlite_store], clock, limit=100)
    assert crowd.call(0, remaining=20, reset_in=40.0)
    assert not crowd.call(0, Rank.BACKGROUND)
    assert crowd.call(0, remaining=20, reset_in=40.0)
    clock.turn(41)
    assert crowd.call(0, Rank.BACKGROUND)


def test_calls_pass_until_the_vendor_has_told_its_limit(sqlite_store: Store, clock: Clock) -> None:
    crowd = Processes([sqlite_store], clock, limit=None)
    assert all(crowd.call(0, remaining=None) for _ in range(500))


def test_the_database_is_asked_for_slices_and_not_for_each_call(two: list[Store], clock: Clock) -> None:
    crowd = Processes(two[:1], clock, limit=100_000)
    with commits(two[0].engine) as committed:
        for _ in range(10):
            assert all(crowd.call(0) for _ in range(100))
            clock.turn(0.5)
    assert len(committed) < 1_000 / SLICE_MAX * 3


def test_a_refusal_says_when_to_come_back_and_not_a_second_too_soon(sqlite_store: Store, clock: Clock) -> None:
    crowd = Processes([sqlite_store], clock, limit=10)
    while crowd.call(0):
        pass
    with pytest.raises(Held) as refused:
        crowd.gates[0].admit(crowd.desk, "GET", "/tickets/{id}")
    assert refused.value.after is not None
    clock.turn(refused.value.after - 2)
    assert not crowd.call(0)
    clock.turn(2)
    assert crowd.call(0)


def test_a_429_holds_back_every_process_until_retry_after_is_over(two: list[Store], clock: Clock) -> None:
    crowd = Processes(two, clock, limit=100)
    assert crowd.call(0)
    assert crowd.call(1)
    assert crowd.call(0, status=429, retry_after=30.0)
    clock.turn(SLICE_LIFE.total_seconds())
    for _ in range(28):
        assert not crowd.call(0)
        assert not crowd.call(1, Rank.URGENT)
        clock.turn(1)
    clock.turn(1)
    assert crowd.call(1)
    assert crowd.call(0)


def test_a_429_about_one_kind_of_call_holds_back_that_kind_and_about_one_ticket_nothing(
    sqlite_store: Store, clock: Clock
) -> None:
    crowd = Processes([sqlite_store], clock, limit=100)
    assert crowd.call(0, status=429, retry_after=600.0, covers="ticket")
    assert crowd.call(0, status=429, retry_after=60.0, covers="route")
    assert not crowd.call(0)
    crowd.gates[0].admit(crowd.desk, "PUT", "/tickets/{id}")


def test_no_call_is_made_from_inside_a_transaction(sqlite_store: Store, clock: Clock) -> None:
    crowd = Processes([sqlite_store], clock, limit=100)
    with sqlite_store.writing(), pytest.raises(RuntimeError, match="inside a transaction"):
        crowd.call(0)
    assert crowd.call(0)


def test_a_call_that_was_made_is_not_lost_because_the_database_is_away(tmp_path: Any, clock: Clock) -> None:
    store = Store(f"sqlite:///{tmp_path}/not-migrated.sqlite3")
    gate = BudgetGate(store, {"acme": Terms(0.3, MINUTE)}, clock=clock, metrics=Metrics())
    gate.record(Call("acme", "PUT", "/tickets/{id}", 429, 0.1, retry_after=9.0))
    store.close()


def test_a_desk_that_does_not_answer_is_left_alone_longer_each_time_and_one_call_finds_out(
    two: list[Store], clock: Clock
) -> None:
    crowd = Processes(two, clock, limit=1_000)
    assert [crowd.call(0, status=status) for status in (500, None, 502, 503, 504)] == [True] * FAULTS_MAX
    wait = BREAK_FIRST
    for _ in range(9):
        clock.turn(wait.total_seconds() - 0.5)
        assert not crowd.call(0)
        assert not crowd.call(1, Rank.URGENT)
        clock.turn(0.5)
        before = len(crowd.made)
        crowd.gates[1].admit(crowd.desk, "GET", "/tickets/{id}")
        assert not crowd.call(0)
        crowd.gates[1].record(Call(crowd.desk, "GET", "/tickets/{id}", None, 0.1))
        assert len(crowd.made) == before
        wait = min(2 * wait, BREAK_MAX)
    clock.turn(wait.total_seconds())
    assert crowd.call(1)
    assert crowd.call(0)
    assert crowd.call(1)


def test_a_refusal_of_the_desk_is_an_answer_and_breaks_nothing(sqlite_store: Store, clock: Clock) -> None:
    crowd = Processes([sqlite_store], clock, limit=1_000)
    for status in (400, 401, 403, 404, 409, 422, 501) * 3:
        assert crowd.call(0, status=status)


def test_faults_far_apart_or_with_an_answer_between_break_nothing(sqlite_store: Store, clock: Clock) -> None:
    crowd = Processes([sqlite_store], clock, limit=1_000)
    for _ in range(FAULTS_MAX * 2):
        assert crowd.call(0, status=500)
        clock.turn(20)
    for _ in range(FAULTS_MAX * 2):
        assert crowd.call(0, status=500)
        assert crowd.call(0)


def test_who_probes_and_dies_is_followed_by_another(two: list[Store], clock: Clock) -> None:
    crowd = Processes(two, clock, limit=1_000)
    for _ in range(FAULTS_MAX):
        crowd.call(0, status=500)
    clock.turn(5)
    crowd.gates[0].admit(crowd.desk, "GET", "/tickets/{id}")
    clock.turn(29)
    assert not crowd.call(1)
    clock.turn(1)
    assert crowd.call(1)
    with two[0].reading() as connection:
        assert budgets.load(connection, crowd.desk).breaker is None


def test_metrics_tell_the_budget_what_it_went_on_and_what_was_held_back(sqlite_store: Store, clock: Clock) -> None:
    crowd = Processes([sqlite_store], clock, limit=10)
    while crowd.call(0, Rank.URGENT):
        pass
    clock.turn(1)
    assert not crowd.call(0, Rank.URGENT)
    told, desk = crowd.metrics[0].registry.get_sample_value, {"desk": crowd.desk}
    called = {**desk, "route": "GET /tickets/{id}", "status": "200", "purpose": "test"}
    assert told("deskbridge_vendor_calls_total", called) == 7
    assert told("deskbridge_vendor_budget", desk) == 7
    assert told("deskbridge_vendor_budget_used", desk) == 7
    assert told("deskbridge_vendor_calls_held_total", {**desk, "purpose": "test", "reason": "budget"}) == 2


@given(st.integers(0, 40), st.text(max_size=9), st.floats(0, 3_600))
def test_patience_never_comes_before_the_desk_said_and_never_waits_longer_than_it_must(
    attempts: int, key: str, after: float
) -> None:
    told = patience(attempts, key, after).total_seconds()
    assert after - 1e-6 <= told <= after + SPREAD_MAX
    own = patience(attempts, key).total_seconds()
    assert min(300, 2.0 ** min(attempts, 9)) / 2 <= own <= 300
    assert own == patience(attempts, key).total_seconds()


def test_those_who_were_all_told_the_same_do_not_come_back_together() -> None:
    waits = {patience(3, f"ticket-{number}", 60.0) for number in range(100)}
    assert len(waits) > 90
    assert max(waits) - min(waits) > timedelta(seconds=3)


class Storm:
    """Two processes with an adapter each, several threads a process, at one sandbox desk with small limits."""

    def __init__(self, vendor: str, sandbox: SandboxDesk, stores: list[Store], clock: Clock) -> None:
        self.sandbox, self.clock = sandbox, clock
        self.running = start(sandbox)
        kind = VENDORS[vendor]
        options = kind.options.model_validate({"url": self.running.url, **OPTIONS[vendor]})
        self.desks: list[Desk] = [
            kind.desk(
                "acme",
                options,
                gate=BudgetGate(store, {"acme": Terms(0.3, kind.window)}, clock=clock, metrics=Metrics()),
                clock=clock,
            )
            for store in stores
        ]

    def close(self) -> None:
        for desk in self.desks:
            desk.close()
        self.running.stop()

    def calls(self, *, status: int | None = None) -> list[float]:
        with self.sandbox.lock:
            return [call.at for call in self.sandbox.calls.calls if status in (None, call.status)]

    def rage(self, seconds: int, ask: Callable[[Desk], object]) -> None:
        """Both processes ask as fast as they can with four threads each, second after second."""

        def asks(desk: Desk) -> None:
            for _ in range(12):
                try:
                    ask(desk)
                except DeskError:
                    return

        with ThreadPoolExecutor(8) as pool:
            for _ in range(seconds):
                list(pool.map(asks, self.desks * 4))
                self.clock.turn(1)


@pytest.fixture
def storm(clock: Clock, two: list[Store]) -> Iterator[Callable[[str, SandboxDesk], Storm]]:
    storms: list[Storm] = []

    def build(vendor: str, sandbox: SandboxDesk) -> Storm:
        storms.append(Storm(vendor, sandbox, two, clock))
        return storms[-1]

    yield build
    for each in storms:
        each.close()


def unknown_ticket(desk: Desk) -> object:
    return desk.fetch(TicketRef("acme", "conversation:999" if desk.vendor == "intercom" else "999"))


@pytest.mark.parametrize(
    ("vendor", "limit", "window"), [("zendesk", 50, 60.0), ("freshdesk", 50, 60.0), ("intercom", 83, 10.0)]
)
def test_a_storm_of_two_processes_keeps_within_the_headroom_by_the_desks_own_log(
    vendor: str, limit: int, window: float, storm: Callable[[str, SandboxDesk], Storm], clock: Clock
) -> None:
    sandboxes: dict[str, Callable[[], SandboxDesk]] = {
        "zendesk": lambda: ZendeskSandbox(clock=clock.unix, own_limits=Limits(limit)),
        "freshdesk": lambda: FreshdeskSandbox(clock=clock.unix, plan="trial"),
        "intercom": lambda: IntercomSandbox(clock=clock.unix, plan="smallest"),
    }
    ours = storm(vendor, sandboxes[vendor]())
    with pytest.raises(DeskError, match="404"):  # now the limit is known, and for how many calls a read counts
        unknown_ticket(ours.desks[0])
    ours.rage(130, unknown_ticket)
    with ours.sandbox.lock:
        spent = [(call.at, 1 + call.path.count("%2C") + ("include" in call.path)) for call in ours.sandbox.calls.calls]
    if vendor != "freshdesk":  # where alone what is included counts
        spent = [(at, 1) for at, _ in spent]
    assert ours.calls(status=429) == []
    assert sum(cost for _, cost in spent) > 0.8 * 0.7 * limit * (130 // (window + 2)), "the budget was hardly used"
    for begin, _ in spent:
        assert sum(cost for at, cost in spent if begin <= at < begin + window) <= 0.7 * limit


def test_a_storm_of_429s_reaches_the_desk_with_next_to_no_call_while_it_asks_for_quiet(
    storm: Callable[[str, SandboxDesk], Storm], clock: Clock
) -> None:
    ours = storm("freshdesk", FreshdeskSandbox(clock=clock.unix, plan="enterprise"))
    ours.rage(1, unknown_ticket)
    ours.sandbox.faults.configure({"429": {"probability": 1.0, "retry_after": 30}})
    ours.rage(1, unknown_ticket)
    told = len(ours.calls(status=429))
    assert 1 <= told <= 2 * SLICE_MAX
    ours.rage(29, unknown_ticket)
    assert len(ours.calls(status=429)) == told
    ours.sandbox.faults.clear()
    before = len(ours.calls())
    ours.rage(2, unknown_ticket)
    assert len(ours.calls()) > before


def test_zendesks_limit_on_exports_does_not_hold_back_tickets(
    storm: Callable[[str, SandboxDesk], Storm], clock: Clock
) -> None:
    ours = storm("zendesk", ZendeskSandbox(clock=clock.unix, own_limits=Limits(700, incremental=2)))
    desk, start_at = ours.desks[0], clock.now - timedelta(days=1)
    for _ in range(2):
        desk.changed_since(None, start=start_at)
    with pytest.raises(Retryable, match="429"):
        desk.changed_since(None, start=start_at)
    clock.turn(2)
    with pytest.raises(Held):
        ours.desks[1].changed_since(None, start=start_at)
    with pytest.raises(DeskError, match="404"):
        unknown_ticket(desk)


@pytest.mark.parametrize("vendor", ["zendesk", "freshdesk", "intercom"])
def test_while_a_desk_does_not_answer_its_tickets_wait_and_nothing_is_parked(
    vendor: str, sqlite_store: Store, clock: Clock
) -> None:
    world = World(vendor, sqlite_store, clock, policy=POLICY)
    try:
        world.control("PUT", "faults", {"500": {"probability": 1.0}})
        before = len(world.calls())
        numbers = [world.customer(f"Invoice {number}", "Please refund it.") for number in range(4)]
        world.run(for_seconds=120)
        assert FAULTS_MAX <= len(world.calls()) - before <= FAULTS_MAX + 8
        with sqlite_store.reading() as connection:
            assert budgets.load(connection, world.name).breaker is not None
        world.control("DELETE", "faults")
        world.run(for_seconds=320)
        assert [world.ticket(number)["team"] for number in numbers] == ["Billing"] * 4
        assert [len(world.ticket(number)["notes"]) for number in numbers] == [1] * 4
        with sqlite_store.reading() as connection:
            assert casebook.entries(connection, states=("parked",)) == []
            assert budgets.load(connection, world.name).breaker is None
    finally:
        world.close()


def test_a_desk_that_does_not_answer_is_a_trouble_by_name_and_the_jobs_it_holds_back_are_not(tmp_path: Any) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "deskbridge.yaml").write_text(
        "desks:\n"
        "  acme-freshdesk:\n"
        "    {vendor: freshdesk, url: http://127.0.0.1:9, api_key: k,\n"
        "     webhook_secrets: [a-header-secret-of-ours], path_secrets: [a-path-secret-of-ours]}\n"
    )
    clock = Clock()
    found = read_settings(tmp_path / "deskbridge.yaml", {})
    bridge = Bridge(found, clock=clock)
    try:
        bridge.open()
        name = "acme-freshdesk"
        for _ in range(FAULTS_MAX):
            with pytest.raises(Retryable, match="no answer"):
                bridge.take_roster(bridge.desks[name].desk)
        assert "does not answer; it is tried again at 09:00:05" in bridge.troubles()[name]
        agents = next(job for job in bridge._jobs() if job.name == f"agents of {name}")
        assert bridge.schedule.attempt(agents)
        assert bridge.schedule.failing() == {}
        assert bridge.metrics.registry.get_sample_value("deskbridge_vendor_broken", {"desk": name}) == 1
    finally:
        bridge.close()
