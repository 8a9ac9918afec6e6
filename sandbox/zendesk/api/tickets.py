"""Tickets: read, create, update, tag, comment, delete, merge, and files to attach."""

import hashlib
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, request

from sandbox.zendesk import errors, render, wishes
from sandbox.zendesk.backend import Backend, given, ids, me
from sandbox.zendesk.engine import Act
from sandbox.zendesk.jobs import Row
from sandbox.zendesk.paging import page
from sandbox.zendesk.state import Comment, Ticket, User
from sandbox.zendesk.times import stamp

IDEMPOTENCY_SECONDS = 2 * 3600
IDEMPOTENCY_KEY_MAX = 255
UPLOAD_SECONDS = 3 * 24 * 3600


def routes(face: Blueprint, backend: Backend) -> None:
    """Register the endpoints."""
    _reads(face, backend)
    _writes(face, backend)
    _conversation(face, backend)
    _tags(face, backend)
    _uploads(face, backend)
    _create(face, backend)


def _reads(face: Blueprint, backend: Backend) -> None:
    def show(ticket: Ticket) -> dict[str, Any]:
        return render.ticket(backend.account, ticket)

    @face.get("/tickets")
    def tickets_list() -> dict[str, Any]:
        found = [ticket for ticket in backend.account.tickets.values() if not ticket.deleted]
        return page("tickets", found, show) | _side_loads(backend, found)

    @face.get("/tickets/show_many")
    def tickets_show_many() -> dict[str, Any]:
        wanted = [backend.account.tickets.get(number) for number in ids(100)]
        found = [ticket for ticket in wanted if ticket is not None and not ticket.deleted]
        return page("tickets", found, show) | _side_loads(backend, found)

    @face.get("/tickets/<int:number>")
    def tickets_show(number: int) -> dict[str, Any]:
        ticket = backend.ticket(number)
        return {"ticket": show(ticket)} | _side_loads(backend, [ticket])


def _writes(face: Blueprint, backend: Backend) -> None:
    @face.put("/tickets/<int:number>")
    def tickets_update(number: int) -> dict[str, Any]:
        ticket = backend.ticket(number)
        wanted = attach(backend, given("ticket"))
        return answer(backend, backend.engine.update(ticket, wanted, me(), "api"))

    @face.delete("/tickets/<int:number>")
    def tickets_delete(number: int) -> tuple[str, int]:
        backend.engine.delete(backend.ticket(number), me())
        return "", 204

    @face.post("/tickets/<int:number>/merge")
    def tickets_merge(number: int) -> dict[str, Any]:
        body = request.get_json(silent=True) or {}
        target, sources = backend.ticket(number), [backend.ticket(int(each)) for each in body.get("ids") or []]
        items = [partial(_merge, backend, source, target, body, me()) for source in sources]
        job = backend.jobs.start("Ticket Merge", items)
        return {"job_status": backend.render_job(job, fresh=True)}


def _merge(backend: Backend, source: Ticket, target: Ticket, body: dict[str, Any], asks: User) -> Row:
    backend.engine.merge(source, target, body, asks)
    return {"id": source.id, "action": "merge", "success": True, "status": "Merged"}


def _create(face: Blueprint, backend: Backend) -> None:
    remembered: dict[str, tuple[float, str, Response]] = {}

    @face.post("/tickets")
    def tickets_create() -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return _created(backend)
        if len(key) > IDEMPOTENCY_KEY_MAX:
            raise errors.error(400, "IdempotentRequestError", "Idempotency-Key is longer than 255 characters")
        body = hashlib.sha256(request.get_data()).hexdigest()
        until, before, first = remembered.get(key, (0.0, "", Response()))
        if until <= backend.now():
            first = _created(backend)
            remembered[key] = (backend.now() + IDEMPOTENCY_SECONDS, body, first)
            return _looked_up(first, "miss")
        if before != body:
            raise errors.error(400, "IdempotentRequestError", "The key was used before with another request body")
        return _looked_up(first, "hit")


def _created(backend: Backend) -> Response:
    act = backend.engine.create(attach(backend, given("ticket")), me(), "api")
    reply = make_response(answer(backend, act), 201)
    reply.headers["Location"] = render.url(f"tickets/{act.ticket.id}")
    return reply


def _looked_up(first: Response, verdict: str) -> Response:
    reply = make_response(first.get_data(), first.status_code)
    reply.headers.update({"Content-Type": "application/json", "Location": first.headers["Location"]})
    reply.headers["x-idempotency-lookup"] = verdict
    return reply


def _conversation(face: Blueprint, backend: Backend) -> None:
    @face.get("/tickets/<int:number>/comments")
    def comments_list(number: int) -> dict[str, Any]:
        ticket = backend.ticket(number)
        audits = {audit.id: audit for audit in ticket.audits}

        def show(comment: Comment) -> dict[str, Any]:
            return render.comment(comment, audits[comment.audit_id])

        newest_first = request.args.get("sort") == "-created_at" or request.args.get("sort_order") == "desc"
        shown = list(reversed(ticket.comments)) if newest_first else ticket.comments
        authors = {comment.author_id for comment in ticket.comments}
        users = [render.user(backend.account.users[author]) for author in sorted(authors)]
        return page("comments", shown, show) | ({"users": users} if "users" in _included() else {})

    @face.get("/tickets/<int:number>/audits")
    def audits_list(number: int) -> dict[str, Any]:
        ticket = backend.ticket(number)
        return page("audits", ticket.audits, lambda audit: render.audit(audit, ticket))


def _tags(face: Blueprint, backend: Backend) -> None:
    def save(number: int, tags: list[str], action: Any) -> dict[str, Any]:
        ticket = backend.ticket(number)
        wanted = _tag_body() | {"tags": tags}
        backend.engine.update(ticket, wanted, me(), "api", action)
        return {"tags": ticket["tags"]}

    @face.get("/tickets/<int:number>/tags")
    def tags_list(number: int) -> dict[str, Any]:
        return {"tags": backend.ticket(number)["tags"]}

    @face.put("/tickets/<int:number>/tags")
    def tags_add(number: int) -> dict[str, Any]:
        return save(number, [*backend.ticket(number)["tags"], *_tag_body()["tags"]], "tag")

    @face.post("/tickets/<int:number>/tags")
    def tags_replace(number: int) -> tuple[dict[str, Any], int]:
        return save(number, _tag_body()["tags"], "tag"), 201

    @face.delete("/tickets/<int:number>/tags")
    def tags_remove(number: int) -> dict[str, Any]:
        gone = _tag_body()["tags"]
        return save(number, [tag for tag in backend.ticket(number)["tags"] if tag not in gone], "untag")


def _tag_body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or "tags" not in body:
        raise errors.bad_request('The body must be a JSON object with "tags"')
    return {
        "tags": wishes.tag_list(body["tags"]),
        "safe_update": str(body.get("safe_update", "")).lower() == "true",
        "updated_stamp": body.get("updated_stamp"),
    }


def _uploads(face: Blueprint, backend: Backend) -> None:
    @face.post("/uploads")
    def uploads_create() -> tuple[Response, int]:
        name = request.args.get("filename")
        if not name:
            raise errors.bad_request("filename is missing")
        token = f"{backend.account.chance.getrandbits(128):032x}"
        number = backend.account.next_id()
        attachment = {
            "id": number,
            "file_name": name,
            "content_type": request.content_type or "application/octet-stream",
            "content_url": f"{request.host_url}attachments/token/{token}/?name={name}",
            "size": len(request.get_data()),
            "inline": False,
        }
        backend.uploads[token] = {"attachment": attachment, "until": backend.now() + UPLOAD_SECONDS}
        shown = {"token": token, "expires_at": stamp(backend.now() + UPLOAD_SECONDS)}
        return jsonify(upload=shown | {"attachment": attachment, "attachments": [attachment]}), 201


def attach(backend: Backend, wanted: dict[str, Any]) -> dict[str, Any]:
    """The body with the upload tokens of its comment replaced by what was uploaded. Raises Refusal."""
    tokens = (wanted.get("comment") or {}).get("uploads")
    if not tokens:
        return wanted
    attachments = []
    for token in tokens if isinstance(tokens, list) else [tokens]:
        upload = backend.uploads.get(token)
        if upload is None or upload["until"] < backend.now():
            raise errors.invalid("uploads", "Uploads: token is invalid or expired", "InvalidValue")
        attachments.append(upload["attachment"])
    return wanted | {"comment": wanted["comment"] | {"attachments": attachments}}


def answer(backend: Backend, act: Act) -> dict[str, Any]:
    """The reply to a create or an update: the ticket, and the audit of what was done."""
    return {"ticket": render.ticket(backend.account, act.ticket), "audit": render.audit(act.audit, act.ticket)}


def _side_loads(backend: Backend, tickets: list[Ticket]) -> dict[str, Any]:
    account, wanted = backend.account, _included()
    loads: dict[str, Any] = {}
    if "users" in wanted:
        people = _named(tickets, "requester_id", "assignee_id") | {ticket.submitter_id for ticket in tickets}
        loads["users"] = [render.user(account.users[each]) for each in sorted(people)]
    if "groups" in wanted:
        loads["groups"] = [render.group(account.groups[each]) for each in sorted(_named(tickets, "group_id"))]
    if "organizations" in wanted:
        homes = sorted(_named(tickets, "organization_id"))
        loads["organizations"] = [render.organization(account.organizations[each]) for each in homes]
    return loads


def _named(tickets: list[Ticket], *names: str) -> set[int]:
    return {ticket[name] for ticket in tickets for name in names if ticket[name] is not None}


def _included() -> set[str]:
    return set(request.args.get("include", "").split(","))
