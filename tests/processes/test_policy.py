"""The policy of a running bridge: changed by its file, kept where the file is faulty, taken back by a command."""

import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

import rules
from tests.processes.command import Command, customer, eventually, http, state
from tests.processes.conftest import join
from tests.processes.test_serve import put

NEVER = "  - {name: torn, when: {status: new, not: {status: new}}, to: {team: general}}\n"

Bridge = Callable[..., Command]
Start = Callable[..., Command]


def decides_by(serve: Command, version: str) -> bool:
    """Whether a running bridge says that it decides by this version of the policy."""
    with urllib.request.urlopen(f"{serve.url}/metrics", timeout=10) as answer:
        return f'deskbridge_policy_active{{version="{version}"}} 1.0' in answer.read().decode()


def routed_to(url: str, subject: str) -> object:
    """The team that a new ticket about an invoice is given."""
    number = customer(url, subject, "Please refund the invoice.")
    return eventually(lambda: given_to(url, number))


def given_to(url: str, number: str) -> object:
    """The team of a ticket that somebody has been given."""
    ticket = next(ticket for ticket in state(url)["tickets"] if str(ticket["id"]) == number)
    return ticket["team"] if ticket["assignee"] else None


def warnings(serve: Command) -> dict[str, str]:
    return dict(http("GET", f"{serve.url}/readyz")["warnings"])


def test_a_changed_file_takes_effect_a_faulty_one_is_told_and_a_rollback_holds(
    bridge: Bridge, start: Start, desks: Mapping[str, str], live: Path
) -> None:
    policy, url = live / "policy.yaml", desks["freshdesk"]
    serve = bridge(desks)
    join(desks, serve)
    first = rules.load(policy).version
    assert decides_by(serve, first)
    assert routed_to(url, "Invoice one") == "Billing"

    put(policy, "    to: {team: billing}", "    to: {team: tech}")
    put(policy, "route: billing, team: billing", "route: billing, team: tech")
    second = rules.load(policy).version
    eventually(lambda: decides_by(serve, second))
    assert routed_to(url, "Invoice two") == "Tech Support"

    put(policy, "\nmode: live", "\nmode: liv")
    eventually(lambda: "did you mean 'live'?" in warnings(serve).get("policy file", ""))
    assert decides_by(serve, second)

    put(policy, "\nmode: liv", "\nmode: live")
    put(policy, "\nroute:\n", "\nroute:\n" + NEVER)
    eventually(lambda: "'torn' can never match" in warnings(serve).get("policy file", ""))
    assert decides_by(serve, second)

    urls = {f"{vendor.upper()}_URL": address for vendor, address in desks.items()}
    back = start("policy", "rollback", "--by", "ana", **urls)
    assert back.ended() == 0, back.err
    eventually(lambda: decides_by(serve, first))
    assert routed_to(url, "Invoice three") == "Billing"
    assert serve.terminate() == 0
    assert "Traceback" not in serve.err
