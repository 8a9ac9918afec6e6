"""Articles as a team keeps them: a folder of Markdown or a CSV file, read again only where something changed."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

from bridge.knowledge.options import PATH, ArticlesCsvOptions, FolderOptions
from bridge.ports import Article

MAX_BYTES: Final = 50_000_000
"""Of one source; the articles of a help centre are a tenth of it, and they are held in memory."""

Stamp = tuple[object, ...]
"""What differs once an article does: of files path, time of change and size of each."""


class ArticleFault(Exception):
    """A source of articles cannot be read; the words say what and where."""


class Source(Protocol):
    """Where articles come from."""

    def stamp(self) -> Stamp:
        """Something that differs once an article does. Raises ArticleFault."""

    def read(self) -> list[Article]:
        """The articles. Raises ArticleFault."""


def of_files(options: FolderOptions | ArticlesCsvOptions) -> Source:
    """The files that the settings name."""
    return MarkdownFolder(options) if isinstance(options, FolderOptions) else ArticlesCsv(options)


class MarkdownFolder:
    """The `.md` files of a folder and those below it; a title is the first heading, or else the file's name."""

    def __init__(self, options: FolderOptions) -> None:
        self._options = options

    def stamp(self) -> Stamp:
        """Every file's path, time of change and size. Raises ArticleFault."""
        return _stamp(self._files())

    def read(self) -> list[Article]:
        """The articles, by path. Raises ArticleFault."""
        return [self._article(file) for file in self._files()]

    def _files(self) -> list[Path]:
        if not self._options.path.is_dir():
            raise ArticleFault(f"there is no folder {self._options.path}")
        return sorted(self._options.path.rglob("*.md"))

    def _article(self, file: Path) -> Article:
        text = _text(file)
        title = next((line.lstrip("# ") for line in text.splitlines() if line.startswith("# ")), file.stem)
        path = quote(file.relative_to(self._options.path).with_suffix("").as_posix())
        return Article(title.strip(), text, self._options.url.replace(PATH, path) if self._options.url else None)


class ArticlesCsv:
    """Articles by the rows of a CSV file; rows without a title are none."""

    def __init__(self, options: ArticlesCsvOptions) -> None:
        self._options = options

    def stamp(self) -> Stamp:
        """The file's time of change and size. Raises ArticleFault."""
        return _stamp([self._options.path])

    def read(self) -> list[Article]:
        """The articles in the order of the file. Raises ArticleFault."""
        return list(self._rows())

    def _rows(self) -> Iterator[Article]:
        options = self._options
        try:
            rows = csv.DictReader(_text(options.path).splitlines(keepends=True), strict=True)
            for name in filter(None, (options.title, options.body, options.url)):
                if name not in (rows.fieldnames or ()):
                    raise ArticleFault(f"{options.path} has no column '{name}'")
            for row in rows:
                if title := (row[options.title] or "").strip():
                    yield Article(title, row[options.body] or "", (options.url and row[options.url]) or None)
        except csv.Error as error:
            raise ArticleFault(f"{options.path} is not CSV: {error}") from error


def _stamp(files: list[Path]) -> Stamp:
    try:
        found = [(str(file), file.stat()) for file in files]
    except OSError as error:
        raise ArticleFault(f"{error.filename} cannot be read: {error.strerror}") from error
    if sum(status.st_size for _, status in found) > MAX_BYTES:
        raise ArticleFault(f"{files[0].parent} holds more than {MAX_BYTES:,} bytes of articles")
    return tuple((name, status.st_mtime_ns, status.st_size) for name, status in found)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise ArticleFault(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ArticleFault(f"{file} is not UTF-8") from error
