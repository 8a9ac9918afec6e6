"""Zendesk's two ways of paging a list: by offset (`page`, `per_page`) and by cursor (`page[size]`, `page[after]`)."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import request

from sandbox.zendesk import errors

PAGE_MAX = 100
OFFSET_MAX = 10_000
"""Records that offset paging reaches."""

T = TypeVar("T")


def page(name: str, items: Sequence[T], render: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    """The page that the current request asks for, under `name`, in the way it asks for it."""
    if any(key.startswith("page[") for key in request.args):
        return by_cursor(name, items, render)
    number = whole("page", 1)
    size = min(whole("per_page", PAGE_MAX), PAGE_MAX)
    if (number - 1) * size >= OFFSET_MAX:
        raise errors.bad_request("Offset paging ends at 10000 records; use cursor paging")
    chosen = items[(number - 1) * size : number * size]
    return {
        name: [render(item) for item in chosen],
        "count": len(items),
        "next_page": _url(page=number + 1) if number * size < len(items) else None,
        "previous_page": _url(page=number - 1) if number > 1 else None,
    }


def by_cursor(name: str, items: Sequence[T], render: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    """Cursor paging only; the cursor is the position in the list, which only grows at its end."""
    size = min(whole("page[size]", PAGE_MAX), PAGE_MAX)
    start = decode(request.args.get("page[after]"))
    stop = min(start + size, len(items))
    if "page[before]" in request.args:
        stop = decode(request.args["page[before]"])
        start = max(0, stop - size)
    more = stop < len(items)
    return {
        name: [render(item) for item in items[start:stop]],
        "meta": {
            "has_more": more,
            "after_cursor": encode(stop) if stop > start else None,
            "before_cursor": encode(start) if stop > start else None,
        },
        "links": {
            "next": _url(**{"page[after]": encode(stop), "page[before]": None}) if more else None,
            "prev": _url(**{"page[before]": encode(start), "page[after]": None}) if start else None,
        },
    }


def whole(name: str, default: int) -> int:
    """A positive whole number of the query. Raises Refusal (400)."""
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdigit() or int(text) < 1:
        raise errors.error(400, "InvalidPaginationParameter", f"{name} must be a positive number")
    return int(text)


def encode(position: int) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(f"v1:{position}".encode()).decode()


def decode(cursor: str | None) -> int:
    """The position of a cursor, 0 for none. Raises Refusal (400)."""
    if cursor is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor).removeprefix(b"v1:"))
    except (binascii.Error, ValueError):
        raise errors.error(400, "InvalidPaginationParameter", "page[after] is not a valid cursor") from None


def _url(**changed: Any) -> str:
    args = request.args.to_dict(flat=False) | changed
    kept = {key: value for key, value in args.items() if value is not None}
    return f"{request.base_url}?{urlencode(kept, doseq=True)}"
