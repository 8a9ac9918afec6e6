"""The routes of tickets."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request

from sandbox.intercom.account import Workspace
from sandbox.intercom.errors import ApiError, invalid, not_found
from sandbox.intercom.inbox import Actor
from sandbox.intercom.model import Contact, Ticket, TicketState
from sandbox.intercom.paging import cursor_page
from sandbox.intercom.search import compiled, ticket_field
from sandbox.intercom.tickets import Tickets
from sandbox.intercom.wire import Wire, body, check_attributes, need, want

Json = dict[str, Any]


def ticket_routes(space: Workspace, wire: Wire, acts: Tickets) -> Blueprint:
    """`/tickets`, and `/jobs/status` of those that were enqueued."""
    face = Blueprint("tickets", __name__)
    _create_routes(face, wire, acts)
    _item_routes(face, space, wire, acts)
    _talk_routes(face, space, wire, acts)
    return face


def find_ticket(space: Workspace, ticket_id: str) -> Ticket:
    """The ticket of an id, which is not the number that people see. Raises ApiError (404)."""
    if ticket_id not in space.tickets:
        raise not_found("Ticket not found", "ticket_not_found")
    return space.tickets[ticket_id]


def _create_routes(face: Blueprint, wire: Wire, acts: Tickets) -> None:
    made: dict[str, Ticket] = {}

    @face.post("/tickets")
    def create() -> Json:
        return wire.renderer.ticket(_create(wire, acts, body()))

    @face.post("/tickets/enqueue")
    def enqueue() -> Json:
        item, job_id = _create(wire, acts, body()), f"job_{len(made) + 1}"
        made[job_id] = item
        return _job(job_id, "pending")

    @face.get("/jobs/status/<job_id>")
    def job(job_id: str) -> Json:
        if job_id not in made:
            raise not_found("Job Not Found", "job_not_found")
        number = made[job_id].id
        return _job(job_id, "success") | {"resource_id": number, "resource_url": f"{request.host_url}tickets/{number}"}


def _job(job_id: str, status: str) -> Json:
    url = f"{request.host_url}jobs/status/{job_id}"
    return {"type": "job", "id": job_id, "url": url, "status": status, "resource_type": "ticket"}


def _create(wire: Wire, acts: Tickets, given: Json) -> Ticket:
    """Everything is checked before anything is made."""
    kind = wire.space.types.get(need(given, "ticket_type_id", str))
    if kind is None:
        raise not_found("Ticket type not found", "ticket_type_not_found")
    values = check_attributes(given.get("ticket_attributes", {}), kind.attributes)
    if any(attribute.required and not values.get(attribute.name) for attribute in kind.attributes):
        raise invalid("Missing required ticket attributes", "ticket_attributes")
    company_id, assigned = wire.company(given), _assignment(wire, want(given, "assignment", dict) or {})
    item = acts.open(_contact(wire, acts, need(given, "contacts", list)), kind, values, wire.owner)
    if company_id:
        acts.edit(item, wire.owner, company_id=company_id)
    for who, to in assigned.items():
        acts.assign(item, wire.owner, who, to)
    return item


def _contact(wire: Wire, acts: Tickets, given: list[Any]) -> Contact:
    """The one contact of a new ticket; one with an address that nobody has is made."""
    if len(given) != 1 or not isinstance(given[0], dict):
        raise invalid("contacts must hold exactly one contact", "contacts")
    email = want(given[0], "email", str)
    if email:
        return wire.space.contact_of(email, None, acts.now())
    return wire.contact(given[0], {"id": "id", "external_id": "external_id"})


def _assignment(wire: Wire, given: Json) -> dict[str, str | None]:
    wanted = {who: want(given, f"{who}_assignee_id", str) for who in ("admin", "team")}
    return {who: wire.assignee(who, to) for who, to in wanted.items() if to}


def _item_routes(face: Blueprint, space: Workspace, wire: Wire, acts: Tickets) -> None:
    @face.post("/tickets/search")
    def search() -> Json:
        given = body()
        test, pagination = compiled(need(given, "query", dict), ticket_field), want(given, "pagination", dict) or {}
        found = [item for item in space.tickets.values() if test(item)]
        rows, pages = cursor_page(found, pagination.get("per_page"), pagination.get("starting_after"))
        shown = [wire.renderer.ticket(item) for item in rows]
        return {"type": "ticket.list", "tickets": shown, "total_count": len(found), "pages": pages}

    @face.get("/tickets/<ticket_id>")
    def ticket(ticket_id: str) -> Json:
        return wire.renderer.ticket(find_ticket(space, ticket_id))

    @face.put("/tickets/<ticket_id>")
    def update(ticket_id: str) -> Json:
        item, given = find_ticket(space, ticket_id), body()
        actor = wire.updating(given)
        _read_update(wire, item, given).carry_out(acts, item, actor)
        return wire.renderer.ticket(item)

    @face.delete("/tickets/<ticket_id>")
    def delete(ticket_id: str) -> Json:
        acts.delete(find_ticket(space, ticket_id), wire.owner)
        return {"id": ticket_id, "object": "ticket", "deleted": True}


@dataclass(frozen=True)
class _Update:
    """What an update asks for, checked; None asks for nothing."""

    values: Json
    fields: Json
    assigned: dict[str, str | None]
    state: TicketState | None
    open: bool | None
    until: int | None

    def carry_out(self, acts: Tickets, item: Ticket, actor: Actor) -> None:
        """Attributes, plain fields, state, whether it is open, the snooze, and last the assignment."""
        if self.values:
            acts.describe(item, actor, self.values)
        if self.fields:
            acts.edit(item, actor, **self.fields)
        if self.state is not None and self.state is not item.state:
            acts.move(item, actor, self.state)
        if self.open is not None and self.open is not item.open:
            acts.set_open(item, actor, open_=self.open)
        if self.until is not None and item.open:
            acts.snooze(item, actor, self.until)
        for who, to in self.assigned.items():
            acts.assign(item, actor, who, to)


def _read_update(wire: Wire, item: Ticket, given: Json) -> _Update:
    fields: Json = {}
    if want(given, "is_shared", bool) is not None:
        fields["is_shared"] = given["is_shared"]
    if "company_id" in given:
        fields["company_id"] = wire.company(given)
    return _Update(
        values=check_attributes(given.get("ticket_attributes", {}), item.type.attributes),
        fields=fields,
        assigned=_assigned(wire, item, need(given, "assignee_id", str)) if "assignee_id" in given else {},
        state=_state(item, need(given, "ticket_state_id", str)) if "ticket_state_id" in given else None,
        open=want(given, "open", bool),
        until=want(given, "snoozed_until", int),
    )


def _state(item: Ticket, state_id: str) -> TicketState:
    for state in item.type.states:
        if state.id == state_id:
            return state
    words = "Ticket state id is not valid or is not associated with the ticket type"
    raise ApiError(400, "ticket_state_id_invalid", words)


def _assigned(wire: Wire, item: Ticket, assignee_id: str) -> dict[str, str | None]:
    """One id names an admin or a team; "0" takes the ticket from whoever has it."""
    if assignee_id == "0":
        return {who: None for who, held in (("admin", item.admin_id), ("team", item.team_id)) if held}
    who = "team" if assignee_id in wire.space.teams else "admin"
    return {who: wire.assignee(who, assignee_id)}


def _talk_routes(face: Blueprint, space: Workspace, wire: Wire, acts: Tickets) -> None:
    @face.post("/tickets/<ticket_id>/reply")
    def reply(ticket_id: str) -> Json:
        item, given = find_ticket(space, ticket_id), body()
        if given.get("type") == "user" and item.type.category == "Back-office":
            raise ApiError(400, "parameter_mismatch", "User replies are not allowed on Backoffice tickets")
        return wire.renderer.ticket_part(wire.say(acts, item, given))

    @face.post("/tickets/<ticket_id>/tags")
    def tag(ticket_id: str) -> Json:
        item, given = find_ticket(space, ticket_id), body()
        return wire.tag(acts, item, given)

    @face.delete("/tickets/<ticket_id>/tags/<tag_id>")
    def untag(ticket_id: str, tag_id: str) -> Json:
        item, given = find_ticket(space, ticket_id), body()
        return wire.untag(acts, item, tag_id, given)
