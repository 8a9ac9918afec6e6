"""The versions of the policy that took effect: which holds, who brought it into effect, how to get an earlier one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

from bridge.errors import DeskbridgeError
from bridge.store import queue
from bridge.store.activations import Activation, How, Log
from bridge.store.session import Store
from bridge.store.tables import activations, decisions, policies

_LOG: Final = Log(activations, lock=0x706F6C)  # "pol": any number, the same in every process

TAKEN_WITHIN: Final = timedelta(seconds=3)
"""How long it takes until every process goes by a version that has come into effect."""

active, history = _LOG.active, _LOG.history


class NoSuchVersion(DeskbridgeError):
    """No version of the policy that ever took effect is meant."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that is to take effect, with the text of its file."""

    version: str
    body: str


def body(connection: Connection, version: str) -> str:
    """A version's file as it stood. Raises NoSuchVersion."""
    found = connection.execute(select(policies.c.body).where(policies.c.version == version)).scalar()
    if found is None:
        raise NoSuchVersion(f"no policy of version '{version}' ever took effect; `deskbridge policy list` shows those")
    return str(found)


def decided(connection: Connection) -> dict[str, int]:
    """How many decisions that are still kept each version made."""
    rows = connection.execute(select(decisions.c.policy_version, func.count()).group_by(decisions.c.policy_version))
    return {row[0]: row[1] for row in rows}


def find(connection: Connection, start: str) -> str:
    """The version that begins with these digits. Raises NoSuchVersion where there is none or more than one."""
    known = policies.c.version
    found = connection.execute(select(known).where(known.startswith(start, autoescape=True)).limit(2)).scalars().all()
    if len(found) == 1:
        return str(found[0])
    words = "more than one version begins" if found else "no version that ever took effect begins"
    raise NoSuchVersion(f"{words} with '{start}'; `deskbridge policy list` shows those there are")


def before(connection: Connection) -> str:
    """The version that held before the one that holds. Raises NoSuchVersion where there was none."""
    found = _LOG.before(connection)
    if found is None:
        raise NoSuchVersion(
            "no version of the policy took effect before the present one, so there is none to go back to"
        )
    return found


def activate(store: Store, candidate: Candidate, *, how: How, who: str, now: datetime) -> Activation:
    """Bring a version into effect, and keep its text; what holds already goes on holding by its own activation."""
    with store.writing() as connection:
        _LOG.lock(store, connection)
        return _activate(store, connection, candidate, how=how, who=who, now=now)


def offer(store: Store, candidate: Candidate, *, who: str, now: datetime) -> Activation | None:
    """As `activate` by file, but only where this version never took effect before; None where it did and is not it.

    So a file takes effect once: neither a restart nor another host brings back what was superseded or rolled back.
    """
    with store.writing() as connection:
        _LOG.lock(store, connection)
        now_active = active(connection)
        known = select(policies.c.version).where(policies.c.version == candidate.version)
        if now_active is not None and connection.execute(known).first() is not None:
            return now_active if now_active.version == candidate.version else None
        return _activate(store, connection, candidate, how=How.FILE, who=who, now=now)


def _activate(
    store: Store, connection: Connection, candidate: Candidate, *, how: How, who: str, now: datetime
) -> Activation:
    kept = store.insert(policies).values(version=candidate.version, body=candidate.body)
    connection.execute(kept.on_conflict_do_nothing(index_elements=["version"]))
    queue.ring(store, connection, now + TAKEN_WITHIN)  # who waits may have another team, and agents other hours
    return _LOG.add(connection, candidate.version, how=how, who=who, now=now)
