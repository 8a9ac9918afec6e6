"""Finds the rules that can hold for a case without looking at the others: whole numbers with a bit for every rule.

A condition is turned into clauses, all of which must be met: each a list of alternatives, each alternative one question
to one source. A bit of a mask is one clause of one rule; a source's value looks up the mask of the clauses that it
meets. What cannot be looked up (a pattern, a part of a text, more clauses than CLAUSES_MAX) is left out, and the rule
is then asked itself where its other clauses are met.
"""

import itertools
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rules.nodes import AnyOf, Asked, Leaf, Node, Not
from rules.questions import COMPARE, Among, Compared, Lacks, Question, fold, rank_of
from rules.view import Source, View

CLAUSES_MAX: Final = 8
"""Clauses looked up of one rule, so that masks stay short and conditions within conditions do not multiply."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One question answered as wanted, or, where `unknown`, a source that gives nothing."""

    source: Source
    question: Question
    wanted: bool
    unknown: bool


Clause = tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Needs:
    """The clauses that a condition needs met; `exact` where they say all of it."""

    clauses: tuple[Clause, ...]
    exact: bool


def needed(node: Node, truth: bool) -> Needs:
    """What must be met for a condition to be true, or with `truth` False, to be false (and not unknown)."""
    if isinstance(node, Not):
        return needed(node.parts[0], not truth)
    if isinstance(node, Leaf):
        asked = [_answered(one, truth) for one in node.asked]
        return _every(asked) if truth else _either(asked)
    parts = [needed(part, truth) for part in node.parts]
    return _either(parts) if isinstance(node, AnyOf) is truth else _every(parts)


def _answered(asked: Asked, truth: bool) -> Needs:
    ways = [Alternative(asked.source, one, truth, asked.unknown is truth) for one in asked.questions]
    known = [Needs(((way,),), True) if isinstance(way.question, _LOOKED_UP) else Needs((), False) for way in ways]
    return _every(known) if truth else _either(known)


_LOOKED_UP: Final = (Among, Lacks, Compared)


def _every(parts: Sequence[Needs]) -> Needs:
    clauses = tuple(clause for part in parts for clause in part.clauses)
    return Needs(clauses[:CLAUSES_MAX], len(clauses) <= CLAUSES_MAX and all(part.exact for part in parts))


def _either(parts: Sequence[Needs]) -> Needs:
    """A part without clauses leaves nothing to look up; where there would be too many, the first of each part does."""
    if math.prod(len(part.clauses) for part in parts) > CLAUSES_MAX:
        return Needs((sum((part.clauses[0] for part in parts), ()),), False)
    clauses = tuple(sum(chosen, ()) for chosen in itertools.product(*(part.clauses for part in parts)))
    return Needs(clauses, all(part.exact for part in parts) if clauses else any(map(_always, parts)))


def _always(part: Needs) -> bool:
    return part.exact and not part.clauses


class Index:
    """The conditions of all rules, in order; None is a rule without one."""

    def __init__(self, conditions: Sequence[Node | None]) -> None:
        needs = [Needs((), True) if node is None else needed(node, True) for node in conditions]
        self.exact = _bits([rule for rule, one in enumerate(needs) if one.exact])
        self._width = len(needs)
        self._depth = max((len(one.clauses) for one in needs), default=0)
        columns: dict[tuple[str, int], _Column] = {}
        free: list[int] = []
        for rule, one in enumerate(needs):
            for depth in range(self._depth):
                bit = depth * self._width + rule
                if depth >= len(one.clauses):
                    free.append(bit)
                    continue
                for place, way in _places(one.clauses[depth]):
                    columns.setdefault(place, _Column(way.source)).add(way, bit)
        self._free = _bits(free)
        self._columns = tuple(columns.values())
        for column in self._columns:
            column.seal()

    def possible(self, view: View) -> int:
        """A bit for every rule whose clauses are all met; it holds where it is `exact`, else it must be asked."""
        met = self._free
        for column in self._columns:
            met |= column.met(view)
        rules = (1 << self._width) - 1
        for _ in range(self._depth):
            rules &= met
            met >>= self._width
        return rules


def _places(clause: Clause) -> Iterator[tuple[tuple[str, int], Alternative]]:
    """The column of each alternative: a second "none of these" of one clause needs a column of its own.

    In one column it would withdraw a value that the first allows.
    """
    seen: Counter[str] = Counter()
    for way in clause:
        yield (way.source.name, 0 if _has(way) else seen[way.source.name]), way
        seen[way.source.name] += not _has(way)


def _has(way: Alternative) -> bool:
    return isinstance(way.question, Compared) or isinstance(way.question, Among) is way.wanted


class _Column:
    """What is asked of one source: the clauses that each of its values meets."""

    def __init__(self, source: Source) -> None:
        self._read = source.read
        self._having: defaultdict[Hashable, list[int]] = defaultdict(list)
        self._lacking: defaultdict[Hashable, list[int]] = defaultdict(list)
        self._compared: list[tuple[Compared, bool, int]] = []
        self._else: list[int] = []
        self._unknown: list[int] = []

    def add(self, way: Alternative, bit: int) -> None:
        """Remember that the clause is met by this alternative."""
        if way.unknown:
            self._unknown.append(bit)
        match way.question:
            case Compared():
                self._compared.append((way.question, way.wanted, bit))
            case Among() | Lacks():
                has = _has(way)
                self._else += [] if has else [bit]
                for value in way.question.values:
                    (self._having if has else self._lacking)[value].append(bit)

    def seal(self) -> None:
        """Make masks of what was added; few bits far apart stay a list, which is the smaller."""
        self._has = {value: _dense(bits) for value, bits in self._having.items()}
        self._lacks = {value: _dense(bits) for value, bits in self._lacking.items()}
        self._otherwise, self._if_unknown = _bits(self._else), _bits(self._unknown)
        self._bounds = sorted({one.bound for one, _, _ in self._compared})
        self._ranked: dict[int, int] = {}

    def met(self, view: View) -> int:
        """A bit for every clause that the value of the case meets."""
        value = self._read(view)
        if value is None:
            return self._if_unknown
        if isinstance(value, _SEVERAL):
            elements = [fold(one) for one in value]
            met, lacking = _joined(self._has, elements), _joined(self._lacks, elements) if self._otherwise else 0
        else:
            element = fold(value)
            met, lacking = _mask(self._has.get(element, 0)), _mask(self._lacks.get(element, 0))
        if self._otherwise:
            met |= self._otherwise & ~lacking
        return met | self._in_order(value) if self._bounds else met

    def _in_order(self, value: object) -> int:
        """The comparisons that a value meets, worked out once for all values between the same two bounds."""
        rank = rank_of(value)
        if rank is None:
            return 0
        place = bisect_left(self._bounds, rank)
        between = 2 * place + (place < len(self._bounds) and self._bounds[place] == rank)
        if between not in self._ranked:
            if len(self._ranked) >= _RANKED_MAX:
                self._ranked.clear()
            self._ranked[between] = _bits(
                [bit for one, wanted, bit in self._compared if COMPARE[one.comparison](rank, one.bound) is wanted]
            )
        return self._ranked[between]


_SEVERAL: Final = (list, set, frozenset)
_RANKED_MAX: Final = 256
"""So many masks are kept of one column; the memory of 10,000 rules with 10,000 bounds would be large."""


def _mask(bits: int | list[int]) -> int:
    return bits if isinstance(bits, int) else _bits(bits)


def _joined(masks: Mapping[Hashable, int | list[int]], elements: Sequence[Hashable]) -> int:
    joined, apart = 0, []
    for element in elements:
        found = masks.get(element, 0)
        if isinstance(found, int):
            joined |= found
        else:
            apart += found
    return joined | _bits(apart)


def _dense(bits: list[int]) -> int | list[int]:
    return _bits(bits) if max(bits) // 8 < _BYTES_A_BIT * len(bits) else bits


_BYTES_A_BIT: Final = 400
"""What a list of a number saves has to be more than this, since it makes a mask of it each time."""


def _bits(bits: Sequence[int]) -> int:
    """The number with these bits, made in one go: adding them one by one would copy it each time."""
    if not bits:
        return 0
    octets = bytearray(max(bits) // 8 + 1)
    for bit in bits:
        octets[bit >> 3] |= 1 << (bit & 7)
    return int.from_bytes(octets, "little")
