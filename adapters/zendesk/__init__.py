"""Zendesk: tickets, agents and signed webhooks through zenpy over a session of our own."""

from adapters.zendesk.desk import ZendeskDesk
from adapters.zendesk.inspect import ZendeskInspector
from adapters.zendesk.install import ZendeskInstaller
from adapters.zendesk.options import ZendeskOptions

__all__ = ["ZendeskDesk", "ZendeskInspector", "ZendeskInstaller", "ZendeskOptions"]
