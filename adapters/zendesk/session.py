"""The HTTP session under zenpy: every call passes the gate, every answer is judged here before zenpy sees it.

Left alone, zenpy sleeps through a 429 in the calling thread, lets urllib3 repeat calls, and drops what a fault says.
"""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from adapters.wire import SOCKET_OPTIONS, bare_words, fault, http_date, not_json, seconds, unreached
from adapters.zendesk.credentials import Credential
from bridge.errors import BadCredential, DeskError, Permanent, Retryable, Unclear
from bridge.ports import Call, Gate

SUBDOMAIN: Final = "desk"
DOMAIN: Final = "deskbridge.invalid"
"""Where zenpy believes the desk is: it can only build https addresses of a subdomain, and its own overrides are
environment variables, one for all desks of a process. The session puts the desk's real base in their place."""

_BELIEVED: Final = f"https://{SUBDOMAIN}.{DOMAIN}/"
_TOKENS: Final = "/oauth/tokens"
_CONNECT_TIMEOUT: Final = 5.0
_ID: Final = re.compile(
    r"\d+|V\d+-[0-9a-f]+|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)


class DeskSession(requests.Session):
    """A session that can reach one desk only; one a thread. Raises DeskError for every answer that is not a success.

    No redirect is followed: our Authorization never leaves the desk's own address.
    """

    def __init__(self, desk: str, base: str, credential: Credential, gate: Gate, timeout: float) -> None:
        super().__init__()
        self._desk = desk
        self._base = base
        self._credential = credential
        self._gate = gate
        self._timeout = (min(_CONNECT_TIMEOUT, timeout), timeout)
        self.mount(base, _GivesUp())

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """One call; `url` is zenpy's, one of the desk's own, or a path. After a 401 once more with a fresh token."""
        del args  # zenpy and our client name all parameters
        asked, verb = str(url), str(method).upper()
        header = self._credential.header(self.exchange)
        answer = self._send(verb, self._target(asked), header, **kwargs)
        if answer.status_code == 401 and self._credential.renewed(header, self.exchange):
            answer = self._send(verb, self._target(asked), self._credential.header(self.exchange), **kwargs)
        _judge(answer, writes=verb != "GET")
        answer.request.url = asked  # zenpy knows an answer by the host it asked
        return answer

    def exchange(self, grant: dict[str, str]) -> dict[str, Any]:
        """What `/oauth/tokens` answers to a grant. Raises DeskError."""
        answer = self._send("POST", self._base + _TOKENS, None, json=grant)
        if answer.status_code == 400:  # RFC 6749 section 5.2: an unknown client or grant
            raise BadCredential(_words(answer), 400)
        _judge(answer, writes=False)  # a token more does no harm
        return cast("dict[str, Any]", answer.json())

    def _target(self, asked: str) -> str:
        for known in (_BELIEVED, f"{self._base}/"):
            if asked.startswith(known):
                return f"{self._base}/{asked.removeprefix(known)}"
        if asked.startswith("/") and not urlsplit(asked).netloc:
            return self._base + asked
        raise Permanent(f"refused to call {urlsplit(asked).netloc}: it is not the desk's own address")

    def _send(self, method: str, url: str, header: str | None, **kwargs: Any) -> requests.Response:
        route = route_of(url)
        self._gate.admit(self._desk, method, route)
        ours = {"auth": _Header(header), "timeout": self._timeout, "allow_redirects": False}
        started = time.monotonic()
        try:
            answer = super().request(method, url, **kwargs | ours)
        except requests.RequestException as error:
            self._gate.record(Call(self._desk, method, route, None, time.monotonic() - started))
            raise _lost(error, self._base, writes=method != "GET" and route != _TOKENS) from error
        spent = time.monotonic() - started
        told = rate_limit(answer.headers) | refusal(answer.headers) | {"clock": http_date(answer.headers.get("Date"))}
        self._gate.record(Call(self._desk, method, route, answer.status_code, spent, **told))
        return answer


class _GivesUp(HTTPAdapter):
    """Sends over connections that do not try for ever to be heard."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Open connections with `SOCKET_OPTIONS` beside urllib3's own."""
        options = [*urllib3.connection.HTTPConnection.default_socket_options, *SOCKET_OPTIONS]
        super().init_poolmanager(*args, **kwargs, socket_options=options)


class _Header(AuthBase):
    """Sets the Authorization header; as an auth object it also keeps requests from looking into ~/.netrc."""

    def __init__(self, header: str | None) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header:
            request.headers["Authorization"] = self._header
        return request


def route_of(url: str) -> str:
    """The kind of call: the path with ids replaced, without zenpy's `.json`."""
    parts = urlsplit(url).path.removesuffix(".json").split("/")
    return "/".join("{id}" if _ID.fullmatch(part) else part for part in parts)


def _judge(answer: requests.Response, *, writes: bool) -> None:
    """Return where the answer is a success that can be read; raise the error that it means otherwise."""
    status = answer.status_code
    if not 200 <= status < 300:
        raise fault(status, _words(answer), answer.headers.get("Retry-After"), writes=writes)
    if status != 204 and not _is_json(answer):
        raise (Unclear if writes else Retryable)(not_json(answer.headers.get("Content-Type")), status)


def _is_json(answer: requests.Response) -> bool:
    """Whether it says that it is, and is whole: zenpy would fail over what is not with an error of its own."""
    try:
        answer.json()
    except requests.JSONDecodeError:
        return False
    return "json" in answer.headers.get("Content-Type", "")


def _words(answer: requests.Response) -> str:
    """The vendor's own words: `{"error", "description", "details"}`, `{"errors": [...]}` or the bare status."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    said = list(_sentences(body)) if isinstance(body, dict) else []
    bare = bare_words(answer.reason or "no words from the desk", answer.headers.get("Content-Type"))
    return ": ".join(dict.fromkeys(said)) or bare


_EXPLAINS: Final = ("error", "title", "code", "description", "error_description", "message", "detail")


def _sentences(said: object) -> Iterator[str]:
    """The texts under the keys in which Zendesk explains a fault, in their order."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, list):
        for item in said:
            yield from _sentences(item)
    elif isinstance(said, dict):
        told = [said[key] for key in _EXPLAINS if key in said]
        details = said.get("details")
        for item in [*told, said.get("errors"), list(details.values()) if isinstance(details, dict) else None]:
            yield from _sentences(item)


def _lost(error: requests.RequestException, base: str, *, writes: bool) -> DeskError:
    """No answer came: a call that never left may be made again, a write that may have left is unclear."""
    words = unreached(error, urlsplit(base).netloc)
    return Unclear(words) if writes and not _never_left(error) else Retryable(words)


def _never_left(error: requests.RequestException) -> bool:
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(cause, urllib3.exceptions.NewConnectionError)


_LIMITS: Final = (
    ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-rate-limit", "x-rate-limit-remaining", "x-rate-limit-reset"),
)
"""The account's headers, newest generation first, as recorded traffic of several years shows them."""

_ENDPOINT: Final = re.compile(r"zendesk-rate-?limit-", re.IGNORECASE)
_PAIR: Final = re.compile(r"(total|remaining|resets)\s*=\s*(\d+)")


def rate_limit(headers: Mapping[str, str]) -> dict[str, Any]:
    """`limit`, `remaining` and `reset_in` (seconds) of the account; an endpoint's own where the account's are absent.

    An endpoint's limit comes as one value: `zendesk-ratelimit-tickets-update: total=100; remaining=99; resets=42`.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    for limit, remaining, reset in _LIMITS:
        if limit in lower or remaining in lower:
            told = (lower.get(limit), lower.get(remaining), lower.get(reset))
            return dict(zip(("limit", "remaining", "reset_in"), map(_number, told), strict=True))
    for name, value in lower.items():
        if _ENDPOINT.match(name):
            pairs = dict(_PAIR.findall(value))
            told = (pairs.get("total"), pairs.get("remaining"), pairs.get("resets"))
            return dict(zip(("limit", "remaining", "reset_in"), map(_number, told), strict=True))
    return {}


_PER_TICKET: Final = "per-ticket"
"""What the header of the limit on one ticket's updates has in its name."""


def refusal(headers: Mapping[str, str]) -> dict[str, Any]:
    """`retry_after` (seconds) and `covers`: whether the account's limit is spent, an endpoint's or one ticket's."""
    spent = [
        name.lower()
        for name, value in headers.items()
        if _ENDPOINT.match(name) and dict(_PAIR.findall(value)).get("remaining") == "0"
    ]
    wait = seconds(headers.get("Retry-After"))
    if not spent or rate_limit(headers).get("remaining") == 0:
        return {"retry_after": wait, "covers": "desk"}
    return {"retry_after": wait, "covers": "ticket" if all(_PER_TICKET in name for name in spent) else "route"}


def _number(text: str | None) -> int | None:
    leading = re.match(r"\s*(\d+)", text or "")
    return int(leading.group(1)) if leading else None
