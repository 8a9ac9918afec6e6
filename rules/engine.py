"""What the rules say of one case: which match, the joined effect, the target, the mode."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from bridge.model import Effect, Hook, Mode, Notice, Relaxation, Remark, RuleVerdict, Target
from rules.index import Index
from rules.nodes import Node
from rules.schema import AnnotateRule, RouteRule, Then
from rules.template import Template
from rules.view import View

R = TypeVar("R", AnnotateRule, RouteRule)

SINGLE: Final = ("priority", "status", "type", "tier")
"""What a ticket has one of, so that the later of two rules that differ wins."""


@dataclass(frozen=True, slots=True)
class Compiled(Generic[R]):
    """A rule, its condition ready to be asked (None: always), and its verdict where it matches.

    `mode` is the rule's own. Of an annotate rule, `sets` is what it sets of SINGLE, `adds` and `removes` are tags,
    `says` tells whether there is more to it, fields among it; `note` and `notify` are its texts, ready to be filled in.
    """

    rule: R
    node: Node | None
    verdict: RuleVerdict
    mode: Mode | None = None
    sets: Mapping[str, object] = field(default_factory=dict)
    adds: frozenset[str] = frozenset()
    removes: frozenset[str] = frozenset()
    says: bool = False
    note: Template | None = None
    notify: Template | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """The annotate rules that apply to a case, in the order of the file, and the route rule (None: one said skip)."""

    annotate: tuple[Compiled[AnnotateRule], ...]
    route: Compiled[RouteRule] | None

    @property
    def every(self) -> list[Compiled[AnnotateRule] | Compiled[RouteRule]]:
        """All of them."""
        return [*self.annotate, self.route] if self.route is not None else [*self.annotate]


class Engine:
    """The rules of a policy, those that annotate before those that route."""

    def __init__(self, annotate: Sequence[Compiled[AnnotateRule]], route: Sequence[Compiled[RouteRule]]) -> None:
        self.annotate = tuple(annotate)
        self.route = tuple(route)
        nodes = (*(one.node for one in annotate), *(one.node for one in route))
        self._index = Index(nodes)
        self._asked = tuple([None if self._index.exact >> number & 1 else node for number, node in enumerate(nodes)])
        self._stops = sum(1 << number for number, one in enumerate(annotate) if one.rule.then.stop)
        self._skips = any(one.rule.then.skip for one in annotate)

    def matched(self, view: View) -> Matched:
        """The rules that apply: every annotate rule that holds, up to one that stops, and the first route rule."""
        possible = self.possible(view)
        below = (1 << len(self.annotate)) - 1
        applied: list[Compiled[AnnotateRule]] = []
        for number in self._holding(possible & below, view):
            applied.append(self.annotate[number])
            if self._stops >> number & 1:
                break
        if self._skips and any(one.rule.then.skip for one in applied):
            return Matched(tuple(applied), None)
        first = next(self._holding(possible & ~below, view))  # the last route rule has no condition
        return Matched(tuple(applied), self.route[first - len(self.annotate)])

    def possible(self, view: View) -> int:
        """A bit for every rule that can hold, as the index sees it: the others are never looked at."""
        return self._index.possible(view)

    def _holding(self, possible: int, view: View) -> Iterator[int]:
        """The numbers of those rules that hold, lowest first; only what the index cannot say is asked."""
        bits = bin(possible)  # a text is searched faster than a number is taken apart
        last = len(bits) - 1
        at = bits.rfind("1")
        while at > 0:
            node = self._asked[last - at]
            if node is None or node.holds(view):
                yield last - at
            at = bits.rfind("1", 0, at)


def target(matched: Matched, overflow: Mapping[str, str | None]) -> Target | None:
    """Where a ticket goes, None where a rule says skip; `overflow` by team where the rule names nobody."""
    rule = matched.route.rule if matched.route is not None else None
    if rule is None or rule.to is None:
        return None
    to = rule.to
    return Target(
        rule.name,
        to.team,
        to.skills,
        to.then or overflow[to.team],
        to.wait_at_most,
        to.prefer_last_agent,
        preferred=to.prefer,
        relax=tuple(Relaxation(step.after, step.without) for step in to.relax),
    )


def effect(matched: Sequence[Compiled[AnnotateRule]], view: View) -> Effect:
    """What the matching rules ask for together; of two that differ the later in the file wins."""
    single: dict[str, object] = {}
    added: set[str] = set()
    removed: set[str] = set()
    for one in matched:
        if one.sets:
            single.update(one.sets)
        if one.adds:
            added |= one.adds
            removed -= one.adds
        if one.removes:
            added -= one.removes
            removed |= one.removes
    saying = [one for one in matched if one.says]
    return Effect(
        **single,  # type: ignore[arg-type] # by name
        fields={name: value for one in saying for name, value in one.rule.then.fields.items()},
        add_tags=frozenset(added),
        remove_tags=frozenset(removed),
        remarks=tuple(Remark(one.rule.name, one.note.fill(view)) for one in saying if one.note),
        notices=tuple(_notices(saying, view)),
        hooks=tuple(Hook(one.rule.name, name) for one in saying for name in sorted(one.rule.then.call)),
    )


def _notices(matched: Sequence[Compiled[AnnotateRule]], view: View) -> Iterator[Notice]:
    for one in matched:
        if one.rule.then.notify is not None and one.notify is not None:
            yield Notice(one.rule.name, one.rule.then.notify.to, one.notify.fill(view))


def overridden(rules: Sequence[AnnotateRule]) -> dict[str, str]:
    """For every matching rule that a later one overrides: by which rule, and on what."""
    told = {}
    for index, rule in enumerate(rules):
        lost = [
            f"{name} by '{later.name}'" for later in rules[index + 1 :] for name in disagreements(rule.then, later.then)
        ]
        if lost:
            told[rule.name] = f"overridden on {', '.join(lost)}"
    return told


def disagreements(then: Then, later: Then) -> list[str]:
    """What a later rule sets otherwise."""
    single = [name for name in SINGLE if None not in (getattr(then, name), getattr(later, name))]
    differing = [name for name in single if getattr(then, name) != getattr(later, name)]
    fields = [f"field.{name}" for name, value in later.fields.items() if then.fields.get(name, value) != value]
    tags = sorted((then.add_tags & later.remove_tags) | (then.remove_tags & later.add_tags))
    return [*differing, *fields, *(f"tag {tag}" for tag in tags)]


def mode(rules: Iterable[Mode | None], *, base: Mode, places: Sequence[Mode | None], desk_mode: Mode) -> Mode:
    """How far the decision goes: the lowest of all matching rules and of the desk.

    A rule goes as far as the lowest of its own mode and those of its `places` (desk, category), or, where none of
    them is given, as far as the policy's `base`.
    """
    given = [one for one in places if one is not None]
    around = min(given, key=lambda one: one.rank) if given else None
    modes = {_lower(own, around) or base for own in set(rules)} | {desk_mode}
    return min(modes, key=lambda one: one.rank)


def _lower(one: Mode | None, other: Mode | None) -> Mode | None:
    if one is None or other is None:
        return one or other
    return one if one.rank <= other.rank else other
