"""The Freshdesk sandbox: credentials, limits, the control face's acts, and the routes of API v2 put together."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import MethodNotAllowed

from sandbox.common import AgentEdit, CustomerMessage, Delivery, SandboxDesk
from sandbox.common.people import AGENTS, INTEGRATION
from sandbox.freshdesk.account import Account
from sandbox.freshdesk.control import Controls, webhook_rules
from sandbox.freshdesk.fields import CUSTOM_FIELDS, CustomField
from sandbox.freshdesk.hooks import Webhooks
from sandbox.freshdesk.jobs import Jobs
from sandbox.freshdesk.people_api import admin_routes, people_routes, refuse_others
from sandbox.freshdesk.records import Actor
from sandbox.freshdesk.rules import Rulebook
from sandbox.freshdesk.solution_api import solution_routes
from sandbox.freshdesk.talk_api import talk_routes
from sandbox.freshdesk.ticket_api import ticket_routes
from sandbox.freshdesk.tickets import Tickets
from sandbox.freshdesk.wire import Refusal

API_KEY = "sandbox-freshdesk-key"
"""Of the agent Deskbridge, an admin."""

AGENT_KEY = "sandbox-agent-key"
"""Of Ana Alvarez, no admin."""

RETRIES = (300.0, 1800.0, 3600.0)
"""Seconds before the second, third and fourth try of a webhook: about 5, 30 and 60 minutes. [T]"""

_PREFIX = "/api/v2"


@dataclass(frozen=True)
class Plan:
    """Calls a minute: of the whole account, and of the kinds of calls that have a limit of their own.

    `agent_tickets` is the most an agent is assigned at once.
    """

    total: int
    create: int
    update: int
    list_tickets: int
    list_contacts: int
    agent_tickets: int = 10


PLANS = {
    "trial": Plan(50, 50, 50, 50, 50),
    "growth": Plan(200, 80, 80, 20, 20),
    "pro": Plan(400, 160, 160, 100, 100),
    "enterprise": Plan(700, 280, 280, 200, 200),
    "bought-1000": Plan(1000, 400, 400, 300, 300),
    "bought-2000": Plan(2000, 800, 800, 400, 400),
    "unlimited": Plan(1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000, agent_tickets=10_000),
}
"""By name; `unlimited` is none of Freshdesk's: it is for load and chaos."""

_LIMITED = {
    ("POST", "/tickets"): "create",
    ("PUT", "/tickets/<int:id_>"): "update",
    ("GET", "/tickets"): "list_tickets",
    ("GET", "/contacts"): "list_contacts",
}


class FreshdeskSandbox(SandboxDesk):
    """One Freshdesk account, in memory.

    `statuses` renames or adds statuses by number; `auto_assign` maps names of groups to the method by which Freshdesk
    assigns their tickets itself (1, 2, 3 or 12); `assignment_limit` replaces the plan's `agent_tickets`; `retries` are
    the seconds between the tries of a webhook; `summaries` is whether the plan has them.
    """

    vendor: ClassVar[str] = "freshdesk"
    plans = PLANS
    default_plan: ClassVar[str] = "pro"
    webhook_timeout: ClassVar[float] = 15.0  # [I]: the vendor names none

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        plan: str | None = None,
        seed: int = 0,
        account: str = "acme",
        api_key: str = API_KEY,
        agent_key: str = AGENT_KEY,
        statuses: Mapping[int, str] | None = None,
        custom_fields: Iterable[CustomField] = CUSTOM_FIELDS,
        auto_assign: Mapping[str, int] | None = None,
        assignment_limit: int | None = None,
        retries: tuple[float, ...] = RETRIES,
        summaries: bool = True,
    ) -> None:
        super().__init__(clock=clock, plan=plan, seed=seed, account=account)
        self.limits = PLANS[self.plan]
        self.retries = retries
        self.state = Account(
            self.now,
            name=account,
            statuses=statuses or {},
            custom_fields=custom_fields,
            auto_assign=auto_assign or {},
            assignment_limit=assignment_limit or self.limits.agent_tickets,
            summaries=summaries,
        )
        self.rulebook = Rulebook()
        self.tickets = Tickets(self.state, self.history, self.rulebook, Webhooks(self.state, self.sender))
        self.jobs = Jobs(self.state, self.tickets, self.random)
        self._controls = Controls(self.state, self.tickets)
        self._keys = {api_key: INTEGRATION.email, agent_key: AGENTS[0].email}
        self._add_routes()

    def authenticate(self) -> Actor | None:
        """Basic with a key as the user name; the password does not matter ("X" by custom)."""
        given = request.authorization
        if given is None or given.type != "basic":
            return None
        agent = self.state.agent(self._keys.get(given.username or "", ""))
        return self.state.acting(agent, "integration") if agent else None

    def charge(self) -> Response | None:
        """Count against the account's limit and the limit of the kind of call; both are of every key together."""
        kind = _kind()
        g.cost = _cost(kind)
        spent = self.limiter.spend("account", self.limits.total, cost=g.cost)
        if kind in _LIMITED and not spent.spent:
            spent = self.limiter.spend(kind, getattr(self.limits, _LIMITED[kind]))
        return self.too_many(spent.retry_after) if spent.spent else None

    def stamp(self, response: Response) -> None:
        """What is left of the account's minute."""
        left = self.limiter.spend("account", self.limits.total, cost=0)
        response.headers["X-RateLimit-Total"] = str(left.limit)
        response.headers["X-RateLimit-Remaining"] = str(left.remaining)
        response.headers["X-RateLimit-Used-CurrentRequest"] = str(g.get("cost", 1))
        response.headers["X-Freshdesk-Api-Version"] = "latest=v2; requested=v2"

    def unauthorised(self) -> Response:
        """The 401."""
        message = "You have to be logged in to perform this action."
        return Refusal(401, {"code": "invalid_credentials", "message": message}).answer()

    def too_many(self, retry_after: int) -> Response:
        """The 429."""
        response = jsonify(message="You have exceeded the limit of requests per minute")
        response.status_code = 429
        response.headers["Retry-After"] = str(retry_after)
        return response

    def broken(self, status: int) -> Response:
        """A page of the machine before the application, which speaks no JSON."""
        return Response(f"<html><body><h1>{status}</h1></body></html>", status, content_type="text/html")

    def sign(self, delivery: Delivery) -> tuple[dict[str, str], bytes]:
        """No signature; the headers that the rule asks for are the hook's own."""
        return {}, delivery.payload

    def retry_delay(self, delivery: Delivery) -> float | None:
        """The next wait of the schedule, None after the last."""
        tries = len(delivery.attempts)
        return self.retries[tries - 1] if tries <= len(self.retries) else None

    def customer_writes(self, message: CustomerMessage) -> str:
        """Open or continue a ticket as the customer."""
        return self._controls.customer_writes(message)

    def agent_edits(self, edit: AgentEdit) -> None:
        """Work on a ticket as a human agent."""
        self._controls.agent_edits(edit)

    def agent_status(self, agent: str, status: str) -> None:
        """Set an agent's availability."""
        self._controls.agent_status(agent, status)

    def remove_agent(self, agent: str) -> None:
        """Make an agent a contact."""
        self._controls.remove_agent(agent)

    def register_hook(self, url: str, secret: str | None, topics: list[str] | None) -> dict[str, str]:
        """Make the rules an admin would make by hand; `id` names them, separated by commas."""
        secret = secret or f"{self.random.getrandbits(128):032x}"
        acting = self.state.acting(self._controls.agent(INTEGRATION.email), "integration")
        bodies = webhook_rules(url, secret, topics)
        rules = [
            self.rulebook.add(type_, body, acting, self.state.new_id("rule"), self.now())
            for type_, body in bodies.items()
        ]
        return {"id": ",".join(str(rule.id) for rule in rules), "secret": secret}

    def render_tickets(self) -> list[dict[str, Any]]:
        """Every ticket as the control face shows it."""
        return self._controls.render_tickets()

    def render_agents(self) -> list[dict[str, Any]]:
        """Every agent as the control face shows it."""
        return self._controls.render_agents()

    def _add_routes(self) -> None:
        everyone = Blueprint("everyone", __name__, url_prefix=_PREFIX)
        admins = Blueprint("admins", __name__, url_prefix=_PREFIX)
        ticket_routes(everyone, self.state, self.tickets, self.jobs)
        talk_routes(everyone, self.state, self.tickets)
        people_routes(everyone, self.state)
        solution_routes(everyone, self.help_center)
        admin_routes(admins, self.state, self.rulebook)
        admins.before_request(refuse_others)
        self.app.register_blueprint(everyone)
        self.app.register_blueprint(admins)
        self.app.before_request(self._run_jobs)
        self.app.register_error_handler(Refusal, lambda refusal: refusal.answer())
        self.app.register_error_handler(404, lambda _: Response(status=404))
        self.app.register_error_handler(405, _not_allowed)

    def _run_jobs(self) -> None:
        with self.lock:
            self.jobs.run_due()


def _not_allowed(error: Exception) -> Response:
    allowed = error.valid_methods if isinstance(error, MethodNotAllowed) else None
    return Response(status=405, headers={"Allow": ", ".join(sorted(allowed or ()))})


def _kind() -> tuple[str, str]:
    rule = request.url_rule.rule if request.url_rule else ""
    return request.method, rule.removeprefix(_PREFIX)


def _cost(kind: tuple[str, str]) -> int:
    """Credits of the call: one, and for each include one more at a ticket, two more in a list of tickets."""
    includes = len([word for word in request.args.get("include", "").split(",") if word])
    return 1 + includes * (2 if kind == ("GET", "/tickets") else 1)
