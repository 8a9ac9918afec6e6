"""Writes that go together, at a desk that loses jobs, halves of jobs and answers: each takes effect once, none over
an edit.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import Row, select

from bridge import bulk
from bridge.errors import Conflict, DeskError, Permanent, Retryable, Unclear
from bridge.metrics import Metrics
from bridge.model import Change, Delivery, Mode, Operation, Receipt, Step, Ticket, TicketRef
from bridge.pipeline import ConnectedDesk
from bridge.ports import Capability
from bridge.store import Store, inbox, mailbox, outbox, tables
from bridge.store.bulk import Trust
from bridge.store.inbox import Arrival
from bridge.worker import LEASE, beat
from bridge.writeback import WriteBack
from tests.stateful.machines import StoreMachine, explore

T = TypeVar("T")

WORKERS = ("one", "two")
TICKETS = "ABCDE"
FINAL = {"done", "parked", "superseded"}


class Killed(BaseException):
    """The writer is gone at this instruction."""


NOT_TAKEN: dict[str, Callable[[], BaseException]] = {
    "not now": lambda: Retryable("slow down", 429, after=2.0),
    "refused": lambda: Permanent("no bulk calls here", 422),
    "lost on the way": lambda: Unclear("reset"),
    "killed before": Killed,
}
TAKEN: dict[str, Callable[[], BaseException]] = {"no answer": lambda: Unclear("time-out"), "killed after": Killed}
MET = st.sampled_from(["well", "well", "well", *NOT_TAKEN, *TAKEN])


@dataclass
class Job:
    """Steps that the desk works on, the next first, what became of those before, and whether it has died."""

    steps: list[Step]
    results: dict[str, Receipt | DeskError] = field(default_factory=dict)
    dead: bool = False


class Desk:
    """Locks by a count of changes a ticket. `script` is what the next calls meet, "well" once it is at its end."""

    name = "acme"
    can = frozenset({Capability.BULK, Capability.OPTIMISTIC_LOCK})
    bulk_max = 3

    def __init__(self, held: Callable[[str], bool]) -> None:
        self._held = held
        self.astray: list[str] = []
        self.changes: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self.jobs: dict[str, Job] = {}
        self.begun = 0
        self.script: list[str] = []

    def find(self, step: Step) -> Receipt | None:
        return Receipt(found=True) if self.effects[step.marker] else None

    def perform(self, step: Step, _seen: Ticket | None) -> Receipt:
        self.astray += [step.marker] if self._held(step.marker) else []
        return self._met(partial(self._apply, step))

    def submit(self, steps: Sequence[Step]) -> str:
        assert 0 < len(steps) <= self.bulk_max
        assert len({step.ref for step in steps}) == len(steps)
        return self._met(partial(self._begin, list(steps)))

    def outcomes(self, job: str, steps: Sequence[Step]) -> list[Receipt | DeskError] | None:
        if job not in self.jobs or self.jobs[job].dead:
            known = self.jobs[job].results if job in self.jobs else {}
            return [known.get(step.marker, Unclear("no trace")) for step in steps]
        if self.jobs[job].steps:
            return None
        return [self.jobs[job].results[step.marker] for step in steps]

    def rehearsal(self, ref: TicketRef) -> Step:
        return Step("step", ref, "rehearsal", {"changes": -1})

    def work(self, items: int) -> None:
        """Every living job carries out so many of its items."""
        for job in self.jobs.values():
            for _ in range(0 if job.dead else min(items, len(job.steps))):
                step = job.steps.pop(0)
                try:
                    job.results[step.marker] = self._apply(step)
                except Conflict as refused:
                    job.results[step.marker] = refused

    def _apply(self, step: Step) -> Receipt:
        if step.data["changes"] != self.changes[step.ref.id]:
            raise Conflict("edited", 409)
        self.changes[step.ref.id] += 1
        self.effects[step.marker] += 1
        return Receipt()

    def _begin(self, steps: list[Step]) -> str:
        self.begun += 1
        job = f"V3-{self.begun}"
        self.jobs[job] = Job(steps)
        return job

    def _met(self, act: Callable[[], T]) -> T:
        outcome = self.script.pop(0) if self.script else "well"
        if outcome in NOT_TAKEN:
            raise NOT_TAKEN[outcome]()
        answer = act()
        if outcome in TAKEN:
            raise TAKEN[outcome]()
        return answer


class Together(StoreMachine):
    """Bursts come, writers send, ask, fail and die, people edit, jobs go on, die and are forgotten."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.desk = Desk(lambda marker: any(row.id == marker and row.bulk for row in self._rows(tables.operations)))
        desks: dict[str, Any] = {"acme": ConnectedDesk(self.desk, Mode.LIVE)}  # type: ignore[arg-type]  # what is used
        self.writers = WriteBack(store, desks, clock=self.clock, metrics=Metrics(), lease=LEASE, ticks=self.clock.unix)
        self.names = {worker: worker for worker in WORKERS}
        self.count = 0

    @initialize(proven=st.booleans())
    def trust(self, proven: bool) -> None:
        """The desk has shown before that it keeps its word, or not yet."""
        if proven:
            with self.store.writing() as connection:
                connection.execute(tables.bulk_trust.insert().values(desk="acme", trust=Trust.PROVEN.value))

    @rule(burst=st.sets(st.sampled_from(TICKETS), min_size=2), rank=st.sampled_from([0, 2, 2, 2, 4]))
    def deliver(self, burst: set[str], rank: int) -> None:
        """News of some tickets; whatever may be looked at is decided on, as the desk shows it now."""
        for ticket in sorted(burst):
            self.count += 1
            delivery = Delivery("acme", str(self.count), b"{}", {}, self.clock.now)
            inbox.keep(self.store, [Arrival(delivery, ticket, "k", self.clock.now)])
        self.decide(rank)

    @rule(rank=st.sampled_from([0, 2, 4]))
    def decide(self, rank: int) -> None:
        now = self.clock.now
        for box in mailbox.claim(self.store, "decider", now, LEASE, 9):
            self.count += 1
            number, ref = f"{self.count:04}", TicketRef("acme", box.ticket)
            step = Step("step", ref, number, {"changes": self.desk.changes[box.ticket]})
            with self.store.writing() as connection:
                inbox.settle(connection, [each.id for each in inbox.waiting(connection, "acme", box.ticket)], now)
                operation = Operation(number, ref, Change(team_id="t"), (step,))
                outbox.add(connection, operation, decision="d", rank=rank, now=now, received_at=None)
                mailbox.hand_back(
                    connection, "decider", box, due_at=None, snapshot=None, memory=box.memory, operation=number
                )

    @rule(worker=st.sampled_from(WORKERS), script=st.lists(MET, max_size=2))
    def write(self, worker: str, script: list[str]) -> None:
        self.desk.script = script
        try:
            self.writers.run_one(self.names[worker])
        except Killed:
            self.count += 1
            self.names[worker] = f"{worker}, reborn as {self.count}"

    @rule(items=st.integers(1, 3))
    def work(self, items: int) -> None:
        self.desk.work(items)

    @rule(ticket=st.sampled_from(TICKETS))
    def edit(self, ticket: str) -> None:
        """A person saves a ticket: whatever was decided before is void."""
        self.desk.changes[ticket] += 1

    @rule(forgotten=st.booleans())
    def lose_a_job(self, forgotten: bool) -> None:
        for name, job in list(self.desk.jobs.items())[-1:]:
            job.dead = True
            if forgotten:
                del self.desk.jobs[name]

    @rule(seconds=st.sampled_from([1, 3, 11, 700]))
    def turn(self, seconds: int) -> None:
        """Time passes in which only the dead are silent."""
        self.clock.turn(seconds)
        beat(self.store, list(self.names.values()), self.clock.now)

    @invariant()
    def each_write_takes_effect_once_and_what_is_done_did(self) -> None:
        assert set(self.desk.effects.values()) <= {0, 1}
        assert not self.desk.effects["rehearsal"]
        for row in self._rows(tables.operations):
            assert row.state != "done" or self.desk.effects[row.id] == 1
            assert row.state not in {"superseded", "parked"} or self.desk.effects[row.id] == 0, row.words

    @invariant()
    def no_write_is_made_singly_while_a_job_holds_it(self) -> None:
        assert self.desk.astray == []

    @invariant()
    def what_a_job_holds_is_open_and_written_by_nobody_else(self) -> None:
        owners = {row.id: row.lease_owner for row in self._rows(tables.bulk_jobs)}
        for row in self._rows(tables.operations):
            if row.bulk is not None:
                assert row.state == "open"
                assert row.lease_owner == owners[row.bulk]
                assert not row.together

    def teardown(self) -> None:
        """Whatever happened, in the end every operation is over and no job is left."""
        self.desk.script = []
        for _ in range(12):
            if {row.state for row in self._rows(tables.operations)} <= FINAL and not self._rows(tables.bulk_jobs):
                break
            self.turn(700)
            self.work(3)
            while self.writers.run_one("last"):
                self.work(3)
            self.decide(2)
        assert {row.state for row in self._rows(tables.operations)} <= FINAL
        assert self._rows(tables.bulk_jobs) == []
        self.each_write_takes_effect_once_and_what_is_done_did()

    def _rows(self, table: Any) -> list[Row[Any]]:
        with self.store.reading() as connection:
            return list(connection.execute(select(table)).all())


def test_whatever_jobs_writers_and_people_do_each_write_takes_effect_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BULK_FROM", 2)  # a machine of five tickets has its backlogs too
    explore(Together, store)
