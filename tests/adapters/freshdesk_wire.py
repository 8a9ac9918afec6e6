"""A Freshdesk account as a script of answers behind httpx, and the desk that talks to it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from adapters.freshdesk import FreshdeskDesk, FreshdeskOptions
from bridge.model import RawDelivery, Status, TicketRef
from bridge.ports import Call

NOW = datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)
API_KEY = "planted-api-key-0123456789"
HEADER_SECRET = "planted-header-secret-01"
PATH_SECRET = "planted-path-secret-0001"
REF = TicketRef("acme-freshdesk", "1041")
Reply = httpx.Response | Exception


@dataclass
class Account:
    """Answers by "METHOD /path", a list of them one after the other and the last again; keeps every request."""

    answers: dict[str, Any]
    requests: list[httpx.Request] = field(default_factory=list)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The next answer to the request, 404 with an empty body where there is none, as the vendor has it."""
        self.requests.append(request)
        answer = self.answers.get(f"{request.method} {request.url.path.removeprefix('/api/v2')}", httpx.Response(404))
        if isinstance(answer, list) and answer and isinstance(answer[0], httpx.Response | Exception):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer) and not isinstance(answer, httpx.Response):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def sent(self, method: str) -> list[Any]:
        """The JSON bodies of the requests of a method."""
        return [json.loads(request.content) for request in self.requests if request.method == method]

    def asked(self) -> list[str]:
        """Method and path of every request."""
        return [f"{one.method} {one.url.path.removeprefix('/api/v2')}" for one in self.requests]


@dataclass
class OpenGate:
    """Lets every call pass and keeps what it was told."""

    calls: list[Call] = field(default_factory=list)
    admitted: list[str] = field(default_factory=list)

    def admit(self, desk: str, method: str, route: str) -> None:
        """Keep the route."""
        self.admitted.append(f"{desk} {method} {route}")

    def record(self, call: Call) -> None:
        """Keep the call."""
        self.calls.append(call)


def options(**more: Any) -> FreshdeskOptions:
    """Settings that hold, some replaced."""
    settings: dict[str, Any] = {
        "url": "https://acme.freshdesk.example",
        "api_key": API_KEY,
        "webhook_secrets": [HEADER_SECRET],
        "path_secrets": [PATH_SECRET],
    }
    return FreshdeskOptions.model_validate(settings | more)


@contextmanager
def desk(
    answers: Mapping[str, Any] | None = None, *, status_map: Mapping[int, Status] | None = None, **more: Any
) -> Iterator[tuple[FreshdeskDesk, Account, OpenGate]]:
    """The desk, its account and its gate."""
    account, gate = Account(dict(answers or {})), OpenGate()
    settings = options(status_map=status_map or {}, **more)
    made = FreshdeskDesk(
        REF.desk, settings, gate=gate, clock=lambda: NOW, transport=httpx.MockTransport(account.handle)
    )
    try:
        yield made, account, gate
    finally:
        made.close()


def raw(body: bytes | Mapping[str, Any], *, header: str = HEADER_SECRET, path: str | None = PATH_SECRET) -> RawDelivery:
    """A delivery as the receiver hands it on."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json", "x-deskbridge-secret": header}
    return RawDelivery("POST", headers, sent, NOW, path)


def ticket(**more: Any) -> dict[str, Any]:
    """A ticket object as `GET /tickets/{id}` answers it."""
    return {
        "id": 1041,
        "subject": "Empty invoice",
        "description": "<div>The PDF is empty.</div>",
        "description_text": "The PDF is empty.",
        "status": 2,
        "priority": 1,
        "source": 1,
        "type": None,
        "requester_id": 43000009999,
        "responder_id": None,
        "group_id": None,
        "company_id": 43000005555,
        "tags": ["invoice"],
        "custom_fields": {"cf_triage": None, "cf_seats": 3},
        "spam": False,
        "attachments": [],
        "created_at": "2026-11-20T08:00:00Z",
        "updated_at": "2026-11-20T08:05:00Z",
    } | more


def said(number: int, **more: Any) -> dict[str, Any]:
    """A conversation entry: a public reply of an agent, `number` minutes past eight."""
    return {
        "id": 5000 + number,
        "body": f"<p>entry {number}</p>",
        "body_text": f"entry {number}",
        "incoming": False,
        "private": False,
        "user_id": 43012345678,
        "source": 0,
        "attachments": [],
        "created_at": f"2026-11-20T08:{number:02}:00Z",
    } | more


def paged(rows: list[dict[str, Any]]) -> Callable[[httpx.Request], httpx.Response]:
    """A list that turns pages as the vendor does: 30 rows a page unless asked, `link` where there is another."""

    def answer(request: httpx.Request) -> httpx.Response:
        page, size = int(request.url.params.get("page", 1)), int(request.url.params.get("per_page", 30))
        left = rows[(page - 1) * size :]
        headers = {"link": f'<{request.url}>; rel="next"'} if len(left) > size else {}
        return httpx.Response(200, json=left[:size], headers=headers)

    return answer
