"""The door's list of vendors: a new one is one row here."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from adapters.freshdesk import FreshdeskDesk, FreshdeskOptions
from adapters.intercom import IntercomDesk, IntercomOptions
from adapters.zendesk import ZendeskDesk, ZendeskOptions


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor's adapter: the class that fills `bridge.ports.Desk` and the model of its settings."""

    desk: Any
    options: type[BaseModel]


VENDORS: dict[str, Vendor] = {
    "zendesk": Vendor(ZendeskDesk, ZendeskOptions),
    "freshdesk": Vendor(FreshdeskDesk, FreshdeskOptions),
    "intercom": Vendor(IntercomDesk, IntercomOptions),
}
