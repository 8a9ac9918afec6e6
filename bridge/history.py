"""Reads what a team has labelled at a desk: the words with which tickets began, and the label that people gave them.

Costs one call for each page of the list of changes, and one for each ticket whose words our journal has not kept.
What was read is written down beside the models, so that a second start goes on where the first was cut off.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bridge.errors import NotThere
from bridge.labels import Place
from bridge.memory import SETTLED
from bridge.model import Decision, Status, Ticket
from bridge.ports import Desk
from bridge.store import Store, feedback, journal
from bridge.store import roster as rosters
from bridge.store.feedback import Word
from bridge.triage import opening, redact, text_of
from bridge.triage.automatic import automatic

LABELS_MAX: Final = 200
"""Characters of a label; a longer value is no category."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A ticket as it began and the label that it has in the end. `text` is cleaned, personal data masked.

    Tickets of one `thread` ("" for none) are never on both sides of a trial.
    """

    ticket: str
    text: str = field(repr=False)
    label: str
    at: datetime
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reading is: tickets looked at, of them labelled by people, calls spared by the journal."""

    looked_at: int = 0
    labelled: int = 0
    spared: int = 0
    reached: datetime | None = None


class Notebook:
    """What was read so far, in a file of JSON lines that only its owner may read; gone once it is `done`."""

    def __init__(self, file: Path, about: str) -> None:
        self._file = file
        self.examples: dict[str, Labelled] = {}
        self.passed: set[str] = set()
        self.cursor: str | None = None
        self._open(about)

    def _open(self, about: str) -> None:
        """Go on with a notebook about the same, begin a new one otherwise."""
        lines = self._lines()
        if next(lines, {}).get("about") != about:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.touch(mode=0o600)
            self._file.write_text(json.dumps({"about": about}) + "\n", "utf-8")
            return
        for line in lines:
            self._take(line)

    def _lines(self) -> Iterator[dict[str, Any]]:
        """The lines that are whole: the last one may have been cut off."""
        if not self._file.exists():
            return
        for line in self._file.read_text("utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return

    def _take(self, line: Mapping[str, Any]) -> None:
        if "cursor" in line:
            self.cursor = line["cursor"]
        elif "passed" in line:
            self.passed.add(line["passed"])
        else:
            found = Labelled(**{**line, "at": datetime.fromisoformat(line["at"])})
            self.examples[found.ticket] = found

    def write(self, lines: Iterable[Mapping[str, object]]) -> None:
        """Put down lines, and remember them."""
        with self._file.open("a", encoding="utf-8") as stream:
            for line in lines:
                stream.write(json.dumps(line, default=str) + "\n")
                self._take(json.loads(json.dumps(line, default=str)))

    def knows(self, ticket: str) -> bool:
        """True for a ticket that was looked at before."""
        return ticket in self.examples or ticket in self.passed

    def done(self) -> None:
        """Take the file away."""
        self._file.unlink(missing_ok=True)


class History:
    """One desk's labelled tickets since a time, whose label stands at `place`."""

    def __init__(self, store: Store, desk: Desk, place: Place, notebook: Notebook, *, most: int) -> None:
        self._store = store
        self._desk = desk
        self._place = place
        self._notebook = notebook
        self._most = most
        self._spared = 0
        with store.reading() as connection:
            roster = rosters.load(connection).get(desk.name)
            self._words = feedback.of_place(connection, desk.name, str(place))
        self._teams = {team.id: team.name for team in (roster or desk.roster()).teams}

    def read(self, since: datetime) -> Iterator[Progress]:
        """Follow the list of changes, page by page, until its end or `most` labelled tickets. Raises DeskError."""
        looked_at, more = 0, True
        while more and len(self._notebook.examples) < self._most:
            page = self._desk.changed_since(self._notebook.cursor, start=since)
            self._page([ticket for ticket in page.tickets if not self._notebook.knows(ticket.ref.id)])
            looked_at, more = looked_at + len(page.tickets), page.more
            if more:
                self._notebook.write([{"cursor": page.cursor}])
            reached = max((ticket.updated_at for ticket in page.tickets if ticket.updated_at), default=None)
            yield Progress(looked_at, len(self._notebook.examples), self._spared, reached)

    def _page(self, tickets: Sequence[Ticket]) -> None:
        labelled = [ticket for ticket in tickets if self._label(ticket) is not None]
        with self._store.reading() as connection:
            first = journal.first_of(connection, self._desk.name, [ticket.ref.id for ticket in labelled])
        for ticket in labelled:
            found = self._example(ticket, first.get(ticket.ref.id))
            self._notebook.write([{"passed": ticket.ref.id} if found is None else asdict(found)])

    def _label(self, ticket: Ticket) -> str | None:
        """The label that people gave a ticket, None while it is open and where it is ours alone."""
        label = self._place.of(ticket, self._teams)
        word = self._words.get(ticket.ref.id)
        if ticket.status not in SETTLED - {Status.DELETED} or label is None or len(label) > LABELS_MAX:
            return None
        return None if word is not None and _ours(word, label) else label

    def _example(self, ticket: Ticket, decided: Decision | None) -> Labelled | None:
        """The example of a labelled ticket, None where a machine wrote it, nobody wrote a word, or it is gone."""
        if decided is not None and decided.text:
            self._spared += 1
            text, machine = decided.text, decided.triage.automatic is not None
        else:
            try:
                begun = opening(self._desk.fetch(ticket.ref))
            except NotThere:
                return None
            text = text_of(begun)
            machine = automatic(begun, text.removeprefix(begun.subject)) is not None
        label = self._label(ticket)
        if machine or not text.strip() or label is None:
            return None
        at = ticket.created_at or ticket.updated_at
        return None if at is None else Labelled(ticket.ref.id, redact(text), label, at)


def _ours(word: Word, label: str) -> bool:
    """Whether a label stands there because we wrote it: it teaches nothing but what we knew."""
    return word.written and word.said == label
