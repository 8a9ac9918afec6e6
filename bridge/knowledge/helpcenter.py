"""Articles of a desk's own help centre: read once for all processes, page by page, and kept in the database."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, cast

import structlog

from bridge.budget import throttled
from bridge.errors import BadCredential, DeskError, NotThere, Retryable, Unsupported
from bridge.knowledge.articles import MAX_BYTES, ArticleFault, Stamp
from bridge.knowledge.options import HelpCenterOptions
from bridge.ports import Article, Capability, Clock, Desk, HelpDesk
from bridge.store import Store, helpcenters
from bridge.store.helpcenters import Place, Reading

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(hours=1)
"""How often a help centre is read anew: a call for each page or folder, out of the desk's budget."""


class HelpCenter:
    """The articles of one help centre as they were last read whole (`bridge.knowledge.articles.Source`)."""

    def __init__(self, options: HelpCenterOptions, store: Store) -> None:
        self._place = Place(options.desk, options.locale)
        self._store = store

    def stamp(self) -> Stamp:
        """What differs once an article does."""
        with self._store.reading() as connection:
            return (helpcenters.digest(connection, self._place),)

    def read(self) -> list[Article]:
        """The articles; none before the first reading came to its end."""
        with self._store.reading() as connection:
            return helpcenters.articles(connection, self._place)


def read_on(store: Store, desk: Desk, locale: str | None, *, clock: Clock, enough: Callable[[], bool]) -> bool:
    """Go on reading a help centre to its end, or until it is `enough` for now; False where it was not due yet.

    What was read is kept where it breaks off, so that the next run goes on there, and takes the place of the reading
    before once it is whole. Of two at once the last to keep something wins, and the next goes on from that.
    Raises no DeskError: why it could not be read is kept for `Shelf.warnings`.
    """
    now, place = clock(), Place(desk.name, locale)
    with store.reading() as connection:
        reading = helpcenters.load(connection, place) or Reading(now)
    if reading.due_at > now:
        return False
    under_way = _UnderWay(desk, locale, reading)
    try:
        while not under_way.ended and not enough():
            under_way.turn()
    except Retryable as error:
        words = None if throttled(error) else _refusal(desk, error)
        helpcenters.go_on(store, place, under_way.reading(now), words=words)
        log.info("help centre not read to its end", desk=desk.name, words=error.words)
    except (DeskError, ArticleFault) as error:
        helpcenters.go_on(store, place, Reading(now + EVERY), words=_refusal(desk, error))
    else:
        _keep(store, place, under_way, now)
    return True


class _UnderWay:
    """A reading that goes on: what it has found, and where it stands."""

    def __init__(self, desk: Desk, locale: str | None, reading: Reading) -> None:
        self._desk = desk
        self._locale = locale
        self._cursor = reading.cursor
        self._found = list(reading.found)
        self.ended = False

    def turn(self) -> None:
        """Read one more page. Raises DeskError and ArticleFault."""
        if Capability.HELP_CENTER not in self._desk.can:
            raise Unsupported(f"{self._desk.vendor} has no help centre that can be read")
        page = cast("HelpDesk", self._desk).articles(self._cursor, locale=self._locale)
        if page.cursor is not None and page.cursor == self._cursor:
            raise ArticleFault("its list does not get on: the page after a page is that page again")
        self._found += page.articles
        self._cursor, self.ended = page.cursor, page.cursor is None
        if sum(len(one.text) for one in self._found) > MAX_BYTES:
            raise ArticleFault(f"it holds more than {MAX_BYTES:,} characters of articles")

    def reading(self, due_at: datetime) -> Reading:
        """Where to go on."""
        return Reading(due_at, self._cursor, tuple(self._found))

    def whole(self) -> list[Article]:
        """Each article once: what is edited while pages are turned may stand on two of them, the later as it is."""
        return sorted(
            {one.url or one.title: one for one in self._found}.values(), key=lambda one: (one.url or "", one.title)
        )


def _keep(store: Store, place: Place, under_way: _UnderWay, now: datetime) -> None:
    if not under_way.ended:
        helpcenters.go_on(store, place, under_way.reading(now), words=None)
        return
    found = under_way.whole()
    words = None if found else f"the help centre of {place.desk} has no published article that anybody may read"
    helpcenters.finish(store, place, found, due_at=now + EVERY, words=words)
    log.info("help centre read", desk=place.desk, locale=place.locale, articles=len(found))


def _refusal(desk: Desk, error: Exception) -> str:
    said = f"the help centre of {desk.name} cannot be read: {error}"
    hidden = isinstance(error, NotThere | BadCredential)
    return f"{said}. See that it is switched on and that the credential may read it" if hidden else said
