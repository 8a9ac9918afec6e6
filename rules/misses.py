"""The nearest miss of every rule that was not applied: the fewest values of the ticket whose change would apply it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Final

from bridge.model import Case
from rules.alter import altered
from rules.engine import Compiled, Engine
from rules.nodes import AnyOf, Leaf, Node, Not, leaves
from rules.schema import AnnotateRule, RouteRule
from rules.suppose import Supposed, supposed
from rules.view import View

CHANGES_MAX: Final = 3
"""So many values are changed at once; a rule that lacks more is no near miss."""

TRIES_MAX: Final = 20_000
"""So many changed cases are tried for one case, and TRIES_A_RULE of them for one rule at most."""

TRIES_A_RULE: Final = 400


@dataclass(frozen=True, slots=True)
class Miss:
    """What would have applied a rule: the values that had to be others, and the case with them, which was decided.

    `held` is True of a route rule whose condition holds already, so that another came before it.
    """

    stage: str
    rule: str
    line: int
    changes: tuple[Supposed, ...]
    held: bool
    case: Case = field(repr=False)

    @property
    def words(self) -> str:
        """ "`billing` would have matched if intent confidence were 0.85; it was 0.81"."""
        verb = "been applied" if self.held else "matched"
        if len(self.changes) == 1:
            return f"`{self.rule}` would have {verb} if {self.changes[0].would_be}; {self.changes[0].was}"
        parts = " and ".join(f"{one.would_be} ({one.was})" for one in self.changes)
        return f"`{self.rule}` would have {verb} if {parts}"

    @property
    def distance(self) -> tuple[int, float]:
        """Fewer changes are nearer; of as many, those that are a matter of degree."""
        return len(self.changes), sum(one.distance for one in self.changes)


AnyRule = Compiled[AnnotateRule] | Compiled[RouteRule]
Sound = Callable[[Case, str], bool]


class Seeker:
    """Looks for the misses of one case; `sound` may refuse a changed case although the rule applies in it."""

    def __init__(self, engine: Engine, case: Case, view_of: Callable[[Case], View]) -> None:
        self._engine = engine
        self._case = case
        self._view_of = view_of
        self._view = view_of(case)
        self._matched = engine.matched(self._view)
        self._routing = _holding(engine.route, self._view)
        annotating = _holding(engine.annotate, self._view)
        self._stopping = [(number, node) for number, node in annotating if engine.annotate[number].rule.then.stop]
        self._skipping = [one.node for one in self._matched.annotate if one.rule.then.skip and one.node is not None]
        self._tries = TRIES_MAX

    def misses(self, sound: Sound) -> Iterator[Miss]:
        """A miss for each rule that was not applied and is near enough, in the order of the file."""
        applied = {one.rule.name for one in self._matched.every}
        every: list[tuple[int, AnyRule]] = [*enumerate(self._engine.route), *enumerate(self._engine.annotate)]
        for number, one in every:
            if self._tries > 0 and one.rule.name not in applied:
                found = self._nearest(one, self._before(one, number), sound)
                yield from () if found is None else (found,)

    def applies(self, case: Case, rule: str) -> bool:
        """Whether a rule is applied to a case."""
        return any(one.rule.name == rule for one in self._engine.matched(self._view_of(case)).every)

    def _nearest(self, one: AnyRule, unwanted: Sequence[Node], sound: Sound) -> Miss | None:
        wanted = [] if one.node is None else [one.node]
        held = all(node.holds(self._view) is True for node in wanted)
        for changes in self._tried(wanted, unwanted):
            case = self._changed(changes)
            if case is None or not self._goal(case, wanted, unwanted):
                continue
            if self.applies(case, one.rule.name) and sound(case, one.rule.name):
                return Miss(one.verdict.stage, one.rule.name, one.verdict.line or 1, changes, held, case)
        return None

    def _before(self, one: AnyRule, number: int) -> list[Node]:
        """The conditions that hold and keep a rule from being applied, whether or not it holds itself."""
        if one.verdict.stage == "annotate":
            return [node for at, node in self._stopping if at < number]
        return [*self._skipping, *(node for at, node in self._routing if at < number)]

    def _goal(self, case: Case, wanted: Sequence[Node], unwanted: Sequence[Node]) -> bool:
        view = self._view_of(case)
        held = all(node.holds(view) is True for node in wanted)
        return held and not any(node.holds(view) is True for node in unwanted)

    def _tried(self, wanted: Sequence[Node], unwanted: Sequence[Node]) -> Iterator[tuple[Supposed, ...]]:
        """Changes of one value, nearest first, then of two and of three that the conditions need together."""
        asked: dict[str, list[Leaf]] = {}
        for leaf in (leaf for node in (*wanted, *unwanted) for leaf in leaves(node)):
            asked.setdefault(leaf.written.key, []).append(leaf)
        values = {key: supposed(self._view, key, found) for key, found in asked.items()}
        single = sorted((one for found in values.values() for one in found), key=lambda one: one.distance)
        together = (chosen for keys in self._keys(wanted, unwanted) for chosen in _choices(keys, values))
        tries = ((one,) for one in single)
        for changes in islice((*tries, *islice(together, TRIES_A_RULE)), TRIES_A_RULE):
            if self._tries <= 0:
                return
            self._tries -= 1
            yield changes

    def _keys(self, wanted: Sequence[Node], unwanted: Sequence[Node]) -> list[frozenset[str]]:
        """Which keys must have other values together, two of them first."""
        parts = [_needed(node, True, self._view) for node in wanted]
        parts += [_needed(node, False, self._view) for node in unwanted]
        return sorted((keys for keys in _every(parts) if len(keys) > 1), key=lambda keys: (len(keys), sorted(keys)))

    def _changed(self, changes: Sequence[Supposed]) -> Case | None:
        case: Case | None = self._case
        for one in changes:
            if case is not None:
                case = altered(self._view_of(case), one.key, one.value)
        return case


def _holding(rules: Sequence[AnyRule], view: View) -> list[tuple[int, Node]]:
    """The conditions that hold, each with the number of its rule."""
    return [(number, one.node) for number, one in enumerate(rules) if one.node is not None and one.node.holds(view)]


def _choices(keys: Iterable[str], values: dict[str, list[Supposed]]) -> Iterator[tuple[Supposed, ...]]:
    return islice(product(*(values[key][:_FIRST] for key in sorted(keys))), _FIRST**2)


_FIRST: Final = 8
"""So many values of each key are tried together with those of others."""

_WAYS_MAX: Final = 32


def _needed(node: Node, truth: bool, view: View) -> set[frozenset[str]]:
    """The sets of keys that had to have other values for a condition to be true, or, with `truth` False, false."""
    if node.holds(view) is truth:
        return {frozenset()}
    if isinstance(node, Leaf):
        return {frozenset((node.written.key,))}
    if isinstance(node, Not):
        return _needed(node.parts[0], not truth, view)
    parts = [_needed(part, truth, view) for part in node.parts]
    return _few(set().union(*parts)) if isinstance(node, AnyOf) is truth else _every(parts)


def _every(parts: Iterable[set[frozenset[str]]]) -> set[frozenset[str]]:
    joined = {frozenset[str]()}
    for part in parts:
        joined = _few({one | other for one in joined for other in part})
    return joined


def _few(ways: set[frozenset[str]]) -> set[frozenset[str]]:
    near = sorted((one for one in ways if len(one) <= CHANGES_MAX), key=lambda one: (len(one), sorted(one)))
    return set(near[:_WAYS_MAX])
