"""Reconciliation: what changed at a desk is found by asking for it, so that nothing depends on webhooks arriving.

A desk's list of changes is followed page by page from a cursor. What in it is not known becomes a delivery of our own
in the inbox, a mere hint to look at the ticket, and from there on is like any other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf
from typing import Final

from bridge import feedback
from bridge.memory import SETTLED, left_to_people
from bridge.model import Delivery, Event, EventKind, Status, Ticket, TicketRef
from bridge.ports import Clock, Desk, Page
from bridge.store import Store, codec, cursors, inbox, mailbox
from bridge.store.cursors import Place
from bridge.store.inbox import Arrival
from bridge.store.mailbox import Known

KIND: Final = "reconciled"
"""What operators and events call a change that was found by asking."""

OWN_KEYS: Final = "@reconciled/"
"""How the dedupe keys of our own deliveries begin; no adapter makes one that begins with @."""

SURE: Final = timedelta(seconds=1.5)
"""How old an update must be for a read to have seen it whole: desks count whole seconds, in which something else may
still happen; the half is for clocks that differ."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What pages of changes held, in tickets: `looked_at` of them, each in one of the four counts after it.

    `new` and `changed` went into the inbox, `remembered` were a person's when we came. `pages` is how many there were,
    `reached` the newest update met.
    """

    pages: int = 0
    looked_at: int = 0
    new: int = 0
    changed: int = 0
    remembered: int = 0
    unchanged: int = 0
    reached: datetime | None = None

    @property
    def outcomes(self) -> dict[str, int]:
        """The counts that make up `looked_at`, by name."""
        return {verdict.value: getattr(self, verdict.value) for verdict in _Verdict}

    def __add__(self, other: "Tally") -> "Tally":
        times = [at for at in (self.reached, other.reached) if at is not None]
        return Tally(
            self.pages + other.pages,
            self.looked_at + other.looked_at,
            self.new + other.new,
            self.changed + other.changed,
            self.remembered + other.remembered,
            self.unchanged + other.unchanged,
            max(times, default=None),
        )


def follow(store: Store, desk: Desk, *, back_fill: timedelta, clock: Clock) -> Iterator[Tally]:
    """Go on with a desk's changes to their end, page by page, each committed with the cursor before it is told.

    The first time is the back-fill: it starts `back_fill` ago and leaves tickets that are a person's already alone.
    A round that was cut off before is brought to its end, and as that may lie in the past, another follows it.
    Ends early where another process went on meanwhile. Raises what `Desk.changed_since` raises; what is told stays.
    """
    rounds: int | None = None
    while rounds != 0:
        asked_at = clock()
        with store.reading() as connection:
            before = cursors.load(connection, desk.name)
        rounds = rounds or (2 if before is not None and before.is_midway else 1)
        since = before.since if before is not None else asked_at - back_fill
        page = desk.changed_since(before.cursor if before is not None else None, start=since)
        completed_at = before.completed_at if before is not None else None
        after = Place(page.cursor, since, completed_at if page.more else asked_at)
        told = _take(store, desk, page, asked_at, first=completed_at is None, move=(before, after))
        if told is None:
            return
        yield told
        rounds -= not page.more


def revisit(store: Store, desk: Desk, *, since: datetime, clock: Clock) -> Iterator[Tally]:
    """Look again at everything that changed since a time, as a back-fill does; the desk's own cursor stays."""
    cursor: str | None = None
    more = True
    while more:
        asked_at = clock()
        page = desk.changed_since(cursor, start=since)
        told = _take(store, desk, page, asked_at, first=True, move=None)
        assert told is not None
        yield told
        cursor, more = page.cursor, page.more


def back_fills_since(store: Store, desk: str, default: datetime) -> datetime | None:
    """From when on the first round looks, `default` where it is about to begin; None once it has come to its end."""
    with store.reading() as connection:
        place = cursors.load(connection, desk)
    if place is None:
        return default
    return place.since if place.completed_at is None else None


def age(store: Store, desk: str, now: datetime) -> float:
    """Seconds since a desk's changes were last followed to their end, infinite before."""
    with store.reading() as connection:
        place = cursors.load(connection, desk)
    return (now - place.completed_at).total_seconds() if place and place.completed_at else inf


def read(desk: Desk, delivery: Delivery) -> Sequence[Event]:
    """What a kept delivery says, whether the desk sent it or reconciliation made it."""
    if not delivery.dedupe_key.startswith(OWN_KEYS):
        return desk.read(delivery)
    return [codec.parse(_Finding, delivery.body.decode()).event(delivery.desk)]


def seen_whole(ticket: Ticket, asked_at: datetime) -> datetime | None:
    """Until when a ticket has certainly been seen by a read begun at `asked_at`, by the desk's own stamp."""
    at = ticket.updated_at
    return at if at is not None and at + SURE <= asked_at else None


class _Verdict(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    REMEMBERED = "remembered"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class _Finding:
    """The body of our own delivery. `status` is set where it is all that matters of the ticket: nobody needs to act."""

    ticket: str
    updated_at: datetime | None
    status: Status | None = None

    def event(self, desk: str) -> Event:
        """A bare hint, or the status where that settles the matter without a read."""
        ref = TicketRef(desk, self.ticket)
        if self.status is None:
            return Event(desk, EventKind.TICKET_CHANGED, KIND, ref, occurred_at=self.updated_at)
        stood = Ticket(ref, "", None, self.status, updated_at=self.updated_at, complete=False)
        return Event(desk, EventKind.STATUS_CHANGED, KIND, ref, occurred_at=self.updated_at, snapshot=stood)


def _take(
    store: Store,
    desk: Desk,
    page: Page,
    asked_at: datetime,
    *,
    first: bool,
    move: tuple[Place | None, Place] | None,
) -> Tally | None:
    """Commit what a page brings together with the cursor; None, and nothing is kept, where the cursor has moved."""
    tickets = {ticket.ref.id: ticket for ticket in page.tickets}
    with store.reading() as connection:
        known = mailbox.known(connection, desk.name, tickets)
    verdicts = {number: _judge(ticket, known.get(number), first=first) for number, ticket in tickets.items()}
    _remember(store, [tickets[number] for number in _those(verdicts, _Verdict.REMEMBERED)], asked_at)
    arrivals = {
        number: _arrival(desk.name, tickets[number], asked_at)
        for number in _those(verdicts, _Verdict.NEW, _Verdict.CHANGED)
    }
    with store.writing() as connection:
        if move is not None and not cursors.move(store, connection, desk.name, *move, now=asked_at):
            return None
        fresh = inbox.add(store, connection, list(arrivals.values()), rank=mailbox.POLLED)
    feedback.learn(store, desk.name, page.tickets, asked_at)
    had = {number for number, new in zip(arrivals, fresh, strict=True) if not new}
    return _tally(tickets, verdicts | dict.fromkeys(had, _Verdict.UNCHANGED))


def _judge(ticket: Ticket, known: Known | None, *, first: bool) -> _Verdict:
    """What a listed ticket is to us. A page shows no messages, so only a read since its last update makes it known."""
    settled = ticket.status in SETTLED
    if known is None:
        if settled:
            return _Verdict.UNCHANGED
        return _Verdict.REMEMBERED if first and ticket.assignee_id is not None else _Verdict.NEW
    seen = known.seen_until is not None and ticket.updated_at is not None and ticket.updated_at <= known.seen_until
    if seen or (settled and known.status in SETTLED):
        return _Verdict.UNCHANGED
    return _Verdict.CHANGED


def _those(verdicts: Mapping[str, _Verdict], *wanted: _Verdict) -> list[str]:
    return [number for number, verdict in verdicts.items() if verdict in wanted]


def _remember(store: Store, tickets: Sequence[Ticket], asked_at: datetime) -> None:
    """Keep what a person works on already as theirs.

    Not in the cursor's transaction, in which mailboxes are woken: one order of locks for each. A crash between the two
    repeats the page, which finds these known.
    """
    found = [(ticket, left_to_people(ticket), seen_whole(ticket, asked_at)) for ticket in tickets]
    if found:
        with store.writing() as connection:
            mailbox.adopt(store, connection, found)


def _arrival(desk: str, ticket: Ticket, asked_at: datetime) -> Arrival:
    """The delivery of our own for a ticket: one for each of its updates however often it is listed.

    While more may happen under the same stamp the update is not over: then it is looked at once it is, and counts anew
    where it is listed again.
    """
    over = seen_whole(ticket, asked_at) is not None
    stamp = ticket.stamp or "unstamped"
    key = f"{OWN_KEYS}{ticket.ref.id}/{stamp}{'' if over else '/early'}"
    finding = _Finding(ticket.ref.id, ticket.updated_at, ticket.status if ticket.status in SETTLED else None)
    due_at = asked_at if over or ticket.updated_at is None else max(asked_at, ticket.updated_at + SURE)
    return Arrival(Delivery(desk, key, codec.dump(finding).encode(), {}, asked_at), ticket.ref.id, KIND, due_at)


def _tally(tickets: Mapping[str, Ticket], verdicts: Mapping[str, _Verdict]) -> Tally:
    counts = {verdict.value: len(_those(verdicts, verdict)) for verdict in _Verdict}
    reached = max((ticket.updated_at for ticket in tickets.values() if ticket.updated_at), default=None)
    return Tally(pages=1, looked_at=len(tickets), reached=reached, **counts)
