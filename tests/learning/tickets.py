"""Tickets of a made-up team, in words that tell their topic, for models to learn from in a moment."""

import random
from datetime import UTC, datetime, timedelta

from bridge.history import Labelled

WORDS = {
    label: words.split()
    for label, words in {
        "Billing": "invoice refund charged payment card money receipt twice price subscription",
        "Tech Support": "export crashes error screen login broken update freezes button loading",
        "General": "opening hours office visit address newsletter partner press event feedback",
    }.items()
}
FILLING = [
    "please",
    "the",
    "my",
    "our",
    "for",
    "with",
    "since",
    "again",
    "could",
    "you",
    "today",
    "when",
    "i",
    "have",
    "a",
    "question",
    "about",
    "it",
]
START = datetime(2026, 8, 1, tzinfo=UTC)


def text_about(label: str, chance: random.Random) -> str:
    words = chance.sample(WORDS[label], 4) + chance.sample(FILLING, 6)
    chance.shuffle(words)
    return " ".join(words)


def labelled(number: int, *, start: datetime = START, seed: int = 0, turned: bool = False) -> list[Labelled]:
    """So many tickets an hour apart; with `turned`, the world calls billing tech support and the reverse."""
    chance = random.Random(seed)
    swap = {"Billing": "Tech Support", "Tech Support": "Billing"} if turned else {}
    found = []
    for at in range(number):
        label = chance.choice(list(WORDS))
        words = text_about(label, chance)
        found.append(Labelled(f"{seed}-{at}", words, swap.get(label, label), start + timedelta(hours=at)))
    return found
