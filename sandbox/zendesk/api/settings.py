"""How the account is set up, as far as it bears on routing."""

from typing import Any

from flask import Blueprint

from sandbox.zendesk.backend import Backend, admin_only


def routes(face: Blueprint, backend: Backend) -> None:
    """Register the endpoint."""

    @face.get("/account/settings")
    def account_settings_show() -> dict[str, Any]:
        admin_only()
        routing = backend.account.routing
        capacities = {"max_email_capacity": backend.account.capacity, "max_messaging_capacity": 0}
        return {
            "settings": {"routing": {"enabled": routing is not None, "autorouting_tag": routing or ""} | capacities}
        }
