"""`deskbridge queue`: which tickets wait for an agent, in which team, since when, for what and why."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from bridge.model import Assignment, Place, PlaceState
from bridge.ports import Policy
from bridge.queueing import ask, load, stands
from bridge.settings import Settings
from bridge.situation import Answers, Situation, wanted
from bridge.store import Store, queue
from deskbridge.cli.database import opened
from deskbridge.cli.named import policy_in_effect, require_desk
from deskbridge.wiring import read_settings, utc_now

_STATES = (PlaceState.WAITING, PlaceState.OFFERED, PlaceState.RECALLED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A ticket in a queue: `since` is when its customer began to wait, `promised` when a first answer is due.

    `agent` is whom it is offered to or about to be taken from, `needs` the skills that its agent must have.
    """

    ticket: str
    team: str
    state: str
    since: datetime
    minutes: float
    priority: str
    needs: tuple[str, ...]
    agent: str | None
    why: str


def list_queue(
    team: Annotated[str | None, typer.Option("--team", help="Only of this team, by the policy's name.")] = None,
    desk: Annotated[str | None, typer.Option("--desk", help="Only of this desk.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, those that wait longest.")] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")] = Path("deskbridge.yaml"),
) -> None:
    """List the tickets that wait for an agent: where, since when, for whom and why; nothing is changed."""
    settings = read_settings(config, os.environ)
    if desk is not None:
        require_desk(settings, desk)
    with opened(settings) as store:
        policy = policy_in_effect(settings, store)
        every = waiting(store, settings, policy)
    if team is not None and team not in (teams := dict.fromkeys([*policy.teams(), *(one.team for one in every)])):
        raise typer.BadParameter(f"no team is called '{team}'; there are {', '.join(teams)}")
    of_desk = [one for one in every if desk is None or one.ticket.startswith(f"{desk}:")]
    found = [one for one in of_desk if team in {None, one.team}][:limit]
    if as_json:
        for one in found:
            typer.echo(json.dumps(asdict(one), default=str))
        return
    table = Table(Column("ticket", no_wrap=True), "team", "waits (min)", "priority", "needs", "why")
    for one in found:
        table.add_row(one.ticket, one.team, f"{one.minutes:.0f}", one.priority, ", ".join(one.needs), one.why)
    Console().print(table if found else "No ticket waits for an agent.")


def waiting(store: Store, settings: Settings, policy: Policy) -> list[Waiting]:
    """What waits, those first whose customers have waited longest, with what the router says of each now."""
    with store.reading() as connection:
        situation = load(connection, policy, settings.desks, utc_now())
        places = queue.in_state(connection, *_STATES)
    said = dict(_said(situation, places))
    return [_waiting(place, policy, situation.now, said.get(str(place.ref))) for place in places]


def _said(situation: Situation, places: list[Place]) -> Iterator[tuple[str, Assignment]]:
    """The router's word on each ticket that waits and that this policy knows."""
    known = [
        place
        for place in places
        if place.state is PlaceState.WAITING
        and stands(situation.policy, place)
        and place.ref.desk in situation.bindings
    ]
    answers = Answers(situation, *ask(situation, known))
    for place in known:
        yield str(place.ref), answers.of(place)


def _waiting(place: Place, policy: Policy, now: datetime, said: Assignment | None) -> Waiting:
    wait = place.wait
    return Waiting(
        ticket=str(place.ref),
        team=wait.target.team,
        state=place.state.value,
        since=wait.since,
        minutes=round((now - wait.since).total_seconds() / 60, 1),
        priority=wait.priority.value,
        needs=tuple(sorted(wanted(place, policy) if stands(policy, place) else wait.target.skills)),
        agent=place.agent,
        why=_why(place, said),
    )


def _why(place: Place, said: Assignment | None) -> str:
    if place.state is PlaceState.OFFERED:
        return f"about to be given to {place.agent}"
    if place.state is PlaceState.RECALLED:
        return f"about to be taken back from {place.agent}"
    if said is None:
        return "its team or its desk is no longer there: it is decided on anew"
    if said.agent is not None:
        return f"{said.agent} has room for it now"
    return said.because
