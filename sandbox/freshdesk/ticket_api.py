"""The routes of tickets: read, list, search, create, update, bulk update, delete, merge."""

from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from sandbox.freshdesk import render, search
from sandbox.freshdesk.account import Account
from sandbox.freshdesk.fields import (
    PRIORITIES,
    SOURCES,
    TYPES,
    Check,
    custom,
    existing,
    filled,
    flag,
    integers,
    missing,
    one_of,
    optional,
    strings,
    text,
    time,
    typed,
    validate,
)
from sandbox.freshdesk.jobs import Jobs
from sandbox.freshdesk.records import OPEN, Contact, Ticket
from sandbox.freshdesk.tickets import NOTE, Tickets, Words, values_of
from sandbox.freshdesk.wire import (
    JSON,
    PAGING,
    PER_PAGE,
    FieldError,
    Refusal,
    body,
    field_error,
    instant,
    invalid,
    paged,
    positive,
    query,
    stamp,
    word_of,
    words_of,
)

BULK_MAX = 100
"""Tickets in one bulk update. [T]"""

LISTED_DAYS = 30
"""Without `updated_since` a list shows only tickets created within so many days."""

SEARCH_PAGES = 10

_ORDERS = ("created_at", "due_by", "updated_at", "status")


def ticket_routes(api: Blueprint, account: Account, acts: Tickets, jobs: Jobs) -> None:
    """Add the routes of tickets."""
    _reading(api, account)
    _writing(api, account, acts)
    _removing(api, account, acts)
    _bulk(api, account, jobs)
    _merging(api, account, acts)


def find_ticket(account: Account, id_: int, *, to_write: bool = False) -> Ticket:
    """The ticket. Raises Refusal 404 where there is none, and for writing where it is deleted. [I] the latter"""
    found = account.tickets.get(id_)
    if found is None or (to_write and found.deleted):
        raise Refusal(404)
    return found


def _reading(api: Blueprint, account: Account) -> None:
    @api.get("/tickets/<int:id_>")
    def show(id_: int) -> JSON:
        given = query(include=words_of("conversations", *render.INCLUDES))
        return render.ticket(account, find_ticket(account, id_), include=frozenset(given.get("include", ())))

    @api.get("/tickets")
    def listed() -> Response:
        given = query(
            **PAGING,
            include=words_of("description", *render.INCLUDES),
            filter=word_of("new_and_my_open", "deleted", "spam"),
            updated_since=instant,
            order_by=word_of(*_ORDERS),
            order_type=word_of("asc", "desc"),
            requester_id=positive(),
            company_id=positive(),
            email=str,
        )
        include = frozenset(given.get("include", ()))
        rows = _ordered(_selected(account, given), given)
        return paged(rows, given, lambda row: render.ticket(account, row, described=False, include=include))

    @api.get("/search/tickets")
    def searched() -> JSON:
        given = query(query=search.parse, page=positive(SEARCH_PAGES))
        if "query" not in given:
            raise invalid([missing("query")])
        alive = [row for row in account.tickets.values() if not (row.deleted or row.spam)]
        found = [row for row in alive if given["query"](row)]
        start = (given.get("page", 1) - 1) * PER_PAGE
        return {
            "total": len(found),
            "results": [render.ticket(account, row) for row in found[start : start + PER_PAGE]],
        }


def _selected(account: Account, given: JSON) -> list[Ticket]:
    rows = _filtered(account, given.get("filter"))
    if "updated_since" in given:
        rows = [row for row in rows if row.updated_at >= given["updated_since"]]
    else:
        rows = [row for row in rows if row.created_at >= account.now() - LISTED_DAYS * 86_400]
    if "email" in given:
        asker = account.contact(given["email"])
        rows = [row for row in rows if asker and row.requester_id == asker.id]
    for name in ("requester_id", "company_id"):
        rows = [row for row in rows if getattr(row, name) == given.get(name, getattr(row, name))]
    return rows


def _filtered(account: Account, word: str | None) -> list[Ticket]:
    rows = account.tickets.values()
    if word == "deleted":
        return [row for row in rows if row.deleted]
    if word == "spam":
        return [row for row in rows if row.spam and not row.deleted]
    alive = [row for row in rows if not (row.deleted or row.spam)]
    if word == "new_and_my_open":
        return [row for row in alive if row.status == OPEN and row.responder_id in {None, g.actor.id}]
    return alive


def _ordered(rows: list[Ticket], given: JSON) -> list[Ticket]:
    """By whole seconds, as the wire shows times; what is equal then goes by id."""
    name = given.get("order_by", "created_at")
    return sorted(rows, key=lambda row: (int(getattr(row, name)), row.id), reverse=given.get("order_type") != "asc")


def _writing(api: Blueprint, account: Account, acts: Tickets) -> None:
    @api.post("/tickets")
    def create() -> Response:
        given = validate(body(), _create_checks(account), required=("subject", "description"))
        requester = _requester(account, given)
        _refuse_inconsistent(account, given, account.custom_fields)
        values = {name: value for name, value in given.items() if name not in {"requester_id", "email", "name"}}
        ticket = acts.create(values_of(values), requester, g.actor)
        response = jsonify(render.ticket(account, ticket))
        response.status_code = 201
        response.headers["Location"] = f"{request.base_url}/{ticket.id}"
        return response

    @api.put("/tickets/<int:id_>")
    def update(id_: int) -> JSON:
        ticket = find_ticket(account, id_, to_write=True)
        given = validate(body(), _update_checks(account))
        _refuse_inconsistent(account, given, ticket.custom_fields)
        acts.update(ticket, values_of(given), g.actor)
        return render.ticket(account, ticket)


def _property_checks(account: Account) -> dict[str, Check]:
    agents, groups = account.agents, account.groups
    return {
        "status": one_of(int, account.statuses),
        "priority": one_of(int, PRIORITIES),
        "source": one_of(int, SOURCES),
        "type": optional(one_of(str, TYPES)),
        "responder_id": optional(existing("agent", agents)),
        "group_id": optional(existing("group", groups)),
        "internal_agent_id": optional(existing("agent", agents)),
        "internal_group_id": optional(existing("group", groups)),
        "company_id": optional(existing("company", account.companies)),
        "parent_id": optional(existing("ticket", account.tickets)),
        "product_id": optional(existing("product", ())),
        "email_config_id": optional(existing("email config", ())),
        "due_by": time,
        "fr_due_by": time,
        "tags": strings,
        "custom_fields": custom(account.custom_fields),
        "subject": filled,
        "description": text,
    }


def _update_checks(account: Account) -> dict[str, Check]:
    return _property_checks(account) | {"requester_id": existing("contact", account.contacts)}


def _create_checks(account: Account) -> dict[str, Check]:
    who: dict[str, Check] = {"email": filled, "name": text, "cc_emails": strings}
    return _update_checks(account) | who


def _requester(account: Account, given: JSON) -> Contact:
    if "requester_id" in given:
        return account.contacts[given["requester_id"]]
    if "email" in given:
        return account.contact_for(given["email"], given.get("name"))
    message = "Please fill at least 1 of requester_id, phone, email, twitter_id, facebook_id, unique_external_id fields"
    raise invalid([field_error("requester_id", message, "missing_field")])


def _refuse_inconsistent(account: Account, given: JSON, custom_fields: JSON) -> None:
    """Refuse fields that are each right and do not go together.

    [I] The reference has the codes; which combinations meet them is only known for what an account demands of agents.
    """
    errors: list[FieldError] = []
    agent, group = account.agents.get(given.get("responder_id") or 0), given.get("group_id")
    if agent and group and group not in agent.group_ids:
        errors.append(field_error("responder_id", "The agent is not a member of the group", "inconsistent_state"))
    if "due_by" in given and "fr_due_by" in given and instant(given["due_by"]) < instant(given["fr_due_by"]):
        errors.append(field_error("fr_due_by", "It should be earlier than due_by", "invalid_value"))
    after = custom_fields | given.get("custom_fields", {})
    wanted = (field.name for field in account.custom_fields.values() if field.required_for_agents)
    errors += [missing(f"custom_fields.{name}") for name in wanted if after.get(name) in (None, "")]
    if errors:
        raise invalid(errors)


def _removing(api: Blueprint, account: Account, acts: Tickets) -> None:
    @api.delete("/tickets/<int:id_>")
    def delete(id_: int) -> Response:
        acts.flag(find_ticket(account, id_, to_write=True), "deleted", value=True, actor=g.actor)
        return Response(status=204)

    @api.put("/tickets/<int:id_>/restore")
    def restore(id_: int) -> Response:
        ticket = find_ticket(account, id_)
        if not ticket.deleted:
            raise Refusal(404)
        acts.flag(ticket, "deleted", value=False, actor=g.actor)
        return Response(status=204)


def _bulk(api: Blueprint, account: Account, jobs: Jobs) -> None:
    @api.post("/tickets/bulk_update")
    def bulk_update() -> tuple[JSON, int]:
        given = validate(body(), {"bulk_action": typed(dict)}, required=("bulk_action",))["bulk_action"]
        reply = {"ids": integers, "properties": typed(dict), "reply": typed(dict)}
        validate(given, reply, required=("ids",))
        properties = given.get("properties", {})
        validate(properties, _update_checks(account) | {"skip_close_notification": flag})
        validate(given.get("reply", {}), {"body": filled})
        _refuse_bulk(given["ids"], properties)
        properties = {name: value for name, value in properties.items() if name != "skip_close_notification"}
        words = given.get("reply", {}).get("body")
        job = jobs.queue(given["ids"], values_of(properties), words, g.actor)
        return {"job_id": job.id, "href": f"{request.host_url}api/v2/jobs/{job.id}"}, 202

    @api.get("/jobs/<id_>")
    def job(id_: str) -> JSON:
        found = jobs.jobs.get(id_)
        if found is None:
            raise Refusal(404)
        return {
            "id": found.id,
            "created_at": stamp(found.created_at),
            "status_updated_at": stamp(found.done_at if found.done else found.created_at),
            "status": "COMPLETED" if found.done else "IN PROGRESS",
            "progress": 100 if found.done else 0,
            "data": found.results,
        }


def _refuse_bulk(ids: list[int], properties: JSON) -> None:
    errors: list[FieldError] = []
    if not 0 < len(ids) <= BULK_MAX:
        errors.append(field_error("ids", f"It should have 1 to {BULK_MAX} elements", "invalid_value"))
    if not properties.keys().isdisjoint({"internal_agent_id", "internal_group_id"}) and "status" not in properties:
        errors.append(
            field_error("status", "It is needed with internal_agent_id and internal_group_id", "missing_field")
        )
    if errors:
        raise invalid(errors)


def _merging(api: Blueprint, account: Account, acts: Tickets) -> None:
    @api.put("/tickets/merge")
    def merge() -> Response:
        checks: dict[str, Check] = {
            "primary_id": existing("ticket", account.tickets),
            "ticket_ids": integers,
            "convert_recepients_to_cc": flag,  # spelt so in the reference
            "note_in_primary": typed(dict),
            "note_in_secondary": typed(dict),
        }
        given = validate(body(), checks, required=("primary_id", "ticket_ids"))
        wrong = [existing("ticket", account.tickets)("ticket_ids", id_) for id_ in given["ticket_ids"]]
        if any(wrong):
            raise invalid(error for errors in wrong for error in errors)
        if given["primary_id"] in given["ticket_ids"]:
            raise invalid([field_error("ticket_ids", "It should not hold the primary ticket", "invalid_value")])
        others = [account.tickets[id_] for id_ in given["ticket_ids"]]
        notes = _merge_note(given.get("note_in_primary")), _merge_note(given.get("note_in_secondary"))
        acts.merge(account.tickets[given["primary_id"]], others, notes, g.actor)
        return Response(status=204)


def _merge_note(given: dict[str, Any] | None) -> Words | None:
    if given is None:
        return None
    validate(given, {"body": filled, "private": flag}, required=("body",))
    return Words(given["body"], NOTE, private=given.get("private", True))
