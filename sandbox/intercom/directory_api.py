"""Routes of the directory: who am I, admins, teams, tags, contacts, companies, attributes, ticket types and states."""

from collections import Counter
from typing import Any

from flask import Blueprint, request

from sandbox.intercom.account import Workspace
from sandbox.intercom.errors import ApiError, invalid, missing, not_found
from sandbox.intercom.hooks import Hooks
from sandbox.intercom.model import ATTRIBUTE_TYPES, Admin, Attribute, Contact, Tag
from sandbox.intercom.paging import cursor_page, number_page
from sandbox.intercom.search import compiled, contact_field
from sandbox.intercom.wire import Wire, body, choice, need, want

Json = dict[str, Any]

CONTACTS_PER_PAGE = 50


def admin_routes(space: Workspace, wire: Wire, hooks: Hooks) -> Blueprint:
    """`/me`, `/admins`, `/away_status_reasons`, `/teams`."""
    face = Blueprint("admins", __name__)

    @face.get("/me")
    def me() -> Json:
        return wire.renderer.me(space.integration)

    @face.get("/admins")
    def admins() -> Json:
        return {"type": "admin.list", "admins": [wire.renderer.admin(admin) for admin in space.admins.values()]}

    @face.get("/admins/<admin_id>")
    def admin(admin_id: str) -> Json:
        return wire.renderer.admin(_admin(space, admin_id))

    @face.put("/admins/<admin_id>/away")
    def away(admin_id: str) -> Json:
        found, given = _admin(space, admin_id), body()
        reason = want(given, "away_status_reason_id", int)
        if reason is not None and str(reason) not in space.away_reasons:
            raise invalid("Away status reason not found", "away_status_reason_id")
        away_now, reassign = (need(given, name, bool) for name in ("away_mode_enabled", "away_mode_reassign"))
        found.away, found.reassign = away_now, reassign
        found.away_reason_id = str(reason) if reason and away_now else None
        hooks.tell_away(found)
        return wire.renderer.admin(found)

    @face.get("/away_status_reasons")
    def away_reasons() -> Json:
        return {"type": "list", "data": [wire.renderer.away_reason(reason) for reason in space.away_reasons.values()]}

    _team_routes(face, space, wire)
    return face


def _team_routes(face: Blueprint, space: Workspace, wire: Wire) -> None:
    @face.get("/teams")
    def teams() -> Json:
        return {"type": "team.list", "teams": [wire.renderer.team(team) for team in space.teams.values()]}

    @face.get("/teams/<team_id>")
    def team(team_id: str) -> Json:
        if team_id not in space.teams:
            raise not_found("Team not found", "team_not_found")
        return wire.renderer.team(space.teams[team_id])

    @face.get("/teams/<team_id>/metrics")
    def metrics(team_id: str) -> Json:
        if not wire.version.at_least(16):
            raise not_found()
        if team_id not in space.teams:
            raise not_found("Team not found", "team_not_found")
        return {"type": "team_metric.list", "data": _metrics(space, space.teams[team_id].admin_ids)}


def _metrics(space: Workspace, admin_ids: list[str]) -> list[Json]:
    items = [item for item in space.conversations.values() if item.open]
    awake = Counter(item.admin_id for item in items if not item.snoozed_until)
    asleep = Counter(item.admin_id for item in items if item.snoozed_until)
    return [
        {"type": "team_metric", "admin_id": one, "open": awake[one], "idle": 0, "snoozed": asleep[one]}
        for one in admin_ids
    ]


def tag_routes(space: Workspace, wire: Wire) -> Blueprint:
    """`/tags`."""
    face = Blueprint("tags", __name__)

    @face.get("/tags")
    def tags() -> Json:
        return {"type": "list", "data": [wire.renderer.tag(tag) for tag in space.tags.values()]}

    @face.post("/tags")
    def create() -> Json:
        given = body()
        name: str = need(given, "name", str)
        if not name.strip():
            raise invalid("invalid tag parameters", "name")
        if (tag_id := want(given, "id", str)) is None:
            return wire.renderer.tag(space.tag_named(name))
        tag = _tag(space, tag_id)
        tag.name = name
        return wire.renderer.tag(tag)

    @face.get("/tags/<tag_id>")
    def tag(tag_id: str) -> Json:
        return wire.renderer.tag(_tag(space, tag_id))

    @face.delete("/tags/<tag_id>")
    def delete(tag_id: str) -> Json:
        del space.tags[_tag(space, tag_id).id]
        for item in (*space.conversations.values(), *space.tickets.values()):
            item.tags.pop(tag_id, None)
        return {}

    return face


def contact_routes(space: Workspace, wire: Wire, now: Any) -> Blueprint:
    """`/contacts` and `/companies`; contacts are searched by the calendar day of their dates."""
    face = Blueprint("contacts", __name__)

    @face.get("/contacts")
    def contacts() -> Json:
        per_page = request.args.get("per_page", CONTACTS_PER_PAGE)
        return _contact_list(wire, list(space.contacts.values()), per_page, request.args.get("starting_after"))

    @face.post("/contacts")
    def create() -> Json:
        return wire.renderer.contact(_create_contact(space, body(), now()))

    @face.post("/contacts/search")
    def search() -> Json:
        given = body()
        test, pagination = compiled(need(given, "query", dict), contact_field), want(given, "pagination", dict) or {}
        found = [contact for contact in space.contacts.values() if test(contact)]
        per_page = pagination.get("per_page") or CONTACTS_PER_PAGE
        return _contact_list(wire, found, per_page, pagination.get("starting_after"))

    @face.get("/contacts/<contact_id>")
    def contact(contact_id: str) -> Json:
        return wire.renderer.contact(_contact(space, contact_id))

    @face.get("/contacts/<contact_id>/companies")
    def companies_of(contact_id: str) -> Json:
        ids = _contact(space, contact_id).company_ids
        rows, pages = number_page([space.companies[one] for one in ids], CONTACTS_PER_PAGE, 60)
        data = [wire.renderer.company(company) for company in rows]
        return {"type": "list", "data": data, "pages": pages, "total_count": len(ids)}

    _company_routes(face, space, wire)
    return face


def _company_routes(face: Blueprint, space: Workspace, wire: Wire) -> None:
    @face.get("/companies")
    def companies() -> Json:
        for key in ("name", "company_id"):
            if key in request.args:
                found = [row for row in space.companies.values() if getattr(row, key) == request.args[key]]
                if not found:
                    raise not_found("Company Not Found", "company_not_found")
                return wire.renderer.company(found[0])
        return everything()

    @face.post("/companies/list")
    def everything() -> Json:
        rows, pages = number_page(list(space.companies.values()), 15, 60)
        shown = [wire.renderer.company(company) for company in rows]
        return {"type": "list", "data": shown, "pages": pages, "total_count": len(space.companies)}

    @face.get("/companies/<company_id>")
    def company(company_id: str) -> Json:
        if company_id not in space.companies:
            raise not_found("Company Not Found", "company_not_found")
        return wire.renderer.company(space.companies[company_id])


def attribute_routes(space: Workspace, wire: Wire, now: Any) -> Blueprint:
    """Attributes of conversations (moved to a call of their own in 2.16), ticket types and ticket states."""
    face = Blueprint("attributes", __name__)

    @face.get("/data_attributes")
    def data_attributes() -> Json:
        model = request.args.get("model", "contact")
        if model == "conversation" and wire.version.at_least(16):
            words = "model=conversation is no longer supported. Use GET /conversations/attributes instead"
            raise ApiError(422, "parameter_invalid", words)
        known = space.attributes if model == "conversation" else []
        return {"type": "list", "data": [wire.renderer.data_attribute(row, model) for row in known]}

    @face.get("/conversations/attributes")
    def conversation_attributes() -> Json:
        _since_2_16(wire)
        kept = request.args.get("include_archived") == "true"
        rows = [row for row in space.attributes if kept or not row.archived]
        return {"type": "list", "data": [wire.renderer.conversation_attribute(row) for row in rows]}

    @face.post("/conversations/attributes")
    def create() -> Json:
        _since_2_16(wire)
        attribute = _new_attribute(space, body(), now())
        space.attributes.append(attribute)
        return wire.renderer.conversation_attribute(attribute)

    @face.get("/ticket_types")
    def ticket_types() -> Json:
        return {"type": "list", "data": [wire.renderer.ticket_type(kind) for kind in space.types.values()]}

    @face.get("/ticket_types/<type_id>")
    def ticket_type(type_id: str) -> Json:
        if type_id not in space.types:
            raise not_found("Ticket type not found", "ticket_type_not_found")
        return wire.renderer.ticket_type(space.types[type_id])

    @face.get("/ticket_states")
    def ticket_states() -> Json:
        return {"type": "list", "data": [wire.renderer.ticket_state_detailed(state) for state in space.states()]}

    return face


def _since_2_16(wire: Wire) -> None:
    if not wire.version.at_least(16):
        raise not_found()


def _new_attribute(space: Workspace, given: Json, now: float) -> Attribute:
    """Intercom does not keep a workspace from having two of the same name (its words on the update of 2.16)."""
    data_type = choice(given, "data_type", ATTRIBUTE_TYPES)
    options = tuple(str(option.get("label")) for option in want(given, "options", list) or ())
    taken = [*space.attributes, *(row for kind in space.types.values() for row in kind.attributes)]
    number = max(attribute.id for attribute in taken) + 1
    return Attribute(number, need(given, "name", str), data_type, int(now), options=options)


def _admin(space: Workspace, admin_id: str) -> Admin:
    if admin_id not in space.admins:
        raise not_found("Admin not found", "admin_not_found")
    return space.admins[admin_id]


def _tag(space: Workspace, tag_id: str) -> Tag:
    if tag_id not in space.tags:
        raise not_found()
    return space.tags[tag_id]


def _contact(space: Workspace, contact_id: str) -> Contact:
    if contact_id not in space.contacts:
        raise not_found("User Not Found")
    return space.contacts[contact_id]


def _create_contact(space: Workspace, given: Json, now: float) -> Contact:
    email, external_id = want(given, "email", str), want(given, "external_id", str)
    if not email and not external_id and not want(given, "role", str):
        raise missing("email")
    for contact in space.contacts.values():
        if (email and contact.email == email.lower()) or (external_id and contact.external_id == external_id):
            words = f"A contact matching those details already exists with id={contact.id}"
            raise ApiError(409, "conflict", words)
    contact = space.contact_of(email or "", want(given, "name", str), now)
    contact.external_id, contact.phone = external_id, want(given, "phone", str)
    contact.role = want(given, "role", str) or "user"
    contact.attributes = want(given, "custom_attributes", dict) or {}
    return contact


def _contact_list(wire: Wire, found: list[Contact], per_page: Any, after: Any) -> Json:
    rows, pages = cursor_page(found, per_page, after)
    shown = [wire.renderer.contact(contact) for contact in rows]
    return {"type": "list", "data": shown, "total_count": len(found), "pages": pages}
