"""Triggers: create, change, delete."""

from typing import Any

from flask import Blueprint

from sandbox.zendesk import errors, render
from sandbox.zendesk.backend import Backend, admin_only, given
from sandbox.zendesk.paging import page
from sandbox.zendesk.triggers import Trigger, read_trigger


def routes(face: Blueprint, backend: Backend) -> None:
    """Register the endpoints."""
    triggers = backend.registry.triggers

    def find(number: int) -> Trigger:
        admin_only()
        if number not in triggers:
            raise errors.not_found()
        return triggers[number]

    @face.get("/triggers")
    @face.get("/triggers/active")
    def triggers_list() -> dict[str, Any]:
        admin_only()
        return page("triggers", list(triggers.values()), render.trigger)

    @face.post("/triggers")
    def triggers_create() -> tuple[dict[str, Any], int]:
        admin_only()
        fields, now = read_trigger(given("trigger")), backend.now()
        made = Trigger(backend.account.next_id(), fields, now, now)
        triggers[made.id] = made
        return {"trigger": render.trigger(made)}, 201

    @face.get("/triggers/<int:number>")
    def triggers_show(number: int) -> dict[str, Any]:
        return {"trigger": render.trigger(find(number))}

    @face.put("/triggers/<int:number>")
    def triggers_update(number: int) -> dict[str, Any]:
        trigger = find(number)
        trigger.fields = read_trigger(trigger.fields | given("trigger"))
        trigger.updated_at = backend.now()
        return {"trigger": render.trigger(trigger)}

    @face.delete("/triggers/<int:number>")
    def triggers_delete(number: int) -> tuple[str, int]:
        del triggers[find(number).id]
        return "", 204

    @face.get("/automations")
    def automations_list() -> dict[str, Any]:
        admin_only()
        return page("automations", list(backend.registry.automations.values()), render.automation)

    @face.post("/automations")
    def automations_create() -> tuple[dict[str, Any], int]:
        admin_only()
        fields, now = read_trigger(given("automation")), backend.now()
        made = Trigger(backend.account.next_id(), fields, now, now)
        backend.registry.automations[made.id] = made
        return {"automation": render.automation(made)}, 201
