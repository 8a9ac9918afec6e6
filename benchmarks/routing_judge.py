"""Our router behind the interface of a routing benchmark, `route(snapshot, state)`, and the comparison that it runs.

`python -m benchmarks.routing_judge --judge FOLDER` meets the vendors' ways in that folder's simulator on its base
family, and a clairvoyant: the same router told every true speed and size, in a world without hand-over costs.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache, partial
from math import inf, sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

from rich.console import Console
from scipy.stats import t as student

import bridge.routing as ours
from benchmarks.report import Figure, Report
from bridge.routing import LiveAgent, Norms, Ring, Rules, Snapshot, WaitingTicket, Work, matching

LOADS: Final = (0.6, 0.7, 0.8)
MEASURES: Final = {"first response h": "frt_b", "SLA missed %": "missed", "resolution h": "res"}
"""What is compared, by the simulator's names; less is better."""

BESIDE: Final = {"gini": "gini", "hand-overs": "handoffs", "errors": "errors"}

_TEAM: Final = "everybody"
_RULES: Final = {_TEAM: Rules(grace=0.0, settle=0.0)}
"""Agents there say themselves when they leave, and moving a ticket costs nothing; slots are our default."""

_UNCOUNTED: Final = 1_000
"""More than an agent can hold: late binding needs no cap on what is open."""

_HALF_LIFE: Final = 7 * 1_440.0
"""Minutes after which work counts half for who has had their share."""

_RESIDUE: Final = 0.4
"""Work that takes longer than expected has at least so much of what was expected still to come."""

Said = Mapping[str, Any]
"""What the simulator says of a moment, a ticket or an agent, as its README has it."""

Router = Callable[[Any, Any], dict[str, Any]]
"""A router as the simulator calls it."""


def route(snapshot: Said, state: Said) -> dict[str, Any]:
    """The judge's door to our router: its snapshot in our words, our plan in its own."""
    return answer(snapshot, state, lambda asked: asked)


def answer(
    snapshot: Said, state: Said, change: Callable[[Snapshot], Snapshot], match: matching.Match = matching.best
) -> dict[str, Any]:
    """What our router says of the judge's snapshot, changed before it is asked."""
    worked = _worked(snapshot, state)
    plan = ours.route(change(translated(snapshot, worked)), match)
    wake = inf if plan.wake_in is None else snapshot["now"] + plan.wake_in
    pending = state.get("wake", inf) if state.get("wake", inf) > snapshot["now"] else inf
    agents = {str(agent["id"]): agent["id"] for agent in snapshot["agents"]} | {None: None}
    tickets = {str(ticket["id"]): ticket["id"] for ticket, _ in _tickets(snapshot)}
    assign = [{"ticket": tickets[one.ticket], "agent": agents[one.agent]} for one in plan.placements]
    remembered = {"now": snapshot["now"], "worked": worked, "wake": min(wake, pending)}
    # The simulator keeps every wake-up that it was ever asked for: one that only comes later is not asked for again.
    return {"assign": assign, "state": remembered, "wake_at": wake if wake < pending else None}


def translated(snapshot: Said, worked: Mapping[str, Sequence[float]]) -> Snapshot:
    """The judge's snapshot in our words; `worked` are minutes of work and of presence by agent."""
    return Snapshot(
        tickets=tuple(_ticket(ticket, holder, snapshot) for ticket, holder in _tickets(snapshot)),
        agents=tuple(_agent(agent, snapshot, *worked[str(agent["id"])]) for agent in snapshot["agents"]),
        norms=_norms(snapshot["norms"]),
        rules=_RULES,
    )


def _tickets(snapshot: Said) -> Iterator[tuple[Said, str | None]]:
    """Every ticket that wants an answer and is not begun, with the agent in whose hands it lies."""
    yield from ((ticket, None) for ticket in snapshot["waiting"])
    yield from ((ticket, str(agent["id"])) for agent in snapshot["agents"] for ticket in agent["desk"])


def _ticket(ticket: Said, holder: str | None, snapshot: Said) -> WaitingTicket:
    priority = snapshot["norms"]["priorities"][ticket["priority"]]
    due = ticket["due_business"]
    return WaitingTicket(
        id=str(ticket["id"]),
        team=_TEAM,
        topic=ticket["skill"],
        rings=_rings(ticket["skill"], ticket["language"]),
        weight=priority["weight"],
        waited=snapshot["now_business"] - ticket["ready_business"],
        due_in=None if due is None else due - snapshot["now_business"],
        promise=None if due is None else priority["first_reply_sla"],
        followup=ticket["followup"],
        last_agent=None if ticket["last_agent"] is None else str(ticket["last_agent"]),
        holder=holder,
    )


@lru_cache(maxsize=10_000)
def _rings(*skills: str) -> tuple[Ring, ...]:
    return (Ring(frozenset({_TEAM}), frozenset(skills)),)


def _agent(agent: Said, snapshot: Said, worked: float, present: float) -> LiveAgent:
    now, online = snapshot["now"], agent["status"] == "online"
    return LiveAgent(
        name=str(agent["id"]),
        teams=frozenset({_TEAM}),
        skills=frozenset((*agent["skills"], *agent["languages"])),
        available=online,
        back_in=0.0 if online else agent["next_online"] - now,
        shift_left=agent["shift_end"] - now,
        capacity=_UNCOUNTED,
        load=len(agent["desk"]) + len(agent["incoming"]) + (agent["working"] is not None),
        work=tuple(_work(agent, snapshot)),
        minutes=agent["est_minutes"],
        worked=worked,
        present=present,
        idle=now - agent["last_assigned"],
    )


def _work(agent: Said, snapshot: Said) -> Iterator[Work]:
    minutes, norms = agent["est_minutes"], snapshot["norms"]
    if begun := agent["working"]:
        usual = norms["first_minutes"][begun["skill"]]
        expected = minutes.get(begun["skill"], usual) * (norms["followup_factor"] if begun["followup"] else 1.0)
        left = max(expected - (snapshot["now"] - begun["since"]), _RESIDUE * expected)
        yield Work(str(begun["ticket"]), left)
    for ticket in agent["incoming"]:
        yield Work(str(ticket["id"]), minutes.get(ticket["skill"], norms["first_minutes"][ticket["skill"]]))


def _norms(norms: Said) -> Norms:
    shares = norms["demand_share"]
    return Norms(
        minutes=norms["first_minutes"],
        followup=norms["followup_factor"],
        handover=norms["handoff_minutes"]["fixed"],
        reread=norms["handoff_minutes"]["fraction"],
        demand={
            (skill, frozenset({skill, language})): share * spoken
            for skill, share in shares["skills"].items()
            for language, spoken in shares["languages"].items()
        },
    )


def _worked(snapshot: Said, state: Said) -> dict[str, Sequence[float]]:
    """Minutes of work and of presence by agent, older ones fading: what a bridge has from its history."""
    passed = snapshot["now"] - state.get("now", snapshot["now"])
    fading, before = 0.5 ** (passed / _HALF_LIFE), state.get("worked", {})
    found: dict[str, Sequence[float]] = {}
    for agent in snapshot["agents"]:
        name = str(agent["id"])
        worked, present = before.get(name, (0.0, 0.0))
        works = agent["working"] is not None
        there = works or agent["status"] == "online"
        found[name] = worked * fading + passed * works, present * fading + passed * there
    return found


# The ideas, each as the question that is asked without it.


def _without_late_binding(asked: Snapshot) -> Snapshot:
    return replace(asked, rules={_TEAM: replace(_RULES[_TEAM], slots=10)})


def _without_urgency(asked: Snapshot) -> Snapshot:
    return replace(asked, tickets=tuple(replace(one, due_in=None, promise=None) for one in asked.tickets))


def _without_soft_stickiness(asked: Snapshot) -> Snapshot:
    return replace(asked, tickets=tuple(replace(one, by_human=one.holder is not None) for one in asked.tickets))


def _without_scarcity(asked: Snapshot) -> Snapshot:
    return replace(asked, norms=replace(asked.norms, demand={}))


def _without_effort(asked: Snapshot) -> Snapshot:
    agents = tuple(replace(one, minutes={}) for one in asked.agents)
    return replace(asked, agents=agents, norms=replace(asked.norms, minutes={}, followup=1.0))


def _without_fairness(asked: Snapshot) -> Snapshot:
    return replace(asked, rules={_TEAM: replace(_RULES[_TEAM], fair_share=inf)})


IDEAS: Final[Mapping[str, Router]] = {
    "late-binding": partial(answer, change=_without_late_binding),
    "urgency": partial(answer, change=_without_urgency),
    "stickiness": partial(answer, change=_without_soft_stickiness),
    "scarcity": partial(answer, change=_without_scarcity),
    "matching": partial(answer, change=lambda asked: asked, match=matching.greedy),
    "effort": partial(answer, change=_without_effort),
    "fairness": partial(answer, change=_without_fairness),
}
"""Our router with one idea taken away."""

ROUTERS: Final = {"deskbridge": route} | {f"without {idea}": router for idea, router in IDEAS.items()}

ROUND_ROBIN, BALANCED, CLAIRVOYANT = BASELINES = ("round robin, cap", "balanced, cap 10", "clairvoyant")


class _Known(Mapping[str, float]):
    """The true minutes that every answer would take an agent, by ticket and number of the answer."""

    def __init__(self, agent: Said, tickets: Sequence[Said]) -> None:
        self._agent, self._tickets = agent["hidden"], tickets

    def __getitem__(self, topic: str) -> float:
        ticket, answer = map(int, topic.split("/"))
        hidden = self._tickets[ticket]["hidden"]
        return float(hidden["work"][answer] / self._agent["speed"] / self._agent["efficiency"][hidden["skill"]])

    def __iter__(self) -> Iterator[str]:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._tickets)


def _clairvoyant(snapshot: Said, state: Said, world: Said) -> dict[str, Any]:
    """Our router where every speed and size is known, and taking over costs nothing."""
    answers = {str(ticket["id"]): f"{ticket['id']}/{ticket['touches']}" for ticket, _ in _tickets(snapshot)}

    def told(asked: Snapshot) -> Snapshot:
        agents = (replace(one, minutes=known) for one, known in zip(asked.agents, world["known"], strict=True))
        tickets = tuple(replace(one, topic=answers[one.id]) for one in asked.tickets)
        norms = replace(asked.norms, followup=1.0, handover=0.0, reread=0.0)
        return replace(asked, tickets=tickets, agents=tuple(agents), norms=norms)

    return answer(snapshot, state, told)


def _true(world: dict[str, Any]) -> dict[str, Any]:
    """A world without mis-triage, with what only a clairvoyant knows of its agents."""
    tickets = [ticket | {"label": ticket["hidden"]["skill"]} for ticket in world["tickets"]]
    return world | {"tickets": tickets, "known": [_Known(agent, tickets) for agent in world["agents"]]}


@dataclass(frozen=True, slots=True)
class Run:
    """One router in one world of the judge's base family."""

    judge: Path
    router: str
    load: float
    seed: int

    def measured(self, **scenario: object) -> dict[str, float]:
        """The simulator's measures, and the share of first answers that were later than promised, in percent.

        `scenario` are parameters of its world other than the base family's.
        """
        bench, baselines = _modules(self.judge)
        world = bench.export(bench.scenario_base(self.load, self.seed, **scenario))
        world = _true(world) if self.router == CLAIRVOYANT else world
        others = {ROUND_ROBIN: baselines.round_robin, BALANCED: baselines.balanced}
        routers = ROUTERS | others | {CLAIRVOYANT: partial(_clairvoyant, world=world)}
        external = bench.External(routers[self.router])
        external.incoming = {}  # the class has one for all of its instances
        simulated = bench.load_world(world, external)
        simulated.nofric = self.router == CLAIRVOYANT
        found = {name: float(value) for name, value in simulated.run().metrics().items()}
        return found | {"missed": 100 * (1 - found["sla"]), "errors": float(external.errors)}


@cache
def _modules(judge: Path) -> tuple[Any, Any]:
    """The judge's simulator and its baselines; its files import each other by their bare names."""
    if not (judge / "bench.py").is_file():
        raise SystemExit(f"{judge} has no bench.py: name the folder of the routing benchmark with --judge")
    sys.path.insert(0, str(judge))
    return importlib.import_module("bench"), importlib.import_module("baselines")


Found = Mapping[tuple[str, float, int], Mapping[str, float]]
"""The measures by router, load and seed."""


def run(judge: Path, routers: Sequence[str], loads: Sequence[float], seeds: int, jobs: int) -> Found:
    """Every router in every world, side by side on so many processes."""
    runs = [Run(judge, router, load, seed) for load in loads for seed in range(seeds) for router in routers]
    with ProcessPoolExecutor(jobs) as pool:
        measured = pool.map(Run.measured, runs)
        return {(one.router, one.load, one.seed): found for one, found in zip(runs, measured, strict=True)}


def table(found: Found, routers: Sequence[str], loads: Sequence[float]) -> Report:
    """Every router's means with their 95 % intervals, by load."""
    columns = MEASURES | BESIDE
    rows: list[dict[str, Figure]] = [
        {
            "load": load,
            "router": router,
            **{words: _mean(_of(found, router, load, columns[words])) for words in columns},
        }
        for load in loads
        for router in routers
    ]
    return Report(
        "Routers in the judge's base family",
        f"{ROUND_ROBIN}, and {BALANCED}, in the same worlds",
        tuple(rows[0]),
        tuple(rows),
        ("± is half of the 95 % interval over the seeds. Hand-overs are counted per 100 tickets.",),
    )


def comparison(found: Found, loads: Sequence[float]) -> Report:
    """What our router saves, world by world, and how much of the way to the clairvoyant it goes."""
    rows = [row for load in loads for row in _compared(found, load)]
    return Report(
        "What late binding saves",
        "each world's own result with the vendors' ways",
        tuple(rows[0]),
        tuple(rows),
        ("Differences of means over the means of the other, the interval by the jackknife over seeds.",),
    )


def _compared(found: Found, load: float) -> Iterator[dict[str, Figure]]:
    mine, rr, balanced, bound = (
        partial(_of, found, router, load) for router in ("deskbridge", ROUND_ROBIN, BALANCED, CLAIRVOYANT)
    )
    for words, name in MEASURES.items():
        yield {
            "load": load,
            "measure": words,
            f"% below {ROUND_ROBIN}": _ratio(_less(rr(name), mine(name)), rr(name), 100),
            f"% below {BALANCED}": _ratio(_less(balanced(name), mine(name)), balanced(name), 100),
            "of the gap closed": _ratio(_less(rr(name), mine(name)), _less(rr(name), bound(name))),
        }


def _of(found: Found, router: str, load: float, name: str) -> list[float]:
    return [measured[name] for (one, at, _), measured in found.items() if (one, at) == (router, load)]


def _less(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return [first - second for first, second in zip(one, other, strict=True)]


def _mean(values: Sequence[float]) -> str:
    return _interval(fmean(values), stdev(values) / sqrt(len(values)) if len(values) > 1 else inf, len(values))


def _ratio(above: Sequence[float], below: Sequence[float], scale: float = 1.0) -> str:
    """The ratio of two paired means, its error by leaving out one world at a time."""
    count, whole = len(above), scale * fmean(above) / fmean(below)
    if count < 2:
        return _interval(whole, inf, count)
    without = [scale * (sum(above) - a) / (sum(below) - b) for a, b in zip(above, below, strict=True)]
    return _interval(whole, (count - 1) / sqrt(count) * stdev(without), count)


def _interval(middle: float, error: float, count: int) -> str:
    half = student.ppf(0.975, count - 1) * error if count > 1 else inf
    return f"{middle:.2f} ± {half:.2f}"


def main() -> None:
    """Run the comparison and print its tables; with --json the figures as one object on stdout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routing_judge", description=__doc__)
    parser.add_argument("--judge", type=Path, required=True, help="the folder with bench.py, sim.py and baselines.py")
    parser.add_argument("--seeds", type=int, default=12, help="worlds a load (default 12)")
    parser.add_argument("--loads", type=float, nargs="+", default=LOADS, help="default 0.6 0.7 0.8")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (default 1)")
    parser.add_argument(
        "--without", nargs="+", default=(), choices=IDEAS, metavar="IDEA", help=f"any of {', '.join(IDEAS)}"
    )
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object, tables on stderr")
    given = parser.parse_args()
    routers = [*BASELINES, "deskbridge", *(f"without {idea}" for idea in given.without)]
    found = run(given.judge.resolve(), routers, given.loads, given.seeds, given.jobs)
    reports = [table(found, routers, given.loads), comparison(found, given.loads)]
    for report in reports:
        report.print(Console(stderr=given.json, width=140))
    if given.json:
        raw = [
            {"router": router, "load": load, "seed": seed} | dict(measured)
            for (router, load, seed), measured in found.items()
        ]
        print(json.dumps({"reports": [asdict(report) for report in reports], "runs": raw}))


if __name__ == "__main__":
    main()
