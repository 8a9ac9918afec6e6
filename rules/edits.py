"""What was edited between two policies, edit by edit, and the policy in which only some of the edits are made."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, Literal

from rules.nodes import flow
from rules.view import shown

Data = Mapping[str, Any]
Path = tuple[str, ...]

STAGES: Final = ("annotate", "route")
_DEPTHS: Final = {"modes": 2, "triage": 2, "teams": 1, "calendars": 1, "webhooks": 1, "bindings": 1}
"""How deep the entries of a section lie that are edits of their own; other sections are one edit each."""

_ASIDE: Final = {*STAGES, "policy", "tests"}


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit. `path` leads to the entry: a section's (`triage`, `intent`, `act`), or a stage, a rule and its part.

    The parts of a rule are its condition (`when`) and everything else (`then` or `to`).
    """

    kind: Literal["added", "removed", "changed", "moved"]
    path: Path
    words: str

    @property
    def rule(self) -> str | None:
        """The rule that was edited, None where it was something else."""
        return self.path[1] if self.path[0] in STAGES else None


def edits(old: Data, new: Data) -> list[Edit]:
    """The edits that make the one policy the other, both as their files' data; tests and comments are none."""
    found = [edit for stage in STAGES for edit in _of_stage(stage, old, new)]
    before, after = dict(_entries(old)), dict(_entries(new))
    differing = (path for path in dict.fromkeys((*before, *after)) if before.get(path) != after.get(path))
    return [*found, *(_of_entry(path, before, after) for path in differing)]


def edited(old: Data, new: Data, chosen: Collection[Edit]) -> dict[str, Any]:
    """The data of the old policy with these edits made; all of them give the new one's, its tests aside."""
    made: dict[str, Any] = deepcopy({key: value for key, value in old.items() if key != "tests"})
    after = dict(_entries(new))
    for edit in chosen:
        if edit.rule is None:
            _put(made, edit.path, after)
    for stage in STAGES:
        if of_stage := {edit for edit in chosen if edit.path[0] == stage}:
            made[stage] = list(_rules_edited(stage, old, new, of_stage))
    return made


def _of_entry(path: Path, before: Mapping[Path, Any], after: Mapping[Path, Any]) -> Edit:
    name = ".".join(path)
    if path not in before:
        return Edit("added", path, f"{name} added: {shown(flow(after[path]))}")
    if path not in after:
        return Edit("removed", path, f"{name} removed: {shown(flow(before[path]))}")
    return Edit("changed", path, _from_to(name, before[path], after[path]))


def _from_to(name: str, before: Any, after: Any) -> str:
    """`name: 2 → 3`, where only one thing within two values differs, by the path to that."""
    while (key := _only_difference(before, after)) is not None:
        name, before, after = f"{name}.{key}", before[key], after[key]
    return f"{name}: {shown(flow(before))} → {shown(flow(after))}"


def _only_difference(before: Any, after: Any) -> Any:
    """The only key or index at which two mappings of the same keys, or two lists as long, differ; None: no such."""
    if isinstance(before, Mapping) and isinstance(after, Mapping) and before.keys() == after.keys():
        keys: Collection[Any] = before.keys()
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        keys = range(len(before))
    else:
        return None
    differing = [key for key in keys if before[key] != after[key]]
    return differing[0] if len(differing) == 1 else None


def _of_stage(stage: str, old: Data, new: Data) -> Iterator[Edit]:
    before, after = _named(old, stage), _named(new, stage)
    for name in (one for one in before if one not in after):
        yield Edit("removed", (stage, name), f"{stage} rule '{name}' removed")
    for name in (one for one in after if one not in before):
        yield Edit("added", (stage, name), f"{stage} rule '{name}' added")
    for name in _moved([one for one in before if one in after], [one for one in after if one in before]):
        yield Edit("moved", (stage, name), f"{stage} rule '{name}' moved {_place(name, list(after))}")
    for name in (one for one in after if one in before):
        yield from _of_rule((stage, name), before[name], after[name])


def _of_rule(path: Path, before: Data, after: Data) -> Iterator[Edit]:
    what = f"{path[0]} rule '{path[1]}'"
    if before.get("when") != after.get("when"):
        words = _from_to("when", before.get("when", "always"), after.get("when", "always"))
        yield Edit("changed", (*path, "when"), f"{what}: {words}")
    rest = [{key: value for key, value in one.items() if key not in {"name", "when"}} for one in (before, after)]
    if rest[0] != rest[1]:
        yield Edit("changed", (*path, "then"), _from_to(what, *rest))


def _moved(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The fewest names, or nearly so, that had to be moved to bring the one order into the other."""
    blocks = SequenceMatcher(a=before, b=after, autojunk=False).get_matching_blocks()
    kept = {name for block in blocks for name in before[block.a : block.a + block.size]}
    return [name for name in after if name not in kept]


def _place(name: str, order: Sequence[str]) -> str:
    at = order.index(name)
    return f"behind '{order[at - 1]}'" if at else "to the front"


def _rules_edited(stage: str, old: Data, new: Data, chosen: Collection[Edit]) -> Iterator[Data]:
    """The rules of a stage in their order: what was added or moved stands behind what stands before it in the new."""
    before, after = _named(old, stage), _named(new, stage)
    kinds = {(edit.kind, edit.rule) for edit in chosen}
    put = [name for name in after if ("added", name) in kinds or ("moved", name) in kinds]
    order = [name for name in before if name not in put and ("removed", name) not in kinds]
    for name in put:
        earlier = [one for one in list(after)[: list(after).index(name)] if one in order]
        order.insert(order.index(earlier[-1]) + 1 if earlier else 0, name)
    changed = {(edit.rule, edit.path[2]) for edit in chosen if edit.kind == "changed"}
    for name in order:
        yield after[name] if name not in before else _rule_edited(name, before[name], after.get(name, {}), changed)


def _rule_edited(name: str, before: Data, after: Data, changed: Collection[tuple[str | None, str]]) -> Data:
    condition = after if (name, "when") in changed else before
    rest = after if (name, "then") in changed else before
    when = {"when": condition["when"]} if "when" in condition else {}
    return {"name": name, **when, **{key: value for key, value in rest.items() if key not in {"name", "when"}}}


def _named(data: Data, stage: str) -> dict[str, Data]:
    return {rule["name"]: rule for rule in data.get(stage, ())}


def _entries(data: Data) -> Iterator[tuple[Path, Any]]:
    for section, value in data.items():
        if section not in _ASIDE:
            yield from _within(value, (section,), _DEPTHS.get(section, 0))


def _within(value: Any, path: Path, depth: int) -> Iterator[tuple[Path, Any]]:
    if not depth or not isinstance(value, Mapping):
        yield path, value
        return
    for key, entry in value.items():
        yield from _within(entry, (*path, key), depth - 1)


def _put(made: dict[str, Any], path: Path, after: Mapping[Path, Any]) -> None:
    """Make an entry what it is in the new policy, or take it out where it is none."""
    for key in path[:-1]:
        made = made.setdefault(key, {})
    if path in after:
        made[path[-1]] = after[path]
    else:
        made.pop(path[-1], None)
