"""What a condition may ask of a value: closed lists of operators that test and describe themselves."""

import operator
import unicodedata
from collections.abc import Iterable, Set
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar

import re2
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, StrictBool, model_validator

from bridge.model import Priority
from bridge.triage import Phrase, Text

MAX_PATTERN: Final = 500
"""Characters of a pattern; longer ones are lists of words in disguise."""

MAX_PROGRAM: Final = 1_000
"""RE2 instructions of a compiled pattern; a larger one costs more than a millisecond on a long text."""

Verdict = bool | None
"""Three values: holds, does not hold, cannot be said because something is unknown."""

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]

T = TypeVar("T")
B = TypeVar("B")


class Strict(BaseModel):
    """The base of everything in a policy file: unknown keys are mistakes, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(Strict):
    """Has keys of the team's own making, `field.order` or `fact.score`, gathered under `field.*` and `fact.*`."""

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        gathered: dict[str, Any] = {}
        for key, entry in value.items():
            prefix, _, name = key.partition(".")
            if name and prefix in {"field", "fact"}:
                gathered.setdefault(f"{prefix}.*", {})[key] = entry
            else:
                gathered[key] = entry
        return gathered


def some(values: tuple[T, ...]) -> tuple[T, ...]:
    """The values. Raises ValueError where there are none: an empty list is a mistake everywhere in a policy."""
    if not values:
        raise ValueError("should not be an empty list")
    return values


def _scalar(value: object) -> object:
    if isinstance(value, str | int | float | bool):
        return value
    raise ValueError("should be text, a number, true or false")


def _phrase(written: str) -> str:
    Phrase(written)
    return written


def _pattern(written: str) -> str:
    if len(written) > MAX_PATTERN:
        raise ValueError(f"is a pattern of more than {MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(written, options)
    except re2.error as error:
        words = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"is not a pattern that RE2 knows: {words}") from error
    if compiled.programsize > MAX_PROGRAM:
        raise ValueError(f"is a pattern of size {compiled.programsize}, too costly; {MAX_PROGRAM} is the most")
    return written


Scalar = Annotated[object, AfterValidator(_scalar)]
Words = Annotated[str, AfterValidator(_phrase)]
Pattern = Annotated[str, AfterValidator(_pattern)]


def fold(value: object) -> object:
    """What equality compares: text without case, numbers by value, true and false apart from 1 and 0."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, str):
        return unicodedata.normalize("NFKC", value).casefold().strip()
    return value


class _Operators(Strict):
    """A test that can be written short: a bare value or list stands for the operators named here."""

    _bare: ClassVar[str] = "is"
    _bare_list: ClassVar[str] = "in"

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, value: object) -> object:
        if isinstance(value, dict):
            return value
        if isinstance(value, list):
            return {cls._bare_list: value}
        return {cls._bare: [value] if cls._bare == cls._bare_list else value}

    @model_validator(mode="after")
    def _says_something(self) -> "_Operators":
        if all(getattr(self, name) is None for name in type(self).model_fields):
            names = [info.alias or name for name, info in type(self).model_fields.items()]
            raise ValueError(f"asks nothing; it may have {', '.join(names)}")
        return self


class OneOf(_Operators, Generic[T]):
    """`is` one value, `in` a list of them; `unknown: true` accepts an unknown value too (alone: nothing else)."""

    is_: T | None = Field(default=None, alias="is")
    in_: Annotated[tuple[T, ...], AfterValidator(some)] | None = Field(default=None, alias="in")
    unknown: StrictBool | None = None
    _wanted: tuple[frozenset[object], ...] = PrivateAttr()

    def model_post_init(self, context: Any) -> None:  # noqa: ARG002 - pydantic's signature
        """Fold the values once."""
        asked = ([self.is_] if self.is_ is not None else None, self.in_)
        self._wanted = tuple(frozenset(map(fold, values)) for values in asked if values is not None)

    def holds(self, value: object) -> Verdict:
        """The verdict on a value, None being unknown; of a list, any element may be the one."""
        if value is None:
            return self.unknown
        answers = [*self._equalities(value), *self._comparisons(value)]
        if not answers:
            return not self.unknown
        return None if None in answers else all(answers)

    def expected(self) -> str:
        """What the test wants, in words that fit after `not`."""
        parts = [] if self.is_ is None else [str(self.is_)]
        parts += [] if self.in_ is None else [" or ".join(map(str, self.in_))]
        parts += self._bounds_in_words()
        words = [" and ".join(parts)] if parts else []
        words += [] if self.unknown is None else ["unknown" if self.unknown else "known"]
        return " or ".join(words)

    def _equalities(self, value: object) -> Iterable[Verdict]:
        values = value if isinstance(value, list | tuple | set | frozenset) else [value]
        found = {fold(one) for one in values}
        return [not found.isdisjoint(wanted) for wanted in self._wanted]

    def _comparisons(self, value: object) -> Iterable[Verdict]:  # noqa: ARG002 - a list without order has none
        return []

    def _bounds_in_words(self) -> list[str]:
        return []


class Ordered(OneOf[T], Generic[T, B]):
    """`over`, `under`, `at_least`, `at_most` beside `is` and `in`; what is no number cannot be compared: unknown."""

    over: B | None = None
    under: B | None = None
    at_least: B | None = None
    at_most: B | None = None

    def _rank(self, value: object) -> float | None:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def _comparisons(self, value: object) -> Iterable[Verdict]:
        rank = self._rank(value)
        for name in ("over", "under", "at_least", "at_most"):
            bound = self._rank(getattr(self, name))
            if bound is not None:
                yield None if rank is None else _COMPARE[name](rank, bound)

    def _bounds_in_words(self) -> list[str]:
        names = ("over", "under", "at_least", "at_most")
        given = {name: getattr(self, name) for name in names}
        return [f"{name.replace('_', ' ')} {_number(bound)}" for name, bound in given.items() if bound is not None]


_COMPARE: Final = {
    "over": operator.gt,
    "under": operator.lt,
    "at_least": operator.ge,
    "at_most": operator.le,
}


def _number(bound: object) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


class NumberTest(Ordered[Number, Number]):
    """A test of a number."""


class ValueTest(Ordered[Scalar, Number]):
    """A test of a value of any kind: a custom field, a fact of the team's own."""


class Urgency(StrEnum):
    """Triage's levels of urgency, lowest first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


class _Levels(Ordered[T, T], Generic[T]):
    _scale: ClassVar[type[StrEnum]]

    def _rank(self, value: object) -> float | None:
        return None if value is None else float(list(self._scale).index(self._scale(str(value))))


class PriorityTest(_Levels[Priority]):
    """A test of the priority, ordered from none to urgent."""

    _scale = Priority


class UrgencyTest(_Levels[Urgency]):
    """A test of the urgency, ordered from low to critical."""

    _scale = Urgency


class IntentTest(OneOf[str]):
    """A test of the intent; `min_confidence` stands in for the policy's `act` threshold."""

    min_confidence: Annotated[Number, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _names_an_intent(self) -> "IntentTest":
        if self.is_ is None and self.in_ is None and self.unknown is None:
            raise ValueError("names no intent; it needs is, in or unknown")
        return self


class SetTest(_Operators, Generic[T]):
    """`any`, `all`, `none` of a list; a bare value or list means `any`."""

    _bare = "any"
    _bare_list = "any"

    any_: Annotated[tuple[T, ...], AfterValidator(some)] | None = Field(default=None, alias="any")
    all_: Annotated[tuple[T, ...], AfterValidator(some)] | None = Field(default=None, alias="all")
    none_: Annotated[tuple[T, ...], AfterValidator(some)] | None = Field(default=None, alias="none")

    def holds(self, values: Set[str]) -> bool:
        """True where the set has what it must and lacks what it must not have."""
        return (
            (self.any_ is None or any(one in values for one in self.any_))
            and (self.all_ is None or all(one in values for one in self.all_))
            and (self.none_ is None or not any(one in values for one in self.none_))
        )

    def expected(self) -> str:
        """What the test wants, in words that fit after `without`."""
        given = {"any": self.any_, "all": self.all_, "none": self.none_}
        return ", ".join(f"{name} of {' '.join(map(str, values))}" for name, values in given.items() if values)


class WordsTest(_Operators):
    """`words`: any of these, `all_words`: each of these, `pattern`: RE2, anywhere; bare values mean `words`."""

    _bare = "words"
    _bare_list = "words"

    words: Annotated[tuple[Words, ...], AfterValidator(some)] | None = None
    all_words: Annotated[tuple[Words, ...], AfterValidator(some)] | None = None
    pattern: Pattern | None = None
    _words: tuple[Phrase, ...] = PrivateAttr()
    _all_words: tuple[Phrase, ...] = PrivateAttr()
    _compiled: Any = PrivateAttr()

    def model_post_init(self, context: Any) -> None:  # noqa: ARG002 - pydantic's signature
        """Compile once."""
        self._words = tuple(map(Phrase, self.words or ()))
        self._all_words = tuple(map(Phrase, self.all_words or ()))
        self._compiled = re2.compile(self.pattern) if self.pattern else None

    def holds(self, text: Text) -> bool:
        """True where the text has what every given operator wants."""
        return (
            (self.words is None or any(phrase.is_in(text) for phrase in self._words))
            and all(phrase.is_in(text) for phrase in self._all_words)
            and (self._compiled is None or self._compiled.search(text.raw) is not None)
        )

    def found(self, text: Text) -> list[str]:
        """What of the policy's own words the text has; never a word of the text."""
        phrases = [phrase.written for phrase in (*self._words, *self._all_words) if phrase.is_in(text)]
        return [f"'{written}'" for written in phrases] + (["the pattern"] if self.pattern else [])

    def missing(self, text: Text) -> str:
        """The first thing wanted that the text lacks."""
        if self.words is not None and not any(phrase.is_in(text) for phrase in self._words):
            return f"none of {', '.join(self.words[:3])}{', …' if len(self.words) > 3 else ''}"
        lacking = next((phrase.written for phrase in self._all_words if not phrase.is_in(text)), None)
        return f"no '{lacking}'" if lacking else "no match of the pattern"
