"""What a check-up says of a desk from the bridge's own database: what arrives, what polling had to find."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import isinf
from typing import Final

from bridge import installing, reconcile
from bridge.installing import Installation
from bridge.plural import many
from bridge.ports import Diagnosis, Health
from bridge.reconcile import OWN_KEYS
from bridge.settings import Settings
from bridge.store import Store, bulk, installations
from bridge.store import budget as budgets
from bridge.store.bulk import Trust
from deskbridge.proofs import COMPARE

DAY: Final = timedelta(hours=24)

ROUNDS: Final = 10
"""So many rounds of polling without one that came to its end are a fault."""

TRUSTED: Final = {
    Trust.LOCKED: (Health.OK, "bulk writes are under the lock, as a rehearsal showed"),
    Trust.PROVEN: (Health.OK, "bulk writes keep lock and mark, as was seen"),
    Trust.BROKEN: (Health.NOTE, "bulk writes are not used: at this desk they lose the lock or our mark"),
}
"""What was found out of bulk writes, which nobody should take on trust; before, there is nothing to say."""


def of_desk(store: Store, settings: Settings, desk: str, now: datetime) -> Iterator[Diagnosis]:
    """Everything the database knows that bears on a desk's health."""
    yield from _held(store, desk, now)
    yield _arrivals(store, desk, now)
    yield from _refusals(store, desk)
    yield from _strange(store, desk)
    yield _polling(store, settings, desk, now)
    with store.reading() as connection:
        trust = bulk.trust(connection, desk)
    if trust in TRUSTED:
        yield Diagnosis("bulk writes", *TRUSTED[trust])


def installation(store: Store | None, desk: str) -> Installation | None:
    """What `install webhooks` wrote down."""
    return installing.find(store, desk) if store is not None else None


def _held(store: Store, desk: str, now: datetime) -> Iterator[Diagnosis]:
    with store.reading() as connection:
        known = budgets.load(connection, desk)
    if known.breaker is not None:
        words = f"the desk did not answer and is left alone until {known.breaker.until:%H:%M:%S} UTC"
        yield Diagnosis("calls held back", Health.FAULT, words, "If the lines above are well, it goes on by itself.")
    paused = [until for until in known.pauses.values() if until > now]
    if paused:
        words = f"the desk told us to slow down; we keep away until {max(paused):%H:%M:%S} UTC"
        yield Diagnosis("calls held back", Health.NOTE, words, "If that is often so, leave more to others: `headroom`.")


def _arrivals(store: Store, desk: str, now: datetime) -> Diagnosis:
    with store.reading() as connection:
        heard = installations.heard(connection, desk, besides=OWN_KEYS)
        told, found = installations.told(connection, desk, besides=OWN_KEYS, since=now - DAY)
    if heard is None:
        advice = (
            f"Unless they were put up just now: `deskbridge install webhooks {desk}`. Polling finds all of it, later."
        )
        return Diagnosis("webhooks", Health.WARNING, "no webhook of this desk has ever arrived", advice)
    seen = f"polling found {many(found, 'change')} besides, of tickets that a webhook told or did not"
    words = f"the last came {heard:%Y-%m-%d %H:%M} UTC; in a day {told} came, and {seen}"
    if not told and found:
        advice = f"`deskbridge install webhooks {desk}`; see that `deskbridge serve` can be reached from outside."
        return Diagnosis("webhooks", Health.WARNING, words, advice)
    return Diagnosis("webhooks", Health.OK, words)


def _refusals(store: Store, desk: str) -> Iterator[Diagnosis]:
    """A call that was refused and that none followed which was not: most often the secret in the settings is wrong."""
    with store.reading() as connection:
        heard = installations.heard(connection, desk, besides=OWN_KEYS)
        refused = installations.refusal(connection, desk, after=heard)
    if refused is not None:
        advice = f"If the desk made it, and not somebody who knows the address: {COMPARE}."
        yield Diagnosis("webhooks refused", Health.WARNING, f"{refused}; none was taken since", advice)


def _strange(store: Store, desk: str) -> Iterator[Diagnosis]:
    """Event names and forms that rest on third parties' words show here where they were wrong."""
    with store.reading() as connection:
        words = installations.not_understood(connection, desk)
    if words:
        advice = "`deskbridge events list --state unknown` shows them; polling sees to their tickets all the same."
        yield Diagnosis("webhooks understood", Health.NOTE, f"not understood: {'; '.join(words)}", advice)


def _polling(store: Store, settings: Settings, desk: str, now: datetime) -> Diagnosis:
    age = reconcile.age(store, desk, now)
    if isinf(age):
        words = "the desk's changes have never been followed to their end"
        return Diagnosis("polling", Health.WARNING, words, f"Start `deskbridge serve`, or `deskbridge sync {desk}`.")
    words = f"the desk's changes were last followed to their end {age:.0f} s ago"
    if age > ROUNDS * settings.reconcile.every.total_seconds():
        return Diagnosis("polling", Health.FAULT, words, "Is `deskbridge serve` running? Its log tells why it stopped.")
    return Diagnosis("polling", Health.OK, words)
