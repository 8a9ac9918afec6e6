"""From what the policy wants to what is really written: names become ids, and what is not ours to touch is left."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

from bridge.memory import Memory
from bridge.model import Assignment, Change, Effect, Mode, Ticket
from bridge.ports import Capability, Policy

TIER: Final = "tier"
"""The name under `bindings: fields:` of the field that takes the support tier."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What is left of a wish, and one sentence for each part that was dropped."""

    change: Change
    kept: tuple[str, ...]


def wish(policy: Policy, desk: str, effect: Effect, assignment: Assignment | None) -> Change:
    """What the policy wants of the ticket, in the desk's names and ids.

    A tier is written to the field that the policy binds to it, unless a rule sets that field itself.
    """
    fields = {policy.bound("fields", desk, name): value for name, value in effect.fields.items()}
    if effect.tier is not None and (bound := policy.bound("fields", desk, TIER)) != TIER:
        fields.setdefault(bound, effect.tier)
    return Change(
        assignee_id=assignment.agent_id if assignment else None,
        team_id=assignment.team_id if assignment else None,
        status=effect.status,
        priority=effect.priority,
        type=effect.type,
        add_tags=frozenset(policy.bound("tags", desk, tag) for tag in effect.add_tags),
        remove_tags=frozenset(policy.bound("tags", desk, tag) for tag in effect.remove_tags),
        fields=fields,
    )


def settle(wanted: Change, ticket: Ticket, memory: Memory, can: Collection[Capability]) -> Settled:
    """The wish without what is so already, what somebody else set, and what the desk cannot say.

    A priority is only ever raised: the customer's or an agent's own higher one stands.
    """
    kept: list[str] = []
    change = wanted
    for name, field, capability in _FIELDS:
        value, present = getattr(change, field), getattr(ticket, field)
        if value is None or (value or None) == present:
            change = _without(change, field)
            continue
        if reason := _obstacle(name, memory, capability, can):
            kept.append(reason)
            change = _without(change, field)
    if change.priority is not None and change.priority.rank < ticket.priority.rank:
        kept.append(f"priority stays {ticket.priority}")
        change = replace(change, priority=None)
    if wanted.team_id is not None and change.team_id is None and wanted.team_id != ticket.team_id:
        change = replace(change, assignee_id=None)  # an agent of the one team cannot work in the other
    fields = {name: value for name, value in change.fields.items() if ticket.fields.get(name) != value}
    held = {name for name in fields if f"field:{name}" in memory.held}
    kept += [f"{name} was set by somebody else" for name in sorted(held)]
    missing, present = change.add_tags - ticket.tags, change.remove_tags & ticket.tags
    kept += [f"tag {tag} was taken off by somebody" for tag in sorted(missing & memory.refused_tags)]
    kept += [f"tag {tag} was put on by somebody" for tag in sorted(present & memory.added_tags)]
    settled = replace(
        change,
        add_tags=missing - memory.refused_tags,
        remove_tags=present - memory.added_tags,
        fields={name: value for name, value in fields.items() if name not in held},
    )
    return Settled(settled, tuple(kept))


def within(
    mode: Mode, change: Change, note: str | None, tell: frozenset[str] = frozenset(), summary: str | None = None
) -> Change:
    """What of a change a mode allows to be written: all, note and summary alone, sent to nobody, or nothing."""
    if mode is Mode.LIVE:
        return replace(change, note=note, tell=tell, summary=summary)
    return Change(note=note, summary=summary) if mode is Mode.SUGGEST else Change()


_FIELDS = (
    ("assignee", "assignee_id", None),
    ("team", "team_id", None),
    ("status", "status", Capability.WRITE_STATUS),
    ("priority", "priority", Capability.WRITE_PRIORITY),
    ("type", "type", Capability.WRITE_TYPE),
)


def _without(change: Change, field: str) -> Change:
    nothing: dict[str, Any] = {field: None}
    return replace(change, **nothing)


def _obstacle(name: str, memory: Memory, capability: Capability | None, can: Collection[Capability]) -> str | None:
    if name in memory.held:
        return f"{name} was set by somebody else"
    if capability is not None and capability not in can:
        return f"this desk has no way to set the {name}"
    return None
