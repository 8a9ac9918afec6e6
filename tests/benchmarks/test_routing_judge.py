"""The judge's door: our router in the judge's own simulator, on a world small enough for a test."""

from pathlib import Path

import pytest

from benchmarks.routing_judge import BALANCED, ROUND_ROBIN, Run

JUDGE = Path(__file__).parents[2] / ".." / "shared" / "routing"

SMALL = {"weeks": 1, "warmup_weeks": 0, "measure_weeks": 1, "n_agents": 6, "we_agents": 2}


@pytest.fixture
def judge() -> Path:
    if not (JUDGE / "bench.py").is_file():
        pytest.skip("the routing benchmark is not beside the repository")
    return JUDGE.resolve()


def test_no_answer_of_ours_is_refused_and_customers_wait_less_than_the_vendors_ways_have_them(judge: Path) -> None:
    ours, rr, balanced = (
        Run(judge, router, 0.7, 1).measured(**SMALL) for router in ("deskbridge", ROUND_ROBIN, BALANCED)
    )
    assert ours["errors"] == 0
    assert ours["res"] < balanced["res"] < rr["res"]
    assert ours["frt_b"] < balanced["frt_b"]
