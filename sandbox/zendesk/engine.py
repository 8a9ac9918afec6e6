"""Carries out actions on tickets: one action makes one audit, moves the stamp, and is told to whoever listens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from markupsafe import escape

from sandbox.common import History
from sandbox.common.history import Action, ActorKind
from sandbox.zendesk import errors, wishes
from sandbox.zendesk.state import BRAND_ID, FORM_ID, Account, Audit, Comment, Ticket, User


@dataclass(frozen=True)
class Act:
    """One finished action: `changes` and `custom_changes` (by field id) map to (before, after)."""

    ticket: Ticket
    actor: User
    audit: Audit
    created: bool = False
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    custom_changes: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    comment: Comment | None = None
    merged_into: int | None = None
    deleted: bool = False


class Engine:
    """The only writer of tickets; guarded by the lock of the desk."""

    def __init__(
        self, account: Account, clock: Callable[[], float], history: History, tell: Callable[[Act], None]
    ) -> None:
        self._account = account
        self._clock = clock
        self._history = history
        self._tell = tell

    def create(self, given: dict[str, Any], actor: User, channel: str) -> Act:
        """A new ticket from a POST body. Raises Refusal."""
        comment = given.get("comment") or {"body": given.get("description")}
        requester = self._requester(given, actor)
        wanted = wishes.blank() | {"brand_id": BRAND_ID, "ticket_form_id": FORM_ID, "requester_id": requester.id}
        wanted |= {
            "organization_id": requester.organization_id,
            "custom_status_id": self._account.default_status("new"),
        }
        wanted |= wishes.read(self._account, None, given)
        custom = wishes.read_custom_fields(self._account, given)
        body = str(comment.get("body") or comment.get("html_body") or "")
        if not body:
            raise errors.invalid("base", "Description: cannot be blank", "BlankValue")
        source = self._account.tickets.get(given.get("via_followup_source_id") or 0)
        ticket = Ticket(
            self._account.next_ticket_id(),
            self._clock(),
            channel,
            actor.id,
            body,
            wishes.blank(),
            followup_of=source.id if source else None,
        )
        self._account.tickets[ticket.id] = ticket
        if source:
            source.followup_ids.append(ticket.id)
        given = given | {"comment": {"author_id": requester.id} | comment}
        return self._save(ticket, wanted, custom, given, actor, channel=channel, created=True)

    def update(
        self, ticket: Ticket, given: dict[str, Any], actor: User, channel: str, action: Action = "update"
    ) -> Act:
        """Change and comment in one action, from a PUT body; nothing happens at all where any part is refused."""
        if ticket["status"] == "closed":
            raise errors.invalid("status", "Status: closed prevents ticket update")
        wishes.check_stamp(ticket, given)
        wanted = wishes.read(self._account, ticket, given)
        custom = wishes.read_custom_fields(self._account, given)
        self._check_comment(given)
        return self._save(ticket, wanted, custom, given, actor, channel=channel, action=action)

    def delete(self, ticket: Ticket, actor: User) -> None:
        """Soft deletion: gone from REST, still in the incremental export."""
        ticket.deleted = True
        ticket.generated_at = self._clock()
        self._record("delete", ticket, actor, {}, {})
        self._tell(Act(ticket, actor, self._audit(ticket, actor, "api", {}), deleted=True))

    def merge(self, source: Ticket, target: Ticket, given: dict[str, Any], actor: User) -> None:
        """Close the source with a note that names the target, and tell the target."""
        text = given.get("source_comment") or f"This request was closed and merged into request #{target.id}."
        wanted = {"status": "closed", "custom_status_id": self._account.default_status("closed")}
        note = {"comment": {"body": text, "public": bool(given.get("source_comment_is_public", False))}}
        self._save(source, wanted, {}, note, actor, channel="api", action="merge", merged_into=target.id)
        text = given.get("target_comment") or f"Request #{source.id} was closed and merged into this request."
        note = {"comment": {"body": text, "public": bool(given.get("target_comment_is_public", False))}}
        self._save(target, {}, {}, note, actor, channel="api")

    def _requester(self, given: dict[str, Any], actor: User) -> User:
        who = given.get("requester")
        if isinstance(who, dict) and who.get("email"):
            return self._account.customer(str(who["email"]), who.get("name"), self._clock())
        return self._account.users.get(given.get("requester_id") or actor.id, actor)

    def _check_comment(self, given: dict[str, Any]) -> None:
        comment = given.get("comment")
        if comment and not (comment.get("body") or comment.get("html_body") or comment.get("uploads")):
            raise errors.invalid("comment", "Comment: cannot be blank", "BlankValue")
        author = (comment or {}).get("author_id")
        if author is not None and author not in self._account.users:
            raise errors.invalid("comment", "Author: does not exist", "RecordNotFound")

    def _save(
        self,
        ticket: Ticket,
        wanted: dict[str, Any],
        custom: dict[int, Any],
        given: dict[str, Any],
        actor: User,
        *,
        channel: str,
        created: bool = False,
        action: Action = "update",
        merged_into: int | None = None,
    ) -> Act:
        tags = wishes.tags_of_fields(self._account, ticket.custom_fields, custom, wanted.get("tags", ticket["tags"]))
        wanted = wanted | {"tags": tags}
        changes = {name: (ticket[name], value) for name, value in wanted.items() if ticket[name] != value}
        before = ticket.custom_fields
        custom_changes = {key: (before.get(key), value) for key, value in custom.items() if before.get(key) != value}
        audit = self._audit(ticket, actor, channel, given)
        comment = self._comment(audit, given["comment"], actor) if given.get("comment") else None
        act = Act(ticket, actor, audit, created, changes, custom_changes, comment, merged_into)
        self._apply(act, given)
        if audit.events:
            self._keep(act, action)
        return act

    def _audit(self, ticket: Ticket, actor: User, channel: str, given: dict[str, Any]) -> Audit:
        metadata = given.get("metadata") or {}
        return Audit(self._account.next_id(), ticket.id, actor.id, channel, self._clock(), metadata)

    def _comment(self, audit: Audit, given: dict[str, Any], actor: User) -> Comment:
        html = given.get("html_body") or f"<p>{escape(given.get('body') or '')}</p>"
        return Comment(
            id=self._account.next_id(),
            audit_id=audit.id,
            author_id=given.get("author_id") or actor.id,
            body=given.get("body") or given.get("html_body") or "",
            html_body=f'<div class="zd-comment" dir="auto">{html}</div>',
            public=bool(given.get("public", True)),
            channel=audit.channel,
            created_at=audit.created_at,
            attachments=given.get("attachments") or [],
        )

    def _apply(self, act: Act, given: dict[str, Any]) -> None:
        ticket, events = act.ticket, act.audit.events
        if act.comment:
            ticket.comments.append(act.comment)
            events.append({"id": act.comment.id, "type": "Comment"})
        named = act.changes | {str(key): change for key, change in act.custom_changes.items()}
        for name, (before, after) in named.items():
            event = {"id": self._account.next_id(), "type": "Create" if act.created else "Change"}
            event |= {"field_name": name, "value": _audited(after)}
            events.append(event if act.created else event | {"previous_value": _audited(before)})
        ticket.fields |= {name: after for name, (_, after) in act.changes.items()}
        ticket.custom_fields |= {key: after for key, (_, after) in act.custom_changes.items()}
        skills = given.get("attribute_value_ids")
        if skills is not None and skills != ticket.skill_ids:
            ticket.skill_ids = list(skills)
            ticket.generated_at = act.audit.created_at

    def _keep(self, act: Act, action: Action) -> None:
        ticket = act.ticket
        ticket.audits.append(act.audit)
        ticket.updated_at = ticket.generated_at = act.audit.created_at
        changes = {name: [before, after] for name, (before, after) in act.changes.items()}
        changes |= {str(key): [before, after] for key, (before, after) in act.custom_changes.items()}
        if changes or act.created:
            self._record("create" if act.created else action, ticket, act.actor, changes, act.audit.metadata)
        if act.comment and not act.created:
            said = {"comment": [None, act.comment.id]}
            self._record("reply" if act.comment.public else "note", ticket, act.actor, said, act.audit.metadata)
        self._tell(act)

    def _record(
        self, action: Action, ticket: Ticket, actor: User, changes: dict[str, list[Any]], metadata: dict[str, Any]
    ) -> None:
        self._history.record(
            at=self._clock(),
            ticket=str(ticket.id),
            actor=actor.email,
            actor_kind=self._kind(actor),
            action=action,
            changes=changes,
            metadata=metadata,
        )

    def _kind(self, actor: User) -> ActorKind:
        if actor is self._account.bridge:
            return "integration"
        return "agent" if actor.is_staff else "requester"


def _audited(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else str(value)
