"""Everything one process needs, put together from the settings and the policy."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from math import nan
from pathlib import Path
from time import monotonic
from typing import Any

import structlog
from a2wsgi.asgi_typing import ASGIApp

from bridge import enrichment, reconcile, settings
from bridge.ahead import LookAhead
from bridge.allowance import Terms
from bridge.binding import bind
from bridge.budget import BudgetGate, Held, throttled
from bridge.caller import Caller
from bridge.errors import BadFile, Fault, Retryable
from bridge.intake import Intake
from bridge.knowledge import HelpCenterOptions, Shelf, helpcenter
from bridge.labelling import Labeller
from bridge.metrics import Metrics
from bridge.pipeline import ConnectedDesk, Pipeline
from bridge.ports import Clock, Desk, Gate
from bridge.purpose import Rank, purpose
from bridge.queueing import Matcher
from bridge.reconcile import Tally
from bridge.schedule import Job, Schedule
from bridge.settings import DeskSettings, Settings
from bridge.signal import Signal
from bridge.store import Store, helpcenters, inbox, installations, queue
from bridge.store import budget as budgets
from bridge.store import roster as rosters
from bridge.store.helpcenters import Place
from bridge.store.retention import tidy
from bridge.store.session import AWAY
from bridge.store.tokens import StoredTokens
from bridge.worker import LEASE, Workers
from bridge.writeback import WriteBack
from deskbridge.policies import Policies
from deskbridge.vendors import VENDORS
from webhooks import create_app

log = structlog.get_logger(__name__)

TIDY_EVERY = timedelta(minutes=10)
"""How often old payloads are packed and purged."""

ROSTER_EVERY = timedelta(seconds=15)
"""How old the desk's own count of open tickets may get; what we give meanwhile is in our ledger."""

MODEL_EVERY = timedelta(seconds=10)
"""How often a process asks the database which trained model is in effect."""

POLICY_EVERY = timedelta(seconds=2)
"""How often a process asks the database which policy is in effect, and looks at its file."""

QUEUE_EVERY = timedelta(seconds=10)
"""How old the figures of the queues may get."""

ARTICLES_EVERY = timedelta(minutes=1)
"""How often a help centre is read on, where a reading is due or under way."""

FOLLOW_SECONDS = 20.0
"""The longest one run follows a desk's list, below a job's lease; the next run goes on where it stopped."""

Watch = Callable[[str, datetime, Iterator[Tally]], Iterator[Tally]]
"""Shows a person how the pages of a desk's back-fill come in, given the desk's name and the time they begin with."""


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def read_settings(config: Path, env: Mapping[str, str]) -> Settings:
    """`deskbridge.yaml`, checked. Raises BadFile with every fault at once."""
    if not config.exists():
        hint = "`deskbridge init` writes one, --config names another."
        raise BadFile([Fault(str(config), 1, 1, "is not there.", hint)])
    return settings.load_settings(config, vendors={name: vendor.options for name, vendor in VENDORS.items()}, env=env)


class Bridge:
    """One process's part of the bridge: store, desks, policy, workers, schedule and web app.

    Build it, `open()` it, then start what this process is for; `close()` ends all of it in order. `takes_file` is
    False where a changed policy file on this host is none of its business (`deskbridge.policies`).
    """

    def __init__(
        self, found: Settings, *, takes_file: bool = True, clock: Clock = utc_now, watch: Watch | None = None
    ) -> None:
        self.settings = found
        self.clock = clock
        self.metrics = Metrics()
        self.signal = Signal()
        self._told: set[str] = set()
        self._watch = watch
        self.store = Store(found.database.get_secret_value(), durability=found.durability)
        self.policies = Policies(self.store, found.policy, watches=takes_file, clock=clock, metrics=self.metrics)
        gate = BudgetGate(self.store, terms(found), clock=clock, metrics=self.metrics)
        self.desks = {name: connect(name, desk, found, gate, clock) for name, desk in found.desks.items()}
        self._pool = ThreadPoolExecutor(max_workers=4 * found.workers, thread_name_prefix="enrich")
        self.labeller = Labeller(self.store, found.models, policy=self.policies, metrics=self.metrics)
        self.shelf = Shelf(found.knowledge, self.store, list(self.desks))
        deadline = timedelta(seconds=found.enrichment.deadline_seconds)
        matcher = Matcher(self.store, self.desks, policy=self.policies, clock=clock, metrics=self.metrics)
        pipeline = Pipeline(
            self.store,
            self.desks,
            policy=self.policies,
            gather=partial(enrichment.enrich, deadline=deadline, clock=clock, pool=self._pool),
            suggest=self.shelf.suggest,
            read=self.labeller.triage,
            matcher=matcher,
            clock=clock,
            metrics=self.metrics,
            cap=found.loops.cap,
        )
        writeback = WriteBack(self.store, self.desks, clock=clock, metrics=self.metrics, lease=LEASE)
        caller = Caller(
            self.store, found.outgoing.receivers, policy=self.policies, clock=clock, metrics=self.metrics, lease=LEASE
        )
        self.workers = Workers(
            self.store,
            pipeline,
            writeback,
            caller,
            matcher,
            ahead=LookAhead(self.store, self.desks, clock=clock),
            signal=self.signal,
            clock=clock,
            deciders=found.workers,
            writers=found.workers,
        )
        self.schedule = Schedule(self.store, list(self._jobs()), owner=self.workers.identity, clock=clock)
        for name in self.desks:
            self.metrics.reconciled_age.labels(name).set_function(partial(self._reconciled_age, name))

    def open(self) -> None:
        """Bring the database up to date and take the policy in effect. Raises DatabaseUnusable and BadFile.

        No desk is called here, so that webhooks are taken also while one is away: the schedule reads the agents as its
        first work, and until then a desk's tickets wait. The policy's tests also load the language models that the
        first ticket would otherwise wait for.
        """
        self.store.migrate()
        self.policies.open()
        self.follow_model()
        for result in self.policies().run_tests():
            if not result.passed:
                log.error("a test of the policy fails", test=result.name, words=result.words)

    def web(self) -> tuple[ASGIApp, Intake]:
        """The web app, and the intake behind it, which the caller closes after the web server has ended."""
        intake = Intake(self.store, on_kept=self.signal.ring)
        app = create_app(
            {name: connected.desk for name, connected in self.desks.items()},
            intake,
            clock=self.clock,
            metrics=self.metrics,
            max_body=self.settings.max_body,
            admits=_Backlog(self.store, self.metrics, self.settings.max_backlog),
            troubles=self.troubles,
            warnings=self.warnings,
            pinged=partial(installations.pinged, self.store),
            refused=partial(installations.refused, self.store),
        )
        return app, intake

    def follow_model(self) -> None:
        """Ask the model that the database says is in effect; tell once what that is, or why it is none."""
        before = self.labeller.version, self.labeller.warnings()
        self.labeller.refresh()
        if before == (self.labeller.version, self.labeller.warnings()):
            return
        if self.labeller.version is not None:
            log.info("model in effect", version=self.labeller.version)
        for words in self.labeller.warnings().values():
            log.error("no model is asked" if self.labeller.version is None else "model and policy differ", words=words)

    def warnings(self) -> dict[str, str]:
        """What an admin should know although the bridge does its work, by name."""
        return self.policies.warnings() | self.shelf.warnings() | self.labeller.warnings()

    def troubles(self) -> dict[str, str]:
        """What keeps this bridge from doing its work, by name; empty when it is ready."""
        try:
            with self.store.reading() as connection:
                known = rosters.load(connection)
                breakers = {name: budgets.load(connection, name).breaker for name in self.desks}
            found = self.schedule.failing()
        except Exception as error:  # noqa: BLE001 - whatever the database driver raises is the trouble
            return {"database": type(error).__name__}
        found |= {name: "its agents have not been read yet" for name in self.desks if name not in known}
        return found | {
            name: f"does not answer; it is tried again at {breaker.until:%H:%M:%S} UTC"
            for name, breaker in breakers.items()
            if breaker
        }

    @purpose("roster", Rank.ORDINARY)
    def take_roster(self, desk: Desk) -> None:
        """Read a desk's agents and keep them; say once which names of the policy the desk lacks."""
        roster = desk.roster()
        rosters.save(self.store, roster)
        missing = {one.words for one in bind(self.policies(), roster).missing}
        for sentence in sorted(missing - self._told):
            log.error("the policy names what a desk lacks", what=sentence)
        self._told |= missing

    @purpose("reconcile", Rank.BACKGROUND)
    def follow(self, desk: Desk) -> None:
        """Go on with a desk's list of changes, for a while at most; what webhooks did not tell is worked on like them.

        A desk that throttles us is no trouble to report, nor is our own budget: the next run goes on. Raises DeskError.
        """
        until = monotonic() + FOLLOW_SECONDS
        back_fill = self.settings.reconcile.back_fill
        pages = reconcile.follow(self.store, desk, back_fill=back_fill, clock=self.clock)
        since = reconcile.back_fills_since(self.store, desk.name, self.clock() - back_fill)
        if since is not None and self._watch is not None:
            pages = self._watch(desk.name, since, pages)
        try:
            for told in pages:
                self._count(desk.name, told)
                if monotonic() > until or self.schedule.stopping:
                    break
        except Retryable as error:
            if not throttled(error):
                raise
            log.info("reconciliation throttled", desk=desk.name, words=error.words)

    @purpose("articles", Rank.BACKGROUND)
    def read_help(self, source: HelpCenterOptions) -> None:
        """Go on reading a desk's help centre where that is due; this process searches what came of it at once."""
        until = monotonic() + FOLLOW_SECONDS
        desk = self.desks[source.desk].desk

        def enough() -> bool:
            return monotonic() > until or self.schedule.stopping

        if helpcenter.read_on(self.store, desk, source.locale, clock=self.clock, enough=enough):
            self.shelf.refresh()

    def _count(self, desk: str, told: Tally) -> None:
        if told.new or told.changed:
            self.signal.ring()
        for outcome, count in told.outcomes.items():
            self.metrics.reconciled.labels(desk, outcome).inc(count)
        log.info("reconciled a page", desk=desk, **told.outcomes)

    def _reconciled_age(self, desk: str) -> float:
        try:
            return reconcile.age(self.store, desk, self.clock())
        except AWAY:
            return nan

    def close(self) -> None:
        """End the desks' connections, the threads that enrich and the database."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for connected in self.desks.values():
            connected.close()
        self.store.close()

    def tidy(self) -> None:
        """Pack and purge what is old, and what was read of help centres that the settings no longer name."""
        with self.store.writing() as connection:
            named = [Place(source.desk, source.locale) for source in self.settings.knowledge.help_centers]
            helpcenters.forget_others(connection, named)
        tidied = tidy(self.store, self.clock(), timedelta(days=self.settings.retention_days))
        log.info("tidied", **asdict(tidied))

    def measure_queue(self) -> None:
        """Tell the metrics what waits for agents now, in every team of the policy."""
        with self.store.reading() as connection:
            waiting = {one.team: one for one in queue.lengths(connection)}
        for team in {*self.policies().teams(), *waiting}:
            found = waiting.get(team)
            self.metrics.waiting.labels(team).set(found.waiting if found else 0)
            longest = (self.clock() - found.since).total_seconds() if found else 0.0
            self.metrics.waiting_longest.labels(team).set(longest)

    def _jobs(self) -> Iterator[Job]:
        for name, connected in self.desks.items():
            yield Job(f"agents of {name}", ROSTER_EVERY, partial(_unless_held, self.take_roster, connected.desk))
            yield Job(f"changes of {name}", self.settings.reconcile.every, partial(self.follow, connected.desk))
        if self.settings.knowledge.any:
            every = timedelta(minutes=self.settings.knowledge.refresh_minutes)
            yield Job("knowledge", every, self.shelf.refresh, everywhere=True)
        for source in self.settings.knowledge.help_centers:
            name = f"articles of {source.desk}" + (f" in {source.locale}" if source.locale else "")
            yield Job(name, ARTICLES_EVERY, partial(self.read_help, source))
        yield Job("retention", TIDY_EVERY, self.tidy)
        yield Job("queue", QUEUE_EVERY, self.measure_queue, everywhere=True)
        yield Job("model", MODEL_EVERY, self.follow_model, everywhere=True)
        yield Job("policy", POLICY_EVERY, self.policies.refresh, everywhere=True)


def _unless_held(run: Callable[[Desk], None], desk: Desk) -> None:
    """Run a job; that we hold its calls back is told by metrics and `troubles`, and it comes again by itself."""
    try:
        run(desk)
    except Held as error:
        log.info("job held back", desk=desk.name, words=error.words)


def terms(found: Settings) -> dict[str, Terms]:
    """How much of each desk's limit the settings let us take."""
    return {name: Terms(desk.headroom, VENDORS[desk.vendor].window) for name, desk in found.desks.items()}


def connect(name: str, desk: DeskSettings, found: Settings, gate: Gate, clock: Clock) -> ConnectedDesk:
    """A desk of the settings with its adapter and its enrichers; makes no call yet."""
    adapter: Desk = fitted(VENDORS[desk.vendor].desk, name, found, gate, clock)
    known = enrichment.build(found.enrichment, adapter, clock)
    return ConnectedDesk(adapter, desk.mode, known.enrichers, known.people, desk.note)


def fitted(part: Any, name: str, found: Settings, gate: Gate, clock: Clock) -> Any:
    """One of the vendor's classes (`deskbridge.vendors.Vendor`) made for a desk; makes no call yet."""
    desk = found.desks[name]
    more = {"tokens": tokens_of(name, found, clock)} if VENDORS[desk.vendor].signs_in else {}
    return part(name, desk.options, gate=gate, clock=clock, **more)


def tokens_of(name: str, found: Settings, clock: Clock) -> StoredTokens:
    """Where a desk's tokens are, if a person has signed in to it."""
    keys = found.secret_key.get_secret_value() if found.secret_key else None
    return StoredTokens(found.database.get_secret_value(), keys, name, clock=clock)


class _Backlog:
    """Whether another delivery is admitted; counts the waiting ones at most once a second, in a thread."""

    def __init__(self, store: Store, metrics: Metrics, most: int) -> None:
        self._store = store
        self._metrics = metrics
        self._most = most
        self._counted = 0.0
        self._admits = True

    async def __call__(self) -> bool:
        now = monotonic()
        if now - self._counted >= 1.0:
            self._counted = now
            self._admits = await asyncio.to_thread(self._count) < self._most
        return self._admits

    def _count(self) -> int:
        with self._store.reading() as connection:
            waiting = inbox.backlog(connection)
        self._metrics.backlog.set(waiting)
        return waiting
