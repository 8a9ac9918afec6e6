"""Zendesk's rate limits: per plan, per endpoint, per ticket, with the headers of both generations."""

import re
from dataclasses import dataclass

from flask import Response, g, request

from sandbox.common import Allowance, Limiter
from sandbox.zendesk import errors
from sandbox.zendesk.state import CAPACITY

PER_TICKET = 30
PER_TICKET_WINDOW = 600.0
"""30 updates per 10 minutes per user per ticket, the guard against runaway loops."""


@dataclass(frozen=True)
class Limits:
    """Calls a minute: of the whole account, of ticket updates, of incremental exports, of the webhooks API.

    `agent_tickets` is the most an agent takes on at once.
    """

    account: int
    updates: int = 100
    incremental: int = 10
    webhooks: int = 100
    webhook_tests: int = 20
    availability: int = 300
    per_ticket: int = PER_TICKET
    agent_tickets: int = CAPACITY


PLANS = {
    "team": Limits(200),
    "growth": Limits(400),
    "professional": Limits(400),
    "enterprise": Limits(700),
    "enterprise_plus": Limits(2500, updates=300, incremental=30),
    "unlimited": Limits(1_000_000, updates=1_000_000, incremental=10_000, availability=10_000, agent_tickets=10_000),
}
"""By plan; the High-Volume add-on equals Enterprise Plus. `unlimited` is none of Zendesk's: for load and chaos."""

_UPDATE = re.compile(r"/api/v2/tickets/(\d+)(/tags)?$")


def spend(limiter: Limiter, limits: Limits) -> None:
    """Count the current request against every limit that covers it. Raises Refusal (429) where one is spent."""
    g.allowances = {"": limiter.spend("account", limits.account)}
    _refuse_spent(g.allowances[""], "Number of allowed API requests per minute exceeded")
    for header, key, limit, window in _endpoint_limits(limits):
        g.allowances[header] = limiter.spend(key, limit, window=window)
        _refuse_spent(g.allowances[header], f"Number of allowed requests exceeded: {header}")


def stamp(response: Response) -> None:
    """Add what is left of the limits, where the request was counted."""
    for header, left in getattr(g, "allowances", {}).items():
        if header:
            response.headers[header] = f"total={left.limit}; remaining={left.remaining}; resets={left.reset}"
            continue
        response.headers["X-Rate-Limit"] = response.headers["ratelimit-limit"] = str(left.limit)
        response.headers["X-Rate-Limit-Remaining"] = response.headers["ratelimit-remaining"] = str(left.remaining)
        response.headers["ratelimit-reset"] = str(left.reset)


def exceeded(retry_after: int, words: str = "Number of allowed API requests per minute exceeded") -> errors.Refusal:
    """Zendesk's 429."""
    refusal = errors.error(429, "APIRateLimitExceeded", words)
    refusal.retry_after = retry_after
    return refusal


def _refuse_spent(allowance: Allowance, words: str) -> None:
    if allowance.spent:
        raise exceeded(allowance.retry_after, words)


def _endpoint_limits(limits: Limits) -> list[tuple[str, object, int, float]]:
    """(header, key, limit, window) of each endpoint limit that covers the current request."""
    path = request.path
    if path.startswith("/api/v2/incremental/"):
        return [("zendesk-ratelimit-incremental-exports", "incremental", limits.incremental, 60.0)]
    if path == "/api/v2/webhooks/test":
        return [("zendesk-ratelimit-webhooks-test", "webhooks-test", limits.webhook_tests, 60.0)]
    if path.startswith("/api/v2/webhooks"):
        return [("zendesk-ratelimit-webhooks", "webhooks", limits.webhooks, 60.0)]
    if path.startswith("/api/v2/agent_availabilities"):
        return [("zendesk-ratelimit-agent-availabilities", "availability", limits.availability, 60.0)]
    update = _UPDATE.match(path)
    if update and request.method in {"PUT", "POST", "DELETE"}:
        one = ("per-ticket", g.actor.id, update[1])
        return [
            ("zendesk-rate-limit-tickets-update", "updates", limits.updates, 60.0),
            ("zendesk-ratelimit-per-ticket-updates", one, limits.per_ticket, PER_TICKET_WINDOW),
        ]
    return []
