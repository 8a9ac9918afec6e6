"""What every vendor's wire has in common: addresses, faults to errors, secrets compared, ids, times, HTML to text."""

import hmac
import math
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from bridge.errors import BadCredential, Conflict, DeskError, NotThere, Permanent, Retryable, Unclear, Unsupported
from bridge.ports import Permission

T = TypeVar("T")

WORDS_MAX = 300
"""How much of a vendor's error text is kept, in characters."""

SOCKET_OPTIONS: Final = (
    ((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 4_000),) if hasattr(socket, "TCP_USER_TIMEOUT") else ()
)
"""Milliseconds after which the system gives up what the other side does not acknowledge (tcp(7)).

Without it a write that a cut network swallowed is sent again and again by the system itself, and takes effect when the
network is back, long after we have looked whether it did. Systems other than Linux cannot.
"""


def direct() -> httpx.BaseTransport | None:
    """A way to a desk that gives up in time; None (httpx's own choice) where a proxy leads there instead."""
    return None if getproxies() else httpx.HTTPTransport(socket_options=SOCKET_OPTIONS)


_BLOCKS = {"p", "div", "br", "li", "tr", "ul", "ol", "table", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr"}
_SILENT = {"script", "style", "head", "title"}


def fault(status: int, words: str, retry_after: str | None = None, *, writes: bool) -> DeskError:
    """The error that an HTTP status of a vendor means; `writes` is True where the call was not a read.

    The table, after RFC 9110 section 15 and the vendors' references:

    ====================  ===========================================================
    400, 405, 406, 415,   Permanent: our request, or a rule of the account, is at fault
    422 and other 4xx
    401, 403              BadCredential
    404, 410              NotThere
    408, 425, 429         Retryable, after Retry-After where given: the vendor did not act
    503                   the same where it says when to come again, else as 500: a proxy may say it of a call under way
    409                   Conflict
    500, 502, 504, other  Unclear for a write (it may have taken effect), Retryable for a read
    501                   Unsupported
    ====================  ===========================================================
    """
    words = words.strip()[:WORDS_MAX] or "no words from the desk"
    if status in {408, 425, 429} or (status == 503 and retry_after):
        return Retryable(words, status, after=seconds(retry_after))
    if status >= 500 and status != 501:
        return Unclear(words, status) if writes else Retryable(words, status)
    return _REFUSALS.get(status, Permanent)(words, status)


_REFUSALS: dict[int, type[DeskError]] = {
    401: BadCredential,
    403: BadCredential,
    404: NotThere,
    409: Conflict,
    410: NotThere,
    501: Unsupported,
}


def seconds(retry_after: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait by a Retry-After header (a number or an HTTP date), None where it says nothing usable."""
    if not retry_after:
        return None
    try:
        wait = float(retry_after)
        return max(0.0, wait) if math.isfinite(wait) else None
    except ValueError:
        pass
    until = http_date(retry_after)
    return None if until is None else max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def http_date(text: str | None) -> datetime | None:
    """The time of a Date or Retry-After header, in UTC; None where there is none that can be read."""
    try:
        told = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)  # "-0000" is UTC that will not say so


def matches_any(given: str, secrets: Iterable[str]) -> bool:
    """True where `given` is one of the secrets; all are compared, in constant time (two live while rotating)."""
    verdicts = [hmac.compare_digest(given.encode(), secret.encode()) for secret in secrets]
    return any(verdicts)


def unless_hidden(call: Callable[[], T]) -> T | None:
    """What a call gives, None where the account's plan or our role hides it."""
    try:
        return call()
    except (BadCredential, NotThere):
        return None


KEPT_HEADERS: Final = frozenset({"content-type", "user-agent"})
"""The headers of a delivery that are worth keeping; others may hold a secret, such as `authorization`."""


def kept(headers: Mapping[str, str], *own: str) -> dict[str, str]:
    """What is stored of a delivery's headers: those above, and the vendor's `own`, by how their names begin."""
    return {name: value for name, value in headers.items() if name in KEPT_HEADERS or (own and name.startswith(own))}


def base(url: str, example: str) -> str:
    """The address of an account's API, without a slash at its end. Raises ValueError where it is no such address.

    Plain http is for this machine alone: on any longer way it would show everybody our credential.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError(f"must be an https address like {example}")
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if not parts.hostname or parts.port == 0 or more:
        raise ValueError(f"must be the address alone, without a path or a user, like {example}")
    return f"{parts.scheme}://{parts.netloc}"


_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}


SOMEBODY_ELSE: Final = (
    "something in between answers in its stead (a proxy, a sign-in page), or `url` is not the account's own address"
)
"""What a web page means where an API was asked."""


def not_json(content_type: str | None) -> str:
    """What to say of a success that cannot be read."""
    return f"answered with {content_type or 'no content type'}, not with the JSON that is due: {SOMEBODY_ELSE}"


def bare_words(reason: str, content_type: str | None) -> str:
    """What to say of a refusal without words of the vendor's own."""
    return f"{reason}, as a web page: {SOMEBODY_ELSE}" if "html" in (content_type or "") else reason


def unreached(error: BaseException, host: str) -> str:
    """Why no answer came from a host, and what to look at; `error` is the HTTP library's, with its causes."""
    chain = list(_causes(error))
    told = f"no answer from {host} ({type(error).__name__})"
    if any(type(each).__name__ == "ProxyError" for each in chain):
        return f"{told}: the proxy that HTTPS_PROXY names does not let us through; NO_PROXY={host} goes past it"
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"{told}: its certificate is not trusted ({each.verify_message}). {_TRUST}"
        if isinstance(each, ssl.SSLError):
            return f"{told}: it does not speak TLS ({each.reason}); see that the port is right"
        if isinstance(each, socket.gaierror):
            return f"{told}: no host of that name is known; see that it is written right and that this machine has DNS"
        if isinstance(each, ConnectionRefusedError):
            return f"{told}: it takes no connections; see that the port is right"
    return told


_TRUST: Final = (
    "Where a proxy of your own looks into TLS, name its certificate by SSL_CERT_FILE and REQUESTS_CA_BUNDLE; else the "
    "address is another's, or this machine's clock is wrong"
)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and everything that it was raised from, or that urllib3 wrapped into it."""
    while error is not None:
        yield error
        wrapped = (getattr(each, "reason", each) for each in error.args)
        inside = next((each for each in wrapped if isinstance(each, BaseException)), None)
        error = error.__cause__ or error.__context__ or inside


def permission(name: str, use: str, ask: Callable[[], object], *, needed: bool = False) -> Permission:
    """Whether the credential may do something, by doing it: `ask` only reads. Raises DeskError for other troubles."""
    try:
        ask()
    except Permanent as error:
        if error.code == HTTPStatus.UNAUTHORIZED:
            raise
        return Permission(name, use, needed, str(error))
    return Permission(name, use, needed, None)


def differs(wanted: object, there: object) -> bool:
    """True where what is at a desk does not say all that is wanted; what it says beside that does not count.

    Nor does the order of a list of plain values, or whether a number came as text.
    """
    if isinstance(wanted, Mapping):
        return not isinstance(there, Mapping) or any(differs(each, there.get(key)) for key, each in wanted.items())
    if isinstance(wanted, list):
        if not isinstance(there, list) or len(there) != len(wanted):
            return True
        if any(isinstance(each, Mapping) for each in wanted):
            return any(map(differs, wanted, there))
        return sorted(map(str, wanted)) != sorted(map(str, there))
    return str(wanted) != str(there)


def some_id(value: object) -> str | None:
    """An id as text; the ways vendors say "none" (null, 0, "0", "") are all None."""
    text = "" if value is None else str(value).strip()
    return None if text in {"", "0", "None", "null"} else text


def instant(value: object) -> datetime | None:
    """A vendor's time as UTC: ISO 8601 with up to nine decimals, or unix seconds. None where it cannot be read."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
        return parsed and (parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC))
    except (ValueError, OverflowError, OSError):  # the last two: years that a datetime or this platform does not know
        return None


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.silent += tag in _SILENT
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.silent = max(0, self.silent - (tag in _SILENT))
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)


def plain(html: str | None) -> str:
    """The text of a vendor's HTML body, one line a block, entities resolved; text without tags passes unchanged."""
    if not html:
        return ""
    if "<" not in html and "&" not in html:
        return html.strip()
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).splitlines())
    return "\n".join(line for line in lines if line)
