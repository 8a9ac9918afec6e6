"""What the vendors' help centres say, in the shapes that they are documented or were recorded in, as articles."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from adapters.intercom import articles as intercom
from adapters.zendesk import articles as zendesk
from bridge.errors import BadCredential, NotThere
from bridge.ports import Article, ArticlePage
from tests.adapters.freshdesk_wire import desk, paged

ZENDESK = {
    "id": 35467,
    "html_url": "https://acme.zendesk.com/hc/en-us/articles/35467",
    "title": "Reset your password",
    "body": "<p>Choose <b>Forgot password</b>.</p>",
    "draft": False,
    "locale": "en-us",
    "user_segment_id": None,
}
INTERCOM = {
    "id": "6871119",
    "type": "article",
    "title": "Reset your password",
    "body": "<p>Choose <b>Forgot password</b>.</p>",
    "state": "published",
    "url": "https://help.acme.example/en/articles/6871119",
    "help_center_audience": "everyone",
}
TEXT = "Choose Forgot password."


def of_zendesk(*rows: Mapping[str, Any], meta: Mapping[str, Any] | None = None) -> ArticlePage:
    return zendesk.page({"articles": list(rows), "meta": meta or {"has_more": False, "after_cursor": "abc"}})


def of_intercom(
    *rows: Mapping[str, Any], pages: Mapping[str, Any] | None = None, locale: str | None = None
) -> ArticlePage:
    return intercom.page({"type": "list", "data": list(rows), "pages": pages}, locale)


# Zendesk --------------------------------------------------------------------------------------------------------------


def test_zendesks_article_is_text_with_its_public_address() -> None:
    article = Article("Reset your password", TEXT, "https://acme.zendesk.com/hc/en-us/articles/35467")
    assert of_zendesk(ZENDESK) == ArticlePage((article,), None)
    assert of_zendesk({**ZENDESK, "body": None}).articles[0].text == ""


@pytest.mark.parametrize(
    "more",
    [
        {"draft": True},
        {"user_segment_id": 360001},
        {"user_segment_ids": [360001, 360002]},
        {"user_segment_id": None, "user_segment_ids": [360002]},
        {"title": ""},
        {"title": None},
    ],
)
def test_zendesks_drafts_and_what_only_a_segment_may_read_are_left_out(more: dict[str, Any]) -> None:
    assert of_zendesk({**ZENDESK, **more}, ZENDESK).articles == of_zendesk(ZENDESK).articles


def test_zendesks_cursor_is_followed_only_where_there_is_more() -> None:
    assert of_zendesk(meta={"has_more": True, "after_cursor": "abc"}).cursor == "abc"
    assert of_zendesk(meta={"has_more": True, "after_cursor": None}).cursor is None
    assert zendesk.page({}) == ArticlePage((), None)


# Intercom -------------------------------------------------------------------------------------------------------------


def test_intercoms_article_is_text_with_its_public_address() -> None:
    article = Article("Reset your password", TEXT, "https://help.acme.example/en/articles/6871119")
    assert of_intercom(INTERCOM) == ArticlePage((article,), None)


@pytest.mark.parametrize("audience", ["all_users", "all_visitors", "all_leads", "all_visitors_and_leads", "restricted"])
def test_intercoms_articles_for_some_are_left_out(audience: str) -> None:
    assert of_intercom({**INTERCOM, "help_center_audience": audience}).articles == ()


def test_intercoms_drafts_are_left_out_and_an_article_that_tells_no_audience_is_for_everybody() -> None:
    assert of_intercom({**INTERCOM, "state": "draft"}).articles == ()
    older = {key: value for key, value in INTERCOM.items() if key != "help_center_audience"}
    assert len(of_intercom(older).articles) == 1


def test_an_intercom_article_in_a_language_is_its_translation_if_that_is_published() -> None:
    german = {"title": "Passwort", "body": "<p>W\u00e4hlen</p>", "state": "published", "url": "https://help/de"}
    row = {**INTERCOM, "default_locale": "en", "translated_content": {"de": german, "fr": {**german, "state": "draft"}}}
    assert of_intercom(row, locale="de").articles == (Article("Passwort", "W\u00e4hlen", "https://help/de"),)
    assert of_intercom(row, locale="en") == of_intercom(row)
    assert of_intercom(row, locale="fr").articles == of_intercom(row, locale="nl").articles == ()
    assert of_intercom({**INTERCOM, "translated_content": None}, locale="de").articles == ()


@pytest.mark.parametrize(
    ("pages", "query"),
    [
        ({"page": 1, "total_pages": 3, "next": "https://api.intercom.io/articles?per_page=50&page=2"}, {"page": "2"}),
        ({"page": 2, "total_pages": 3}, {"page": "3"}),
        (
            {"page": 1, "total_pages": 3, "next": {"page": 2, "starting_after": "WzE3M0=="}},
            {"starting_after": "WzE3M0=="},
        ),
    ],
)
def test_intercoms_next_page_is_asked_for_by_number_or_by_cursor(pages: dict[str, Any], query: dict[str, str]) -> None:
    cursor = of_intercom(pages=pages).cursor
    assert intercom.query(cursor) == {"per_page": "50", **query}


@pytest.mark.parametrize("pages", [None, {}, {"page": 3, "total_pages": 3, "next": None}, {"next": {}}])
def test_intercoms_last_page_is_the_end(pages: dict[str, Any] | None) -> None:
    assert of_intercom(pages=pages).cursor is None


# Freshdesk ------------------------------------------------------------------------------------------------------------

KB = {
    "GET /solutions/categories": [{"id": 3, "name": "General"}],
    "GET /solutions/categories/3/folders": [
        {"id": 4, "name": "Help", "visibility": 1, "articles_count": 2, "sub_folders_count": 1},
        {"id": 5, "name": "Signed in", "visibility": 2, "articles_count": 9, "sub_folders_count": 3},
        {"id": 6, "name": "Bots", "visibility": 7, "articles_count": 9},
        {"id": 7, "name": "Empty", "visibility": 1, "articles_count": 0},
    ],
    "GET /solutions/folders/4/subfolders": [{"id": 8, "name": "Older accounts tell no counts", "visibility": 1}],
    "GET /solutions/folders/4/articles": [
        {"id": 41, "title": "Draft", "status": 1, "description_text": "x"},
        {"id": 42, "title": "Export", "status": 2, "description": "<p>As <i>CSV</i></p>", "description_text": "As CSV"},
        {"id": 43, "title": "Archived", "status": 3, "description_text": "x"},
    ],
    "GET /solutions/folders/8/articles": [
        {"id": 81, "title": "Import", "status": 2, "description": "<p>One</p><p>Two</p>"}
    ],
}


def walked(answers: Mapping[str, Any]) -> tuple[list[Article], list[str]]:
    """The articles of a knowledge base, and what was asked, a list a page."""
    with desk(answers) as (made, account, _):
        page = made.articles(None)
        found = [*page.articles]
        while page.cursor is not None:
            page = made.articles(page.cursor)
            found += page.articles
        return found, account.asked()


def test_freshdesks_folders_that_all_may_read_are_walked_and_no_others() -> None:
    found, asked = walked(KB)
    base = "https://acme.freshdesk.example/support/solutions/articles"
    assert sorted(found, key=lambda one: one.title) == [
        Article("Export", "As CSV", f"{base}/42"),
        Article("Import", "One\nTwo", f"{base}/81"),
    ]
    assert sorted(asked) == sorted(KB)


def test_freshdesks_articles_in_a_language_are_another_list_of_the_same_folders() -> None:
    german = [{"id": 42, "title": "Ausfuhr", "status": 2, "description_text": "Als CSV"}]
    with desk({**KB, "GET /solutions/folders/4/articles/de": german}) as (made, account, _):
        cursor, found = None, list[Article]()
        while not account.requests or cursor is not None:
            page = made.articles(cursor, locale="de")
            cursor, found = page.cursor, [*found, *page.articles]
        assert found == [
            Article("Ausfuhr", "Als CSV", "https://acme.freshdesk.example/de/support/solutions/articles/42")
        ]
        assert "GET /solutions/folders/8/articles/de" in account.asked()


def test_a_freshdesk_list_of_several_pages_is_read_to_its_end() -> None:
    rows = [{"id": number, "title": f"Article {number}", "status": 2, "description_text": "x"} for number in range(230)]
    found, asked = walked({**KB, "GET /solutions/folders/4/articles": paged(rows)})
    assert len(found) == 231
    assert asked.count("GET /solutions/folders/4/articles") == 3


@pytest.mark.parametrize("gone", ["GET /solutions/folders/4/articles", "GET /solutions/folders/4/subfolders"])
def test_a_freshdesk_folder_that_was_deleted_meanwhile_is_empty(gone: str) -> None:
    found, _ = walked({line: answer for line, answer in KB.items() if line != gone})
    assert len(found) == 1


def test_a_freshdesk_account_without_a_knowledge_base_says_so() -> None:
    with pytest.raises(NotThere):
        walked({})
    refused = httpx.Response(403, json={"code": "require_feature", "message": "The Solutions feature is not supported"})
    with pytest.raises(BadCredential, match="Solutions feature"):
        walked({"GET /solutions/categories": refused})


def test_the_cursor_of_a_walk_is_text_that_outlives_the_process() -> None:
    with desk(KB) as (made, _, _):
        cursor = made.articles(None).cursor
    assert cursor is not None
    assert json.loads(cursor) == [["folders", "3", 1]]
    with desk(KB) as (another, account, _):
        another.articles(cursor)
        assert account.asked() == ["GET /solutions/categories/3/folders"]
