"""A local HTTP endpoint that keeps what a sandbox desk delivers, as the bridge's receiver would hand it on."""

import queue
import threading
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from bridge.model import RawDelivery

PATIENCE = 10.0
"""Seconds to wait for a delivery that must come."""

PREFIX = "/hooks/desk"


class Sink:
    """Listens on a loopback port; `url` is what to register at the desk, `take()` gives the deliveries in order."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: queue.Queue[RawDelivery] = queue.Queue()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                sink._keep(self.path, headers, body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_HEAD(self) -> None:
                """Intercom asks so whether the address listens, before it takes it."""
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Tests print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}{PREFIX}"

    def _keep(self, path: str, headers: dict[str, str], body: bytes) -> None:
        secret_path = path.partition("?")[0].removeprefix(PREFIX).strip("/") or None
        self._kept.put(RawDelivery("POST", headers, body, self._clock(), secret_path))

    def take(self) -> RawDelivery:
        """The next delivery; waits for it. Raises queue.Empty where none comes in time."""
        return self._kept.get(timeout=PATIENCE)

    def take_at_once(self) -> RawDelivery:
        """The next delivery that is already here. Raises queue.Empty where there is none."""
        return self._kept.get_nowait()

    def close(self) -> None:
        """Stop listening and wait for the threads."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> "Sink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
