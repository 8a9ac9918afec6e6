"""First answers as the router learns from them: who gave them, on what, and what they took."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, select

from bridge.store.tables import answers

KEPT: Final = timedelta(days=90)
"""How long an answer tells how fast somebody is."""

LEARNT_FROM: Final = 5_000
"""The newest answers that are learnt from."""


@dataclass(frozen=True, slots=True)
class Given:
    """A first answer: `minutes` of the agent's working time since they were given the ticket, `skills` it asked for."""

    agent: str
    topic: str
    skills: frozenset[str]
    minutes: float
    at: datetime


def keep(connection: Connection, given: Given) -> None:
    """Remember an answer."""
    row = {"agent": given.agent, "topic": given.topic, "minutes": given.minutes, "at": given.at}
    connection.execute(answers.insert(), row | {"skills": json.dumps(sorted(given.skills))})


def latest(connection: Connection) -> Sequence[Given]:
    """The newest answers."""
    rows = connection.execute(select(answers).order_by(answers.c.at.desc()).limit(LEARNT_FROM))
    return [Given(row.agent, row.topic, frozenset(json.loads(row.skills)), row.minutes, row.at) for row in rows]


def forget(connection: Connection, before: datetime) -> None:
    """Drop the answers of before then."""
    connection.execute(delete(answers).where(answers.c.at < before))
