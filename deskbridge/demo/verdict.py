"""What became of the demo's tickets, judged by the desks' own state and history, never by our tables."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

State = Mapping[str, Any]
"""What a sandbox's `GET /_sandbox/state` answers."""

_OURS = "integration"
_REF = re.compile(r"Deskbridge ref ([0-9A-Z]{26})")


@dataclass(frozen=True, slots=True)
class Expected:
    """Where one ticket has to be: in this team, with an agent or with this very one, and with these tags."""

    team: str
    assignee: str | None = None
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DeskResult:
    """One desk's figures; `calls_per_ticket` counts every call to the vendor's API, latencies are milliseconds."""

    tickets: int
    assigned: int
    tagged: int
    noted: int
    calls_per_ticket: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Faults:
    """What went wrong, one sentence each: tickets never written, effects twice, human edits undone, wrong places."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    overwritten: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any((self.lost, self.duplicated, self.overwritten, self.misplaced))


def judge(state: State, expected: Mapping[str, Expected]) -> tuple[DeskResult, Faults]:
    """The figures and the faults of one desk; `expected` by ticket id."""
    tickets = {ticket["id"]: ticket for ticket in state["tickets"]}
    writes: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for write in state["writes"]:
        if write["ticket"] is not None:
            writes[write["ticket"]].append(write)
    faults = Faults()
    for number, wanted in expected.items():
        _place(f"{state['vendor']} {number}", tickets.get(number), wanted, faults)
        faults.duplicated.extend(_twice(f"{state['vendor']} {number}", tickets.get(number), writes[number]))
        faults.overwritten.extend(_undone(f"{state['vendor']} {number}", tickets.get(number), writes[number]))
    for number in expected:
        if not any(write["actor_kind"] == _OURS for write in writes[number]):
            faults.lost.append(f"{state['vendor']} {number}: nothing was ever written")
    return _figures(state, [tickets[number] for number in expected if number in tickets], writes), faults


def _figures(
    state: State, tickets: list[Mapping[str, Any]], writes: Mapping[str, list[Mapping[str, Any]]]
) -> DeskResult:
    waits = sorted(wait for ticket in tickets if (wait := _wait(writes[ticket["id"]])) is not None)
    cuts = quantiles(waits, n=100, method="inclusive") if len(waits) > 1 else [0.0] * 99
    return DeskResult(
        tickets=len(tickets),
        assigned=sum(ticket["assignee"] is not None for ticket in tickets),
        tagged=sum(bool(ticket["tags"]) for ticket in tickets),
        noted=sum(bool(_our_notes(ticket)) for ticket in tickets),
        calls_per_ticket=round(len(state["calls"]) / max(len(tickets), 1), 2),
        p50_ms=round(cuts[49] * 1000, 1),
        p99_ms=round(cuts[98] * 1000, 1),
    )


def _wait(writes: Iterable[Mapping[str, Any]]) -> float | None:
    """Seconds from the customer's first message to our first note, with which what we write first is complete."""
    history = list(writes)
    noted = next((w["at"] for w in history if w["actor_kind"] == _OURS and w["action"] == "note"), None)
    return None if noted is None else float(noted - history[0]["at"])


def _place(name: str, ticket: Mapping[str, Any] | None, wanted: Expected, faults: Faults) -> None:
    if ticket is None:
        faults.lost.append(f"{name}: the desk has no such ticket")
        return
    if ticket["team"] != wanted.team:
        faults.misplaced.append(f"{name} '{ticket['subject']}': in {ticket['team']}, belongs to {wanted.team}")
    if ticket["assignee"] is None or wanted.assignee not in {None, ticket["assignee"]}:
        faults.misplaced.append(f"{name}: assigned to {ticket['assignee']}, belongs to {wanted.assignee or 'an agent'}")
    if missing := wanted.tags - set(ticket["tags"]):
        faults.misplaced.append(f"{name} '{ticket['subject']}': lacks the tags {', '.join(sorted(missing))}")


def _our_notes(ticket: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [note for note in ticket["notes"] if note["author"] == "bridge@acme.example"]


def _twice(name: str, ticket: Mapping[str, Any] | None, writes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Notes or marked writes of one operation that stand there more than once, and notes with nothing new to tell."""
    notes = [] if ticket is None else _our_notes(ticket)
    refs = Counter(ref for note in notes for ref in _REF.findall(note["body"]))
    bodies = Counter(note["body"] for note in notes)
    marks = Counter(mark for write in writes if (mark := _mark(write)))
    again = [f"{what} {count} times" for seen in (refs, bodies, marks) for what, count in seen.items() if count > 1]
    return [f"{name}: {words}" for words in [*again, *_idle_notes(writes)]]


def _idle_notes(writes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Notes of ours before which neither the customer wrote nor we changed anything since our last note."""
    news = False
    for write in writes:
        ours = write["actor_kind"] == _OURS
        if ours and write["action"] == "note":
            if not news:
                yield "a note although nothing was new"
            news = False
        elif ours or write["actor_kind"] == "requester":
            news = True


def _mark(write: Mapping[str, Any]) -> str | None:
    metadata = write.get("metadata") or {}
    found = metadata.get("deskbridge") if isinstance(metadata, dict) else None
    return f"{write['action']} {found['op']}" if isinstance(found, dict) and "op" in found else None


def _undone(name: str, ticket: Mapping[str, Any] | None, writes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Fields that an agent set and we changed afterwards, and tags that an agent added and nobody has any more."""
    found = []
    by_agents: set[str] = set()
    added: set[str] = set()
    for write in writes:
        changes: Mapping[str, Any] = write["changes"]
        if write["actor_kind"] == "agent":
            by_agents |= changes.keys() - {"tags"}
            if "tags" in changes:
                before, after = (set(tags or ()) for tags in changes["tags"])
                added = (added | (after - before)) - (before - after)
        elif write["actor_kind"] == _OURS:
            found += [f"{name}: {field} was set by an agent" for field in sorted(by_agents & changes.keys())]
    if ticket is not None and (gone := added - set(ticket["tags"])):
        found.append(f"{name}: the agent's tags {', '.join(sorted(gone))} are gone")
    return found
