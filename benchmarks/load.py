"""The load: keep-alive connections on one event loop, each sending its next request once the last is answered."""

import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

_GAVE_UP = 60.0
"""Seconds after which a run that does not come to its end is an error, not a figure."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of load measured: answers by status, how long it took in all, and each answer's seconds, sorted."""

    statuses: dict[str, int]
    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """The latency in seconds that this share (0 to 1) of the answers stayed within."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class _Connection(asyncio.Protocol):
    """One connection: a request out, its answer in, the next request out, until there are no more."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float], statuses: dict[str, int]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests, self._latencies, self._statuses = requests, latencies, statuses
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if (size := message_size(self._buffer)) is None or len(self._buffer) < size:
            return
        self._latencies.append(time.perf_counter() - self._sent)
        status = self._buffer[9:12].decode()
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._buffer = self._buffer[size:]
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed a connection that had more to say"))

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)


def message_size(buffer: bytes) -> int | None:
    """Bytes of the HTTP message that begins the buffer, by its Content-Length; None while its head is incomplete."""
    head, complete, _ = buffer.partition(b"\r\n\r\n")
    if not complete:
        return None
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return len(head) + len(complete) + int(length.partition(b":")[2])


async def run(port: int, requests: list[bytes], connections: int) -> Load:
    """Send every request once over so many connections to a port of this machine.

    Raises ConnectionError where the server hangs up, TimeoutError after a minute.
    """
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    waiting = iter(requests)
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    opened = [
        await loop.create_connection(lambda: _Connection(waiting, latencies, statuses), "127.0.0.1", port)
        for _ in range(connections)
    ]
    async with asyncio.timeout(_GAVE_UP):
        await asyncio.gather(*(protocol.done for _, protocol in opened))
    return Load(statuses, time.perf_counter() - begun, sorted(latencies))


_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class _Canned(asyncio.Protocol):
    """A server that answers whatever comes in, as it comes: what the load could do if nothing had to be done."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (size := message_size(self._buffer)) is not None and len(self._buffer) >= size:
            self._buffer = self._buffer[size:]
            self._transport.write(_ANSWER)


async def canned(port: int) -> None:
    """Answer every request on a port of this machine with an empty 200, until cancelled."""
    listening = await asyncio.get_running_loop().create_server(_Canned, "127.0.0.1", port)
    async with listening:
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(canned(int(sys.argv[1])))
