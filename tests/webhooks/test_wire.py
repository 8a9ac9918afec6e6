"""The receiver behind the web server that `deskbridge serve` runs, on a real socket."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from deskbridge import web
from deskbridge.web import CannotListen, WebServer
from tests.conftest import Clock
from tests.webhooks.door import GENUINE, PATHS, Door, as_bytes, signed
from webhooks.receiver import PAGE_THREADS

TEN_MEGABYTES = 10_000_000


class Served:
    """The door's app on a free port."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self._server = WebServer(door.app, door.bridge.settings)
        self.port = self._server.port
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()

    def close(self) -> None:
        self._server.stop()
        self._thread.join()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def send(self, head: str, body: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        return connection


@pytest.fixture
def served(tmp_path: Path, clock: Clock) -> Iterator[Served]:
    door = Door(tmp_path, clock)
    served = Served(door)
    yield served
    served.close()
    door.close()


def deliver(served: Served) -> None:
    """A genuine delivery, which is kept."""
    body = as_bytes(GENUINE["zendesk"])
    with closing(served.connect()) as connection:
        connection.request("POST", PATHS["zendesk"], body, signed("zendesk", body, served.door.clock.now))
        assert json.load(connection.getresponse()) == {"status": "kept"}


def test_a_genuine_delivery_and_a_look_over_the_same_connection(served: Served) -> None:
    body = as_bytes(GENUINE["zendesk"])
    with closing(served.connect()) as connection:
        connection.request("POST", PATHS["zendesk"], body, signed("zendesk", body, served.door.clock.now))
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)) == (200, {"status": "kept"})
        connection.request("HEAD", PATHS["zendesk"])
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        assert "uvicorn" not in str(answer.headers).lower()


def test_a_body_of_ten_megabytes_is_refused_before_it_is_sent(served: Served) -> None:
    head = f"POST {PATHS['zendesk']} HTTP/1.1\nHost: bridge\nContent-Length: {TEN_MEGABYTES}\n\n"
    with served.send(head, b"{") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    assert served.door.kept() == []


def test_a_body_without_a_length_is_cut_off_at_the_limit(served: Served) -> None:
    head = f"POST {PATHS['zendesk']} HTTP/1.1\nHost: bridge\nTransfer-Encoding: chunked\n\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    with served.send(head) as connection:
        try:
            while sent < TEN_MEGABYTES:
                connection.sendall(chunk)
                sent += len(chunk)
        except OSError:
            return  # hung up on: it would have gone on for ever
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    assert served.door.kept() == []


def test_a_body_just_over_the_limit_is_refused_and_one_at_the_limit_is_taken(served: Served) -> None:
    most = served.door.bridge.settings.max_body
    body = b" " * most
    with closing(served.connect()) as connection:
        connection.request("POST", PATHS["intercom"], body, signed("intercom", body, served.door.clock.now))
        assert connection.getresponse().status == 200
    head = f"POST {PATHS['intercom']} HTTP/1.1\nHost: bridge\nContent-Length: {most + 1}\n\n"
    with served.send(head) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_sender_that_hangs_up_or_speaks_no_http_harms_nobody(served: Served) -> None:
    served.send(f"POST {PATHS['zendesk']} HTTP/1.1\nHost: bridge\nContent-Length: 100\n\n", b"half").close()
    with served.send("\x16\x03\x01 hello\n\n") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
    test_a_genuine_delivery_and_a_look_over_the_same_connection(served)


def test_webhooks_are_taken_while_every_page_waits_for_the_database(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    waiting = threading.Semaphore(0)

    def hang() -> dict[str, str]:
        waiting.release()
        assert answers.wait(10)
        return {}

    monkeypatch.setattr(served.door.bridge.schedule, "failing", hang)
    with ExitStack() as pages:
        connections = [pages.enter_context(closing(served.connect())) for _ in range(PAGE_THREADS + 2)]
        for connection in connections:
            connection.request("GET", "/readyz")
        for _ in range(PAGE_THREADS):
            assert waiting.acquire(timeout=10)
        connections.pop().close()  # nobody waits for this page any more
        try:
            deliver(served)
        finally:
            answers.set()
        assert {connection.getresponse().status for connection in connections} == {503}


def test_a_page_of_megabytes_comes_whole_over_a_connection_that_goes_on(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.door.bridge.schedule, "failing", lambda: {"job": "x" * TEN_MEGABYTES})
    with closing(served.connect()) as connection:
        connection.request("HEAD", "/readyz")
        answer = connection.getresponse()
        assert (int(answer.headers["Content-Length"]) > TEN_MEGABYTES, answer.read()) == (True, b"")
        connection.request("GET", "/readyz")
        assert len(json.load(connection.getresponse())["troubles"]["job"]) == TEN_MEGABYTES
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200


def test_a_page_asked_for_with_bytes_that_no_url_holds_is_refused(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(b"GET /healthz?\xff HTTP/1.1\r\nHost: bridge\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_what_is_too_large_is_counted(served: Served) -> None:
    head = f"POST {PATHS['zendesk']} HTTP/1.1\nHost: bridge\nContent-Length: {TEN_MEGABYTES}\n\n"
    with served.send(head) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    counted = served.door.bridge.metrics.registry.get_sample_value(
        "deskbridge_deliveries_total", {"desk": "acme-zendesk", "outcome": "too large"}
    )
    assert counted == 1.0


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "POST /hooks/acme-zendesk HTTP/1.1\nX-Slow: ",
        "POST /hooks/acme-zendesk HTTP/1.1\nHost: bridge\nContent-Length: 9\n\n1",
    ],
)
def test_who_takes_too_long_over_a_request_is_hung_up_on(
    served: Served, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "REQUEST_SECONDS", 0.2)
    with served.send(sent) as connection:
        assert hung_up(connection)
    test_a_genuine_delivery_and_a_look_over_the_same_connection(served)


def test_a_head_without_end_is_hung_up_on(served: Served) -> None:
    with served.send(f"POST {PATHS['zendesk']} HTTP/1.1\nX-Long: ") as connection, pytest.raises(OSError):  # noqa: PT011 - which end of the pipe breaks first is the system's affair
        connection.sendall(b"x" * TEN_MEGABYTES)


def test_nobody_can_hold_more_connections_than_there_are(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "CONNECTIONS_MAX", 2)
    with served.send("") as first, served.send("") as second, served.send("") as third:
        assert hung_up(third)
        first.close()
        second.close()
    test_a_genuine_delivery_and_a_look_over_the_same_connection(served)


def hung_up(connection: socket.socket) -> bool:
    """True once the other side ends the connection without a word."""
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True


def test_a_taken_port_is_told_in_one_sentence(served: Served, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "second").mkdir()
    second = Door(tmp_path / "second", clock, listen=f"127.0.0.1:{served.port}")
    try:
        with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1:{served.port}: Address already in use"):
            WebServer(second.app, second.bridge.settings)
    finally:
        second.close()
