"""The door's list of vendors: a new one is one row here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from adapters.freshdesk import FreshdeskDesk, FreshdeskInstaller, FreshdeskOptions
from adapters.intercom import IntercomDesk, IntercomInstaller, IntercomOptions
from adapters.zendesk import ZendeskDesk, ZendeskInstaller, ZendeskOptions


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor's adapter: the classes that fill `bridge.ports.Desk` and `Installer`, and the model of its settings.

    `window` is the time in which the vendor counts calls against the limit that its headers tell. Where a person
    `signs_in`, the classes also take `tokens`, which keeps what the vendor gives for that.
    """

    desk: Any
    options: type[BaseModel]
    installer: Any
    window: timedelta
    signs_in: bool = False


VENDORS: dict[str, Vendor] = {
    "zendesk": Vendor(ZendeskDesk, ZendeskOptions, ZendeskInstaller, timedelta(minutes=1), signs_in=True),
    "freshdesk": Vendor(FreshdeskDesk, FreshdeskOptions, FreshdeskInstaller, timedelta(minutes=1)),
    "intercom": Vendor(IntercomDesk, IntercomOptions, IntercomInstaller, timedelta(seconds=10)),
}
