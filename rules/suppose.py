"""Other values that a ticket might have had, made of what conditions ask: what a nearest miss is looked for among."""

from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, combinations, islice
from math import ceil, floor
from typing import Any, Final, get_args

from bridge.model import Channel, EventKind, Finding, Priority, Status
from bridge.triage.language import LANGUAGE_CODES
from rules.alter import with_words
from rules.conditions import Automatic, Sentiment
from rules.nodes import Asked, Leaf, flow
from rules.operators import Urgency
from rules.questions import Among, Compared, Lacks, Part, Question, fold, rank_of
from rules.view import View, shown

SEVERAL_MAX: Final = 64
"""So many sets of tags, words or the like are tried for one key."""


@dataclass(frozen=True, slots=True)
class Supposed:
    """One key with another value: `value` is for `rules.alter`; a person reads `would_be` ("intent confidence were
    0.85") and `was` ("it was 0.81").

    `distance` says how far from the ticket's own value it is: below 1 for what is a matter of degree.
    """

    key: str
    value: Any = field(repr=False)
    would_be: str
    was: str
    distance: float


def supposed(view: View, key: str, leaves: Sequence[Leaf]) -> list[Supposed]:
    """Values of `key` that may make any of these leaves, which all ask of it, come out otherwise; nearest first."""
    if key in _FINDINGS:
        found = _findings(view, key, leaves)
    elif key in _TEXTS:
        found = _texts(view, key, leaves)
    elif key == "within":
        found = _times(view, leaves)
    elif isinstance(_value(view, leaves), frozenset):
        found = _sets(view, key, leaves)
    else:
        found = _singles(view, key, leaves)
    return sorted(found, key=lambda one: one.distance)


_FINDINGS: Final[Mapping[str, Sequence[str]]] = {
    "intent": (),
    "urgency": tuple(Urgency),
    "sentiment": get_args(Sentiment),
    "language": LANGUAGE_CODES,
    "automatic": tuple(reversed(get_args(Automatic))),
}
"""What triage finds, and the values of each that are a closed list; of whether a machine wrote it, none is known."""

_TEXTS: Final = ("subject", "text")
_OTHER: Final = "something else"
_UNKNOWN: Final = 1.5
"""How far away the unknown is: farther than another value."""


def _value(view: View, leaves: Sequence[Leaf]) -> Any:
    return leaves[0].asked[0].source.read(view)


def _asked(leaves: Sequence[Leaf]) -> Iterator[Asked]:
    return (asked for leaf in leaves for asked in leaf.asked)


def _questions(leaves: Sequence[Leaf]) -> Iterator[Question]:
    return (question for asked in _asked(leaves) for question in asked.questions)


def _named(leaves: Sequence[Leaf]) -> list[Any]:
    """Every value that the leaves name, as the file has it."""
    written = {fold(one): one for leaf in leaves for one in _scalars(leaf.written.data)}
    several = (question.values for question in _questions(leaves) if isinstance(question, Among | Lacks))
    return list(dict.fromkeys(written.get(one, one) for values in several for one in sorted(values, key=str)))


def _scalars(data: object) -> Iterator[Any]:
    match data:
        case dict():
            yield from chain.from_iterable(map(_scalars, data.values()))
        case list():
            yield from chain.from_iterable(map(_scalars, data))
        case _:
            yield data


def _findings(view: View, key: str, leaves: Sequence[Leaf]) -> Iterator[Supposed]:
    """The finding that there is, surer or less sure, and every other one."""
    found: Finding | None = getattr(view.case.triage, key)
    least = sorted({asked.source.least for asked in _asked(leaves)})
    was = f"it was {shown(found and found.value)}" + (f" ({found.confidence:.2f})" if found else "")
    if found is not None:
        for bound in {*least, *(round(one - 0.01, 6) for one in least if one)} - {found.confidence}:
            sure = f"{key} confidence were {bound:.15g}"
            other = Finding(found.value, bound)
            yield Supposed(key, other, sure, f"it was {found.confidence:.15g}", abs(bound - found.confidence))
        if key != "automatic":
            yield Supposed(key, None, f"{key} were unknown", was, _UNKNOWN)
    others = dict.fromkeys([*map(str, _named(leaves)), *(_FINDINGS[key] or (_OTHER,))])
    for value in (one for one in others if found is None or one != found.value):
        yield Supposed(key, Finding(value, max(least) or 1.0), f"{key} were {value}", was, 1.0)


def _texts(view: View, key: str, leaves: Sequence[Leaf]) -> Iterator[Supposed]:
    """The text with words that are asked for put in or taken out; a pattern cannot be turned into words."""
    text = view.subject.raw if key == "subject" else view.text.raw
    there = view.subject_phrases if key == "subject" else view.text_phrases
    values = (question.values for question in _questions(leaves) if isinstance(question, Among))
    for changed in _toggles(sorted(set(chain.from_iterable(values)), key=str)):
        added, removed = frozenset(changed) - there, frozenset(changed) & there
        words = _had(key, map(" ".join, sorted(added)), map(" ".join, sorted(removed)))
        was = f"it had {_listed(map(' '.join, sorted(removed)))}" if removed else "it had none of them"
        yield Supposed(key, with_words(text, added, removed), words, was, float(len(changed)))


def _sets(view: View, key: str, leaves: Sequence[Leaf]) -> Iterator[Supposed]:
    """The set with elements that are asked for put in or taken out."""
    there: frozenset[Any] = _value(view, leaves)
    was = f"they were {shown(there)}"
    folded = {fold(one): one for one in there}
    for changed in _toggles(_named(leaves)):
        added = {one for one in changed if fold(one) not in folded}
        removed = {folded[fold(one)] for one in changed if fold(one) in folded}
        words = _had(key, map(str, sorted(added)), map(str, sorted(removed)))
        yield Supposed(key, (there - removed) | added, words, was, float(len(changed)))


def _toggles(elements: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Every choice of elements, small ones first."""
    sizes = range(1, len(elements) + 1)
    return islice(chain.from_iterable(combinations(elements, size) for size in sizes), SEVERAL_MAX)


def _had(key: str, added: Iterable[str], removed: Iterable[str]) -> str:
    parts = [("had", list(added)), ("lacked", list(removed))]
    return f"{key} {' and '.join(f'{verb} {_listed(words)}' for verb, words in parts if words)}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _times(view: View, leaves: Sequence[Leaf]) -> Iterator[Supposed]:
    """The next moments at which one of the calendars opens or closes."""
    now = view.case.now
    for name in map(str, _named(leaves)):
        calendar = view.calendars[name]
        change = calendar.next_close if calendar.is_open(now) else calendar.next_open
        at: datetime | None = change(now)
        if at is not None:
            words = f"it were {at:%Y-%m-%d %H:%M} UTC, when {name} {'closes' if calendar.is_open(now) else 'opens'}"
            yield Supposed("within", at, words, f"it was {now:%Y-%m-%d %H:%M} UTC", 1.0)


def _singles(view: View, key: str, leaves: Sequence[Leaf]) -> Iterator[Supposed]:
    """Every value that is named or next to a bound, every one of a closed list, something else, the unknown."""
    present, named = _value(view, leaves), set(map(fold, _named(leaves)))
    was = f"it was {leaves[0].told(view)}"
    for value in dict.fromkeys(_others(key, leaves, present)):
        wall = _wall(view, value, leaves) if isinstance(value, timedelta) else value
        if wall is not None:
            words = flow(value) if isinstance(value, bool) else shown(value)
            yield Supposed(key, wall, f"{key} were {words}", was, _distance(present, value, named))
    if present is not None and key not in _ALWAYS_KNOWN:
        yield Supposed(key, None, f"{key} were unknown", was, _UNKNOWN)


_CLOSED: Final[Mapping[str, Sequence[Any]]] = {
    "event": tuple(EventKind),
    "status": tuple(Status),
    "priority": tuple(Priority),
    "channel": tuple(Channel),
    "asks_for_human": (True, False),
}
_ALWAYS_KNOWN: Final = (*_CLOSED, "messages.requester", "messages.agent")


def _others(key: str, leaves: Sequence[Leaf], present: Any) -> Iterator[Any]:
    if key in _CLOSED:
        yield from (one for one in _CLOSED[key] if one != present)
        return
    measured = [one for one in _questions(leaves) if isinstance(one, Compared)]
    timed = key in _DURATIONS
    for value in chain(_named(leaves), *map(_around, measured), _beside(_named(leaves))):
        if fold(value) != fold(present):
            yield timedelta(seconds=max(value, 0)) if timed else value
    if not timed:
        yield from (one.piece for one in _questions(leaves) if isinstance(one, Part))
        yield from () if key in _COUNTED else (_OTHER,)


_DURATIONS: Final = ("age", "idle", "waiting")
_COUNTED: Final = ("contacts_24h", "previous_tickets", "open_tickets", "messages.requester", "messages.agent")


def _around(question: Compared) -> Iterator[float]:
    """The bound itself, and the round numbers next to it on either side."""
    bound = question.bound
    if bound == int(bound):
        yield from (int(bound), int(bound) + 1, int(bound) - 1)
        return
    yield from (bound, floor(bound * 100 + 1) / 100, ceil(bound * 100 - 1) / 100, floor(bound), ceil(bound))


def _beside(values: Iterable[Any]) -> Iterator[Any]:
    """A number that is none of those named, and the other truth value."""
    for value in values:
        if isinstance(value, bool):
            yield not value
        elif isinstance(value, int | float):
            yield from (value + 1, value - 1)


def _wall(view: View, span: timedelta, leaves: Sequence[Leaf]) -> timedelta | None:
    """How long ago something was that was `span` of open hours ago; as long where no calendar counts."""
    calendar = next((asked.source.calendar for asked in _asked(leaves) if asked.source.calendar), None)
    if calendar is None:
        return span
    now, least, most = view.case.now, 0, int(_FAR.total_seconds())
    while least < most:
        middle = (least + most) // 2
        passed = view.since(now - timedelta(seconds=middle), calendar)
        least, most = (least, middle) if passed is not None and passed >= span else (middle + 1, most)
    return timedelta(seconds=least) if least < _FAR.total_seconds() else None


_FAR: Final = timedelta(days=92)
"""Open hours are counted back so far at most."""


def _distance(present: Any, value: Any, named: Container[Hashable]) -> float:
    """How far two values are from each other: below 1 where both are on a scale, less where conditions name it."""
    one, other = rank_of(present), rank_of(value)
    if one is None or other is None:
        return 1.0 if fold(value) in named else 1.25
    return abs(one - other) / (abs(one) + abs(other) + 1)
