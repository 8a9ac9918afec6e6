"""The only network of the Intercom adapter: one call in, its JSON or an error of ours out, counted by the gate."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

import httpx

from adapters.intercom.options import IntercomOptions
from adapters.wire import bare_words, direct, fault, http_date, not_json, unreached
from bridge.errors import DeskError, Permanent, Retryable, Unclear
from bridge.ports import Call, Clock, Gate

Row = Mapping[str, Any]
"""One JSON object as the vendor sends it."""

TIMEOUT: Final = httpx.Timeout(20.0, connect=5.0)
"""Seconds; a conversation of 500 parts is the slowest answer we read."""

NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""The failures after which even a write is sure not to have reached the vendor."""

PAGE_MAX: Final = 150
"""Results a page of a search, the most Intercom gives (description, `POST /conversations/search`)."""


class IntercomClient:
    """Calls of one workspace's REST API; thread-safe. Every method raises the DeskErrors of `adapters.wire.fault`.

    A route names a kind of call, `/conversations/{id}/tags/{tag}`; `gaps` fill it.
    """

    def __init__(
        self, desk: str, options: IntercomOptions, gate: Gate, clock: Clock, transport: httpx.BaseTransport | None
    ) -> None:
        self._desk = desk
        self._gate = gate
        self._clock = clock
        self._http = httpx.Client(
            base_url=options.url,
            headers={
                "authorization": f"Bearer {options.access_token.get_secret_value()}",
                "intercom-version": options.version,
                "accept": "application/json",
                "user-agent": "deskbridge",
            },
            timeout=TIMEOUT,
            follow_redirects=False,
            transport=transport or direct(),
        )

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def get(self, route: str, *, query: Mapping[str, str] | None = None, **gaps: str) -> Row:
        """Read the object that a route answers."""
        return self._call("GET", route, gaps, query=query, writes=False)

    def write(self, method: str, route: str, body: Row, **gaps: str) -> Row:
        """Write, and return the answer. Raises Unclear once the request may have left."""
        return self._call(method, route, gaps, body=body, writes=True)

    def search(self, route: str, filters: Row, *, per_page: int = PAGE_MAX, after: str | None = None) -> Row:
        """One page of a search; a read, though Intercom asks for POST. `after` is the cursor of the page before."""
        paging: dict[str, object] = {"per_page": per_page}
        if after is not None:
            paging["starting_after"] = after
        return self._call("POST", route, {}, body={"query": filters, "pagination": paging}, writes=False)

    def found(self, route: str, rows: str, filters: Row, *, pages: int) -> Iterator[Row]:
        """Every result of a search (in the answer's list `rows`), page after page, `pages` at most."""
        after: str | None = None
        for _ in range(pages):
            answer = self.search(route, filters, after=after)
            yield from answer.get(rows) or ()
            after = next_page(answer)
            if after is None:
                return

    def _call(
        self,
        method: str,
        route: str,
        gaps: Mapping[str, str],
        *,
        writes: bool,
        query: Mapping[str, str] | None = None,
        body: Row | None = None,
    ) -> Row:
        self._gate.admit(self._desk, method, route)
        path = route.format_map({name: quote(value, safe="") for name, value in gaps.items()})
        begun, answer = monotonic(), None
        try:
            answer = self._http.request(method, path, params=query, json=body)
        except httpx.RequestError as error:
            raise _unanswered(error, writes=writes) from error
        finally:
            self._gate.record(self._count(method, route, answer, monotonic() - begun))
        if not answer.is_success:
            raise self._refusal(answer, writes=writes)
        return _object(answer, writes=writes)

    def _count(self, method: str, route: str, answer: httpx.Response | None, spent: float) -> Call:
        if answer is None:
            return Call(self._desk, method, route, None, spent)
        limit, remaining = (_whole(answer.headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining"))
        at = http_date(answer.headers.get("date"))
        return Call(
            *(self._desk, method, route, answer.status_code, spent, limit, remaining, self._reset_in(answer)), clock=at
        )

    def _reset_in(self, answer: httpx.Response) -> float | None:
        """Seconds until the calls are counted anew; Intercom gives the instant, in unix seconds."""
        reset = _whole(answer.headers.get("x-ratelimit-reset"))
        return None if reset is None else max(0.0, reset - self._clock().timestamp())

    def _refusal(self, answer: httpx.Response, *, writes: bool) -> DeskError:
        after = answer.headers.get("retry-after")
        if after is None and answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            reset_in = self._reset_in(answer)
            after = None if reset_in is None else str(reset_in)
        return fault(answer.status_code, _words(answer), after, writes=writes)


def next_page(answer: Row) -> str | None:
    """The cursor of the page after this one, None at the end."""
    following = (answer.get("pages") or {}).get("next") or {}
    return following.get("starting_after") or None


def _whole(header: str | None) -> int | None:
    try:
        return int(header or "")
    except ValueError:
        return None


def _unanswered(error: httpx.RequestError, *, writes: bool) -> DeskError:
    words = unreached(error, error.request.url.netloc.decode())
    return Unclear(words) if writes and not isinstance(error, NEVER_SENT) else Retryable(words)


def _words(answer: httpx.Response) -> str:
    """The vendor's own words, `code: message: field` of each of `errors`."""
    if answer.has_redirect_location:
        return "Intercom redirects the API: set `url` to the API of the workspace's region"
    try:
        said = answer.json()
    except ValueError:
        return bare_words(answer.reason_phrase, answer.headers.get("content-type"))
    if not isinstance(said, dict):
        return "an answer of unknown shape"
    errors = [row for row in said.get("errors") or () if isinstance(row, dict)]
    details = [": ".join(str(row[key]) for key in ("code", "message", "field") if row.get(key)) for row in errors]
    return "; ".join(details) or "refused without words"


def _object(answer: httpx.Response, *, writes: bool) -> Row:
    try:
        said = answer.json()
    except ValueError:
        said = None
    if isinstance(said, dict):
        return said
    raise (Unclear if writes else Permanent)(not_json(answer.headers.get("content-type")), answer.status_code)
