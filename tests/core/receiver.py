"""Somebody's web server that a policy's webhook names: it says what it is told to, and keeps what it heard."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["_Handler"], None]


@dataclass(frozen=True)
class Heard:
    """One request as it came."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)["data"]
        return told

    def signed_with(self, key: bytes) -> bool:
        """Whether one of the signatures is this key's, by the words of the Standard Webhooks specification."""
        content = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return f"v1,{expected}" in self.headers["webhook-signature"].split(" ")


def says(status: int, words: str = "", **headers: str) -> Answer:
    def answer(handler: "_Handler") -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(words.encode())))
        handler.end_headers()
        handler.wfile.write(words.encode())

    return answer


def dies(handler: "_Handler") -> None:
    """Reset the connection after all was heard."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.connection.close()


def hangs(handler: "_Handler") -> None:
    """Hear all, and answer nothing for as long as anybody would wait."""
    handler.ended.wait(30)


def trickles(handler: "_Handler") -> None:
    """Answer for ever, one byte at a time."""
    with suppress(OSError):
        while not handler.ended.wait(0.05):
            handler.wfile.write(b"H")


class Receiver:
    """Answers with what is in `next`, one after another, and 204 from then on."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.next: deque[Answer] = deque()
        self.ended = threading.Event()
        receiver = self

        class Handler(_Handler):
            ended = receiver.ended

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append(Heard({name.lower(): value for name, value in self.headers.items()}, body))
                answer = receiver.next.popleft() if receiver.next else says(204)
                answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/in"

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.heard]

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    ended: threading.Event

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Nothing to say: everything is kept."""
