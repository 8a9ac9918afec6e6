"""How long a pattern can take on a text made for it, from its automaton: RE2 is fast only where that is small.

RE2 makes the states of a pattern's automaton as a text leads to them. Where a text leads to more than it can keep, it
goes on at a hundredth of its speed, and nothing that it tells says whether there is such a text. So the states are
counted here: the sets of positions in the pattern at which one may have arrived. Which characters a class has is asked
of RE2 itself; what stands between characters (`\\b`, `$`) is taken to hold.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from typing import Final, NamedTuple

import re2

from rules.questions import pattern as compiled

_PASS: Final = 40
_SLOW: Final = 8_000
_SLOW_POSITION: Final = 80
"""Microseconds on 32 kB, measured (docs/benchmarks.md says where): one pass over it, and one without an automaton."""

_KEPT: Final = 100_000
_STATE: Final = 20
"""What an automaton may weigh that RE2 surely keeps; what a state weighs beside its positions."""

_MADE: Final = 50
"""What is made of an automaton in a microsecond."""

_SAMPLES: Final = "".join(map(chr, range(128))) + (
    "\x85\xa0\xaa\xb5\xdf\xe0\xc0\xe9\xf1\xf8\u0152\u017f\u212a\u03a9\u03c9\u0416\u0436\u0301\u0660\u0661\u05d0\u0628\u0939"
    "\u3042\u30a2\u6f22\ud55c\ufb00\u2167\xb2\u2013\u201c\u20ac\u2122\u200d\ue000\U0001f600\U0001d518"
)
"""Characters that tell classes apart: ASCII, and one or two of each kind and script beyond it."""


@lru_cache(maxsize=4_096)
def cost(pattern: str) -> int:
    """Microseconds that a pattern which RE2 knows takes on 32 kB of the worst text, about.

    Where a match ends is looked for, and from there back where it begins: what is harder counts.
    """
    machine = _Machine()
    whole = machine.add(_read(pattern))
    steps = machine.steps("".join(sorted({*_SAMPLES, *pattern})))
    width = max(compiled(pattern).programsize // max(len(machine.follow), 1), 1)
    ahead = _weight(whole.first & machine.begins, whole.first, machine.follow, steps, width)
    weight = max(ahead, _weight(whole.last, 0, _turned(machine.follow), steps, width))
    if weight > _KEPT:
        return _SLOW + _SLOW_POSITION * len(machine.follow)
    return _PASS + weight // _MADE


def _weight(begin: int, always: int, follow: Sequence[int], steps: set[int], width: int) -> int:
    """What all sets of positions weigh that are reached, as far as _KEPT; a match may begin anywhere with `always`.

    `width` is how many instructions a position has: characters are matched byte by byte.
    """
    seen, waiting, weight = {begin}, [begin], 0
    while waiting and weight <= _KEPT:
        reached = list(_bits(waiting.pop()))
        weight += _STATE + width * len(reached)
        after = always
        for position in reached:
            after |= follow[position]
        new = {after & step for step in steps} - seen
        seen |= new
        waiting += new
    return weight


def _turned(follow: Sequence[int]) -> list[int]:
    """What stands before each position, by what follows each."""
    before = [0] * len(follow)
    for position, after in enumerate(follow):
        for other in _bits(after):
            before[other] |= 1 << position
    return before


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


class _One(NamedTuple):
    """A character of those that `written` stands for."""

    written: str


class _Times(NamedTuple):
    """A part repeated; `most` is None where there is no end."""

    part: "_Part"
    least: int
    most: int | None


class _All(NamedTuple):
    """Parts that follow each other."""

    parts: "list[_Part]"


class _Any(NamedTuple):
    """Parts of which there is one."""

    parts: "list[_Part]"


_Part = _One | _Times | _All | _Any

_BEGIN: Final = _One("^")
"""Comes once, before the first character."""

_TOKEN: Final = re.compile(
    r"""\\Q(?P<quoted>.*?)(?:\\E|\Z)
    | (?P<edge>\\[bBzA]|[\^$])
    | (?P<times>[*+?]|\{\d+(?:,\d*)?\})\??
    | \(\?(?P<on>[a-zA-Z]*)(?:-(?P<off>[a-zA-Z]+))?(?P<scope>[:)])
    | (?P<open>\((?:\?P?<\w+>)?)
    | (?P<close>\))
    | (?P<bar>\|)
    | (?P<one>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\\(?:[pPx]\{[^}]*\}|[pP].|x..|[0-7]{1,3}|.)|.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class _Group:
    """A group that is open, with the flags that hold in it."""

    flags: frozenset[str]
    ways: list[list[_Part]] = field(default_factory=lambda: [[]])

    def take(self, token: re.Match[str]) -> None:
        """Put in what stands in this group itself."""
        row = self.ways[-1]
        match token.lastgroup:
            case "one":
                row.append(self._one(token["one"]))
            case "quoted":
                row.extend(self._one(re.escape(letter)) for letter in token["quoted"])
            case "edge":
                begins = token["edge"] == "\\A" or (token["edge"] == "^" and "m" not in self.flags)
                row.append(_BEGIN if begins else _All([]))
            case "times":
                row.append(_Times(row.pop(), *_often(token["times"])))
            case "bar":
                self.ways.append([])

    def _one(self, written: str) -> _One:
        """A character, as the flags have it."""
        return _One(f"(?{''.join(sorted(self.flags))}){written}" if self.flags else written)

    def part(self) -> _Part:
        """The whole, once closed."""
        ways = [row[0] if len(row) == 1 else _All(row) for row in self.ways]
        return ways[0] if len(ways) == 1 else _Any(ways)


def _read(pattern: str) -> _Part:
    """The parts of a pattern."""
    groups = [_Group(frozenset())]
    for token in _TOKEN.finditer(pattern):
        here = groups[-1]
        match token.lastgroup:
            case "open":
                groups.append(_Group(here.flags))
            case "close":
                groups.pop()
                groups[-1].ways[-1].append(here.part())
            case "scope":
                flags = (here.flags | set(token["on"])) - set(token["off"] or "")
                if token["scope"] == ":":
                    groups.append(_Group(flags))
                else:
                    here.flags = flags
            case _:
                here.take(token)
    return groups[0].part()


def _often(times: str) -> tuple[int, int | None]:
    """How often a part comes at least and at most, `?`, `+` and `{3,}` in numbers."""
    if times in _OFTEN:
        return _OFTEN[times]
    least, comma, most = times[1:-1].partition(",")
    return int(least), int(most) if most else None if comma else int(least)


_OFTEN: Final[Mapping[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class _Ends(NamedTuple):
    """The positions with which a part can begin and end, a bit for each; `empty` where it may be left out."""

    first: int
    last: int
    empty: bool


_NOTHING: Final = _Ends(0, 0, True)


class _Machine:
    """The positions of a pattern's characters, and which may follow which."""

    def __init__(self) -> None:
        self.follow: list[int] = []
        self.begins = 0
        self._written: defaultdict[str, int] = defaultdict(int)

    def add(self, part: _Part) -> _Ends:
        """Put a part in."""
        match part:
            case _One():
                return self._position(part)
            case _All(parts):
                return reduce(self._joined, map(self.add, parts), _NOTHING)
            case _Any(parts):
                return reduce(_either, map(self.add, parts))
        return self._repeated(part)

    def steps(self, samples: str) -> set[int]:
        """For each character that differs to the pattern, the positions that it may stand at."""
        found = dict.fromkeys(samples, 0)
        for written, positions in self._written.items():
            for letter in _members(written, samples):
                found[letter] |= positions
        return set(found.values())

    def _position(self, one: _One) -> _Ends:
        bit = 1 << len(self.follow)
        self.follow.append(0)
        if one is _BEGIN:
            self.begins |= bit
        else:
            self._written[one.written] |= bit
        return _Ends(bit, bit, False)

    def _joined(self, one: _Ends, other: _Ends) -> _Ends:
        for position in _bits(one.last):
            self.follow[position] |= other.first
        return _Ends(
            one.first | (other.first if one.empty else 0),
            other.last | (one.last if other.empty else 0),
            one.empty and other.empty,
        )

    def _repeated(self, times: _Times) -> _Ends:
        whole = reduce(self._joined, (self.add(times.part) for _ in range(times.least)), _NOTHING)
        if times.most is not None:
            more = (self.add(times.part)._replace(empty=True) for _ in range(times.most - times.least))
            return reduce(self._joined, more, whole)
        again = self.add(times.part)._replace(empty=True)
        self._joined(again, again)
        return self._joined(whole, again)


def _either(one: _Ends, other: _Ends) -> _Ends:
    return _Ends(one.first | other.first, one.last | other.last, one.empty or other.empty)


@lru_cache(maxsize=4_096)
def _members(written: str, samples: str) -> frozenset[str]:
    """Those of the samples that `written` stands for."""
    return frozenset(samples).intersection(re2.findall(written, samples))
