"""The routes of people and of the account's set-up; those of agents, groups and rules are for admins only."""

from typing import TypeVar

from flask import Blueprint, Response, g, jsonify

from sandbox.freshdesk import render
from sandbox.freshdesk.account import Account
from sandbox.freshdesk.records import Agent
from sandbox.freshdesk.rules import Rule, Rulebook, rule_body, type_of
from sandbox.freshdesk.wire import JSON, PAGING, Refusal, body, paged, positive, query, word_of

R = TypeVar("R")


def people_routes(api: Blueprint, account: Account) -> None:
    """Add the routes that every key may call."""

    @api.get("/agents/me")
    def me() -> JSON:
        return render.agent(account.agents[g.actor.id])

    @api.get("/contacts")
    def contacts() -> Response:
        given = query(**PAGING, email=str, company_id=positive())
        rows = [row for row in account.contacts.values() if row.email == given.get("email", row.email).lower()]
        rows = [row for row in rows if row.company_id == given.get("company_id", row.company_id)]
        return paged(rows, given, render.contact)

    @api.get("/contacts/<int:id_>")
    def contact(id_: int) -> JSON:
        return render.contact(_found(account.contacts, id_))

    @api.get("/companies")
    def companies() -> Response:
        return paged(list(account.companies.values()), query(**PAGING), render.company)

    @api.get("/companies/<int:id_>")
    def company(id_: int) -> JSON:
        return render.company(_found(account.companies, id_))

    @api.get("/ticket_fields")
    def ticket_fields() -> Response:
        given = query(type=str)
        rows = render.ticket_fields(account)
        return jsonify([row for row in rows if row["type"] == given.get("type", row["type"])])


def admin_routes(api: Blueprint, account: Account, book: Rulebook) -> None:
    """Add the routes that only an admin's key may call."""
    _agents(api, account)
    _groups(api, account)
    _rules(api, account, book)


def refuse_others() -> None:
    """Raise the 403 of a key whose agent is no admin."""
    if not g.actor.admin:
        raise Refusal(403, {"code": "access_denied", "message": "You are not authorized to perform this action."})


def _found(rows: dict[int, R], id_: int) -> R:
    if id_ not in rows:
        raise Refusal(404)
    return rows[id_]


def _agents(api: Blueprint, account: Account) -> None:
    @api.get("/agents")
    def agents() -> Response:
        given = query(**PAGING, email=str, state=word_of("fulltime"), only=word_of("availability"))
        rows = [row for row in account.agents.values() if row.email == given.get("email", row.email).lower()]
        return paged(rows, given, _availability if "only" in given else render.agent)

    @api.get("/agents/<int:id_>")
    def agent(id_: int) -> JSON:
        return render.agent(_found(account.agents, id_))

    @api.get("/agents/<int:id_>/availability")
    def availability(id_: int) -> JSON:
        return _availability(_found(account.agents, id_))

    def _availability(row: Agent) -> JSON:
        return render.availability(account, row)


def _groups(api: Blueprint, account: Account) -> None:
    @api.get("/groups")
    def groups() -> Response:
        return paged(list(account.groups.values()), query(**PAGING), lambda row: render.group(account, row))

    @api.get("/groups/<int:id_>")
    def group(id_: int) -> JSON:
        return render.group(account, _found(account.groups, id_))

    @api.get("/admin/groups")
    def admin_groups() -> Response:
        return paged(list(account.groups.values()), query(**PAGING), lambda row: render.admin_group(account, row))

    @api.get("/admin/groups/<int:id_>")
    def admin_group(id_: int) -> JSON:
        return render.admin_group(account, _found(account.groups, id_))

    @api.get("/admin/groups/<int:id_>/agents")
    def members(id_: int) -> Response:
        group = _found(account.groups, id_)
        rows = [row for row in account.agents.values() if group.id in row.group_ids]
        return paged(rows, query(**PAGING), render.group_agent)

    @api.get("/admin/skills")
    def skills() -> Response:
        return paged(list(account.skills.values()), query(**PAGING), lambda row: render.skill(account, row))

    @api.get("/sla_policies")
    def sla_policies() -> Response:
        return jsonify([render.sla_policy(account)])


def _rules(api: Blueprint, account: Account, book: Rulebook) -> None:
    @api.get("/automations/<int:type_>/rules")
    def rules(type_: int) -> Response:
        return paged(book.of(type_of(type_)), query(**PAGING), lambda row: render.rule(book, row))

    @api.post("/automations/<int:type_>/rules")
    def create(type_: int) -> tuple[JSON, int]:
        rule = book.add(type_of(type_), body(), g.actor, account.new_id("rule"), account.now())
        return render.rule(book, rule), 201

    @api.get("/automations/<int:type_>/rules/<int:id_>")
    def show(type_: int, id_: int) -> JSON:
        return render.rule(book, _rule(type_, id_))

    @api.put("/automations/<int:type_>/rules/<int:id_>")
    def update(type_: int, id_: int) -> JSON:
        rule = _rule(type_, id_)
        rule.body = rule_body(rule.type, rule.body | body())
        rule.updated_at, rule.last_updated_by = account.now(), g.actor.id
        return render.rule(book, rule)

    @api.delete("/automations/<int:type_>/rules/<int:id_>")
    def delete(type_: int, id_: int) -> Response:
        del book.rules[_rule(type_, id_).id]
        return Response(status=204)

    def _rule(type_: int, id_: int) -> Rule:
        found = _found(book.rules, id_)
        if found.type != type_of(type_):
            raise Refusal(404)
        return found
