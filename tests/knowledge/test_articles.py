"""Articles as they are read from folders and tables."""

from pathlib import Path

import pytest

from bridge.knowledge.articles import ArticleFault, of_files
from bridge.knowledge.options import ArticlesCsvOptions, FolderOptions
from bridge.ports import Article


def folder(path: Path, url: str | None = None) -> FolderOptions:
    return FolderOptions(kind="folder", path=path, url=url)


def table(path: Path) -> ArticlesCsvOptions:
    return ArticlesCsvOptions(kind="csv", path=path, title="Title", body="Text", url="Link")


def test_a_folder_gives_each_markdown_file_with_its_heading_and_its_address(tmp_path: Path) -> None:
    (tmp_path / "how to").mkdir()
    (tmp_path / "how to" / "reset.md").write_text("Preface\n# Reset a password\nClick on it.")
    (tmp_path / "plain.md").write_text("No heading here.")
    (tmp_path / "picture.png").write_bytes(b"\xff")
    found = of_files(folder(tmp_path, "https://help.example/{path}")).read()
    assert found == [
        Article("Reset a password", "Preface\n# Reset a password\nClick on it.", "https://help.example/how%20to/reset"),
        Article("plain", "No heading here.", "https://help.example/plain"),
    ]


def test_a_table_gives_each_row_that_has_a_title(tmp_path: Path) -> None:
    file = tmp_path / "articles.csv"
    file.write_text('Title,Text,Link\nReset,"two\nlines",https://help.example/1\n,nothing,\nOther,text,\n')
    assert of_files(table(file)).read() == [
        Article("Reset", "two\nlines", "https://help.example/1"),
        Article("Other", "text", None),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Title,Link\na,b\n", "has no column 'Text'"),
        (b"", "has no column 'Title'"),
        (b"Title,Text,Link\n\xff,b,c\n", "is not UTF-8"),
        (b'Title,Text,Link\n"a"b,c,d\n', "is not CSV"),
    ],
)
def test_a_table_that_cannot_be_read_says_why_and_where(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "articles.csv"
    file.write_bytes(content)
    with pytest.raises(ArticleFault, match=rf"articles.csv {words}"):
        of_files(table(file)).read()


def test_sources_that_are_gone_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArticleFault, match="there is no folder"):
        of_files(folder(tmp_path / "gone")).stamp()
    with pytest.raises(ArticleFault, match=r"gone.csv cannot be read: No such file"):
        of_files(table(tmp_path / "gone.csv")).stamp()


def test_the_stamp_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("# One")
    shelf = of_files(folder(tmp_path))
    before = shelf.stamp()
    assert shelf.stamp() == before
    (tmp_path / "two.md").write_text("# Two")
    assert shelf.stamp() != before
