"""Finds annotate rules that would set one field to different values, with a ticket for which both match."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import Any, Final

from bridge.model import Mode
from rules.cases import Decides, case_of
from rules.engine import SINGLE, Compiled, disagreements
from rules.schema import AnnotateRule, Given, Then
from rules.witness import witness

PAIRS_MAX: Final = 2_000
"""So many pairs of rules that differ are looked at; a policy with more of them has other troubles."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two rules that both match the ticket `given` (in the shape of a test) and differ on `fields`; the later wins."""

    rule: str
    line: int
    later: str
    later_line: int
    fields: tuple[str, ...]
    given: Given

    @property
    def words(self) -> str:
        """The conflict in one sentence."""
        return (
            f"'{self.rule}' and '{self.later}' (line {self.later_line}) differ on {', '.join(self.fields)} "
            f"for such a ticket: {described(self.given)}; '{self.later}' comes later and wins"
        )


def described(given: Given) -> str:
    """A ticket in one line, as a test would give it; `any` where nothing matters."""
    ticket: dict[str, Any] = given.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return ", ".join(f"{key}: {value}" for key, value in ticket.items()) or "any"


def conflicts(policy: Decides, rules: Sequence[Compiled[AnnotateRule]]) -> Iterator[Conflict]:
    """The conflicts for which a ticket was found; of the others nothing is said, and the file's order decides."""
    for first, second in sorted(islice(_differing(rules), PAIRS_MAX)):
        one, later = rules[first], rules[second]
        if (given := _both(policy, one, later)) is not None:
            lines = one.verdict.line or 1, later.verdict.line or 1
            fields = tuple(disagreements(one.rule.then, later.rule.then))
            yield Conflict(one.rule.name, lines[0], later.rule.name, lines[1], fields, given)


def _differing(rules: Sequence[Compiled[AnnotateRule]]) -> Iterator[tuple[int, int]]:
    """The pairs that set a field to different values, each once, without a look at those that do not."""
    setting: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, one in enumerate(rules):
        for name, value in _set_by(one.rule.then):
            setting[name][repr(value)].append(number)
    seen: set[tuple[int, int]] = set()
    for by_value in setting.values():
        for some, others in combinations(by_value.values(), 2):
            for one_number, other in product(some, others):
                pair = min(one_number, other), max(one_number, other)
                if pair not in seen:
                    seen.add(pair)
                    yield pair


def _set_by(then: Then) -> Iterator[tuple[str, object]]:
    yield from ((name, value) for name in SINGLE if (value := getattr(then, name)) is not None)
    yield from ((f"field.{name}", value) for name, value in then.fields.items())
    yield from ((f"tag {tag}", True) for tag in then.add_tags)
    yield from ((f"tag {tag}", False) for tag in then.remove_tags)


def _both(policy: Decides, one: Compiled[AnnotateRule], later: Compiled[AnnotateRule]) -> Given | None:
    """A ticket that both rules match when the policy is really asked."""
    nodes = [rule.node for rule in (one, later) if rule.node is not None]
    for given in witness(nodes):
        outcome = policy.decide(case_of(policy, given), desk=given.desk, desk_mode=Mode.LIVE)
        if {one.rule.name, later.rule.name} <= {verdict.rule for verdict in outcome.verdicts}:
            return given
    return None
