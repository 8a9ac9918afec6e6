"""The full account of one case: the verdict of every rule and of every condition in it, with the ticket's own value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rules.engine import Compiled, Matched, R, overridden
from rules.nodes import Leaf, Node
from rules.questions import Verdict
from rules.view import View


@dataclass(frozen=True, slots=True)
class ConditionAccount:
    """One condition: its words in the file with their line, the ticket's value, and what came of it.

    `verdict` is True, False, or None where something unknown decides. `value` is empty for `all`, `any` and `not`,
    whose `parts` say the rest. `node` is the compiled condition, for whoever wants to ask it of another case.
    """

    words: str
    line: int
    verdict: Verdict
    value: str
    parts: tuple["ConditionAccount", ...] = ()
    node: Node | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class RuleAccount:
    """One rule: whether its condition holds, whether it was applied, and why in one sentence.

    A rule that holds is not applied where an earlier one stopped the stage, said skip, or had the ticket already;
    `against` then says so, and of one that is applied, what of it a later one overrides.
    """

    stage: str
    rule: str
    line: int
    verdict: Verdict
    applied: bool
    because: str
    condition: ConditionAccount | None
    against: str = ""


def of_rules(stage: str, rules: Sequence[Compiled[R]], matched: Matched, view: View) -> Iterator[RuleAccount]:
    """The accounts of a stage's rules, in the order of the file."""
    applied = {one.rule.name for one in matched.every}
    lost = overridden([one.rule for one in matched.annotate])
    for one in rules:
        verdict = True if one.node is None else one.node.holds(view)
        because = "it has no condition" if one.node is None else one.node.reason(view, verdict)
        name = one.rule.name
        told = lost.get(name) if name in applied else _beaten(stage, matched) if verdict else None
        yield RuleAccount(
            stage=stage,
            rule=name,
            line=one.verdict.line or 1,
            verdict=verdict,
            applied=name in applied,
            because=f"{because}; {told}" if told else because,
            condition=None if one.node is None else of_condition(one.node, view),
            against=told or "",
        )


def of_condition(node: Node, view: View) -> ConditionAccount:
    """The account of a condition with all its parts."""
    written, verdict = node.written, node.holds(view)
    if isinstance(node, Leaf):
        return ConditionAccount(written.words, written.line, verdict, node.told(view), node=node)
    parts = tuple(of_condition(part, view) for part in node.parts)
    return ConditionAccount(written.key, written.line, verdict, "", parts, node)


def _beaten(stage: str, matched: Matched) -> str:
    """Why a rule that holds is not applied."""
    if stage == "route" and matched.route is not None:
        return f"but '{matched.route.rule.name}' comes first"
    return f"but '{matched.annotate[-1].rule.name}' stops" if stage == "annotate" else _skipped(matched)


def _skipped(matched: Matched) -> str:
    return f"but '{next(one.rule.name for one in matched.annotate if one.rule.then.skip)}' skips"
