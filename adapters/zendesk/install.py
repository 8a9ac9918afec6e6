"""Zendesk's webhooks put up and taken down: one that subscribes to events, or one that triggers call.

Sources: webhooks reference (both connection methods, which an existing webhook cannot change), triggers reference
(`update_type`); that a trigger names its webhook and body as `notification_webhook` is a third party's [T].
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from adapters.wire import differs
from adapters.zendesk.client import ZendeskClient
from adapters.zendesk.mapping import TICKET_EVENTS, Json, listing, mapping
from adapters.zendesk.options import ZendeskOptions
from bridge.model import EventKind
from bridge.ports import Act, Clock, Found, Gate, Piece, Survey, Tokens

EVENTS: Final = "events"
TRIGGERS: Final = "triggers"

WEBHOOK: Final = "webhook"
TRIGGER: Final = "trigger"

NEW_WEBHOOK: Final = "<id of the new webhook>"
"""Stands for the webhook's id in a trigger that is made together with it."""

BY_TRIGGERS: Final = "conditional_ticket_events"
SUBSCRIPTIONS: Final = [
    *(f"zen:event-type:ticket.{name}" for name, kind in TICKET_EVENTS.items() if kind is not EventKind.TICKET_CHANGED),
    "zen:event-type:ticket.comment_added",
    "zen:event-type:ticket.undeleted",
    *(f"zen:event-type:agent.{name}" for name in ("state_changed", "unified_state_changed")),
]
"""The events that a policy can decide on or that say who is there; polling finds the rest."""

ON: Final = {"ticket.created": ("new tickets", "Create"), "ticket.updated": ("changes", "Change")}
"""The triggers, by the `kind` that their bodies say: what each is called, and the `update_type` it answers to."""

BODY: Final = {
    "v": 1,
    "ticket_id": "{{ticket.id}}",
    "updated_at": "{{ticket.updated_at_with_timestamp}}",
    "actor_id": "{{current_user.id}}",
}
"""What a trigger says beside its kind: ids alone, for free text is not escaped in there."""


class ZendeskInstaller:
    """See `bridge.ports.Installer`. In the way `triggers` a webhook and two triggers are put up, else a webhook."""

    needs = "an administrator; a token with scopes needs webhooks:read, webhooks:write, triggers:read, triggers:write"
    ways: tuple[str, ...] = (EVENTS, TRIGGERS)
    makes_up: tuple[str, ...] = ()

    def __init__(
        self, name: str, options: ZendeskOptions, *, gate: Gate, clock: Clock, tokens: Tokens | None = None
    ) -> None:
        self.name = name
        self._client = ZendeskClient(name, options, gate=gate, clock=clock, tokens=tokens)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def by_hand(self, address: str) -> Sequence[str]:
        """Nothing."""
        del address
        return ()

    def survey(self, addresses: Sequence[str], known: Sequence[Piece]) -> Survey:
        """A trigger is ours by its title where its webhook is, or is gone."""
        ids = {piece.id for piece in known}
        ours, others, foreign = list[Found](), list[Piece](), set[str]()
        for row in self._client.webhooks():
            found = Found(Piece(WEBHOOK, str(row["id"]), str(row.get("name"))), row)
            if found.piece.id in ids or (self._is_marked(found) and row.get("endpoint") in addresses):
                ours.append(found)
            else:
                foreign.add(found.piece.id)
                others += [found.piece] if found.piece.name.startswith(_MARK) else []
        for row in self._client.rules("triggers"):
            found = Found(Piece(TRIGGER, str(row["id"]), str(row.get("title"))), row)
            if found.piece.id in ids or (self._is_marked(found) and not foreign & set(_called(row))):
                ours.append(found)
            elif found.piece.name.startswith(_MARK):
                others.append(found.piece)
        return Survey(tuple(ours), tuple(others))

    def put_up(self, found: Survey, address: str, way: str) -> Sequence[Act]:
        """A webhook of the other way cannot be changed into one of this; it goes last, so that none is missed."""
        webhooks = [each for each in found.ours if each.piece.kind == WEBHOOK]
        fitting = [each for each in webhooks if (_subscribed(each) == {BY_TRIGGERS}) == (way == TRIGGERS)]
        kept = next((each for each in fitting if each.row.get("endpoint") == address), next(iter(fitting), None))
        acts = [*_made_so(kept, Piece(WEBHOOK, "", self._mark), self._webhook(address, way))]
        triggers = [each for each in found.ours if each.piece.kind == TRIGGER]
        if way == TRIGGERS:
            for kind in ON:
                wanted = self._trigger(kind, kept.piece.id if kept else NEW_WEBHOOK)
                same = next((each for each in triggers if each.piece.name == wanted["title"]), None)
                triggers = [each for each in triggers if each is not same]
                acts += _made_so(same, Piece(TRIGGER, "", wanted["title"]), wanted)
        return [*acts, *map(_gone, triggers), *(_gone(each) for each in webhooks if each is not kept)]

    def take_down(self, found: Survey) -> Sequence[Act]:
        """Triggers first: a webhook that one still calls cannot go."""
        return [_gone(each) for each in sorted(found.ours, key=lambda each: each.piece.kind)]

    def carry_out(self, act: Act, made: Sequence[Piece]) -> Piece:
        """One call."""
        webhook = next((piece.id for piece in made if piece.kind == WEBHOOK), "")
        body = json.loads(json.dumps(act.body).replace(NEW_WEBHOOK, webhook))
        answer = self._client.write(act.method, act.path, body)
        shown = mapping(answer.get(act.piece.kind))
        return Piece(act.piece.kind, str(shown.get("id") or act.piece.id), act.piece.name)

    def signing_secret(self, pieces: Sequence[Piece]) -> str | None:
        """The secret that Zendesk made for our webhook."""
        webhook = next((piece for piece in pieces if piece.kind == WEBHOOK), None)
        return self._client.signing_secret(webhook.id) if webhook else None

    @property
    def _mark(self) -> str:
        return f"{_MARK}{self.name}"

    def _is_marked(self, found: Found) -> bool:
        return found.piece.name == self._mark or found.piece.name.startswith(f"{self._mark}, ")

    def _webhook(self, address: str, way: str) -> dict[str, Any]:
        return {
            "name": self._mark,
            "description": "Tells Deskbridge of tickets. `deskbridge uninstall` takes it away.",
            "status": "active",
            "endpoint": address,
            "http_method": "POST",
            "request_format": "json",
            "subscriptions": [BY_TRIGGERS] if way == TRIGGERS else SUBSCRIPTIONS,
        }

    def _trigger(self, kind: str, webhook: str) -> dict[str, Any]:
        called, update_type = ON[kind]
        return {
            "title": f"{self._mark}, {called}",
            "active": True,
            "conditions": {"all": [{"field": "update_type", "operator": "is", "value": update_type}], "any": []},
            "actions": [{"field": "notification_webhook", "value": [webhook, json.dumps({"kind": kind, **BODY})]}],
        }


_MARK: Final = "Deskbridge: "
"""How the names of all that any Deskbridge puts up begin."""

_PATHS: Final = {WEBHOOK: "/api/v2/webhooks", TRIGGER: "/api/v2/triggers"}
_CHANGES: Final = {WEBHOOK: "PATCH", TRIGGER: "PUT"}
_THEIRS: Final = frozenset({"name", "title", "description"})
"""What an admin may say otherwise: it changes nothing that is done."""


def _made_so(found: Found | None, piece: Piece, wanted: Json) -> Iterator[Act]:
    """The call after which a piece is as wanted, if any is needed."""
    path = _PATHS[piece.kind]
    if found is None:
        yield Act("create", piece, "POST", path, {piece.kind: wanted})
    elif differs({name: value for name, value in wanted.items() if name not in _THEIRS}, found.row):
        yield Act("change", found.piece, _CHANGES[piece.kind], f"{path}/{found.piece.id}", {piece.kind: wanted})


def _gone(found: Found) -> Act:
    return Act("delete", found.piece, "DELETE", f"{_PATHS[found.piece.kind]}/{found.piece.id}")


def _subscribed(found: Found) -> set[str]:
    return set(listing(found.row.get("subscriptions")))


def _called(trigger: Mapping[str, Any]) -> Iterator[str]:
    """The ids of the webhooks that a trigger calls."""
    for action in listing(trigger.get("actions")):
        if action.get("field") == "notification_webhook" and listing(action.get("value")):
            yield str(action["value"][0])
