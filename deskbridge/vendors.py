"""The door's list of vendors: a new one is one row here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from adapters.freshdesk import FreshdeskDesk, FreshdeskInspector, FreshdeskInstaller, FreshdeskOptions
from adapters.intercom import IntercomDesk, IntercomInspector, IntercomInstaller, IntercomOptions
from adapters.zendesk import ZendeskDesk, ZendeskInspector, ZendeskInstaller, ZendeskOptions


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor's adapter: what fills `Desk`, `Installer` and `Inspector` of `bridge.ports`, the model of its settings.

    `window` is the time in which the vendor counts calls against the limit that its headers tell. Where a person
    `signs_in`, the classes also take `tokens`, which keeps what the vendor gives for that.
    """

    desk: Any
    options: type[BaseModel]
    installer: Any
    inspector: Any
    window: timedelta
    signs_in: bool = False


VENDORS: dict[str, Vendor] = {
    "zendesk": Vendor(
        ZendeskDesk, ZendeskOptions, ZendeskInstaller, ZendeskInspector, timedelta(minutes=1), signs_in=True
    ),
    "freshdesk": Vendor(FreshdeskDesk, FreshdeskOptions, FreshdeskInstaller, FreshdeskInspector, timedelta(minutes=1)),
    "intercom": Vendor(IntercomDesk, IntercomOptions, IntercomInstaller, IntercomInspector, timedelta(seconds=10)),
}
