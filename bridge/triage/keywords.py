"""Intent by the policy's own words, with a confidence that anybody can work out by hand."""

from collections.abc import Mapping, Sequence

from bridge.model import Finding
from bridge.triage.words import Phrase, Text, found


class Keywords:
    """The words of every intent, compiled.

    A word weighs 1, a phrase of several words 2, and 1 more where the subject has it too. The heaviest intent wins (of
    equal ones the first in the policy) with confidence (1 - 0.1 / its weight) x its weight / (its weight + the next
    one's): a single undisputed word gives 0.90, two give 0.95, a tie stays below 0.5.
    """

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self._phrases = {intent: tuple(map(Phrase, written)) for intent, written in words.items()}

    def intent(self, subject: Text, text: Text) -> Finding | None:
        """The intent that the text's words speak for most, None where they speak for none."""
        weights = self.weights(subject, text)
        ranked = sorted(weights, key=lambda intent: -weights[intent])
        if not ranked or not weights[ranked[0]]:
            return None
        best = weights[ranked[0]]
        rival = weights[ranked[1]] if len(ranked) > 1 else 0
        confidence = (1 - 0.1 / best) * best / (best + rival)
        return Finding(ranked[0], round(confidence, 2), self.words(ranked[0], text))

    def weights(self, subject: Text, text: Text) -> dict[str, int]:
        """What the text's words weigh for each intent, in the order of the policy."""
        return {intent: self._weight(intent, subject, text) for intent in self._phrases}

    def words(self, intent: str, text: Text) -> tuple[str, ...]:
        """The words of an intent that the text has, as the policy writes them."""
        return found(self._phrases[intent], text)

    def _weight(self, intent: str, subject: Text, text: Text) -> int:
        return sum(
            min(phrase.size, 2) + phrase.is_in(subject) for phrase in self._phrases[intent] if phrase.is_in(text)
        )
