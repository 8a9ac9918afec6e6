"""One chaos run from start to end: the play, the faults and the kills at once, then quiet, then the verdict."""

import asyncio
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from benchmarks.chaos.ground import Hosts
from benchmarks.chaos.judge import Verdict, judge, oversold
from benchmarks.chaos.script import Story, script
from benchmarks.chaos.stage import VENDORS, Fleet, Stage, stage
from bridge.store import Store, casebook, queue
from bridge.worker import LEASE

FAULTS: Mapping[str, object] = {
    "429": {"probability": 0.01, "retry_after": 1},
    "500": 0.02,
    "503": {"probability": 0.02, "retry_after": 1},
    "slow": {"probability": 0.03, "seconds": 0.5},
    "reset": 0.02,
    "timeout_after_write": {"probability": 0.03, "hold": 0.5},
    "drop": 0.05,
    "duplicate": 0.1,
    "delay": {"probability": 0.2, "seconds": 5},
    "reorder": {"probability": 0.1, "seconds": 0.5},
}
"""Of every desk while the play lasts: each probability is of one API call or one webhook.

A 429 has all processes keep away from the desk for a second, so that more of them would soon leave no time to work in.
"""

RATE = 12.0
"""Acts a second at three desks together: what two cores carry with every process on them."""

AT_ONCE = 32
"""Acts on their way to a desk at the same moment."""

_QUIET_SECONDS = 600.0
"""The longest that everything may take to settle; what is missing by then is missing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run; the same plan gives the same play and the same chance of faults, not the same interleaving."""

    size: int = 1_000
    seed: int = 1
    engine: str = "sqlite"
    kills: int = 10
    workers: int = 0
    rate: float = RATE
    pause: float = 5.0
    hosts: int = 1
    cuts: int = 0
    keep: Path | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a run.

    `killed` and `cut` are the times of the kills and of the cuts in unix seconds; `settled` is False where quiet never
    came.
    """

    plan: Plan
    verdict: Verdict
    killed: Sequence[float]
    cut: Sequence[float]
    settled: bool

    @property
    def passed(self) -> bool:
        """True where nothing is lost, duplicated, overwritten, out of order or given to who had no room."""
        return self.verdict.clean

    def summary(self) -> dict[str, Any]:
        """The result for machines."""
        verdict = self.verdict
        return {
            "events": self.plan.size,
            "lost": len(verdict.lost),
            "effects_due": len(verdict.effects),
            "effects": sum(effect.done is not None for effect in verdict.effects),
            "duplicated": len(verdict.duplicated),
            "overwritten": len(verdict.overwritten),
            "disordered": len(verdict.disordered),
            "oversold": len(verdict.oversold),
            "queued": verdict.queued,
            "vendor_races": [round(window, 1) for _, window in verdict.races],
            "writes_per_event": round(verdict.writes / self.plan.size, 3),
            "rate_limited": verdict.rate_limited,
            "kills": len(self.killed),
            "cuts": len(self.cut),
            "recovery_p99_s": round(percentile(self.recoveries(), 99), 2),
            "settled": self.settled,
            "engine": self.plan.engine,
            "workers": self.plan.workers,
            "hosts": self.plan.hosts,
            "seed": self.plan.seed,
        }

    def recoveries(self) -> list[float]:
        """For each tag that was due and missing at a kill or a cut: seconds from the first such moment to it."""
        times = [(effect.since, effect.done) for effect in self.verdict.effects if effect.what == "tag" and effect.done]
        blows = sorted([*self.killed, *self.cut])
        firsts = [(done, next((blow for blow in blows if since < blow < done), None)) for since, done in times]
        return [done - blow for done, blow in firsts if blow is not None]


def percentile(values: Sequence[float], of: int) -> float:
    """The value that `of` percent of the values do not exceed, 0 where there are none."""
    if len(values) < 2:
        return max(values, default=0.0)
    return quantiles(values, n=100, method="inclusive")[of - 1]


def run(plan: Plan, faults: Mapping[str, object] = FAULTS) -> Result:
    """Play, settle, judge. Raises DidNotStart, NoHosts, and httpx.HTTPError where a desk refuses an act."""
    stories = script(plan.size, plan.seed, vendors=VENDORS, rate=plan.rate, pause=plan.pause)
    with stage(engine=plan.engine, workers=plan.workers, hosts=plan.hosts, seed=plan.seed, keep=plan.keep) as found:
        killed, cut = asyncio.run(_play(found, stories, plan, faults))
        settled = _settle(found)
        verdict, states = Verdict(), []
        for vendor, url in found.urls.items():
            state = httpx.get(f"{url}/_sandbox/state", timeout=300)
            if plan.keep is not None:
                (plan.keep / f"{vendor}.json").write_bytes(state.content)
            states.append(state.json())
            verdict.add(judge(states[-1], [*killed, *cut]))
        verdict.oversold, verdict.queued = oversold(states)
    result = Result(plan, verdict, killed, cut, settled)
    if plan.keep is not None:
        (plan.keep / "result.json").write_text(json.dumps(result.summary() | {"killed": killed, "cut": cut}))
    return result


async def _play(
    found: Stage, stories: Sequence[Story], plan: Plan, faults: Mapping[str, object]
) -> tuple[list[float], list[float]]:
    """Everything at once; when the last act is done the faults end. Returns the times of the kills and of the cuts."""
    limits = httpx.Limits(max_keepalive_connections=0)  # a connection that is kept may end as it is used
    hands = asyncio.Semaphore(AT_ONCE)  # and not the pool's own bound, which is slow where thousands wait
    async with httpx.AsyncClient(timeout=60, limits=limits, trust_env=False) as client:
        for url in found.urls.values():
            (await client.put(f"{url}/_sandbox/faults", json=dict(faults))).raise_for_status()
        lasts = max(story.at + sum(act.wait for act in story.acts) for story in stories)
        killer = asyncio.create_task(_kill(found.fleet, plan, lasts))
        cutter = asyncio.create_task(_cut(found, plan, lasts))
        await asyncio.gather(*(_tell(client, hands, found.urls[story.vendor], story) for story in stories))
        killed, cut = await killer, await cutter
        for url in found.urls.values():
            (await client.delete(f"{url}/_sandbox/faults")).raise_for_status()
    return killed, cut


async def _tell(client: httpx.AsyncClient, hands: asyncio.Semaphore, url: str, story: Story) -> None:
    await asyncio.sleep(story.at)
    ticket: dict[str, object] = {}
    for act in story.acts:
        await asyncio.sleep(act.wait)
        async with hands:
            answer = await client.post(f"{url}/_sandbox/{act.path}", json={**act.say, **ticket})
        answer.raise_for_status()
        ticket = ticket or {"ticket": answer.json()["ticket"]}


async def _kill(fleet: Fleet, plan: Plan, lasts: float) -> list[float]:
    """SIGKILL a process by chance, start it again within a second, as often as planned, spread over the play."""
    chance = random.Random(plan.seed)
    killed: list[float] = []
    began = time.monotonic()
    for at in sorted(chance.uniform(0.05, 0.95) * lasts for _ in range(plan.kills)):
        await asyncio.sleep(max(0.0, began + at - time.monotonic()))
        name = chance.choice(fleet.names)
        await asyncio.to_thread(fleet.kill, name)
        killed.append(time.time())
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        fleet.start(name)
    return killed


async def _cut(found: Stage, plan: Plan, lasts: float) -> list[float]:
    """Take one host after the other off the network for longer than a lease, the first one (`serve`) as often."""
    on, cut = found.ground, list[float]()
    if not isinstance(on, Hosts):
        return cut
    chance = random.Random(plan.seed)
    each = 0.95 * lasts / max(plan.cuts, 1)
    for number in range(plan.cuts):
        await asyncio.sleep(chance.uniform(0.0, 0.2) * each)
        name = on.names[number % len(on.names)]
        on.cut(name)
        cut.append(time.time())
        await asyncio.sleep(LEASE.total_seconds() + chance.uniform(0.1, 0.5) * LEASE.total_seconds())
        on.join(name)
        found.fleet.revive()
        await asyncio.sleep(max(0.0, cut[-1] + 0.8 * each - time.time()))
    return cut


def _settle(found: Stage) -> bool:
    """Wait until nothing is under way, reconcile by hand, wait again; False where it takes too long."""
    store = Store(found.database)
    try:
        until = time.monotonic() + _QUIET_SECONDS
        if not _quiet(found, store, until):
            return False
        found.sync()
        return _quiet(found, store, until)
    finally:
        store.close()


def _quiet(found: Stage, store: Store, until: float) -> bool:
    still = 0
    while still < 6 and time.monotonic() < until:
        pending = sum(httpx.get(f"{url}/_sandbox/quiet", timeout=60).json()["pending"] for url in found.urls.values())
        found.fleet.revive()
        with store.reading() as connection:
            idle = casebook.idle(connection) and not queue.lengths(connection)
        still = still + 1 if pending == 0 and idle else 0
        time.sleep(0.5)
    return still >= 6
