"""The routes of the knowledge base: one category, folders by who may read them, a folder in a folder, articles."""

from dataclasses import dataclass

from flask import Blueprint, Response

from sandbox.common.helpcenter import Article, HelpCenter, Words
from sandbox.freshdesk.wire import JSON, PAGING, Refusal, paged, query, stamp, text_of

CATEGORY = 70
_SINCE = "2026-01-05T09:00:00Z"


@dataclass(frozen=True)
class _Folder:
    """A folder for one audience; `inside` is the folder that it lies in."""

    id: int
    name: str
    audience: str
    visibility: int
    inside: int | None = None


_FOLDERS = {
    folder.id: folder
    for folder in (
        _Folder(71, "Help", "everybody", 1),
        _Folder(72, "More help", "everybody", 1, inside=71),
        _Folder(73, "For customers", "customers", 2),
        _Folder(74, "For the team", "agents", 3),
        _Folder(75, "Nothing yet", "nobody", 1),
    )
}


def solution_routes(api: Blueprint, help_center: HelpCenter) -> None:
    """Add the routes; every one is refused while the account has no knowledge base [assumed]."""

    def holds(folder: _Folder) -> list[Article]:
        """Every second article for everybody lies in the folder inside."""
        found = [each for each in help_center.articles.values() if each.audience == folder.audience]
        return [each for each in found if folder.visibility != 1 or bool(each.id % 2) != bool(folder.inside)]

    def listed(inside: int | None) -> Response:
        rows = [folder for folder in _FOLDERS.values() if folder.inside == inside]
        return paged(rows, query(**PAGING), lambda row: _folder(row, len(holds(row))))

    @api.get("/solutions/categories")
    def categories() -> Response:
        _require(help_center.enabled)
        return paged([CATEGORY], query(**PAGING), _category)

    @api.get("/solutions/categories/<int:id_>/folders")
    def folders(id_: int) -> Response:
        _require(help_center.enabled, found=id_ == CATEGORY)
        return listed(None)

    @api.get("/solutions/folders/<int:id_>/subfolders")
    def subfolders(id_: int) -> Response:
        _require(help_center.enabled, found=id_ in _FOLDERS)
        return listed(id_)

    @api.get("/solutions/folders/<int:id_>/articles")
    def articles(id_: int) -> Response:
        _require(help_center.enabled, found=id_ in _FOLDERS)
        return paged(holds(_FOLDERS[id_]), query(**PAGING), lambda row: _article(row, row, id_))

    @api.get("/solutions/folders/<int:id_>/articles/<language>")
    def translated(id_: int, language: str) -> Response:
        written = help_center.articles.values()
        _require(help_center.enabled, found=id_ in _FOLDERS and any(language in each.translations for each in written))
        rows = [each for each in holds(_FOLDERS[id_]) if language in each.translations]
        return paged(rows, query(**PAGING), lambda row: _article(row, row.translations[language], id_))


def _require(enabled: bool, *, found: bool = True) -> None:
    if not enabled:
        words = "The Solutions feature is not supported in your plan. Please upgrade your account to use it."
        raise Refusal(403, {"code": "require_feature", "message": words})
    if not found:
        raise Refusal(404)


def _category(id_: int) -> JSON:
    return {"id": id_, "name": "General", "description": None, "created_at": _SINCE, "updated_at": _SINCE}


def _folder(row: _Folder, count: int) -> JSON:
    return {
        "id": row.id,
        "name": row.name,
        "description": None,
        "parent_folder_id": row.inside,
        "articles_count": count,
        "sub_folders_count": sum(each.inside == row.id for each in _FOLDERS.values()),
        "visibility": row.visibility,
        "created_at": _SINCE,
        "updated_at": _SINCE,
    }


def _article(row: Article, words: Words, folder: int) -> JSON:
    return {
        "id": row.id,
        "type": 1,
        "category_id": CATEGORY,
        "folder_id": folder,
        "title": words.title,
        "description": words.body,
        "description_text": text_of(words.body),
        "status": 2 if row.published else 1,
        "created_at": stamp(row.at),
        "updated_at": stamp(row.at),
    }
