"""Pages of Intercom's lists: by cursor, newest update first, or by number."""

import base64
import json
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any, Protocol, TypeVar

from flask import request

from sandbox.intercom.errors import invalid

PER_PAGE, PER_PAGE_MAX = 20, 150

Json = dict[str, Any]
Place = tuple[int, int, str]


class Listed(Protocol):
    """What can be paged by cursor: everything with an id and the moment of its last update (unix seconds)."""

    id: str
    updated_at: int


T = TypeVar("T")
L = TypeVar("L", bound=Listed)


def cursor_page(items: Iterable[L], per_page: Any, after: Any) -> tuple[list[L], Json]:
    """One page and its `pages`, newest update first. Raises ApiError (400).

    A cursor holds the place of the last row: what is updated between two pages moves to the front and is missed by
    who turns the pages, as it may be at the vendor, who promises no order.
    """
    size, (place, number) = _size(per_page or PER_PAGE), _place_of(after)
    ordered = sorted(items, key=_place, reverse=True)
    rest = [item for item in ordered if place is None or _place(item) < place]
    pages: Json = {"type": "pages", "page": number, "per_page": size, "total_pages": ceil(len(ordered) / size)}
    if len(rest) > size:
        cursor = json.dumps([*_place(rest[size - 1]), number + 1]).encode()
        pages["next"] = {"per_page": size, "starting_after": base64.b64encode(cursor).decode()}
    return rest[:size], pages


def number_page(items: Sequence[T], default: int, most: int, *, linked: bool = False) -> tuple[Sequence[T], Json]:
    """The page that the query's `page` and `per_page` name; `linked` gives the address of the next. Raises ApiError."""
    size = _size(request.args.get("per_page", default), most)
    number = _whole("page", request.args.get("page", 1))
    pages: Json = {"type": "pages", "page": number, "per_page": size, "total_pages": ceil(len(items) / size)}
    if linked and len(items) > number * size:
        pages["next"] = f"{request.base_url}?page={number + 1}&per_page={size}"
    return items[(number - 1) * size : number * size], pages


def _place(item: Listed) -> Place:
    """By update, then by id: among ids of digits the longer one is the newer."""
    return item.updated_at, len(item.id), item.id


def _place_of(cursor: Any) -> tuple[Place | None, int]:
    """The place after which a page starts, and the page's number."""
    if cursor is None:
        return None, 1
    try:
        at, length, item_id, number = json.loads(base64.b64decode(cursor, validate=True))
        return (int(at), int(length), str(item_id)), int(number)
    except (ValueError, TypeError) as error:
        raise invalid("starting_after is not a cursor of ours", "starting_after") from error


def _size(given: Any, most: int = PER_PAGE_MAX) -> int:
    size = _whole("per_page", given)
    if size > most:
        raise invalid(f"per_page must be at most {most}", "per_page")
    return size


def _whole(name: str, given: Any) -> int:
    text = str(given)
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise invalid(f"{name} must be a whole number of 1 or more", name)
    return int(text)
