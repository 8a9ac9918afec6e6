"""The shapes of Intercom's REST replies, after its OpenAPI description (its examples where the two differ)."""

from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.intercom.account import APP_ID, Workspace
from sandbox.intercom.inbox import by_contact
from sandbox.intercom.model import (
    Admin,
    Attribute,
    Author,
    AwayReason,
    Company,
    Contact,
    Conversation,
    Item,
    Part,
    Tag,
    Tagging,
    Team,
    Ticket,
    TicketState,
    TicketType,
)
from sandbox.intercom.text import plain
from sandbox.intercom.versions import Version

Json = dict[str, Any]

PARTS_MAX = 500
"""A conversation shows its newest parts only, this many."""

APP_PACKAGE_CODE = "deskbridge-private-app"
"""Set on every part that was made through the API; absent from tickets' parts and null on conversations' else."""

_UNKNOWN_TO_US = (
    "phone",
    "owner_id",
    "avatar",
    "signed_up_at",
    "last_seen_at",
    "last_replied_at",
    "last_contacted_at",
    "last_email_opened_at",
    "last_email_clicked_at",
    "language_override",
    "browser",
    "browser_version",
    "browser_language",
    "os",
)


class Renderer:
    """Renders what a workspace holds in one version; `as_text` shows bodies as plain text."""

    def __init__(self, space: Workspace, version: Version, *, as_text: bool = False) -> None:
        self.space, self.version, self.as_text = space, version, as_text

    # Directory --------------------------------------------------------------------------------------------------------

    def me(self, admin: Admin) -> Json:
        """The acting admin with the app."""
        app = {"type": "app", "id_code": APP_ID, "name": "Acme", "region": "US", "timezone": "UTC"}
        return self.admin(admin) | {
            "email_verified": True,
            "avatar": {"type": "avatar", "image_url": None},
            "app": app | {"created_at": self.space.created_at, "identity_verification": False, "secure": False},
        }

    def admin(self, admin: Admin) -> Json:
        """A teammate."""
        return {
            "type": "admin",
            "id": admin.id,
            "name": admin.name,
            "email": admin.email,
            "job_title": "",
            "away_mode_enabled": admin.away,
            "away_mode_reassign": admin.reassign,
            "away_status_reason_id": int(admin.away_reason_id) if admin.away_reason_id else None,
            "has_inbox_seat": admin.has_inbox_seat,
            "team_ids": [int(team_id) for team_id in admin.team_ids],
            "avatar": None,
            "team_priority_level": {},
        }

    def away_reason(self, reason: AwayReason) -> Json:
        """A reason to be away."""
        at = {"created_at": self.space.created_at, "updated_at": self.space.created_at}
        face = {"label": reason.label, "emoji": reason.emoji, "order": int(reason.id), "deleted": False}
        return {"type": "away_status_reason", "id": reason.id, **face, **at}

    def team(self, team: Team) -> Json:
        """A team, with its members' ids as numbers."""
        members = {"admin_ids": [int(admin_id) for admin_id in team.admin_ids], "admin_priority_level": {}}
        return {
            "type": "team",
            "id": team.id,
            "name": team.name,
            **members,
            "assignment_limit": None,
            "distribution_method": team.distribution,
        }

    def tag(self, tag: Tag) -> Json:
        """A tag by itself."""
        return {"type": "tag", "id": tag.id, "name": tag.name}

    def tagging(self, tagging: Tagging) -> Json:
        """A tag as it is applied."""
        by = {"type": "admin", "id": tagging.admin_id}
        return self.tag(tagging.tag) | {"applied_at": tagging.at, "applied_by": by}

    def contact(self, contact: Contact) -> Json:
        """A contact; what nobody ever told us is null."""
        return {
            "type": "contact",
            "id": contact.id,
            "external_id": contact.external_id,
            "workspace_id": APP_ID,
            "role": contact.role,
            "email": contact.email,
            "email_domain": contact.email.rpartition("@")[2],
            **dict.fromkeys(_UNKNOWN_TO_US),
            "phone": contact.phone,
            "name": contact.name,
            "has_hard_bounced": False,
            "marked_email_as_spam": False,
            "unsubscribed_from_emails": False,
            "created_at": contact.created_at,
            "updated_at": contact.updated_at,
            "custom_attributes": contact.attributes,
            "location": {"type": "location", "country": None, "region": None, "city": None},
            "social_profiles": {"type": "list", "data": []},
            "tags": self._attached(contact, "tags", []),
            "notes": self._attached(contact, "notes", []),
            "companies": self._attached(contact, "companies", contact.company_ids),
        }

    def company(self, company: Company) -> Json:
        """A company with its plan and attributes."""
        users = sum(company.id in contact.company_ids for contact in self.space.contacts.values())
        return {
            "type": "company",
            "id": company.id,
            "company_id": company.company_id,
            "name": company.name,
            "app_id": APP_ID,
            "plan": {"type": "plan", "id": company.plan.lower(), "name": company.plan},
            "remote_created_at": company.created_at,
            "created_at": company.created_at,
            "updated_at": company.created_at,
            "website": f"https://{company.domain}" if company.domain else "",
            "monthly_spend": 0,
            "session_count": 0,
            "user_count": users,
            "tags": {"type": "tag.list", "tags": []},
            "segments": {"type": "segment.list", "segments": []},
            "custom_attributes": company.attributes,
        }

    def _attached(self, contact: Contact, what: str, ids: Sequence[str]) -> Json:
        kind = {"companies": "company"}.get(what, what)
        rows = [{"type": kind, "id": row, "url": f"/{what}/{row}"} for row in ids]
        total = {"total_count": len(rows), "has_more": False}
        return {"type": "list", "data": rows, "url": f"/contacts/{contact.id}/{what}", **total}

    # Attributes and ticket types --------------------------------------------------------------------------------------

    def conversation_attribute(self, attribute: Attribute) -> Json:
        """A conversation attribute as 2.16 lists it; options have ids derived from the attribute's."""
        extra: Json = {"multiline": False} if attribute.data_type == "string" else {}
        if attribute.data_type == "list":
            labels = enumerate(attribute.options)
            extra = {"options": [{"id": _option_id(attribute, n), "label": x, "archived": False} for n, x in labels]}
        return {
            "type": "conversation_attribute",
            "id": attribute.id,
            "name": attribute.name,
            "description": attribute.description,
            "data_type": attribute.data_type,
            "required": attribute.required,
            "visible_to_team_ids": [],
            "archived": attribute.archived,
            "created_at": attribute.created_at,
            "updated_at": attribute.created_at,
            "admin_id": self.space.integration.id,
            **extra,
        }

    def data_attribute(self, attribute: Attribute, model: str) -> Json:
        """An attribute as `/data_attributes` lists it; lists are strings with options there."""
        options = {"options": list(attribute.options)} if attribute.options else {}
        return {
            "type": "data_attribute",
            "id": attribute.id,
            "model": model,
            "name": attribute.name,
            "full_name": f"custom_attributes.{attribute.name}",
            "label": attribute.name,
            "description": attribute.description,
            "data_type": "string" if attribute.data_type == "list" else attribute.data_type,
            "api_writable": True,
            "messenger_writable": False,
            "ui_writable": True,
            "custom": True,
            "archived": attribute.archived,
            "created_at": attribute.created_at,
            "updated_at": attribute.created_at,
            **options,
        }

    def ticket_type(self, kind: TicketType) -> Json:
        """A ticket type with its attributes and states."""
        return self._ticket_type_head(kind) | {
            "workspace_id": APP_ID,
            "created_at": kind.created_at,
            "updated_at": kind.created_at,
            "ticket_type_attributes": {"type": "list", "data": [self._field(kind, a) for a in kind.attributes]},
            "ticket_states": {"type": "list", "data": [self.ticket_state(state) for state in kind.states]},
        }

    def ticket_state(self, state: TicketState) -> Json:
        """A ticket state as a ticket shows it."""
        labels = {"internal_label": state.internal_label, "external_label": state.external_label}
        return {"type": "ticket_state", "id": state.id, "category": state.category, **labels}

    def ticket_state_detailed(self, state: TicketState) -> Json:
        """A ticket state with the types that may have it."""
        kinds = [self._ticket_type_head(kind) for kind in self.space.types.values() if state in kind.states]
        return self.ticket_state(state) | {"archived": False, "ticket_types": {"type": "list", "data": kinds}}

    def _ticket_type_head(self, kind: TicketType) -> Json:
        face = {"name": kind.name, "description": "", "icon": "🎟️", "archived": False}
        return {"type": "ticket_type", "id": kind.id, "category": kind.category, **face}

    def _field(self, kind: TicketType, attribute: Attribute) -> Json:
        options: Json = {"multiline": attribute.name == "_default_description_"}
        if attribute.data_type == "list":
            options = {"list_options": [{"label": x, "id": _option_id(attribute, n)} for n, x in _pairs(attribute)]}
        return {
            "type": "ticket_type_attribute",
            "id": str(attribute.id),
            "workspace_id": APP_ID,
            "name": attribute.name,
            "description": attribute.description,
            "data_type": attribute.data_type,
            "input_options": options,
            "order": attribute.id,
            "required_to_create": attribute.required,
            "required_to_create_for_contacts": attribute.required,
            "visible_on_create": True,
            "visible_to_contacts": True,
            "default": attribute.name.startswith("_default_"),
            "ticket_type_id": int(kind.id),
            "archived": attribute.archived,
            "created_at": attribute.created_at,
            "updated_at": attribute.created_at,
        }

    # Conversations ----------------------------------------------------------------------------------------------------

    def conversation(self, item: Conversation, parts: Sequence[Part] | None = None) -> Json:
        """A conversation with its newest parts, or with just these."""
        shown = item.parts[-PARTS_MAX:] if parts is None else parts
        total = len(item.parts) if parts is None else len(parts)
        rows = [self.conversation_part(part) for part in shown]
        block = {"type": "conversation_part.list", "conversation_parts": rows, "total_count": total}
        return self.conversation_row(item) | {"conversation_parts": block}

    def conversation_row(self, item: Conversation) -> Json:
        """A conversation as lists and searches show it: without its parts."""
        return {
            "type": "conversation",
            "id": item.id,
            "title": item.title,
            "created_at": item.created_at,
            "updated_at": item.updated_at,
            "waiting_since": item.waiting_since,
            "snoozed_until": item.snoozed_until,
            "open": item.open,
            "state": item.state,
            "read": item.read,
            "priority": self.version.priority(item.priority),
            "admin_assignee_id": self.version.conversation_admin(item.admin_id),
            "team_assignee_id": self.version.conversation_team(item.team_id),
            "source": self._source(item),
            "contacts": self._contacts(item),
            "teammates": {"type": "admin.list", "teammates": [{"type": "admin", "id": i} for i in item.teammates]},
            "tags": {"type": "tag.list", "tags": [self.tagging(tagging) for tagging in item.tags.values()]},
            "custom_attributes": item.attributes,
            "conversation_rating": None,
            "first_contact_reply": None,
            "sla_applied": None,
            "statistics": statistics(item),
            "linked_objects": _nothing_linked(),
            "ai_agent": None,
            "ai_agent_participated": False,
        } | self._newer_keys(item)

    def _newer_keys(self, item: Conversation) -> Json:
        company = self.space.companies.get(item.company_id or "")
        newer: Json = {"company": self.company(company)} if company and self.version.has_company else {}
        if self.version.at_least(16):
            newer["channel"] = {"initial": item.channel, "current": item.channel}
        return newer

    def _source(self, item: Conversation) -> Json:
        return {
            "type": item.channel,
            "id": item.source_id,
            "delivered_as": "customer_initiated",
            "subject": self._shown(item.subject),
            "body": self._shown(item.body),
            "author": _author(by_contact(item.contact).author),
            "attachments": [],
            "url": None,
            "redacted": False,
        }

    def conversation_part(self, part: Part) -> Json:
        """One part of a conversation."""
        return {
            "type": "conversation_part",
            "id": part.id,
            "part_type": part.part_type,
            "body": self._shown(part.body),
            "created_at": part.at,
            "updated_at": part.at,
            "notified_at": part.at,
            "assigned_to": _reference(part.assigned_to),
            "author": _author(part.author),
            "attachments": [],
            "external_id": None,
            "redacted": False,
            "email_message_metadata": None,
            "metadata": {},
            "state": part.state,
            "tags": [],
            "event_details": part.extra or None,
            "app_package_code": APP_PACKAGE_CODE if part.through_api else None,
        }

    # Tickets ----------------------------------------------------------------------------------------------------------

    def ticket(self, item: Ticket, parts: Sequence[Part] | None = None) -> Json:
        """A ticket with all its parts, or with just these."""
        shown = item.parts if parts is None else parts
        rows = [self.ticket_part(part) for part in shown]
        snoozed = {"snoozed_until": item.snoozed_until} if item.snoozed_until else {}
        return {
            "type": "ticket",
            "id": item.id,
            "ticket_id": item.ticket_id,
            "category": item.type.category,
            "ticket_attributes": item.attributes,
            "ticket_state": self.ticket_state(item.state),
            "ticket_type": self.ticket_type(item.type),
            "contacts": self._contacts(item),
            "admin_assignee_id": self.version.ticket_assignee(item.admin_id),
            "team_assignee_id": self.version.ticket_assignee(item.team_id),
            "created_at": item.created_at,
            "updated_at": item.updated_at,
            "open": item.open,
            "is_shared": item.is_shared,
            "tags": {"type": "tag.list", "tags": [self.tagging(tagging) for tagging in item.tags.values()]},
            "linked_objects": _nothing_linked(),
            "ticket_parts": {"type": "ticket_part.list", "ticket_parts": rows, "total_count": len(rows)},
            **snoozed,
        }

    def ticket_part(self, part: Part) -> Json:
        """One part of a ticket; what it does not have is absent, not null."""
        optional = {
            "body": self._shown(part.body),
            "assigned_to": _reference(part.assigned_to),
            "app_package_code": APP_PACKAGE_CODE if part.through_api else None,
        }
        return {
            "type": "ticket_part",
            "id": part.id,
            "part_type": part.part_type,
            "created_at": part.at,
            "updated_at": part.at,
            "author": _author(part.author),
            "attachments": [],
            "redacted": False,
            **part.extra,
            **{key: value for key, value in optional.items() if value is not None},
        }

    def _contacts(self, item: Item) -> Json:
        row = {"type": "contact", "id": item.contact.id, "external_id": item.contact.external_id}
        return {"type": "contact.list", "contacts": [row]}

    def _shown(self, body: str | None) -> str | None:
        return plain(body) if body and self.as_text else body


def statistics(item: Conversation) -> Json:
    """What is counted of a conversation; a moment that never came is absent. Times are unix seconds."""
    replies = [part for part in item.parts if part.body and part.part_type != "note"]
    closes = [part for part in item.parts if part.part_type == "close"]
    assigned = [part for part in item.parts if part.assigned_to]
    moments = {
        "contact_reply": [part.at for part in replies if part.author.type == "user"],
        "admin_reply": [part.at for part in replies if part.author.type == "admin"],
        "assignment": [part.at for part in assigned],
        "close": [part.at for part in closes],
    }
    firsts = {f"first_{name}_at": min(times) for name, times in moments.items() if times}
    lasts = {f"last_{name}_at": max(times) for name, times in moments.items() if times}
    closer = {"last_closed_by_id": closes[-1].author.id} if closes else {}
    return {
        "type": "conversation_statistics",
        **firsts,
        **lasts,
        **closer,
        "count_reopens": sum(part.part_type in {"open", "assign_and_reopen"} for part in item.parts),
        "count_assignments": len(assigned),
        "count_conversation_parts": len(item.parts),
    }


def _author(author: Author) -> Json:
    return {"type": author.type, "id": author.id, "name": author.name, "email": author.email}


def _reference(to: tuple[str, str] | None) -> Json | None:
    return {"type": to[0], "id": to[1]} if to else None


def _nothing_linked() -> Json:
    return {"type": "list", "data": [], "total_count": 0, "has_more": False}


def _pairs(attribute: Attribute) -> Iterable[tuple[int, str]]:
    return enumerate(attribute.options)


def _option_id(attribute: Attribute, number: int) -> str:
    return f"{attribute.id:08x}-0000-4000-8000-{number:012x}"
