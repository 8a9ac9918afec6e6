"""Snapshots for the router's laws: small teams and queues with everything that may stand between the two.

Each comes from one number that hypothesis draws, since drawing every part of an agent apart would take longer than the
laws themselves.
"""

from dataclasses import replace
from math import inf
from random import Random

from hypothesis import strategies as st

from bridge.routing import LiveAgent, Norms, Ring, Rules, Snapshot, Strategy, WaitingTicket, WhenAway, Work

TEAMS = ("billing", "tech")
SKILLS = ("french", "api")
TOPICS = ("refund", "outage")
CHANNELS = ("email", "chat")
NAMES = ("ana", "bo", "cy", "dee", "eli")


def snapshots() -> st.SearchStrategy[Snapshot]:
    """Agents with room and without, at work and away; tickets in the queue and in hands, some put there by a person."""
    return st.integers(0, 2**32).map(snapshot)


def snapshot(seed: int) -> Snapshot:
    chance = Random(seed)
    agents = [_agent(chance, name) for name in NAMES[: chance.randint(0, len(NAMES))]]
    tickets = [_ticket(chance, f"t{number}", agents) for number in range(chance.randint(0, 8))]
    held = [sum(ticket.holder == agent.name for ticket in tickets) for agent in agents]
    return Snapshot(
        tickets=tuple(tickets),
        agents=tuple(replace(agent, load=agent.load + count) for agent, count in zip(agents, held, strict=True)),
        norms=Norms({"refund": 8.0, "outage": 20.0}, demand={("refund", frozenset({"french"})): 0.3}),
        rules={team: _rules(chance) for team in TEAMS},
    )


def _some(chance: Random, words: tuple[str, ...], likely: float) -> frozenset[str]:
    return frozenset(word for word in words if chance.random() < likely)


def _teams(chance: Random) -> frozenset[str]:
    return _some(chance, TEAMS, 0.6) or frozenset({chance.choice(TEAMS)})


def _minutes(chance: Random) -> float:
    return chance.choice((0.0, 1.0, 10.0, 15.0, 30.0, 90.0, 600.0))


def _rules(chance: Random) -> Rules:
    return Rules(
        strategy=chance.choice((Strategy.LATE, chance.choice(list(Strategy)))),
        slots=chance.randint(1, 3),
        guard=chance.choice((0.0, 15.0)),
        when_away=chance.choice(list(WhenAway)),
        grace=chance.choice((0.0, 10.0)),
        settle=chance.choice((0.0, 30.0)),
        fair_share=chance.choice((1.2, inf)),
    )


def _agent(chance: Random, name: str) -> LiveAgent:
    available = chance.random() < 0.7
    work = tuple(
        Work(f"{name}{number}", _minutes(chance), chance.choice(CHANNELS))
        for number in range(chance.choice((0, 0, 1, 2)))
    )
    return LiveAgent(
        name=name,
        teams=_teams(chance),
        skills=_some(chance, SKILLS, 0.5),
        available=available,
        gone=0.0 if available else _minutes(chance),
        back_in=0.0 if available else chance.choice((_minutes(chance), inf)),
        shift_left=chance.choice((_minutes(chance), inf)),
        capacity=chance.randint(1, 6),
        channels={channel: chance.randint(0, 3) for channel in _some(chance, CHANNELS, 0.2)},
        load=len(work) + chance.choice((0, 0, 1, 3)),
        work=work,
        minutes={topic: chance.uniform(1, 60) for topic in _some(chance, TOPICS, 0.5)},
        worked=_minutes(chance),
        present=_minutes(chance),
        idle=_minutes(chance),
    )


def _ticket(chance: Random, name: str, agents: list[LiveAgent]) -> WaitingTicket:
    holder = chance.choice(agents).name if agents and chance.random() < 0.4 else None
    promise = chance.choice((None, 60.0, 240.0))
    return WaitingTicket(
        id=name,
        team=chance.choice(TEAMS),
        topic=chance.choice(TOPICS),
        rings=_rings(chance),
        channel=chance.choice(CHANNELS),
        weight=chance.choice((1.0, 2.0, 8.0)),
        waited=_minutes(chance),
        due_in=None if promise is None else promise - _minutes(chance),
        promise=promise,
        followup=chance.random() < 0.4,
        last_agent=chance.choice((None, *NAMES)),
        preferred=_some(chance, SKILLS, 0.2),
        holder=holder,
        by_human=holder is not None and chance.random() < 0.3,
        moved=_minutes(chance) if holder is not None and chance.random() < 0.3 else None,
    )


def _rings(chance: Random) -> tuple[Ring, ...]:
    times = sorted(_minutes(chance) for _ in range(chance.randint(0, 2)))
    return tuple(Ring(_teams(chance), _some(chance, SKILLS, 0.3), after) for after in (0.0, *times))
