"""The help centre: its articles, in the main language or in another.

The caller is one of the staff, who also sees drafts and what only some may read. The 404 of what is absent is assumed.
"""

from typing import Any

from flask import Blueprint, request

from sandbox.common.helpcenter import Article, HelpCenter, Words
from sandbox.zendesk import errors
from sandbox.zendesk.backend import Backend
from sandbox.zendesk.paging import page
from sandbox.zendesk.times import stamp

MAIN = "en-us"
_SEGMENTS = {"everybody": None, "customers": 360001, "agents": 360002}


def routes(face: Blueprint, backend: Backend) -> None:
    """Register the endpoints."""

    @face.get("/help_center/articles")
    @face.get("/help_center/<locale>/articles")
    def articles_list(locale: str = MAIN) -> dict[str, Any]:
        shown = _in(backend.help_center, locale)
        return page("articles", shown, lambda each: _article(*each, locale))


def _in(help_center: HelpCenter, locale: str) -> list[tuple[Article, Words]]:
    """The articles that there are in a language. Raises Refusal (404)."""
    written = help_center.articles.values()
    known = {MAIN}.union(*(article.translations for article in written))
    if not help_center.enabled or locale not in known:
        raise errors.not_found()
    if locale == MAIN:
        return [(article, article) for article in written]
    return [(article, article.translations[locale]) for article in written if locale in article.translations]


def _article(article: Article, words: Words, locale: str) -> dict[str, Any]:
    segment = _SEGMENTS[article.audience]
    return {
        "id": article.id,
        "url": f"{request.host_url}api/v2/help_center/{locale}/articles/{article.id}.json",
        "html_url": f"{request.host_url}hc/{locale}/articles/{article.id}",
        "title": words.title,
        "body": words.body,
        "draft": not article.published,
        "promoted": False,
        "position": 0,
        "locale": locale,
        "source_locale": MAIN,
        "outdated": False,
        "outdated_locales": [],
        "user_segment_id": segment,
        "user_segment_ids": [] if segment is None else [segment],
        "label_names": [],
        "created_at": stamp(article.at),
        "updated_at": stamp(article.at),
        "edited_at": stamp(article.at),
    }
