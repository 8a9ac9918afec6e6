"""A page of Intercom's help centre as articles: what is published, and for everybody. Pure.

Source: Intercom's OpenAPI description, `GET /articles`. Its internal articles are another list, which is not read.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from adapters.intercom.client import Row
from adapters.wire import plain
from bridge.ports import Article, ArticlePage

PER_PAGE: Final = "50"
"""The description names no size; Intercom gives 25 where none is asked for, and others have asked for up to 250."""


def query(cursor: str | None) -> dict[str, str]:
    """What to ask for; the cursor is the query of a page."""
    return {"per_page": PER_PAGE, **dict(parse_qsl(cursor or ""))}


def page(answer: Row, locale: str | None) -> ArticlePage:
    """The articles of a page, each in its help centre's main language or in the one asked for."""
    found = tuple(_articles(answer.get("data") or (), locale))
    return ArticlePage(found, _following(answer.get("pages") or {}))


def _following(pages: Row) -> str | None:
    """The query of the next page: the description has a cursor there, Intercom's own libraries count pages."""
    following, number = pages.get("next"), int(pages.get("page") or 1)
    if isinstance(following, Mapping) and following.get("starting_after"):
        return urlencode({"starting_after": following["starting_after"]})
    return urlencode({"page": number + 1}) if number < int(pages.get("total_pages") or 1) else None


def _articles(rows: Iterable[Row], locale: str | None) -> Iterator[Article]:
    for row in rows:
        shown = _in(row, locale)
        if row.get("help_center_audience") in {None, "everyone"} and shown.get("state") == "published":
            title = shown.get("title")
            if title:
                yield Article(str(title), plain(shown.get("body")), shown.get("url"))


def _in(row: Row, locale: str | None) -> Row:
    """An article in a language, empty where it is not translated; without a language as it stands."""
    if locale in {None, row.get("default_locale")}:
        return row
    translated: Row = (row.get("translated_content") or {}).get(locale) or {}
    return translated
