"""What the bridge counts of itself, for Prometheus to scrape at /metrics."""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bridge import purpose
from bridge.ports import Call

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """The counters of one process; labels hold names and kinds only, never a ticket or a person."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter, gauge = partial(Counter, registry=self.registry), partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, buckets=_SECONDS, registry=self.registry)
        self.deliveries = counter(
            "deskbridge_deliveries", "Webhook deliveries by what became of them", ["desk", "outcome"]
        )
        self.decisions = counter("deskbridge_decisions", "Decisions made", ["desk", "mode"])
        self.assignments = counter(
            "deskbridge_assignments",
            "Tickets given to agents: at their arrival, from the queue, or moved",
            ["team", "how"],
        )
        self.waiting = gauge("deskbridge_queue_waiting", "Tickets that wait for an agent of a team", ["team"])
        self.waiting_longest = gauge(
            "deskbridge_queue_longest_seconds", "How long the first customer in a team's queue has waited", ["team"]
        )
        self.operations = counter("deskbridge_operations", "Writes by how they ended", ["desk", "outcome"])
        self.callouts = counter(
            "deskbridge_callouts", "Messages to the policy's webhooks by how they ended", ["webhook", "outcome"]
        )
        self.bulk = counter(
            "deskbridge_bulk_jobs", "Jobs of writes that went together, by what became of them", ["desk", "outcome"]
        )
        self.calls = counter(
            "deskbridge_vendor_calls",
            "Calls to the vendor's API by what they were for",
            ["desk", "route", "status", "purpose"],
        )
        self.call_seconds = histogram("deskbridge_vendor_call_seconds", "How long the vendor took", ["desk"])
        self.remaining = gauge(
            "deskbridge_vendor_calls_remaining", "What the vendor says is left of its limit", ["desk"]
        )
        self.budget = gauge(
            "deskbridge_vendor_budget", "Calls that we let ourselves make in one of the vendor's windows", ["desk"]
        )
        self.handed = gauge(
            "deskbridge_vendor_budget_used",
            "Calls of the budget handed out to all processes in the present window",
            ["desk"],
        )
        self.held = counter(
            "deskbridge_vendor_calls_held", "Calls that we held back ourselves", ["desk", "purpose", "reason"]
        )
        self.pauses = counter("deskbridge_vendor_pauses", "Pauses of a desk by their reason", ["desk", "reason"])
        self.broken = gauge("deskbridge_vendor_broken", "1 while a desk that does not answer is left alone", ["desk"])
        self.lag = histogram("deskbridge_written_seconds", "From the webhook to the change at the desk", ["desk"])
        self.reconciled = counter(
            "deskbridge_reconciled_tickets",
            "Tickets in the desk's list of changes by what they were to us",
            ["desk", "outcome"],
        )
        self.reconciled_age = gauge(
            "deskbridge_reconciled_age_seconds",
            "Since the desk's list of changes was last followed to its end; infinite until then",
            ["desk"],
        )
        self.policy = gauge("deskbridge_policy_active", "1 for the policy version that decides here", ["version"])
        self.policy_faults = gauge(
            "deskbridge_policy_file_faults", "Faults of the policy file, which is not taken while there are any"
        )
        self.model = gauge("deskbridge_model_active", "1 for the trained model that is asked here", ["version"])
        self.model_troubles = gauge(
            "deskbridge_model_unusable", "1 while the policy wants a model and none can be asked, so that words decide"
        )
        self.backlog = gauge("deskbridge_backlog", "Deliveries that wait")

    def render(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)


class CountingGate:
    """The gate that every vendor call passes: it holds none back and counts them all."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def admit(self, desk: str, method: str, route: str) -> None:
        """Let the call be made."""

    def record(self, call: Call) -> None:
        """Count a call and what the vendor said is left."""
        status = str(call.status) if call.status is not None else "none"
        self._metrics.calls.labels(call.desk, f"{call.method} {call.route}", status, purpose.current().name).inc()
        self._metrics.call_seconds.labels(call.desk).observe(call.seconds)
        if call.remaining is not None:
            self._metrics.remaining.labels(call.desk).set(call.remaining)
