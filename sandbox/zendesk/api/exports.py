"""The incremental export and search: how an integration finds what its webhooks missed."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request

from sandbox.zendesk import errors, render, search
from sandbox.zendesk.backend import Backend, admin_only, me
from sandbox.zendesk.paging import by_cursor, page, whole
from sandbox.zendesk.state import Group, Organization, Ticket, User

EXPORT_PAGE = 1000


def routes(face: Blueprint, backend: Backend) -> None:
    """Register the endpoints."""

    @face.get("/incremental/tickets/cursor")
    def incremental_tickets() -> dict[str, Any]:
        admin_only()
        size = min(whole("per_page", EXPORT_PAGE), EXPORT_PAGE)
        changed = _changed_after(backend, _position(backend))
        return _export_page(backend, changed[:size], end=len(changed) <= size)

    @face.get("/search")
    def search_records() -> dict[str, Any]:
        found = _sorted(search.find(backend.account, _query(), me()))
        if (whole("page", 1) - 1) * min(whole("per_page", 100), 100) >= search.RESULTS_MAX:
            raise errors.error(422, "invalid", "Invalid search: requested response size was greater than 1000 results")
        return page("results", found, lambda record: _result(backend, record))

    @face.get("/search/count")
    def search_count() -> dict[str, Any]:
        return {"count": len(search.find(backend.account, _query(), me()))}

    @face.get("/search/export")
    def search_export() -> dict[str, Any]:
        kind = request.args.get("filter[type]", "ticket")
        found = search.find(backend.account, f"{_query()} type:{kind}", me())
        return by_cursor("results", found, lambda record: _result(backend, record))


def _query() -> str:
    query = request.args.get("query")
    if query is None:
        raise errors.bad_request("query is missing")
    return query


def _sorted(found: list[search.Record]) -> list[search.Record]:
    name = request.args.get("sort_by")
    if name not in {"created_at", "updated_at"}:
        return found
    backwards = request.args.get("sort_order", "desc") == "desc"
    return sorted(found, key=lambda record: getattr(record, name, record.created_at), reverse=backwards)


def _result(backend: Backend, record: search.Record) -> dict[str, Any]:
    return _render(backend, record) | {"result_type": search.kind_of(record)}


def _render(backend: Backend, record: search.Record) -> dict[str, Any]:
    match record:
        case Ticket():
            return render.ticket(backend.account, record)
        case User():
            return render.user(record)
        case Organization():
            return render.organization(record)
        case Group():
            return render.group(record)


def _position(backend: Backend) -> tuple[float, int]:
    """(time, ticket id) after which to go on, from `cursor` or `start_time`. Raises Refusal."""
    if cursor := request.args.get("cursor"):
        try:
            moment, _, number = base64.b64decode(cursor, validate=True).decode().partition("|")
            return float(moment), int(number)
        except (binascii.Error, ValueError):
            raise errors.error(400, "InvalidCursor", "cursor is not valid") from None
    text = request.args.get("start_time", "")
    if not text.isdigit():
        raise errors.bad_request("start_time (unix seconds) or cursor is missing")
    start = int(text)
    if start > backend.now() - backend.export_delay:
        words = f"Too recent start_time. Use a start_time older than {backend.export_delay:.0f} seconds"
        raise errors.error(422, "StartTimeTooRecent", words)
    return float(start), 0


def _changed_after(backend: Backend, position: tuple[float, int]) -> list[Ticket]:
    """Tickets changed after the position, but not within the last minute, in the order of their change."""
    until = backend.now() - backend.export_delay
    changed = (ticket for ticket in backend.account.tickets.values() if position < _key(ticket))
    return sorted((ticket for ticket in changed if ticket.generated_at <= until), key=_key)


def _key(ticket: Ticket) -> tuple[float, int]:
    return ticket.generated_at, ticket.id


def _export_page(backend: Backend, tickets: Sequence[Ticket], *, end: bool) -> dict[str, Any]:
    moment, number = _key(tickets[-1]) if tickets else _position(backend)
    after = base64.b64encode(f"{moment!r}|{number}".encode()).decode()
    size = {name: value for name, value in request.args.items() if name == "per_page"}
    return {
        "tickets": [render.ticket(backend.account, ticket) for ticket in tickets],
        "after_cursor": after,
        "after_url": f"{request.base_url}?{urlencode(size | {'cursor': after})}",
        "before_cursor": None,
        "before_url": None,
        "end_of_stream": end,
    }
