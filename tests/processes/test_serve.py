"""`deskbridge serve` beside three sandbox desks: routed, ended cleanly, killed at any moment, helped by workers."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import text

from bridge.store import Store, casebook
from tests.processes.command import Command, customer, effects_twice, eventually, http, quiet, state
from tests.processes.conftest import join

Bridge = Callable[..., Command]
Start = Callable[..., Command]
Desks = Mapping[str, str]

AWAY = "team 'billing' (bound to 'Money') is not on desk 'acme-zendesk', which has: Billing, General, Tech Support"


def tickets(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = state(url)["tickets"]
    return found


def routed(desks: Desks, number: int, team: str) -> bool:
    """At each desk so many tickets are with an agent of a team and noted."""
    return all(
        sum(bool(t["team"] == team and t["assignee"] and t["notes"]) for t in tickets(url)) >= number
        for url in desks.values()
    )


def noted(desks: Desks, number: int) -> bool:
    """There are so many notes at all desks together, or more."""
    return sum(len(ticket["notes"]) for url in desks.values() for ticket in tickets(url)) >= number


def left_over(store: Store) -> list[casebook.Entry]:
    with store.reading() as connection:
        return casebook.entries(connection, states=("open", "waiting", "parked", "unknown"))


def nothing_twice(desks: Desks) -> bool:
    return [effects_twice(url) for url in desks.values()] == [[]] * len(desks)


def test_tickets_of_three_desks_are_routed_and_sigterm_ends_it_cleanly(
    bridge: Bridge, start: Start, live: Path
) -> None:
    # hurried: what a desk tells of our last writes may meet a closed port, and Intercom tries again after a minute
    commands = {vendor: start("sandbox", vendor, "--hurried") for vendor in ("zendesk", "freshdesk", "intercom")}
    desks = {vendor: command.url for vendor, command in commands.items()}
    serve = bridge(desks)
    join(desks, serve)
    for url in desks.values():
        customer(url, "Charged twice", "Please refund the invoice.")
    eventually(partial(routed, desks, 1, "Billing"))
    for url in desks.values():
        customer(url, "Last words", "How do I export my data?")
    eventually(lambda: all(map(quiet, desks.values())))
    assert serve.terminate() == 0
    assert "Traceback" not in serve.err
    again = bridge(desks, listen=urlsplit(serve.url).netloc)
    eventually(partial(routed, desks, 1, "General"))
    store = Store(f"sqlite:///{live}/deskbridge.db")
    eventually(lambda: all(map(quiet, desks.values())) and left_over(store) == [])
    assert nothing_twice(desks)
    assert [command.terminate() for command in (again, *commands.values())] == [0] * 4
    store.close()


def test_killed_at_several_moments_it_writes_every_ticket_and_each_effect_once(bridge: Bridge, desks: Desks) -> None:
    serve = bridge(desks)
    join(desks, serve)
    for url in desks.values():
        assert http("PUT", f"{url}/_sandbox/faults", {"slow": {"probability": 1, "seconds": 0.15}}) is not None
        for number in range(4):
            customer(url, f"Invoice {number}", "Please refund the invoice.")
    eventually(lambda: all(map(quiet, desks.values())))
    for wanted in (1, 4):
        eventually(partial(noted, desks, wanted))
        serve.kill()
        serve = bridge(desks, listen=urlsplit(serve.url).netloc)
    eventually(partial(routed, desks, 4, "Billing"))
    assert nothing_twice(desks)


def test_workers_beside_it_on_postgresql_share_the_tickets_and_never_oversell_an_agent(
    bridge: Bridge, desks: Desks, live: Path, postgresql_store: Store
) -> None:
    where = postgresql_store.engine.url.render_as_string(hide_password=False)
    put(live / "deskbridge.yaml", "sqlite:///deskbridge.db", where.replace("+psycopg", ""))
    put(live / "policy.yaml", "  billing:\n    overflow: general\n", "  billing:\n")
    put(live / "policy.yaml", "ana: {capacity: 16}", "ana: {capacity: 4}")
    put(live / "policy.yaml", "bo: {capacity: 16}", "bo: {capacity: 4}")
    workers = [bridge(desks, "worker") for _ in range(2)]
    join(desks, bridge(desks))
    eventually(lambda: all("works as" in worker.out for worker in workers))
    for number in range(5):
        for url in desks.values():
            customer(url, f"Invoice {number}", "Please refund the invoice.")
    eventually(partial(noted, desks, 15))
    assert nothing_twice(desks)
    held = [ticket["assignee"] for url in desks.values() for ticket in tickets(url)]
    assert {who: held.count(who) for who in set(held)} == {"ana@acme.example": 4, "bo@acme.example": 4, None: 7}
    assert {ticket["team"] for url in desks.values() for ticket in tickets(url)} == {"Billing"}
    with postgresql_store.reading() as connection:
        query = text("SELECT count(*) FROM operations WHERE state <> 'superseded'")
        assert connection.execute(query).scalar_one() == 15
    assert [worker.terminate() for worker in workers] == [0, 0]


def test_a_team_that_the_desk_lacks_is_told_and_no_ticket_is_lost(
    bridge: Bridge, start: Start, desks: Desks, live: Path
) -> None:
    put(live / "policy.yaml", "billing: Billing,", "billing: Money,")
    serve = bridge(desks)
    join(desks, serve)
    eventually(lambda: AWAY in serve.err)
    check = start("check", "--live", **{f"{vendor.upper()}_URL": url for vendor, url in desks.items()})
    customer(desks["zendesk"], "Charged twice", "Please refund the invoice.")
    eventually(lambda: any(ticket["notes"] and ticket["assignee"] for ticket in tickets(desks["zendesk"])))
    assert check.ended() == 2
    assert AWAY in check.err
    assert "Traceback" not in check.err


def put(path: Path, old: str, new: str) -> None:
    content = path.read_text("utf-8")
    assert content.count(old) == 1
    path.write_text(content.replace(old, new), "utf-8")
