"""Conditions compiled: a tree that gives a verdict on a case, and the reason in the ticket's own values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.yamlfile import Document, Trail
from rules.conditions import Condition
from rules.operators import DurationTest, Found, Operators, SetTest, WordsTest, own_name
from rules.questions import Among, Matches, Question, Verdict, fold
from rules.view import OWN, SOURCES, Source, View, finding, open_calendars, phrases, raw_text, shown, since


@dataclass(eq=False, frozen=True, slots=True)
class Asked:
    """What is asked of one source, `unknown` being the answer where it gives nothing.

    Rules that ask the same share one of these, so that a case answers it once.
    """

    source: Source
    questions: tuple[Question, ...]
    unknown: Verdict

    def holds(self, view: View) -> Verdict:
        """True, False, or None where something unknown decides."""
        known = view.answers
        if id(self) not in known:
            known[id(self)] = self.answer(self.source.read(view))
        return known[id(self)]

    def answer(self, value: Any) -> Verdict:
        """The same for a value that the source might give."""
        return self.unknown if value is None else _all(one.holds(value) for one in self.questions)


@dataclass(frozen=True, slots=True)
class Written:
    """A part of a condition as the file has it: its key, what stands there, its line, and the path that leads to it."""

    key: str
    data: object
    line: int
    path: Trail

    @property
    def words(self) -> str:
        """`intent: billing`, in one line."""
        return f"{self.key}: {flow(self.data)}"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One key of a condition; what it asks must all hold."""

    asked: tuple[Asked, ...]
    written: Written

    def holds(self, view: View) -> Verdict:
        """True, False, or None where something unknown decides."""
        return _all(one.holds(view) for one in self.asked)

    def told(self, view: View) -> str:
        """The ticket's value in words; of a text, the words asked for that it has."""
        return "; ".join(dict.fromkeys(_told(one, view) for one in self.asked))

    def reason(self, view: View, holds: Verdict) -> str:
        """`intent is billing (0.90)`, `intent was login (0.90), not billing`, `text has 'refund'`."""
        key, told = self.written.key, self.told(view)
        if self.asked[0].source.name.split()[0] in _TEXTS:
            return f"{key} has {told}" if holds else f"{key} has {told}, wanted {shown(flow(self.written.data))}"
        several = isinstance(self.asked[0].source.read(view), frozenset)
        if holds:
            return f"{key} {'are' if several else 'is'} {told}"
        return f"{key} {'were' if several else 'was'} {told}, not {shown(flow(self.written.data))}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds where every part does; fails where one does; unknown otherwise."""

    parts: tuple["Node", ...]
    written: Written

    def holds(self, view: View) -> Verdict:
        """Stops at the first part that fails."""
        return _all(part.holds(view) for part in self.parts)

    def reason(self, view: View, holds: Verdict) -> str:
        """All parts where it holds, else the first that did not."""
        if holds:
            return " and ".join(part.reason(view, True) for part in self.parts)
        return next(part.reason(view, answer) for part in self.parts if (answer := part.holds(view)) is holds)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds where one part does; fails where every part does; unknown otherwise."""

    parts: tuple["Node", ...]
    written: Written

    def holds(self, view: View) -> Verdict:
        """Stops at the first part that holds."""
        verdict: Verdict = False
        for part in self.parts:
            answer = part.holds(view)
            if answer:
                return True
            verdict = None if answer is None else verdict
        return verdict

    def reason(self, view: View, holds: Verdict) -> str:
        """The first part that holds, else all of them."""
        if holds:
            return next(part.reason(view, True) for part in self.parts if part.holds(view))
        return "; ".join(part.reason(view, part.holds(view)) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where its part fails; what is unknown stays unknown."""

    parts: tuple["Node"]
    written: Written

    def holds(self, view: View) -> Verdict:
        """The opposite."""
        answer = self.parts[0].holds(view)
        return None if answer is None else not answer

    def reason(self, view: View, holds: Verdict) -> str:
        """The part's own reason, which says what the value is."""
        return self.parts[0].reason(view, None if holds is None else not holds)


Node = Leaf | AllOf | AnyOf | Not
"""A compiled condition."""


def leaves(node: Node) -> Iterator[Leaf]:
    """Every leaf of a condition, in the order of the file."""
    if isinstance(node, Leaf):
        yield node
        return
    for part in node.parts:
        yield from leaves(part)


def flow(data: object) -> str:
    """Data of a policy in one line, as YAML writes it where nothing needs quotes."""
    match data:
        case bool():
            return "true" if data else "false"
        case dict():
            return f"{{{', '.join(f'{key}: {flow(value)}' for key, value in data.items())}}}"
        case list():
            return f"[{', '.join(map(flow, data))}]"
    return str(data)


def _all(answers: Iterable[Verdict]) -> Verdict:
    verdict: Verdict = True
    for answer in answers:
        if answer is False:
            return False
        verdict = verdict if answer else None
    return verdict


def _told(asked: Asked, view: View) -> str:
    question = asked.questions[0]
    if isinstance(question, Matches) and asked.source.name.endswith(_AS_WRITTEN):
        return "a match of the pattern" if asked.holds(view) else "no match of the pattern"
    if asked.source.name in _TEXTS:
        wanted = frozenset().union(*(getattr(one, "values", ()) for one in asked.questions))
        has = sorted(repr(" ".join(tokens)) for tokens in wanted & asked.source.read(view))
        return shown(has) if has else "no such words"
    return asked.source.told(view)


_AS_WRITTEN: Final = raw_text("").name
_TEXTS: Final = ("subject", "text")


@dataclass(frozen=True, slots=True)
class Compiler:
    """Makes conditions ready to be asked; `act` is the confidence from which an intent counts."""

    document: Document
    act: float
    _shared: dict[tuple[str, tuple[Question, ...], Verdict], Asked] = field(default_factory=dict)

    def compiled(self, condition: Condition, data: Mapping[str, Any], path: Trail) -> Node:
        """The condition ready to be asked. Several keys of one mapping become parts that must all hold."""
        parts = tuple(self._parts(condition, data, path))
        return parts[0] if len(parts) == 1 else AllOf(parts, Written("all", data, self.document.place(path).line, path))

    def _parts(self, condition: Condition, data: Mapping[str, Any], path: Trail) -> Iterator[Node]:
        fields = type(condition).model_fields
        for name in (one for one in fields if one in condition.model_fields_set):
            test, key = getattr(condition, name), fields[name].alias or name
            if key in OWN:
                for own, own_test in test.items():
                    yield self._leaf(OWN[key](own, own_name(own)), own_test, self._written(own, data, path))
            elif test is not None:
                yield self._part(key, test, self._written(key, data, path), (*path, key))

    def _part(self, key: str, test: Any, written: Written, path: Trail) -> Node:
        if key in {"all", "any", "not"}:
            return self._branch(key, test, written, path)
        if isinstance(test, WordsTest):
            return Leaf(tuple(self._words(key, test)), written)
        if isinstance(test, bool):
            return Leaf((self._asked(SOURCES[key], (Among(frozenset((fold(test),))),), None),), written)
        return self._leaf(self._source(key, test), test, written)

    def _branch(self, key: str, test: Any, written: Written, path: Trail) -> Node:
        data: Any = written.data
        if key == "not":
            return Not((self.compiled(test, data, path),), written)
        parts = tuple(self.compiled(part, data[index], (*path, index)) for index, part in enumerate(test))
        return AllOf(parts, written) if key == "all" else AnyOf(parts, written)

    def _leaf(self, source: Source, test: Operators, written: Written) -> Leaf:
        return Leaf((self._asked(source, test.questions(), getattr(test, "unknown", None)),), written)

    def _words(self, key: str, test: WordsTest) -> Iterator[Asked]:
        if questions := test.questions():
            yield self._asked(phrases(key), questions, None)
        if test.pattern is not None:
            yield self._asked(raw_text(key), (Matches(test.pattern),), None)

    def _source(self, key: str, test: Operators) -> Source:
        if isinstance(test, Found):
            least = self.act if key == "intent" else 0
            return finding(key, least if test.min_confidence is None else test.min_confidence)
        if isinstance(test, DurationTest):
            return since(key, test.calendar)
        if key == "within":
            assert isinstance(test, SetTest)
            return open_calendars(frozenset((*(test.any_ or ()), *(test.all_ or ()), *(test.none_ or ()))))
        return SOURCES[key]

    def _asked(self, source: Source, questions: tuple[Question, ...], unknown: Verdict) -> Asked:
        """The same object for the same question, whichever rule asks it."""
        key = (source.name, questions, unknown)
        return self._shared.get(key) or self._shared.setdefault(key, Asked(source, questions, unknown))

    def _written(self, key: str, data: Mapping[str, Any], path: Trail) -> Written:
        return Written(key, data.get(key), self.document.place((*path, key), key=True).line, (*path, key))
