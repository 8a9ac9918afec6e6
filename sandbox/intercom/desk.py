"""The Intercom sandbox: credentials, versions, limits, the control face's acts, and all routes put together."""

import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox.common import AgentEdit, Allowance, CustomerMessage, Delivery, SandboxDesk
from sandbox.intercom.account import default_workspace
from sandbox.intercom.article_api import article_routes
from sandbox.intercom.control import Controls
from sandbox.intercom.conversation_api import conversation_routes
from sandbox.intercom.conversations import Conversations
from sandbox.intercom.directory_api import admin_routes, attribute_routes, contact_routes, tag_routes
from sandbox.intercom.errors import ApiError
from sandbox.intercom.hooks import TIMEOUT, Hooks
from sandbox.intercom.model import Admin
from sandbox.intercom.state import render_agents, render_tickets
from sandbox.intercom.ticket_api import ticket_routes
from sandbox.intercom.tickets import Tickets
from sandbox.intercom.versions import Version
from sandbox.intercom.wire import Wire, error_list

ACCESS_TOKEN = "sandbox-intercom-token"  # noqa: S105 - of a local sandbox, written in its docs
CLIENT_SECRET = "sandbox-intercom-secret"  # noqa: S105 - of a local sandbox, written in its docs
VERSION = "2.16"
RETRY_AFTER = 60.0
"""Seconds until the one retry of a webhook."""

PLANS = {"private": 10_000, "small": 1_000, "smallest": 500, "unlimited": 6_000_000}
"""Calls a minute of an app; they are handed out in slices. `unlimited` is for load and chaos, Intercom has none."""

SLICE = 10.0
"""Seconds of a slice."""

_STATUS_CODES = {404: "not_found", 405: "method_not_allowed"}


@dataclass(frozen=True)
class Caller:
    """Who calls the API: whoever holds the access token acts as this admin."""

    admin: Admin

    def __str__(self) -> str:
        return self.admin.email


class IntercomSandbox(SandboxDesk):
    """One Intercom workspace in memory, with one private app.

    `version` is the API version that the app is set to: of webhooks, and of calls without `Intercom-Version`.
    `retry_after` is how many seconds pass before the one retry of a webhook; a demo may shorten it. `denied` are the
    first words of the paths (`tags`, `tickets`) that the app has no permission for.
    """

    vendor: ClassVar[str] = "intercom"
    plans = PLANS
    default_plan: ClassVar[str] = "private"
    webhook_timeout: ClassVar[float] = TIMEOUT

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        plan: str | None = None,
        seed: int = 0,
        account: str = "acme",
        access_token: str = ACCESS_TOKEN,
        client_secret: str = CLIENT_SECRET,
        version: str = VERSION,
        retry_after: float = RETRY_AFTER,
        denied: Collection[str] = (),
    ) -> None:
        super().__init__(clock=clock, plan=plan, seed=seed, account=account)
        self.access_token = access_token
        self.denied = frozenset(denied)
        self.slice = int(PLANS[self.plan] * SLICE / 60)
        self.space = space = default_workspace(clock(), seed)
        self.version, of_app = version, Version.parse(version)
        self.hooks = Hooks(space, self.sender, clock, version=of_app, secret=client_secret, retry_after=retry_after)
        self.conversations = Conversations(space, self.history, clock, self.hooks.tell)
        self.tickets = Tickets(space, self.history, clock, self.hooks.tell, of_app)
        self.controls = Controls(space, self.conversations, self.tickets)
        self._add_routes(Wire(space, version))

    def _add_routes(self, wire: Wire) -> None:
        for face in (
            admin_routes(self.space, wire, self.hooks),
            tag_routes(self.space, wire),
            contact_routes(self.space, wire, self.now),
            attribute_routes(self.space, wire, self.now),
            conversation_routes(self.space, wire, self.conversations),
            ticket_routes(self.space, wire, self.tickets),
            article_routes(self.space, self.help_center),
        ):
            face.before_request(wire.check_version)
            self.app.register_blueprint(face)
        self.app.before_request(self._wake)
        self.app.register_error_handler(ApiError, self._refuse)
        self.app.register_error_handler(HTTPException, self._refuse_path)

    def _wake(self) -> None:
        with self.lock:
            self.conversations.wake()
            self.tickets.wake()

    # What the base asks for -------------------------------------------------------------------------------------------

    def authenticate(self) -> Caller | None:
        """The admin behind the bearer token."""
        right = request.headers.get("Authorization") == f"Bearer {self.access_token}"
        return Caller(self.space.integration) if right else None

    def charge(self) -> Response | None:
        """One call of this slice, of a kind that the app may make; the words of that 403 are assumed."""
        g.allowance = self._spend(1)
        if g.allowance.spent:
            return self.too_many(g.allowance.retry_after)
        if request.path.split("/")[1] in self.denied:
            return self._error(403, "forbidden", "The app does not have the permission for this")
        return None

    def stamp(self, response: Response) -> None:
        """`X-RateLimit-*`; the limit is that of a slice, the reset in unix seconds."""
        allowance = g.get("allowance") or self._spend(0)
        response.headers.setdefault("X-RateLimit-Limit", str(allowance.limit))
        response.headers.setdefault("X-RateLimit-Remaining", str(allowance.remaining))
        response.headers.setdefault("X-RateLimit-Reset", str(int(self.now()) + allowance.reset))
        response.headers.setdefault("Intercom-Version", request.headers.get("Intercom-Version", self.version))

    def unauthorised(self) -> Response:
        """401 `unauthorized`."""
        return self._error(401, "unauthorized", "Access Token Invalid")

    def too_many(self, retry_after: int) -> Response:
        """429 `rate_limit_exceeded`; Intercom documents no Retry-After, only when the slice ends."""
        words = f"Exceeded rate limit of {self.slice} in {int(SLICE)}_seconds"
        answer = self._error(429, "rate_limit_exceeded", words)
        answer.headers["X-RateLimit-Remaining"] = "0"
        answer.headers["X-RateLimit-Reset"] = str(int(self.now()) + retry_after)
        return answer

    def broken(self, status: int) -> Response:
        """500 `server_error` or 503 `service_unavailable`."""
        return self._error(status, "server_error" if status == 500 else "service_unavailable", "Something went wrong")

    def sign(self, delivery: Delivery) -> tuple[dict[str, str], bytes]:
        """See `Hooks`."""
        return self.hooks.sign(delivery)

    def retry_delay(self, delivery: Delivery) -> float | None:
        """See `Hooks`."""
        return self.hooks.retry_delay(delivery)

    def customer_writes(self, message: CustomerMessage) -> str:
        """See `Controls`."""
        return self.controls.customer_writes(message)

    def agent_edits(self, edit: AgentEdit) -> None:
        """See `Controls`."""
        self.controls.agent_edits(edit)

    def agent_status(self, agent: str, status: str) -> None:
        """Away mode: "offline" is away too, with new conversations given to others."""
        admin = self.controls.edits.admin(agent)
        admin.away, admin.reassign = status != "online", status == "offline"
        admin.away_reason_id = None
        self.hooks.tell_away(admin)

    def remove_agent(self, agent: str) -> None:
        """Take a teammate out of the workspace and its teams."""
        admin = self.controls.edits.admin(agent)
        del self.space.admins[admin.id]
        for team in self.space.teams.values():
            team.admin_ids = [member for member in team.admin_ids if member != admin.id]

    def register_hook(self, url: str, secret: str | None, topics: list[str] | None) -> dict[str, str]:
        """What the Developer Hub does; without a secret the app's client secret signs."""
        hook = self.hooks.register(url, secret, topics)
        return {"id": hook.id, "secret": hook.secret}

    def render_tickets(self) -> list[dict[str, Any]]:
        """See `state`."""
        return render_tickets(self.space)

    def render_agents(self) -> list[dict[str, Any]]:
        """See `state`."""
        return render_agents(self.space)

    # Errors -----------------------------------------------------------------------------------------------------------

    def _spend(self, cost: int) -> Allowance:
        return self.limiter.spend("app", self.slice, window=SLICE, cost=cost)

    def _error(self, status: int, code: str, message: str) -> Response:
        return error_list(ApiError(status, code, message), self._request_id())

    def _request_id(self) -> uuid.UUID:
        return uuid.UUID(int=self.random.getrandbits(128), version=4)

    def _refuse(self, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        return error_list(error, self._request_id())

    def _refuse_path(self, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = error.code or 500
        return self._error(status, _STATUS_CODES.get(status, "client_error"), "The requested resource was not found")
