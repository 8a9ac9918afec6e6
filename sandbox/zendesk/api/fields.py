"""Ticket fields and ticket statuses; an admin may add to both."""

from typing import Any

from flask import Blueprint

from sandbox.zendesk import errors, render
from sandbox.zendesk.backend import Backend, admin_only, given
from sandbox.zendesk.paging import page
from sandbox.zendesk.state import CATEGORIES


def routes(face: Blueprint, backend: Backend) -> None:
    """Register the endpoints."""
    account = backend.account

    @face.get("/ticket_fields")
    def ticket_fields_list() -> dict[str, Any]:
        return page("ticket_fields", list(account.fields.values()), render.field)

    @face.post("/ticket_fields")
    def ticket_fields_create() -> tuple[dict[str, Any], int]:
        admin_only()
        wanted = given("ticket_field")
        if not wanted.get("type") or not wanted.get("title"):
            raise errors.invalid("base", "Type and title: cannot be blank", "BlankValue")
        options = tuple(str(option["value"]) for option in wanted.get("custom_field_options") or [])
        return {"ticket_field": render.field(account.add_field(wanted["type"], wanted["title"], options=options))}, 201

    @face.get("/custom_statuses")
    def custom_statuses_list() -> dict[str, Any]:
        return {"custom_statuses": [render.custom_status(status) for status in account.statuses.values()]}

    @face.post("/custom_statuses")
    def custom_statuses_create() -> tuple[dict[str, Any], int]:
        admin_only()
        wanted = given("custom_status")
        if wanted.get("status_category") not in CATEGORIES or not wanted.get("agent_label"):
            raise errors.invalid("status_category", "Status category: is not valid", "InvalidValue")
        made = account.add_status(wanted["status_category"], wanted["agent_label"])
        return {"custom_status": render.custom_status(made)}, 201
