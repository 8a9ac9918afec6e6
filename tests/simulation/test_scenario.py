"""Scenario files: what their figures mean, and what is told of mistakes in them."""

from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any

import pytest

from bridge import yamlfile
from bridge.errors import BadFile
from deskbridge.simulation.scenario import Scenario
from tests.simulation.worlds import SCENARIO, scenes, text


def refused(**changed: Any) -> str:
    with pytest.raises(BadFile) as caught:
        yamlfile.loads(text(SCENARIO | changed), Scenario, file="s.yaml")
    return str(caught.value)


def test_tickets_come_in_the_hours_on_the_clock_of_the_zone_and_as_many_as_said() -> None:
    made = scenes(timezone="America/New_York", arrivals={"tue": {"22:00-02:00": 40}}, weeks=2)
    jobs = [one for seed in range(20) for one in made.world(seed).jobs]
    begin = datetime(2026, 12, 2, 3, tzinfo=UTC)
    for one in jobs:
        assert (one.at - begin) % timedelta(weeks=1) < timedelta(hours=4)
    assert len(jobs) / 20 == pytest.approx(2 * 4 * 40, rel=0.05)


def test_kinds_minutes_and_replies_are_those_of_the_file() -> None:
    kinds = [
        {"share": 3, "minutes": 12, "further": 6, "replies": 0.5},
        {"share": 1, "minutes": 60},
    ]
    made = scenes(tickets=kinds, arrivals={"mon-sun": {"00:00-24:00": 20}})
    jobs = made.world(3).jobs
    first, other = ([one for one in jobs if one.ask is ask] for ask in dict.fromkeys(one.ask for one in jobs))
    a, b = sorted((first, other), key=len, reverse=True)
    assert len(a) / len(jobs) == pytest.approx(0.75, abs=0.03)
    assert fmean(one.work[0] for one in a) == pytest.approx(12, rel=0.1)
    assert fmean(len(one.delays) for one in a) == pytest.approx(1, rel=0.1)
    assert fmean(minutes for one in a for minutes in one.work[1:]) == pytest.approx(6, rel=0.1)
    assert fmean(one.work[0] for one in b) == pytest.approx(60, rel=0.1)
    assert {len(one.work) for one in b} == {1}


def test_mistakes_are_told_with_their_line_and_column() -> None:
    assert "s.yaml:6:3: is no day of the week" in refused(arrivals={"mom": {"08:00-12:00": 3}})
    assert "s.yaml:7:5: is no span of time" in refused(arrivals={"mon": {"8-12": 3}})
    assert "should be less than or equal to 0.95" in refused(tickets=[{"share": 1, "replies": 1}])
    assert "should not be an empty list" in refused(tickets=[])
    assert "s.yaml:2:8: should be a date, such as 2026-11-30" in refused(start="tomorrow")
    assert "s.yaml:2:8: should be less than or equal to 2099-12-31" in refused(start="9999-12-30")
    assert "'wekks' is not a key here; did you mean 'weeks'?" in refused(wekks=3)


def test_a_world_without_tickets_or_with_too_many_is_refused() -> None:
    assert "has no ticket" in refused(arrivals={"mon": {"08:00-12:00": 0}})
    every_hour = {"mon-sun": {"00:00-24:00": 10_000}}
    assert "has about 3,360,000 tickets; 100,000 are the most" in refused(arrivals=every_hour, weeks=2)
    assert "names mon twice" in refused(arrivals={"mon": {"08:00-09:00": 1}, "mon-tue": {"10:00-11:00": 1}})
