"""The help centre that every sandbox desk starts with: articles, their translations, and who may read each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

AUDIENCES: Final = ("everybody", "customers", "agents")
"""Who may read an article: all, those who have signed in, the team alone."""

FIRST_ID: Final = 9001


@dataclass(frozen=True)
class Words:
    """An article in one language; `body` is HTML."""

    title: str
    body: str


@dataclass(frozen=True)
class Article(Words):
    """An article in the main language (English), and its `translations` by language."""

    id: int
    at: float
    published: bool = True
    audience: str = "everybody"
    translations: Mapping[str, Words] = field(default_factory=dict)


_DEFAULT: Final[tuple[dict[str, Any], ...]] = (
    {
        "title": "Reset your password",
        "body": "<h2>Forgotten?</h2><p>Choose <b>Forgot password</b> on the sign-in page &amp; follow the mail.</p>",
        "translations": {
            "de": {"title": "Passwort zur\u00fccksetzen", "body": "<p>W\u00e4hlen Sie <b>Passwort vergessen</b>.</p>"}
        },
    },
    {
        "title": "Export invoices as CSV",
        "body": "<p>If an export stops with error E-1042, choose a shorter range.</p>",
    },
    {"title": "Invite a colleague", "body": "<p>Under <i>Team</i>, choose <i>Invite</i>.</p>"},
    {"title": "The platypus importer", "body": "<p>Coming soon: the platypus importer.</p>", "published": False},
    {"title": "Rebates for partners", "body": "<p>Ocelot partners pay half.</p>", "audience": "customers"},
    {"title": "How we refund", "body": "<p>Ask a wombat of the finance team.</p>", "audience": "agents"},
)


class HelpCenter:
    """Articles in the order in which they were written; nothing is shown of it while it is not `enabled`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = FIRST_ID
        self.enabled = True
        self.articles: dict[int, Article] = {}
        for given in _DEFAULT:
            self.write(given)

    def write(self, given: Mapping[str, Any]) -> Article:
        """Add an article. Raises ValueError where it is given what an article has not."""
        if given.get("audience", AUDIENCES[0]) not in AUDIENCES:
            raise ValueError(f"audience must be one of {', '.join(AUDIENCES)}")
        try:
            translations = {language: Words(**said) for language, said in given.get("translations", {}).items()}
            made = Article(**{**given, "id": self._next, "at": self._clock(), "translations": translations})
        except TypeError as error:
            raise ValueError("an article takes title, body, published, audience and translations") from error
        self._next += 1
        self.articles[made.id] = made
        return made
