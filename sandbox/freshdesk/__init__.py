"""A local Freshdesk account that speaks API v2 and sends webhooks, for the demo and the tests."""

from sandbox.freshdesk.desk import AGENT_KEY, API_KEY, PLANS, RETRIES, FreshdeskSandbox
from sandbox.freshdesk.fields import CUSTOM_FIELDS, CustomField

__all__ = ["AGENT_KEY", "API_KEY", "CUSTOM_FIELDS", "PLANS", "RETRIES", "CustomField", "FreshdeskSandbox"]
