"""Made-up tickets: two words of their class among eight that any ticket may have."""

import random

from bridge.triage.intent import Example

TELLING = {
    "billing": ("invoice", "refund", "charged", "payment", "receipt"),
    "login": ("password", "login", "account", "locked", "session"),
    "shipping": ("parcel", "delivery", "courier", "package", "tracking"),
    "fault": ("crash", "error", "freeze", "broken", "screen"),
}
ANY = [
    "please",
    "help",
    "me",
    "with",
    "the",
    "my",
    "since",
    "yesterday",
    "it",
    "is",
    "about",
    "again",
    "today",
    "hello",
    "team",
    "could",
    "you",
    "look",
    "at",
    "this",
]


def tickets(number: int, seed: int = 1, *, noise: float = 0.0) -> list[Example]:
    """So many tickets; a share of them, `noise`, has a label dealt at random."""
    chance = random.Random(seed)
    return [_ticket(chance, row, noise) for row in range(number)]


def _ticket(chance: random.Random, row: int, noise: float) -> Example:
    label = chance.choice(list(TELLING))
    words = chance.sample(TELLING[label], 2) + chance.sample(ANY, 8)
    chance.shuffle(words)
    told = chance.choice(list(TELLING)) if chance.random() < noise else label
    return Example(" ".join(words), told, ref=f"row {row}")
