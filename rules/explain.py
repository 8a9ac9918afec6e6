"""Why a policy decides as it does: triage, every rule, every condition, and what would have had to be otherwise."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bridge.model import Finding, Outcome, Triage
from bridge.triage import Keywords, Text
from rules.account import ConditionAccount, RuleAccount
from rules.misses import Miss
from rules.schema import Thresholds


@dataclass(frozen=True, slots=True)
class IntentAccount:
    """One intent of the policy: its words that the ticket has, what they weigh, and what came of it in one sentence.

    `line` is where its words stand.
    """

    intent: str
    line: int
    words: tuple[str, ...]
    weight: int
    because: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that led to an outcome. `misses` has at most one for each rule that was not applied."""

    triage: Triage
    intents: tuple[IntentAccount, ...]
    rules: tuple[RuleAccount, ...]
    misses: tuple[Miss, ...]
    outcome: Outcome

    @property
    def nearest(self) -> Miss | None:
        """Of all that would have sent the ticket elsewhere the one that needs least."""
        return nearest(self.misses)

    def miss(self, rule: str) -> Miss | None:
        """The nearest miss of a rule, where there is one."""
        return next((one for one in self.misses if one.rule == rule), None)

    def plain(self) -> dict[str, Any]:
        """The explanation as JSON can say it; it holds the policy's words and the ticket's values, never its text."""
        return {
            "triage": [*_triage(self.triage)],
            "predicted": None if self.triage.predicted is None else asdict(self.triage.predicted),
            "intents": [_intent(one) for one in self.intents],
            "rules": [_rule(one, self.miss(one.rule)) for one in self.rules],
            "nearest": None if self.nearest is None else self.nearest.words,
        }


def nearest(misses: Iterable[Miss]) -> Miss | None:
    """Of all that would have sent a ticket elsewhere the one that needs least."""
    routes = (one for one in misses if one.stage == "route")
    return min(routes, key=lambda one: one.distance, default=None)


def intents(
    keywords: Keywords, thresholds: Thresholds, lines: Mapping[str, int], subject: Text, text: Text
) -> Iterator[IntentAccount]:
    """The accounts of all intents, in the order of the policy."""
    found = keywords.intent(subject, text)
    for intent, weight in keywords.weights(subject, text).items():
        because = _because(intent, weight, found, thresholds)
        yield IntentAccount(intent, lines[intent], keywords.words(intent, text), weight, because)


def _because(intent: str, weight: int, found: Finding | None, thresholds: Thresholds) -> str:
    if found is None or not weight:
        return "none of its words"
    if found.value != intent:
        return f"weighs {weight}; '{found.value}' weighs more, or as much and stands before it"
    sure = f"weighs {weight}, which is {found.confidence:.2f} sure"
    if found.confidence >= thresholds.act:
        return f"{sure}: rules may use it, from {thresholds.act:g} on"
    if found.confidence >= thresholds.suggest:
        return f"{sure}: told in the note from {thresholds.suggest:g} on; rules use it from {thresholds.act:g} on"
    return f"{sure}: too unsure to be told, below {thresholds.suggest:g}"


def _triage(found: Triage) -> Iterator[dict[str, Any]]:
    single = {name: getattr(found, name) for name in ("intent", "urgency", "sentiment", "language", "automatic")}
    for name, one in single.items():
        if one is not None:
            yield {"what": name, "value": one.value, "confidence": one.confidence, "because": list(one.because)}
    for one in found.signals:
        yield {"what": "signal", "value": one.value, "confidence": one.confidence, "because": list(one.because)}


def _intent(one: IntentAccount) -> dict[str, Any]:
    return {
        "intent": one.intent,
        "line": one.line,
        "words": list(one.words),
        "weight": one.weight,
        "because": one.because,
    }


def _rule(one: RuleAccount, miss: Miss | None) -> dict[str, Any]:
    return {
        "stage": one.stage,
        "rule": one.rule,
        "line": one.line,
        "verdict": one.verdict,
        "applied": one.applied,
        "because": one.because,
        "condition": None if one.condition is None else _condition(one.condition),
        "miss": None if miss is None else _miss(miss),
    }


def _condition(one: ConditionAccount) -> dict[str, Any]:
    plain = {"words": one.words, "line": one.line, "verdict": one.verdict}
    return plain | ({"parts": [_condition(part) for part in one.parts]} if one.parts else {"value": one.value})


def _miss(one: Miss) -> dict[str, Any]:
    changes = [{"key": each.key, "would_be": each.would_be, "was": each.was} for each in one.changes]
    return {"words": one.words, "changes": changes}
