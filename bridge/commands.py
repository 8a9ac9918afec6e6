"""What agents tell the bridge from their own tool: private notes that begin with `/db`, and the answers to them. Pure.

Only what an agent of the desk writes between colleagues counts. A customer's words never do, nor do ours, and of a note
only the lines before the first that is none of ours: text of a customer that an agent pastes into one does nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Final

from bridge.memory import Memory
from bridge.model import (
    ActorKind,
    AgentRecord,
    AgentStatus,
    Assignment,
    Change,
    Decision,
    Message,
    Mode,
    Roster,
    RuleVerdict,
    Ticket,
    Triage,
    Visibility,
    owned,
)
from bridge.note import reasons, safe, understood
from bridge.store.feedback import Word
from bridge.yamlfile import nearest

SIGN: Final = "/db"
"""How a line begins that is meant for us."""

INTENT: Final = "intent"
"""The place under which feedback keeps what an agent says a ticket is about."""

COMMANDS_MAX: Final = 3
"""So many are answered at once, the newest ones: a note has no room for more."""

_KNOWN_MAX: Final = 12
"""So many intents are named where somebody names one that there is not."""

HELP: Final = (
    "<code>/db why</code> why this ticket is here; <code>/db mine</code> gives it to you and leaves it with you; "
    "<code>/db wrong intent=NAME</code> what it is really about; <code>/db help</code> this"
)


@dataclass(frozen=True, slots=True)
class Command:
    """One line that an agent wrote: the note it stands in, who wrote it, the verb and what follows it."""

    note: str
    writer: AgentRecord
    verb: str
    rest: str


def writers(roster: Roster) -> dict[str, AgentRecord]:
    """The agents by id whose notes may command us: all but the one in whose name we write; else none."""
    if roster.acting_id is None:
        return {}
    return {
        agent.id: agent
        for agent in roster.agents
        if agent.id != roster.acting_id and agent.status is not AgentStatus.GONE
    }


def is_meant(message: Message | None) -> bool:
    """Whether a message looks like a command, so that its ticket is worth a look."""
    return message is not None and message.visibility is Visibility.PRIVATE and bool(_lines(message.text))


def unanswered(ticket: Ticket, memory: Memory, known: Mapping[str, AgentRecord]) -> tuple[Command, ...]:
    """What agents asked for in notes that were not answered; an answer that came too late was never written."""
    done = memory.answered if memory.conflicts else memory.answered | memory.answering
    found = [one for note in ticket.messages if note.id not in done for one in _commands(note, known)]
    return tuple(found[-COMMANDS_MAX:])


def _commands(note: Message, known: Mapping[str, AgentRecord]) -> Iterator[Command]:
    writer = known.get(note.author.id or "")
    if writer is None or not note.id or note.author.kind is not ActorKind.AGENT or not is_meant(note):
        return
    for line in _lines(note.text):
        verb, _, rest = line[len(SIGN) :].strip().partition(" ")
        yield Command(note.id, writer, verb.lower() or "help", rest.strip())


def _lines(text: str) -> list[str]:
    """The lines at the beginning that are meant for us; editors put no-break spaces where people type plain ones."""
    written = (" ".join(line.split()) for line in text.splitlines())
    return list(takewhile(lambda line: line.lower().split(" ", 1)[0] == SIGN, filter(None, written)))


def taken(asked: Sequence[Command], ticket: Ticket, memory: Memory) -> AgentRecord | None:
    """Who takes a ticket for themselves, None where nobody, or where somebody else has it since they asked."""
    if memory.conflicts and ticket.assignee_id not in {None, *(one.writer.id for one in asked)}:
        return None
    return next((one.writer for one in reversed(asked) if one.verb == "mine"), None)


def heeded(asked: Sequence[Command], ticket: Ticket, memory: Memory) -> Memory:
    """The memory of a ticket once its commands were read: who takes it has chosen agent and team."""
    return replace(memory, held=memory.held | owned("assignee")) if taken(asked, ticket, memory) else memory


def answered(memory: Memory, asked: Sequence[Command]) -> Memory:
    """The memory of a ticket once the answers to its commands are planned."""
    done = memory.answered if memory.conflicts else memory.answered | memory.answering
    return replace(memory, answered=done, answering=frozenset(one.note for one in asked))


def handed(asked: Sequence[Command], ticket: Ticket, memory: Memory, change: Change) -> Change:
    """A change with what gives a ticket to the agent who takes it: into a team of theirs, where they have one."""
    writer = taken(asked, ticket, memory)
    if writer is None or writer.id == ticket.assignee_id:
        return change
    elsewhere = bool(writer.team_ids) and ticket.team_id not in writer.team_ids
    return replace(change, assignee_id=writer.id, team_id=writer.team_ids[0] if elsewhere else None)


@dataclass(frozen=True, slots=True)
class Background:
    """What answers are made of: why the ticket stands where it does, and what can be said of it.

    `decision` is the one by which it came to its agent or team; `miss` finds the nearest miss of another route rule.
    """

    decision: str
    mode: Mode
    triage: Triage
    verdicts: Sequence[RuleVerdict]
    assignment: Assignment | None
    tier: str | None
    miss: Callable[[], str | None]
    intents: frozenset[str]
    names: Mapping[str, str]

    def of(self, before: Sequence[Decision]) -> "Background":
        """The same as it was when the ticket was last given to somebody, where it was."""
        last = next((one for one in reversed(before) if one.assignment is not None), None)
        if last is None:
            return self
        return replace(
            self,
            decision=last.id,
            triage=last.triage,
            verdicts=last.verdicts,
            assignment=last.assignment,
            tier=last.effect.tier,
        )


def answers(asked: Sequence[Command], ticket: Ticket, memory: Memory, known: Background) -> str | None:
    """The answers as HTML, None where nothing was asked."""
    told = [f"<p><b>To {safe(one.writer.name, 40)}</b>: {_answer(one, ticket, memory, known)}</p>" for one in asked]
    return "".join(told) or None


def _answer(one: Command, ticket: Ticket, memory: Memory, known: Background) -> str:
    match one.verb:
        case "why":
            return _why(known)
        case "mine":
            return _mine(taken([one], ticket, memory) is not None, ticket, known)
        case "wrong":
            return _wrong(one, known)
        case "help":
            return HELP
    return f"“{safe(one.verb, 30)}” is no command. {HELP}"


def _why(known: Background) -> str:
    parts = [reasons(known.verdicts, known.assignment, known.tier), f"understood as {understood(known.triage)}"]
    miss = known.miss()
    parts += [f"nearest to going elsewhere: {safe(miss, 300)}"] if miss else []
    return "; ".join(parts)


def _mine(granted: bool, ticket: Ticket, known: Background) -> str:
    if not granted:
        holder = known.names.get(ticket.assignee_id or "", "somebody else")
        return f"{safe(holder, 40)} has it since you asked; write it again to take it."
    if known.mode is not Mode.LIVE:
        return "we assign nothing while we only suggest: take it in the desk itself, we leave it with you."
    return "it is yours, and we leave it with you."


def _wrong(one: Command, known: Background) -> str:
    name = _intent(one)
    if name in known.intents:
        return f"noted: this is “{safe(name, 40)}”. Where the ticket stands does not change by that."
    listed = ", ".join(safe(each, 40) for each in sorted(known.intents)[:_KNOWN_MAX])
    there_are = f"There are: {listed}." if listed else "The policy names no intents."
    if not name:
        return f"say what it is, like <code>/db wrong intent=NAME</code>. {there_are}"
    hint = nearest(name, known.intents)
    return f"no intent is called “{safe(name, 40)}”{f', {safe(hint, 80)}' if hint else '.'} {there_are}"


def _intent(one: Command) -> str:
    key, _, name = one.rest.partition("=")
    return name.strip() if key.strip().lower() == INTENT else ""


def words(asked: Sequence[Command], ticket: Ticket, known: Background, now: datetime) -> list[Word]:
    """What agents said of our intents, as feedback keeps it; of several notes the last holds."""
    names = [_intent(one) for one in asked if one.verb == "wrong"]
    became = next((name for name in reversed(names) if name in known.intents), None)
    if became is None:
        return []
    found, predicted = known.triage.intent, known.triage.predicted
    said = found.value if found is not None else ""
    model = predicted.model if predicted is not None and predicted.label == said else None
    return [Word(ticket.ref.desk, ticket.ref.id, INTENT, known.decision, said, became, now, written=False, model=model)]
