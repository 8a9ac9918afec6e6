"""What only Freshdesk's own API tells of how an account stands: its statuses, its rules, its limits.

Source: API reference ("Rate limits", "Automation rules", "List All Ticket Fields").
"""

from collections.abc import Iterator, Sequence
from typing import Final

from adapters.freshdesk import summary
from adapters.freshdesk.client import FreshdeskClient
from adapters.freshdesk.install import RULE
from adapters.freshdesk.mapping import STATUSES, Row, number
from adapters.freshdesk.options import FreshdeskOptions
from adapters.freshdesk.rules import CREATION
from adapters.wire import unless_hidden
from bridge.errors import BadCredential
from bridge.ports import Clock, DeskStatus, Diagnosis, Gate, Health, Piece

PLANS: Final = {50: "a trial", 200: "Growth", 400: "Pro", 700: "Enterprise", 1000: "bought calls", 2000: "bought calls"}
"""By the calls a minute that the account may make."""

HOURLY: Final = 3_000
"""From here on a limit that is no plan's is likely an older account's, counted by the hour [T]."""


class FreshdeskInspector:
    """See `bridge.ports.Inspector`."""

    def __init__(self, name: str, options: FreshdeskOptions, *, gate: Gate, clock: Clock) -> None:
        del clock
        self.name = name
        self._statuses = {**STATUSES, **options.status_map}
        self._in_summary = options.note_in == "summary"
        self._client = FreshdeskClient(name, options, gate, None)

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def plan(self, limit: int) -> str | None:
        """The plan with this many calls a minute."""
        if limit not in PLANS and limit >= HOURLY:
            return "an older account, whose calls may be counted by the hour: set `headroom` high"
        return PLANS.get(limit)

    def statuses(self) -> Sequence[DeskStatus] | None:
        """The choices of the status field; their first label is what agents see."""
        rows = unless_hidden(lambda: self._client.page("/ticket_fields")[0])
        found = next((row for row in rows or () if row.get("type") == "default_status"), None)
        choices = found.get("choices") if found else None
        if not isinstance(choices, dict):
            return None
        return [DeskStatus(key, _label(label), self._statuses.get(number(key) or 0)) for key, label in choices.items()]

    def inspect(self, pieces: Sequence[Piece]) -> Iterator[Diagnosis]:
        """Where our rule for new tickets stands among the others, and whether there are summaries to write to."""
        rules = unless_hidden(lambda: list(self._client.all("/automations/{id}/rules", CREATION)))
        yield from _standing(rules or (), {piece.id for piece in pieces if piece.kind == RULE})
        if self._in_summary:
            yield from self._summaries()

    def _summaries(self) -> Iterator[Diagnosis]:
        """What reading the summary of some ticket says; that it may be written too shows with the first one."""
        tickets, _ = self._client.page("/tickets", "", 1, per_page=1)
        for ticket in tickets:
            try:
                self._client.get_if_any(summary.ROUTE, str(ticket["id"]))
            except BadCredential as error:
                words = f"{error}, so that `note_in: summary` does nothing: the notes are private notes all the same"
                advice = "Change to a plan with ticket summaries, or take `note_in` out of the settings."
                yield Diagnosis("ticket summaries", Health.WARNING, words, advice)
            else:
                yield Diagnosis("ticket summaries", Health.OK, "the account shows the summaries of its tickets")


def _label(label: object) -> str:
    return str(label[0] if isinstance(label, list) and label else label)


def _standing(rules: Sequence[Row], ours: set[str]) -> Iterator[Diagnosis]:
    """Whether only the first rule that fits is carried out is a setting that the API does not tell [I]."""
    places = [number(row.get("position")) or 0 for row in rules if f"{CREATION}/{row.get('id')}" in ours]
    if not places:
        return
    before = sum((number(row.get("position")) or 0) < max(places) and bool(row.get("active")) for row in rules)
    if before:
        words = f"rules for new tickets before ours: {before}; so it should be, they lose nothing to ours"
        advice = (
            "Should new tickets come only by polling, switch on 'Execute all matching rules' for rules that run on "
            "ticket creation."
        )
        yield Diagnosis("rule order", Health.NOTE, words, advice)
    else:
        yield Diagnosis("rule order", Health.OK, "no active rule for new tickets stands before ours")
