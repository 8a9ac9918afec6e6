"""One tick of the router with a thousand tickets waiting, beside scipy's matching alone on the very same tables."""

import random
import time
import tracemalloc
from collections.abc import Callable, Sequence

from scipy.optimize import linear_sum_assignment

from benchmarks.report import Figure, Report, Spread
from bridge.routing import LiveAgent, Norms, Ring, Snapshot, WaitingTicket, matching, route
from bridge.routing.crew import Numbers

AGENTS = (10, 100, 1_000, 10_000)
TICKETS = 1_000

_TEAM = frozenset({"support"})
_TOPICS = {f"topic {number}": 6.0 + 2 * number for number in range(8)}
_LANGUAGES = {"english": 0.6, "german": 0.25, "french": 0.15}
_PROMISE = 240.0
_MIB = 1024 * 1024


def measure(*, agents: Sequence[int] = AGENTS, tickets: int = TICKETS, rounds: int = 5) -> Report:
    """Processor time of a tick and memory at its peak, everybody idle: the tick that gives out most."""
    rows = [_row(snapshot(count, tickets), rounds) for count in agents]
    return Report(
        f"One tick of the router, {tickets:,} tickets waiting, every agent free",
        "scipy's linear_sum_assignment alone on the same tables",
        tuple(rows[0]),
        tuple(rows),
        (
            "Ours also finds who may have what, prices it, and says why each ticket was given or waits.",
            f"Tables of more than {matching.MOST:,} cells are matched greedily.",
        ),
    )


def snapshot(agents: int, tickets: int) -> Snapshot:
    """A support team with eight topics and three languages: two or three topics an agent, one or two languages."""
    chance = random.Random(agents)
    return Snapshot(
        tickets=tuple(_ticket(chance, number, agents) for number in range(tickets)),
        agents=tuple(_agent(chance, number) for number in range(agents)),
        norms=Norms(
            _TOPICS,
            demand={
                (topic, frozenset({topic, language})): share / len(_TOPICS)
                for topic in _TOPICS
                for language, share in _LANGUAGES.items()
            },
        ),
    )


def _agent(chance: random.Random, number: int) -> LiveAgent:
    topics = chance.sample(list(_TOPICS), chance.choice((2, 3)))
    languages = {"english", chance.choice(list(_LANGUAGES))}
    minutes = {topic: _TOPICS[topic] * chance.uniform(0.7, 1.4) for topic in topics}
    idle = chance.uniform(0, 60)
    return LiveAgent(f"agent {number}", _TEAM, frozenset(topics) | languages, minutes=minutes, idle=idle)


def _ticket(chance: random.Random, number: int, agents: int) -> WaitingTicket:
    topic = chance.choice(list(_TOPICS))
    language = chance.choices(list(_LANGUAGES), list(_LANGUAGES.values()))[0]
    followup, waited = chance.random() < 0.4, chance.uniform(0, 300)
    return WaitingTicket(
        f"ticket {number}",
        "support",
        topic,
        (Ring(_TEAM, frozenset({topic, language})),),
        weight=chance.choice((1.0, 2.0, 4.0)),
        waited=waited,
        due_in=None if followup else _PROMISE - waited,
        promise=None if followup else _PROMISE,
        followup=followup,
        last_agent=f"agent {chance.randrange(agents)}" if followup else None,
    )


def _row(asked: Snapshot, rounds: int) -> dict[str, Figure]:
    tables: list[Numbers] = []

    def kept(worth: Numbers) -> matching.Pairs:
        tables.append(worth)
        return matching.best(worth)

    plan = route(asked, kept)
    ticks, alone = [], []
    for _ in range(rounds):
        ticks.append(_milliseconds(lambda: route(asked)))
        alone.append(_milliseconds(lambda: [linear_sum_assignment(table, maximize=True) for table in tables]))
    return {
        "agents": len(asked.agents),
        "given": len(plan.placements),
        "ms": Spread(ticks).text(1),
        "scipy ms": Spread(alone).text(1),
        "of baseline": Spread(ticks).middle / Spread(alone).middle,
        "peak MiB": _peak(asked) / _MIB,
    }


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1_000


def _peak(asked: Snapshot) -> int:
    tracemalloc.start()
    route(asked)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
