"""The bridge's ASGI app as a WSGI one: each request on an event loop of its own, in the thread that asks."""

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from a2wsgi.asgi_typing import ASGIApp, HTTPRequestEvent, HTTPScope, SendEvent


def as_wsgi(app: ASGIApp) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """The app for werkzeug's test client and test server; whatever it raises comes out where it was called."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        said: list[Any] = []

        async def receive() -> HTTPRequestEvent:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            return {"type": "http.request", "body": environ["wsgi.input"].read(length), "more_body": False}

        async def send(message: SendEvent) -> None:
            said.append(message)

        async def answer() -> None:
            await app(_scope(environ), receive, send)

        asyncio.run(answer())
        start, *bodies = said
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        start_response(f"{start['status']} {HTTPStatus(start['status']).phrase}", headers)
        return [message.get("body", b"") for message in bodies]

    return call


def _scope(environ: dict[str, Any]) -> HTTPScope:
    """What PEP 3333 calls a request, in the words of ASGI's specification."""
    given = {key[5:]: value for key, value in environ.items() if key.startswith("HTTP_")}
    given |= {key: environ[key] for key in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(key)}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": environ["REQUEST_METHOD"],
        "scheme": "http",
        "path": environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        "root_path": "",
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "headers": [(key.replace("_", "-").lower().encode(), value.encode("latin-1")) for key, value in given.items()],
    }
