"""A scenario file: made-up tickets by kinds and hours of the week, in words that an operations lead has figures for."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from bridge import calendars, yamlfile
from bridge.calendars import Calendar
from bridge.model import Case
from deskbridge.simulation.world import Ask, Job, World, chance, lognormal
from rules import LoadedPolicy, cases
from rules.operators import Duration, Number, Strict, some
from rules.schema import Days, Given, Span, Zone

MOST_TICKETS: Final = 100_000
"""More of them in one world are a mistake in the file: a run would take hours."""

Minutes = Annotated[Number, Field(gt=0, le=1_440)]
Share = Annotated[Number, Field(ge=0, le=1)]
Spread = Annotated[Number, Field(ge=0, le=3)]


class Kind(Strict):
    """Tickets that are alike: how many of a hundred there are, what they say, and what they take.

    `given` is a ticket as in a policy's tests, so the policy's own rules say where it goes. `minutes` are the mean of a
    first answer and `further` that of every later one; `replies` is the share of answers to which the customer writes
    back.
    """

    share: Annotated[Number, Field(gt=0)]
    given: Given = Given()
    minutes: Minutes = 10.0
    further: Minutes = 5.0
    replies: Annotated[Number, Field(ge=0, le=0.95)] = 0.0


class Customers(Strict):
    """How long customers take to write back: the mean, and the spread (sigma of the logarithm)."""

    reply_after: Duration = timedelta(hours=4)
    spread: Spread = 1.2


class Work(Strict):
    """How answers of one kind (`spread`) and agents (`pace`) differ, as sigma of the logarithm, and what `juggling`
    costs: the share of its minutes that an answer takes longer for each further ticket in hand, doubled at the most.
    """

    spread: Spread = 0.8
    pace: Spread = 0.2
    juggling: Share = 0.0


class Scenario(Strict):
    """A scenario file. `arrivals` are tickets an hour by days of the week and spans of the day, on the clock of
    `timezone`; they begin with the day of `start` and end after so many `weeks`.
    """

    scenario: Literal["deskbridge/v1"]
    start: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2099, 12, 31))]
    timezone: Zone
    weeks: Annotated[int, Field(strict=True, ge=1, le=26)] = 2
    arrivals: dict[Days, dict[Span, Annotated[Number, Field(ge=0, le=10_000)]]]
    tickets: Annotated[tuple[Kind, ...], AfterValidator(some)]
    customers: Customers = Customers()
    work: Work = Work()

    @model_validator(mode="after")
    def _can_be_run(self) -> "Scenario":
        calendars.weekly({days: list(by_span) for days, by_span in self.arrivals.items()})
        expected = sum(rate * (end - begin) / _HOUR for begin, end, rate in self.busy)
        if not expected:
            raise ValueError("has no ticket: give a span of its arrivals more than 0 an hour")
        if expected > MOST_TICKETS:
            raise ValueError(f"has about {expected:,.0f} tickets; {MOST_TICKETS:,} are the most")
        return self

    @property
    def begin(self) -> datetime:
        """The first moment of the first day, in UTC."""
        return datetime.combine(self.start, time(), calendars.zone(self.timezone)).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The first moment after the last day, in UTC."""
        last = self.start + timedelta(weeks=self.weeks)
        return datetime.combine(last, time(), calendars.zone(self.timezone)).astimezone(UTC)

    @cached_property
    def busy(self) -> tuple[tuple[datetime, datetime, float], ...]:
        """From when to when so many tickets come an hour."""
        return tuple(self._busy())

    def _busy(self) -> Iterator[tuple[datetime, datetime, float]]:
        for days, by_span in self.arrivals.items():
            for span, rate in by_span.items():
                calendar = Calendar(self.timezone, {days: [span]})
                at = calendar.next_open(self.begin)
                while at is not None and at < self.end:
                    closes = calendar.next_close(at) or self.end
                    yield at, min(closes, self.end), rate
                    at = calendar.next_open(closes)


_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)


class Scenes:
    """The worlds of a scenario, each with arrivals, minutes and delays of its own."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._asks = [_asked(kind) for kind in scenario.tickets]

    def world(self, seed: int) -> World:
        """The world of a seed."""
        given = self._scenario
        arrivals = sorted(_arrivals(given, chance(seed, "arrivals")))
        rng = chance(seed, "tickets")
        jobs = tuple(self._job(at, random.Random(rng.random())) for at in arrivals)  # noqa: S311 - must be repeatable
        return World(seed, given.begin, given.end, jobs, given.work.pace, given.work.juggling)

    def _job(self, at: datetime, rng: random.Random) -> Job:
        kinds, customers, spread = self._scenario.tickets, self._scenario.customers, self._scenario.work.spread
        number = rng.choices(range(len(kinds)), [kind.share for kind in kinds])[0]
        kind, work, delays = kinds[number], [lognormal(rng, kinds[number].minutes, spread)], list[float]()
        while rng.random() < kind.replies:
            delays.append(lognormal(rng, customers.reply_after / _MINUTE, customers.spread))
            work.append(lognormal(rng, kind.further, spread))
        return Job(at, self._asks[number], tuple(work), tuple(delays))


def load(path: Path) -> Scenes:
    """The worlds of the scenario in a file. Raises BadFile with every fault."""
    return Scenes(yamlfile.load(path, Scenario))


def _arrivals(scenario: Scenario, rng: random.Random) -> Iterator[datetime]:
    """A Poisson process in each span: how many came says nothing of how many come."""
    for begin, end, rate in scenario.busy:
        at = begin
        while rate and (at := at + rng.expovariate(rate) * _HOUR) < end:
            yield at


def _asked(kind: Kind) -> Ask:
    def ask(policy: LoadedPolicy) -> Case:
        return cases.case_of(policy, kind.given)

    return ask
