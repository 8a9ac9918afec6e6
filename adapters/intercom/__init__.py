"""Intercom: conversations and tickets, both of them tickets here."""

from adapters.intercom.desk import IntercomDesk
from adapters.intercom.inspect import IntercomInspector
from adapters.intercom.install import IntercomInstaller
from adapters.intercom.options import IntercomOptions

__all__ = ["IntercomDesk", "IntercomInspector", "IntercomInstaller", "IntercomOptions"]
