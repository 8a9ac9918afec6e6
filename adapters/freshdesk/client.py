"""The only network of the Freshdesk adapter: one call in, its JSON or an error of ours out, counted by the gate."""

from collections.abc import Iterator, Mapping
from time import monotonic
from typing import Final
from urllib.parse import quote

import httpx

from adapters.freshdesk.mapping import Row
from adapters.freshdesk.options import FreshdeskOptions
from adapters.wire import bare_words, direct, fault, http_date, not_json, seconds, unreached
from bridge.errors import DeskError, NotThere, Permanent, Retryable, Unclear
from bridge.ports import Call, Gate

TIMEOUT: Final = httpx.Timeout(20.0, connect=5.0)
"""Seconds; a read of a ticket with three includes is the slowest call we make."""

NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""The failures after which even a write is sure not to have reached the vendor."""

_COST: Final = "used-currentrequest"
"""A call with includes counts for more than one (API reference, "Embedding")."""

PAGE_MAX: Final = 100
"""Rows a page, the most Freshdesk gives; more is answered 400 (API reference, "Pagination")."""

PAGES_MAX: Final = 300
"""Pages a list, the most Freshdesk gives of tickets; it also ends a list that would ignore the page asked for."""


class FreshdeskClient:
    """Calls of one account's REST API v2; thread-safe. Every method raises the DeskErrors of `adapters.wire.fault`.

    A route names a kind of call, `/tickets/{id}`; `id_` fills its one gap.
    """

    def __init__(self, desk: str, options: FreshdeskOptions, gate: Gate, transport: httpx.BaseTransport | None) -> None:
        self._desk = desk
        self._gate = gate
        self._http = httpx.Client(
            base_url=f"{options.url}/api/v2",
            auth=httpx.BasicAuth(options.api_key.get_secret_value(), "X"),
            headers={"accept": "application/json", "user-agent": "deskbridge"},
            timeout=TIMEOUT,
            follow_redirects=False,
            transport=transport or direct(),
        )

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def get(self, route: str, id_: str = "", /, **query: str | int) -> Row:
        """The one object that a route answers."""
        return _object(self._call("GET", route, id_, query=query))

    def get_if_any(self, route: str, id_: str, /) -> Row | None:
        """The one object that a route answers, None where there is none."""
        try:
            answer = self._call("GET", route, id_)
        except NotThere:
            return None
        return _object(answer) if answer.content else None

    def write(self, method: str, route: str, id_: str, /, *, body: Row) -> Row:
        """Write an object; the answer shows it as it is then. Raises Unclear once the request may have left."""
        answer = self._call(method, route, id_, body=body)
        try:
            return _object(answer)
        except Permanent as error:
            raise Unclear(error.words, answer.status_code) from error

    def delete(self, route: str, id_: str, /) -> None:
        """Delete an object. Raises NotThere where it is gone already, Unclear once the request may have left."""
        self._call("DELETE", route, id_)

    def page(self, route: str, id_: str = "", size: int = PAGE_MAX, /, **query: str | int) -> tuple[list[Row], bool]:
        """One page of a list and whether there may be another: a full page, or a `Link: <…>; rel="next"`."""
        answer = self._call("GET", route, id_, query=query)
        rows = _rows(answer)
        return rows, "next" in answer.links or len(rows) >= size

    def all(self, route: str, id_: str = "", size: int = PAGE_MAX, /, **query: str | int) -> Iterator[Row]:
        """Every row of a list, page after page, read as they are asked for."""
        for number in range(1, PAGES_MAX + 1):
            rows, more = self.page(route, id_, size, per_page=size, page=number, **query)
            yield from rows
            if not more:
                return

    def _call(
        self,
        method: str,
        route: str,
        id_: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Row | None = None,
    ) -> httpx.Response:
        self._gate.admit(self._desk, method, route)
        writes = method != "GET"
        begun, answer = monotonic(), None
        try:
            answer = self._http.request(method, route.format(id=quote(id_, safe="")), params=query, json=body)
        except httpx.RequestError as error:
            raise _unanswered(error, writes=writes) from error
        finally:
            self._gate.record(self._count(method, route, answer, monotonic() - begun))
        if answer.is_success:
            return answer
        raise _refusal(answer, writes=writes)

    def _count(self, method: str, route: str, answer: httpx.Response | None, spent: float) -> Call:
        if answer is None:
            return Call(self._desk, method, route, None, spent)
        told = [_whole(answer.headers.get(f"x-ratelimit-{each}")) for each in ("total", "remaining", _COST)]
        limit, remaining, cost = told
        wait = seconds(answer.headers.get("retry-after"))
        at = http_date(answer.headers.get("date"))
        return Call(
            *(self._desk, method, route, answer.status_code, spent, limit, remaining),
            retry_after=wait,
            cost=cost or 1,
            clock=at,
        )


def _whole(header: str | None) -> int | None:
    """A rate header as a count; Freshdesk has been seen to send `100.0`."""
    try:
        return int(float(header or ""))
    except (ValueError, OverflowError):
        return None


def _unanswered(error: httpx.RequestError, *, writes: bool) -> DeskError:
    words = unreached(error, error.request.url.netloc.decode())
    return Unclear(words) if writes and not isinstance(error, NEVER_SENT) else Retryable(words)


def _refusal(answer: httpx.Response, *, writes: bool) -> DeskError:
    if answer.next_request is not None:
        host = answer.next_request.url.host
        words = f"Freshdesk redirects the API to {host}: set `url` to the account's own freshdesk.com address"
        return Permanent(words, answer.status_code)
    return fault(answer.status_code, _words(answer), answer.headers.get("retry-after"), writes=writes)


def _words(answer: httpx.Response) -> str:
    """The vendor's own words: `description` or `message`, then each of `errors` as field, message and code."""
    if not answer.content:  # of what is not there Freshdesk says nothing, and calls that HTML
        return answer.reason_phrase
    try:
        said = answer.json()
    except ValueError:
        return bare_words(answer.reason_phrase, answer.headers.get("content-type"))
    if not isinstance(said, dict):
        return "an answer of unknown shape"
    errors = [row for row in said.get("errors") or () if isinstance(row, dict)]
    details = [f"{row.get('field')}: {row.get('message')} ({row.get('code')})" for row in errors]
    head = str(said.get("description") or said.get("message") or said.get("code") or "refused")
    return " ".join("; ".join([head, *details]).split())


def _json(answer: httpx.Response) -> object:
    try:
        return answer.json()
    except ValueError as error:
        raise Permanent(not_json(answer.headers.get("content-type")), answer.status_code) from error


def _object(answer: httpx.Response) -> Row:
    said = _json(answer)
    if not isinstance(said, dict):
        raise Permanent("an answer of unknown shape, not one object", answer.status_code)
    return said


def _rows(answer: httpx.Response) -> list[Row]:
    """The rows of a list answer; some lists (availability, by third parties) come wrapped in an object."""
    said = _json(answer)
    if isinstance(said, dict):
        said = next((value for value in said.values() if isinstance(value, list)), None)
    if not isinstance(said, list):
        raise Permanent("an answer of unknown shape, not a list", answer.status_code)
    return [row for row in said if isinstance(row, dict)]
