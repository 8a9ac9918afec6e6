"""A whole bridge against a real sandbox desk over real HTTP, worked step by step on a clock turned by hand."""

import json
import threading
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from time import monotonic
from typing import Any

from werkzeug.serving import make_server

import rules
from bridge import enrichment
from bridge.ahead import LookAhead
from bridge.allowance import Terms
from bridge.budget import BudgetGate
from bridge.caller import Caller, Receivers
from bridge.enrichment import EnrichmentOptions
from bridge.intake import Intake
from bridge.labelling import Read, words_alone
from bridge.loops import Cap
from bridge.metrics import Metrics
from bridge.model import Decision, Mode, TicketRef
from bridge.note import Length
from bridge.pipeline import ConnectedDesk, Pipeline, Suggest, nothing_to_suggest
from bridge.queueing import Matcher
from bridge.signal import Signal
from bridge.store import Store, journal
from bridge.store import roster as rosters
from bridge.worker import LEASE, Workers, beat
from bridge.writeback import WriteBack
from deskbridge.vendors import VENDORS
from sandbox.common.desk import SandboxDesk
from sandbox.common.server import Running, start
from sandbox.freshdesk import FreshdeskSandbox
from sandbox.intercom import IntercomSandbox
from sandbox.zendesk import ZendeskSandbox
from tests.conftest import Clock
from tests.wsgi import as_wsgi
from webhooks import create_app

ROUTES = """\
route:
  - {name: billing, when: {intent: billing}, to: {team: billing}}
  - {name: everything else, to: {team: general}}
bindings:
  "*":
    teams: {billing: Billing, general: General}
    agents: {ana: ana@acme.example, bo: bo@acme.example, eli: eli@acme.example}
"""
"""The end of a policy of two teams, by the names that a sandbox has for them."""

SANDBOXES: dict[str, Callable[..., SandboxDesk]] = {
    "zendesk": ZendeskSandbox,
    "freshdesk": FreshdeskSandbox,
    "intercom": IntercomSandbox,
}
OPTIONS: dict[str, dict[str, Any]] = {
    "zendesk": {
        "credentials": {"client_id": "deskbridge", "client_secret": "sandbox-client-secret"},
        "webhook_secrets": ["zendesk-signing-secret"],
    },
    "freshdesk": {
        "api_key": "sandbox-freshdesk-key",
        "webhook_secrets": ["freshdesk-header-secret"],
        "path_secrets": ["freshdesk-path-secret"],
    },
    "intercom": {"access_token": "sandbox-intercom-token", "webhook_secrets": ["sandbox-intercom-secret"]},
}
HOOKS = {"zendesk": "", "freshdesk": "/freshdesk-path-secret", "intercom": ""}
WEBHOOK_KEYS = (b"the key of before, 24 bytes and more", b"the key of now, 24 bytes and more")
RECEIVERS = Receivers({"crm": WEBHOOK_KEYS}, seconds=2.0, private=(ip_network("127.0.0.0/8"),))
DAY = 86_400
PATIENCE = 30.0
"""Seconds of real time that threads get for what takes them milliseconds: only a busy machine ever needs more of it."""


class Process:
    """One bridge on one desk of a vendor at `url`, without its web server: the workers move when they are told to.

    `at_once` is how many enrichers may ask at the same time; `options` replace or join those of `OPTIONS`.
    """

    def __init__(
        self,
        vendor: str,
        store: Store,
        clock: Clock,
        url: str,
        *,
        policy: str,
        mode: Mode = Mode.LIVE,
        at_once: int = 4,
        suggest: Suggest = nothing_to_suggest,
        read: Read = words_alone,
        note: Length = "full",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.vendor, self.store, self.clock = vendor, store, clock
        self.name = f"acme-{vendor}"
        self.metrics = Metrics()
        kind = VENDORS[vendor]
        self.gate = BudgetGate(store, {self.name: Terms(0.3, kind.window)}, clock=clock, metrics=self.metrics)
        settings = kind.options.model_validate({"url": url, **OPTIONS[vendor], **(options or {})})
        self.desk = kind.desk(self.name, settings, gate=self.gate, clock=clock)
        self._pool = ThreadPoolExecutor(at_once)
        known = enrichment.build(EnrichmentOptions(), self.desk, clock)
        self.desks = {self.name: ConnectedDesk(self.desk, mode, known.enrichers, known.people, note)}
        self.policy = rules.loads(policy)
        matcher = Matcher(store, self.desks, policy=lambda: self.policy, clock=clock, metrics=self.metrics)
        self.pipeline = Pipeline(
            store,
            self.desks,
            policy=lambda: self.policy,
            gather=partial(enrichment.enrich, deadline=timedelta(seconds=5), clock=clock, pool=self._pool),
            suggest=suggest,
            read=read,
            matcher=matcher,
            clock=clock,
            metrics=self.metrics,
            cap=Cap(),
        )
        self.writeback = WriteBack(store, self.desks, clock=clock, metrics=self.metrics, lease=LEASE)
        signal = Signal()
        self.caller = Caller(
            store, RECEIVERS, policy=lambda: self.policy, clock=clock, metrics=self.metrics, lease=LEASE
        )
        self.workers = Workers(
            store,
            self.pipeline,
            self.writeback,
            self.caller,
            matcher,
            ahead=LookAhead(store, self.desks, clock=clock),
            signal=signal,
            clock=clock,
            deciders=1,
            writers=1,
        )
        self.intake = Intake(store, on_kept=signal.ring)
        self.admits = True
        asgi = create_app(
            {self.name: self.desk},
            self.intake,
            clock=clock,
            metrics=self.metrics,
            max_body=1_000_000,
            admits=self._admits,
            troubles=dict,
        )
        self.app = as_wsgi(asgi)

    def close(self) -> None:
        self.intake.close()
        self._pool.shutdown()
        self.desks[self.name].close()

    async def _admits(self) -> bool:
        return self.admits

    def take_roster(self) -> None:
        rosters.save(self.store, self.desk.roster())

    def step(self) -> bool:
        """Whatever is due now, once; False where nothing is."""
        beat(self.store, [], self.clock.now)
        decided, written = self.workers.decide("decider"), self.workers.write("writer")
        return self.workers.match("matcher") | self.workers.call("caller") | decided | written

    def decisions(self, number: str) -> list[Decision]:
        with self.store.reading() as connection:
            return journal.of_ticket(connection, self.name, self.ref(number).id)

    def ref(self, number: str) -> TicketRef:
        return TicketRef(self.name, number)


class People:
    """The customers and agents of a running sandbox desk, and what the desk itself says of its tickets."""

    running: Running

    def control(self, method: str, path: str, say: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.running.url}/_sandbox/{path}",
            data=None if say is None else json.dumps(say).encode(),
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def customer(self, subject: str, body: str, email: str = "ada@mail.example", **more: Any) -> str:
        """A customer opens a ticket, or replies to `ticket`; its id at the desk."""
        say = {"email": email, "name": "Ada Client", "subject": subject, "body": body, "channel": "email", **more}
        return str(self.control("POST", "customers/write", say)["ticket"])

    def agent(self, ticket: str, agent: str = "dee@acme.example", **edit: Any) -> None:
        self.control("POST", "agents/edit", {"agent": agent, "ticket": ticket, **edit})

    def delivered(self) -> None:
        """Return when the desk has sent every webhook it has to send now."""
        until = monotonic() + PATIENCE
        while monotonic() < until:
            if self.control("GET", "quiet")["pending"] == 0:
                return
            threading.Event().wait(0.01)
        raise AssertionError(f"the sandbox did not deliver its webhooks in {PATIENCE:.0f} seconds")

    def ticket(self, number: str) -> dict[str, Any]:
        """The ticket as the desk itself has it."""
        return next(ticket for ticket in self.control("GET", "state")["tickets"] if str(ticket["id"]) == number)

    def writes(self, number: str) -> list[dict[str, Any]]:
        """What we did to a ticket, by the desk's own history."""
        state = self.control("GET", "state")
        return [w for w in state["writes"] if w["ticket"] == number and w["actor_kind"] == "integration"]

    def calls(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "state")["calls"])


class World(Process, People):
    """One desk of a vendor, one bridge, both on the same clock. `run()` works until nothing is left to do now."""

    def __init__(
        self,
        vendor: str,
        store: Store,
        clock: Clock,
        *,
        policy: str,
        mode: Mode = Mode.LIVE,
        suggest: Suggest = nothing_to_suggest,
        read: Read = words_alone,
        note: Length = "full",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.sandbox = SANDBOXES[vendor](clock=clock.unix)
        self.running = start(self.sandbox)
        super().__init__(
            vendor,
            store,
            clock,
            self.running.url,
            policy=policy,
            mode=mode,
            suggest=suggest,
            read=read,
            note=note,
            options=options,
        )
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.port}/hooks/{self.name}{HOOKS[vendor]}"
        self.control("POST", "webhooks", {"url": self.url, "secret": OPTIONS[vendor]["webhook_secrets"][0]})
        self.take_roster()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        super().close()
        self.running.stop()

    def run(self, *, for_seconds: float = 5.0) -> None:
        """Deliver, decide and write back, turning the clock on by a second at a time."""
        for _ in range(int(for_seconds) + 1):
            self.delivered()
            while self.step():
                self.delivered()
            self.clock.turn(1)


Make = Callable[..., World]
"""Makes a world of a vendor, with whatever else `World` takes by name; the policy is that of the journey's tests."""
