"""Intercom's webhooks: envelope, topics, signature, the one retry, and what the endpoint's answers mean."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Sequence

import httpx

from sandbox.common import ControlError, Delivery, Hook, Sender
from sandbox.intercom.account import APP_ID, Workspace
from sandbox.intercom.inbox import ref
from sandbox.intercom.model import Admin, Conversation, Item, Part, Ticket
from sandbox.intercom.render import Json, Renderer
from sandbox.intercom.versions import Version

AGENT = "intercom-parrot-service-client/1.0"
TIMEOUT = 5.0
"""Seconds that an endpoint has to answer."""

THROTTLED_AT_MOST = 7200.0
"""Seconds after which a delivery that a 429 held up is lost."""

TOPICS = frozenset(
    [f"conversation.user.{word}" for word in ("created", "replied")]
    + [f"conversation.admin.{word}" for word in ("replied", "noted", "assigned", "open.assigned", "opened")]
    + [f"conversation.admin.{word}" for word in ("closed", "snoozed", "unsnoozed")]
    + ["conversation.priority.updated", "conversation.deleted", "conversation_part.tag.created"]
    + [f"ticket.{word}" for word in ("created", "state.updated", "closed", "resolved", "admin.assigned")]
    + [f"ticket.{word}" for word in ("team.assigned", "admin.replied", "contact.replied", "note.created")]
    + ["ticket.attribute.updated", "admin.away_mode_updated"]
)
"""What this desk sends; `ping` comes unasked."""

_TICKET_ITSELF = {"ticket.created", "ticket.state.updated", "ticket.resolved"}
"""Topics whose item is the ticket; the others nest it beside the part."""


class Hooks:
    """The subscriptions of the app in the Developer Hub, and every notification on its way to them."""

    def __init__(
        self,
        space: Workspace,
        sender: Sender,
        clock: Callable[[], float],
        *,
        version: Version,
        secret: str,
        retry_after: float,
    ) -> None:
        self.space, self.sender, self.clock = space, sender, clock
        self.secret, self.retry_after = secret, retry_after
        self.hooks: list[Hook] = []
        self.throttled: dict[str, float] = {}
        self._renderer = Renderer(space, version, as_text=version.plain_webhooks)

    def register(self, url: str, secret: str | None, topics: Sequence[str] | None) -> Hook:
        """What saving the form in the Developer Hub does: HEAD the URL, keep it, send a ping. Raises ControlError."""
        if unknown := set(topics or ()) - TOPICS:
            raise ControlError(f"unknown topics: {', '.join(sorted(unknown))}; known are {', '.join(sorted(TOPICS))}")
        _check(url)
        hook = Hook(str(uuid.UUID(int=self.space.chance.getrandbits(128))), url, secret or self.secret)
        hook.topics = tuple(topics or sorted(TOPICS))
        self.hooks.append(hook)
        self._send(hook, "ping", None, {"type": "ping", "message": "something something interzen"})
        return hook

    def tell(self, topic: str, item: Item, parts: Sequence[Part]) -> None:
        """Send a topic about a conversation or a ticket to every hook that asked for it."""
        self._tell(topic, ref(item), self._shape(topic, item, parts))

    def tell_away(self, admin: Admin) -> None:
        """Send `admin.away_mode_updated`, in which the admin's id is a number."""
        reason = self.space.away_reasons.get(admin.away_reason_id or "")
        label = {"away_status_reason": reason.label if reason else None}
        self._tell("admin.away_mode_updated", None, self._renderer.admin(admin) | {"id": int(admin.id)} | label)

    def sign(self, delivery: Delivery) -> tuple[dict[str, str], bytes]:
        """Headers and body of the next attempt; the body counts the attempts, so each has its own signature."""
        first = delivery.attempts[0].at if delivery.attempts else self.clock()
        said = json.loads(delivery.payload)
        said |= {"delivery_attempts": len(delivery.attempts) + 1, "first_sent_at": int(first)}
        body = json.dumps(said).encode()
        signature = hmac.new(delivery.hook.secret.encode(), body, hashlib.sha1).hexdigest()
        headers = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": AGENT}
        return headers | {"X-Hub-Signature": f"sha1={signature}"}, body

    def retry_delay(self, delivery: Delivery) -> float | None:
        """One retry. 410 ends the subscription; 429 holds everything up, for 1 minute or as long as it says."""
        last = delivery.attempts[-1]
        if last.status == 410:
            self.hooks = [hook for hook in self.hooks if hook.id != delivery.hook.id]
            return None
        if last.status == 429:
            pause = min(max(last.retry_after or 0.0, self.retry_after), THROTTLED_AT_MOST)
            self.throttled[delivery.hook.id] = self.clock() + pause
            return pause if self.clock() + pause - delivery.created_at <= THROTTLED_AT_MOST else None
        failures = sum(attempt.status != 429 for attempt in delivery.attempts)
        return self.retry_after if failures < 2 else None

    def _tell(self, topic: str, about: str | None, item: Json) -> None:
        for hook in self.hooks:
            if topic in hook.topics:
                self._send(hook, topic, about, item)

    def _send(self, hook: Hook, topic: str, about: str | None, item: Json) -> None:
        number = None if topic == "ping" else f"notif_{uuid.UUID(int=self.space.chance.getrandbits(128), version=4)}"
        payload = json.dumps(self._envelope(topic, number, item)).encode()
        delivery = Delivery(number or topic, topic, about, hook, payload, self.clock())
        self.sender.send(delivery, after=max(0.0, self.throttled.get(hook.id, 0.0) - self.clock()))

    def _envelope(self, topic: str, number: str | None, item: Json) -> Json:
        return {
            "type": "notification_event",
            "app_id": APP_ID,
            "id": number,
            "topic": topic,
            "created_at": int(self.clock()),
            "delivery_status": "pending",
            "delivered_at": 0,
            "self": None,
            "links": {},
            "data": {"type": "notification_event_data", "item": item},
        }

    def _shape(self, topic: str, item: Item, parts: Sequence[Part]) -> Json:
        if topic.endswith(".deleted"):
            return {"type": item.kind, "id": item.id}
        if isinstance(item, Conversation):
            return self._conversation(topic, item, parts)
        assert isinstance(item, Ticket)
        return self._ticket(topic, item, parts)

    def _conversation(self, topic: str, item: Conversation, parts: Sequence[Part]) -> Json:
        shape = self._renderer.conversation(item, parts)
        shape |= {key: shape[key] or None for key in ("admin_assignee_id", "team_assignee_id")}
        if topic == "conversation_part.tag.created":
            shape["tags_added"] = {"type": "tag.list", "tags": shape["tags"]["tags"][-1:]}
        return shape

    def _ticket(self, topic: str, item: Ticket, parts: Sequence[Part]) -> Json:
        shape = self._renderer.ticket(item, parts)
        shape |= {key: str(shape[key]) for key in ("admin_assignee_id", "team_assignee_id")}
        if topic in _TICKET_ITSELF:
            return shape
        return {"type": "ticket_ticket_part", "ticket": shape, "ticket_part": self._renderer.ticket_part(parts[-1])}


def _check(url: str) -> None:
    try:
        answer = httpx.head(url, timeout=TIMEOUT, headers={"User-Agent": AGENT}, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ControlError(
            f"HEAD {url} failed ({type(error).__name__}): let it answer before registering it"
        ) from error
    if not answer.is_success:
        raise ControlError(f"HEAD {url} was answered {answer.status_code}: let it answer 2xx before registering it")
