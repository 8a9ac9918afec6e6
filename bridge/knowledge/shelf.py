"""The articles and solved tickets of this process, searched for each ticket; built anew where they have changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Generic, TypeVar

import structlog

from bridge.knowledge.articles import ArticleFault, Source, Stamp, of_files
from bridge.knowledge.helpcenter import HelpCenter
from bridge.knowledge.options import ArticleSource, HelpCenterOptions, KnowledgeOptions
from bridge.knowledge.search import Index
from bridge.model import Suggestion, Ticket
from bridge.ports import Article
from bridge.store import Store, helpcenters
from bridge.store.solved import Solved, newest
from bridge.triage import redact

log = structlog.get_logger(__name__)

T = TypeVar("T")

MOST: Final = 3
"""So many articles are suggested at most, and so many tickets."""


@dataclass(slots=True)
class _Rack:
    """The articles of one source as last read."""

    source: Source
    stamp: Stamp | None = None
    articles: list[Article] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Searched(Generic[T]):
    """Documents with the index over them, replaced together: another thread may be searching."""

    documents: Sequence[T]
    index: Index

    def above(self, floor: float, text: str, most: int) -> list[tuple[T, float]]:
        """The best documents with scores from `floor` up, the best first."""
        return [(self.documents[at], score) for at, score in self.index.find(text, most) if score >= floor]


class Shelf:
    """What may help with a ticket. `refresh` belongs to the schedule; `suggest` asks memory only, from any thread."""

    def __init__(self, options: KnowledgeOptions, store: Store, desks: Sequence[str]) -> None:
        self._options = options
        self._store = store
        self._desks = desks
        self._racks = [_Rack(_source(each, store)) for each in options.articles]
        self._one_at_a_time = Lock()
        self._articles: _Searched[Article] | None = None
        self._solved: dict[str, _Searched[Solved]] = {}
        self._faults: list[str] = []

    def refresh(self) -> None:
        """Read what changed since the last time. What cannot be read is told, and stays as it was read before."""
        with self._one_at_a_time:
            self._refresh()

    def _refresh(self) -> None:
        faults = self._unread()
        changed = [self._reread(rack, faults) for rack in self._racks]
        if any(changed):
            articles = [article for rack in self._racks for article in rack.articles]
            self._articles = _Searched(articles, Index([(one.title, one.text) for one in articles]))
            log.info("articles read", articles=len(articles))
        if self._options.solved_tickets:
            self._solved = {desk: self._of_desk(desk) for desk in self._desks}
        for words in faults:
            log.error("articles cannot be read", words=words)
        self._faults = faults

    def warnings(self) -> dict[str, str]:
        """What an admin should know of the articles although the bridge does its work."""
        return {"articles": "\n".join(self._faults)} if self._faults else {}

    def suggest(self, ticket: Ticket, text: str) -> tuple[Suggestion, ...]:
        """The articles, then the solved tickets of the same desk, that share most with a text, best first of each."""
        floor, solved = self._options.floor, self._solved.get(ticket.ref.desk)
        found = [_article(*one) for one in self._articles.above(floor, text, MOST)] if self._articles else []
        if solved is not None:
            alike = solved.above(floor, text, MOST + 1)
            found += [_ticket(one, score) for one, score in alike if one.id != ticket.ref.id][:MOST]
        return tuple(found)

    def _unread(self) -> list[str]:
        """Why help centres could not be read of late, by whichever process tried."""
        if not self._options.help_centers:
            return []
        with self._store.reading() as connection:
            return helpcenters.faults(connection)

    def _reread(self, rack: _Rack, faults: list[str]) -> bool:
        try:
            stamp = rack.source.stamp()
            if stamp == rack.stamp:
                return False
            rack.articles, rack.stamp = rack.source.read(), stamp
        except ArticleFault as error:
            faults.append(str(error))
            return False
        return True

    def _of_desk(self, desk: str) -> _Searched[Solved]:
        with self._store.reading() as connection:
            tickets = newest(connection, desk, self._options.solved_tickets)
        return _Searched(tickets, Index([(one.subject, one.text) for one in tickets]))


def _source(options: ArticleSource, store: Store) -> Source:
    """The source that the settings describe."""
    return HelpCenter(options, store) if isinstance(options, HelpCenterOptions) else of_files(options)


def _article(article: Article, score: float) -> Suggestion:
    return Suggestion("article", article.title, article.url, round(score, 2))


def _ticket(solved: Solved, score: float) -> Suggestion:
    return Suggestion("ticket", redact(f"{solved.id} {solved.subject}"), solved.url, round(score, 2))
