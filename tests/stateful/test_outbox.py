"""The outbox under a desk that loses answers, refuses, stalls and kills: each step takes effect once, in order."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import Row, select

from bridge.errors import Conflict, NotThere, Permanent, Retryable, Unclear
from bridge.metrics import Metrics
from bridge.model import (
    AgentRecord,
    Change,
    Delivery,
    Mode,
    Operation,
    Receipt,
    Roster,
    Step,
    StepState,
    Ticket,
    TicketRef,
)
from bridge.pipeline import ConnectedDesk
from bridge.ports import Capability, Clock
from bridge.store import Store, casebook, inbox, mailbox, outbox, tables
from bridge.store import roster as rosters
from bridge.store.inbox import Arrival
from bridge.store.mailbox import Mailbox
from bridge.worker import LEASE, beat
from bridge.writeback import WriteBack
from tests.stateful.machines import StoreMachine, explore

WORKERS = ("one", "two")
FINAL = {"done", "parked", "superseded", "dropped"}


class Killed(BaseException):
    """The writer is gone at this instruction."""


WITHOUT_EFFECT: dict[str, Callable[[], BaseException]] = {
    "not now": lambda: Retryable("slow down", 429, after=2.0),
    "nothing, no answer": lambda: Unclear("reset"),
    "late, no answer": lambda: Unclear("time-out"),
    "conflict": lambda: Conflict("edited", 409),
    "refused": lambda: Permanent("no", 422),
    "gone": lambda: NotThere("no such ticket", 404),
    "agent gone": lambda: NotThere("no such agent", 404),
    "mistake": lambda: ValueError("ours"),
    "killed before": Killed,
}
WITH_EFFECT: dict[str, Callable[[], BaseException]] = {
    "done, no answer": lambda: Unclear("reset"),
    "killed after": Killed,
}
MEANWHILE = ("slow", "silent")
"""The answer comes late: the writer's heart still beats, or another has taken over by then."""

ENDS = {
    None: {"done"},
    "slow": {"done"},
    "refused": {"parked"},
    "gone": {"dropped"},
    "conflict": {"superseded", "parked"},
    "agent gone": {"superseded", "parked"},
    "mistake": {"open", "parked"},
    "silent": {"open", "done"},
}
"""What becomes of an operation by the outcome that its worker met last; it stays open after any other."""

outcomes = st.sampled_from(["applied", "applied", *WITHOUT_EFFECT, *WITH_EFFECT, *MEANWHILE])
Key = tuple[str, int]


class Desk:
    """Keeps how often each step took effect, and answers as its script says, "applied" once that is at its end."""

    name = "acme"
    can = frozenset({Capability.OPTIMISTIC_LOCK})

    def __init__(self, meanwhile: Callable[[str], None], clock: Clock) -> None:
        self.effects: Counter[Key] = Counter()
        self.script: list[str] = []
        self.touched: list[str] = []
        self.met: str | None = None
        self._late: set[Key] = set()
        self._under_way: set[Key] = set()
        self._meanwhile = meanwhile
        self._clock = clock

    def roster(self) -> Roster:
        there = () if self.met == "agent gone" else (AgentRecord("1", "Ana"),)
        return Roster(self.name, self._clock(), there, ())

    def find(self, step: Step) -> Receipt | None:
        self.touched.append(step.marker)
        return Receipt(found=True) if self.effects[_key(step)] else None

    def perform(self, step: Step, _seen: Ticket | None) -> Receipt:
        key = _key(step)
        assert key not in self._under_way, "two writers at one step"
        self.touched.append(step.marker)
        if key in self._late:  # the call that nobody answered takes effect only now, and what we expect is no longer so
            self._late.remove(key)
            self.effects[key] += 1
            raise Conflict("edited by ourselves", 409)
        outcome = self.script.pop(0) if self.script else "applied"
        self._under_way.add(key)
        try:
            self._play(outcome, key)
        finally:
            self._under_way.remove(key)
        return Receipt()

    def _play(self, outcome: str, key: Key) -> None:
        self.met = outcome if outcome != "applied" else self.met
        if outcome == "late, no answer":
            self._late.add(key)
        if outcome in WITHOUT_EFFECT:
            raise WITHOUT_EFFECT[outcome]()
        self.effects[key] += 1
        if outcome in WITH_EFFECT:
            raise WITH_EFFECT[outcome]()
        if outcome in MEANWHILE:
            self._meanwhile(outcome)


def _key(step: Step) -> Key:
    return step.marker, int(str(step.data["n"]))


class Outbox(StoreMachine):
    """Tickets are decided on, writers carry out, fail, die and are taken over; people retry and discard."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.desk = Desk(self._meanwhile, self.clock)
        desks: dict[str, Any] = {"acme": ConnectedDesk(self.desk, Mode.LIVE)}  # type: ignore[arg-type]  # three methods
        self.writers = WriteBack(store, desks, clock=self.clock, metrics=Metrics(), lease=LEASE)
        self.names = {worker: worker for worker in WORKERS}
        self.working = ""
        self.count = 0
        self.due: set[str] = set()
        self.finished: dict[Key, datetime] = {}

    @rule(ticket=st.sampled_from("ABC"), steps=st.integers(1, 3), rank=st.integers(0, 4))
    def deliver(self, ticket: str, steps: int, rank: int) -> None:
        """News of a ticket; whatever may be looked at is, and is decided on."""
        self.count += 1
        delivery = Delivery("acme", str(self.count), b"{}", {}, self.clock.now)
        inbox.keep(self.store, [Arrival(delivery, ticket, "k", self.clock.now)])
        self.due.add(ticket)
        busy = {row.ticket for row in self._operations() if row.state == "open"}
        boxes = mailbox.claim(self.store, "decider", self.clock.now, LEASE, 9)
        assert {box.ticket for box in boxes} == self.due - busy
        for box in boxes:
            self._plan(box, steps, rank)

    def _plan(self, box: Mailbox, steps: int, rank: int) -> None:
        self.count += 1
        number, ref = f"{self.count:04}", TicketRef("acme", box.ticket)
        plan = tuple(Step("step", ref, number, {"n": n}) for n in range(steps))
        operation, now = Operation(number, ref, Change(team_id="t", assignee_id="1"), plan), self.clock.now
        with self.store.writing() as connection:
            outbox.add(connection, operation, decision="d", rank=rank, now=now, received_at=None)
            rosters.promise(self.store, connection, ref, "ana", now)
            mailbox.hand_back(
                connection, "decider", box, due_at=None, snapshot=None, memory=box.memory, operation=number
            )
        self.due.remove(box.ticket)

    @precondition(lambda self: any(_may_be_claimed(row, self.clock.now) for row in self._operations()))
    @rule(worker=st.sampled_from(WORKERS), script=st.lists(outcomes, min_size=1, max_size=3))
    def write(self, worker: str, script: list[str]) -> None:
        due = [row for row in self._operations() if _may_be_claimed(row, self.clock.now)]
        first = min(((row.rank, row.due_at) for row in due), default=None)
        self.desk.script, self.desk.touched, self.desk.met, self.working = script, [], None, worker
        try:
            assert self.writers.run_one(self.names[worker]) is bool(due)
        except Killed:
            self.count += 1
            self.names[worker] = f"{worker}, reborn as {self.count}"
        if self.desk.touched:
            (touched,) = (row for row in due if row.id == self.desk.touched[0])
            assert (touched.rank, touched.due_at) == first
            (after,) = (row for row in self._operations() if row.id == touched.id)
            assert after.state in ENDS.get(self.desk.met, {"open"}), self.desk.met
            self.due |= {after.ticket} if after.state == "superseded" else set()

    def _meanwhile(self, how: str) -> None:
        """Ten seconds and more pass in the middle of a call, and the other worker looks for work."""
        mine, rest = self.desk.touched[0], self.desk.script
        self.desk.script, self.desk.touched = [], []
        for _ in range(2):
            self.clock.turn(8)
            beat(self.store, [self.names[self.working]] if how == "slow" else [], self.clock.now)
        (other,) = (name for worker, name in self.names.items() if worker != self.working)
        self.writers.run_one(other)
        self.each_step_takes_effect_once_and_in_order()
        self.clock.turn(1)
        assert how == "silent" or mine not in self.desk.touched, "an operation was carried out by two at once"
        self.desk.script, self.desk.touched = rest, [mine]

    @rule(seconds=st.sampled_from([1, 11, 400]))
    def turn(self, seconds: int) -> None:
        """Time passes in which only the dead are silent."""
        self.clock.turn(seconds)
        beat(self.store, list(self.names.values()), self.clock.now)

    @rule(again=st.booleans())
    def act_by_hand(self, again: bool) -> None:
        parked = [row for row in self._operations() if row.state == "parked"]
        for row in parked[:1]:
            (casebook.retry if again else casebook.discard)(self.store, row.id, self.clock.now)
            self.due |= {row.ticket} if again else set()

    @invariant()
    def each_step_takes_effect_once_and_in_order(self) -> None:
        with self.store.reading() as connection:
            rows = connection.execute(select(tables.steps).order_by(tables.steps.c.position)).all()
        done = {(row.operation, row.position): row.finished_at for row in rows if row.state == StepState.DONE}
        assert self.finished.items() <= done.items(), "what was done is done no more, or again"
        self.finished = done
        assert set(done) <= set(self.desk.effects)
        assert set(self.desk.effects.values()) <= {0, 1}
        for operation, position in +self.desk.effects:
            assert position == 0 or self.desk.effects[operation, position - 1]

    @invariant()
    def a_ticket_is_busy_exactly_while_its_operation_is_open(self) -> None:
        with self.store.reading() as connection:
            busy = {row.ticket: row.operation for row in connection.execute(select(tables.tickets)) if row.operation}
        assert busy == {row.ticket: row.id for row in self._operations() if row.state == "open"}

    @invariant()
    def nobody_holds_what_is_over_and_all_that_is_done_took_effect(self) -> None:
        with self.store.reading() as connection:
            states = {(row.operation, row.position): row.state for row in connection.execute(select(tables.steps))}
        for row in self._operations():
            assert row.state == "open" or row.lease_owner is None
            mine = {state for (operation, _), state in states.items() if operation == row.id}
            assert row.state != "done" or mine == {StepState.DONE}

    @invariant()
    def a_place_is_promised_while_it_may_be_needed(self) -> None:
        newest = {row.ticket: row.state for row in self._operations()}
        with self.store.reading() as connection:
            promised = {row.ticket: row.written_at for row in connection.execute(select(tables.reservations))}
        assert set(promised) == {ticket for ticket, state in newest.items() if state in {"open", "done"}}
        assert all((written is not None) == (newest[ticket] == "done") for ticket, written in promised.items())

    def teardown(self) -> None:
        """Whatever happened, in the end every operation is over."""
        for _ in range(20):
            self.turn(400)
            for _ in self._operations():
                self.write("one", [])
        assert {row.state for row in self._operations()} <= FINAL
        self.each_step_takes_effect_once_and_in_order()

    def _operations(self) -> list[Row[Any]]:
        with self.store.reading() as connection:
            return list(connection.execute(select(tables.operations).order_by(tables.operations.c.id)).all())


def _may_be_claimed(row: Row[Any], now: datetime) -> bool:
    return row.state == "open" and row.due_at <= now and row.lease_owner is None


def test_whatever_the_desk_and_the_writers_do_each_step_takes_effect_once(store: Store) -> None:
    explore(Outbox, store)
