"""The Intercom adapter beside its sandbox: webhooks say what a read says, and our own writes are never a person's."""

import queue
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import httpx
import pytest

from bridge.model import ActorKind, Change, Event, EventKind, Priority, Status, TicketRef, Visibility
from sandbox.common import start
from sandbox.intercom import CLIENT_SECRET, IntercomSandbox
from tests.adapters.test_intercom_spec import Drive
from tests.contract.sink import Sink

NOTE = "<p>Triage: billing</p>"
EVERYTHING = Change(
    team_id="5017690",
    assignee_id="9002",
    priority=Priority.HIGH,
    add_tags=frozenset({"vip"}),
    status=Status.PENDING,
    note=NOTE,
)


class Watched(Drive):
    """A drive whose webhooks are listened to."""

    def __init__(self, sandbox: IntercomSandbox, sink: Sink) -> None:
        self.sink = sink
        super().__init__(start(sandbox))
        self.control("webhooks", {"url": sink.url, "secret": CLIENT_SECRET})

    def control(self, path: str, body: Mapping[str, object]) -> None:
        """One request to the sandbox's control face."""
        httpx.post(f"{self.sandbox.url}/_sandbox/{path}", json=body).raise_for_status()

    def heard(self) -> list[Event]:
        """Everything that the webhooks told until all was quiet, as the adapter reads it."""
        while httpx.get(f"{self.sandbox.url}/_sandbox/quiet").json()["pending"]:
            pass  # asking again is the wait
        events: list[Event] = []
        with suppress(queue.Empty):
            while True:
                delivery = self.desk.verify(self.sink.take_at_once())
                events += self.desk.read(delivery) if delivery.keep else ()
        return events


@pytest.fixture
def watched() -> Iterator[Watched]:
    with Sink(lambda: datetime.now(UTC)) as sink:
        watched = Watched(IntercomSandbox(), sink)
        try:
            yield watched
        finally:
            watched.desk.close()
            watched.sandbox.stop()


@pytest.fixture(params=["conversation", "ticket"])
def ref(request: pytest.FixtureRequest, watched: Watched) -> TicketRef:
    made: TicketRef = getattr(watched, request.param)()
    created = [event for event in watched.heard() if event.kind is EventKind.TICKET_CREATED]
    assert [event.ticket for event in created] == [made]
    return made


@pytest.mark.parametrize("kind", ["conversation", "ticket"])
def test_the_snapshot_of_a_new_ticket_is_what_a_read_gives(watched: Watched, kind: str) -> None:
    ref = getattr(watched, kind)()
    (told,) = (event.snapshot for event in watched.heard() if event.kind is EventKind.TICKET_CREATED)
    assert told == watched.desk.fetch(ref)


def test_no_webhook_of_our_own_writes_looks_like_a_persons_work(watched: Watched, ref: TicketRef) -> None:
    watched.write(ref, EVERYTHING)
    events = watched.heard()
    assert events
    assert {event.ticket for event in events} == {ref}
    assert not [event.kind_raw for event in events if event.actor.kind in {ActorKind.AGENT, ActorKind.REQUESTER}]
    notes = [event.message for event in events if event.kind is EventKind.NOTE_ADDED]
    assert [(note.visibility, note.author.kind) for note in notes if note] == [
        (Visibility.PRIVATE, ActorKind.INTEGRATION)
    ]


def test_a_teammates_work_is_an_agents(watched: Watched, ref: TicketRef) -> None:
    changes = {"assignee": "ana@acme.example", "team": "Billing"}
    edit = {"agent": "bo@acme.example", "ticket": ref.id, "set": changes, "reply": "On it.", "note": "Refund?"}
    watched.control("agents/edit", edit)
    events = {event.kind: event for event in watched.heard()}
    assert {EventKind.ASSIGNED, EventKind.TEAM_CHANGED, EventKind.AGENT_REPLIED, EventKind.NOTE_ADDED} <= set(events)
    assert {events[kind].actor.kind for kind in (EventKind.ASSIGNED, EventKind.AGENT_REPLIED)} == {ActorKind.AGENT}


def test_a_customers_reply_to_a_closed_ticket_is_heard_with_its_words_and_opens_it(
    watched: Watched, ref: TicketRef
) -> None:
    watched.write(ref, Change(status=Status.CLOSED))
    watched.heard()
    reply = {"email": "ada@globex.example", "body": "It is broken again.", "ticket": ref.id}
    watched.control("customers/write", reply)
    (heard,) = (event for event in watched.heard() if event.kind is EventKind.REQUESTER_REPLIED)
    assert heard.message is not None
    assert (heard.message.text, heard.message.visibility) == ("It is broken again.", Visibility.PUBLIC)
    assert heard.actor.kind is ActorKind.REQUESTER
    assert watched.desk.fetch(ref).status in {Status.NEW, Status.OPEN}


def test_an_agent_who_goes_away_is_told_at_once(watched: Watched) -> None:
    watched.control("agents/status", {"agent": "ana@acme.example", "status": "away"})
    told = [(event.agent_id, event.agent_status) for event in watched.heard() if event.kind is EventKind.AGENT_CHANGED]
    (ana,) = (agent for agent in watched.desk.roster().agents if agent.email == "ana@acme.example")
    assert told == [(ana.id, ana.status)]
