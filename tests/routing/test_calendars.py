"""Business calendars: what they refuse, holidays, clock changes, and the laws of business time."""

import pickle
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.calendars import DAYS, HORIZON, Calendar

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = {"mon-thu": ["09:00-12:00", "13:00-18:00"], "fri": ["09:00-15:00"]}
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def berlin(*when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=BERLIN, fold=fold)  # type: ignore[misc,arg-type] # numbers of a date, in order


@pytest.fixture
def office() -> Calendar:
    return Calendar("Europe/Berlin", OFFICE, holidays=["DE-BE"], dates={date(2026, 12, 30): ["10:00-11:00"]})


def test_a_lunch_break_is_no_business_time(office: Calendar) -> None:
    monday = berlin(2026, 11, 23, 12)
    assert not office.is_open(monday)
    assert office.next_open(monday) == berlin(2026, 11, 23, 13)
    assert office.next_close(berlin(2026, 11, 23, 9)) == monday
    assert office.between(berlin(2026, 11, 23, 11), berlin(2026, 11, 23, 14)) == 2 * HOUR
    assert office.after(berlin(2026, 11, 23, 11), 2 * HOUR) == berlin(2026, 11, 23, 14)


def test_a_weekend_is_passed_over(office: Calendar) -> None:
    friday = berlin(2026, 11, 20, 14, 30)
    assert office.after(friday, HOUR) == berlin(2026, 11, 23, 9, 30)
    assert office.next_open(berlin(2026, 11, 20, 15)) == berlin(2026, 11, 23, 9)


def test_business_time_that_ends_with_the_day_is_due_when_the_day_ends(office: Calendar) -> None:
    assert office.after(berlin(2026, 11, 20, 14), HOUR) == berlin(2026, 11, 20, 15)


def test_times_come_out_in_utc_whatever_zone_they_went_in_with(office: Calendar) -> None:
    tokyo = datetime(2026, 11, 23, 16, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert office.next_open(tokyo) == datetime(2026, 11, 23, 8, tzinfo=UTC)
    found = office.next_open(tokyo)
    assert found is not None
    assert found.tzinfo is UTC


def test_a_holiday_of_the_subdivision_is_closed_there_and_nowhere_else(office: Calendar) -> None:
    womens_day = berlin(2027, 3, 8, 10)  # a Monday, a holiday in Berlin, not in Bavaria
    assert not office.is_open(womens_day)
    assert Calendar("Europe/Berlin", OFFICE, holidays=["DE-BY"]).is_open(womens_day)


def test_several_countries_may_be_kept_together() -> None:
    both = Calendar("Europe/Berlin", OFFICE, holidays=["DE-BE", "US"])
    thanksgiving, unity = berlin(2026, 11, 26, 10), berlin(2025, 10, 3, 10)
    assert not both.is_open(thanksgiving)
    assert not both.is_open(unity)


def test_a_date_of_ones_own_comes_before_the_week_and_the_holidays() -> None:
    calendar = Calendar(
        "Europe/Berlin",
        OFFICE,
        holidays=["DE"],
        dates={date(2026, 11, 23): [], date(2026, 12, 25): ["10:00-12:00"]},
    )
    assert not calendar.is_open(berlin(2026, 11, 23, 10))
    assert calendar.is_open(berlin(2026, 12, 25, 10))


def test_a_span_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = Calendar("Europe/Berlin", {"fri": ["22:00-06:00"]}, dates={date(2026, 11, 20): []})
    assert night.is_open(berlin(2026, 11, 28, 5, 59))
    assert not night.is_open(berlin(2026, 11, 28, 6))
    assert not night.is_open(berlin(2026, 11, 21, 5)), "its Friday was closed"


def test_a_span_that_ends_at_midnight_meets_the_next_without_a_gap() -> None:
    calendar = Calendar("Europe/Berlin", {"mon": ["18:00-00:00"], "tue": ["00:00-08:00"]})
    assert calendar.next_close(berlin(2026, 11, 23, 18)) == berlin(2026, 11, 24, 8)


def test_an_hour_that_the_clock_skips_is_no_business_time() -> None:
    night = Calendar("Europe/Berlin", {"sun": ["01:00-04:00"]})
    assert night.between(berlin(2026, 3, 29), berlin(2026, 3, 30)) == 2 * HOUR


def test_an_hour_that_the_clock_repeats_counts_twice() -> None:
    night = Calendar("Europe/Berlin", {"sun": ["01:00-04:00"]})
    assert night.between(berlin(2026, 10, 25), berlin(2026, 10, 26)) == 4 * HOUR


def test_a_span_that_begins_in_a_skipped_hour_begins_with_the_jump() -> None:
    early = Calendar("Europe/Berlin", {"sun": ["02:30-10:00"]})
    assert early.next_open(berlin(2026, 3, 29)) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert Calendar("Europe/Berlin", {"sun": ["02:10-02:50"]}).next_open(berlin(2026, 3, 29)) == berlin(
        2026, 4, 5, 2, 10
    )


def test_round_the_clock_never_closes() -> None:
    always = Calendar("UTC", {"mon-sun": ["00:00-24:00"]})
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert always.next_close(now) is None
    assert always.after(now, timedelta(days=30)) == now + timedelta(days=30)


def test_what_does_not_come_within_the_horizon_does_not_come() -> None:
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    once = Calendar("UTC", {"mon": ["09:00-10:00"]})
    assert once.after(monday, HORIZON) is None
    shut = Calendar("UTC", {"mon": ["09:00-10:00"]}, dates={monday.date() + timedelta(n): [] for n in range(3_700)})
    assert shut.next_open(monday) is None
    assert shut.after(monday, MINUTE) is None
    assert shut.next_close(monday) == monday
    assert shut.between(monday, monday + HORIZON) == timedelta()


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ({}, "is never open"),
        ({"mon": []}, "is never open"),
        ({"mo": ["09:00-10:00"]}, "is no day of the week"),
        ({"mon-": ["09:00-10:00"]}, "is no day of the week"),
        ({"mon-wed": ["09:00-10:00"], "tue": ["09:00-10:00"]}, "names tue twice"),
        ({"mon": ["9-10"]}, "is no span of time"),
        ({"mon": ["09:00-24:30"]}, "goes beyond the 24 hours"),
        ({"mon": ["24:00-06:00"]}, "goes beyond the 24 hours"),
        ({"mon": ["09:00-09:00"]}, "has no length"),
        ({"mon": ["09:00-12:00", "11:00-13:00"]}, "has spans that overlap"),
        ({"mon": ["22:00-06:00", "23:00-23:30"]}, "has spans that overlap"),
    ],
)
def test_hours_that_mean_nothing_are_refused_in_words(hours: dict[str, list[str]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Calendar("Europe/Berlin", hours)


@pytest.mark.parametrize("name", ["Berlin", "Europe/Berlln", "../etc/passwd", "", "Europe"])
def test_a_zone_that_is_none_is_refused_in_words(name: str) -> None:
    with pytest.raises(ValueError, match="is no time zone"):
        Calendar(name, OFFICE)


@pytest.mark.parametrize(
    ("code", "words"),
    [("Germany", "is no country"), ("de", "is no country"), ("XX", "not among the countries"), ("DE-XX", "BB, BE, BW")],
)
def test_holidays_that_nobody_knows_are_refused_in_words(code: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Calendar("Europe/Berlin", OFFICE, holidays=[code])


def test_a_moment_without_a_zone_is_refused(office: Calendar) -> None:
    with pytest.raises(ValueError, match="time zone"):
        office.is_open(datetime(2026, 11, 23, 10))  # noqa: DTZ001 - the mistake that is tested
    with pytest.raises(ValueError, match="backwards"):
        office.after(berlin(2026, 11, 23, 10), -HOUR)


def test_days_are_named_one_by_one_by_ranges_and_over_the_weekend() -> None:
    scattered = Calendar("UTC", {"sat-mon": ["08:00-09:00"], "wed,fri": ["08:00-09:00"]})
    week = [datetime(2026, 11, 23 + n, 8, tzinfo=UTC) for n in range(7)]
    assert [scattered.is_open(at) for at in week] == [True, False, True, False, True, True, True]


def test_a_calendar_can_be_sent_to_another_process(office: Calendar) -> None:
    at = berlin(2026, 11, 20, 16)
    assert pickle.loads(pickle.dumps(office)).next_open(at) == office.next_open(at)


# The laws, in zones whose clocks jump by an hour, by half of one, at midnight, a minute after it, and by a whole day.

CHANGES = {
    "Europe/Berlin": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],
    "America/St_Johns": ["2006-04-02T03:31Z", "2006-10-29T02:31Z"],
    "Australia/Lord_Howe": ["2026-04-04T15:00Z", "2026-10-03T15:30Z"],
    "America/Havana": ["2026-03-08T05:00Z", "2026-11-01T05:00Z"],
    "Pacific/Apia": ["2011-12-30T10:00Z"],
    "Asia/Kathmandu": ["2026-06-01T00:00Z"],
}
Shift = tuple[int, int, int]
"""Day of the week, first minute of the day, length in minutes."""


@st.composite
def weeks(draw: st.DrawFn) -> list[Shift]:
    """Spans of a week, several a day, at most one of them over midnight."""
    found = []
    for day in draw(st.sets(st.integers(0, 6), min_size=1)):
        cuts = sorted(draw(st.sets(st.integers(0, 1439), min_size=2, max_size=6)))
        pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
        found += [(day, start, end - start) for start, end in pairs]
        if len(cuts) % 2 and cuts[-1] > 0:
            found.append((day, cuts[-1], draw(st.integers(1440 - cuts[-1] + 1, 1439))))
    return found


def written(week: list[Shift]) -> dict[str, list[str]]:
    hours: dict[str, list[str]] = {}
    for day, start, length in week:
        ends = (start + length) % 1440
        text = f"{start // 60:02}:{start % 60:02}-{ends // 60:02}:{ends % 60:02}"
        hours.setdefault(DAYS[day], []).append(text)
    return hours


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """A whole minute within two days of a change of the clock."""
    change = datetime.fromisoformat(draw(st.sampled_from(CHANGES[zone])))
    return change + draw(st.integers(-2_880, 2_880)) * MINUTE


@st.composite
def scenes(draw: st.DrawFn, count: int) -> tuple[str, list[Shift], list[datetime]]:
    zone = draw(st.sampled_from(sorted(CHANGES)))
    first = draw(moments(zone))
    others = [first + draw(st.integers(0, 5_000)) * MINUTE for _ in range(count - 1)]
    return zone, draw(weeks()), sorted([first, *others])


def minutes(zone: str, week: list[Shift], start: datetime, end: datetime) -> list[bool]:
    """For each minute from start to end whether it is open, found by looking at the wall clock every minute.

    A clock that is put back is read as its latest time so far, since a span ends when its end is first reached.
    """
    answers = []
    at, shown = start - timedelta(days=3), datetime.min  # noqa: DTZ901 - below every time of a wall clock
    while at < end:
        shown = max(shown, at.astimezone(ZoneInfo(zone)).replace(tzinfo=None))
        if at >= start:
            answers.append(any(_covers(shift, shown, back) for shift in week for back in range(3)))
        at += MINUTE
    return answers


def _covers(shift: Shift, shown: datetime, back: int) -> bool:
    day, start, length = shift
    midnight = shown.replace(hour=0, minute=0) - timedelta(days=back)
    begins = midnight + start * MINUTE
    return midnight.weekday() == day and begins <= shown < begins + length * MINUTE


@settings(max_examples=40, deadline=None)
@given(scenes(2))
def test_business_time_is_what_a_look_at_the_clock_every_minute_finds(
    scene: tuple[str, list[Shift], list[datetime]],
) -> None:
    zone, week, (start, end) = scene
    calendar, seen = Calendar(zone, written(week)), minutes(zone, week, start, end)
    assert calendar.between(start, end) == sum(seen) * MINUTE
    assert [calendar.is_open(start + n * MINUTE) for n in range(len(seen))] == seen
    if True in seen:
        assert calendar.next_open(start) == start + seen.index(True) * MINUTE
    if False in seen:
        assert calendar.next_close(start) == start + seen.index(False) * MINUTE


@settings(deadline=None)
@given(scenes(1), st.timedeltas(timedelta(), timedelta(days=20)))
def test_what_was_added_is_what_lies_between(
    scene: tuple[str, list[Shift], list[datetime]], duration: timedelta
) -> None:
    zone, week, (at,) = scene
    calendar = Calendar(zone, written(week))
    due = calendar.after(at, duration)
    if due is None:  # a week of a few minutes takes ten years to get there
        assert calendar.between(at, at + HORIZON) < duration
        return
    assert calendar.between(at, due) == duration
    assert not duration or calendar.between(at, due - timedelta(microseconds=1)) < duration, "the first such moment"


@settings(deadline=None)
@given(scenes(3))
def test_business_time_adds_up_and_never_exceeds_time(scene: tuple[str, list[Shift], list[datetime]]) -> None:
    zone, week, (first, second, third) = scene
    calendar = Calendar(zone, written(week))
    parts = calendar.between(first, second), calendar.between(second, third)
    assert calendar.between(first, third) == sum(parts, timedelta())
    assert timedelta() <= parts[0] <= second - first
    assert calendar.between(second, first) == -parts[0]


@settings(deadline=None)
@given(scenes(2), st.timedeltas(timedelta(), timedelta(days=2)), st.timedeltas(timedelta(), timedelta(days=2)))
def test_who_starts_later_or_needs_longer_is_never_done_earlier(
    scene: tuple[str, list[Shift], list[datetime]], one: timedelta, more: timedelta
) -> None:
    """As far as each looks ahead: ten years from where it begins."""
    zone, week, (earlier, later) = scene
    calendar = Calendar(zone, written(week))
    done, longer = calendar.after(earlier, one), calendar.after(earlier, one + more)
    for other in (calendar.after(later, one), longer):
        assert done is None or other is None or done <= other
    if done is not None and longer is not None:
        assert calendar.after(done, more) == longer
