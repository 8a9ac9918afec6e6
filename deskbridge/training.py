"""Trains a model on a desk's own tickets, and brings it into effect where it is better than the one that is."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from scipy.stats import binom

from bridge.drift import ENOUGH, Seen, Sign, signs
from bridge.errors import DeskbridgeError
from bridge.history import Labelled
from bridge.labelling import UnusableModel, digest, load
from bridge.model import Decision, Use
from bridge.store import Store, feedback, journal, models
from bridge.store.activations import How
from bridge.store.feedback import Word
from bridge.store.models import Usual
from bridge.triage import Text, intent
from bridge.triage.intent import Evaluation, Example, Model, Options
from bridge.triage.intent.terms import prepared

NEWEST: Final = 5
"""One ticket in so many, the newest, is not learnt from: on those the new model is measured and compared."""

FRESH_LEAST: Final = 50
"""Tickets that neither model has learnt from, below which no comparison decides."""

CHANCE: Final = 0.1
"""How likely chance alone may make a new model look as much better as it does (a sign test)."""

Watch = Callable[[str, float], None]


class TooFew(DeskbridgeError):
    """There are not enough labelled tickets to learn from and to measure by."""


@dataclass(frozen=True, slots=True)
class Rivals:
    """Two models on the same fresh tickets: how many each alone had right, and how likely chance makes it so.

    `before` is the version in effect, None where the rival is to say the commonest label always.
    """

    before: str | None
    fresh: int
    better: int
    worse: int
    chance: float

    @property
    def won(self) -> bool:
        """True where the new model is to be promoted."""
        return self.fresh >= FRESH_LEAST and self.better > self.worse and self.chance <= CHANCE

    @property
    def words(self) -> str:
        """The comparison in one sentence."""
        rival = f"model {self.before}" if self.before else "the commonest label"
        if self.fresh < FRESH_LEAST:
            return f"only {self.fresh} tickets are newer than what {rival} learnt from; {FRESH_LEAST} are needed"
        told = f"of {self.fresh} fresh tickets {self.better} right where {rival} is wrong, {self.worse} the reverse"
        return f"{told} (chance alone: {self.chance:.1%})"


@dataclass(frozen=True, slots=True)
class Trained:
    """A new model, its figures on the newest tickets, how it compares, and whether it is in effect now."""

    known: models.Model
    evaluation: Evaluation
    rivals: Rivals
    promoted: bool

    def plain(self) -> dict[str, Any]:
        """The whole as JSON can say it."""
        return {
            "version": self.known.version,
            "desk": self.known.desk,
            "label": self.known.place,
            "tickets": self.known.tickets,
            "trained_until": self.known.trained_until.isoformat(),
            "promoted": self.promoted,
            "comparison": {
                "with": self.rivals.before,
                "fresh": self.rivals.fresh,
                "better": self.rivals.better,
                "worse": self.rivals.worse,
                "chance": self.rivals.chance,
                "words": self.rivals.words,
            },
            "evaluation": self.evaluation.model_dump(),
        }


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a training takes place: the database, the folder of the models, who trains, and on whose tickets."""

    store: Store
    folder: Path
    desk: str
    place: str
    who: str
    promise: float


def train(examples: Sequence[Labelled], ground: Ground, options: Options, watch: Watch, now: datetime) -> Trained:
    """A model of the older examples, measured on the newest, kept, and promoted where it wins. Raises TooFew."""
    ordered = sorted(examples, key=lambda one: (one.at, one.ticket))
    asked = ordered[len(ordered) - len(ordered) // NEWEST :]
    learnt = ordered[: len(ordered) - len(asked)]
    if len(asked) < FRESH_LEAST // 2:
        raise TooFew(
            f"{len(examples)} labelled tickets; {FRESH_LEAST // 2 * NEWEST} are needed, one in {NEWEST} to measure by: "
            "look further back with --since, or at another place with --label"
        )
    model = intent.train(map(_example, learnt), options, watch)
    version = f"{now:%Y%m%d-%H%M%S}"
    folder = ground.folder / version
    intent.save(model, folder)
    usual = _usual(model, asked, ground.promise)
    known = models.Model(version, now, ground.desk, ground.place, len(learnt), learnt[-1].at, digest(folder), usual)
    rivals = _rivals(model, ground, learnt, asked)
    with ground.store.writing() as connection:
        models.keep(connection, known)
    if rivals.won:
        models.activate(ground.store, version, how=How.TRAINING, who=ground.who, now=now)
    return Trained(known, intent.evaluate(model, map(_example, asked)), rivals, rivals.won)


def _example(one: Labelled) -> Example:
    return Example(one.text, one.label, ref=one.ticket, thread=one.thread, at=one.at)


def _rivals(model: Model, ground: Ground, learnt: Sequence[Labelled], asked: Sequence[Labelled]) -> Rivals:
    """The new model beside the one in effect, on what neither has learnt from; that must be of the same labels."""
    with ground.store.reading() as connection:
        before = models.in_effect(connection)
    comparable = before is not None and (before.desk, before.place) == (ground.desk, ground.place)
    if before is not None and comparable:
        asked = [one for one in asked if one.at > before.trained_until]
        try:
            said = _labels(load(before, ground.folder).model, asked)
        except UnusableModel:  # what cannot be asked labels nothing
            said = [None] * len(asked)
    else:
        ((commonest, _),) = Counter(one.label for one in learnt).most_common(1)
        said = [commonest] * len(asked)
    pairs = list(zip(_labels(model, asked), said, (one.label for one in asked), strict=True))
    better = sum(new == label != old for new, old, label in pairs)
    worse = sum(old == label != new for new, old, label in pairs)
    chance = float(binom.sf(better - 1, better + worse, 0.5))
    return Rivals(before.version if before is not None and comparable else None, len(asked), better, worse, chance)


def _labels(model: Model, asked: Sequence[Labelled]) -> list[str | None]:
    return [one.label for one in model.predict([one.text for one in asked])]


def _usual(model: Model, asked: Sequence[Labelled], promise: float) -> Usual:
    found = model.predict([one.text for one in asked], promise=promise)
    return Usual(
        tickets=len(asked),
        mix=shares(one.label for one in found),
        left=sum(one.verdict == "leave" for one in found) / len(asked),
        novel=novel(model, [one.text for one in asked]),
        accuracy=sum(one.label == each.label for one, each in zip(found, asked, strict=True)) / len(asked),
    )


def shares(labels: Iterable[str]) -> dict[str, float]:
    """The share of each label."""
    counts = Counter(labels)
    return {label: count / counts.total() for label, count in sorted(counts.items())}


def novel(model: Model, texts: Sequence[str]) -> float:
    """The share of words, each once a text and no numbers, that stood in fewer than two of the tickets learnt from."""
    known = frozenset(model.terms.names[: model.terms.words])
    words = [word for text in texts for word in set(Text(prepared(text)).tokens) if not word.isdigit()]
    return sum(word not in known for word in words) / len(words) if words else 0.0


_ADVICE: Final = {
    "unknown": f"Too few tickets to tell: {ENOUGH} are needed.",
    "steady": "Steady: tickets are what the model learnt from.",
    "watch": "Watch: something is moving; look again in a week.",
    "moved": "Moved: train anew, `deskbridge triage train --desk`; until then have people look.",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """How the model in effect fares since a time."""

    known: models.Model
    since: datetime
    seen: Seen
    signs: list[Sign]

    @property
    def verdict(self) -> str:
        """The worst of the signs in one word."""
        return max(sign.verdict for sign in self.signs).word if self.signs else "unknown"

    @property
    def words(self) -> str:
        """The verdict in a sentence, with what to do."""
        return _ADVICE[self.verdict]


def drift(store: Store, folder: Path, since: datetime) -> Drift:
    """How far what the model in effect met since then is from what it learnt. Raises NoSuchModel."""
    with store.reading() as connection:
        known = models.in_effect(connection)
        if known is None:
            raise models.NoSuchModel("no model is in effect; `deskbridge triage train --desk` makes one")
        asked = (one for one in journal.since(connection, since) if _is_by(one, known.version))
        decided = list({one.ref: one for one in asked}.values())
        words = [word for word in feedback.since(connection, since) if word.model == known.version]
    seen = _seen(known, folder, decided, words)
    return Drift(known, since, seen, signs(known.usual, seen))


def _is_by(decision: Decision, version: str) -> bool:
    return decision.triage.predicted is not None and decision.triage.predicted.model == version


def _seen(known: models.Model, folder: Path, decided: Sequence[Decision], words: Sequence[Word]) -> Seen:
    if not decided:
        return Seen(0, judged=len(words), agreed=_agreed(words))
    try:
        unknown = novel(load(known, folder).model, [one.text for one in decided])
    except UnusableModel as error:
        raise models.NoSuchModel(str(error)) from error
    predicted = [one.triage.predicted for one in decided if one.triage.predicted is not None]
    return Seen(
        tickets=len(decided),
        mix=shares(one.label for one in predicted),
        left=sum(one.use is Use.LEAVE for one in predicted) / len(predicted),
        novel=unknown,
        judged=len(words),
        agreed=_agreed(words),
    )


def _agreed(words: Sequence[Word]) -> float:
    return sum(word.agreed for word in words) / len(words) if words else 0.0
