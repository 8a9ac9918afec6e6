"""Vendor calls for a burst: so many tickets at one desk as fast as it takes them, by the desk's own call log."""

from collections import Counter
from collections.abc import Iterable

from benchmarks.calls import FEWEST_CUSTOMER_READS, FEWEST_READS, FEWEST_WRITES, kind, running_bridge
from benchmarks.report import Figure, Report
from benchmarks.stage import SANDBOXES, stage

AT_ONCE = 100
"""Tickets that one bulk call of Zendesk's takes, and customers that one of its calls tells of."""


def measure(*, tickets: int = 1_000, vendors: Iterable[str] = tuple(SANDBOXES)) -> Report:
    """Each desk by itself, so many fresh tickets of as many customers, the agents read once before."""
    rows = tuple(_burst(vendor, tickets) for vendor in vendors)
    return Report(
        f"Vendor calls for a burst of {tickets:,} tickets (assignee, team, a tag, a note)",
        "the fewest calls that say the same",
        tuple(rows[0]),
        rows,
        (
            "'writes' and 'polls' together are what the writes cost; a poll asks how far a bulk job is.",
            "'customers' reads who the customers are, 'pasts' what they asked before (the default enrichers).",
        ),
    )


def _burst(vendor: str, tickets: int) -> dict[str, Figure]:
    with stage((vendor,)) as desks, running_bridge(desks):
        log = desks.desks[vendor].calls.calls
        before = len(log)
        for number in range(tickets):
            desks.write(vendor, number)
        desks.settle(max(60.0, tickets / 4))
        made = log[before:]
    count, fewest = Counter(map(kind, made)), fewest_calls(vendor, tickets)
    return {
        "desk": vendor,
        "writes": count["write"],
        "polls": count["poll"],
        "ticket reads": count["ticket"],
        "customers": count["customer"],
        "pasts": count["past"],
        "others": count["other"],
        "all": len(made),
        "fewest": fewest,
        "of fewest": len(made) / fewest,
        "refused": sum(call.status >= 400 for call in made),
    }


def fewest_calls(vendor: str, tickets: int) -> int:
    """The least: on Zendesk full jobs, each called for once and looked at once, and full questions after customers;
    elsewhere as many as singly.
    """
    if vendor == "zendesk":
        return 3 * -(-tickets // AT_ONCE)
    return (FEWEST_WRITES[vendor] + FEWEST_READS[vendor] + FEWEST_CUSTOMER_READS) * tickets
