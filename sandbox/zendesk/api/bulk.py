"""Bulk updates and the jobs that carry them out."""

from functools import partial
from typing import Any

from flask import Blueprint, request

from sandbox.zendesk import errors
from sandbox.zendesk.api.tickets import attach
from sandbox.zendesk.backend import Backend, ids, me
from sandbox.zendesk.jobs import Row
from sandbox.zendesk.state import User
from sandbox.zendesk.wishes import tag_list

BULK_MAX = 100


def routes(face: Blueprint, backend: Backend) -> None:
    """Register the endpoints."""

    @face.put("/tickets/update_many")
    def tickets_update_many() -> dict[str, Any]:
        asks = me()
        items = [partial(_item, backend, asks, index, *change) for index, change in enumerate(_wanted())]
        job = backend.jobs.start("Bulk Update Ticket", items)
        return {"job_status": backend.render_job(job, fresh=True)}

    @face.get("/job_statuses/<job_id>")
    def job_statuses_show(job_id: str) -> dict[str, Any]:
        job = backend.jobs.find(job_id)
        if job is None:
            raise errors.not_found()
        return {"job_status": backend.render_job(job)}

    @face.get("/job_statuses/show_many")
    def job_statuses_show_many() -> dict[str, Any]:
        found = map(backend.jobs.find, request.args.get("ids", "").split(","))
        return {"job_statuses": [backend.render_job(job) for job in found if job is not None]}


def _wanted() -> list[tuple[int, dict[str, Any]]]:
    """(ticket id, changes) of both forms: one change for `?ids=`, or a list with its own change for each."""
    body = request.get_json(silent=True)
    body = body if isinstance(body, dict) else {}
    if "ids" in request.args:
        if not isinstance(body.get("ticket"), dict):
            raise errors.bad_request('With ids the body must have "ticket"')
        return [(number, body["ticket"]) for number in ids(BULK_MAX)]
    rows = body.get("tickets")
    if not isinstance(rows, list) or not all(isinstance(row, dict) and str(row.get("id")).isdigit() for row in rows):
        raise errors.bad_request('Without ids the body must have "tickets", each with its "id"')
    if len(rows) > BULK_MAX:
        raise errors.too_many_values(BULK_MAX)
    return [(int(row["id"]), row) for row in rows]


def _item(backend: Backend, asks: User, index: int, number: int, wanted: dict[str, Any]) -> Row:
    """Carry out one item for the one who asked."""
    row: Row = {"index": index, "id": number, "action": "update"}
    try:
        ticket = backend.ticket(number)
        backend.engine.update(ticket, attach(backend, _with_delta_tags(wanted, ticket["tags"])), asks, "api")
    except errors.Refusal as refusal:
        return row | {"success": False, "error": refusal.body["error"], "details": refusal.body.get("description")}
    return row | {"success": True, "status": "Updated"}


def _with_delta_tags(wanted: dict[str, Any], tags: list[str]) -> dict[str, Any]:
    """`additional_tags` and `remove_tags` are for bulk updates; a single PUT ignores them [assumed: undocumented]."""
    if not wanted.keys() & {"additional_tags", "remove_tags"}:
        return wanted
    gone = tag_list(wanted.get("remove_tags"))
    kept = [tag for tag in wanted.get("tags", tags) if tag not in gone]
    return wanted | {"tags": [*kept, *tag_list(wanted.get("additional_tags"))]}
