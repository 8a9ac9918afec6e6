"""The policy benchmark runs to its end on a few rules; its engines must agree, and no time is judged here."""

from benchmarks import policy


def test_four_engines_name_the_same_rules_and_each_tells_its_time() -> None:
    report = policy.measure(sizes=((60, 400),), tickets=10, rounds=1)
    assert [row["engine"] for row in report.rows] == list(policy.ENGINES)
    assert report.rows[0]["of baseline"] == 1.0
