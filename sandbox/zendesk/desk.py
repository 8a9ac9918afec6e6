"""A Zendesk account that runs on this machine: the sandbox's frame filled with Zendesk's ways."""

import time
from collections.abc import Callable
from typing import Any

from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox.common import AgentEdit, ControlError, CustomerMessage, Delivery, SandboxDesk
from sandbox.common.people import INTEGRATION
from sandbox.zendesk import api, auth, errors, events, hooks, limits, screens
from sandbox.zendesk.backend import Backend
from sandbox.zendesk.errors import Refusal
from sandbox.zendesk.jobs import JOB_SECONDS, Jobs
from sandbox.zendesk.state import Account, Ticket, User

CLIENT_ID = "deskbridge"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - of a desk that exists in memory only
API_TOKEN = "sandbox-api-token"  # noqa: S105 - as above
API_USER = f"{INTEGRATION.email}/token"
REFRESH_TOKEN = "sandbox-refresh-token"  # noqa: S105 - as above

_TICKET_EVENTS = ("created", "comment_added", "tags_changed", "custom_field_changed", *events.CHANGED.values())
ALL_TOPICS = [
    *(events.TICKET + name for name in (*_TICKET_EVENTS, "custom_status_changed", "merged", "soft_deleted")),
    *(events.AGENT + name for name in ("state_changed", "unified_state_changed")),
]
"""What a webhook registered through the control face hears unless it says otherwise."""


class ZendeskSandbox(SandboxDesk):
    """One Zendesk account in memory, with the default people of `sandbox.common.people`."""

    vendor = "zendesk"
    plans = limits.PLANS
    default_plan = "enterprise_plus"
    webhook_timeout = 12.0

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        plan: str | None = None,
        seed: int = 0,
        account: str = "acme",
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        api_token: str = API_TOKEN,
        refresh_token: str = REFRESH_TOKEN,
        export_delay: float = 60.0,
        job_seconds: float = JOB_SECONDS,
        own_limits: limits.Limits | None = None,
        own_routing: str | None = None,
    ) -> None:
        """`export_delay`: the seconds that the incremental export lags behind; `job_seconds`: how long a job works;
        `own_limits` replace the plan's; `own_routing` is `Account.routing`.
        """
        super().__init__(clock=clock, plan=plan, seed=seed, account=account)
        self.limits = own_limits or limits.PLANS[self.plan]
        self.state = Account(self.random, self.now(), self.limits.agent_tickets)
        self.state.routing = own_routing
        self.jobs = Jobs(self.now, self.faults, self.random, job_seconds)
        self.backend = Backend(
            self.state,
            self.now,
            self.history,
            self.sender,
            jobs=self.jobs,
            help_center=self.help_center,
            export_delay=export_delay,
        )
        self.credentials = auth.Credentials(self.state, self.now, client_id, client_secret, api_token, refresh_token)
        self.app.register_error_handler(Refusal, lambda refusal: refusal.render())
        self.app.register_error_handler(HTTPException, _no_such_endpoint)
        self.app.wsgi_app = _without_ending(self.app.wsgi_app)  # type: ignore[method-assign]  # Flask's own advice
        self.app.before_request(self._catch_up)
        auth.routes(self.app, self.credentials)
        api.routes(self.app, self.backend)

    def _catch_up(self) -> None:
        """Background jobs went on meanwhile."""
        with self.lock:
            self.jobs.work()

    # The frame --------------------------------------------------------------------------------------------------------

    def authenticate(self) -> User | str | None:
        """The calling user; the endpoints of OAuth have their own credentials."""
        return "oauth client" if request.path.startswith("/oauth/") else self.credentials.user_of(request)

    def charge(self) -> Response | None:
        """Zendesk's limits cover the API, not the token endpoint; customers have no business at the agents' API."""
        if not isinstance(g.actor, User):
            return None
        if not g.actor.is_staff:
            return errors.forbidden().render()
        try:
            auth.require_scope()
            limits.spend(self.limiter, self.limits)
        except Refusal as refusal:
            return refusal.render()
        return None

    def stamp(self, response: Response) -> None:
        """Both generations of rate headers, and the id of the request."""
        limits.stamp(response)
        response.headers["X-Request-Id"] = f"{self.random.getrandbits(64):016x}"

    def unauthorised(self) -> Response:
        """A bearer token that does not hold says so in its own words."""
        if request.headers.get("Authorization", "").startswith("Bearer"):
            words = "The access token provided is expired, revoked, malformed or invalid for other reasons."
            answer = Refusal(401, {"error": "invalid_token", "error_description": words}).render()
            answer.headers["WWW-Authenticate"] = 'Bearer realm="Zendesk", error="invalid_token"'
            return answer
        return Refusal(401, {"error": "Couldn't authenticate you"}).render()

    def too_many(self, retry_after: int) -> Response:
        """The account's limit."""
        return limits.exceeded(retry_after).render()

    def broken(self, status: int) -> Response:
        """Zendesk's own trouble."""
        words = "Internal Server Error" if status == 500 else "Service Unavailable"
        return errors.error(status, words.replace(" ", ""), words).render()

    def sign(self, delivery: Delivery) -> tuple[dict[str, str], bytes]:
        """See hooks.sign."""
        return hooks.sign(delivery, self.now())

    def retry_delay(self, delivery: Delivery) -> float | None:
        """See hooks.retry_delay."""
        return hooks.retry_delay(delivery)

    # The control face -------------------------------------------------------------------------------------------------

    def customer_writes(self, message: CustomerMessage) -> str:
        """A closed ticket cannot be continued: the answer opens a follow-up.

        `headers` have no effect: Zendesk keeps the headers of a mail to itself.
        """
        customer = self.state.customer(message.email, message.name, self.now())
        ticket = self._ticket(message.ticket) if message.ticket else None
        if ticket and ticket["status"] != "closed":
            given: dict[str, Any] = {"comment": {"body": message.body, "author_id": customer.id}}
            given |= {"tags": [*ticket["tags"], *message.tags]}
            given |= {} if ticket["status"] in {"new", "open"} else {"status": "open"}
            self.backend.engine.update(ticket, given, customer, message.channel)
            return str(ticket.id)
        given = {"subject": message.subject, "comment": {"body": message.body}, "tags": message.tags}
        given |= {"via_followup_source_id": ticket.id, "subject": f"Re: {ticket['subject']}"} if ticket else {}
        return str(self.backend.engine.create(given, customer, message.channel).ticket.id)

    def agent_edits(self, edit: AgentEdit) -> None:
        """Fields and reply are saved as one action, a note besides a reply as a second one."""
        ticket, agent = self._ticket(edit.ticket), screens.agent(self.state, edit.agent)
        given = screens.edit(self.state, ticket, agent, edit.changes)
        said = [(edit.reply, True), (edit.note, False)]
        comments = [{"body": text, "public": public} for text, public in said if text]
        first = given | ({"comment": comments[0]} if comments else {})
        try:
            self.backend.engine.update(ticket, first, agent, "web")
            for comment in comments[1:]:
                self.backend.engine.update(ticket, {"comment": comment}, agent, "web")
        except Refusal as refusal:
            raise ControlError(f"Zendesk refuses this edit: {refusal.body}") from refusal

    def agent_status(self, agent: str, status: str) -> None:
        """Sets the unified status."""
        self.backend.set_status(screens.agent(self.state, agent), status)

    def remove_agent(self, agent: str) -> None:
        """Downgrades them to a customer, as Zendesk does."""
        self.state.downgrade(screens.agent(self.state, agent))

    def register_hook(self, url: str, secret: str | None, topics: list[str] | None) -> dict[str, str]:
        """An event subscription, or a webhook for triggers where topics is ["conditional_ticket_events"]."""
        given = {"name": "sandbox", "endpoint": url, "http_method": "POST", "request_format": "json"}
        wanted = given | {"subscriptions": topics or ALL_TOPICS}
        made = self.backend.registry.add(wanted, self.now(), secret)
        return {"id": made.hook.id, "secret": made.hook.secret}

    def render_tickets(self) -> list[dict[str, Any]]:
        """Deleted tickets stay in the list, with status "deleted"."""
        return [screens.ticket(self.state, ticket) for ticket in self.state.tickets.values()]

    def render_agents(self) -> list[dict[str, Any]]:
        """Agents and admins."""
        return [
            {"id": str(each.id), "email": each.email, "status": each.status, "load": len(self.state.work_items(each))}
            for each in self.state.staff()
        ]

    def _ticket(self, number: str) -> Ticket:
        found = self.state.tickets.get(int(number)) if number.isdigit() else None
        if found is None:
            raise ControlError(f"there is no ticket {number}; GET /_sandbox/state lists them", 404)
        return found


def _no_such_endpoint(problem: HTTPException) -> Response:
    if problem.code == 404:
        return errors.error(404, "InvalidEndpoint", "Not found").render()
    return errors.error(problem.code or 500, problem.name.replace(" ", ""), problem.description or "").render()


def _without_ending(app: Any) -> Any:
    """Every path also answers with .json at its end."""

    def shortened(environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].removesuffix(".json")
        return app(environ, start_response)

    return shortened
