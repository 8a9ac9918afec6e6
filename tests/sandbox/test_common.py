"""The frame of every sandbox desk, seen through the smallest desk there can be."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from flask import Response, g, jsonify, request
from hypothesis import given
from hypothesis import strategies as st

from sandbox.common import (
    AgentEdit,
    Allowance,
    ControlError,
    CustomerMessage,
    Delivery,
    Faults,
    Hook,
    Limiter,
    Running,
    SandboxDesk,
    start,
)
from sandbox.freshdesk import FreshdeskSandbox
from sandbox.intercom import IntercomSandbox
from sandbox.zendesk import ZendeskSandbox
from tests.sandbox.zendesk_parts import Clock, endpoint, tried


@pytest.mark.parametrize("desk", [ZendeskSandbox, FreshdeskSandbox, IntercomSandbox])
def test_a_plan_that_the_vendor_does_not_sell_is_refused_with_those_it_does(desk: type[SandboxDesk]) -> None:
    with pytest.raises(ValueError, match=rf"{desk.vendor} has no plan 'gold'; it has .*unlimited"):
        desk(plan="gold")


class SmallDesk(SandboxDesk):
    """Tickets are texts; one call counts up."""

    vendor = "small"
    plans = ("only",)
    default_plan = "only"
    webhook_timeout = 0.2

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.count = 0
        self.texts: dict[str, str] = {}
        self.app.add_url_rule("/count", view_func=self.show_count, methods=["GET", "POST"])

    def show_count(self) -> Response:
        before = self.count
        if request.method == "POST":
            time.sleep(0.001)  # lets another thread in, were it not for the lock
            self.count = before + 1
        return jsonify(count=self.count)

    def authenticate(self) -> str | None:
        return request.headers.get("X-Name")

    def charge(self) -> Response | None:
        g.left = self.limiter.spend("all", 1_000)
        return self.too_many(g.left.retry_after) if g.left.spent else None

    def stamp(self, response: Response) -> None:
        response.headers["X-Vendor"] = "small"

    def unauthorised(self) -> Response:
        return Response(status=401)

    def too_many(self, retry_after: int) -> Response:
        return Response(status=429, headers={"Retry-After": str(retry_after)})

    def broken(self, status: int) -> Response:
        return Response(status=status)

    def sign(self, delivery: Delivery) -> tuple[dict[str, str], bytes]:
        return {"X-Attempt": str(len(delivery.attempts) + 1)}, delivery.payload

    def retry_delay(self, delivery: Delivery) -> float | None:
        return 60.0 if len(delivery.attempts) == 1 else None

    def customer_writes(self, message: CustomerMessage) -> str:
        number = message.ticket or str(len(self.texts) + 1)
        self.texts[number] = message.body
        self.history.record(at=self.now(), ticket=number, actor=message.email, actor_kind="requester", action="create")
        return number

    def agent_edits(self, edit: AgentEdit) -> None:
        if edit.ticket not in self.texts:
            raise ControlError(f"there is no ticket {edit.ticket}", 404)
        self.texts[edit.ticket] = edit.note or ""

    def agent_status(self, agent: str, status: str) -> None:
        self.texts[agent] = status

    def remove_agent(self, agent: str) -> None:
        del self.texts[agent]

    def register_hook(self, url: str, secret: str | None, topics: list[str] | None) -> dict[str, str]:
        return {"id": "1", "secret": secret or ""}

    def render_tickets(self) -> list[dict[str, Any]]:
        return [{"id": number, "text": text} for number, text in self.texts.items()]

    def render_agents(self) -> list[dict[str, Any]]:
        return []

    def tell(self, url: str, topic: str = "t", event: str = "1") -> Delivery:
        delivery = Delivery(event, topic, None, Hook("h", url), event.encode(), self.now())
        self.sender.send(delivery)
        return delivery


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> SmallDesk:
    return SmallDesk(clock=clock)


@contextmanager
def served(desk: SmallDesk) -> Iterator[tuple[Running, httpx.Client]]:
    with start(desk) as running, httpx.Client(base_url=running.url, headers={"X-Name": "me"}, verify=False) as client:
        yield running, client


# The server ---------------------------------------------------------------------------------------------------------


def test_one_connection_carries_many_requests(desk: SmallDesk) -> None:
    with served(desk) as (_, client):
        ports = {client.get("/count").extensions["network_stream"].get_extra_info("client_addr") for _ in range(3)}
        assert len(ports) == 1


def test_stopping_leaves_no_thread_and_no_open_connection(desk: SmallDesk) -> None:
    before = set(threading.enumerate())
    with served(desk) as (running, client):
        assert client.get("/count").status_code == 200
        running.stop()
        assert set(threading.enumerate()) == before
        with pytest.raises(httpx.TransportError):
            client.get("/count")


def test_a_stopped_desk_starts_again_with_its_state(desk: SmallDesk) -> None:
    with served(desk) as (_, client):
        client.post("/count")
    with served(desk) as (_, client):
        assert client.get("/count").json() == {"count": 1}


def test_a_port_that_is_taken_is_an_error_that_can_be_caught(desk: SmallDesk) -> None:
    with served(desk) as (running, _), pytest.raises(OSError, match="in use"):
        start(SmallDesk(), port=running.port)


def test_views_never_run_side_by_side(desk: SmallDesk) -> None:
    with served(desk) as (running, _):

        def post() -> None:
            with httpx.Client(base_url=running.url, headers={"X-Name": "me"}, verify=False) as client:
                for _ in range(10):
                    client.post("/count")

        threads = [threading.Thread(target=post) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert desk.count == 40


def test_a_chunked_body_arrives_whole(desk: SmallDesk) -> None:
    with served(desk) as (_, client):
        parts = iter([b'{"email": "ada@globex.example", ', b'"body": "Hello"}'])
        sent = client.post("/_sandbox/customers/write", content=parts, headers={"Content-Type": "application/json"})
        assert sent.json() == {"ticket": "1"}


# The frame ----------------------------------------------------------------------------------------------------------


def test_every_call_is_logged_with_who_made_it(desk: SmallDesk) -> None:
    with served(desk) as (_, client):
        client.get("/count?a=1")
        client.get("/count", headers={"X-Name": ""})
        client.get("/nowhere")
        calls = client.get("/_sandbox/state").json()["calls"]
    assert [(call["path"], call["status"], call["actor"]) for call in calls] == [
        ("/count?a=1", 200, "me"),
        ("/count", 200, ""),
        ("/nowhere", 404, "me"),
    ]


def test_a_caller_without_credentials_is_refused(desk: SmallDesk) -> None:
    with served(desk) as (running, _):
        answer = httpx.get(f"{running.url}/count")
        assert (answer.status_code, answer.headers["X-Vendor"]) == (401, "small")


# Faults -------------------------------------------------------------------------------------------------------------


def test_a_reset_breaks_the_connection_before_anything_happens(desk: SmallDesk) -> None:
    desk.faults.configure({"reset": {"next": 1}})
    with served(desk) as (_, client):
        with pytest.raises(httpx.ReadError, match="reset"):
            client.post("/count")
        assert client.get("/count").json() == {"count": 0}
        assert [call.fault for call in desk.calls.calls] == ["reset", None]


def test_a_lost_answer_leaves_its_effect(desk: SmallDesk) -> None:
    desk.faults.configure({"timeout_after_write": {"next": 1, "hold": 5}})
    with served(desk) as (_, client):
        assert client.get("/count").json() == {"count": 0}
        with pytest.raises(httpx.ReadTimeout):
            client.post("/count", timeout=0.1)
        assert client.get("/count").json() == {"count": 1}


def test_a_lost_answer_ends_in_a_reset(desk: SmallDesk) -> None:
    desk.faults.configure({"timeout_after_write": {"next": 1, "hold": 0.05}})
    with served(desk) as (_, client):
        with pytest.raises(httpx.ReadError, match="reset"):
            client.post("/count")
        assert desk.count == 1


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("500", 500), ("503", 503)])
def test_an_error_fault_is_answered_in_the_vendors_way_and_then_is_over(
    desk: SmallDesk, kind: str, status: int
) -> None:
    desk.faults.configure({kind: {"next": 1, "match": "POST /count"}})
    with served(desk) as (_, client):
        assert client.get("/count").status_code == 200
        assert client.post("/count").status_code == status
        assert client.post("/count").json() == {"count": 1}


def test_a_503_and_a_429_say_how_long_to_wait(desk: SmallDesk) -> None:
    desk.faults.configure({"429": {"next": 1, "retry_after": 7}, "503": {"next": 1, "retry_after": 9}})
    with served(desk) as (_, client):
        assert [client.get("/count").headers["Retry-After"] for _ in range(2)] == ["7", "9"]


def test_a_slow_call_is_slow_and_stopping_does_not_wait_for_it(desk: SmallDesk) -> None:
    desk.faults.configure({"slow": {"next": 1, "seconds": 30}})
    with served(desk) as (running, client):
        with pytest.raises(httpx.ReadTimeout):
            client.get("/count", timeout=0.1)
        began = time.perf_counter()
        running.stop()
        assert time.perf_counter() - began < 5


@given(st.integers(0, 2**32), st.floats(0, 1))
def test_the_same_seed_plays_the_same_faults(seed: int, probability: float) -> None:
    first, second = Faults(seed), Faults(seed)
    for faults in (first, second):
        faults.configure({"500": probability})
    assert [bool(first.decide("500", "GET /")) for _ in range(50)] == [
        bool(second.decide("500", "GET /")) for _ in range(50)
    ]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"rest": 1}, "unknown fault 'rest'"),
        ({"500": 1.5}, "probability"),
        ({"500": {"probabilty": 0.5}}, "probability"),
        ({"slow": {"next": 1, "hold": 2}}, "seconds"),
        ({"429": "often"}, "numbers"),
    ],
)
def test_a_misspelt_fault_is_refused_with_what_is_known(desk: SmallDesk, wanted: dict[str, Any], words: str) -> None:
    with served(desk) as (_, client):
        client.put("/_sandbox/faults", json={"500": {"next": 1}})
        refused = client.put("/_sandbox/faults", json=wanted)
        assert refused.status_code == 400
        assert words in refused.json()["error"]
        assert client.get("/_sandbox/faults").json() == {"500": {"match": "", "next": 1}}


def test_cleared_faults_are_gone(desk: SmallDesk) -> None:
    with served(desk) as (_, client):
        client.put("/_sandbox/faults", json={"500": 1.0})
        assert client.get("/count").status_code == 500
        client.delete("/_sandbox/faults")
        assert client.get("/count").status_code == 200


# Limits -------------------------------------------------------------------------------------------------------------


def test_a_window_refuses_what_does_not_fit_and_opens_again(clock: Clock) -> None:
    limiter = Limiter(clock)
    clock.now = 120.0
    assert [limiter.spend("a", 2).remaining for _ in range(2)] == [1, 0]
    clock.turn(45.5)
    spent = limiter.spend("a", 2)
    assert (spent.spent, spent.retry_after) == (True, 15)
    assert not limiter.spend("b", 2).spent
    clock.turn(14.5)
    assert limiter.spend("a", 2) == Allowance(2, 1, 60, spent=False)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 3)), max_size=60), st.integers(1, 10), st.floats(1, 100))
def test_no_window_ever_gives_more_than_its_limit(steps: list[tuple[float, int]], limit: int, window: float) -> None:
    clock = Clock(0.0)
    limiter = Limiter(clock)
    given_out: dict[int, int] = {}
    for wait, cost in steps:
        clock.turn(wait)
        left = limiter.spend("key", limit, window=window, cost=cost)
        index = int(clock.now // window)
        given_out[index] = given_out.get(index, 0) + (0 if left.spent else cost)
        assert left.remaining == limit - given_out[index]
    assert all(used <= limit for used in given_out.values())


# The control face ---------------------------------------------------------------------------------------------------


def test_customers_and_agents_are_played_and_the_state_shows_it(desk: SmallDesk, clock: Clock) -> None:
    with served(desk) as (_, client):
        control = "/_sandbox"
        made = client.post(f"{control}/customers/write", json={"email": "ada@globex.example", "body": "Help"}).json()
        client.post(f"{control}/agents/edit", json={"agent": "ana@acme.example", "ticket": made["ticket"], "note": "n"})
        for agent in ("ana@acme.example", "bo@acme.example"):
            client.post(f"{control}/agents/status", json={"agent": agent, "status": "away"})
        client.post(f"{control}/agents/remove", json={"agent": "bo@acme.example"})
        state = client.get(f"{control}/state").json()
    assert state["vendor"] == "small"
    assert state["now"] == clock.now
    assert {"id": made["ticket"], "text": "n"} in state["tickets"]
    assert "bo@acme.example" not in {each["id"] for each in state["tickets"]}
    assert [(write["seq"], write["action"], write["actor_kind"]) for write in state["writes"]] == [
        (1, "create", "requester")
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("customers/write", {"email": "a@b.example"}, 400, "missing: body"),
        ("customers/write", {"email": "a@b.example", "body": "x", "subjekt": "y"}, 400, "subject"),
        ("agents/edit", {"agent": "a", "ticket": "9"}, 404, "no ticket 9"),
        ("agents/edit", {"agent": "a", "ticket": "9", "set": {"asignee": None}}, 400, "asignee"),
        ("agents/status", {"agent": "a", "status": "asleep"}, 400, "online"),
        ("webhooks", [], 400, "JSON object"),
    ],
)
def test_a_wrong_request_to_the_control_face_says_what_to_do(
    desk: SmallDesk, path: str, body: Any, status: int, words: str
) -> None:
    with served(desk) as (_, client):
        answer = client.post(f"/_sandbox/{path}", json=body)
        assert answer.status_code == status
        assert words in answer.json()["error"]


# Webhooks -----------------------------------------------------------------------------------------------------------


def quiet(desk: SmallDesk, delivery: Delivery) -> Delivery:
    assert desk.sender.wait_for(delivery, 5)
    return delivery


def test_a_delivery_arrives_and_is_recorded(desk: SmallDesk) -> None:
    with endpoint() as target, served(desk) as (_, client):
        sent = quiet(desk, desk.tell(target.url))
        assert target.wait(1)[0].headers["X-Attempt"] == "1"
        assert (sent.outcome, sent.attempts[0].status) == ("delivered", 200)
        assert client.get("/_sandbox/quiet").json() == {"pending": 0}
        shown = client.get("/_sandbox/state").json()["deliveries"]
    assert [(row["outcome"], len(row["attempts"])) for row in shown] == [("delivered", 1)]


def test_a_failed_delivery_is_tried_again_when_its_time_has_come(desk: SmallDesk, clock: Clock) -> None:
    with endpoint() as target, served(desk) as (_, client):
        target.answers = [(500, {}), (200, {})]
        sent = tried(desk.tell(target.url))
        assert client.get("/_sandbox/quiet").json() == {"pending": 1}
        assert len(target.got) == 1
        clock.turn(60)
        quiet(desk, sent)
        assert [attempt.status for attempt in sent.attempts] == [500, 200]
        assert sent.attempts[1].at - sent.attempts[0].at >= 60


def test_a_delivery_is_given_up_when_the_vendor_gives_up(desk: SmallDesk, clock: Clock) -> None:
    with endpoint() as target, served(desk):
        target.answers = [(500, {})]
        sent = tried(desk.tell(target.url))
        clock.turn(60)
        assert quiet(desk, sent).outcome == "given up"
        assert len(target.got) == 2


def test_an_endpoint_that_is_too_slow_or_away_is_recorded_as_such(desk: SmallDesk, clock: Clock) -> None:
    with endpoint() as target, served(desk):
        target.waits = True
        slow, away = tried(desk.tell(target.url)), tried(desk.tell("http://127.0.0.1:9/"))
        assert slow.attempts[0].error == "timeout"
        assert "refused" in str(away.attempts[0].error)


def test_a_dropped_delivery_never_leaves(desk: SmallDesk) -> None:
    desk.faults.configure({"drop": {"next": 1, "match": "t"}})
    with endpoint() as target, served(desk):
        lost, sent = desk.tell(target.url, event="1"), desk.tell(target.url, event="2")
        quiet(desk, sent)
        assert lost.outcome == "dropped"
        assert [received.body for received in target.got] == [b"2"]


def test_a_doubled_delivery_arrives_twice_with_one_id(desk: SmallDesk) -> None:
    desk.faults.configure({"duplicate": {"next": 1}})
    with endpoint() as target, served(desk):
        desk.tell(target.url)
        assert [received.body for received in target.wait(2)] == [b"1", b"1"]
        assert [delivery.id for delivery in desk.sender.deliveries] == ["1", "1"]


def test_a_delivery_held_back_is_overtaken(desk: SmallDesk, clock: Clock) -> None:
    desk.faults.configure({"reorder": {"next": 1, "seconds": 10}})
    with endpoint() as target, served(desk):
        held, other = desk.tell(target.url, event="1"), desk.tell(target.url, event="2")
        quiet(desk, other)
        clock.turn(10)
        quiet(desk, held)
        assert [received.body for received in target.got] == [b"2", b"1"]


def test_a_delay_lasts_at_most_what_was_asked(desk: SmallDesk, clock: Clock) -> None:
    desk.faults.configure({"delay": {"probability": 1.0, "seconds": 30}})
    with endpoint() as target, served(desk):
        sent = [desk.tell(target.url, event=str(number)) for number in range(20)]
        assert desk.sender.pending == 20
        clock.turn(30)
        for delivery in sent:
            quiet(desk, delivery)


def test_eight_deliveries_are_under_way_at_once(desk: SmallDesk) -> None:
    with endpoint() as target, served(desk):
        target.waits = True
        sent = [desk.tell(target.url, event=str(number)) for number in range(9)]
        target.wait(8)
        assert not any(delivery.attempts for delivery in sent)
        target.hold.set()


def test_stopping_cuts_a_delivery_short(clock: Clock) -> None:
    class Patient(SmallDesk):
        webhook_timeout = 30.0

    desk = Patient(clock=clock)
    with endpoint() as target:
        target.waits = True
        with served(desk):
            desk.tell(target.url)
            target.wait(1)
            began = time.perf_counter()
        assert time.perf_counter() - began < 5
