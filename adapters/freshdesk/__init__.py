"""The Freshdesk adapter: webhooks as hints, the REST API v2 as the truth, an update in at most two calls."""

from adapters.freshdesk.desk import FreshdeskDesk
from adapters.freshdesk.inspect import FreshdeskInspector
from adapters.freshdesk.install import FreshdeskInstaller
from adapters.freshdesk.options import FreshdeskOptions

__all__ = ["FreshdeskDesk", "FreshdeskInspector", "FreshdeskInstaller", "FreshdeskOptions"]
