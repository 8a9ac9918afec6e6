"""The `knowledge` part of the settings: where the articles are, how many solved tickets are looked through."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from bridge.enrichment.options import Name, Part

PATH: Final = "{path}"
"""What stands in a folder's `url` for an article's own path."""


def _an_address(url: str) -> str:
    if not url.startswith(("https://", "http://")) or PATH not in url:
        raise ValueError(f"must be an http(s) address with {PATH} in it, where an article's own path goes")
    return url


class FolderOptions(Part):
    """Markdown files in a folder and those below it; `url` is where readers find one, `{path}` its path without .md."""

    kind: Literal["folder"]
    path: Path
    url: Annotated[str, AfterValidator(_an_address)] | None = None


class ArticlesCsvOptions(Part):
    """A CSV file in UTF-8 with a header line, one article a row."""

    kind: Literal["csv"]
    path: Path
    title: Name = "title"
    body: Name = "body"
    url: Name | None = None


ArticleSource = Annotated[FolderOptions | ArticlesCsvOptions, Field(discriminator="kind")]


class KnowledgeOptions(Part):
    """Where suggestions come from. With neither articles nor solved tickets nothing is searched or loaded."""

    articles: tuple[ArticleSource, ...] = ()
    solved_tickets: Annotated[int, Field(ge=0, le=20_000)] = 0
    floor: Annotated[float, Field(ge=0, le=10)] = 1.0
    refresh_minutes: Annotated[float, Field(ge=1, le=1_440)] = 15

    @property
    def any(self) -> bool:
        """True where there is something to search."""
        return bool(self.articles or self.solved_tickets)

    def beside(self, folder: Path) -> "KnowledgeOptions":
        """The same with relative paths taken from `folder`."""
        placed = tuple(one.model_copy(update={"path": folder / one.path}) for one in self.articles)
        return self.model_copy(update={"articles": placed})
