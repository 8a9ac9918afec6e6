"""One decision by many rules, beside plain closures over `re`, zen-engine and CEL on the same rules and tickets."""

import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import zen
from cel_expr_python import cel  # type: ignore[import-untyped] # it publishes no types

import rules
from benchmarks.report import Figure, Report, Spread
from bridge.model import (
    Case,
    Channel,
    EventKind,
    Fact,
    Finding,
    Mode,
    Requester,
    Status,
    Ticket,
    TicketRef,
    Triage,
)

SIZES = ((1_000, 800), (1_000, 8_000), (5_000, 8_000))
"""Rules and characters of the text."""

_CHANNELS = ("email", "chat", "web", "phone")
_TIERS = ("free", "pro", "enterprise")
_INTENTS = ("billing", "outage")
_WORDS = tuple(f"word{number}" for number in range(3_000))
_FILLER = ("Hello,", "please", "the", "order's", "thing.")
_FIELDS = 20
_NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)

Test = tuple[str, Any]
"""What is asked and the value wanted: `("channel", "chat")`, `("words", [...])`, `("no tag", "t1")`, `("over", 2)`."""

_Rule = Sequence[Test]
"""Tests that must all hold."""

Engine = Callable[[Case], set[str]]
"""The names of the rules that match a case."""


def measure(*, sizes: Sequence[tuple[int, int]] = SIZES, tickets: int = 40, rounds: int = 5) -> Report:
    """Processor time a ticket, in milliseconds; every engine must name the same rules for every ticket."""
    rows = [row for count, characters in sizes for row in _rows(count, characters, tickets, rounds)]
    return Report(
        "One decision by many rules, milliseconds of processor a ticket",
        "plain closures over stdlib re, every rule asked",
        tuple(rows[0]),
        tuple(rows),
        (
            "Rules: all of 1 to 7 conditions (channel, tier, intent, 20 fields, whole words, no such tag, a count).",
            "zen-engine and CEL get the rules as list expressions, their fastest way, and a text made ready for them.",
            "Ours also joins the effects, chooses the route and the mode; the others only say which rules match.",
        ),
    )


def _rows(count: int, characters: int, tickets: int, rounds: int) -> list[dict[str, Figure]]:
    chance = random.Random(7)
    written = [_rule(chance) for _ in range(count)]
    cases = [_case(chance, characters) for _ in range(tickets)]
    engines = {name: make(written) for name, make in ENGINES.items()}
    _agree(engines, cases)
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            times[name].append(_milliseconds(engine, cases))
    bare = Spread(times["closures over re"]).middle
    return [
        {
            "engine": name,
            "rules": count,
            "characters": characters,
            "ms": Spread(spent).text(3),
            "of baseline": Spread(spent).middle / bare,
        }
        for name, spent in times.items()
    ]


def _agree(engines: Mapping[str, Engine], cases: Sequence[Case]) -> None:
    for case in cases:
        answers = {name: engine(case) for name, engine in engines.items()}
        assert len(set(map(frozenset, answers.values()))) == 1, {name: len(found) for name, found in answers.items()}


def _milliseconds(engine: Engine, cases: Sequence[Case]) -> float:
    start = time.process_time()
    for case in cases:
        engine(case)
    return (time.process_time() - start) * 1_000 / len(cases)


def _rule(chance: random.Random) -> _Rule:
    tests: list[Test] = [("channel", chance.choice(_CHANNELS))]
    for likely, make in (
        (0.5, lambda: ("tier", chance.choice(_TIERS))),
        (0.4, lambda: ("intent", chance.choice(_INTENTS))),
        (0.4, lambda: ("words", chance.sample(_WORDS, 3))),
        (0.4, lambda: (f"f{chance.randrange(_FIELDS)}", f"v{chance.randrange(5)}")),
        (0.2, lambda: ("no tag", f"t{chance.randrange(50)}")),
        (0.2, lambda: ("over", chance.randrange(5))),
    ):
        if chance.random() < likely:
            tests.append(make())
    return tests


def _case(chance: random.Random, characters: int) -> Case:
    text = ""
    while len(text) < characters:
        text += (
            chance.choice((*_WORDS[:20], chance.choice(_WORDS), "Hello,", "please", "the", "order's", "thing.")) + " "
        )
    ticket = Ticket(
        TicketRef("desk", "1"),
        "Hello",
        Requester("1"),
        Status.NEW,
        channel=Channel(chance.choice(_CHANNELS)),
        tags=frozenset(f"t{chance.randrange(50)}" for _ in range(4)),
        fields={f"f{number}": f"v{chance.randrange(5)}" for number in range(_FIELDS)},
    )
    facts = {
        "requester.tier": Fact("requester.tier", chance.choice(_TIERS), "bench"),
        "contacts_24h": Fact("contacts_24h", chance.randrange(6), "bench"),
    }
    triage = Triage(intent=Finding(chance.choice(_INTENTS), 0.9))
    return Case(ticket, EventKind.TICKET_CREATED, _NOW, text[:characters], triage, facts)


def _ours(written: Sequence[_Rule]) -> Engine:
    policy = rules.loads(_yaml(written))

    def engine(case: Case) -> set[str]:
        outcome = policy.decide(case, desk="desk", desk_mode=Mode.LIVE)
        return {verdict.rule for verdict in outcome.verdicts if verdict.stage == "annotate"}

    return engine


def _yaml(written: Sequence[_Rule]) -> str:
    head = (
        "policy: deskbridge/v1\nmode: live\nteams: {general: {members: {cy: {capacity: 1}}}}\n"
        "triage: {words: {billing: [invoice], outage: [outage]}}\n"
        "route: [{name: rest, to: {team: general}}]\nannotate:\n"
    )
    whens = (", ".join(_yaml_test(*test) for test in rule) for rule in written)
    return head + "".join(
        f"  - {{name: r{number}, when: {{all: [{when}]}}, then: {{add_tags: [x{number % 30}]}}}}\n"
        for number, when in enumerate(whens)
    )


def _yaml_test(key: str, value: Any) -> str:
    written = {
        "tier": f"requester.tier: {value}",
        "words": f"text: [{', '.join(value) if key == 'words' else ''}]",
        "no tag": f"not: {{tags: {value}}}",
        "over": f"contacts_24h: {{over: {value}}}",
        "channel": f"channel: {value}",
        "intent": f"intent: {value}",
    }
    return f"{{{written.get(key, f'field.{key}: {value}')}}}"


def _closures(written: Sequence[_Rule]) -> Engine:
    compiled = [(f"r{number}", [_closure(*test) for test in rule]) for number, rule in enumerate(written)]
    return lambda case: {name for name, tests in compiled if all(test(case) for test in tests)}


def _closure(key: str, value: Any) -> Callable[[Case], bool]:
    pattern = re.compile(rf"\b(?:{'|'.join(value)})\b", re.IGNORECASE) if key == "words" else None
    tests: dict[str, Callable[[Case], bool]] = {
        "channel": lambda case: case.ticket.channel == value,
        "tier": lambda case: case.facts["requester.tier"].value == value,
        "intent": lambda case: case.triage.intent is not None and case.triage.intent.value == value,
        "words": lambda case: pattern is not None and pattern.search(case.text) is not None,
        "no tag": lambda case: value not in case.ticket.tags,
        "over": lambda case: float(case.facts["contacts_24h"].value or 0) > value,
    }
    return tests.get(key, lambda case: case.ticket.fields[key] == value)


def _context(case: Case) -> dict[str, Any]:
    return {
        "channel": str(case.ticket.channel),
        "tier": str(case.facts["requester.tier"].value),
        "intent": case.triage.intent.value if case.triage.intent else "",
        "text": f" {re.sub('[^a-z0-9]+', ' ', case.text.lower())} ",
        "tags": sorted(case.ticket.tags),
        "contacts": float(case.facts["contacts_24h"].value or 0),
        **case.ticket.fields,
    }


def _zen(written: Sequence[_Rule]) -> Engine:
    tests = [
        " and ".join(
            _expression(*test, either=" or ", has="contains(text, '{}')", no="not ('{}' in tags)") for test in rule
        )
        for rule in written
    ]
    expression = zen.compile_expression(f"[{', '.join(tests)}]")
    return lambda case: _named(expression.evaluate(_context(case)))


def _cel(written: Sequence[_Rule]) -> Engine:
    names = ("channel", "tier", "intent", "text", *(f"f{number}" for number in range(_FIELDS)))
    variables = dict.fromkeys(names, cel.Type.STRING)
    variables |= {"tags": cel.Type.List(cel.Type.STRING), "contacts": cel.Type.DOUBLE}
    environment = cel.NewEnv(variables=variables)
    tests = [
        " && ".join(_expression(*test, either=" || ", has="text.contains('{}')", no="!('{}' in tags)") for test in rule)
        for rule in written
    ]
    chunks = [tests[start : start + _CHUNK] for start in range(0, len(tests), _CHUNK)]
    expressions = [environment.compile(f"[{', '.join(chunk)}]") for chunk in chunks]

    def engine(case: Case) -> set[str]:
        activation = environment.Activation(data=_context(case))
        return _named([answer for one in expressions for answer in one.eval(activation).plain_value()])

    return engine


_CHUNK = 500
"""CEL takes no expression of more than 100,000 characters."""


def _expression(key: str, value: Any, *, either: str, has: str, no: str) -> str:
    match key:
        case "words":
            return f"({either.join(has.format(f' {word} ') for word in value)})"
        case "no tag":
            return no.format(value)
        case "over":
            return f"contacts > {value}.0"
    return f"{key} == '{value}'"


def _named(answers: Sequence[bool]) -> set[str]:
    return {f"r{number}" for number, answer in enumerate(answers) if answer}


ENGINES: dict[str, Callable[[Sequence[_Rule]], Engine]] = {
    "closures over re": _closures,
    "deskbridge": _ours,
    "zen-engine": _zen,
    "cel-expr-python": _cel,
}
