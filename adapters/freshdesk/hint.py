"""Freshdesk's webhooks read leniently: each is only a hint that a ticket may have changed, never the truth about it."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Final

from bridge.model import Delivery, Event, EventKind, RawDelivery, TicketRef

WRAPPER: Final = "freshdesk_webhook"
"""The key under which the simple layout (`content_layout` 1) nests everything; our own body (layout 2) is flat."""

_TICKET_ID: Final = re.compile(r'"ticket_id"\s*:\s*"?\s*#?([0-9]{1,19})\b')
_TRIGGER: Final = re.compile(r'"triggered_event"\s*:\s*"(\{[^"}]*\}+)"')

KINDS: Final[tuple[tuple[str, EventKind], ...]] = (
    # `triggered_event` looks like JSON and is not. The first four were recorded, the last two composed by analogy;
    # what a requester's reply says is unknown, so it is a change like any other and the re-read conversation tells.
    ("{ticket_action:created}", EventKind.TICKET_CREATED),
    ("{status:", EventKind.STATUS_CHANGED),
    ("{priority:", EventKind.PRIORITY_CHANGED),
    ("{note_type:private}", EventKind.NOTE_ADDED),
    ("{responder_id:", EventKind.ASSIGNED),
    ("{group_id:", EventKind.TEAM_CHANGED),
)


def key(raw: RawDelivery) -> str:
    """The dedupe key: body and instant of arrival, so that it never swallows a delivery that says something new.

    Freshdesk sends no event id and no time, and two genuine replies within a minute give the same bytes. A key by
    ticket and minute would drop the second for good, also where the first hint was already worked off. So a
    repetition counts as a hint of its own: those that wait together are worked off by one read, a later one costs a
    read that finds nothing new.
    """
    return hashlib.sha256(raw.received_at.isoformat().encode() + b"\n" + raw.body).hexdigest()


def events(delivery: Delivery) -> list[Event]:
    """The one event that a delivery hints at: `TICKET_CHANGED` where the kind is unknown, `UNKNOWN` without a ticket.

    There is no snapshot: status and priority come as labels that every account may rename or translate.
    """
    ticket_id, trigger = _said(delivery.body)
    if ticket_id is None:
        return [Event(delivery.desk, EventKind.UNKNOWN, trigger)]
    kind = next((kind for start, kind in KINDS if trigger.startswith(start)), EventKind.TICKET_CHANGED)
    return [Event(delivery.desk, kind, trigger, ticket=TicketRef(delivery.desk, ticket_id))]


def _said(body: bytes) -> tuple[str | None, str]:
    """Ticket id and trigger of a body that ought to be JSON, and is not where a text placeholder held a quote."""
    text = body.decode("utf-8", "replace")
    try:
        said = json.loads(text, strict=False, object_pairs_hook=_first_wins)
    except (ValueError, RecursionError):
        return _first(_TICKET_ID, text), _first(_TRIGGER, text) or ""
    said = said.get(WRAPPER, said) if isinstance(said, Mapping) else {}
    if not isinstance(said, Mapping):
        return None, ""
    digits = re.fullmatch(r"#?([0-9]{1,19})", str(said.get("ticket_id", "")).strip())
    return digits[1] if digits else None, str(said.get("triggered_event") or "")


def _first_wins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Our body names the ticket first: an id that a customer smuggled in through a later text does not replace it."""
    return dict(reversed(pairs))


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[1] if found else None
