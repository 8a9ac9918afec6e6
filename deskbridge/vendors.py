"""The door's list of vendors: a new one is one row here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from adapters.freshdesk import FreshdeskDesk, FreshdeskOptions
from adapters.intercom import IntercomDesk, IntercomOptions
from adapters.zendesk import ZendeskDesk, ZendeskOptions


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor's adapter: the class that fills `bridge.ports.Desk` and the model of its settings.

    `window` is the time in which the vendor counts calls against the limit that its headers tell.
    """

    desk: Any
    options: type[BaseModel]
    window: timedelta


VENDORS: dict[str, Vendor] = {
    "zendesk": Vendor(ZendeskDesk, ZendeskOptions, timedelta(minutes=1)),
    "freshdesk": Vendor(FreshdeskDesk, FreshdeskOptions, timedelta(minutes=1)),
    "intercom": Vendor(IntercomDesk, IntercomOptions, timedelta(seconds=10)),
}
