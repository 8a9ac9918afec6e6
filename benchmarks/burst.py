"""Vendor calls for a burst: so many tickets at one desk as fast as it takes them, by the desk's own call log."""

from collections import Counter
from collections.abc import Iterable

from benchmarks.calls import FEWEST_READS, FEWEST_WRITES, is_write, reads_ticket, running_bridge
from benchmarks.report import Figure, Report
from benchmarks.stage import SANDBOXES, stage
from sandbox.common.history import Call

JOB_MAX = 100
"""Tickets that one bulk call of Zendesk's takes."""


def measure(*, tickets: int = 1_000, vendors: Iterable[str] = tuple(SANDBOXES)) -> Report:
    """Each desk by itself, so many fresh tickets of as many customers, the agents read once before."""
    rows = tuple(_burst(vendor, tickets) for vendor in vendors)
    return Report(
        f"Vendor calls for a burst of {tickets:,} tickets (assignee, team, a tag, a note)",
        "the fewest calls that say the same",
        tuple(rows[0]),
        rows,
        (
            "'write calls' and 'polls' together are what the writes cost; a poll asks how far a bulk job is.",
            "'customers' reads who the customers are and what they asked before (the default enrichers).",
        ),
    )


def _burst(vendor: str, tickets: int) -> dict[str, Figure]:
    with stage((vendor,)) as desks, running_bridge(desks):
        log = desks.desks[vendor].calls.calls
        before = len(log)
        for number in range(tickets):
            desks.write(vendor, number)
        desks.settle(max(60.0, tickets / 4))
        made = Counter(map(_kind, log[before:]))
    fewest = fewest_writes(vendor, tickets)
    return {
        "desk": vendor,
        "write calls": made["write"],
        "polls": made["poll"],
        "both": made["write"] + made["poll"],
        "fewest": fewest,
        "of fewest": (made["write"] + made["poll"]) / fewest,
        "ticket reads": made["ticket"],
        "fewest ": FEWEST_READS[vendor] * tickets,
        "customers": made["customer"],
        "refused": sum(call.status >= 400 for call in log[before:]),
    }


def fewest_writes(vendor: str, tickets: int) -> int:
    """The least: on Zendesk full jobs, each called for once and looked at once; elsewhere as many as singly."""
    return 2 * -(-tickets // JOB_MAX) if vendor == "zendesk" else FEWEST_WRITES[vendor] * tickets


def _kind(call: Call) -> str:
    if "/job_statuses/" in call.path:
        return "poll"
    if is_write(call):
        return "write"
    return "ticket" if reads_ticket(call) else "customer"
