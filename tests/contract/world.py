"""What a contract test stands on: one clock, one running sandbox, its control face, one desk under test."""

import json
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from bridge.errors import Conflict
from bridge.model import Change, Event, Operation, RawDelivery, Ticket, TicketRef
from bridge.ports import Call, Desk
from tests.contract.sink import Sink

START = datetime(2026, 11, 3, 9, 14, 26, tzinfo=UTC)
CUSTOMER = "ada@globex.example"


class Running(Protocol):
    """A sandbox desk that listens, as `sandbox.common.start` returns it."""

    url: str

    def stop(self) -> None:
        """Stop listening."""


class TurnableClock:
    """The time of a test, moved by hand: shared by the desk, its sandbox and the sink."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def unix(self) -> float:
        """The time as a sandbox wants it."""
        return self.now.timestamp()

    def later(self, seconds: float) -> None:
        """Move on. Version stamps count whole seconds, so tests move on between a read and another's edit."""
        self.now += timedelta(seconds=seconds)


@dataclass
class OpenGate:
    """A gate that holds nothing back and keeps what passed."""

    calls: list[Call] = field(default_factory=list)

    def admit(self, desk: str, method: str, route: str) -> None:
        """Every call may be made."""

    def record(self, call: Call) -> None:
        """Keep the call."""
        self.calls.append(call)


@dataclass
class World:
    """One sandbox account and one desk connected to it; the methods are people at work."""

    clock: TurnableClock
    sandbox: Running
    sink: Sink
    secret: str
    desk: Desk
    gate: OpenGate
    make_desk: Callable[..., Desk]
    operations: int = 0

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request to the sandbox's control face."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.sandbox.url}/_sandbox{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def customer_writes(self, body: str = "The invoice PDF is empty.", **more: Any) -> TicketRef:
        """A customer opens a ticket, or replies where `ticket` is given."""
        written = {"email": CUSTOMER, "name": "Ada Client", "subject": "Empty invoice", "body": body} | more
        return TicketRef(self.desk.name, str(self.control("POST", "/customers/write", written)["ticket"]))

    def human_edits(self, ref: TicketRef, *, note: str | None = None, reply: str | None = None, **changes: Any) -> None:
        """Bo works on a ticket in the vendor's own screens, some seconds later than whatever came before."""
        self.clock.later(5)
        edit = {"agent": "bo@acme.example", "ticket": ref.id, "set": changes, "note": note, "reply": reply}
        self.control("POST", "/agents/edit", {key: value for key, value in edit.items() if value})

    def faults(self, **faults: Any) -> None:
        """Let the sandbox fail from now on."""
        self.control("PUT", "/faults", faults)

    def state(self) -> dict[str, Any]:
        """Everything the sandbox knows."""
        return dict(self.control("GET", "/state"))

    def at_desk(self, ref: TicketRef) -> dict[str, Any]:
        """The ticket as the sandbox itself shows it."""
        return next(ticket for ticket in self.state()["tickets"] if str(ticket["id"]) == ref.id)

    def deliveries(self, until: Callable[[Event], bool]) -> list[tuple[RawDelivery, Sequence[Event]]]:
        """Deliveries and what they say, up to the first that says what is looked for."""
        taken: list[tuple[RawDelivery, Sequence[Event]]] = []
        while not taken or not any(map(until, taken[-1][1])):
            raw = self.sink.take()
            taken.append((raw, self.desk.read(self.desk.verify(raw))))
        return taken

    def plan(self, change: Change, ticket: Ticket) -> Operation:
        """The operation for a change, under an id that no other operation of the test has."""
        self.operations += 1
        return self.desk.plan(f"01K8ZZZZZZZZZZZZZZZZZZZZ{self.operations:02}", change, ticket)

    def perform(self, operation: Operation) -> None:
        """All steps in order, each with what the one before it saw. Raises what the desk raises."""
        seen: Ticket | None = None
        for step in operation.steps:
            seen = self.desk.perform(step, seen).seen

    def write(self, change: Change, ref: TicketRef, ticket: Ticket | None = None) -> None:
        """Carry out a change as the write-back does: after a conflict read again, three times at most."""
        read = ticket
        for _ in range(3):
            with suppress(Conflict):
                self.perform(self.plan(change, read or self.desk.fetch(ref)))
                return
            read = None
        raise AssertionError("three conflicts in a row")
