"""What a condition may ask of a value: closed lists of operators by type, each made of basic questions."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar

import re2
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    StrictStr,
    WithJsonSchema,
    model_validator,
)

from bridge.model import Priority
from bridge.triage import Phrase
from rules import questions
from rules.questions import COMPARE, Among, Compared, Lacks, Matches, Part, Question, fold, rank_of

MAX_PATTERN: Final = 500
"""Characters of a pattern; longer ones are lists of words in disguise."""

MAX_PROGRAM: Final = 1_000
"""RE2 instructions of a compiled pattern: what it takes in memory."""

PREFIXES: Final = ("field", "fact", "requester.field", "organisation.field")
"""Where keys of a team's own making begin: `field.order`, `fact.score`."""

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
            prefix = next((one for one in PREFIXES if key.startswith(f"{one}.") and key != f"{one}."), None)
            if prefix:
                gathered.setdefault(f"{prefix}.*", {})[key] = entry
            else:
                gathered[key] = entry
        return gathered


def own_name(key: str) -> str:
    """The team's own part of a key: `order` of `field.order`."""
    prefix = next(one for one in PREFIXES if key.startswith(f"{one}."))
    return key.removeprefix(f"{prefix}.")


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


def readable(written: str) -> str:
    """A pattern as it is. Raises ValueError where RE2 cannot read it, or it is empty or too long."""
    if not written:
        raise ValueError("is an empty pattern, which every text has")
    if len(written) > MAX_PATTERN:
        raise ValueError(f"is a pattern of more than {MAX_PATTERN} characters")
    try:
        size = questions.pattern(written).programsize
    except re2.error as error:
        words = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"is not a pattern that RE2 knows: {words}") from error
    if size > MAX_PROGRAM:
        raise ValueError(f"is a pattern of size {size}, too costly; {MAX_PROGRAM} is the most")
    return written


_SPAN: Final = re.compile(r"(?=.)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)


def _duration(written: object) -> object:
    if isinstance(written, timedelta):
        return written
    match = _SPAN.fullmatch(written) if isinstance(written, str) and len(written) < 20 else None
    if match is None:
        raise ValueError("should be a duration such as 30s, 10m, 2h, 1h30m or 3d")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError as error:
        raise ValueError("is longer than anybody waits") from error


def duration_words(span: timedelta) -> str:
    """A duration as a policy writes it: `2d3h`, `10m`, `0s`."""
    left = int(span.total_seconds())
    parts = []
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


Scalar = Annotated[object, AfterValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Words = Annotated[str, AfterValidator(_phrase)]
Pattern = Annotated[str, AfterValidator(readable)]
Piece = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(duration_words, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$"}),
]


def _keys(test: BaseModel) -> list[str]:
    return sorted(info.alias or name for name, info in type(test).model_fields.items())


class Operators(Strict):
    """A test of one value. A bare value or list stands for the operators named here; several must all hold."""

    bare: ClassVar[str] = "is"
    bare_list: ClassVar[str] = "in"

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, value: object) -> object:
        if isinstance(value, dict):
            return value
        if isinstance(value, list):
            return {cls.bare_list: value}
        return {cls.bare: [value] if cls.bare == cls.bare_list else value}

    @model_validator(mode="after")
    def _says_something(self) -> "Operators":
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError(f"asks nothing; it may have {', '.join(_keys(self))}")
        return self

    def questions(self) -> tuple[Question, ...]:
        """What is asked of a known value."""
        return tuple(self._questions())

    def _questions(self) -> Iterator[Question]:
        yield from ()


class Knowable(Operators):
    """A test of what may be unknown.

    `unknown: true` accepts an unknown value too (alone: nothing else), `unknown: false` alone accepts what is known.
    """

    unknown: StrictBool | None = None

    def questions(self) -> tuple[Question, ...]:
        """What is asked of a known value; where only `unknown` is given, whether it is known."""
        asked = super().questions()
        if asked or self.unknown is None:
            return asked
        return (Among(frozenset()),) if self.unknown else (Lacks(frozenset()),)


class OneOf(Knowable, Generic[T]):
    """`is` one value, `in` a list of them; of a value that is a list, any element may be the one."""

    is_: T | None = Field(default=None, alias="is")
    in_: Annotated[tuple[T, ...], AfterValidator(some)] | None = Field(default=None, alias="in")

    def _questions(self) -> Iterator[Question]:
        if self.is_ is not None:
            yield Among(frozenset((fold(self.is_),)))
        if self.in_ is not None:
            yield Among(frozenset(map(fold, self.in_)))


class Found(OneOf[T], Generic[T]):
    """A test of what triage found, which is unknown below `min_confidence` (0 to 1)."""

    min_confidence: Annotated[Number, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _names_something(self) -> "Found[T]":
        if not self.questions():
            names = [name for name in _keys(self) if name != "min_confidence"]
            raise ValueError(f"asks for nothing; it needs one of {', '.join(names)}")
        return self


class _Texts(Knowable):
    """`starts_with`, `ends_with`, `contains` (case aside) and `pattern` (RE2, anywhere, case as written) of a text."""

    starts_with: Piece | None = None
    ends_with: Piece | None = None
    contains: Piece | None = None
    pattern: Pattern | None = None

    def _questions(self) -> Iterator[Question]:
        yield from super()._questions()
        for where in ("starts_with", "ends_with", "contains"):
            piece = getattr(self, where)
            if piece is not None:
                yield Part(where, str(fold(piece)))
        if self.pattern is not None:
            yield Matches(self.pattern)


class _Ordered(Knowable, Generic[B]):
    """`over`, `under`, `at_least`, `at_most`; what has no place on the scale cannot be compared: unknown."""

    over: B | None = None
    under: B | None = None
    at_least: B | None = None
    at_most: B | None = None

    def _questions(self) -> Iterator[Question]:
        yield from super()._questions()
        for comparison in COMPARE:
            bound = rank_of(getattr(self, comparison))
            if bound is not None:
                yield Compared(comparison, bound)


class TextTest(_Texts, OneOf[str]):
    """A test of a short text: an address, a name, a desk's own word."""


class NumberTest(_Ordered[Number], OneOf[Number]):
    """A test of a number."""


class ValueTest(_Texts, _Ordered[Number], OneOf[Scalar]):
    """A test of a value of any kind: a custom field, a fact of the team's own."""


class DurationTest(_Ordered[Duration]):
    """A test of a duration, counted in the open hours of `calendar` where one is named; a bare value is `at_least`."""

    bare = "at_least"
    calendar: str | None = None

    @model_validator(mode="after")
    def _names_something(self) -> "DurationTest":
        if not self.questions():
            raise ValueError("asks for no duration; it needs one of over, under, at_least, at_most, unknown")
        return self


class Urgency(StrEnum):
    """Triage's levels of urgency, lowest first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low up to 3 for critical."""
        return list(Urgency).index(self)


class PriorityTest(_Ordered[Priority], OneOf[Priority]):
    """A test of the priority, ordered from none to urgent."""


class UrgencyTest(_Ordered[Urgency], Found[Urgency]):
    """A test of the urgency, ordered from low to critical."""


class SetTest(Operators, Generic[T]):
    """`any`, `all`, `none` of a list; a bare value or list means `any`."""

    bare = "any"
    bare_list = "any"

    any_: Annotated[tuple[T, ...], AfterValidator(some)] | None = Field(default=None, alias="any")
    all_: Annotated[tuple[T, ...], AfterValidator(some)] | None = Field(default=None, alias="all")
    none_: Annotated[tuple[T, ...], AfterValidator(some)] | None = Field(default=None, alias="none")

    def _questions(self) -> Iterator[Question]:
        if self.any_ is not None:
            yield Among(frozenset(map(fold, self.any_)))
        for one in self.all_ or ():
            yield Among(frozenset((fold(one),)))
        if self.none_ is not None:
            yield Lacks(frozenset(map(fold, self.none_)))


class WordsTest(Operators):
    """`words`: any of these, `all_words`: each of these, `pattern`: RE2, anywhere; bare values mean `words`."""

    bare = "words"
    bare_list = "words"

    words: Annotated[tuple[Words, ...], AfterValidator(some)] | None = None
    all_words: Annotated[tuple[Words, ...], AfterValidator(some)] | None = None
    pattern: Pattern | None = None

    def phrases(self) -> Iterable[str]:
        """All words and phrases as written."""
        return (*(self.words or ()), *(self.all_words or ()))

    def _questions(self) -> Iterator[Question]:
        """Of the phrases found; the pattern is a question to the text itself."""
        if self.words is not None:
            yield Among(frozenset(Phrase(one).tokens for one in self.words))
        for one in self.all_words or ():
            yield Among(frozenset((Phrase(one).tokens,)))
