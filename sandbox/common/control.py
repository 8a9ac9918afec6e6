"""The control face, the same at every sandbox desk: play customers and agents, write help, set faults, read the state.

`GET /_sandbox/state` shows each ticket as {"id", "kind", "subject", "status", "priority", "assignee", "team", "tags",
"fields", "notes": [{"id", "body", "author", "at"}], "replies": [{"id", "body", "author", "author_kind", "at",
"public"}], "requester", "created_at", "updated_at"}: people are e-mail addresses, times unix seconds, status and
priority the vendor's own values.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from sandbox.common.acts import AgentEdit, ControlError, CustomerMessage

if TYPE_CHECKING:  # the desk registers this face
    from sandbox.common.desk import SandboxDesk

_STATUSES = ("online", "away", "offline")
_CHANGES = {"assignee", "team", "status", "priority", "add_tags", "remove_tags", "fields"}


def control_face(desk: "SandboxDesk") -> Blueprint:
    """The blueprint of the control face of one desk."""
    face = Blueprint("control", __name__)
    face.register_error_handler(ControlError, _refuse)
    _people(face, desk)
    _help(face, desk)
    _faults(face, desk)
    _views(face, desk)
    return face


def _refuse(error: Exception) -> tuple[Response, int]:
    return jsonify(error=str(error)), error.status if isinstance(error, ControlError) else 400


def _people(face: Blueprint, desk: "SandboxDesk") -> None:
    @face.post("/customers/write")
    def customers_write() -> dict[str, Any]:
        return {"ticket": desk.customer_writes(_message(_given("email", "body")))}

    @face.post("/agents/edit")
    def agents_edit() -> dict[str, Any]:
        desk.agent_edits(_edit(_given("agent", "ticket")))
        return {"ok": True}

    @face.post("/agents/status")
    def agents_status() -> dict[str, Any]:
        given = _given("agent", "status")
        if given["status"] not in _STATUSES:
            raise ControlError(f"status must be one of {', '.join(_STATUSES)}")
        desk.agent_status(given["agent"], given["status"])
        return {"ok": True}

    @face.post("/agents/remove")
    def agents_remove() -> dict[str, Any]:
        desk.remove_agent(_given("agent")["agent"])
        return {"ok": True}


def _help(face: Blueprint, desk: "SandboxDesk") -> None:
    @face.post("/articles")
    def write() -> dict[str, str]:
        try:
            return {"id": str(desk.help_center.write(_given("title", "body")).id)}
        except ValueError as error:
            raise ControlError(str(error)) from error

    @face.delete("/articles/<int:id_>")
    def delete(id_: int) -> dict[str, Any]:
        if desk.help_center.articles.pop(id_, None) is None:
            raise ControlError(f"there is no article {id_}", 404)
        return {}

    @face.put("/help_center")
    def switch() -> dict[str, bool]:
        desk.help_center.enabled = bool(_given().get("enabled"))
        return {"enabled": desk.help_center.enabled}


def _faults(face: Blueprint, desk: "SandboxDesk") -> None:
    @face.get("/faults")
    def show() -> dict[str, Any]:
        return desk.faults.render()

    @face.put("/faults")
    def configure() -> dict[str, Any]:
        try:
            desk.faults.configure(_given())
        except ValueError as error:
            raise ControlError(str(error)) from error
        return desk.faults.render()

    @face.delete("/faults")
    def clear() -> dict[str, Any]:
        desk.faults.clear()
        return {}


def _views(face: Blueprint, desk: "SandboxDesk") -> None:
    @face.post("/webhooks")
    def webhooks() -> dict[str, str]:
        given = _given("url")
        return desk.register_hook(given["url"], given.get("secret"), given.get("topics"))

    @face.get("/state")
    def state() -> dict[str, Any]:
        return {
            "vendor": desk.vendor,
            "now": desk.now(),
            "tickets": desk.render_tickets(),
            "agents": desk.render_agents(),
            "writes": [asdict(write) for write in desk.history.writes],
            "calls": [asdict(call) for call in desk.calls.calls],
            "deliveries": [delivery.render() for delivery in desk.sender.deliveries],
        }

    @face.get("/quiet")
    def quiet() -> dict[str, int]:
        return {"pending": desk.sender.pending}


def _given(*required: str) -> dict[str, Any]:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise ControlError("send a JSON object, with Content-Type: application/json")
    missing = [name for name in required if not given.get(name)]
    if missing:
        raise ControlError(f"missing: {', '.join(missing)}")
    return given


def _message(given: dict[str, Any]) -> CustomerMessage:
    try:
        return CustomerMessage(**given | {"ticket": _text(given.get("ticket"))})
    except TypeError as error:
        raise ControlError(f"a customer's message takes {', '.join(CustomerMessage.__dataclass_fields__)}") from error


def _edit(given: dict[str, Any]) -> AgentEdit:
    changes = given.get("set") or {}
    if unknown := set(changes) - _CHANGES:
        raise ControlError(f"cannot set {', '.join(sorted(unknown))}; known are {', '.join(sorted(_CHANGES))}")
    return AgentEdit(given["agent"], str(given["ticket"]), changes, given.get("reply"), given.get("note"))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
