"""The JSON that Zendesk's REST API shows of each record."""

from typing import Any

from flask import request

from sandbox.zendesk.hooks import Webhook
from sandbox.zendesk.state import (
    ACCOUNT_ID,
    Account,
    Audit,
    Comment,
    CustomStatus,
    Group,
    Organization,
    Skill,
    Ticket,
    TicketField,
    User,
)
from sandbox.zendesk.times import stamp
from sandbox.zendesk.triggers import Trigger


def url(path: str) -> str:
    """The absolute address of a resource, as Zendesk writes it."""
    return f"{request.host_url}api/v2/{path}.json"


def via(channel: str, followup_of: int | None = None) -> dict[str, Any]:
    """How a ticket or comment came in, under its REST name."""
    came_from = {"ticket_id": followup_of} if followup_of else {}
    return {
        "channel": channel,
        "source": {"from": came_from, "to": {}, "rel": "follow_up" if followup_of else None},
    }


def ticket(account: Account, shown: Ticket) -> dict[str, Any]:
    """A ticket; comments are not part of it."""
    custom = [
        {"id": field.id, "value": shown.custom_fields.get(field.id)}
        for field in account.fields.values()
        if field.removable
    ]
    return {
        "url": url(f"tickets/{shown.id}"),
        "id": shown.id,
        "external_id": shown["external_id"],
        "via": via(shown.channel, shown.followup_of),
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.updated_at),
        "generated_timestamp": int(shown.generated_at),
        "raw_subject": shown["subject"],
        "description": shown.description,
        "recipient": None,
        "submitter_id": shown.submitter_id,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "has_incidents": False,
        "is_public": shown.is_public,
        "custom_fields": custom,
        "fields": custom,
        "satisfaction_rating": {"score": "unoffered"},
        "sharing_agreement_ids": [],
        "followup_ids": list(shown.followup_ids),
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": shown.channel == "chat",
    } | {
        **shown.fields,
        "status": "deleted" if shown.deleted else shown["status"],
        "tags": list(shown["tags"]),
    }


def comment(shown: Comment, audit: Audit) -> dict[str, Any]:
    """A comment in the list of comments."""
    return comment_event(shown) | {
        "via": via(shown.channel),
        "created_at": stamp(shown.created_at),
        "metadata": metadata(audit),
    }


def comment_event(shown: Comment) -> dict[str, Any]:
    """A comment as an event of its audit."""
    return {
        "id": shown.id,
        "type": "Comment",
        "author_id": shown.author_id,
        "body": shown.body,
        "html_body": shown.html_body,
        "plain_body": shown.body,
        "public": shown.public,
        "attachments": shown.attachments,
        "audit_id": shown.audit_id,
    }


def metadata(audit: Audit) -> dict[str, Any]:
    """What the writer sent as `metadata` comes back under `custom`."""
    system = {"client": "sandbox", "ip_address": "127.0.0.1", "location": "", "latitude": 0.0, "longitude": 0.0}
    return {"system": system, "custom": audit.metadata}


def audit(shown: Audit, of: Ticket) -> dict[str, Any]:
    """An audit with all its events."""
    comments = {each.id: each for each in of.comments}
    return {
        "id": shown.id,
        "ticket_id": shown.ticket_id,
        "created_at": stamp(shown.created_at),
        "author_id": shown.author_id,
        "metadata": metadata(shown),
        "events": [
            comment_event(comments[event["id"]]) if event["id"] in comments else event for event in shown.events
        ],
        "via": via(shown.channel),
    }


def user(shown: User) -> dict[str, Any]:
    """An agent, an admin or a customer."""
    return {
        "id": shown.id,
        "url": url(f"users/{shown.id}"),
        "name": shown.name,
        "email": shown.email,
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.created_at),
        "time_zone": "UTC",
        "iana_time_zone": "Etc/UTC",
        "phone": None,
        "locale": "en-US",
        "locale_id": 1,
        "organization_id": shown.organization_id,
        "role": shown.role,
        "verified": True,
        "external_id": None,
        "tags": [],
        "alias": None,
        "active": True,
        "shared": False,
        "suspended": False,
        "moderator": shown.is_staff,
        "restricted_agent": False,
        "default_group_id": shown.group_ids[0] if shown.group_ids else None,
        "user_fields": {},
    }


def group(shown: Group) -> dict[str, Any]:
    """A team of agents."""
    return {
        "id": shown.id,
        "url": url(f"groups/{shown.id}"),
        "name": shown.name,
        "description": "",
        "default": False,
        "is_public": True,
        "deleted": False,
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.created_at),
    }


def organization(shown: Organization) -> dict[str, Any]:
    """A customer company."""
    return {
        "id": shown.id,
        "url": url(f"organizations/{shown.id}"),
        "name": shown.name,
        "domain_names": list(shown.domains),
        "details": None,
        "notes": None,
        "group_id": None,
        "shared_tickets": False,
        "shared_comments": False,
        "external_id": None,
        "tags": [],
        "organization_fields": shown.fields,
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.created_at),
    }


def field(shown: TicketField) -> dict[str, Any]:
    """A ticket field; a drop-down with its options."""
    options = [{"name": option.capitalize(), "value": option} for option in shown.options]
    return {
        "id": shown.id,
        "url": url(f"ticket_fields/{shown.id}"),
        "type": shown.type,
        "title": shown.title,
        "raw_title": shown.title,
        "active": True,
        "required": False,
        "removable": shown.removable,
    } | ({"custom_field_options": options} if options else {})


def custom_status(shown: CustomStatus) -> dict[str, Any]:
    """A ticket status of the account."""
    return {
        "id": shown.id,
        "status_category": shown.category,
        "agent_label": shown.label,
        "end_user_label": shown.label,
        "description": "",
        "active": True,
        "default": shown.default,
    }


def skill(shown: Skill) -> dict[str, Any]:
    """A routing attribute value."""
    path = f"routing/attributes/{shown.attribute_id}/values/{shown.id}"
    return {"id": shown.id, "attribute_id": shown.attribute_id, "name": shown.name, "url": url(path)}


def webhook(shown: Webhook) -> dict[str, Any]:
    """A webhook; the secrets of its authentication are not shown."""
    authentication = shown.fields["authentication"]
    shape = {key: value for key, value in (authentication or {}).items() if key != "data"}
    return shown.fields | {
        "id": shown.hook.id,
        "authentication": shape or None,
        "account_id": str(ACCOUNT_ID),
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.updated_at),
    }


def trigger(shown: Trigger) -> dict[str, Any]:
    """A business rule that events start."""
    return _rule(shown, "triggers")


def automation(shown: Trigger) -> dict[str, Any]:
    """A business rule that the clock starts."""
    return _rule(shown, "automations")


def _rule(shown: Trigger, kind: str) -> dict[str, Any]:
    return shown.fields | {
        "id": shown.id,
        "url": url(f"{kind}/{shown.id}"),
        "raw_title": shown.fields["title"],
        "default": False,
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.updated_at),
    }
