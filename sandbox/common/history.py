"""What happened at a sandbox desk: every write with before and after, and every API call."""

from dataclasses import dataclass, field
from typing import Any, Literal

ActorKind = Literal["requester", "agent", "integration", "system"]
Action = Literal["create", "reply", "note", "update", "tag", "untag", "merge", "delete"]


@dataclass(frozen=True)
class Write:
    """One effect on a ticket: `seq` counts up per desk, `at` is unix seconds, `changes` is {field: [before, after]}."""

    seq: int
    at: float
    ticket: str | None
    actor: str
    actor_kind: ActorKind
    action: Action
    changes: dict[str, list[Any]]
    metadata: dict[str, Any] = field(default_factory=dict)


class History:
    """Every write in order; guarded by the lock of its desk."""

    def __init__(self) -> None:
        self.writes: list[Write] = []

    def record(
        self,
        *,
        at: float,
        ticket: str | None,
        actor: str,
        actor_kind: ActorKind,
        action: Action,
        changes: dict[str, list[Any]] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> Write:
        """Add one write; `actor` is an e-mail address, `metadata` holds vendor extras such as Zendesk's metadata."""
        write = Write(len(self.writes) + 1, at, ticket, actor, actor_kind, action, changes or {}, metadata or {})
        self.writes.append(write)
        return write


@dataclass(frozen=True)
class Call:
    """One API request; `at` is when it was carried out or refused, and so of what its answer shows. `status` 0 means
    that no answer was sent, `fault` names the fault that was played, if any.
    """

    at: float
    method: str
    path: str
    status: int
    actor: str | None
    fault: str | None


class CallLog:
    """Every API request in order, with its query; guarded by the lock of its desk."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def record(self, call: Call) -> None:
        """Add one call."""
        self.calls.append(call)
