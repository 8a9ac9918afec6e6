"""What the policy said for one snapshot and why: triage, facts, verdicts, candidates, assignment, decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from bridge.model.change import Change
from bridge.model.event import EventKind
from bridge.model.ticket import Priority, Status, Ticket, TicketRef


class Mode(StrEnum):
    """How far a decision goes: recorded only, an internal note only, or everything."""

    SHADOW = "shadow"
    SUGGEST = "suggest"
    LIVE = "live"

    @property
    def rank(self) -> int:
        """0 for shadow up to 2 for live; where several apply, the lowest holds."""
        return list(Mode).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One triage output with its confidence (0 to 1) and the words of the ticket that caused it."""

    value: str
    confidence: float
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """A number or a name that the ticket mentions, by the name of the policy's extractor that found it."""

    name: str
    value: str
    confidence: float


class Use(StrEnum):
    """What a prediction is good for: rules may use it, the note may tell it, or it is left to a human."""

    ACT = "act"
    SUGGEST = "suggest"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Predicted:
    """A trained model's word on a ticket's label.

    `confidence` is a calibrated probability, `use` what the measured precision of this label allows under the policy's
    promise. `because` are the words that counted, `words` the explanation in one line. `model` is the model's version,
    `place` where the desk keeps such labels (`bridge.labels`), None where the model was not trained on a desk.
    """

    label: str
    confidence: float
    use: Use
    because: tuple[str, ...]
    words: str
    model: str
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Labelling:
    """What a policy wants of a trained model: the precision that it promises, how far its word goes, where it is
    written at the desk (None: nowhere), and which of its labels rules may ask for.
    """

    promise: float
    mode: Mode
    write: str | None = None
    intents: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Triage:
    """What a ticket's text says. None means that nothing was found, never a guess.

    `urgency` is low, normal, high or critical; `sentiment` negative, neutral or positive; `language` ISO 639-1;
    `automatic` auto_reply, bounce, spam, loop or none of these (None). Each of `signals` is asks_for_human, churn,
    legal, bug, repeat_contact or topic_drift. `predicted` is what a trained model said, whatever became of it.
    """

    intent: Finding | None = None
    urgency: Finding | None = None
    sentiment: Finding | None = None
    language: Finding | None = None
    automatic: Finding | None = None
    signals: tuple[Finding, ...] = ()
    entities: tuple[Entity, ...] = ()
    predicted: Predicted | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known about the customer or the past, with where it comes from and when it was true.

    `value` None means unknown; `reason` then says why (missing, failed, late, stale). `as_of` is UTC.
    """

    name: str
    value: str | int | float | bool | None
    source: str
    as_of: datetime | None = None
    reason: str | None = None

    @property
    def known(self) -> bool:
        """False where the fact is unknown."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a ticket stands among people: who has it, and who and which tags it had before.

    Agents and teams by the policy's names for them, else the desk's own; tags as the desk calls them.
    """

    assignee: str | None = None
    team: str | None = None
    previous_assignees: frozenset[str] = frozenset()
    previous_tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a policy may read, frozen: the same case always gives the same outcome.

    `text` is the subject and the requester's new words, cleaned; `facts` by name, absent and unknown alike unknown.
    """

    ticket: Ticket
    event: EventKind
    now: datetime
    text: str = field(repr=False)
    triage: Triage
    facts: Mapping[str, Fact] = field(default_factory=dict)
    standing: Standing = Standing()


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """Whether one rule matched, and the line of the policy where it starts.

    Decisions name the rules that matched and nothing more: why, and why the others did not, the policy explains from
    the case. `because` is empty in all but decisions recorded before it did.
    """

    stage: str
    rule: str
    matched: bool
    because: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """What a rule wants said in the internal note: plain text, its placeholders filled in, not yet escaped."""

    rule: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """Whom a rule wants told, agents and teams by the policy's names, and what: plain text, not yet escaped."""

    rule: str
    to: frozenset[str]
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An article or a solved ticket that may help to answer; `score` is that of `bridge.knowledge.search`."""

    kind: Literal["article", "ticket"]
    title: str
    url: str | None
    score: float


@dataclass(frozen=True, slots=True)
class Hook:
    """An outgoing webhook that a rule wants called, by the policy's name for it.

    `fields` are what the policy has it told beside the ticket's ids: text, numbers, true or false, lists of text, None.
    """

    rule: str
    webhook: str
    fields: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Effect:
    """What the matching annotate rules ask for together; `remarks`, `notices` and `hooks` in the order of the rules."""

    priority: Priority | None = None
    status: Status | None = None
    type: str | None = None
    tier: str | None = None
    add_tags: frozenset[str] = frozenset()
    remove_tags: frozenset[str] = frozenset()
    fields: Mapping[str, object] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    notices: tuple[Notice, ...] = ()
    hooks: tuple[Hook, ...] = ()


LANGUAGE: Final = "language"
"""What stands among the skills of a `Relaxation` for the ticket's language."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Skills that a ticket does without once it has waited so long, and with `LANGUAGE` who writes its language."""

    after: timedelta
    without: frozenset[str]


@dataclass(frozen=True, slots=True)
class Target:
    """Where the first matching route rule sends a ticket: a team of the policy, and the skills its agent must have.

    `preferred` are skills that are good to have, `relax` gives up others step by step. `then` is the team that takes
    over where the first has nobody free, at the latest after `wait_at_most`.
    `prefer_last_agent` is how long ago the requester's last agent may have answered to be preferred.
    """

    rule: str
    team: str
    skills: frozenset[str] = frozenset()
    then: str | None = None
    wait_at_most: timedelta | None = None
    prefer_last_agent: timedelta | None = None
    preferred: frozenset[str] = frozenset()
    relax: tuple[Relaxation, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the policy says of one case. `target` is None where the policy leaves the ticket alone (`skip`).

    `verdicts` name the rules that matched, in the order of the file.
    """

    verdicts: tuple[RuleVerdict, ...]
    effect: Effect
    target: Target | None
    mode: Mode


@dataclass(frozen=True, slots=True)
class Member:
    """A policy's member of a team: how many open tickets they can hold at once, and what they are good at.

    `languages` are those they write (ISO 639-1), `channels` the most tickets of single channels.
    """

    name: str
    capacity: int
    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    channels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent the router looked at: chosen or not, and why in a few words."""

    name: str
    chosen: bool
    because: str
    load: int | None = None
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Whom the router chose. `agent` None: the ticket waits in `team`, and the router wants to be asked again."""

    team: str
    team_id: str | None
    agent: str | None
    agent_id: str | None
    because: str
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about one ticket, complete enough to explain it years later.

    `wish` is what the policy wants; `change` what is left of it after the ticket's present state, human edits and the
    mode: what is really written. `kept` says which wishes were dropped and for whose sake. `effect` holds what no
    change can say (the tier, whom to tell, what to call). `ticket`, `text` and `standing` are the rest of the case
    that was decided on; decisions recorded before these were kept have no ticket. `suggestions` is what the note names
    that may help to answer.
    """

    id: str
    ref: TicketRef
    at: datetime
    event: EventKind
    policy_version: str
    mode: Mode
    triage: Triage
    facts: tuple[Fact, ...]
    verdicts: tuple[RuleVerdict, ...]
    assignment: Assignment | None
    wish: Change
    change: Change
    kept: tuple[str, ...] = ()
    effect: Effect = field(default_factory=Effect)
    ticket: Ticket | None = None
    text: str = field(default="", repr=False)
    standing: Standing = Standing()
    suggestions: tuple[Suggestion, ...] = ()

    @property
    def case(self) -> Case | None:
        """The case that was decided on, exactly as the policy read it; None where it was not recorded."""
        if self.ticket is None:
            return None
        facts = {fact.name: fact for fact in self.facts}
        return Case(self.ticket, self.event, self.at, self.text, self.triage, facts, self.standing)
