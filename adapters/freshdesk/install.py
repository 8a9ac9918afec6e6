"""Freshdesk's webhooks put up and taken down: two automation rules, one for new tickets and one for updates.

Source: API reference, "Automation rules". It shows no rule with a webhook; that shape, and which keys one cannot do
without, are Terraform's provider's [T]: where the account has such a rule made by hand, its shape is copied.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import SecretStr

from adapters.freshdesk.client import FreshdeskClient
from adapters.freshdesk.desk import HEADER
from adapters.freshdesk.mapping import PRIORITIES, Row
from adapters.freshdesk.options import FreshdeskOptions
from adapters.freshdesk.rules import CREATION, UPDATE
from adapters.wire import differs
from bridge.ports import Act, Clock, Found, Gate, Piece, Survey

RULE: Final = "rule"
RULES: Final = "rules"

NAMES: Final = {CREATION: "new tickets", UPDATE: "updates"}
"""The rules by their types, as the API numbers them, and what each is called."""

CHANGES: Final = ("status", "priority", "ticket_type", "group_id", "responder_id")
WORDS: Final = ("reply_sent", "note_type")
"""The events that the rule for updates answers to: fields that go from one value to another, and words said [I]."""

ANY: Final = "--"
ANYBODY: Final = 3
"""The `performer` agent or requester: our own writes too, which are known when they come back."""

CONTENT: Final = {"v": 1, "ticket_id": "{{ticket.id}}", "triggered_event": "{{triggered_event}}"}
"""What our rules send: no text, for quotes in it are not escaped."""

CREDENTIALS: Final = frozenset({"auth_header", "api_key", "custom_headers"})
"""Keys of somebody else's webhook that are not copied."""


class FreshdeskInstaller:
    """See `bridge.ports.Installer`."""

    needs = "the API key of an administrator, and a plan with automation rules"
    ways: tuple[str, ...] = (RULES,)
    makes_up: tuple[str, ...] = ("webhook_secrets", "path_secrets")

    def __init__(self, name: str, options: FreshdeskOptions, *, gate: Gate, clock: Clock) -> None:
        del clock
        self.name = name
        self._header_secret = _newest(options.webhook_secrets)
        self._path_secret = _newest(options.path_secrets)
        self._client = FreshdeskClient(name, options, gate, None)

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def by_hand(self, address: str) -> Sequence[str]:
        """Nothing."""
        del address
        return ()

    def survey(self, addresses: Sequence[str], known: Sequence[Piece]) -> Survey:
        """The rules for new tickets and for updates; the secret at the end of their address may have been another."""
        rows = {type_: list(self._client.all("/automations/{id}/rules", type_)) for type_ in NAMES}
        ours, others, patterns = list[Found](), list[Piece](), list[Row]()
        ids, begins = {piece.id for piece in known}, tuple(f"{each}/" for each in addresses)
        for type_, row in [(each, row) for each, listed in rows.items() for row in listed]:
            found, calls = Found(Piece(RULE, f"{type_}/{row['id']}", str(row.get("name"))), row), list(_webhooks(row))
            sends = any(str(each.get("url")).startswith(begins) for each in calls)
            if found.piece.id in ids or (found.piece.name.startswith(f"{self._mark}, ") and sends):
                ours.append(found)
            elif found.piece.name.startswith(_MARK):
                others.append(found.piece)
            else:
                patterns += calls
        ranks = {type_: len(rows[type_]) for type_ in rows}
        return Survey(tuple(ours), tuple(others), next(iter(patterns), None), ranks)

    def put_up(self, found: Survey, address: str, way: str) -> Sequence[Act]:
        """One call for each rule that is not as it should be."""
        del way
        acts, spare = list[Act](), list(found.ours)
        for type_, called in NAMES.items():
            same = next((each for each in spare if _type_of(each.piece) == type_), None)
            spare = [each for each in spare if each is not same]
            piece = same.piece if same else Piece(RULE, "", f"{self._mark}, {called}")
            wanted = self._rule(type_, called, f"{address}/{self._path_secret}", found.pattern)
            acts += self._made_so(same, piece, type_, wanted, found.ranks.get(type_, 0))
        return [*acts, *map(_gone, spare)]

    def take_down(self, found: Survey) -> Sequence[Act]:
        """One call for each rule."""
        return [_gone(each) for each in found.ours]

    def carry_out(self, act: Act, made: Sequence[Piece]) -> Piece:
        """One call."""
        del made
        type_, _, number = (act.piece.id or act.path.split("/")[-2]).partition("/")
        if act.verb == "delete":
            self._client.delete(f"/automations/{type_}/rules/{{id}}", number)
            return act.piece
        route = f"/automations/{type_}/rules" + ("/{id}" if number else "")
        row = self._client.write(act.method, route, number, body=act.body or {})
        return Piece(RULE, f"{type_}/{row.get('id', number)}", act.piece.name)

    def signing_secret(self, pieces: Sequence[Piece]) -> str | None:
        """Freshdesk signs nothing; the secrets are those of our settings."""
        del pieces
        return None

    @property
    def _mark(self) -> str:
        return f"{_MARK}{self.name}"

    def _made_so(self, same: Found | None, piece: Piece, type_: str, wanted: Row, rank: int) -> Iterator[Act]:
        """The call after which a rule is as wanted, if any is needed.

        A new one stands last: where only the first that fits is carried out [I], ours takes nothing from theirs.
        """
        secrets = frozenset({self._header_secret, self._path_secret} - {""})
        if same is None:
            placed = {**wanted, "position": rank + 1}
            yield Act("create", piece, "POST", f"{_PATH}/{type_}/rules", placed, secrets)
        elif differs({key: value for key, value in wanted.items() if key != "name"}, same.row):
            yield Act("change", piece, "PUT", f"{_PATH}/{_place(piece)}", wanted, secrets)

    def _rule(self, type_: str, called: str, address: str, pattern: Row | None) -> dict[str, Any]:
        """Every ticket has one of the priorities, so that each fits."""
        every = {"resource_type": "ticket", "field_name": "priority", "operator": "in", "value": list(PRIORITIES)}
        rule: dict[str, Any] = {
            "name": f"{self._mark}, {called}",
            "active": True,
            "conditions": [{"name": "condition_set_1", "match_type": "any", "properties": [every]}],
            "actions": [shaped(self._webhook(address), pattern)],
        }
        if type_ == UPDATE:
            changes = [{"field_name": name, "from": ANY, "to": ANY} for name in CHANGES]
            words = [{"field_name": name, "value": ANY} for name in WORDS]
            rule |= {"performer": {"type": ANYBODY}, "events": [*words, *changes]}
        return rule

    def _webhook(self, address: str) -> dict[str, Any]:
        return {
            "field_name": "trigger_webhook",
            "request_type": "POST",
            "url": address,
            "content_type": "JSON",
            "content_layout": "2",
            "custom_headers": {HEADER.title(): self._header_secret},
            "content": CONTENT,
        }


_MARK: Final = "Deskbridge: "
"""How the names of all that any Deskbridge puts up begin."""

_PATH: Final = "/api/v2/automations"


def _newest(secrets: Sequence[SecretStr]) -> str:
    """The secret to send: the first one, the other is on its way out; empty where there is none yet."""
    return next((secret.get_secret_value() for secret in secrets), "")


def shaped(ours: Row, pattern: Row | None) -> dict[str, Any]:
    """Our webhook in the shape of one that was made by hand: with keys that ours lacks, and values of its types."""
    theirs = {key: value for key, value in (pattern or {}).items() if key not in CREDENTIALS}
    return theirs | {key: _as_type(value, theirs.get(key)) for key, value in ours.items()}


def _as_type(ours: Any, theirs: object) -> Any:
    if isinstance(theirs, str) and isinstance(ours, dict):
        return json.dumps(ours)
    if isinstance(theirs, int) and isinstance(ours, str) and ours.isdecimal():
        return int(ours)
    return ours


def _webhooks(rule: Row) -> Iterator[Row]:
    """The actions of a rule that call an address."""
    return (action for action in rule.get("actions") or () if isinstance(action, dict) and "url" in action)


def _type_of(piece: Piece) -> str:
    return piece.id.partition("/")[0]


def _place(piece: Piece) -> str:
    type_, _, number = piece.id.partition("/")
    return f"{type_}/rules/{number}"


def _gone(found: Found) -> Act:
    return Act("delete", found.piece, "DELETE", f"{_PATH}/{_place(found.piece)}")
