"""Where reconciliation stands in Freshdesk's list of changed tickets, which shifts while it is read."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

OVERLAP: Final = timedelta(seconds=60)
"""How far a new round goes back behind the newest ticket of the last: the list may show a change late."""

SECOND: Final = timedelta(seconds=1)
"""Freshdesk's times have no fractions, and whether `updated_since` includes its own second is not documented."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Page `page` (1-based) of the tickets changed since `since` (UTC), oldest change first.

    A ticket that changes while we read moves to the end and pulls all after it forward, over the edge between two
    pages. So we do not turn pages: each step asks for page 1 since the newest time seen. Only where a whole page
    shares one second are pages turned, and then the page before is read again after the one asked for.
    """

    since: datetime
    page: int = 1

    @classmethod
    def parse(cls, cursor: str) -> "Bookmark":
        """The bookmark of `str(bookmark)`."""
        since, page = cursor.split("|")
        return cls(datetime.fromisoformat(since), int(page))

    def __str__(self) -> str:
        return f"{self.since.isoformat()}|{self.page}"

    @property
    def updated_since(self) -> str:
        """The time as Freshdesk writes it: UTC, whole seconds, `Z`."""
        return self.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def pages(self) -> tuple[int, ...]:
        """The pages to read, in this order."""
        return (self.page, self.page - 1) if self.page > 1 else (1,)

    def after(self, newest: datetime, *, more: bool) -> "Bookmark":
        """Where to go on: `newest` is the last change on the page just read, `more` whether another may follow."""
        onward = newest - (SECOND if more else OVERLAP)
        if onward > self.since:
            return Bookmark(onward)
        return Bookmark(self.since, self.page + 1 if more else 1)
