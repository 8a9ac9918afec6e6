"""Zendesk's REST endpoints, one module for each family; all under /api/v2."""

from flask import Blueprint, Flask

from sandbox.zendesk.api import bulk, exports, fields, help_center, people, routing, rules, settings, tickets, webhooks
from sandbox.zendesk.backend import Backend

_FAMILIES = (tickets, bulk, exports, people, fields, routing, webhooks, rules, settings, help_center)


def routes(app: Flask, backend: Backend) -> None:
    """Register every endpoint."""
    face = Blueprint("api", __name__)
    for family in _FAMILIES:
        family.routes(face, backend)
    app.register_blueprint(face, url_prefix="/api/v2")
