"""The faults a sandbox desk plays on request: on its API, at the socket, on its webhooks and its jobs."""

import random
from dataclasses import dataclass
from typing import Any

API_FAULTS = ("429", "500", "503", "slow", "reset", "timeout_after_write")
WEBHOOK_FAULTS = ("drop", "duplicate", "delay", "reorder")
JOB_FAULTS = ("kill",)
"""A background job dies half-way, at vendors that have such jobs."""

_FAULTS = API_FAULTS + WEBHOOK_FAULTS + JOB_FAULTS

PARAMETERS: dict[str, tuple[str, float]] = {
    "429": ("retry_after", 1.0),
    "503": ("retry_after", 1.0),
    "slow": ("seconds", 1.0),
    "timeout_after_write": ("hold", 1.0),
    "delay": ("seconds", 1.0),
    "reorder": ("seconds", 0.25),
}
"""The one number (in seconds) a fault takes: its name and its default. For `delay` it is the most, for `reorder` how
long a delivery is held back so that later ones overtake it."""


@dataclass
class Fault:
    """One fault: by chance (`probability` 0..1), or exactly the `next` n calls that match."""

    kind: str
    probability: float = 0.0
    next: int | None = None
    match: str = ""
    seconds: float = 0.0

    def render(self) -> dict[str, Any]:
        """The fault as the control face shows it."""
        shown: dict[str, Any] = {"match": self.match}
        shown |= {"probability": self.probability} if self.next is None else {"next": self.next}
        return shown | ({PARAMETERS[self.kind][0]: self.seconds} if self.kind in PARAMETERS else {})


class Faults:
    """Decides which call meets which fault, with seeded chance; guarded by the lock of its desk."""

    def __init__(self, seed: int = 0) -> None:
        self.chance = random.Random(seed)
        self._faults: dict[str, Fault] = {}

    def configure(self, wanted: dict[str, Any]) -> None:
        """Replace all faults: a name maps to a probability, or to {"probability" | "next", "match", its parameter}.

        Raises ValueError, with what to write instead, and then changes nothing.
        """
        self._faults = {kind: _fault(kind, value) for kind, value in wanted.items()}

    def clear(self) -> None:
        """No faults from now on."""
        self._faults = {}

    def decide(self, kind: str, subject: str) -> Fault | None:
        """The fault of this kind that meets this call, if any.

        `subject` is "METHOD /path" of an API call, the topic of a webhook, or the kind of a job.
        """
        fault = self._faults.get(kind)
        if fault is None or fault.match not in subject:
            return None
        if fault.next is None:
            return fault if self.chance.random() < fault.probability else None
        if fault.next == 0:
            return None
        fault.next -= 1
        return fault

    def render(self) -> dict[str, Any]:
        """All faults as the control face shows them."""
        return {kind: fault.render() for kind, fault in self._faults.items()}


def _fault(kind: str, value: Any) -> Fault:
    if kind not in _FAULTS:
        raise ValueError(f"unknown fault {kind!r}; known are {', '.join(_FAULTS)}")
    given = dict(value) if isinstance(value, dict) else {"probability": value}
    parameter, default = PARAMETERS.get(kind, (None, 0.0))
    fault = Fault(
        kind,
        probability=_number(kind, given.pop("probability", 0.0)),
        next=int(_number(kind, given.pop("next"))) if "next" in given else None,
        match=str(given.pop("match", "")),
        seconds=_number(kind, given.pop(parameter, default)) if parameter else 0.0,
    )
    if given or fault.probability > 1:
        known = ", ".join(filter(None, ["probability (0 to 1)", "next", "match", parameter]))
        raise ValueError(f"fault {kind!r} takes {known}; got {value!r}")
    return fault


def _number(kind: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"fault {kind!r} takes numbers of 0 or more; got {value!r}")
    return float(value)
