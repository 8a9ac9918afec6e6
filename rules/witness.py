"""Looks for a ticket for which conditions hold together, in the shape that a policy's tests are given in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice, product
from typing import Any, Final

from bridge.model import Priority
from rules.alter import ASKING, SAMPLES
from rules.nodes import AllOf, AnyOf, Asked, Leaf, Node, Not
from rules.operators import PREFIXES, Urgency, duration_words
from rules.questions import Among, Compared, Matches, Part
from rules.schema import Given

WAYS_MAX: Final = 16
"""So many tickets are tried for one set of conditions."""

STEPS_MAX: Final = 2_000
"""So many leaves are tried for one set of conditions; there can be more ways than anybody has time for."""

Wish = tuple[Leaf, bool]
"""A leaf, and whether it should hold or fail."""

Demand = tuple[frozenset[Any], bool]
"""Values, and whether one of them must be there or none may."""


def witness(nodes: Sequence[Node]) -> Iterator[Given]:
    """Tickets for which all the conditions may well hold; whoever asks makes sure by asking the policy."""
    steps = iter(range(STEPS_MAX))
    for given in islice(_ways([(node, True) for node in nodes], {}, steps), WAYS_MAX):
        yield Given.model_validate(_written(given))


Chosen = Mapping[str, tuple[Sequence[Wish], Any]]
"""By key, what its leaves should do and a value for which they do."""


def _ways(wanted: Sequence[tuple[Node, bool]], chosen: Chosen, steps: Iterator[int]) -> Iterator[Chosen]:
    """The ways in which all of these come out as wanted; one that no value can go is left at once."""
    if not wanted:
        yield chosen
        return
    (node, truth), rest = wanted[0], wanted[1:]
    match node:
        case Leaf():
            key = node.written.key
            wishes = (*chosen.get(key, ((), None))[0], (node, truth))
            if next(steps, None) is not None and (value := _value(key, wishes)) is not _NOTHING:
                yield from _ways(rest, {**chosen, key: (wishes, value)}, steps)
        case Not():
            yield from _ways([(node.parts[0], not truth), *rest], chosen, steps)
        case AllOf() | AnyOf() if isinstance(node, AllOf) is truth:
            yield from _ways([*((part, truth) for part in node.parts), *rest], chosen, steps)
        case AllOf() | AnyOf():
            for part in node.parts:
                yield from _ways([(part, truth), *rest], chosen, steps)


def _value(key: str, wishes: Sequence[Wish]) -> Any:
    """A value for which the leaves do what they should, _NOTHING where there is none, None for the unknown."""
    if not _can_give(key):
        return _NOTHING
    if key in _TEXTS:
        return _text(wishes)
    if key in _SEVERAL:
        return _several(wishes)
    return _single(wishes)


def _written(chosen: Chosen) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for key, (_, value) in chosen.items():
        if key == "asks_for_human":
            _put(given, "text", ASKING if value else "")
        elif value not in (None, [], ""):
            _put(given, key, value)
    return given


_NOTHING: Final = object()
"""No value does what is wanted (None is one that does: the unknown)."""

_TEXTS: Final = ("subject", "text")
_SEVERAL: Final = ("tags", "previous_tags", "previous_assignees", "attachments", "organisation.tags")
_TIMES: Final = ("age", "idle", "waiting")


def _can_give(key: str) -> bool:
    names = {info.alias or name for name, info in Given.model_fields.items()} | {"text", "asks_for_human"}
    return key in names or any(key.startswith(f"{prefix}.") for prefix in PREFIXES)


def _put(given: dict[str, Any], key: str, value: Any) -> None:
    if key == "text":
        given["body"] = " … ".join(filter(None, (given.get("body", ""), value)))
    elif key == "attachments":
        given[key] = [SAMPLES[kind] for kind in value]
    elif key in _TIMES:
        given[key] = duration_words(value)
    else:
        given[key] = value


def _single(asked: Sequence[Wish]) -> Any:
    """The first value that answers every leaf as wanted."""
    tests = [(one, truth) for leaf, truth in asked for one in leaf.asked]
    key = asked[0][0].written.key
    typed = _TYPED.get(key, _as_is)
    for value in _candidates([one for one, _ in tests], key):
        if all(one.answer(typed(value)) is truth for one, truth in tests):
            return value
    return _NOTHING


def _as_is(value: Any) -> Any:
    return value


_TYPED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "priority": lambda value: value and Priority(value),
    "urgency": lambda value: value and Urgency(value),
}
"""What a source gives where it is more than the word in the file."""


def _candidates(asked: Iterable[Asked], key: str) -> Iterator[Any]:
    """Every value that a question names and its neighbours, then what no question names, then the unknown."""
    for question in (one for each in asked for one in each.questions):
        match question:
            case Among():
                yield from (
                    value[1] if isinstance(value, tuple) else value for value in sorted(question.values, key=str)
                )
            case Compared():
                for near in (0, 1, -1):
                    bound = question.bound + near
                    yield timedelta(seconds=max(bound, 0)) if key in _TIMES else _level(key, bound)
            case Part():
                yield question.piece
    yield from _OTHERS.get(key, ("something else",))
    if key != "asks_for_human":
        yield None


_LEVELS: Final[Mapping[str, Sequence[str]]] = {
    "priority": ("none", "low", "normal", "high", "urgent"),
    "urgency": ("low", "normal", "high", "critical"),
}
_OTHERS: Final[Mapping[str, Sequence[Any]]] = {
    "asks_for_human": (False, True),
    **_LEVELS,
    "event": ("ticket_created", "requester_replied"),
    "status": ("new", "open"),
    "channel": ("email", "chat"),
    "sentiment": ("neutral", "negative", "positive"),
    "language": ("en", "de"),
    "automatic": ("none", "auto_reply"),
    **dict.fromkeys(_TIMES, (timedelta(), timedelta(hours=1))),
    **dict.fromkeys(("contacts_24h", "previous_tickets", "open_tickets"), (0,)),
    **dict.fromkeys(("messages.requester", "messages.agent"), (1, 0)),
}
"""Values for keys whose words are a closed list, or numbers."""


def _level(key: str, bound: float) -> Any:
    scale = _LEVELS.get(key)
    if scale is not None:
        return scale[int(min(max(bound, 0), len(scale) - 1))]
    return int(bound) if bound.is_integer() else bound


def _several(asked: Sequence[Wish]) -> Any:
    """A set that has one of each list asked for and nothing that must not be there."""
    sets = (_chosen(demand) for demand in islice(product(*map(_demands, asked)), WAYS_MAX))
    return next((found for found in sets if found is not _NOTHING), _NOTHING)


def _chosen(demand: Sequence[Sequence[Demand]]) -> Any:
    wanted = [values for part in demand for values, truth in part if truth]
    unwanted = set().union(*(values for part in demand for values, truth in part if not truth))
    chosen: set[Any] = set()
    for values in wanted:
        allowed = sorted((value for value in values if value not in unwanted), key=str)
        if not allowed:
            return _NOTHING
        chosen.add(allowed[0])
    return sorted(chosen)


def _text(asked: Sequence[Wish]) -> Any:
    """Words asked for, one after the other; a pattern cannot be turned into a text that it matches."""
    if any(isinstance(question, Matches) for leaf, truth in asked for one in leaf.asked for question in one.questions):
        return _NOTHING
    chosen = _several(asked)
    return chosen if chosen is _NOTHING else " … ".join(" ".join(tokens) for tokens in chosen)


def _demands(wish: Wish) -> list[list[Demand]]:
    """The ways in which a leaf comes out as wanted: all of its questions hold, or any one of them fails."""
    leaf, truth = wish
    questions = [question for each in leaf.asked for question in each.questions]
    found = [
        (frozenset[Any](getattr(question, "values", ())), isinstance(question, Among) is truth)
        for question in questions
    ]
    return [found] if truth else [[one] for one in found]
