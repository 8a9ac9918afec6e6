"""What only Zendesk's own API tells of how an account stands: its own routing, and its calls to us.

Sources: account settings reference (`routing`), webhooks reference (invocations of the last seven days), rate limits.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Final

from adapters.wire import instant, unless_hidden
from adapters.zendesk.client import ZendeskClient
from adapters.zendesk.install import WEBHOOK
from adapters.zendesk.mapping import STATUSES, Json, listing, mapping
from adapters.zendesk.options import ZendeskOptions
from adapters.zendesk.webhook import INVOCATION
from bridge.ports import Clock, DeskStatus, Diagnosis, Gate, Health, Piece, Tokens

PLANS: Final = {200: "Team", 400: "Growth or Professional", 700: "Enterprise", 2500: "Enterprise Plus or High Volume"}
"""By the calls a minute that the account may make."""

PAGES: Final = 5
"""Pages of a hundred invocations that are looked through; in which order they come is not documented [I]."""

LATELY: Final = timedelta(hours=24)
LOOKED_INTO: Final = 3
"""How many calls that failed are asked how often they were tried."""

ROUTING: Final = "own routing"
CALLS: Final = "webhook calls"
SUCCESS: Final = "success"

MEANT: Final = {
    "401": "its signature is not ours: `deskbridge install webhooks` fetches the secret anew; then restart `serve`",
    "404": "we do not know the desk that its address names: compare it with the settings, then install anew",
    "413": "it was larger than `max_body` in the settings",
    "429": "the bridge, or a proxy in front of it, had too much to do",
    "503": "the bridge had too much to do, or its database was away",
    "504": "nothing answered within twelve seconds: see that `deskbridge serve` is up, and reachable from outside",
}
"""What an answer to Zendesk's call, by its status, says about us."""


class ZendeskInspector:
    """See `bridge.ports.Inspector`."""

    def __init__(
        self, name: str, options: ZendeskOptions, *, gate: Gate, clock: Clock, tokens: Tokens | None = None
    ) -> None:
        self.name = name
        self._clock = clock
        self._client = ZendeskClient(name, options, gate=gate, clock=clock, tokens=tokens)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def plan(self, limit: int) -> str | None:
        """The plan with this many calls a minute."""
        return PLANS.get(limit)

    def statuses(self) -> Sequence[DeskStatus] | None:
        """The account's statuses by the category that each belongs to."""
        rows = unless_hidden(self._client.custom_statuses)
        return None if rows is None else [_status(row) for row in rows if row.get("active") is not False]

    def inspect(self, pieces: Sequence[Piece]) -> Iterator[Diagnosis]:
        """Omnichannel routing, and what became of the calls of our webhook."""
        yield self._routing()
        for piece in pieces:
            if piece.kind == WEBHOOK:
                yield from self._calls_of(piece)

    def _routing(self) -> Diagnosis:
        settings = unless_hidden(self._client.account_settings)
        if settings is None:
            words = "whether Zendesk's omnichannel routing is on cannot be seen with this credential"
            return Diagnosis(ROUTING, Health.NOTE, words, "Look in the Admin Center under Omnichannel routing.")
        routing = mapping(settings.get("routing"))
        if not routing.get("enabled"):
            return Diagnosis(ROUTING, Health.OK, "omnichannel routing is off")
        tag = routing.get("autorouting_tag")
        words = f"omnichannel routing is on: Zendesk gives out {f'tickets tagged {tag!r}' if tag else 'tickets'} too"
        advice = "Switch it off in the Admin Center under Omnichannel routing, or leave this desk in shadow."
        return Diagnosis(ROUTING, Health.WARNING, words, advice)

    def _calls_of(self, webhook: Piece) -> Iterator[Diagnosis]:
        pages = unless_hidden(lambda: list(islice(self._client.invocations(webhook.id), PAGES)))
        if pages is None:
            words = f"webhook '{webhook.name}' is not there any more, or cannot be seen"
            yield Diagnosis(CALLS, Health.FAULT, words, "`deskbridge install webhooks` puts it up again.")
            return
        since = self._clock() - LATELY
        rows = [row for page in pages for row in listing(page.get("invocations")) if _at(row) >= since]
        failed = sorted((row for row in rows if row.get("status") != SUCCESS), key=_at, reverse=True)
        yield _told(len(rows), failed)
        yield from self._repeated(webhook, failed[:LOOKED_INTO])

    def _repeated(self, webhook: Piece, failed: Sequence[Json]) -> Iterator[Diagnosis]:
        """Whether a call that was made again kept its id: by it the repetitions of triggers' calls are known [I]."""
        for row in failed:
            attempts = unless_hidden(partial(self._client.attempts, webhook.id, str(row.get("id")))) or []
            ids = {value for attempt in attempts for value in _invocation_ids(attempt)}
            if len(attempts) > 1 and ids:
                same = len(ids) == 1
                words = f"a call that was made {len(attempts)} times {'kept' if same else 'did not keep'} its id"
                advice = None if same else "Use `--via events`: those are told apart by the event's own id."
                yield Diagnosis("repeated calls", Health.OK if same else Health.WARNING, words, advice)
                return


def _told(calls: int, failed: Sequence[Json]) -> Diagnosis:
    """What is to be said of a day's calls, the failed ones of them newest first."""
    day = f"Zendesk's calls in a day: {calls}"
    if not failed:
        return Diagnosis(CALLS, Health.OK, f"{day}, and none failed")
    outcomes = Counter(str(row.get("status_code") or row.get("status")) for row in failed)
    often = outcomes.most_common(1)[0][0]
    each = ", ".join(f"{count} with {outcome}" for outcome, count in outcomes.most_common())
    words = f"{day}, {len(failed)} failed ({each}), the last at {_at(failed[0]):%Y-%m-%d %H:%M} UTC"
    means = MEANT.get(often, "the webhook's activity in the Admin Center tells more")
    return Diagnosis(CALLS, Health.WARNING, words, f"{often}: {means}. Polling finds what they were about.")


def _invocation_ids(attempt: Json) -> Iterator[str]:
    headers = listing(mapping(attempt.get("request")).get("headers"))
    return (str(each.get("value")) for each in headers if str(each.get("key")).lower() == INVOCATION)


def _status(row: Json) -> DeskStatus:
    name = str(row.get("agent_label") or row.get("id"))
    return DeskStatus(str(row.get("id")), name, STATUSES.get(str(row.get("status_category")).lower()))


def _at(row: Json) -> datetime:
    return instant(row.get("latest_completed_at")) or datetime.min.replace(tzinfo=UTC)
