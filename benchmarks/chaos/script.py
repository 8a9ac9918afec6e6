"""What customers and agents do: stories, each of one ticket, whose every message says a word that the policy knows."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

# fmt: off
WORDS = (
    "aardvark", "alpaca", "antelope", "armadillo", "badger", "beaver", "bison", "bobcat", "buffalo", "camel",
    "caribou", "cheetah", "chinchilla", "cobra", "condor", "cormorant", "coyote", "dingo", "dolphin", "dormouse",
    "echidna", "ferret", "flamingo", "gazelle", "gecko", "gibbon", "giraffe", "gorilla", "hamster", "hedgehog",
    "heron", "hyena", "ibex", "iguana", "impala", "jackal", "jaguar", "kestrel", "koala", "lemur", "leopard",
    "lobster", "lynx", "macaw", "marmot", "meerkat", "mongoose", "narwhal", "ocelot", "octopus", "otter", "panther",
    "pelican", "penguin", "puffin", "quokka", "raccoon", "salmon", "seahorse", "tapir", "toucan", "walrus", "wombat",
    "zebra",
)
# fmt: on
"""Words that nothing else in the play says; no ticket hears one of them twice."""

RAISED = frozenset(WORDS[::6])
"""Words of these the policy also raises the priority for."""

TEAMS = {"ledger": "Billing", "socket": "Tech Support", "greeting": "General"}
"""The desk's team that a ticket belongs to, by the word in its subject that says so."""

AGENTS = {
    "Billing": ("ana", "bo"),
    "Tech Support": ("cy", "dee"),
    "General": ("eli", "fay"),
}

LINE = "parcel"
"""The word in the subject of a ticket that has to wait in a queue; its team is General at the desks."""

LINE_AGENTS = ("gus", "hana")
LINE_SLOTS = 2
"""Who works off the queue, and how many tickets each of them may have in hand, over all desks together.

They are given tickets by us alone, and do nothing but solve them, so that what they hold is ours to answer for.
"""

SOON = 2.0
"""Seconds after a ticket's creation before which no human agent touches it: nobody reads and acts faster."""

MESSAGES_MAX = 5
"""Messages of a ticket's customer: one more write in answer to one more message, and the cap on loops would park it."""

_AT_ONCE = (0.8, 1.8)
"""Seconds after a customer's message in which somebody who has the ticket open acts every other time: the bridge, which
gives a burst a second to end, writes then too."""

_DOMAINS = ("globex.example", "initech.example", "hooli.example", "umbrella.example", "mail.example")
_TAGS = ("vip", "callback", "known-issue", "on-the-phone", "second-level", "refunded")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a person does, `wait` seconds after the act before it in the same story.

    `path` and `say` are what the sandbox's control face is told; the ticket's id is filled in when it is played.
    """

    wait: float
    path: str
    say: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything people do to one ticket of one desk; the first act opens it `at` seconds after the start."""

    vendor: str
    at: float
    acts: tuple[Act, ...]


def script(size: int, seed: int, *, vendors: tuple[str, ...], rate: float, pause: float = 5.0) -> list[Story]:
    """Stories of `size` acts altogether, about `rate` acts a second; the same arguments give the same play.

    `pause` is the longest time in seconds between two acts of a story.
    """
    chance = random.Random(seed)
    stories = list(_line(chance, size, rate, pause, vendors))
    left = size - sum(len(story.acts) for story in stories)
    while left:
        vendor = vendors[len(stories) % len(vendors)]
        acts = tuple(_Teller(chance, len(stories), pause).acts())
        acts = acts if len(acts) <= left else acts[:1]
        stories.append(Story(vendor, chance.uniform(0, size / rate), acts))
        left -= len(acts)
    return sorted(stories, key=lambda story: story.at)


def _line(chance: random.Random, size: int, rate: float, pause: float, vendors: tuple[str, ...]) -> Iterator[Story]:
    """Tickets of the queue, each solved a while later whether somebody has it by then or not.

    The last ones are not, and are as many as there are slots: each of them must have an agent in the end.
    """
    places, count = len(LINE_AGENTS) * LINE_SLOTS, size // 25
    ends = sorted(chance.uniform(0, size / rate) for _ in range(count))
    for number, at in enumerate(ends):
        word, who = chance.choice(WORDS), chance.choice(LINE_AGENTS)
        say = {"email": f"line-{number}@mail.example", "name": "Kim Client", "channel": "email"}
        say |= {"subject": f"The {LINE}: {word}", "body": f"Please tell me where the {word} is today."}
        solve = {"agent": f"{who}@acme.example", "set": {"status": "resolved"}, "reply": "It is on its way."}
        acts = [Act(0.0, "customers/write", say), Act(SOON + chance.uniform(1.0, 4.0) * pause, "agents/edit", solve)]
        yield Story(vendors[number % len(vendors)], at, tuple(acts if number < count - places else acts[:1]))


class _Teller:
    """Makes up one story.

    Three rules keep what is due plain: no customer writes more than `MESSAGES_MAX` messages, agents answer in public
    only before the second one (an answered message is not read again), and a solved ticket is always written to once
    more, so that all its words count.
    """

    def __init__(self, chance: random.Random, number: int, pause: float) -> None:
        self._chance = chance
        self._pause = pause
        self._words = iter(chance.sample(WORDS, 8))
        self._email = f"customer-{number}@{chance.choice(_DOMAINS)}"
        self._said: list[str] = []

    def acts(self) -> Iterator[Act]:
        """The opening, and up to five things after it."""
        yield self._opening()
        pause = SOON + self._chance.uniform(0.0, self._pause)
        for _ in range(self._chance.choice((0, 1, 2, 3, 4, 5))):
            may_write = len(self._said) < MESSAGES_MAX
            after_reply = may_write and self._chance.random() < 0.45
            if after_reply:
                yield self._reply(pause)
            elif may_write and self._chance.random() < 0.15:
                yield self._edit(pause, {"status": "resolved"})
                yield self._reply(self._chance.uniform(0.1, 1.0) * self._pause)
            else:
                yield self._chance.choice(self._edits())(pause)
            at_once = after_reply and self._chance.random() < 0.5
            pause = self._chance.uniform(*_AT_ONCE) if at_once else self._chance.uniform(0.05, 1.0) * self._pause

    def _edits(self) -> list[Callable[[float], Act]]:
        edits: list[Callable[[float], Act]] = [self._take, self._let_go, self._move, self._raise]
        edits += [self._wait, self._tag, self._untag, self._note]
        return [*edits, self._answer] if len(self._said) == 1 else edits

    def _opening(self) -> Act:
        about, word = self._chance.choice(tuple(TEAMS)), self._word()
        say = {"email": self._email, "name": "Chris Customer", "channel": "email", "subject": f"The {about}: {word}"}
        return Act(0.0, "customers/write", say | {"body": f"Please have a look at the {word} when you find the time."})

    def _reply(self, wait: float) -> Act:
        say = {"email": self._email, "body": f"There is something more to say about the {self._word()} here."}
        return Act(wait, "customers/write", say)

    def _edit(self, wait: float, change: Mapping[str, object], **said: str) -> Act:
        return Act(wait, "agents/edit", {"agent": self._agent(), "set": change, **said})

    def _take(self, wait: float) -> Act:
        team = self._chance.choice(tuple(AGENTS))
        return self._edit(wait, {"team": team, "assignee": self._agent(team)})

    def _let_go(self, wait: float) -> Act:
        return self._edit(wait, {"assignee": None})

    def _move(self, wait: float) -> Act:
        return self._edit(wait, {"team": self._chance.choice(tuple(AGENTS))})

    def _raise(self, wait: float) -> Act:
        return self._edit(wait, {"priority": self._chance.choice(("low", "high", "urgent"))})

    def _wait(self, wait: float) -> Act:
        return self._edit(wait, {"status": "pending"})

    def _tag(self, wait: float) -> Act:
        return self._edit(wait, {"add_tags": self._chance.sample(_TAGS, 2)})

    def _untag(self, wait: float) -> Act:
        return self._edit(wait, {"remove_tags": [tag_of(self._chance.choice(self._said)), self._chance.choice(_TAGS)]})

    def _note(self, wait: float) -> Act:
        return self._edit(wait, {}, note="Spoke to the customer on the phone.")

    def _answer(self, wait: float) -> Act:
        return self._edit(wait, {}, reply="Thank you for your message, we are looking into it.")

    def _agent(self, team: str | None = None) -> str:
        return f"{self._chance.choice(AGENTS[team or self._chance.choice(tuple(AGENTS))])}@acme.example"

    def _word(self) -> str:
        self._said.append(next(self._words))
        return self._said[-1]


def tag_of(word: str) -> str:
    """The tag that the policy adds for a word."""
    return f"h-{word}"


def policy(desks: tuple[str, ...]) -> dict[str, object]:
    """The policy of the play: a tag for each word, a higher priority for some, a team by what the subject says."""
    keys = {"Billing": "billing", "Tech Support": "tech", "General": "general"}
    people = (*LINE_AGENTS, *(name for names in AGENTS.values() for name in names))
    bindings = {
        "teams": {key: team for team, key in keys.items()} | {LINE: "General"},
        "agents": {name: f"{name}@acme.example" for name in people},
    }
    teams: dict[str, object] = {
        key: {"assign_at_arrival": True, "members": {name: {"capacity": 1_000} for name in AGENTS[team]}}
        for team, key in keys.items()
    }
    line = {"slots": LINE_SLOTS, "members": {name: {"capacity": LINE_SLOTS} for name in LINE_AGENTS}}
    rules = [
        {
            "name": f"heard {word}",
            "when": {"text": [word]},
            "then": {"add_tags": [tag_of(word)]} | ({"priority": "high"} if word in RAISED else {}),
        }
        for word in WORDS
    ]
    routes: list[dict[str, object]] = [
        {"name": f"about the {about}", "when": {"subject": [about]}, "to": {"team": keys[team]}}
        for about, team in TEAMS.items()
    ]
    routes.append({"name": "the queue", "when": {"subject": [LINE]}, "to": {"team": LINE}})
    return {
        "policy": "deskbridge/v1",
        "mode": "live",
        "teams": {**teams, LINE: line},
        "annotate": rules,
        "route": [*routes, {"name": "everything else", "to": {"team": "general"}}],
        "bindings": dict.fromkeys(desks, bindings),
    }
