"""Meeting a Freshdesk account: whose key it is, and what that agent's role lets us see."""

from collections.abc import Iterator
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from adapters.freshdesk.client import FreshdeskClient
from adapters.freshdesk.mapping import Row
from adapters.freshdesk.rules import CREATION
from adapters.freshdesk.solutions import CATEGORIES, ROUTES
from adapters.wire import permission
from bridge.errors import NotThere
from bridge.ports import Introduction, Permission

GLOBAL: Final = 1
"""`ticket_scope` of an agent who sees every ticket; 2 sees their groups', 3 their own (API reference, "Agents")."""

NO_ADMIN: Final = (
    "the key's agent is no administrator. Such a key cannot list agents, groups and their load, so that nobody but "
    "this agent can be assigned, and it cannot put up automation rules: take the key of an administrator"
)
NOT_ALL: Final = "the key's agent does not see every ticket; give the agent global access, or tickets are missed"


def introduce(client: FreshdeskClient, url: str) -> Introduction:
    """Ask whose key it is and try every kind of read that we make. Raises DeskError."""
    me = client.get("/agents/me")
    told = tuple(_reads(client))
    contact: Row = me.get("contact") or {}
    remarks = [NO_ADMIN] if next(each for each in told if each.name == AGENTS).refused else []
    remarks += [NOT_ALL] if me.get("ticket_scope") not in {GLOBAL, None} else []
    user = f"{contact.get('name') or 'an agent'} <{contact.get('email') or me.get('email')}>"
    return Introduction(urlsplit(url).netloc, user, told, tuple(remarks))


AGENTS: Final = "List All Agents (administrator)"


def _reads(client: FreshdeskClient) -> Iterator[Permission]:
    """Each list that we read, called as the API reference heads it."""
    one = {"per_page": 1}
    tickets, agents = partial(client.page, "/tickets", **one), partial(client.page, "/agents", **one)
    available = partial(client.page, "/agents", only="availability", **one)
    rules = partial(client.page, "/automations/{id}/rules", CREATION)
    yield permission("List All Tickets", "read tickets and find what no webhook told", tickets, needed=True)
    yield permission(AGENTS, "know the agents", agents)
    yield permission("agents' availability (administrator)", "see who is online, with how much work", available)
    yield permission("List All Groups (administrator)", "know the teams", partial(_groups, client))
    yield permission(
        "List All Ticket Fields", "know the account's own statuses", partial(client.page, "/ticket_fields")
    )
    yield permission("List All Companies", "know the customers' companies", partial(client.page, "/companies", **one))
    yield permission(
        "List All Solution Categories",
        "suggest articles of the knowledge base",
        partial(client.page, ROUTES[CATEGORIES], **one),
    )
    yield permission("automation rules (administrator)", "put up webhooks and import rules as a policy", rules)


def _groups(client: FreshdeskClient) -> None:
    """By the newer address, else by the older one, as `FreshdeskDesk.roster` reads them."""
    try:
        client.page("/admin/groups", per_page=1)
    except NotThere:
        client.page("/groups", per_page=1)
