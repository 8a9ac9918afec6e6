"""Whether conditions can come out as wanted for any ticket at all: boolean reasoning over what each source may give."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from bridge.model import Channel, EventKind, Priority, Status
from rules.nodes import AnyOf, Asked, Leaf, Node, Not
from rules.operators import PREFIXES, Urgency
from rules.questions import COMPARE, Among, Compared, Lacks, Matches, Part, Question, Verdict

STEPS_MAX: Final = 2_000
"""So many steps are taken for one question; what takes longer is held possible, and nothing is said of it."""

WIDTH_MAX: Final = 200
"""So many conditions that must hold together are looked at."""

Verdicts = frozenset[Verdict]
"""The verdicts of which a condition should give one."""

TRUE: Final[Verdicts] = frozenset({True})
NOT_TRUE: Final[Verdicts] = frozenset({False, None})

Wish = tuple[Node | Asked, Verdicts]


@dataclass(frozen=True, slots=True)
class _Given:
    """A source that gives nothing (`question` None), or a value of which a question is answered by one of these."""

    key: str
    source: str
    question: Question | None
    verdicts: Verdicts


def possible(wishes: Sequence[Wish]) -> bool:
    """False where surely no ticket meets all wishes; True where one may, or where finding out takes too long.

    Sources are taken one by one: that one value follows from another (a domain from an address) is not seen.
    """
    open_ways: list[tuple[tuple[Wish | _Given, ...], Mapping[str, tuple[_Given, ...]]]] = [(tuple(wishes), {})]
    for _ in range(STEPS_MAX):
        if not open_ways:
            return False
        wanted, given = open_ways.pop()
        if not wanted or len(wanted) > WIDTH_MAX:
            return True
        index = min(range(len(wanted)), key=lambda one: _choices(wanted[one]))
        first, rest = wanted[index], (*wanted[:index], *wanted[index + 1 :])
        if isinstance(first, _Given):
            together = (*given.get(first.source, ()), first)
            if _can_give(together):
                open_ways.append((rest, {**given, first.source: together}))
        else:
            open_ways += [((*way, *rest), given) for way in reversed(list(_ways(*first)))]
    return True


def _choices(wanted: Wish | _Given) -> int:
    """In how many ways it can come true: what leaves no choice is settled first."""
    if isinstance(wanted, _Given):
        return 0
    item, verdicts = wanted
    if isinstance(item, Asked):
        return (1 if True in verdicts else len(item.questions)) + (item.unknown in verdicts)
    parts = item.asked if isinstance(item, Leaf) else item.parts
    return 1 if isinstance(item, AnyOf) is not (True in verdicts) else len(parts)


def sources(node: Node) -> frozenset[str]:
    """The names of the sources that a condition reads."""
    if isinstance(node, Leaf):
        return frozenset(asked.source.name for asked in node.asked)
    return frozenset().union(*map(sources, node.parts))


def _ways(item: Node | Asked, verdicts: Verdicts) -> Iterator[Sequence[Wish | _Given]]:
    """The ways in which it gives one of the verdicts: in each, everything listed must come true."""
    if isinstance(item, Not):
        yield [(item.parts[0], frozenset(None if one is None else not one for one in verdicts))]
    elif isinstance(item, Asked):
        yield from _answers(item, verdicts)
    else:
        parts: Sequence[Node | Asked] = item.asked if isinstance(item, Leaf) else item.parts
        yield from _joined([(part, verdicts) for part in parts], isinstance(item, AnyOf) is not (True in verdicts))


def _joined(parts: Sequence[Any], every: bool) -> Iterator[Sequence[Any]]:
    """All parts at once, or each by itself: `all` is as false as its falsest part, `any` as true as its truest."""
    if every:
        yield parts
    else:
        yield from ([part] for part in parts)


def _answers(asked: Asked, verdicts: Verdicts) -> Iterator[Sequence[_Given]]:
    name = asked.source.name
    key = next((prefix for prefix in PREFIXES if name.startswith(f"{prefix}.")), name.partition("@")[0].split(" ")[0])
    yield from _joined([_Given(key, name, one, verdicts) for one in asked.questions], True in verdicts)
    if asked.unknown in verdicts and key not in _ALWAYS_KNOWN:
        yield [_Given(key, name, None, verdicts)]


_SEVERAL: Final = frozenset(
    {
        *("tags", "previous_tags", "previous_assignees", "attachments", "organisation.tags"),
        *("within", "signals", "entities"),
    }
)
"""Keys whose value is a set, and so are the words found in a text."""

_PERHAPS_SEVERAL: Final = frozenset({"field", "requester.field", "organisation.field"})
"""Where a desk may keep a list; a fact is one value."""

_CLOSED: Final[Mapping[str, Sequence[Hashable]]] = {
    "event": tuple(EventKind),
    "status": tuple(Status),
    "priority": tuple(Priority),
    "channel": tuple(Channel),
    "urgency": tuple(Urgency),
    "asks_for_human": (True, False),
}
"""All values of the keys that have a closed list."""

_ALWAYS_KNOWN: Final = frozenset(
    {
        *_SEVERAL,
        *("event", "status", "priority", "channel", "asks_for_human"),
        *("desk", "subject", "text", "messages.requester", "messages.agent"),
    }
)
"""Keys that have a value for every ticket."""

_TEXTS: Final = ("subject", "text")
_TIMES: Final = ("age", "idle", "waiting")


def _can_give(given: Sequence[_Given]) -> bool:
    """False where surely no value of the source answers all of this."""
    asked = [(one.question, one.verdicts) for one in given if one.question is not None]
    if len(asked) < len(given):
        return not asked
    key, source = given[0].key, given[0].source
    if key in _CLOSED:
        return any(all(question.holds(value) in verdicts for question, verdicts in asked) for value in _CLOSED[key])
    if key in _SEVERAL or source in _TEXTS:
        return _several(asked)
    return _one(asked, key) or (key in _PERHAPS_SEVERAL and _several(asked))


_Asks = Sequence[tuple[Question, Verdicts]]


def _several(asked: _Asks) -> bool:
    """Whether a list can answer: each element that must be there may be, beside what holds for all elements."""
    if any(None not in verdicts for question, verdicts in asked if isinstance(question, Compared | Matches)):
        return False
    elements = [(question, verdicts) for question, verdicts in asked if isinstance(question, Among | Lacks | Part)]
    every = [
        (question, verdicts if isinstance(question, Lacks) else NOT_TRUE)
        for question, verdicts in elements
        if isinstance(question, Lacks) is (True in verdicts)
    ]
    some = [one for one in elements if isinstance(one[0], Lacks) is not (True in one[1])]
    return all(_one([one, *every]) for one in some)


@dataclass(frozen=True, slots=True)
class _Value:
    """A value, or all values that these questions cannot tell apart; `folded` None: one that none of them names."""

    folded: Hashable
    rank: float | Fraction | None = None
    text: bool = False


_OTHERS: Final = (_Value(None, text=True), _Value(None))


def _one(asked: _Asks, key: str = "") -> bool:
    """Whether a single value can answer."""
    return any(_answers_all(value, asked) for value in (*_named(asked), *_ranked(asked, key), *_OTHERS))


def _named(asked: _Asks) -> Iterator[_Value]:
    for question, _ in asked:
        if isinstance(question, Among | Lacks):
            for value in question.values:
                yield _Value(value, value if isinstance(value, int | float) else None, isinstance(value, str))


def _ranked(asked: _Asks, key: str) -> Iterator[_Value]:
    """A number for every bound, one between each two, and one beyond either end."""
    bounds = sorted({question.bound for question, _ in asked if isinstance(question, Compared)})
    ranks: list[float | Fraction] = [*bounds, float("-inf"), float("inf"), *([0.0] if key in _TIMES else [])]
    ranks += [(Fraction(low) + Fraction(high)) / 2 for low, high in pairwise(bounds)]
    for rank in ranks:
        if key not in _TIMES or rank >= 0:
            yield _Value(rank, rank)


def _answers_all(value: _Value, asked: _Asks) -> bool:
    told = [verdict in verdicts for question, verdicts in asked for verdict in _verdict(question, value)]
    return all(told) and (not value.text or _written(value, asked))


def _verdict(question: Question, value: _Value) -> Iterator[Verdict]:
    """The answer, none where it is open: what a text contains is asked apart."""
    match question:
        case Among():
            yield value.folded in question.values
        case Lacks():
            yield value.folded not in question.values
        case Compared():
            yield None if value.rank is None else COMPARE[question.comparison](value.rank, question.bound)
        case _ if not value.text:
            yield None
        case Part() if isinstance(value.folded, str):
            yield question.is_in(value.folded)


def _written(value: _Value, asked: _Asks) -> bool:
    """Whether a text can match and not match these patterns, and, where it is any text, have and lack these parts."""
    patterns = [(one.pattern, True in verdicts) for one, verdicts in asked if isinstance(one, Matches)]
    if any((pattern, not matches) in patterns for pattern, matches in patterns):
        return False
    if value.folded is not None:
        return True
    parts = [one for one, verdicts in asked if isinstance(one, Part) and True in verdicts]
    lacking = [one for one, verdicts in asked if isinstance(one, Part) and True not in verdicts]
    return _at_one_end(parts) and not any(_implied(part, parts) for part in lacking)


def _at_one_end(parts: Sequence[Part]) -> bool:
    """Of two beginnings the longer one begins with the other; so with ends."""
    begins = sorted((part.piece for part in parts if part.where == "starts_with"), key=len)
    ends = sorted((part.piece for part in parts if part.where == "ends_with"), key=len)
    return all(longer.startswith(piece) for piece, longer in pairwise(begins)) and all(
        longer.endswith(piece) for piece, longer in pairwise(ends)
    )


def _implied(lacking: Part, parts: Sequence[Part]) -> bool:
    """Whether a text that has these parts has the other one too."""
    return any(lacking.is_in(part.piece) for part in parts if lacking.where in {"contains", part.where})
