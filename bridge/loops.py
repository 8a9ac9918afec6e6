"""Whether our writes on a ticket go round in a circle with somebody else's, and who that seems to be. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bridge.memory import requester_messages
from bridge.model import Actor, ActorKind, Change, Event, Ticket
from bridge.plural import many

STOPPED: Final = "stopped a loop: "
"""How the words of a write begin that was parked because there had been too many."""


@dataclass(frozen=True, slots=True)
class Cap:
    """The most writes of ours on one ticket within a time; Zendesk itself stops at 30 in 10 minutes."""

    writes: int = 5
    within: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Written:
    """A write of ours that is done or under way, and since when."""

    change: Change
    at: datetime


def stopped(
    cap: Cap,
    before: Sequence[Written],
    wanted: Change,
    *,
    ticket: Ticket,
    events: Sequence[Event],
    acting_id: str | None,
) -> str | None:
    """Why a change must not be written after those of the cap's time, and what to do; None where it may be."""
    if len(before) < cap.writes:
        return None
    minutes = f"{cap.within.total_seconds() / 60:g}"
    first = min(written.at for written in before)
    undone = _undone(before, wanted)
    return (
        f"{STOPPED}{many(len(before), 'write')} of ours on this ticket in {minutes} minutes"
        f"{f', of which others undid {undone}' if undone else ''}; {_other(ticket, events, acting_id, first)}. "
        "Find the trigger, automation or auto-reply that answers our writes and except them from it, "
        f"then retry this event, not before {first + cap.within:%H:%M} UTC."
    )


def _undone(before: Iterable[Written], wanted: Change) -> str:
    """What the change says that we wrote before: since then somebody has set it back."""
    times = Counter(part for written in before for part in _parts(written.change))
    return ", ".join(f"{part} ({many(times[part], 'time')})" for part in _parts(wanted) if times[part])


def _parts(change: Change) -> Iterator[str]:
    """A change in words, part by part; of fields the name alone, for their values are customers'."""
    for name in ("status", "priority", "type"):
        if (value := getattr(change, name)) is not None:
            yield f"{name} {value}"
    for name, value in (("assignee", change.assignee_id), ("team", change.team_id)):
        if value is not None:
            yield f"{name} {value or 'nobody'}"
    yield from (f"tag {tag}" for tag in sorted(change.add_tags))
    yield from (f"no tag {tag}" for tag in sorted(change.remove_tags))
    yield from (f"field {name}" for name in sorted(change.fields))


_SUSPECTS: Final = (ActorKind.INTEGRATION, ActorKind.BOT, ActorKind.SYSTEM, ActorKind.REQUESTER, ActorKind.AGENT)
"""Who is likeliest to answer a write by itself, first."""


def _other(ticket: Ticket, events: Iterable[Event], acting_id: str | None, since: datetime) -> str:
    """Who acted on the ticket meanwhile, by kind and the desk's id."""
    said = (m.author for m in requester_messages(ticket) if m.created_at is not None and m.created_at >= since)
    acted = [actor for actor in (*(event.actor for event in events), *said) if actor.kind in _SUSPECTS]
    others = Counter((actor.kind, actor.id) for actor in acted if actor.id is None or actor.id != acting_id)
    if others:
        kind, number = min(others, key=lambda each: (_SUSPECTS.index(each[0]), -others[each]))
        return f"meanwhile {kind} {number or '(the desk does not say which)'} acted on it"
    return _in_our_name(acted)


def _in_our_name(acted: Sequence[Actor]) -> str:
    return "meanwhile a rule of the desk acted on it in our name" if acted else "the desk does not say who else acted"
