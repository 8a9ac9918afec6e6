"""What an answer takes whom, learnt from answers that were given: minutes by topic and agent, shrunk where few."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from bridge.routing.snapshot import UNKNOWN_MINUTES, Norms

TRUST: Final = 10.0
"""So many answers weigh as much as what is expected without them."""

LONGEST: Final = 240.0
"""Minutes beyond which an answer was not worked on all the time; none counts for more."""


_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that an agent gave and the minutes that it took them, from opening the ticket to sending."""

    agent: str
    topic: str
    minutes: float
    followup: bool = False


@dataclass(frozen=True, slots=True)
class Effort:
    """What was learnt: the team's minutes of a first answer by topic, every agent's, and what a follow-up takes.

    `pace` is an agent's minutes by those the team would take for the same answers: below 1 is faster.
    """

    minutes: Mapping[str, float]
    agents: Mapping[str, Mapping[str, float]]
    pace: Mapping[str, float]
    followup: float

    def of(self, agent: str, topic: str) -> float:
        """The minutes of a first answer, also for topics and agents of which nothing is known."""
        norm = self.minutes.get(topic, UNKNOWN_MINUTES) * self.pace.get(agent, 1.0)
        return self.agents.get(agent, {}).get(topic, norm)


def learn(answers: Iterable[Answer]) -> Effort:
    """The effort behind a history of answers, in any order.

    Every mean is drawn towards what one step less detail says, as if that had been seen in `TRUST` answers: a topic's
    towards that of all, an agent's pace towards the team's, an agent's minutes for a topic towards the topic's at that
    pace (the shrinkage of James and Stein, with a fixed weight).
    """
    known = [(one, min(max(one.minutes, 0.0), LONGEST)) for one in answers]
    first = [(one, minutes) for one, minutes in known if not one.followup]
    every = _shrunk(UNKNOWN_MINUTES, (minutes for _, minutes in first))
    topics = {topic: _shrunk(every, found) for topic, found in _grouped((one.topic, m) for one, m in first).items()}
    followup = _ratio(
        Norms().followup, ((minutes, topics.get(one.topic, every)) for one, minutes in known if one.followup)
    )
    paces = _grouped((one.agent, (m, topics[one.topic])) for one, m in first)
    pace = {agent: _ratio(1.0, found) for agent, found in paces.items()}
    pairs = _grouped(((one.agent, one.topic), minutes) for one, minutes in first)
    agents: dict[str, dict[str, float]] = defaultdict(dict)
    for (agent, topic), found in pairs.items():
        agents[agent][topic] = _shrunk(topics[topic] * pace[agent], found)
    return Effort(topics, dict(agents), pace, followup)


def _shrunk(expected: float, found: Iterable[float]) -> float:
    values = list(found)
    return (TRUST * expected + sum(values)) / (TRUST + len(values))


def _ratio(expected: float, found: Iterable[tuple[float, float]]) -> float:
    """What was taken by what was expected, the answers that stand for the expectation among them."""
    pairs = list(found)
    usual = sum(norm for _, norm in pairs) / len(pairs) if pairs else 1.0
    taken, normal = sum(minutes for minutes, _ in pairs), sum(norm for _, norm in pairs)
    return (TRUST * usual * expected + taken) / (TRUST * usual + normal)


def _grouped(pairs: Iterable[tuple[_K, _V]]) -> dict[_K, list[_V]]:
    found: dict[_K, list[_V]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found
