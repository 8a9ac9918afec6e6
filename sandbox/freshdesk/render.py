"""The JSON of every record, as the reference shows it: each field present, blanks null, times without fractions."""

from dataclasses import asdict

from sandbox.freshdesk.account import Account
from sandbox.freshdesk.fields import CUSTOMER_LABELS, PRIORITIES, SOURCES, TYPES, CustomField
from sandbox.freshdesk.records import Agent, Company, Contact, Conversation, Group, Skill, Summary, Ticket
from sandbox.freshdesk.rules import Rule, Rulebook
from sandbox.freshdesk.tickets import SLA
from sandbox.freshdesk.wire import JSON, stamp, text_of

EMBEDDED_CONVERSATIONS = 10
"""`include=conversations` gives so many, the oldest."""

INCLUDES = ("requester", "stats", "company")


def ticket(account: Account, row: Ticket, *, described: bool = True, include: frozenset[str] = frozenset()) -> JSON:
    """A ticket; lists leave the description out, unless asked for it."""
    shown = _ticket(account, row)
    if described or "description" in include:
        shown |= {"description": row.description, "description_text": text_of(row.description)}
    if "conversations" in include:
        shown["conversations"] = [conversation(one) for one in row.conversations[:EMBEDDED_CONVERSATIONS]]
    if "requester" in include:
        shown["requester"] = _requester(account.contacts[row.requester_id])
    if "company" in include:
        found = account.companies.get(row.company_id or 0)
        shown["company"] = {"id": found.id, "name": found.name} if found else {}
    if "stats" in include:
        shown["stats"] = {name: stamp(at) for name, at in asdict(row.stats).items()}
    return shown


def _ticket(account: Account, row: Ticket) -> JSON:
    done = row.stats.resolved_at is not None
    answered = row.stats.first_responded_at is not None
    shown = {
        "cc_emails": row.cc_emails,
        "fwd_emails": [],
        "reply_cc_emails": row.cc_emails,
        "ticket_cc_emails": row.cc_emails,
        "fr_escalated": not answered and row.fr_due_by < account.now(),
        "spam": row.spam,
        "email_config_id": row.email_config_id,
        "group_id": row.group_id,
        "priority": row.priority,
        "requester_id": row.requester_id,
        "responder_id": row.responder_id,
        "source": row.source,
        "company_id": row.company_id,
        "status": row.status,
        "subject": row.subject,
        "association_type": None,
        "support_email": None,
        "to_emails": None,
        "product_id": row.product_id,
        "id": row.id,
        "type": row.type,
        "due_by": stamp(row.due_by),
        "fr_due_by": stamp(row.fr_due_by),
        "is_escalated": not done and row.due_by < account.now(),
        "internal_agent_id": row.internal_agent_id,
        "internal_group_id": row.internal_group_id,
        "custom_fields": row.custom_fields,
        "tags": row.tags,
        "attachments": [],
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }
    return shown | ({"deleted": True} if row.deleted else {})


def _requester(row: Contact) -> JSON:
    return {"id": row.id, "name": row.name, "email": row.email, "mobile": None, "phone": None}


def conversation(row: Conversation) -> JSON:
    """A reply or a note."""
    return {
        "body": row.body,
        "body_text": text_of(row.body),
        "id": row.id,
        "incoming": row.incoming,
        "private": row.private,
        "user_id": row.user_id,
        "support_email": None,
        "source": row.source,
        "ticket_id": row.ticket_id,
        "to_emails": row.to_emails,
        "from_email": row.from_email,
        "cc_emails": row.cc_emails,
        "bcc_emails": row.bcc_emails,
        "attachments": [],
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }


def summary(row: Summary, ticket_id: int) -> JSON:
    """The pinned summary of a ticket."""
    return {
        "id": row.id,
        "body": row.body,
        "body_text": text_of(row.body),
        "user_id": row.user_id,
        "ticket_id": ticket_id,
        "attachments": [],
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }


def agent(row: Agent) -> JSON:
    """An agent with the person behind."""
    return {
        "available": row.status == "online",
        "occasional": False,
        "id": row.id,
        "ticket_scope": 1,
        "signature": None,
        "group_ids": row.group_ids,
        "skill_ids": row.skill_ids,
        "role_ids": [],
        "type": "support_agent",
        "focus_mode": True,
        "available_since": stamp(row.status_at) if row.status == "online" else None,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.status_at),
        "contact": _person(row),
    }


def _person(row: Agent) -> JSON:
    return {
        "active": True,
        "email": row.email,
        "job_title": None,
        "language": "en",
        "last_login_at": stamp(row.created_at),
        "mobile": None,
        "name": row.name,
        "phone": None,
        "time_zone": "London",
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.created_at),
    }


def availability(account: Account, row: Agent) -> JSON:
    """An agent's availability in the one channel of an account that has tickets only."""
    channel = {
        "channel": "freshdesk",
        "available": row.status == "online",
        "logged_in": row.status != "offline",
        "round_robin_enabled": any(account.groups[id_].auto_ticket_assign for id_ in row.group_ids),
        "assignment_limit": account.assignment_limit,
        "current_assignment_load": account.load(row),
        "status_id": None,
        "pause_assignment": False,
        "availability_updated_at": stamp(row.status_at),
    }
    return {
        "id": row.id,
        "availability_control": True,
        "idle_enabled": False,
        "legacy_routing": True,
        "channel_availability": [channel],
    }


def group(account: Account, row: Group) -> JSON:
    """A group of the older `/groups`."""
    return {
        "id": row.id,
        "name": row.name,
        "description": None,
        "escalate_to": None,
        "unassigned_for": None,
        "business_hour_id": None,
        "group_type": "support_agent_group",
        "agent_ids": [one.id for one in account.agents.values() if row.id in one.group_ids],
        "auto_ticket_assign": row.auto_ticket_assign,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.created_at),
    }


_ASSIGNMENTS = {1: "round_robin", 2: "skill_based_round_robin", 3: "load_based_round_robin", 12: "omniroute"}


def admin_group(account: Account, row: Group) -> JSON:
    """A group of `/admin/groups`."""
    kind = _ASSIGNMENTS.get(row.auto_ticket_assign)
    assignment = {"enabled": True, "type": kind, "settings": []} if kind else {"enabled": False}
    old = group(account, row)
    kept = ("id", "name", "description", "unassigned_for", "business_hour_id", "agent_ids", "created_at", "updated_at")
    shown = {name: old[name] for name in kept}
    return shown | {"type": "support_agent_group", "automatic_agent_assignment": assignment}


def group_agent(row: Agent) -> JSON:
    """A member of a group."""
    return {"id": row.id, "name": row.name, "email": row.email, "write_access": True}


def skill(account: Account, row: Skill) -> JSON:
    """A skill with who has it."""
    return {
        "id": row.id,
        "name": row.name,
        "rank": list(account.skills).index(row.id) + 1,
        "conditions": [],
        "agents": [{"id": one.id} for one in account.agents.values() if row.id in one.skill_ids],
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.created_at),
    }


def contact(row: Contact) -> JSON:
    """A customer."""
    return {
        "active": False,
        "address": None,
        "company_id": row.company_id,
        "view_all_tickets": False,
        "deleted": False,
        "description": None,
        "email": row.email,
        "id": row.id,
        "job_title": None,
        "language": "en",
        "mobile": None,
        "name": row.name,
        "phone": None,
        "time_zone": "London",
        "twitter_id": None,
        "unique_external_id": None,
        "custom_fields": {},
        "tags": [],
        "other_emails": [],
        "other_companies": [],
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.created_at),
    }


def company(row: Company) -> JSON:
    """A customer's organisation."""
    return {
        "id": row.id,
        "name": row.name,
        "description": None,
        "note": None,
        "domains": [row.domain],
        "health_score": None,
        "account_tier": None,
        "renewal_date": None,
        "industry": None,
        "custom_fields": row.custom_fields,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.created_at),
    }


def ticket_fields(account: Account) -> list[JSON]:
    """Every ticket field with its choices: the only place that tells the statuses of an account."""
    statuses = {str(id_): [label, CUSTOMER_LABELS.get(id_, label)] for id_, label in account.statuses.items()}
    rows = [
        _default("requester", "default_requester", required=True),
        _default("subject", "default_subject", required=True),
        _default("ticket_type", "default_ticket_type", list(TYPES)),
        _default("source", "default_source", {label: id_ for id_, label in SOURCES.items()}),
        _default("status", "default_status", statuses, required=True),
        _default("priority", "default_priority", {label: id_ for id_, label in PRIORITIES.items()}, required=True),
        _default("group", "default_group", {row.name: row.id for row in account.groups.values()}),
        _default("agent", "default_agent", {row.name: row.id for row in account.agents.values()}),
        _default("description", "default_description", required=True),
        *(_custom(field) for field in account.custom_fields.values()),
    ]
    times = {"created_at": stamp(account.opened_at), "updated_at": stamp(account.opened_at)}
    return [{"id": account.field_id(place), "position": place, **row, **times} for place, row in enumerate(rows, 1)]


def _default(name: str, kind: str, choices: object = None, *, required: bool = False) -> JSON:
    return _field(name, name.replace("_", " ").title(), kind, choices, required=required, default=True)


def _custom(field: CustomField) -> JSON:
    choices = list(field.choices) or None
    return _field(field.name, field.label, field.kind, choices, required=field.required_for_agents, default=False)


def _field(name: str, label: str, kind: str, choices: object, *, required: bool, default: bool) -> JSON:
    shown = {
        "name": name,
        "label": label,
        "description": label,
        "type": kind,
        "default": default,
        "required_for_closure": False,
        "required_for_agents": required,
        "required_for_customers": False,
        "customers_can_edit": False,
        "label_for_customers": label,
        "displayed_to_customers": default,
    }
    return shown | ({} if choices is None else {"choices": choices})


def sla_policy(account: Account) -> JSON:
    """The one policy of the account."""
    targets = {
        f"priority_{priority}": {
            "respond_within": first * 3600,
            "resolve_within": last * 3600,
            "business_hours": False,
            "escalation_enabled": False,
        }
        for priority, (first, last) in SLA.items()
    }
    return {
        "id": 1,
        "name": "Default SLA Policy",
        "description": None,
        "position": 1,
        "is_default": True,
        "active": True,
        "applicable_to": {},
        "sla_target": targets,
        "escalation": {},
        "created_at": stamp(account.opened_at),
        "updated_at": stamp(account.opened_at),
    }


def rule(book: Rulebook, row: Rule) -> JSON:
    """An automation rule as it was sent, with what Freshdesk adds."""
    rules = book.of(row.type)
    active = sum(one.body["active"] for one in rules)
    return row.body | {
        "id": row.id,
        "summary": {},
        "outdated": False,
        "last_updated_by": row.last_updated_by,
        "affected_tickets_count": row.affected,
        "meta": {"total_active_count": active, "total_count": len(rules)},
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }
