"""What the router is asked and what it answers: tickets that want an agent, agents as they are now, rules, the plan.

Every time is a number of minutes counted from the moment of the snapshot, so the same situation gives the same plan at
any hour. "Business minutes" are those of the team's calendar, all others the wall clock's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Final


class Strategy(StrEnum):
    """When and how a team's tickets are given out.

    `LATE` keeps a ticket in the queue until an agent is about to be free. The others assign at once, up to an agent's
    capacity: in turn, to who has the fewest open, or to who has the smallest share of their capacity in use.
    """

    LATE = "late"
    ROUND_ROBIN = "round_robin"
    LEAST_LOADED = "least_loaded"
    BALANCED = "balanced"


class WhenAway(StrEnum):
    """What becomes of tickets in the hands of an agent who has gone: to the queue, left alone, or to a free agent."""

    HAND_BACK = "hand_back"
    KEEP = "keep"
    REASSIGN = "reassign"


@dataclass(frozen=True, slots=True)
class Ring:
    """Who may have a ticket once it has waited so many business minutes: agents of `teams` with all of `skills`.

    Rings stand in the order of `after` and the last one reached holds, so that skills are given up and other teams
    asked in a written order. A language is a skill like any other. `because` says in a few words what was given up.
    """

    teams: frozenset[str]
    skills: frozenset[str] = frozenset()
    after: float = 0.0
    because: str = ""


@dataclass(frozen=True, slots=True)
class WaitingTicket:
    """A ticket that wants an answer and that nobody works on yet: in the queue, or with an agent who has not begun.

    `team` is the one whose rules hold, also while agents of another may have it. `topic` is what effort is learnt by,
    `weight` what a minute of waiting costs compared with a normal ticket's, by priority and tier. `waited` are
    business minutes since it last became the team's turn, `due_in` those to the promised first answer and `promise` the
    whole of that promise; both None where nothing is promised or it is answered. `last_agent` answered it before.
    `preferred` are skills that are good to have.

    `holder` is the agent in whose hands it lies; `by_human` says that a person put it there, which always stands.
    `moved` is how many minutes ago the router last gave it to somebody.
    """

    id: str
    team: str
    topic: str
    rings: tuple[Ring, ...]
    channel: str = ""
    weight: float = 1.0
    waited: float = 0.0
    due_in: float | None = None
    promise: float | None = None
    followup: bool = False
    last_agent: str | None = None
    preferred: frozenset[str] = frozenset()
    holder: str | None = None
    by_human: bool = False
    moved: float | None = None

    def __post_init__(self) -> None:
        if not self.rings:
            raise ValueError(f"ticket {self.id}: nobody may have it; give it at least one ring")


@dataclass(frozen=True, slots=True)
class Work:
    """A ticket that an agent has begun, and the minutes it is expected to take them from now."""

    ticket: str
    minutes: float
    channel: str = ""


@dataclass(frozen=True, slots=True)
class LiveAgent:
    """An agent as they are now.

    `available`: on shift, at the desk, not on a break. `gone` are the minutes since they ceased to be, `back_in` those
    until they are expected again (infinite: nobody knows), `shift_left` those until their shift ends.
    `load` counts every open ticket in their hands, also those that wait for a customer or that they do not know of yet;
    it never exceeds `capacity` by our doing, nor the tickets of one channel its entry in `channels`. `work` is what
    they have begun. `minutes` is what a first answer takes them, by topic. `worked` and `present` are their minutes
    of work and of presence in the window over which work is shared fairly; `idle` are the minutes since they were last
    given something.
    """

    name: str
    teams: frozenset[str]
    skills: frozenset[str] = frozenset()
    available: bool = True
    gone: float = 0.0
    back_in: float = 0.0
    shift_left: float = inf
    capacity: int = 10
    channels: Mapping[str, int] = field(default_factory=dict)
    load: int = 0
    work: tuple[Work, ...] = ()
    minutes: Mapping[str, float] = field(default_factory=dict)
    worked: float = 0.0
    present: float = 0.0
    idle: float = 0.0


@dataclass(frozen=True, slots=True)
class Norms:
    """What is expected of the work: minutes of a first answer by topic, and how a follow-up and a new agent change it.

    A follow-up takes `followup` of a first answer; an agent who takes over from another needs `handover` minutes and
    `reread` of a first answer more. `demand` is the share of tickets by topic, and by the skills that they need.
    """

    minutes: Mapping[str, float] = field(default_factory=dict)
    followup: float = 0.5
    handover: float = 2.0
    reread: float = 0.2
    demand: Mapping[tuple[str, frozenset[str]], float] = field(default_factory=dict)


UNKNOWN_MINUTES: Final = 12.0
"""What a first answer is expected to take where nothing has been learnt and no norm is given."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How one team hands out its work.

    `slots` are the live tickets an agent has in hand at once under late binding. Nothing is given to an agent whose
    shift ends within `guard` minutes. `when_away` happens to an agent's tickets after `grace` minutes of absence. The
    router does not move a ticket again within `settle` minutes. Nobody is given more than `fair_share` times the mean
    of the team's work over the window, while somebody else can take it.
    """

    strategy: Strategy = Strategy.LATE
    slots: int = 1
    guard: float = 15.0
    when_away: WhenAway = WhenAway.HAND_BACK
    grace: float = 10.0
    settle: float = 30.0
    fair_share: float = 1.5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the router looks at. `rules` by team; a team without uses `Rules()`."""

    tickets: tuple[WaitingTicket, ...]
    agents: tuple[LiveAgent, ...]
    norms: Norms = Norms()
    rules: Mapping[str, Rules] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that spoke for the winner: which part of the cost, and the minutes it saved against the rival.

    The rival is the next best of those who could have had the ticket; None where there is none.
    """

    what: str
    minutes: float
    words: str
    rival: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A ticket given to an agent, or with None taken back into the queue; `because` for people, `reasons` in order."""

    ticket: str
    agent: str | None
    because: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done now. `waiting` says why each other ticket waits; `wake_in` when to ask again at the latest.

    Events ask again earlier: a new ticket, an agent who is free or whose availability changed. None: nothing will
    change by the clock alone.
    """

    placements: tuple[Placement, ...] = ()
    waiting: Mapping[str, str] = field(default_factory=dict)
    wake_in: float | None = None
