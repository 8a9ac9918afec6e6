"""The route of the help centre's articles, the last updated first; a workspace without a help centre has none."""

from typing import Any

from flask import Blueprint, request

from sandbox.common.helpcenter import Article, HelpCenter, Words
from sandbox.intercom.account import APP_ID, Workspace
from sandbox.intercom.paging import number_page

Json = dict[str, Any]

MAIN = "en"
PER_PAGE, PER_PAGE_MAX = 25, 250
_AUDIENCES = {"everybody": "everyone", "customers": "all_users", "agents": "restricted"}


def article_routes(space: Workspace, help_center: HelpCenter) -> Blueprint:
    """`GET /articles`."""
    face = Blueprint("articles", __name__)

    @face.get("/articles")
    def articles() -> Json:
        written = list(help_center.articles.values()) if help_center.enabled else []
        newest = sorted(written, key=lambda each: (each.at, each.id), reverse=True)
        rows, pages = number_page(newest, PER_PAGE, PER_PAGE_MAX, linked=True)
        data = [_article(each, space) for each in rows]
        return {"type": "list", "pages": pages, "total_count": len(newest), "data": data}

    return face


def _article(article: Article, space: Workspace) -> Json:
    translated = {MAIN: article, **article.translations}
    return {
        "id": str(article.id),
        "type": "article",
        "workspace_id": APP_ID,
        "parent_ids": [],
        "tags": {"type": "tag.list", "tags": []},
        "description": "",
        "help_center_audience": _AUDIENCES[article.audience],
        "default_locale": MAIN,
        "translated_content": {
            "type": "article_translated_content",
            **{
                locale: {"type": "article_content", **_content(article, words, locale, space)}
                for locale, words in translated.items()
            },
        },
        **_content(article, article, MAIN, space),
    }


def _content(article: Article, words: Words, locale: str, space: Workspace) -> Json:
    """What an article says in one language; a draft has no address yet."""
    address = f"{request.host_url}help/{locale}/articles/{article.id}"
    return {
        "title": words.title,
        "body": words.body,
        "author_id": int(space.integration.id),
        "state": "published" if article.published else "draft",
        "created_at": int(article.at),
        "updated_at": int(article.at),
        **({"url": address} if article.published else {}),
    }
