"""The trained model of this process: which one the database says, loaded once, asked after the policy's own words."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bridge.errors import DeskbridgeError
from bridge.metrics import Metrics
from bridge.model import Case, Predicted, Ticket, Triage, Use
from bridge.ports import Policy
from bridge.store import Store, models
from bridge.store.activations import Activation
from bridge.triage import opening
from bridge.yamlfile import nearest

if TYPE_CHECKING:
    from bridge.triage.intent import Model

Read = Callable[[Policy, Ticket, str], Triage]
"""What a ticket's cleaned text says to a policy."""

MANIFEST: Final = "manifest.json"

SURE_ENOUGH: Final = 0.95
"""The precision that is promised where no policy says another."""


def words_alone(policy: Policy, ticket: Ticket, text: str) -> Triage:
    """What the text says by the policy's own words, where there is no model to ask."""
    return policy.triage(ticket, text)


def read_again(policy: Policy, case: Case) -> Triage:
    """What the text of a recorded case says to another policy, with the word of the model that was asked then."""
    found, predicted = policy.triage(case.ticket, case.text), case.triage.predicted
    return found if predicted is None else policy.over(found, predicted)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory with what the database says of it."""

    known: models.Model
    model: "Model"

    def predicted(self, text: str, promise: float) -> Predicted:
        """The model's word on a text; `promise` is the precision that rules may count on (0.5 to 0.995)."""
        (found,) = self.model.predict([text], promise=promise)
        return Predicted(
            label=found.label,
            confidence=round(found.confidence, 4),
            use=Use(found.verdict),
            because=found.because,
            words=found.explanation,
            model=self.known.version,
            place=self.known.place,
        )


def digest(folder: Path) -> str:
    """What a model's manifest is known by; it holds the digests of the other files. Raises OSError."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


class Labeller:
    """Asks the model in effect where the policy wants one. Without it, or where it cannot be read, the words decide.

    `folder` is the settings' `models`; each model lies in a folder of its version's name.
    """

    def __init__(self, store: Store, folder: Path, *, policy: Callable[[], Policy], metrics: Metrics) -> None:
        self._store = store
        self._folder = folder
        self._policy = policy
        self._metrics = metrics
        self._holds: Activation | None = None
        self._loaded: Loaded | None = None
        self._trouble: str | None = None

    def refresh(self) -> None:
        """Follow the database; nothing is loaded, and numpy not even imported, while the policy wants no model."""
        wanted = self._policy().labelling is not None
        holds, known = self._in_effect() if wanted else (None, None)
        if known is not None and holds == self._holds and self._trouble is None:
            return
        self._holds = holds
        try:
            self._take(self._load(known) if wanted else None, None)
        except UnusableModel as error:
            self._take(None, str(error))

    def _load(self, known: models.Model | None) -> Loaded:
        if known is None:
            raise UnusableModel("the policy wants a model and none is in effect; `deskbridge triage train` makes one")
        return load(known, self._folder)

    def _in_effect(self) -> tuple[Activation | None, models.Model | None]:
        with self._store.reading() as connection:
            holds = models.active(connection)
            return holds, models.find(connection, holds.version) if holds is not None else None

    def triage(self, policy: Policy, ticket: Ticket, text: str) -> Triage:
        """What a text says: by the policy's words, then by the model.

        That learnt from how people's tickets begin: it is not asked of what a machine wrote, nor after an answer.
        """
        found, loaded, labelling = policy.triage(ticket, text), self._loaded, policy.labelling
        if loaded is None or labelling is None or found.automatic is not None or opening(ticket) != ticket:
            return found
        return policy.over(found, loaded.predicted(text, labelling.promise))

    @property
    def version(self) -> str | None:
        """The model that is asked, None where none is."""
        return self._loaded.known.version if self._loaded is not None else None

    def warnings(self) -> dict[str, str]:
        """What an admin should know of the model although the bridge does its work."""
        found = {"model": self._trouble} if self._trouble is not None else {}
        if strange := self._strange():
            found["intents"] = strange
        return found

    def _strange(self) -> str | None:
        """What the policy's rules may ask the model for and never get."""
        loaded = self._loaded
        if loaded is None or (labelling := self._policy().labelling) is None:
            return None
        known = set(loaded.model.classes)
        missing = [
            f"'{name}' ({nearest(name, known) or 'no label is like it'})" for name in sorted(labelling.intents - known)
        ]
        version, names = loaded.known.version, ", ".join(missing)
        return f"model {version} never names {names}, which triage.model.intents of the policy has" if missing else None

    def _take(self, loaded: Loaded | None, trouble: str | None) -> None:
        if self._loaded is not None:
            self._metrics.model.remove(self._loaded.known.version)
        if loaded is not None:
            self._metrics.model.labels(loaded.known.version).set(1)
        self._metrics.model_troubles.set(trouble is not None)
        self._loaded, self._trouble = loaded, trouble


class UnusableModel(Exception):
    """A model's files are not what was trained, or cannot be read here; the words say what to do."""


def load(known: models.Model, folder: Path) -> Loaded:
    """The model of a version from its folder. Raises UnusableModel."""
    from bridge.triage import intent  # noqa: PLC0415 - numpy and scipy, which only who has a model pays

    place = folder / known.version
    hint = "copy the folder from where it was trained, or train anew"
    try:
        if digest(place) != known.digest:
            raise UnusableModel(f"{place} is not the model {known.version} that was trained; {hint}")
        loaded = Loaded(known, intent.load(place))
        loaded.predicted("", SURE_ENOUGH)  # what it needs may not be installed on this host
    except OSError as error:
        raise UnusableModel(f"{error.filename or place} cannot be read: {error.strerror}; {hint}") from error
    except DeskbridgeError as error:
        raise UnusableModel(f"model {known.version}: {error}") from error
    return loaded
