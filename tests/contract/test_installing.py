"""Every vendor's installer keeps the contract, each of its ways, against its sandbox."""

from typing import ClassVar

import httpx
import pytest

from adapters.freshdesk import FreshdeskInstaller, FreshdeskOptions
from adapters.intercom import IntercomInstaller
from adapters.intercom.options import IntercomOptions
from adapters.zendesk import ZendeskInstaller, ZendeskOptions
from bridge.errors import Unsupported
from bridge.ports import Act, Gate, Piece
from deskbridge.vendors import VENDORS
from sandbox.common import Running, start
from sandbox.freshdesk import AGENT_KEY, API_KEY, FreshdeskSandbox
from sandbox.zendesk import API_TOKEN, CLIENT_ID, CLIENT_SECRET, ZendeskSandbox
from tests.contract.install_contract import InstallContract
from tests.contract.world import OpenGate, TurnableClock

HEADER_SECRET, PATH_SECRET = "a-header-nobody-can-guess", "a-path-nobody-can-guess"


class TestZendeskEvents(InstallContract):
    vendor: ClassVar[str] = "zendesk"
    way: ClassVar[str] = "events"
    kinds: ClassVar[list[str]] = ["webhook"]
    secrets: ClassVar[tuple[str, ...]] = (CLIENT_SECRET, API_TOKEN)

    def start_sandbox(self, clock: TurnableClock) -> Running:
        self.sandbox = ZendeskSandbox(clock=clock.unix)
        return start(self.sandbox)

    def installer_at(self, url: str, gate: Gate, clock: TurnableClock, *, entitled: bool = True) -> ZendeskInstaller:
        client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        an_agent = {"email": "ana@acme.example", "api_token": API_TOKEN}
        options = ZendeskOptions.model_validate({"url": url, "credentials": client if entitled else an_agent})
        return ZendeskInstaller("acme", options, gate=gate, clock=clock)

    def at_desk(self) -> list[tuple[str, str, str]]:
        registry = self.sandbox.backend.registry
        addresses = {each.hook.id: each.fields["endpoint"] for each in registry.webhooks.values()}
        webhooks = [("webhook", each.fields["name"], each.fields["endpoint"]) for each in registry.webhooks.values()]
        return webhooks + [
            ("trigger", each.fields["title"], addresses.get(each.fields["actions"][0]["value"][0], "nowhere"))
            for each in registry.triggers.values()
        ]

    def somebody_elses(self, url: str) -> str:
        webhook = {"name": "Deskbridge: acme", "endpoint": "https://another.example/hooks/acme"}
        shape = {"http_method": "POST", "request_format": "json", "subscriptions": ["conditional_ticket_events"]}
        made = self.sandbox.backend.registry.add(webhook | shape, 0.0)
        trigger = {
            "title": "Deskbridge: acme, new tickets",
            "conditions": {"all": [{"field": "update_type", "operator": "is", "value": "Create"}]},
            "actions": [{"field": "notification_webhook", "value": [made.hook.id, "{}"]}],
        }
        token = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        access = httpx.post(f"{url}/oauth/tokens", json=token).json()["access_token"]
        headers = {"authorization": f"Bearer {access}"}
        httpx.post(f"{url}/api/v2/triggers", json={"trigger": trigger}, headers=headers).raise_for_status()
        return "Deskbridge: acme"


class TestZendeskTriggers(TestZendeskEvents):
    way: ClassVar[str] = "triggers"
    kinds: ClassVar[list[str]] = ["trigger", "trigger", "webhook"]


class TestFreshdesk(InstallContract):
    vendor: ClassVar[str] = "freshdesk"
    way: ClassVar[str] = "rules"
    kinds: ClassVar[list[str]] = ["rule", "rule"]
    secrets: ClassVar[tuple[str, ...]] = (API_KEY, HEADER_SECRET, PATH_SECRET)

    def start_sandbox(self, clock: TurnableClock) -> Running:
        self.sandbox = FreshdeskSandbox(clock=clock.unix)
        return start(self.sandbox)

    def installer_at(self, url: str, gate: Gate, clock: TurnableClock, *, entitled: bool = True) -> FreshdeskInstaller:
        key = API_KEY if entitled else AGENT_KEY
        settings = {"url": url, "api_key": key, "webhook_secrets": [HEADER_SECRET], "path_secrets": [PATH_SECRET]}
        return FreshdeskInstaller("acme", FreshdeskOptions.model_validate(settings), gate=gate, clock=clock)

    def at_desk(self) -> list[tuple[str, str, str]]:
        rules = self.sandbox.rulebook.rules.values()
        return [("rule", each.body["name"], each.body["actions"][0]["url"]) for each in rules]

    def somebody_elses(self, url: str) -> str:
        address = "https://another.example/hooks/acme/its-own-secret"
        made = httpx.post(f"{url}/_sandbox/webhooks", json={"url": address, "topics": ["created"]})
        rule = self.sandbox.rulebook.rules[int(made.json()["id"])]
        rule.body["name"] = "Deskbridge: acme, new tickets"
        return str(rule.body["name"])


def intercom() -> IntercomInstaller:
    options = IntercomOptions.model_validate({"access_token": "t"})
    return IntercomInstaller("acme", options, gate=OpenGate(), clock=TurnableClock())


def test_intercom_is_set_up_by_hand_with_the_address_and_every_topic_that_is_understood() -> None:
    installer = intercom()
    steps = "\n".join(installer.by_hand("https://bridge.example/hooks/acme"))
    assert "https://bridge.example/hooks/acme" in steps
    assert {"conversation.user.created", "ticket.contact.replied", "admin.away_mode_updated"} <= set(
        steps.replace(",", " ").split()
    )
    found = installer.survey((), ())
    assert (*installer.put_up(found, "", ""), *installer.take_down(found)) == ()
    assert installer.signing_secret(()) is None
    with pytest.raises(Unsupported):
        installer.carry_out(Act("create", Piece("webhook", "", "x"), "POST", "/webhooks"), ())


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_way_of_every_vendor_keeps_the_contract(vendor: str) -> None:
    kept = {
        (each.vendor, each.way)
        for each in globals().values()
        if isinstance(each, type) and issubclass(each, InstallContract) and each is not InstallContract
    }
    assert {(vendor, way) for way in VENDORS[vendor].installer.ways} <= kept
