"""Business calendars: weekly hours, holidays and dates of one's own, and the arithmetic of business time on them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holidays import country_holidays

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

HORIZON: Final = timedelta(days=3_653)
"""How far ahead is looked: what does not happen within ten years does not happen, so that every search ends."""

_SPAN: Final = re.compile(r"(\d\d):([0-5]\d)-(\d\d):([0-5]\d)")
_REGION: Final = re.compile(r"([A-Z]{2})(?:-(\w+))?")
_DAY: Final = timedelta(days=1)
_BACK: Final = timedelta(days=14)
_SECOND: Final = timedelta(seconds=1)
_REMEMBERED: Final = 8_192
"""So many days are kept worked out, more than twice the horizon."""

Hours = Mapping[str, Sequence[str]]
"""Spans of the day by days of the week, as an admin writes them: `{"mon-thu": ["09:00-12:00", "13:00-18:00"]}`."""

Span = tuple[timedelta, timedelta]
"""From when to when, counted on the wall clock from midnight; the end lies past 24 hours where it is the next day."""

Open = tuple[datetime, datetime]
"""From when on (included) to when (not included) it is open, in UTC."""


class Calendar:
    """When a team works. Immutable, safe to share between threads.

    A span belongs to the day on which it begins, also where it goes over midnight. It lasts from the first moment at
    which the wall clock there has reached its beginning to the first at which it has reached its end: an hour that the
    clock skips is no business time, one that it repeats counts twice. Times go in with any time zone and come out in
    UTC.

    `hours` are the week's spans by days (`fri`, `mon-thu`, `sat-mon`, `mon,wed`). `holidays` are countries or their
    subdivisions (`DE`, `DE-BE`, ISO 3166), whose public holidays are closed. `dates` have hours of their own, none at
    all where they are closed, and come before both. Raises ValueError, whose words say what is wrong and never more.
    """

    def __init__(
        self,
        timezone: str,
        hours: Hours,
        *,
        holidays: Sequence[str] = (),
        dates: Mapping[date, Sequence[str]] | None = None,
    ) -> None:
        self.timezone = zone(timezone)
        self.weekly = weekly(hours)
        self.regions = tuple(region(code) for code in holidays)
        self.dates = {day: spans(texts) for day, texts in (dates or {}).items()}
        self._days: dict[date, tuple[Open, ...]] = {}

    def is_open(self, at: datetime) -> bool:
        """True where this moment is business time."""
        at = _utc(at)
        return any(start <= at < end for start, end in self._opens(at, at))

    def next_open(self, at: datetime) -> datetime | None:
        """The first moment of business time from `at` on, `at` itself where it is; None: never within `HORIZON`."""
        at = _utc(at)
        return next((opens for opens, _ in self._parts(at, at + HORIZON)), None)

    def next_close(self, at: datetime) -> datetime | None:
        """The first moment from `at` on that is no business time, `at` itself where it is none; None: never closed."""
        at = reached = _utc(at)
        for opens, closes in self._parts(at, at + HORIZON):
            if opens > reached:
                break
            reached = closes
        return reached if reached < at + HORIZON else None

    def last_close(self, at: datetime) -> datetime | None:
        """When business time last ended before `at`, `at` itself where it is open; None: not within two weeks."""
        at = _utc(at)
        parts = self._parts(at - _BACK, at)
        return max((min(closes, at) for opens, closes in parts if opens < at), default=None)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The business time from `start` to `end`; negative where the end comes first."""
        start, end = _utc(start), _utc(end)
        if end < start:
            return -self.between(end, start)
        parts = self._parts(start, end)
        return sum((min(closes, end) - opens for opens, closes in parts if opens < end), timedelta())

    def after(self, at: datetime, duration: timedelta) -> datetime | None:
        """The first moment at which so much business time has passed since `at`; None: not within `HORIZON`.

        Raises ValueError for a negative duration.
        """
        if duration < timedelta():
            raise ValueError("business time cannot be counted backwards")
        at = _utc(at)
        if not duration:
            return at
        for opens, closes in self._parts(at, at + HORIZON):
            if closes - opens >= duration:
                return opens + duration
            duration -= closes - opens
        return None

    def _parts(self, start: datetime, end: datetime) -> Iterator[Open]:
        """Business time from `start` on, in order and no moment of it twice; to `end` and up to two days beyond."""
        for opens, closes in self._opens(start, end):
            if closes > start:
                yield max(opens, start), closes
                start = closes

    def _opens(self, start: datetime, end: datetime) -> Iterator[Open]:
        """What is open from the day before `start` to the day after `end`, in order; neighbours may overlap."""
        day = start.astimezone(self.timezone).date() - _DAY
        last = end.astimezone(self.timezone).date() + _DAY
        while day <= last:
            yield from self._on(day)
            day += _DAY

    def _on(self, day: date) -> tuple[Open, ...]:
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= _REMEMBERED:
                self._days.clear()
            found = self._days[day] = tuple(self._worked_out(day))
        return found

    def _worked_out(self, day: date) -> Iterator[Open]:
        midnight = datetime.combine(day, time())
        for start, end in self._hours_of(day):
            opens, closes = (_reached(midnight + wall, self.timezone) for wall in (start, end))
            if closes > opens:
                yield opens, closes

    def _hours_of(self, day: date) -> tuple[Span, ...]:
        if day in self.dates:
            return self.dates[day]
        if any(day in _public(code, day.year) for code in self.regions):
            return ()
        return self.weekly[day.weekday()]


def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone; write one like Europe/Berlin or America/New_York") from None


def region(code: str) -> str:
    """A country or subdivision whose holidays are known. Raises ValueError."""
    found = _REGION.fullmatch(code)
    if found is None:
        raise ValueError("is no country; write its two letters (DE), or those and its subdivision's (DE-BE)")
    country, subdivision = found.groups()
    try:
        known = country_holidays(country).subdivisions
    except NotImplementedError:
        raise ValueError(f"has no holidays that are known: {country} is not among the countries") from None
    if subdivision is not None and subdivision not in known:
        raise ValueError(f"has no holidays that are known: of {country} there are {', '.join(known) or 'no parts'}")
    return code


def weekly(hours: Hours) -> tuple[tuple[Span, ...], ...]:
    """The spans of each day of the week, Monday first. Raises ValueError."""
    week: dict[int, tuple[Span, ...]] = {}
    for words, texts in hours.items():
        for day in days(words):
            if day in week:
                raise ValueError(f"names {DAYS[day]} twice")
            week[day] = spans(texts)
    if not any(week.values()):
        raise ValueError("is never open; give at least one day a span")
    return tuple(week.get(day, ()) for day in range(7))


def days(words: str) -> list[int]:
    """The days of the week (Monday 0) that `fri`, `mon-thu`, `sat-mon` or `mon,wed` names. Raises ValueError."""
    found: list[int] = []
    for part in words.split(","):
        first, dash, last = part.strip().lower().partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"is no day of the week; write {', '.join(DAYS)}, or a range like mon-thu")
        start = DAYS.index(first)
        length = (DAYS.index(last or first) - start) % 7
        found += [(start + step) % 7 for step in range(length + 1)]
    return found


def spans(texts: Iterable[str]) -> tuple[Span, ...]:
    """The spans of one day in order. Raises ValueError where one is none, or two overlap."""
    found = sorted(map(_span, texts))
    for one, following in pairwise(found):
        if following[0] < one[1]:
            raise ValueError("has spans that overlap")
    return tuple(found)


def _span(text: str) -> Span:
    parts = _SPAN.fullmatch(text.strip())
    if parts is None:
        raise ValueError("is no span of time; write it like 09:00-17:30")
    numbers = list(map(int, parts.groups()))
    start, end = (timedelta(hours=hour, minutes=minute) for hour, minute in (numbers[:2], numbers[2:]))
    if start >= _DAY or end > _DAY:
        raise ValueError("goes beyond the 24 hours of a day; over midnight, write it like 22:00-06:00")
    if start == end:
        raise ValueError("has no length; for the whole day write 00:00-24:00")
    return start, end if end > start else end + _DAY


@lru_cache(maxsize=4_096)
def _public(code: str, year: int) -> frozenset[date]:
    """A year's public holidays. One object a year, since the library's own grows by itself and not thread by thread."""
    country, _, subdivision = code.partition("-")
    return frozenset(country_holidays(country, subdiv=subdivision or None, years=year, expand=False))


def _reached(wall: datetime, timezone: ZoneInfo) -> datetime:
    """The first moment at which the clock there shows this time or, where it skips it, a later one."""
    moment = wall.replace(tzinfo=timezone).astimezone(UTC)
    if moment.astimezone(timezone).replace(tzinfo=None) == wall:
        return moment
    before = wall.replace(tzinfo=timezone, fold=1).astimezone(UTC)
    while moment - before > _SECOND:  # a skip lies between the two readings of a time that never was
        middle = before + (moment - before) // 2 // _SECOND * _SECOND
        if middle.astimezone(timezone).replace(tzinfo=None) < wall:
            before = middle
        else:
            moment = middle
    return moment


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return at.astimezone(UTC)
