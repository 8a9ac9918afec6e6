"""Small teams and worlds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

import rules
from bridge import yamlfile
from bridge.model import Case
from deskbridge.simulation.scenario import Scenario, Scenes
from deskbridge.simulation.world import Job, World
from rules import LoadedPolicy, cases
from rules.schema import Given

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

POLICY: dict[str, Any] = {
    "policy": "deskbridge/v1",
    "mode": "live",
    "teams": {"care": {"members": {"ana": {"capacity": 50}, "bo": {"capacity": 50}}}},
    "triage": {"intent": {"act": 0.8, "suggest": 0.5}, "words": {"billing": ["invoice"], "spam": ["casino"]}},
    "route": [
        {"name": "left alone", "when": {"intent": "spam"}, "skip": True},
        {"name": "everything", "to": {"team": "care"}},
    ],
}

SCENARIO: dict[str, Any] = {
    "scenario": "deskbridge/v1",
    "start": "2026-11-30",
    "timezone": "UTC",
    "weeks": 1,
    "arrivals": {"mon": {"08:00-12:00": 6}},
    "tickets": [
        {"share": 3, "given": {"intent": "billing"}, "minutes": 12, "further": 6, "replies": 0.3},
        {"share": 1, "minutes": 8},
    ],
    "customers": {"reply_after": "1h"},
    "work": {"spread": 0.5, "pace": 0},
}


def text(data: object) -> str:
    return yaml.safe_dump(data, sort_keys=False)


def policy(**changed: Any) -> LoadedPolicy:
    """The small policy with sections of its own."""
    return rules.loads(text(POLICY | changed))


def team(*members: str, **more: Any) -> dict[str, Any]:
    """A team of people with room for fifty tickets each."""
    return {"members": {name: {"capacity": 50} for name in members}, **more}


def scenes(**changed: Any) -> Scenes:
    """The small scenario with sections of its own."""
    return Scenes(yamlfile.loads(text(SCENARIO | changed), Scenario))


def world(*jobs: Job, days: int = 7) -> World:
    """These tickets in a world that begins on a Monday."""
    return World(0, MONDAY, MONDAY + timedelta(days=days), jobs)


def job(hours: float, work: Sequence[float] = (10.0,), delays: Sequence[float] = ()) -> Job:
    """A ticket that comes so many hours after the world's start."""
    return Job(MONDAY + timedelta(hours=hours), asked, tuple(work), tuple(delays))


def asked(read_by: LoadedPolicy) -> Case:
    return cases.case_of(read_by, Given(subject="Hello"))
