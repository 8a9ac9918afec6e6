"""Learns what people make of our labels: what we said of a ticket is compared with what stands there later."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bridge import labels
from bridge.labels import Place
from bridge.memory import applied
from bridge.model import Decision, Mode, Ticket
from bridge.store import Store, feedback
from bridge.store import roster as rosters
from bridge.store.feedback import Word

_ONE_EACH: Final = (Place("team"), Place("type"), Place("priority"))
"""Places that every ticket has once; beside them the fields that we wrote and the place of the model's labels."""

AFTER: Final = timedelta(seconds=2)
"""How much younger than our decision an update must be to be somebody's: our own write is one too, and desks count
whole seconds."""


def learn(store: Store, desk: str, tickets: Sequence[Ticket], asked_at: datetime) -> None:
    """Keep what stands on tickets where we had said something. `tickets` are as a read begun at `asked_at` showed them.

    It is no matter who changed it, a person or another rule of the desk: it is not what we said.
    """
    changed = {ticket.ref.id: ticket for ticket in tickets}
    with store.reading() as connection:
        said = feedback.said(connection, desk, changed, asked_at)
        roster = rosters.load(connection).get(desk)
    teams = {team.id: team.name for team in roster.teams} if roster is not None else {}
    words = [word for one in said for word in _words(one, changed[one.ref.id], teams)]
    newest = {(word.ticket, word.place): word for word in words}  # what was said last holds
    if newest:
        with store.writing() as connection:
            feedback.keep(store, connection, list(newest.values()))


def _words(decision: Decision, now: Ticket, teams: Mapping[str, str]) -> Iterator[Word]:
    """One word for each place of which the decision said something."""
    if decision.ticket is None or now.updated_at is None or now.updated_at < decision.at + AFTER:
        return
    predicted, before = decision.triage.predicted, decision.ticket
    after = applied(decision.change, before) if decision.mode is Mode.LIVE else before
    for place in _places(decision):
        label, became, model = place.of(after, teams), place.of(now, teams), None
        written = label is not None and label != place.of(before, teams)
        if predicted is not None and predicted.place == str(place):
            model = predicted.model
            label = label if written else predicted.label
        if label is not None and (written or (model is not None and became is not None)):
            where = (decision.ref.desk, decision.ref.id, str(place), decision.id)
            yield Word(*where, label, became, now.updated_at, written, model)


def _places(decision: Decision) -> Iterable[Place]:
    """Every place of which a decision may have said something, each once."""
    predicted = decision.triage.predicted
    own = [labels.place(predicted.place)] if predicted is not None and predicted.place is not None else []
    fields = (Place("field", name) for name in sorted(decision.change.fields))
    return dict.fromkeys((*_ONE_EACH, *fields, *own))
