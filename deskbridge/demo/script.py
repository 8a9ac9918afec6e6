"""What happens in the demo: who writes what to which desk and when, and what the agents do meanwhile."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files

import yaml

from deskbridge.demo.verdict import Expected

VENDORS = ("zendesk", "freshdesk", "intercom")

PER_DESK = 40
"""Tickets that customers open at each desk."""

SECONDS = 24.0
"""How long the customers take to write them."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A customer's first message; `{…}` in its texts are filled in by chance.

    `about` is what it is about; `team`, `team_if_enterprise` and `tags` where it belongs, by a person's judgement.
    """

    about: str
    subject: str
    body: str
    team: str
    team_if_enterprise: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happens `at` so many seconds after the start.

    `kind`: open (a customer opens ticket `key`), reply, take (an agent makes a ticket their own), solve, away, back.
    `say` is what the sandbox's control face is told; `belongs` where the ticket has to be in the end.
    """

    at: float
    vendor: str
    kind: str
    key: str = ""
    say: dict[str, object] = field(default_factory=dict)
    belongs: Expected | None = None


_TEXTS = yaml.safe_load(files("deskbridge.demo").joinpath("openings.yaml").read_text("utf-8"))
_OPENINGS = tuple(Opening(**opening) for opening in _TEXTS["openings"])
_ANGRY_VIP = Opening(**_TEXTS["angry_vip"])
_AUTO_REPLY = Opening(**_TEXTS["auto_reply"])
_TAKER = "dee@acme.example"
_ENTERPRISE = {"globex.example"}
_DOMAINS = ("globex.example", "initech.example", "umbrella.example", "mail.example")


def script(seed: int = 7) -> list[Act]:
    """Every act of the demo in the order of time; the same seed gives the same demo."""
    chance = random.Random(seed)  # noqa: S311 - a play, not a secret
    acts = [act for vendor in VENDORS for act in _desk(vendor, chance)]
    return sorted(acts, key=lambda act: act.at)


def _desk(vendor: str, chance: random.Random) -> Iterator[Act]:
    """Forty openings at one desk, and around four of them a little story each."""
    ordinary = [_OPENINGS[n % len(_OPENINGS)] for n in range(PER_DESK - 2)]
    chance.shuffle(ordinary)
    times = sorted(chance.uniform(0, SECONDS) for _ in range(PER_DESK))
    openings = [*ordinary[: PER_DESK // 2], _ANGRY_VIP, _AUTO_REPLY, *ordinary[PER_DESK // 2 :]]
    for number, (at, opening) in enumerate(zip(times, openings, strict=True)):
        yield _open(at, vendor, f"{vendor}-{number}", opening, chance)
    yield from _follow_up(vendor, f"{vendor}-0", times[0])
    yield from _second_thought(vendor, f"{vendor}-1", times[1])
    yield Act(SECONDS * 0.4, vendor, "away", say={"agent": "fay@acme.example"})
    yield Act(SECONDS * 0.7, vendor, "back", say={"agent": "fay@acme.example"})


def _open(at: float, vendor: str, key: str, opening: Opening, chance: random.Random) -> Act:
    name = "Victoria Stone" if opening is _ANGRY_VIP else chance.choice(_TEXTS["people"])
    domain = "globex.example" if opening is _ANGRY_VIP else chance.choice(_DOMAINS)
    slots = {slot: chance.choice(values) for slot, values in _TEXTS["slots"].items()} | {"name": name}
    say: dict[str, object] = {
        "email": f"{name.split()[0].lower().replace('é', 'e')}.{key}@{domain}",
        "name": name,
        "subject": opening.subject.format(**slots),
        "body": opening.body.format(**slots),
        "channel": "email",
    }
    if opening is _AUTO_REPLY:
        say["headers"] = {"Auto-Submitted": "auto-replied", "X-Autoreply": "yes"}
    enterprise = domain in _ENTERPRISE and opening.team_if_enterprise is not None
    team = opening.team_if_enterprise if enterprise else opening.team
    return Act(at, vendor, "open", key, say, Expected(team or opening.team, tags=frozenset(opening.tags)))


def _follow_up(vendor: str, key: str, opened: float) -> Iterator[Act]:
    """A solved ticket whose customer writes again: it stays with its agent."""
    yield Act(opened + 5, vendor, "solve", key, say={"reply": "This is fixed now, thank you for your patience."})
    yield Act(opened + 9, vendor, "reply", key, say={"body": "Sorry, it is back again this morning. Same as before."})


def _second_thought(vendor: str, key: str, opened: float) -> Iterator[Act]:
    """An agent makes a ticket their own; what the customer adds later must not undo that."""
    yield Act(
        opened + 4,
        vendor,
        "take",
        key,
        say={"agent": "dee@acme.example", "set": {"assignee": _TAKER, "team": "Tech Support", "add_tags": ["known"]}},
        belongs=Expected("Tech Support", _TAKER, frozenset({"known"})),
    )
    yield Act(
        opened + 8, vendor, "reply", key, say={"body": "I forgot to say: it is urgent, invoice and refund please."}
    )
