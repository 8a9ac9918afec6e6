"""Who is there and how busy (agent availabilities, JSON:API), and who knows what (routing attributes)."""

from typing import Any

from flask import Blueprint, request

from sandbox.zendesk import errors, render
from sandbox.zendesk.backend import Backend, admin_only
from sandbox.zendesk.paging import by_cursor
from sandbox.zendesk.state import CHANNEL, STATUSES, Skill, User
from sandbox.zendesk.times import event_time, stamp


def routes(face: Blueprint, backend: Backend) -> None:
    """Register the endpoints."""
    _availabilities(face, backend)
    _statuses(face, backend)
    _attributes(face, backend)
    _instance_values(face, backend)


def _availabilities(face: Blueprint, backend: Backend) -> None:
    def show(agent: User) -> dict[str, Any]:
        return _availability(agent)

    @face.get("/agent_availabilities")
    def agent_availabilities_list() -> dict[str, Any]:
        admin_only()
        staff = sorted(backend.account.staff(), key=lambda agent: agent.id)
        paged = by_cursor("data", staff, show)
        shown = {row["attributes"]["agent_id"] for row in paged["data"]}
        return paged | {"included": [_channel(backend, agent) for agent in staff if agent.id in shown]}

    @face.get("/agent_availabilities/<int:number>")
    def agent_availabilities_show(number: int) -> dict[str, Any]:
        admin_only()
        agent = _agent(backend, number)
        return {"data": _availability(agent), "included": [_channel(backend, agent)]}


def _agent(backend: Backend, number: int) -> User:
    agent = backend.account.users.get(number)
    if agent is None or not agent.is_staff:
        raise errors.not_found()
    return agent


def _availability(agent: User) -> dict[str, Any]:
    name = f"agent_availabilities|{agent.id}"
    return {
        "id": name,
        "type": "agent_availabilities",
        "attributes": {
            "agent_id": agent.id,
            "agent_status": {
                "id": STATUSES[agent.status],
                "name": agent.status,
                "reason": "AGENT_LOGOUT" if agent.status == "offline" else "AGENT_LOGIN",
                "updated_at": event_time(agent.status_at),
            },
            "group_ids": agent.group_ids,
            "skills": [{"id": skill} for skill in agent.skill_ids],
            "version": agent.version,
        },
        "links": {"self": render.url(f"agent_availabilities/{agent.id}")},
        "relationships": {"channels": {"data": [{"id": f"{name}|channels|{CHANNEL}", "type": "channels"}]}},
    }


def _channel(backend: Backend, agent: User) -> dict[str, Any]:
    return {
        "id": f"agent_availabilities|{agent.id}|channels|{CHANNEL}",
        "type": "channels",
        "attributes": {
            "name": CHANNEL,
            "status": agent.status,
            "work_item_count": len(backend.account.work_items(agent)),
            "max_capacity": backend.account.capacity,
            "updated_at": event_time(agent.status_at),
        },
    }


def _statuses(face: Blueprint, backend: Backend) -> None:
    @face.get("/agent_availabilities/agent_statuses")
    def agent_statuses_list() -> dict[str, Any]:
        admin_only()
        return {
            "agent_statuses": [
                {"id": number, "name": name.replace("_", " ").capitalize(), "channels": {CHANNEL: name}}
                for name, number in STATUSES.items()
            ]
        }

    @face.put("/agent_availabilities/agent_statuses/agents/<int:number>")
    def agent_statuses_set(number: int) -> dict[str, Any]:
        admin_only()
        body = request.get_json(silent=True) or {}
        names = {number: name for name, number in STATUSES.items()}
        if body.get("id") not in names:
            raise errors.bad_request(f"id must be one of {', '.join(map(str, names))}")
        agent = _agent(backend, number)
        backend.set_status(agent, names[body["id"]])
        return {"agent_status": _availability(agent)["attributes"]["agent_status"]}


def _attributes(face: Blueprint, backend: Backend) -> None:
    skills = backend.account.skills

    @face.get("/routing/attributes")
    def attributes_list() -> dict[str, Any]:
        names = {skill.attribute_id: skill.attribute for skill in skills.values()}
        moment = stamp(backend.account.bridge.created_at)
        rows = [
            {"id": key, "name": name, "url": render.url(f"routing/attributes/{key}"), "created_at": moment}
            for key, name in names.items()
        ]
        return {"attributes": rows, "count": len(rows), "next_page": None, "previous_page": None}

    @face.get("/routing/attributes/<attribute>/values")
    def attribute_values_list(attribute: str) -> dict[str, Any]:
        found = [skill for skill in skills.values() if skill.attribute_id == attribute]
        if not found:
            raise errors.not_found()
        return _values(found)


def _instance_values(face: Blueprint, backend: Backend) -> None:
    skills = backend.account.skills

    @face.get("/routing/agents/<int:number>/instance_values")
    def agent_values(number: int) -> dict[str, Any]:
        return _values([skills[each] for each in _agent(backend, number).skill_ids])

    @face.get("/routing/tickets/<int:number>/instance_values")
    def ticket_values(number: int) -> dict[str, Any]:
        return _values([skills[each] for each in backend.ticket(number).skill_ids if each in skills])

    @face.post("/routing/tickets/<int:number>/instance_values")
    def ticket_values_set(number: int) -> dict[str, Any]:
        ticket = backend.ticket(number)
        ticket.skill_ids = list((request.get_json(silent=True) or {}).get("attribute_value_ids") or [])
        ticket.generated_at = backend.now()
        return ticket_values(number)


def _values(found: list[Skill]) -> dict[str, Any]:
    return {"attribute_values": [render.skill(skill) for skill in found]}
