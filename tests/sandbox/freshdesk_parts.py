"""Parts of the tests of the Freshdesk sandbox: a clock, a desk on a real port, an endpoint that takes webhooks."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from sandbox.common import start
from sandbox.freshdesk import API_KEY, FreshdeskSandbox

NOON = 1_793_620_800.0
"""2026-11-02 12:00:00 UTC, where the tests' clocks start."""


class Clock:
    """Unix seconds that stand still until turned."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


class Caller(httpx.Client):
    """The API of a desk, called with a key; the control face beside it."""

    def __init__(self, url: str, key: str = API_KEY) -> None:
        super().__init__(base_url=f"{url}/api/v2", auth=(key, "X"), trust_env=False)
        self.root = url

    def control(self, method: str, path: str, **body: Any) -> Any:
        answer = self.request(method, f"{self.root}/_sandbox{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def customer(self, body: str = "It is broken.", *, email: str = "ada@globex.example", **more: Any) -> int:
        """A customer writes; the ticket's id."""
        return int(self.control("POST", "/customers/write", email=email, body=body, **more)["ticket"])

    def edit(self, ticket: int, agent: str = "cy@acme.example", **more: Any) -> None:
        """An agent works on a ticket."""
        self.control("POST", "/agents/edit", agent=agent, ticket=str(ticket), **more)

    def ticket(self, id_: int, include: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/tickets/{id_}", params={"include": include} if include else {}).json()
        return found


@contextmanager
def served(desk: FreshdeskSandbox) -> Iterator[Caller]:
    """The desk on a port of its own, and a caller."""
    with start(desk) as running, Caller(running.url) as caller:
        yield caller


class Endpoint:
    """Takes webhooks and keeps them; answers 200, or what `answers` holds, in order."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.taken.append((dict(self.headers), body))
                self.send_response(endpoint.answers.pop(0) if endpoint.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks"

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.taken]

    @contextmanager
    def open(self) -> Iterator["Endpoint"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that another thread does; fails where it does not come."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        threading.Event().wait(0.005)
