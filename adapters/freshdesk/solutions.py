"""Freshdesk's knowledge base, walked one list a call: categories, the folders in them, folders in those, articles.

Source: API reference, "Solutions"; the lists of folders in folders and of translated articles from others' programs.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from adapters.freshdesk.client import PAGE_MAX, PAGES_MAX, FreshdeskClient
from adapters.freshdesk.mapping import Row
from adapters.wire import plain
from bridge.errors import NotThere
from bridge.ports import Article, ArticlePage

CATEGORIES: Final = "categories"
FOLDERS: Final = "folders"
SUBFOLDERS: Final = "subfolders"
ARTICLES: Final = "articles"

ROUTES: Final = {
    CATEGORIES: "/solutions/categories",
    FOLDERS: "/solutions/categories/{id}/folders",
    SUBFOLDERS: "/solutions/folders/{id}/subfolders",
    ARTICLES: "/solutions/folders/{id}/articles",
}

EVERYBODY: Final = 1
"""`visibility` of a folder that all may read; 2 those signed in, 3 agents, 4 and up some companies, bots, contacts."""

PUBLISHED: Final = 2
"""`status` of an article; 1 is a draft."""

Stop = tuple[str, str, int]
"""A list, of which parent, and the page of it."""


def page(client: FreshdeskClient, base: str, cursor: str | None, locale: str | None) -> ArticlePage:
    """What the next stop of the walk shows; the cursor is all the stops ahead, the next one last. Raises DeskError."""
    *ahead, (kind, parent, number) = json.loads(cursor) if cursor else [(CATEGORIES, "", 1)]
    language = f"/{locale}" if locale and kind == ARTICLES else ""
    rows, more = _rows(client, ROUTES[kind] + language, parent, number)
    ahead += [(kind, parent, number + 1)] if more and number < PAGES_MAX else []
    ahead.extend(_inside(kind, rows))
    found = tuple(_articles(base + language, rows)) if kind == ARTICLES else ()
    return ArticlePage(found, json.dumps(ahead) if ahead else None)


def _rows(client: FreshdeskClient, route: str, parent: str, number: int) -> tuple[list[Row], bool]:
    """A list's page; a folder that was deleted since it was listed, or lacks the language, holds nothing."""
    try:
        return client.page(route, parent, PAGE_MAX, per_page=PAGE_MAX, page=number)
    except NotThere:
        if not parent:
            raise
        return [], False


def _inside(kind: str, rows: Sequence[Row]) -> Iterator[Stop]:
    """The stops that a list leads to; what is in a folder that not all may read is not for all either."""
    for row in rows:
        if kind == CATEGORIES:
            yield FOLDERS, str(row["id"]), 1
        elif kind != ARTICLES and row.get("visibility") == EVERYBODY:
            if row.get("sub_folders_count"):
                yield SUBFOLDERS, str(row["id"]), 1
            if row.get("articles_count") != 0:
                yield ARTICLES, str(row["id"]), 1


def _articles(base: str, rows: Sequence[Row]) -> Iterator[Article]:
    """An article's address is not told; the portal's own way to it holds in every account that has not closed it."""
    for row in rows:
        if row.get("status") == PUBLISHED and row.get("title"):
            url = f"{base}/support/solutions/articles/{row['id']}"
            yield Article(str(row["title"]), row.get("description_text") or plain(row.get("description")), url)
