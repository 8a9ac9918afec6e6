"""Vendor calls per routed ticket, by the sandbox desks' own call logs, beside the fewest that could do."""

import os
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import setting
from benchmarks.report import Figure, Report
from benchmarks.stage import SANDBOXES, Stage, stage
from deskbridge import logs
from deskbridge.demo.processes import free_port
from deskbridge.web import WebServer
from deskbridge.wiring import ROSTER_EVERY, Bridge, read_settings
from sandbox.common.history import Call

FEWEST_WRITES = {"zendesk": 1, "freshdesk": 2, "intercom": 4}
"""The calls that say assignee, team, one tag and one note: Zendesk takes all in one PUT, Freshdesk the note apart,
Intercom one for the assignee, one for the team, one a tag, one for the note."""

FEWEST_READS = {"zendesk": 0, "freshdesk": 1, "intercom": 0}
"""The calls to know the ticket: Zendesk's and Intercom's webhooks carry it whole, Freshdesk's name it."""

FEWEST_CUSTOMER_READS = 1
"""The calls to know a customer, with the default enrichers; that they wrote nothing before, a new one's record says."""

_TICKET = re.compile(r"(/api/v2)?/(tickets|conversations)/\d+")
_JOB = re.compile(r"/api/v2/job_statuses/")
_CUSTOMER = re.compile(r"(/api/v2)?/(users|contacts|companies|organizations)/")
_PAST = re.compile(r".*/tickets/requested|/api/v2/tickets\?|/(conversations|tickets)/search")


def measure(*, tickets: int = 100, rate: float = 10.0) -> Report:
    """So many fresh tickets of as many customers at each desk, routed one by one as they come; rosters read once."""
    with stage() as desks, running_bridge(desks) as roster_calls:
        before = {vendor: len(desk.calls.calls) for vendor, desk in desks.desks.items()}
        desks.write_steadily(tickets * len(desks.desks), rate)
        desks.settle()
        made = {vendor: desk.calls.calls[before[vendor] :] for vendor, desk in desks.desks.items()}
    rows = tuple(_row(vendor, made[vendor], tickets, roster_calls[vendor]) for vendor in SANDBOXES)
    return Report(
        f"Vendor calls per routed ticket (assignee, team, a tag, a note), {tickets} fresh tickets a desk",
        "the fewest calls that say the same",
        tuple(rows[0]),
        rows,
        (
            "'customers' reads who the customers are, 'pasts' what they asked before (the default enrichers).",
            f"'agents read' are the calls for all agents, made every {ROSTER_EVERY.total_seconds():g} s.",
        ),
    )


@contextmanager
def running_bridge(desks: Stage) -> Iterator[dict[str, int]]:
    """A whole bridge in this process but for its schedule, so that agents are read once; how many calls that took."""
    with ExitStack() as ending:
        folder, port = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="deskbridge-calls-"))), free_port()
        settings = read_settings(setting.write(folder, urls=desks.urls, port=port), os.environ)
        bridge = Bridge(settings)
        ending.callback(bridge.close)
        logs.configure(verbose=False)
        bridge.open()
        for connected in bridge.desks.values():
            bridge.take_roster(connected.desk)
        roster_calls = {vendor: len(desk.calls.calls) for vendor, desk in desks.desks.items()}
        app, intake = bridge.web()
        ending.callback(intake.close)
        server = WebServer(app, settings)
        serving = threading.Thread(target=server.run, name="benchmark-web")
        bridge.workers.start()
        ending.callback(bridge.workers.stop)
        serving.start()
        ending.callback(serving.join)
        ending.callback(server.stop)
        desks.join(port)
        yield roster_calls


def _row(vendor: str, made: Sequence[Call], tickets: int, roster_calls: int) -> dict[str, Figure]:
    count = Counter(map(kind, made))
    fewest = FEWEST_WRITES[vendor] + FEWEST_READS[vendor] + FEWEST_CUSTOMER_READS
    return {
        "desk": vendor,
        "writes": count["write"] / tickets,
        "fewest": FEWEST_WRITES[vendor],
        "ticket reads": count["ticket"] / tickets,
        "fewest ": FEWEST_READS[vendor],
        "customers": count["customer"] / tickets,
        "fewest  ": FEWEST_CUSTOMER_READS,
        "pasts": count["past"] / tickets,
        "others": count["other"] / tickets,
        "all": len(made) / tickets,
        "of fewest": len(made) / tickets / fewest,
        "refused": sum(call.status >= 400 for call in made),
        "agents read": roster_calls,
    }


def kind(call: Call) -> str:
    """What a call is for: `write`, `poll` (of a job), `ticket` (a read of it), `customer`, `past` (their tickets), or
    `other` (tokens, names of fields and tags). Intercom searches by POST, and a token is asked for by POST.
    """
    if _JOB.match(call.path):
        return "poll"
    if _PAST.match(call.path):
        return "past"
    if call.method != "GET" and not call.path.startswith("/oauth"):
        return "write"
    if _TICKET.match(call.path):
        return "ticket"
    return "customer" if _CUSTOMER.match(call.path) else "other"
