"""The receiver behind the web server that `deskbridge serve` runs, on a real socket."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from waitress.wasyncore import close_all

from deskbridge.cli.serve import CannotListen, web_server
from tests.conftest import Clock
from tests.webhooks.door import GENUINE, PATHS, Door, as_bytes, signed

TEN_MEGABYTES = 10_000_000


class Served:
    """The door's app on a free port."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self._server = web_server(door.app, door.bridge.settings)
        self.port = self._server.effective_port
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()

    def close(self) -> None:
        """End the loop from inside: its thread has no interrupt of its own."""
        sockets = self._server._map
        self._server.trigger.pull_trigger(lambda: close_all(sockets))
        self._thread.join()
        self._server.task_dispatcher.shutdown()

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


def test_a_genuine_delivery_and_a_look_over_the_same_connection(served: Served) -> None:
    body = as_bytes(GENUINE["zendesk"])
    with closing(served.connect()) as connection:
        connection.request("POST", PATHS["zendesk"], body, signed("zendesk", body, served.door.clock.now))
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)) == (200, {"status": "kept"})
        connection.request("HEAD", PATHS["zendesk"])
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        assert "waitress" not in str(answer.headers).lower()


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
        assert connection.recv(100).startswith(b"HTTP/1.0 400 ") or connection.recv(100) == b""
    test_a_genuine_delivery_and_a_look_over_the_same_connection(served)


def test_a_taken_port_is_told_in_one_sentence(served: Served, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "second").mkdir()
    second = Door(tmp_path / "second", clock, listen=f"127.0.0.1:{served.port}")
    try:
        with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1:{served.port}: Address already in use"):
            web_server(second.app, second.bridge.settings)
    finally:
        second.close()
