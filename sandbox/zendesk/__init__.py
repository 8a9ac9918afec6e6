"""A local Zendesk: OAuth, tickets, webhooks, exports and availability on Zendesk's wire format, all in memory."""

from sandbox.zendesk.desk import API_TOKEN, API_USER, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, ZendeskSandbox
from sandbox.zendesk.limits import Limits

__all__ = ["API_TOKEN", "API_USER", "CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN", "Limits", "ZendeskSandbox"]
