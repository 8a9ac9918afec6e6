"""The web server around the receiver: uvicorn, with bounds on what a stranger may hold of it."""

import asyncio
import socket
from typing import Any, Final

import uvicorn
from a2wsgi.asgi_typing import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bridge.errors import DeskbridgeError
from bridge.settings import Settings

CONNECTIONS_MAX: Final = 256
"""More than any desk opens, and far below the 1,024 files that a process may commonly have open."""

REQUEST_SECONDS: Final = 20.0
"""The longest a whole request may take to come in; desks give up theirs sooner."""

HEAD_MAX: Final = 64 * 1024
"""The most bytes of a request's line and headers."""

IDLE_SECONDS: Final = 75
"""How long a connection is kept for the next request."""


class CannotListen(DeskbridgeError):
    """The address of the settings cannot be listened on."""


class WebServer:
    """Serves an ASGI app on the address of the settings, listening already. Raises CannotListen."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._listener = _listener(*settings.address)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=_Bounded,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=IDLE_SECONDS,
            )
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def run(self) -> None:
        """Serve until stopped or signalled, then answer what is in hand. A signal goes on to its handler after that."""
        self._server.run([self._listener])

    def stop(self) -> None:
        """Have `run` come to its end; from any thread."""
        self._server.should_exit = True

    def close(self) -> None:
        """Listen no more, also where it never ran."""
        self._listener.close()


class _Bounded(HttpToolsProtocol):
    """HTTP that hangs up on who is too many, too slow or too wordy; of itself uvicorn waits for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._head = 0
        self._in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        # asyncio does it only where a socket names its protocol, which those of create_server do not.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
        else:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._head = self._head + len(data) if self._in_head else 0
        if self._head > HEAD_MAX:
            self.transport.abort()

    def on_message_begin(self) -> None:
        self._in_head = True
        if self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_time()
        super().on_message_complete()

    def _in_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=256
        )
    except OSError as error:
        hint = "change `listen` in the settings, or DESKBRIDGE_LISTEN"
        words = f"cannot listen on {host}:{port}: {error.strerror or error}; {hint}"
        raise CannotListen(words) from error
