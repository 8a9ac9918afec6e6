"""Conditions compiled: a tree that gives a verdict on a case, and the reason in the ticket's own values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bridge.triage import Text
from rules.conditions import Condition
from rules.operators import IntentTest, OneOf, SetTest, ValueTest, Verdict, WordsTest
from rules.view import READERS, Reading, View, fact, field, finding, shown


class Node(Protocol):
    """A compiled condition."""

    def holds(self, view: View) -> Verdict:
        """True, False, or None where something unknown decides."""

    def reason(self, view: View, holds: Verdict) -> str:
        """Why it gave this verdict: where it failed, the first part that did."""


@dataclass(frozen=True, slots=True)
class ValueLeaf:
    """One value against one test."""

    name: str
    read: Callable[[View], Reading]
    test: OneOf[Any]

    def holds(self, view: View) -> Verdict:
        """The test's verdict on the value."""
        return self.test.holds(self.read(view).value)

    def reason(self, view: View, holds: Verdict) -> str:
        """`intent is billing (0.90)`, `intent was login (0.90), not billing`."""
        value = self.read(view).shown
        return f"{self.name} is {value}" if holds else f"{self.name} was {value}, not {self.test.expected()}"


@dataclass(frozen=True, slots=True)
class SetLeaf:
    """The ticket's tags or kinds of attachments against a test; tags by what the desk calls them."""

    name: str
    read: Callable[[View], frozenset[str]]
    test: SetTest[Any]

    def holds(self, view: View) -> Verdict:
        """The test's verdict on the set; known always."""
        return self.test.holds(self.read(view))

    def reason(self, view: View, holds: Verdict) -> str:
        """`tags are a, vip`, `tags were a, not any of vip`."""
        values = shown(sorted(self.read(view))) or "none"
        return f"{self.name} are {values}" if holds else f"{self.name} were {values}, not {self.test.expected()}"


@dataclass(frozen=True, slots=True)
class WordsLeaf:
    """The subject or the whole text against words and patterns. Reasons tell the policy's words, never the ticket's."""

    name: str
    read: Callable[[View], Text]
    test: WordsTest

    def holds(self, view: View) -> Verdict:
        """The test's verdict on the text; known always."""
        return self.test.holds(self.read(view))

    def reason(self, view: View, holds: Verdict) -> str:
        """`text has 'lawyer'`, `text had none of lawyer, legal`."""
        text = self.read(view)
        return (
            f"{self.name} has {', '.join(self.test.found(text))}"
            if holds
            else f"{self.name} had {self.test.missing(text)}"
        )


@dataclass(frozen=True, slots=True)
class HumanLeaf:
    """Whether the requester asks for a person."""

    wanted: bool

    def holds(self, view: View) -> Verdict:
        """Known always."""
        return bool(view.human) is self.wanted

    def reason(self, view: View, holds: Verdict) -> str:  # noqa: ARG002 - the same words say either
        """`text asks for a human ('call me')`, `text does not ask for a human`."""
        if not view.human:
            return "text does not ask for a human"
        return f"text asks for a human ({', '.join(map(repr, view.human))})"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds where every part does; fails where one does; unknown otherwise."""

    parts: Sequence[Node]

    def holds(self, view: View) -> Verdict:
        """Stops at the first part that fails."""
        verdict: Verdict = True
        for part in self.parts:
            answer = part.holds(view)
            if answer is False:
                return False
            verdict = verdict if answer else None
        return verdict

    def reason(self, view: View, holds: Verdict) -> str:
        """All parts where it holds, else the first that did not."""
        if holds:
            return " and ".join(part.reason(view, True) for part in self.parts)
        return next(part.reason(view, answer) for part in self.parts if not (answer := part.holds(view)))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds where one part does; fails where every part does; unknown otherwise."""

    parts: Sequence[Node]

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

    part: Node

    def holds(self, view: View) -> Verdict:
        """The opposite."""
        answer = self.part.holds(view)
        return None if answer is None else not answer

    def reason(self, view: View, holds: Verdict) -> str:
        """The part's own reason, which says what the value is."""
        return self.part.reason(view, None if holds is None else not holds)


def compiled(condition: Condition) -> Node:
    """The condition ready to be asked. Several keys of one mapping become parts that must all hold."""
    given = ((name, getattr(condition, name)) for name in type(condition).model_fields)
    parts = [node for name, test in given if test is not None for node in _nodes(name, test)]
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _nodes(name: str, test: Any) -> list[Node]:
    if name in READERS:
        return [ValueLeaf(Condition.model_fields[name].alias or name, READERS[name], test)]
    return _OTHERS[name](test)


def _intent(test: IntentTest) -> list[Node]:
    def read(view: View) -> Reading:
        return finding(view.case.triage.intent, view.act if test.min_confidence is None else test.min_confidence)

    return [ValueLeaf("intent", read, test)]


def _named(reader: Callable[[str], Callable[[View], Reading]]) -> Callable[[Mapping[str, ValueTest]], list[Node]]:
    return lambda tests: [ValueLeaf(key, reader(key.partition(".")[2]), test) for key, test in tests.items()]


_OTHERS: Final[Mapping[str, Callable[[Any], list[Node]]]] = {
    "all": lambda parts: [AllOf([compiled(part) for part in parts])],
    "any": lambda parts: [AnyOf([compiled(part) for part in parts])],
    "not_": lambda part: [Not(compiled(part))],
    "tags": lambda test: [SetLeaf("tags", lambda view: view.tags, test)],
    "attachments": lambda test: [SetLeaf("attachments", lambda view: view.kinds, test)],
    "subject": lambda test: [WordsLeaf("subject", lambda view: view.subject, test)],
    "text": lambda test: [WordsLeaf("text", lambda view: view.text, test)],
    "asks_for_human": lambda wanted: [HumanLeaf(wanted)],
    "intent": _intent,
    "fields": _named(field),
    "facts": _named(fact),
}
"""The keys of a condition that are more than one value against one test."""
