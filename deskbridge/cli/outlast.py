"""Patience within a command that a person waits for: a desk's passing fault is outlasted, and said while it lasts."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar, cast

import stamina
import typer
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from bridge.budget import Held
from bridge.errors import Retryable
from bridge.model import Roster, Ticket, TicketRef
from bridge.ports import Desk, OwnRules, Page

T = TypeVar("T")

ATTEMPTS_MAX: Final = 6
SECONDS_MAX: Final = 60.0
"""How often one call is made, and how long a person waits for it, before the desk's words are the answer."""


def patient(desk: Desk) -> Desk:
    """The desk, whose reads that a command makes outlast a passing fault. Raises the last one where it does not pass.

    What waits in the queue has a patience of its own, which survives the process (`bridge.pipeline.patience`).
    """
    return cast("Desk", _Patient(desk))


class _Patient:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)

    def fetch(self, ref: TicketRef, *, history: bool = False) -> Ticket:
        return outlast(self._desk.name, partial(self._desk.fetch, ref, history=history))

    def roster(self) -> Roster:
        return outlast(self._desk.name, self._desk.roster)

    def changed_since(self, cursor: str | None, *, start: datetime) -> Page:
        return outlast(self._desk.name, partial(self._desk.changed_since, cursor, start=start))

    def own_rules(self) -> Mapping[str, object]:
        return outlast(self._desk.name, cast("OwnRules", self._desk).own_rules)


def _passes(error: Exception) -> bool | float:
    """Whether to ask again, and after how many seconds where the desk (or our own budget) says so."""
    if not isinstance(error, Retryable) or _is_spent(error):
        return False
    return True if error.after is None else error.after <= SECONDS_MAX and error.after


def _is_spent(error: Exception) -> bool | float:
    """Whether our own budget alone is in the way, and for how many seconds: no fault, however often it is so."""
    return isinstance(error, Held) and error.spent and max(error.after or 0.0, 1.0)


@stamina.retry(on=_is_spent, attempts=None, timeout=None)
@stamina.retry(on=_passes, attempts=ATTEMPTS_MAX, timeout=SECONDS_MAX, wait_initial=0.5, wait_max=10.0)
def outlast(desk: str, ask: Callable[[], T]) -> T:
    """What `ask` gives in the end; it may be asked again and again, and our own budget is waited for.

    Raises the last fault of a desk that stays away.
    """
    del desk  # for `_tell`
    return ask()


def _tell(details: RetryDetails) -> None:
    typer.echo(f"desk '{details.args[0]}': {details.caused_by}; asked again in {details.wait_for:.0f} s", err=True)


set_on_retry_hooks([_tell])  # stamina's own would log it, to the same person
