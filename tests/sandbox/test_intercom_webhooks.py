"""The sandbox's webhooks carry Intercom's envelopes and signatures, and are retried once, as Intercom does."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from sandbox.common import Delivery, Running, start
from sandbox.intercom import ACCESS_TOKEN, CLIENT_SECRET, IntercomSandbox

NOON = 1_793_620_800.0
BRIDGE, ANA, BILLING = "9001", "9002", "5017690"


@dataclass
class Clock:
    """Unix seconds that stand still until turned."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Endpoint:
    """Takes webhooks and keeps them; answers with `answers` in turn, then 200; HEAD is answered with `head`."""

    url: str = ""
    head: int = 200
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    holds: bool = False

    def said(self) -> list[dict[str, Any]]:
        """Every notification but the ping."""
        told = [json.loads(body) for _, body in self.taken]
        return [one for one in told if one["topic"] != "ping"]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    target = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            target.heads.append(str(self.headers["User-Agent"]))
            self.send_response(target.head)
            self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target.taken.append((dict(self.headers.items()), body))
            if target.holds:
                target.release.wait(5)
            self.send_response(target.answers.pop(0) if target.answers else 200)
            for name, value in target.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    target.url = f"http://127.0.0.1:{server.server_port}/hooks/acme"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield target
    target.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Desk:
    """A running workspace, its API and its control face, and the webhooks it sends to one endpoint."""

    sandbox: IntercomSandbox
    clock: Clock
    running: Running
    api: httpx.Client
    endpoint: Endpoint

    def control(self, method: str, path: str, **say: Any) -> Any:
        answer = self.api.request(method, f"/_sandbox/{path}", json=say)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def register(self, *topics: str, **more: Any) -> dict[str, str]:
        """Save the form of the Developer Hub."""
        say = {"url": self.endpoint.url, **({"topics": topics} if topics else {}), **more}
        made: dict[str, str] = self.control("POST", "webhooks", **say)
        return made

    def write(self, body: str = "The PDF is empty.", **more: Any) -> str:
        """A customer writes; Intercom's id of the conversation or ticket."""
        say = {"email": "ada@globex.example", "name": "Ada Client", "subject": "Empty invoice", "body": body, **more}
        return str(self.control("POST", "customers/write", **say)["ticket"]).partition(":")[2]

    def post(self, path: str, **say: Any) -> None:
        answer = self.api.post(path, json=say)
        assert answer.status_code == 200, answer.text

    def put(self, path: str, **say: Any) -> None:
        answer = self.api.put(path, json=say)
        assert answer.status_code == 200, answer.text

    def edit(self, number: str, agent: str = "ana@acme.example", **edit: Any) -> None:
        """An admin works in the inbox."""
        self.control("POST", "agents/edit", agent=agent, ticket=number, **edit)

    def said(self) -> list[dict[str, Any]]:
        """Every notification that came, once none is under way, in the order they were made."""
        until(lambda: not self.control("GET", "quiet")["pending"])
        order = [delivery.id for delivery in self.sandbox.sender.deliveries]
        return sorted(self.endpoint.said(), key=lambda one: order.index(one["id"]))

    def topics(self) -> list[str]:
        return [one["topic"] for one in self.said()]

    def delivery(self, topic: str, attempts: int) -> Delivery:
        """The delivery of a topic, once it was tried so often and what follows from the last try is settled."""
        found = next(one for one in self.sandbox.sender.deliveries if one.topic == topic)
        until(lambda: self._settled(found, attempts))
        return found

    def _settled(self, delivery: Delivery, attempts: int) -> bool:
        with self.sandbox.lock:  # a try is recorded and followed up under one hold of it
            return len(delivery.attempts) >= attempts


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another thread does; fails where it does not come."""
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end, "it did not come about"
        threading.Event().wait(0.005)


@pytest.fixture
def clock() -> Clock:
    return Clock()


Make = Callable[..., Desk]


@pytest.fixture
def make(clock: Clock, endpoint: Endpoint) -> Iterator[Make]:
    with ExitStack() as ending:

        def build(**more: Any) -> Desk:
            sandbox = IntercomSandbox(clock=clock, **more)
            running = ending.enter_context(start(sandbox))
            headers = {"Authorization": f"Bearer {ACCESS_TOKEN}", "Intercom-Version": "2.16"}
            api = ending.enter_context(httpx.Client(base_url=running.url, headers=headers, trust_env=False))
            return Desk(sandbox, clock, running, api, endpoint)

        yield build


@pytest.fixture
def desk(make: Make) -> Desk:
    return make()


@pytest.fixture
def hooked(desk: Desk) -> Desk:
    desk.register()
    return desk


# Registration -------------------------------------------------------------------------------------------------------


def test_saving_a_url_asks_it_with_head_and_sends_a_ping_without_an_id(desk: Desk) -> None:
    assert desk.register()["secret"] == CLIENT_SECRET
    desk.delivery("ping", 1)
    assert desk.endpoint.heads == ["intercom-parrot-service-client/1.0"]
    ((headers, body),) = desk.endpoint.taken
    said = json.loads(body)
    assert (said["topic"], said["id"], said["data"]["item"]["type"]) == ("ping", None, "ping")
    assert headers["User-Agent"] == "intercom-parrot-service-client/1.0"


def test_a_url_that_refuses_head_is_not_saved(desk: Desk) -> None:
    desk.endpoint.head = 405
    answer = desk.api.post("/_sandbox/webhooks", json={"url": desk.endpoint.url})
    assert answer.status_code == 400
    assert "405" in answer.json()["error"]
    desk.write()
    assert desk.said() == []


def test_a_url_where_nobody_listens_is_not_saved(desk: Desk) -> None:
    answer = desk.api.post("/_sandbox/webhooks", json={"url": "http://127.0.0.1:1/hooks"})
    assert answer.status_code == 400


def test_an_unknown_topic_is_refused_by_name(desk: Desk) -> None:
    say = {"url": desk.endpoint.url, "topics": ["conversation.admin.teleported"]}
    answer = desk.api.post("/_sandbox/webhooks", json=say)
    assert answer.status_code == 400
    assert "conversation.admin.teleported" in answer.json()["error"]


def test_only_the_topics_that_were_ticked_are_sent(desk: Desk) -> None:
    desk.register("conversation.admin.noted")
    number = desk.write()
    desk.edit(number, note="Called her.", reply="Hello")
    assert desk.topics() == ["conversation.admin.noted"]


# Envelope and signature ---------------------------------------------------------------------------------------------


def test_the_envelope_is_intercoms(hooked: Desk) -> None:
    hooked.write()
    (said,) = hooked.said()
    assert said.pop("id").startswith("notif_")
    assert said.pop("data").keys() == {"type", "item"}
    assert said == {
        "type": "notification_event",
        "app_id": "ab12cd34",
        "topic": "conversation.user.created",
        "created_at": int(NOON),
        "first_sent_at": int(NOON),
        "delivery_attempts": 1,
        "delivery_status": "pending",
        "delivered_at": 0,
        "self": None,
        "links": {},
    }


@pytest.mark.parametrize("secret", [CLIENT_SECRET, "another-client-secret"])
def test_every_body_is_signed_with_the_client_secret(desk: Desk, secret: str) -> None:
    desk.register(secret=secret)
    desk.write("Grüße")
    desk.said()
    assert len(desk.endpoint.taken) == 2
    for headers, body in desk.endpoint.taken:
        assert headers["X-Hub-Signature"] == "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


# Conversations ------------------------------------------------------------------------------------------------------


def test_a_new_conversation_comes_whole_and_without_parts(hooked: Desk) -> None:
    number = hooked.write(tags=["vip"])
    item = hooked.said()[0]["data"]["item"]
    assert (item["type"], item["id"], item["state"], item["open"]) == ("conversation", number, "open", True)
    assert (item["admin_assignee_id"], item["team_assignee_id"], item["priority"]) == (None, None, "none")
    assert (item["source"]["subject"], item["source"]["body"]) == ("Empty invoice", "The PDF is empty.")
    assert item["source"]["author"]["email"] == "ada@globex.example"
    assert [tag["name"] for tag in item["tags"]["tags"]] == ["vip"]
    assert item["conversation_parts"]["conversation_parts"] == []


def test_a_reply_brings_only_the_new_part(hooked: Desk) -> None:
    number = hooked.write()
    hooked.edit(number, reply="Which invoice?")
    hooked.write("Number 7.", ticket=number)
    item = hooked.said()[-1]["data"]["item"]
    (part,) = item["conversation_parts"]["conversation_parts"]
    assert hooked.topics()[1:] == ["conversation.admin.replied", "conversation.user.replied"]
    assert (part["part_type"], part["body"], part["author"]["type"]) == ("comment", "Number 7.", "user")
    assert part["app_package_code"] is None


def test_a_reply_to_a_closed_conversation_opens_it(hooked: Desk) -> None:
    number = hooked.write()
    hooked.edit(number, set={"status": "closed"})
    hooked.write("Not yet!", ticket=number)
    closed, replied = (one["data"]["item"] for one in hooked.said()[1:])
    assert (closed["state"], closed["conversation_parts"]["conversation_parts"][0]["part_type"]) == ("closed", "close")
    assert (replied["state"], replied["open"]) == ("open", True)
    assert replied["conversation_parts"]["conversation_parts"][0]["body"] == "Not yet!"


def test_our_own_writes_come_back_marked_with_our_package_code(hooked: Desk) -> None:
    number = hooked.write()
    parts, actor = f"/conversations/{number}/parts", {"admin_id": BRIDGE}
    hooked.post(parts, message_type="assignment", type="team", assignee_id=BILLING, **actor)
    hooked.post(parts, message_type="assignment", type="admin", assignee_id=ANA, **actor)
    hooked.post(f"/conversations/{number}/reply", message_type="note", type="admin", body="<p>Triage</p>", **actor)
    hooked.post(parts, message_type="snoozed", snoozed_until=int(NOON) + 60, **actor)
    hooked.post(parts, message_type="open", **actor)
    hooked.post(parts, message_type="close", type="admin", **actor)
    told = hooked.said()[1:]
    assert [one["topic"].removeprefix("conversation.admin.") for one in told] == [
        "assigned",
        "assigned",
        "noted",
        "snoozed",
        "unsnoozed",
        "closed",
    ]
    found = [one["data"]["item"]["conversation_parts"]["conversation_parts"] for one in told]
    assert all(len(rows) == 1 for rows in found)
    assert all(part["app_package_code"] and part["author"]["id"] == BRIDGE for (part,) in found)
    assert [part["assigned_to"] for (part,) in found[:2]] == [
        {"type": "team", "id": BILLING},
        {"type": "admin", "id": ANA},
    ]
    assert told[1]["data"]["item"]["admin_assignee_id"] == int(ANA)


def test_a_tag_comes_with_the_conversation_and_names_itself(hooked: Desk) -> None:
    number, tag = hooked.write(), hooked.sandbox.space.tag_named("vip")
    hooked.post(f"/conversations/{number}/tags", id=tag.id, admin_id=BRIDGE)
    told = hooked.said()[-1]
    assert told["topic"] == "conversation_part.tag.created"
    assert (told["data"]["item"]["type"], told["data"]["item"]["id"]) == ("conversation", number)
    assert [added["name"] for added in told["data"]["item"]["tags_added"]["tags"]] == ["vip"]


def test_a_tag_that_is_there_already_is_no_news(hooked: Desk) -> None:
    number = hooked.write(tags=["vip"])
    hooked.edit(number, set={"add_tags": ["vip"]})
    assert hooked.topics() == ["conversation.user.created"]


def test_a_priority_and_a_deletion_are_told(hooked: Desk) -> None:
    number = hooked.write()
    hooked.edit(number, set={"priority": "urgent"})
    assert hooked.api.delete(f"/conversations/{number}").status_code == 200
    raised, gone = hooked.said()[1:]
    assert (raised["topic"], raised["data"]["item"]["priority"]) == ("conversation.priority.updated", "urgent")
    assert gone["topic"] == "conversation.deleted"
    assert gone["data"]["item"] == {"type": "conversation", "id": number}


def test_a_snooze_ends_by_itself_and_is_told(hooked: Desk) -> None:
    number = hooked.write()
    hooked.edit(number, set={"status": "snoozed"})
    hooked.clock.turn(90_000)
    assert hooked.api.get(f"/conversations/{number}").json()["state"] == "open"
    assert hooked.topics()[1:] == ["conversation.admin.snoozed", "conversation.admin.unsnoozed"]


def test_attributes_have_no_topic(hooked: Desk) -> None:
    number = hooked.write()
    hooked.put(f"/conversations/{number}", custom_attributes={"intent": "billing"})
    assert hooked.topics() == ["conversation.user.created"]


# Tickets and people -------------------------------------------------------------------------------------------------


def test_a_ticket_that_moves_comes_itself_with_the_part_that_moved_it(hooked: Desk) -> None:
    number = hooked.write(channel="ticket")
    states = {state.category: state.id for state in reversed(hooked.sandbox.space.states())}
    hooked.put(f"/tickets/{number}", ticket_state_id=states["waiting_on_customer"], admin_id=int(BRIDGE))
    created, moved = hooked.said()
    assert (created["topic"], moved["topic"]) == ("ticket.created", "ticket.state.updated")
    item = moved["data"]["item"]
    assert (item["type"], item["id"], item["admin_assignee_id"]) == ("ticket", number, "0")
    assert item["ticket_state"]["category"] == "waiting_on_customer"
    (part,) = item["ticket_parts"]["ticket_parts"]
    assert (part["previous_ticket_state"], part["ticket_state"]) == ("submitted", "waiting_on_customer")


def test_what_is_done_to_a_ticket_comes_with_the_ticket_beside_the_part(hooked: Desk) -> None:
    number = hooked.write(channel="ticket")
    for assignee in (ANA, BILLING):
        hooked.put(f"/tickets/{number}", admin_id=int(BRIDGE), assignee_id=assignee)
    hooked.post(f"/tickets/{number}/reply", message_type="note", type="admin", admin_id=BRIDGE, body="Triage")
    hooked.put(f"/tickets/{number}", ticket_attributes={"intent": "export"})
    told = hooked.said()[1:]
    assert [one["topic"] for one in told] == [
        "ticket.admin.assigned",
        "ticket.team.assigned",
        "ticket.note.created",
        "ticket.attribute.updated",
    ]
    items = [one["data"]["item"] for one in told]
    assert {item["type"] for item in items} == {"ticket_ticket_part"}
    assert {item["ticket"]["id"] for item in items} == {number}
    assert items[1]["ticket"]["admin_assignee_id"] == ANA
    assert items[0]["ticket_part"]["assigned_to"] == {"type": "admin", "id": ANA}
    assert items[3]["ticket_part"]["updated_attribute_data"]["value"]["label"] == "export"


@pytest.mark.parametrize(("version", "told_when"), [("2.16", "closed"), ("2.14", "resolved")])
def test_ticket_closed_told_of_the_resolution_before_215(make: Make, version: str, told_when: str) -> None:
    desk = make(version=version)
    desk.register("ticket.closed", "ticket.resolved")
    number = desk.write(channel="ticket")
    desk.edit(number, set={"status": "resolved"})
    resolved = desk.topics()
    desk.put(f"/tickets/{number}", open=False)
    told = {one["topic"]: one["data"]["item"] for one in desk.said()}
    assert ("ticket.closed" in resolved) is (told_when == "resolved")
    assert desk.topics() == ["ticket.resolved", "ticket.closed"]
    assert told["ticket.resolved"]["id"] == number
    assert told["ticket.closed"]["ticket"]["id"] == number


@pytest.mark.parametrize(("version", "body"), [("2.16", "Two & two"), ("2.14", "<p>Two &amp; two</p>")])
def test_bodies_are_plain_text_from_215_on(make: Make, version: str, body: str) -> None:
    desk = make(version=version)
    desk.register()
    desk.write("Two & two")
    assert desk.said()[0]["data"]["item"]["source"]["body"] == body


def test_an_admin_who_goes_away_is_told_with_a_number_for_an_id(hooked: Desk) -> None:
    hooked.put(f"/admins/{ANA}/away", away_mode_enabled=True, away_mode_reassign=False, away_status_reason_id=1)
    hooked.control("POST", "agents/status", agent="ana@acme.example", status="online")
    away, back = hooked.said()
    item = away["data"]["item"]
    assert (item["type"], item["id"], item["away_mode_enabled"]) == ("admin", int(ANA), True)
    assert (item["away_status_reason"], item["team_ids"]) == ("On a break", [int(BILLING)])
    assert back["data"]["item"]["away_mode_enabled"] is False


def test_an_agent_who_is_offline_is_away_and_hands_new_conversations_on(hooked: Desk) -> None:
    for status in ("away", "offline"):
        hooked.control("POST", "agents/status", agent="ana@acme.example", status=status)
    modes = [
        (one["data"]["item"]["away_mode_enabled"], one["data"]["item"]["away_mode_reassign"]) for one in hooked.said()
    ]
    assert modes == [(True, False), (True, True)]


# Failures -----------------------------------------------------------------------------------------------------------


def test_a_failed_delivery_is_tried_once_more_after_a_minute_and_says_so(hooked: Desk) -> None:
    hooked.delivery("ping", 1)
    hooked.endpoint.answers = [500, 500]
    hooked.write()
    delivery = hooked.delivery("conversation.user.created", 1)
    hooked.clock.turn(59)
    assert hooked.control("GET", "quiet")["pending"] == 1
    hooked.clock.turn(1)
    assert hooked.delivery("conversation.user.created", 2) is delivery
    hooked.clock.turn(7200)
    first, second = hooked.said()
    assert [one["delivery_attempts"] for one in (first, second)] == [1, 2]
    assert first["id"] == second["id"]
    assert first["first_sent_at"] == second["first_sent_at"] == int(NOON)
    assert [attempt.at for attempt in delivery.attempts] == [NOON, NOON + 60]
    assert delivery.outcome == "given up"


def test_an_endpoint_that_does_not_answer_in_time_is_tried_again(
    make: Make, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert IntercomSandbox.webhook_timeout == 5.0
    monkeypatch.setattr(IntercomSandbox, "webhook_timeout", 0.05)
    desk = make(retry_after=0.0)
    desk.register()
    desk.delivery("ping", 1)
    endpoint.holds = True
    desk.write()
    delivery = desk.delivery("conversation.user.created", 2)
    assert [attempt.error for attempt in delivery.attempts] == ["timeout", "timeout"]


def test_a_410_ends_the_subscription(hooked: Desk) -> None:
    hooked.delivery("ping", 1)
    hooked.endpoint.answers = [410]
    hooked.write()
    assert hooked.delivery("conversation.user.created", 1).outcome == "given up"
    hooked.write()
    assert len(hooked.said()) == 1


def test_a_429_holds_everything_up_for_a_minute(hooked: Desk) -> None:
    hooked.delivery("ping", 1)
    hooked.endpoint.answers = [429]
    first = hooked.write()
    hooked.delivery("conversation.user.created", 1)
    second = hooked.write()
    hooked.clock.turn(59)
    assert hooked.control("GET", "quiet")["pending"] == 2
    hooked.clock.turn(1)
    told = hooked.said()
    assert [one["data"]["item"]["id"] for one in told] == [first, first, second]
    assert {one.outcome for one in hooked.sandbox.sender.deliveries} == {"delivered"}


def test_a_429_is_not_the_one_retry(hooked: Desk) -> None:
    hooked.delivery("ping", 1)
    hooked.endpoint.answers = [429, 500]
    hooked.write()
    for tries in (1, 2):
        hooked.delivery("conversation.user.created", tries)
        hooked.clock.turn(60)
    hooked.said()
    assert hooked.delivery("conversation.user.created", 3).outcome == "delivered"


def test_what_a_429_holds_up_for_more_than_two_hours_is_lost(hooked: Desk) -> None:
    hooked.delivery("ping", 1)
    hooked.endpoint.answers, hooked.endpoint.headers = [429, 429], {"Retry-After": "4000"}
    hooked.write()
    delivery = hooked.delivery("conversation.user.created", 1)
    hooked.clock.turn(4000)
    assert hooked.delivery("conversation.user.created", 2) is delivery
    assert delivery.outcome == "given up"


@pytest.mark.parametrize(("fault", "copies"), [("drop", 0), ("duplicate", 2)])
def test_faults_lose_and_double_deliveries(hooked: Desk, fault: str, copies: int) -> None:
    hooked.control("PUT", "faults", **{fault: {"next": 1, "match": "user.created"}})
    hooked.write()
    assert len(hooked.said()) == copies
