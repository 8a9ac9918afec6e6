"""The `knowledge` part of the settings: where the articles are, how many solved tickets are looked through."""

import re
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


def _a_language(locale: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", locale):
        raise ValueError("is no language; write one like en-us, as the help centre's addresses have it")
    return locale


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


class HelpCenterOptions(Part):
    """The published articles of a desk's own help centre, in one language or each in its main one."""

    kind: Literal["help_center"]
    desk: Name
    locale: Annotated[str, AfterValidator(_a_language)] | None = None


ArticleSource = Annotated[FolderOptions | ArticlesCsvOptions | HelpCenterOptions, Field(discriminator="kind")]


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

    @property
    def help_centers(self) -> tuple[HelpCenterOptions, ...]:
        """The help centres among the sources, each once."""
        return tuple(dict.fromkeys(one for one in self.articles if isinstance(one, HelpCenterOptions)))

    def beside(self, folder: Path) -> "KnowledgeOptions":
        """The same with relative paths taken from `folder`."""
        return self.model_copy(update={"articles": tuple(_placed(one, folder) for one in self.articles)})


def _placed(one: ArticleSource, folder: Path) -> ArticleSource:
    return one if isinstance(one, HelpCenterOptions) else one.model_copy(update={"path": folder / one.path})
