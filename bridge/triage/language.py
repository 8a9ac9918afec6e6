"""Which language a text is in, or None where it is too short or too mixed to tell."""

from functools import cache
from threading import Lock
from typing import Final

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from bridge.model import Finding

LANGUAGES: Final = (
    Language.ENGLISH,
    Language.GERMAN,
    Language.FRENCH,
    Language.SPANISH,
    Language.ITALIAN,
    Language.PORTUGUESE,
    Language.DUTCH,
    Language.POLISH,
    Language.RUSSIAN,
    Language.JAPANESE,
    Language.CHINESE,
    Language.KOREAN,
)
"""The languages told apart; the fewer, the surer each."""

SURE: Final = 0.5
"""A lower probability is not told: of short help-desk sentences the wrong answers lie below it."""

_ENOUGH: Final = 1_000
"""Characters after which more text does not make the answer better."""

LANGUAGE_CODES: Final = tuple(language.iso_code_639_1.name.lower() for language in LANGUAGES)
"""The same as ISO 639-1."""

_loading = Lock()


def language(text: str) -> Finding | None:
    """The language as ISO 639-1 with its probability, None where unsure. The first call loads about 200 MB."""
    with _loading:
        detector = _detector()
    ranked = detector.compute_language_confidence_values(text[:_ENOUGH])
    if not ranked or ranked[0].value < SURE:
        return None
    return Finding(ranked[0].language.iso_code_639_1.name.lower(), round(ranked[0].value, 2))


@cache
def _detector() -> LanguageDetector:
    return LanguageDetectorBuilder.from_languages(*LANGUAGES).with_preloaded_language_models().build()
