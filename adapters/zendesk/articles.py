"""A page of Zendesk's help centre as articles: what is published, and for everybody. Pure.

Source: Help Center API reference, "Articles" and "User Segments".
"""

from adapters.wire import plain
from adapters.zendesk.mapping import Json, listing, mapping
from bridge.ports import Article, ArticlePage


def page(given: Json) -> ArticlePage:
    """The articles of a cursor page; archived ones Zendesk does not list."""
    meta = mapping(given.get("meta"))
    shown = (_article(row) for row in listing(given.get("articles")) if _is_for_everybody(row))
    return ArticlePage(tuple(shown), (meta.get("after_cursor") or None) if meta.get("has_more") else None)


def _is_for_everybody(row: Json) -> bool:
    """`draft` is of the language shown; a user segment (several on Enterprise) says who may read, none is everybody."""
    segments = [row.get("user_segment_id"), *(row.get("user_segment_ids") or ())]
    return bool(row.get("title")) and not row.get("draft") and not any(segments)


def _article(row: Json) -> Article:
    return Article(str(row["title"]), plain(row.get("body")), row.get("html_url"))
