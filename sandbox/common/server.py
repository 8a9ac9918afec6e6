"""Serves a sandbox desk over real HTTP/1.1 with keep-alive, and breaks connections where a fault says so."""

import io
import socket
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wsgi import ClosingIterator

from sandbox.common.desk import HANG_UP, SandboxDesk

if TYPE_CHECKING:  # names of the type checker only
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_LINGER_ZERO = struct.pack("ii", 1, 0)
_POLL = 0.02
"""Seconds between two looks at whether to stop."""


class _Handler(WSGIRequestHandler):
    """One connection; werkzeug's own handler closes it after each request, this one keeps it."""

    server: "_Server"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self._read_body(environ))
        status, headers, body = _call(self.server.app, environ)
        if HANG_UP in environ:
            self._hang_up(environ[HANG_UP])
        else:
            self._answer(status, headers, body)

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return bytes(environ["wsgi.input"].read())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _hang_up(self, hold: float) -> None:
        """Say nothing for `hold` seconds, then send a TCP reset (closing with linger 0 does that)."""
        self.server.desk.closing.wait(hold)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """No line a request: the desk keeps its own call log."""


def _call(app: "WSGIApplication", environ: "WSGIEnvironment") -> tuple[str, list[tuple[str, str]], bytes]:
    """Status, headers and body that a WSGI application answers with."""
    begun: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None, /) -> Callable[..., Any]:
        begun[:] = status, headers
        return begun.append  # PEP 3333 asks for a write(); Flask never calls it

    with closing(ClosingIterator(app(environ, start_response))) as chunks:
        body = b"".join(chunks)
    return begun[0], begun[1], body


class _Server(ThreadedWSGIServer):
    """Knows its open connections, so that stopping leaves neither socket nor thread behind."""

    def __init__(self, desk: SandboxDesk, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(host, port, desk.app, _Handler, fd=listener.fileno())
        self.desk = desk
        self._open: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        name = f"sandbox-{self.desk.vendor}-connection"
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), name=name, daemon=True
        )
        with self._guard:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close without the usual half-close, which would turn a reset into an orderly end."""
        with self._guard:
            self._open.pop(request, None)
            self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up first is no news; everything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def hang_up_all(self) -> None:
        """End every open connection and wait for its thread."""
        with self._guard:
            threads = list(self._open.values())
            for connection in self._open:
                _wake(connection)
        for thread in threads:
            thread.join()


def _wake(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was quicker


class Running:
    """A desk that listens; `stop()` or leaving the `with` block ends it, and the desk keeps its state."""

    def __init__(self, desk: SandboxDesk, host: str, port: int) -> None:
        with socket.create_server((host, port)) as listener:
            self._server = _Server(desk, listener)
        self.desk = desk
        self.port = self._server.port
        self.url = f"http://{host}:{self.port}"
        desk.open()
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name=f"sandbox-{desk.vendor}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, end every connection, wait for every thread; a second call does nothing."""
        self.desk.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up_all()
        self.desk.close()

    def __enter__(self) -> "Running":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(desk: SandboxDesk, host: str = "127.0.0.1", port: int = 0) -> Running:
    """Serve the desk on its own threads; port 0 picks a free one. Raises OSError where the port is taken.

    A stopped desk may be started again: that is how an outage is played.
    """
    return Running(desk, host, port)
