"""Every benchmark runs to its end on a few tickets and tells figures beside a baseline; no time is judged here."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from benchmarks import burst, calls, intake, latency, memory, throughput
from benchmarks.deliveries import MAKERS
from benchmarks.load import message_size
from benchmarks.processes import POSTGRESQL
from benchmarks.report import Report, Spread
from benchmarks.setting import NOWHERE, OPTIONS
from bridge.metrics import CountingGate, Metrics
from bridge.model import EventKind, RawDelivery
from deskbridge.vendors import VENDORS


def numbers(report: Report, column: str) -> list[float]:
    """A column's figures, all of which must be there."""
    found = [row[column] for row in report.rows]
    assert all(isinstance(figure, int | float) for figure in found)
    return [float(figure) for figure in found if figure is not None]


def test_intake_tells_the_baseline_ours_and_the_loads_own_ceiling() -> None:
    report = intake.measure(rounds=1, requests=40)
    assert [row["what"] for row in report.rows] == [
        "empty Flask handler, gunicorn gthread",
        "zendesk webhooks on SQLite",
        "intercom webhooks on SQLite",
        *(["zendesk webhooks on PostgreSQL"] if POSTGRESQL else []),
        "the load alone, canned answers",
    ]
    assert min(numbers(report, "p50 ms")) > 0
    assert report.rows[0]["of baseline"] == "1.00 (1.00 to 1.00)"


def test_calls_are_those_of_the_desks_own_logs() -> None:
    report = calls.measure(tickets=2, rate=20)
    by_desk = {row["desk"]: row for row in report.rows}
    assert by_desk["zendesk"]["writes"] == calls.FEWEST_WRITES["zendesk"]
    assert by_desk["freshdesk"]["writes"] == calls.FEWEST_WRITES["freshdesk"]
    assert numbers(report, "customers") == [calls.FEWEST_CUSTOMER_READS] * len(report.rows)
    assert set(numbers(report, "pasts")) == {0}
    assert min(numbers(report, "agents read")) > 0
    assert set(numbers(report, "refused")) == {0}


def test_a_burst_at_zendesk_costs_a_fraction_of_its_tickets_in_calls() -> None:
    report = burst.measure(tickets=40, vendors=("zendesk",))
    (made,), (fewest,) = numbers(report, "all"), numbers(report, "fewest")
    assert fewest <= made < 40
    assert numbers(report, "pasts") == [0]
    assert numbers(report, "refused") == [0]


def test_throughput_works_off_its_backlog_and_replays_every_statement_of_it() -> None:
    report = throughput.measure(past=(5, 20), backlog=3, rounds=1, postgresql=False)
    assert [row["past events"] for row in report.rows] == [5, 20]
    assert report.rows[0]["of SQL alone"] is not None


def test_latency_and_memory_are_told_of_a_bridge_of_its_own_process() -> None:
    late = latency.measure(seconds=0.3, rate=20)
    assert sum(numbers(late, "tickets")) == 6
    assert all(ours <= whole for ours, whole in zip(numbers(late, "p50"), numbers(late, "p50 with both"), strict=True))
    waits = {str(row["desk"]): row["waits by design, p50"] for row in late.rows}
    assert 0 < float(waits["zendesk"] or 0) <= 1_250
    assert waits["freshdesk"] == waits["intercom"] == 0
    held = memory.measure(seconds=0.3, rate=20)
    assert min(numbers(held, "MB")) > 0


@pytest.mark.parametrize("vendor", sorted(MAKERS))
def test_the_deliveries_are_genuine_to_the_vendors_adapter(vendor: str) -> None:
    event, headers = MAKERS[vendor]
    body = json.dumps(event(7)).encode()
    lower = {name.lower(): value for name, value in headers(body).items()}
    options = VENDORS[vendor].options.model_validate({"url": NOWHERE, **OPTIONS[vendor]})
    desk = VENDORS[vendor].desk("acme", options, gate=CountingGate(Metrics()), clock=lambda: datetime.now(UTC))
    try:
        delivery = desk.verify(RawDelivery("POST", lower, body, datetime.now(UTC)))
        (told,) = desk.read(delivery)
    finally:
        desk.close()
    assert told.kind is EventKind.TICKET_CREATED
    assert told.ticket.id.endswith("7")


@pytest.mark.parametrize(
    ("buffer", "size"),
    [
        (b"", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 40),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP", 38),
    ],
)
def test_the_load_knows_where_an_answer_ends(buffer: bytes, size: int | None) -> None:
    assert message_size(buffer) == size


def test_a_spread_tells_the_middle_and_both_ends() -> None:
    assert Spread([3.0, 1.0, 2.0]).text(1) == "2.0 (1.0 to 3.0)"


def test_an_unknown_benchmark_is_refused_by_name() -> None:
    asked = subprocess.run([sys.executable, "-m", "benchmarks", "speed"], capture_output=True, text=True, check=False)
    assert asked.returncode == 2
    assert "unknown: speed" in asked.stderr
