"""Which tickets another policy would have treated otherwise, and which of its edits is the cause for each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.errors import BadFile
from bridge.model import Case, Mode, Outcome
from bridge.yamlfile import Document
from rules.cases import got, in_words
from rules.edits import Edit, edited, edits
from rules.policy import LoadedPolicy, checked

Ask = Callable[[LoadedPolicy], Case]
"""A ticket: the case that it is for a policy, whose triage reads it."""

EDITS_MAX: Final = 200
"""Of more edits the cause is not looked for: each would have to be tried."""

PLACES: Final = ("team", "skills", "then", "skip")
"""What of an outcome says where a ticket goes."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of an outcome under either policy, in words."""

    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Move:
    """A ticket that the new policy treats otherwise. `old_rule` and `new_rule` are the route rules (None: skipped).

    `cause` are the edits that by themselves, made in the old policy, give this ticket what the new one gives it; it is
    empty where there are more than EDITS_MAX.
    """

    ticket: str
    differences: tuple[Difference, ...]
    old_rule: str | None
    new_rule: str | None
    cause: tuple[Edit, ...]

    @property
    def elsewhere(self) -> bool:
        """True where it goes to another place, False where only something else about it differs."""
        return any(one.what in PLACES for one in self.differences)


_WHERE: Final = ("then", "wait_at_most", "prefer_last_agent")
"""What a target says beside what a test may expect."""


class Comparison:
    """Two policies held against each other, ticket by ticket."""

    def __init__(self, old: LoadedPolicy, new: LoadedPolicy) -> None:
        self.edits = edits(old.data, new.data)
        self._old = old
        self._new = new
        self._known: dict[frozenset[Edit], LoadedPolicy | None] = {}

    def move(self, ticket: str, ask: Ask) -> Move | None:
        """What is otherwise for a ticket, None where nothing is."""
        asked = _Asked(ask)
        before, after = asked.outcome(self._old), asked.outcome(self._new)
        parts = asked.parts(self._old), asked.parts(self._new)
        if parts[0] == parts[1]:
            return None
        differences = tuple(
            Difference(what, parts[0][what], parts[1][what]) for what in parts[0] if parts[0][what] != parts[1][what]
        )
        rules = _route(before), _route(after)
        return Move(ticket, differences, *rules, self._cause(asked, [before, after]))

    def _cause(self, asked: "_Asked", outcomes: Sequence[Outcome]) -> tuple[Edit, ...]:
        """The first edit that does it alone; else the fewest found by leaving out one after the other."""
        if len(self.edits) > EDITS_MAX:
            return ()
        matched = {verdict.rule for outcome in outcomes for verdict in outcome.verdicts}
        likely = sorted(self.edits, key=lambda edit: edit.rule not in matched)
        for edit in likely:
            if self._suffice(asked, frozenset((edit,))):
                return (edit,)
        needed = frozenset(self.edits)
        for edit in reversed(likely):
            if self._suffice(asked, needed - {edit}):
                needed -= {edit}
        return tuple(edit for edit in self.edits if edit in needed)

    def _suffice(self, asked: "_Asked", chosen: frozenset[Edit]) -> bool:
        """Whether these edits alone give a ticket what all of them do."""
        policy = self.with_edits(chosen)
        return policy is not None and asked.parts(policy) == asked.parts(self._new)

    def with_edits(self, chosen: frozenset[Edit]) -> LoadedPolicy | None:
        """The old policy with these edits made; None where they make no policy by themselves."""
        if chosen not in self._known:
            document = Document("policy.yaml", edited(self._old.data, self._new.data, chosen), {})
            try:
                self._known[chosen] = checked(document)
            except BadFile:
                self._known[chosen] = None
        return self._known[chosen]


class _Asked:
    """A ticket with what policies said of it; those that read texts alike share one reading."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._cases: dict[str, Case] = {}

    def outcome(self, policy: LoadedPolicy) -> Outcome:
        case = self._case(policy)
        return policy.decide(case, desk=case.ticket.ref.desk, desk_mode=Mode.LIVE)

    def parts(self, policy: LoadedPolicy) -> Mapping[str, str]:
        """Everything that an outcome does to a ticket, in words; by which rules and for what intent aside."""
        outcome = self.outcome(policy)
        told = got(self._case(policy).triage, outcome) | {name: getattr(outcome.target, name, None) for name in _WHERE}
        return {what: in_words(value) for what, value in told.items() if what not in {"route", "intent"}}

    def _case(self, policy: LoadedPolicy) -> Case:
        reads = policy.file.triage.model_dump_json()
        return self._cases.get(reads) or self._cases.setdefault(reads, self._ask(policy))


def _route(outcome: Outcome) -> str | None:
    return next((verdict.rule for verdict in outcome.verdicts if verdict.stage == "route"), None)
