"""What the rules say of one case: every rule's verdict, the joined effect, the target, the mode."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from bridge.model import Effect, Mode, RuleVerdict, Target
from rules.nodes import Node
from rules.schema import AnnotateRule, RouteRule, Then
from rules.view import View

R = TypeVar("R", AnnotateRule, RouteRule)

_SINGLE: Final = ("priority", "status", "type", "tier")
"""What a ticket has one of, so that the later of two rules that differ wins."""


@dataclass(frozen=True, slots=True)
class Compiled(Generic[R]):
    """A rule, its condition ready to be asked (None: always), and the line of the file where it starts."""

    rule: R
    node: Node | None
    line: int


def annotate(rules: Sequence[Compiled[AnnotateRule]], view: View) -> tuple[list[AnnotateRule], list[RuleVerdict]]:
    """The rules that match, in the order of the file, and a verdict on every rule."""
    verdicts = [_verdict("annotate", compiled, view) for compiled in rules]
    matching = [compiled.rule for compiled, verdict in zip(rules, verdicts, strict=True) if verdict.matched]
    return matching, verdicts


def route(rules: Sequence[Compiled[RouteRule]], view: View) -> tuple[RouteRule, list[RuleVerdict]]:
    """The first rule that matches, and a verdict on every rule up to it; the last has no condition, so one does."""
    verdicts = []
    for compiled in rules:
        verdicts.append(_verdict("route", compiled, view))
        if verdicts[-1].matched:
            return compiled.rule, verdicts
    raise AssertionError("the loader lets no policy pass whose last route rule has a condition")


def target(rule: RouteRule, overflow: Mapping[str, str | None]) -> Target | None:
    """Where a route rule sends a ticket, None for a rule that skips; `overflow` by team where the rule names none."""
    if rule.to is None:
        return None
    return Target(rule.name, rule.to.team, rule.to.skills, rule.to.then or overflow[rule.to.team])


def effect(rules: Sequence[AnnotateRule]) -> Effect:
    """What the matching rules ask for together; of two that differ the later in the file wins."""
    single: dict[str, object] = {}
    fields: dict[str, object] = {}
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    for rule in rules:
        single.update((name, value) for name in _SINGLE if (value := getattr(rule.then, name)) is not None)
        fields.update(rule.then.fields)
        added = added - rule.then.remove_tags | rule.then.add_tags
        removed = removed - rule.then.add_tags | rule.then.remove_tags
    return Effect(**single, fields=fields, add_tags=added, remove_tags=removed)  # type: ignore[arg-type] # by name


def outvoted(rules: Sequence[AnnotateRule]) -> dict[str, str]:
    """For every matching rule that a later one overrides: by which rule, and on what."""
    told = {}
    for index, rule in enumerate(rules):
        lost = [
            f"{name} by '{later.name}'" for later in rules[index + 1 :] for name in _differences(rule.then, later.then)
        ]
        if lost:
            told[rule.name] = f"overridden on {', '.join(lost)}"
    return told


def mode(
    rules: Sequence[AnnotateRule | RouteRule], *, base: Mode, places: Sequence[Mode | None], desk_mode: Mode
) -> Mode:
    """How far the decision goes: the lowest of all matching rules and of the desk.

    A rule goes as far as the lowest of its own mode and those of its `places` (desk, category), or, where none of
    them is given, as far as the policy's `base`.
    """
    ranks = [desk_mode]
    for rule in rules:
        given = [one for one in (rule.mode, *places) if one is not None]
        ranks.append(min(given, key=lambda one: one.rank) if given else base)
    return min(ranks, key=lambda one: one.rank)


def _verdict(stage: str, compiled: Compiled[R], view: View) -> RuleVerdict:
    if compiled.node is None:
        return RuleVerdict(stage, compiled.rule.name, True, "it has no condition", compiled.line)
    answer = compiled.node.holds(view)
    because = compiled.node.reason(view, answer)
    return RuleVerdict(stage, compiled.rule.name, answer is True, because, compiled.line)


def _differences(then: Then, later: Then) -> list[str]:
    """What a later rule sets otherwise."""
    single = [name for name in _SINGLE if None not in (getattr(then, name), getattr(later, name))]
    differing = [name for name in single if getattr(then, name) != getattr(later, name)]
    fields = [f"field.{name}" for name, value in later.fields.items() if then.fields.get(name, value) != value]
    tags = sorted((then.add_tags & later.remove_tags) | (then.remove_tags & later.add_tags))
    return [*differing, *fields, *(f"tag {tag}" for tag in tags)]
