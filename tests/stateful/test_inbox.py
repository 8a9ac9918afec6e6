"""Inbox and leases against a model of a few dictionaries: nothing lost, nothing in two hands, each ticket in order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import select

from bridge.memory import Memory
from bridge.model import Delivery
from bridge.store import Store, inbox, leases, mailbox
from bridge.store.inbox import Arrival, Waiting
from bridge.store.mailbox import Mailbox
from bridge.store.tables import deliveries, tickets
from tests.stateful.machines import StoreMachine, explore

LEASE = timedelta(seconds=10)
WORKERS = ("one", "two", "three")
NEVER = datetime.max.replace(tzinfo=UTC)

nths = st.integers(0, len(WORKERS) - 1)
pauses = st.sampled_from([0, 1, 5])
messages = st.tuples(st.sampled_from("ABC"), st.integers(0, 12), pauses)
"""A ticket, the number of one of its deliveries, and in how many seconds it is to be looked at."""


@dataclass
class Box:
    """A ticket's mailbox as the model has it."""

    due: datetime | None = None
    rank: int = mailbox.TOLD
    owner: str | None = None
    until: datetime | None = None
    waiting: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


@dataclass
class Held:
    """What a worker has in hand."""

    box: Mailbox
    waiting: list[Waiting]


class Inbox(StoreMachine):
    """Deliveries come and repeat; workers claim, read, hand back, fall silent and are taken over; the clock turns."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.model: dict[str, Box] = {}
        self.hands: dict[str, list[Held]] = {worker: [] for worker in WORKERS}
        self.born = 0

    def _one(self, nth: int, *, holding: bool) -> str:
        """One of the workers that have something in hand, or nothing."""
        fitting = [worker for worker, held in self.hands.items() if bool(held) is holding]
        return fitting[nth % len(fitting)]

    @rule(batch=st.lists(messages, min_size=1, max_size=4), rank=st.sampled_from(mailbox.RANKS))
    def deliver(self, batch: list[tuple[str, int, int]], rank: int) -> None:
        now = self.clock.now
        arrivals = [
            Arrival(Delivery("acme", f"{ticket}{number}", b"{}", {}, now), ticket, "k", now + timedelta(seconds=due_in))
            for ticket, number, due_in in batch
        ]
        with self.store.writing() as connection:
            fresh = inbox.add(self.store, connection, arrivals, rank=rank)
        new = {a.delivery.dedupe_key: a for a in arrivals if not self._had(a)}  # of twins, the later one is kept
        assert fresh == [new.get(a.delivery.dedupe_key) is a for a in arrivals]
        self._arrive(list(new.values()), rank)

    def _had(self, arrival: Arrival) -> bool:
        box = self.model.get(arrival.ticket or "", Box())
        return arrival.delivery.dedupe_key in box.waiting + box.done

    def _arrive(self, arrivals: list[Arrival], rank: int) -> None:
        for ticket in {arrival.ticket for arrival in arrivals if arrival.ticket}:
            box = self.model.setdefault(ticket, Box())
            box.rank = min(rank, box.rank) if box.due is not None else rank
            mine = [arrival for arrival in arrivals if arrival.ticket == ticket]
            box.waiting += [arrival.delivery.dedupe_key for arrival in mine]
            box.due = min([box.due or NEVER, *(each.due_at for each in mine)])

    @precondition(lambda self: not all(self.hands.values()) and self._due())
    @rule(nth=nths, limit=st.integers(1, 3))
    def claim(self, nth: int, limit: int) -> None:
        """A worker asks for more once its hands are empty."""
        worker, now = self._one(nth, holding=False), self.clock.now
        due = self._due()
        best = min((box.rank for box in due), default=None)
        first = sorted(box.due for box in due if box.rank == best and box.due is not None)[:limit]
        claimed = mailbox.claim(self.store, worker, now, LEASE, limit)
        assert sorted(self._taken(box, worker) for box in claimed) == first

    def _due(self) -> list[Box]:
        now = self.clock.now
        return [box for box in self.model.values() if box.due is not None and box.due <= now and not box.owner]

    def _taken(self, claimed: Mailbox, worker: str) -> datetime:
        """Note a claimed mailbox and read what waits in it; when it was due."""
        box = self.model[claimed.ticket]
        due, box.due = box.due, None
        assert box.owner is None
        assert due is not None
        box.owner, box.until = worker, self.clock.now + LEASE
        with self.store.reading() as connection:
            waiting = inbox.waiting(connection, "acme", claimed.ticket)
        self.hands[worker].append(Held(claimed, waiting))
        return due

    @precondition(lambda self: any(self.hands.values()))
    @rule(nth=nths, again_in=st.one_of(st.none(), pauses), parks=st.booleans())
    def hand_back(self, nth: int, again_in: int | None, parks: bool) -> None:
        worker = self._one(nth, holding=True)
        held = self.hands[worker].pop(0)
        model, now = self.model[held.box.ticket], self.clock.now
        due = None if again_in is None else now + timedelta(seconds=again_in)
        try:
            with self.store.writing() as connection:
                inbox.settle(connection, [each.id for each in held.waiting], now, words="no" if parks else None)
                mailbox.hand_back(connection, worker, held.box, due_at=due, snapshot=None, memory=Memory())
        except leases.LeaseLost:
            assert model.owner != worker, "a ticket that was held was said to be lost"
            return
        assert model.owner == worker, "what another holds was handed back"
        settled = [each.delivery.dedupe_key for each in held.waiting]
        assert settled == model.waiting[: len(settled)]  # in order, and none that another worker settled meanwhile
        model.waiting, model.done = model.waiting[len(settled) :], model.done + settled
        model.owner = model.until = None
        model.due = min((at for at in (model.due, due) if at is not None), default=None)

    @precondition(lambda self: any(self.hands.values()))
    @rule(nth=nths)
    def die(self, nth: int) -> None:
        """What a dead worker had in hand is gone with it; its leases stay, and nobody has its name again."""
        worker = self._one(nth, holding=True)
        del self.hands[worker]
        self.born += 1
        self.hands[f"worker-{self.born}"] = []

    @precondition(lambda self: any(self.hands.values()))
    @rule(nth=nths)
    def let_go(self, nth: int) -> None:
        worker = self._one(nth, holding=True)
        self.hands[worker] = []
        with self.store.writing() as connection:
            leases.let_go(connection, [worker], self.clock.now)
        self._free(lambda box: box.owner == worker)

    @rule(silent=st.integers(0, len(WORKERS)))
    def beat(self, silent: int) -> None:
        """The hearts of all beat but of one, if any; whoever was silent too long is taken over from."""
        now, alive = self.clock.now, [worker for nth, worker in enumerate(self.hands) if nth != silent]
        with self.store.writing() as connection:
            leases.renew(connection, alive, now + LEASE)
            freed = leases.take_over(connection, now)
        for box in self.model.values():
            box.until = now + LEASE if box.owner in alive else box.until
        assert freed == self._free(lambda box: box.until is not None and box.until < now)

    def _free(self, which: Callable[[Box], bool]) -> int:
        freed = [box for box in self.model.values() if box.owner and which(box)]
        for box in freed:
            box.owner = box.until = None
            box.due = self.clock.now
        return len(freed)

    @rule(seconds=st.sampled_from([1, 4, 11]))
    def turn(self, seconds: int) -> None:
        self.clock.turn(seconds)

    @invariant()
    def the_tables_are_the_model(self) -> None:
        with self.store.reading() as connection:
            boxes = {row.ticket: row for row in connection.execute(select(tickets))}
            waiting = connection.execute(
                select(deliveries.c.ticket, deliveries.c.dedupe_key, deliveries.c.state).order_by(deliveries.c.id)
            ).all()
        assert {t: (row.due_at, row.lease_owner, row.rank) for t, row in boxes.items()} == {
            t: (box.due, box.owner, box.rank) for t, box in self.model.items()
        }
        for ticket, box in self.model.items():
            mine = [(row.dedupe_key, row.state) for row in waiting if row.ticket == ticket]
            assert [key for key, state in mine if state == "waiting"] == box.waiting
            assert sorted(key for key, state in mine if state != "waiting") == sorted(box.done)

    @invariant()
    def what_waits_will_be_looked_at(self) -> None:
        for box in self.model.values():
            assert not box.waiting or box.due is not None or box.owner is not None

    def teardown(self) -> None:
        """Whatever happened, in the end everything that came was worked on once."""
        self.hands = {"last": []}
        for _ in range(2):
            self.turn(11)
            self.beat(0)
            while self._due():
                self.claim(0, 3)
                while self.hands["last"]:
                    self.hand_back(0, None, parks=False)
        self.the_tables_are_the_model()
        assert not any(box.waiting for box in self.model.values())


def test_whatever_deliveries_and_workers_do_nothing_is_lost_or_worked_on_twice(store: Store) -> None:
    explore(Inbox, store)
