"""The verdict on one desk, from the desk's own state and history alone (`GET /_sandbox/state`), never from our tables.

What counts as what stands in docs/chaos.md; each function here repeats its own part in one sentence.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from benchmarks.chaos.script import LINE, LINE_SLOTS, RAISED, TEAMS, WORDS, tag_of

State = Mapping[str, Any]
"""What a sandbox's `GET /_sandbox/state` answers."""

RACE_MAX = 2.0
"""The longest time in seconds between a look at a ticket and the write after it that counts as unavoidable where the
vendor has no lock: a slow answer (half a second in this play) and what a crowded machine adds to it."""

_NO_LOCK = {"freshdesk", "intercom"}
_NO_HISTORY = {"freshdesk"}
_NO_PRIORITY = {"intercom"}
_HIGH = {"high", "urgent", 3, 4}
_OURS = "bridge@acme.example"

_NAMES = {"responder_id": "assignee", "assignee_id": "assignee", "group_id": "team", "state": "status"}
_BESIDE = {"comment", "body", "tags", "custom_status_id", "fr_due_by", "due_by"}
"""What a history's changes hold that nobody sets by itself: texts, and values that follow from another field."""

_WORD = re.compile(r"[a-z]+")
_REF = re.compile(r"Deskbridge ref ([0-9A-Z]{26})")
_TAGS_ADDED = re.compile(r"Tags added: ([^<]*)")


@dataclass(frozen=True, slots=True)
class Move:
    """One write of a ticket's history: the fields it set, the tags it put on and took off, our marker where it has one.

    `who` is requester, agent, integration (we) or system; `before` has the value that each field was set from, the
    fields being named alike for all vendors.
    """

    seq: int
    at: float
    who: str
    action: str
    before: Mapping[str, Any]
    added: frozenset[str]
    removed: frozenset[str]
    mark: str | None

    @classmethod
    def of(cls, write: Mapping[str, Any]) -> "Move":
        """The move of a row of `writes`."""
        changes: Mapping[str, Any] = write["changes"]
        had, has = (frozenset(tags or ()) for tags in changes.get("tags", ((), ())))
        before = {_NAMES.get(name, name): changes[name][0] for name in changes.keys() - _BESIDE}
        metadata = write.get("metadata") or {}
        mark = (metadata.get("deskbridge") or {}).get("op")
        who, action = write["actor_kind"], write["action"]
        return cls(write["seq"], write["at"], who, action, before, has - had, had - has, mark)

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it set."""
        return frozenset(self.before)

    @property
    def does(self) -> frozenset[str]:
        """What it brings about: fields by name, tags put on and off."""
        return self.fields | {f"tag {tag}" for tag in self.added} | {f"no tag {tag}" for tag in self.removed}

    @property
    def undoes(self) -> frozenset[str]:
        """What nobody else may bring about after it."""
        return self.fields | {f"no tag {tag}" for tag in self.added} | {f"tag {tag}" for tag in self.removed}


@dataclass(frozen=True, slots=True)
class Effect:
    """Something the policy owes to a message: when the message came, and when the effect did (None: it is missing)."""

    what: str
    since: float
    done: float | None


@dataclass(slots=True)
class Verdict:
    """What became of the tickets of one desk or of all; each list has one sentence for each fault.

    `effects` are those of all messages; `races` are overwritten edits that fell between our look and our write at a
    vendor without a lock, each with the length of that window in milliseconds. `oversold` are tickets of the queue that
    were given to somebody who had no slot free, `queued` counts all that were given.
    """

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    overwritten: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    oversold: list[str] = field(default_factory=list)
    queued: int = 0
    races: list[tuple[str, float]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    writes: int = 0
    rate_limited: int = 0

    def add(self, other: "Verdict") -> None:
        """Take in another desk's verdict."""
        for mine, theirs in ((self.lost, other.lost), (self.duplicated, other.duplicated),
                             (self.overwritten, other.overwritten), (self.disordered, other.disordered)):  # fmt: skip
            mine.extend(theirs)
        self.races.extend(other.races)
        self.effects.extend(other.effects)
        self.writes += other.writes
        self.rate_limited += other.rate_limited

    @property
    def clean(self) -> bool:
        """True where nothing is lost, done twice, overwritten, out of order or given to who had no room."""
        return not (self.lost or self.duplicated or self.overwritten or self.disordered or self.oversold)


def judge(state: State, killed: Sequence[float] = ()) -> Verdict:
    """The verdict on one desk; `killed` are the times at which processes were killed, in unix seconds."""
    moves: dict[str, list[Move]] = defaultdict(list)
    for write in state["writes"]:
        if write["ticket"] is not None:
            moves[write["ticket"]].append(Move.of(write))
    told: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for delivery in state["deliveries"]:
        told[delivery["ticket"]].append((delivery["created_at"], _arrived(delivery)))
    calls = _Calls(state["calls"], killed)
    verdict = Verdict(writes=_writes(state["calls"]), rate_limited=sum(c["status"] == 429 for c in state["calls"]))
    for ticket in state["tickets"]:
        case = Case(state["vendor"], ticket, moves[ticket["id"]], calls, told[ticket["id"]])
        verdict.effects += case.effects
        verdict.lost += case.lost()
        verdict.duplicated += case.duplicated()
        verdict.disordered += case.disordered()
        for words, window in case.overwritten():
            if window is None:
                verdict.overwritten.append(words)
            else:
                verdict.races.append((words, window))
    return verdict


def oversold(states: Iterable[State]) -> tuple[list[str], int]:
    """Assignments of ours in the queue to who had all their slots taken by others of ours then, over all desks; and how
    many there were.

    A slot is taken from our assignment until the ticket is assigned to somebody else or solved, each by its history.
    """
    moves = sorted((move for state in states for move in _turns(state)), key=lambda move: move[0])
    hands: dict[str, str] = {}
    solved: set[str] = set()
    found: list[str] = []
    given = 0
    for _, ticket, agent in moves:
        hands.pop(ticket, None)
        if agent is None or ticket in solved:
            solved.add(ticket)
            continue
        given += 1
        if sum(holder == agent for holder in hands.values()) >= LINE_SLOTS:
            found.append(f"{ticket}: {agent} had {LINE_SLOTS} already")
        hands[ticket] = agent
    return found, given


def _turns(state: State) -> Iterator[tuple[float, str, str | None]]:
    """When a ticket of the queue got into somebody's hands by us, and when out of them (None)."""
    agents = {str(agent["id"]): agent["email"] for agent in state["agents"]}
    line = {ticket["id"] for ticket in state["tickets"] if LINE in ticket["subject"]}
    for write in state["writes"]:
        if write["ticket"] not in line:
            continue
        fields = {_NAMES.get(name, name): after for name, (_, after) in write["changes"].items() if name not in _BESIDE}
        name = f"{state['vendor']} {write['ticket']}"
        if write["actor_kind"] == "integration" and "assignee" in fields:
            yield write["at"], name, agents.get(str(fields["assignee"]))
        elif write["actor_kind"] == "agent" and "status" in fields:
            yield write["at"], name, None


class Case:
    """One ticket under judgement: as it is in the end, its moves in their order, and the calls about it.

    `told` has for every webhook when it was due and when it arrived (infinite: never).
    """

    def __init__(
        self,
        vendor: str,
        ticket: Mapping[str, Any],
        moves: Sequence[Move],
        calls: "_Calls",
        told: Sequence[tuple[float, float]],
    ) -> None:
        self.told = told
        self.vendor = vendor
        self.name = f"{vendor} {ticket['id']}"
        self.ticket = ticket
        self.moves = moves
        self.calls = calls
        self.ours = [move for move in moves if move.who == "integration"]
        self.by_agents = [move for move in moves if move.who == "agent"]
        self.notes = [note for note in ticket["notes"] if note["author"] == _OURS]
        self.heard = _heard(ticket)
        self.by_word = {word: list(self._due(word)) for word in self.heard}
        self.effects = [effect for effects in self.by_word.values() for effect in effects]

    def lost(self) -> Iterator[str]:
        """Messages with an effect that is due and is not at the desk in the end."""
        for word, effects in self.by_word.items():
            if missing := [effect.what for effect in effects if effect.done is None]:
                yield f"{self.name} '{word}': no {', no '.join(missing)}"

    def _due(self, word: str) -> Iterator[Effect]:
        """A tag for every word, a higher priority for some; for the first word also a note, a team and an agent.

        What an agent took off, or set themselves before we did, is not due; nothing is of what was solved in the queue.
        """
        since = self.heard[word]
        if LINE in self.ticket["subject"] and self._theirs("status"):
            return
        if (tag := self._tagged(word)) is not None:
            yield Effect("tag", since, tag[0])
        if word in RAISED and self.vendor not in _NO_PRIORITY and not self._theirs("priority"):
            raised = self.ticket["priority"] in _HIGH
            yield Effect("priority", since, self._set_at("priority") if raised else None)
        if word != next(iter(self.heard)):
            return
        yield Effect("note", since, min((note["at"] for note in self.notes), default=None))
        if not self._theirs("team", "assignee"):
            wanted = next((team for about, team in TEAMS.items() if about in self.ticket["subject"]), "General")
            yield Effect("team", since, self._set_at("team") if self.ticket["team"] == wanted else None)
            yield Effect("agent", since, self._set_at("assignee") if self.ticket["assignee"] else None)

    def _tagged(self, word: str) -> tuple[float | None] | None:
        """When we put a word's tag on, if at all; None where an agent took it off, so that it is not due."""
        tag = tag_of(word)
        if any(tag in move.removed for move in self.by_agents):
            return None
        at = next((move.at for move in self.ours if tag in move.added), None)
        return (at if tag in self.ticket["tags"] else None,)

    def _theirs(self, *fields: str) -> bool:
        return any(move.fields.intersection(fields) for move in self.by_agents)

    def _set_at(self, field: str) -> float | None:
        return next((move.at for move in self.ours if field in move.fields), None)

    def duplicated(self) -> Iterator[str]:
        """An operation's mark, a note, its text or what it announces, a field or a tag of ours, more than once."""
        counts = (
            ("the operation", Counter(f"{move.action} {move.mark}" for move in self.ours if move.mark)),
            ("the note of", Counter(ref for note in self.notes for ref in _REF.findall(note["body"]))),
            ("the same note", Counter(_REF.sub("", note["body"])[-60:] for note in self._same_notes())),
            ("the note about", Counter(tag for note in self.notes for tag in _announced(note["body"]))),
        )
        for what, counted in counts:
            for which, times in counted.items():
                if times > 1:
                    yield f"{self.name}: {what} {which} {times} times"
        yield from self._repeated()

    def _repeated(self) -> Iterator[str]:
        """Fields that we set and tags that we put on once more, although no agent undid the first time."""
        standing: set[str] = set()
        for move in self.moves:
            if move.who == "agent":
                standing -= move.undoes
            elif move.who == "integration":
                yield from (f"{self.name}: {what} again" for what in sorted(standing & move.does))
                standing |= move.does

    def _same_notes(self) -> Iterator[Mapping[str, Any]]:
        texts = Counter(_REF.sub("", note["body"]) for note in self.notes)
        return (note for note in self.notes if texts[_REF.sub("", note["body"])] > 1)

    def overwritten(self) -> Iterator[tuple[str, float | None]]:
        """What an agent set and we changed afterwards, a tag of theirs that we took off or put back.

        With each the window in milliseconds where it was a race that the vendor gives no means to win, else None.
        """
        agents: dict[str, list[Move]] = defaultdict(list)
        before: dict[str, Move] = {}
        for move in self.moves:
            if move.who == "agent":
                for what in move.undoes:
                    agents[what].append(move)
            elif move.who == "integration":
                for what in sorted(agents.keys() & move.does):
                    window = self._window(agents[what], move, before.get(what))
                    if window is None and self._unheard(what, agents[what], move):
                        window = (move.at - agents[what][0].at) * 1000
                    yield f"{self.name}: {what} was an agent's", window
                before |= dict.fromkeys(move.does, move)

    def _unheard(self, what: str, theirs: Sequence[Move], ours: Move) -> bool:
        """True where agents set a field and put it back before our first write, and no webhook told of it by then.

        Freshdesk shows no history: such a ticket looks like one that nobody touched.
        """
        if self.vendor not in _NO_HISTORY or what not in ours.before or any(m.at < theirs[0].at for m in self.ours):
            return False
        undone = theirs[0].before[what] == ours.before[what]
        return undone and not any(
            move.at - _SAME_CALL <= due <= move.at + _SAME_CALL and arrived < ours.at
            for move in theirs
            for due, arrived in self.told
        )

    def _window(self, acts: Sequence[Move], ours: Move, first: Move | None) -> float | None:
        """Milliseconds in which the vendor left us blind, where an agent's edit fell into them; else None.

        From our last look at the ticket to our write; or from a first write whose answer never reached us, and which
        the agent undid before we looked again, to the second.
        """
        if self.vendor not in _NO_LOCK:
            return None
        theirs = acts[-1]
        look = self.calls.look_before(self.ticket["id"], ours.at)
        if look <= theirs.at and ours.at - look <= RACE_MAX:
            return (ours.at - look) * 1000
        if first is not None and first.at < theirs.at and self.calls.unanswered(self.ticket["id"], first.at):
            return (ours.at - first.at) * 1000
        return None

    def disordered(self) -> Iterator[str]:
        """Our marks, which are ULIDs, must grow along the history; a newer message's tag must not come first.

        Tags that one note announces are one decision's, and so have no order among themselves.
        """
        marks = [ref for note in self.notes for ref in _REF.findall(note["body"])]
        marks += dict.fromkeys(move.mark for move in self.ours if move.mark)
        for earlier, later in pairwise(marks):
            if later < earlier:
                yield f"{self.name}: {later} after {earlier}"
        first = {tag: move.seq for move in reversed(self.ours) for tag in move.added}
        seen = [(word, first[tag_of(word)]) for word in self.heard if tag_of(word) in first]
        together = [set(_announced(note["body"])) for note in self.notes]
        for (earlier, before), (later, after) in pairwise(seen):
            if after < before and not any({tag_of(earlier), tag_of(later)} <= tags for tags in together):
                yield f"{self.name}: '{later}' before '{earlier}'"


def _arrived(delivery: Mapping[str, Any]) -> float:
    """When a webhook was first taken, infinite where it never was."""
    times = (attempt["at"] for attempt in delivery["attempts"] if 200 <= (attempt.get("status") or 0) < 300)
    return min(times, default=math.inf)


def _heard(ticket: Mapping[str, Any]) -> dict[str, float]:
    """The words of the customer's messages, oldest first, with the time of each."""
    said = [(ticket["created_at"], ticket["subject"])]
    said += [(reply["at"], reply["body"]) for reply in ticket["replies"] if reply["author_kind"] == "requester"]
    heard: dict[str, float] = {}
    for at, text in said:
        for word in _WORD.findall(text.lower()):
            if word in _KNOWN:
                heard.setdefault(word, at)
    return heard


_KNOWN = frozenset(WORDS)


def _announced(body: str) -> list[str]:
    return [tag for listed in _TAGS_ADDED.findall(body) for tag in listed.split(", ") if tag.startswith(tag_of(""))]


_READS = re.compile(r"/oauth/|/search(?=[?]|$)")
"""Calls that change no ticket although they are no GET."""

_OF_TICKET = re.compile(r"/(?:tickets|conversations)/(\d+)(?=[/?.]|$)")


class _Calls:
    """A desk's log of calls by ticket: what we were shown and when, and which answers never came to anything."""

    def __init__(self, calls: Iterable[Mapping[str, Any]], killed: Sequence[float]) -> None:
        self._looks: dict[str, list[float]] = defaultdict(list)
        self._lost: dict[str, list[float]] = defaultdict(list)
        self._killed = killed
        for call in calls:
            if found := _OF_TICKET.search(call["path"]):
                if 200 <= call["status"] < 300:
                    self._looks[found[1]].append(call["at"])
                elif call["fault"] == "timeout_after_write":
                    self._lost[found[1]].append(call["at"])

    def look_before(self, ticket: str, at: float) -> float:
        """When an answer last showed us the ticket before a time; 0 where none did."""
        return max((look for look in self._looks[_number(ticket)] if look < at), default=0.0)

    def unanswered(self, ticket: str, at: float) -> bool:
        """True where the answer to a write was held back, or a process was killed while it was under way."""
        lost = any(0 <= call - at <= _SAME_CALL for call in self._lost[_number(ticket)])
        return lost or any(abs(kill - at) <= _UNDER_WAY for kill in self._killed)


_SAME_CALL = 0.1
"""How many seconds after a write its call is logged, at most."""

_UNDER_WAY = 1.0
"""How many seconds a slow write is under way at most, and how many it takes at most to store that it was answered."""


def _number(ticket: str) -> str:
    return ticket.rpartition(":")[2]


def _writes(calls: Iterable[Mapping[str, Any]]) -> int:
    """Calls that changed something at the desk, also those whose answer was lost."""
    carried_out = (call for call in calls if 200 <= call["status"] < 300 or call["fault"] == "timeout_after_write")
    return sum(call["method"] != "GET" and not _READS.search(call["path"]) for call in carried_out)
