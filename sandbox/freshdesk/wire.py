"""Freshdesk's manners on the wire: times, HTML, JSON bodies and query parameters in, lists and refusals out."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from html import escape
from html.parser import HTMLParser
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, jsonify, request

JSON = dict[str, Any]
T = TypeVar("T")

PER_PAGE = 30
PER_PAGE_MAX = 100
PAGE_MAX = 300
"""The list of tickets ends there; the reference says so of tickets only, here it holds for every list."""


class Refusal(Exception):
    """An answer other than 2xx: its status, and its JSON body where it has one (a 404 has none)."""

    def __init__(self, status: int, body: JSON | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body

    def answer(self) -> Response:
        """The refusal as a response."""
        if self.body is None:
            return Response(status=self.status)
        response = jsonify(self.body)
        response.status_code = self.status
        return response


FieldError = dict[str, str]
"""One entry of a 400: {"field", "message", "code"}."""


def field_error(field: str, message: str, code: str) -> FieldError:
    """What is wrong with one field, by a code of the reference."""
    return {"field": field, "message": message, "code": code}


def unknown_field(field: str) -> FieldError:
    """A field that Freshdesk does not know here; it never ignores one."""
    return field_error(field, "Unexpected/invalid field in request", "invalid_field")


def invalid(errors: Iterable[FieldError]) -> Refusal:
    """The 400 of a request whose fields are wrong."""
    return Refusal(400, {"description": "Validation failed", "errors": list(errors)})


def stamp(seconds: float | None) -> str | None:
    """A time as Freshdesk writes it, without fractions; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text: str) -> float:
    """Unix seconds of an ISO 8601 time, or of a date alone. Raises ValueError with Freshdesk's words."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("It should be in the 'combined date and time ISO8601' format") from error
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def html(text: str) -> str:
    """Plain text as the HTML in which Freshdesk keeps a mail."""
    return "<div>" + escape(text, quote=False).replace("\n", "<br>") + "</div>"


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in {"br", "p", "div", "li"}:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def text_of(markup: str) -> str:
    """The plain text beside an HTML body (`description_text`, `body_text`)."""
    reader = _Text()
    reader.feed(markup)
    reader.close()
    return "".join(reader.words).strip()


def body() -> JSON:
    """The JSON object that was sent. Raises Refusal: 415 for another content type, 400 for what is no object."""
    if request.mimetype != "application/json":
        raise Refusal(415)
    try:
        given = json.loads(request.get_data())
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refusal(400, {"code": "invalid_json", "message": "Request body has invalid json format"})
    return given


Reader = Callable[[str], Any]
"""Reads one query parameter; raises ValueError with Freshdesk's words."""


def query(**readers: Reader) -> JSON:
    """The query parameters by name, those absent left out. Raises Refusal for unknown and unreadable ones."""
    errors = [unknown_field(name) for name in request.args if name not in readers]
    read: JSON = {}
    for name, reader in readers.items():
        try:
            if name in request.args:
                read[name] = reader(request.args[name])
        except ValueError as error:
            errors.append(field_error(name, str(error), "invalid_value"))
    if errors:
        raise invalid(errors)
    return read


def positive(most: int | None = None) -> Reader:
    """Reads a positive integer, `most` at most."""

    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and int(text) > 0 and (most is None or int(text) <= most):
            return int(text)
        raise ValueError("It should be a Positive Integer" + (f" less than or equal to {most}" if most else ""))

    return read


def word_of(*words: str) -> Reader:
    """Reads one of the words."""

    def read(text: str) -> str:
        if text in words:
            return text
        raise ValueError(f"It should be one of these values: '{','.join(words)}'")

    return read


def words_of(*words: str) -> Reader:
    """Reads a comma-separated list of some of the words."""
    one = word_of(*words)
    return lambda text: {one(word) for word in text.split(",")}


PAGING: dict[str, Reader] = {"page": positive(PAGE_MAX), "per_page": positive(PER_PAGE_MAX)}


def paged(items: list[T], given: JSON, render: Callable[[T], JSON]) -> Response:
    """One page of a list, with `link: <…>; rel="next"` where there is another."""
    page, size = given.get("page", 1), given.get("per_page", PER_PAGE)
    start = (page - 1) * size
    response = jsonify([render(item) for item in items[start : start + size]])
    if len(items) > start + size:
        onward = urlencode(request.args.to_dict() | {"page": str(page + 1)})
        response.headers["link"] = f'<{request.base_url}?{onward}>; rel="next"'
    return response
