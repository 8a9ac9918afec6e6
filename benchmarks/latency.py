"""From the webhook to the change visible at the desk, at 20 events a second, less the desk's own time."""

import asyncio
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import deliveries, setting
from benchmarks.load import run
from benchmarks.processes import await_ready, empty_flask, server
from benchmarks.report import Figure, Report
from benchmarks.stage import SANDBOXES, Stage, stage
from deskbridge.demo.processes import free_port
from deskbridge.vendors import VENDORS
from sandbox.common.desk import SandboxDesk

RATE = 20.0


@dataclass(frozen=True, slots=True)
class Journey:
    """One ticket: seconds from its first webhook to its last change, and the calls that took.

    `at_desk` are the seconds that the desk took of them, `by_design` those until the second of its stamp was over
    (`Desk.settle`), before which nothing is decided.
    """

    seconds: float
    at_desk: float
    by_design: float
    calls: int

    @property
    def ours(self) -> float:
        """The seconds that are the bridge's own doing."""
        return max(0.0, self.seconds - self.at_desk - self.by_design)


def measure(*, seconds: float = 20.0, rate: float = RATE) -> Report:
    """Tickets come to the three desks by turns while `deskbridge serve` runs beside them as a process of its own."""
    with tempfile.TemporaryDirectory(prefix="deskbridge-latency-") as name:
        folder = Path(name)
        with stage() as desks, serving(desks, folder):
            warm_up(desks)
            first = {vendor: len(tickets) for vendor, tickets in desks.tickets.items()}
            desks.write_steadily(int(seconds * rate), rate)
            desks.settle()
            journeys = {v: [_journey(desks, v, t) for t in desks.tickets[v][first[v] :]] for v in SANDBOXES}
        bare = _bare_call(folder)
    rows = tuple(_row(vendor, journeys[vendor], bare) for vendor in SANDBOXES)
    return Report(
        f"From webhook sent to change visible at the desk, {rate:g} events a second in all, milliseconds",
        f"as many calls to an empty Flask handler, gunicorn gthread, one after another: {bare * 1e3:.2f} ms each",
        tuple(rows[0]),
        rows,
        (
            "'calls' name the ticket; what they took at the desk is taken off. Calls about its customer are not.",
            "So are waits by design: Zendesk's stamp counts whole seconds, and its lock sees nothing within one.",
        ),
    )


@contextmanager
def serving(desks: Stage, folder: Path) -> Iterator[int]:
    """`deskbridge serve` joined to the desks; its process id."""
    port = free_port()
    config = setting.write(folder, urls=desks.urls, port=port)
    with server(["deskbridge", "serve", "-c", str(config)], port, folder / "serve.log", os.environ) as pid:
        await_ready(port)
        desks.join(port)
        yield pid


def warm_up(desks: Stage) -> None:
    """A few tickets a desk, so that connections and caches are as they are on any day but the first."""
    desks.write_steadily(4 * len(desks.desks), 10.0)
    desks.settle()


def _journey(desks: Stage, vendor: str, ticket: str) -> Journey:
    desk = desks.desks[vendor]
    sent = min(
        delivery.attempts[0].at
        for delivery in desk.sender.deliveries
        if delivery.ticket == ticket and delivery.attempts
    )
    changed = [
        write.at for write in desk.history.writes if write.ticket == ticket and write.actor_kind == "integration"
    ]
    done = max(changed)
    within = [served for served in desks.served[vendor] if _names(served.path, ticket) and sent <= served.at <= done]
    return Journey(done - sent, sum(served.seconds for served in within), _by_design(desk, ticket, sent), len(within))


def _by_design(desk: SandboxDesk, ticket: str, sent: float) -> float:
    """Seconds from a ticket's first webhook until its stamp, whole seconds where a desk settles at all, may be used."""
    settle = VENDORS[desk.vendor].desk.settle.total_seconds()
    created = min(write.at for write in desk.history.writes if write.ticket == ticket)
    return max(0.0, math.floor(created) + settle - sent) if settle else 0.0


def _names(path: str, ticket: str) -> bool:
    return ticket.rpartition(":")[2] in path.split("/")


def _bare_call(folder: Path) -> float:
    """Seconds that a call to the baseline takes, the median of many."""
    with empty_flask(folder, os.environ) as (port, _):
        return asyncio.run(run(port, [deliveries.http_request("/", b"{}", {})] * 500, 1)).quantile(0.5)


def _row(vendor: str, journeys: list[Journey], bare: float) -> dict[str, Figure]:
    whole = sorted(journey.seconds for journey in journeys)
    ours = sorted(journey.ours for journey in journeys)
    by_design = sorted(journey.by_design for journey in journeys)
    calls = max(1.0, sum(journey.calls for journey in journeys) / len(journeys))
    return {
        "desk": vendor,
        "tickets": len(journeys),
        "p50": _quantile(ours, 0.5) * 1e3,
        "p99": _quantile(ours, 0.99) * 1e3,
        "waits by design, p50": _quantile(by_design, 0.5) * 1e3,
        "p50 with both": _quantile(whole, 0.5) * 1e3,
        "p99 with both": _quantile(whole, 0.99) * 1e3,
        "calls": calls,
        "p50, of as many bare calls": _quantile(ours, 0.5) / (bare * calls),
    }


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
