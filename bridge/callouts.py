"""Which webhooks a decision calls, and what it tells them. Pure.

A rule calls a webhook once for each thing that the requester says (the ticket itself, then every reply), however often
it is decided on because a write came too late or nobody had room.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from ulid import ULID

from bridge.loops import STOPPED
from bridge.memory import Memory, has_news
from bridge.model import Decision, Hook, Mode, Ticket
from bridge.store.callouts import PATIENCE, Callout


def called_already(memory: Memory, ticket: Ticket) -> frozenset[str]:
    """The calls, by `key`, that were made for what the requester said last."""
    return memory.called if memory.decided and not has_news(memory, ticket) else frozenset()


def key(hook: Hook) -> str:
    """A call as a ticket's memory keeps it."""
    return f"{hook.webhook} for {hook.rule}"


def due(decision: Decision, memory: Memory, ticket: Ticket) -> list[Hook]:
    """The calls that a decision makes beyond those made already; none where its mode is not live."""
    before = called_already(memory, ticket)
    return [hook for hook in decision.effect.hooks if decision.mode is Mode.LIVE and key(hook) not in before]


CALLS_MAX: Final = 30
"""So many decisions on one ticket are told within the time of the loops' cap: nobody types as many messages."""


def stopped(told: int, within: timedelta) -> str | None:
    """Why no more is told of a ticket of which so much was told in that time; None where it may be."""
    if told < CALLS_MAX:
        return None
    minutes = f"{within.total_seconds() / 60:g}"
    return (
        f"{STOPPED}webhooks were told of {told} decisions on this ticket in {minutes} minutes. Find the receiver or "
        "the auto-reply that writes to the ticket as its requester and have it stop, then retry this event."
    )


def messages(decision: Decision, hooks: Sequence[Hook], now: datetime) -> list[Callout]:
    """One message for each webhook, whichever rules call it."""
    by_webhook = groupby(sorted(hooks, key=lambda hook: hook.webhook), key=lambda hook: hook.webhook)
    return [_message(decision, webhook, list(asked), now) for webhook, asked in by_webhook]


def _message(decision: Decision, webhook: str, hooks: Sequence[Hook], now: datetime) -> Callout:
    said = {
        "type": "ticket.matched",
        "timestamp": decision.at.isoformat(),
        "data": {
            "webhook": webhook,
            "rules": [hook.rule for hook in hooks],
            "decision": decision.id,
            "policy_version": decision.policy_version,
            "desk": decision.ref.desk,
            "ticket": decision.ref.id,
            "url": decision.ticket.url if decision.ticket else None,
            "event": decision.event,
            "tier": decision.effect.tier,
            "fields": dict(hooks[0].fields),
        },
    }
    body = json.dumps(said, ensure_ascii=False).encode("utf-8", "replace").decode()
    message_id = f"w{ULID.from_datetime(now)}"
    return Callout(message_id, webhook, decision.ref, decision.id, body, attempts=0, give_up_at=now + PATIENCE)
