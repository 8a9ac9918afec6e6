"""What the tests of the Zendesk sandbox share: a clock to turn, an endpoint that remembers, a client that is let in."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from sandbox.common import Delivery, Running, start
from sandbox.zendesk import API_TOKEN, API_USER, ZendeskSandbox

START = 1_793_697_266.18
"""2026-11-03T09:14:26Z and a fraction."""


class Clock:
    """Unix seconds that move only when turned."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Received:
    """One request that the endpoint got."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Endpoint:
    """A real HTTP endpoint: answers with `answers` in turn (the last one for ever), and keeps what it got."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(200, {})])
    got: list[Received] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    waits: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, received: Received) -> tuple[int, dict[str, str]]:
        with self.changed:
            self.got.append(received)
            self.changed.notify_all()
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def wait(self, count: int) -> list[Received]:
        """What came in, once `count` requests are there."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.got) >= count, 5), f"{len(self.got)} of {count} came"
            return list(self.got)


class EndpointServer(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    target = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers = target.take(Received(dict(self.headers.items()), body))
            if target.waits:
                target.hold.wait(5)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests print nothing."""

    server = EndpointServer(("127.0.0.1", 0), Handler)
    target.url = f"http://127.0.0.1:{server.server_port}/hooks/acme"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield target
    finally:
        target.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Sandbox:
    """A running desk, a client of its API with the legacy token, and one of its control face."""

    desk: ZendeskSandbox
    running: Running
    api: httpx.Client
    control: httpx.Client

    def write(self, **message: Any) -> int:
        given = {"email": "ada@globex.example", "subject": "Empty invoice", "body": "The PDF is empty."} | message
        answer = self.control.post("customers/write", json=given)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["ticket"])

    def ticket(self, number: int) -> dict[str, Any]:
        shown: dict[str, Any] = self.api.get(f"tickets/{number}").json()["ticket"]
        return shown

    def put(self, number: int, **fields: Any) -> httpx.Response:
        return self.api.put(f"tickets/{number}", json={"ticket": fields})

    def state(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.control.get("state").json()
        return shown

    def user(self, email: str) -> int:
        return int(next(agent["id"] for agent in self.state()["agents"] if agent["email"] == email))

    def group(self, name: str) -> int:
        groups = self.api.get("groups").json()["groups"]
        return int(next(group["id"] for group in groups if group["name"] == name))

    def hear(self, url: str, *topics: str) -> dict[str, str]:
        """Register a webhook through the control face: {"id", "secret"}."""
        given = {"url": url} | ({"topics": list(topics)} if topics else {})
        made: dict[str, str] = self.control.post("webhooks", json=given).json()
        return made

    def faults(self, **faults: Any) -> None:
        assert self.control.put("faults", json=faults).status_code == 200


@contextmanager
def sandbox(desk: ZendeskSandbox) -> Iterator[Sandbox]:
    with (
        start(desk) as running,
        httpx.Client(base_url=f"{running.url}/api/v2", auth=(API_USER, API_TOKEN), verify=False) as api,
        httpx.Client(base_url=f"{running.url}/_sandbox", verify=False) as control,
    ):
        yield Sandbox(desk, running, api, control)


def tried(delivery: Delivery, times: int = 1) -> Delivery:
    """The delivery, once so many attempts are on record."""
    deadline = time.monotonic() + 5
    while len(delivery.attempts) < times and time.monotonic() < deadline:
        time.sleep(0.002)
    assert len(delivery.attempts) >= times
    return delivery
