"""Effort is learnt from answers, and what is rarely seen stays near what is usual."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.routing.effort import LONGEST, Answer, Effort, learn
from bridge.routing.snapshot import UNKNOWN_MINUTES

answers = st.lists(
    st.builds(
        Answer,
        agent=st.sampled_from(("ana", "bo")),
        topic=st.sampled_from(("refund", "outage")),
        minutes=st.floats(1, LONGEST),
        followup=st.booleans(),
    ),
    max_size=30,
)


def many(agent: str, topic: str, minutes: float, count: int) -> list[Answer]:
    return [Answer(agent, topic, minutes)] * count


def test_without_any_history_everybody_takes_what_is_usual() -> None:
    assert learn([]).of("ana", "refund") == UNKNOWN_MINUTES
    assert learn([]).followup == 0.5


def test_a_long_history_is_believed() -> None:
    effort = learn(many("ana", "refund", 6.0, 500) + many("bo", "refund", 18.0, 500))
    assert effort.of("ana", "refund") == pytest.approx(6.0, rel=0.05)
    assert effort.of("bo", "refund") == pytest.approx(18.0, rel=0.05)
    assert effort.minutes["refund"] == pytest.approx(12.0, rel=0.05)


def test_a_single_answer_moves_an_agent_only_a_little_from_the_team() -> None:
    effort = learn(many("ana", "refund", 10.0, 200) + many("bo", "refund", 40.0, 1))
    assert 10.0 < effort.of("bo", "refund") < 18.0


def test_who_is_quick_at_one_topic_is_expected_to_be_quick_at_another() -> None:
    usual = many("ana", "refund", 10.0, 200) + many("ana", "outage", 30.0, 200)
    assert learn(usual + many("bo", "refund", 5.0, 200)).of("bo", "outage") < 25.0


def test_follow_ups_are_measured_by_the_first_answers_of_their_topic() -> None:
    seen = many("ana", "outage", 30.0, 200) + [Answer("ana", "outage", 10.0, followup=True)] * 200
    assert learn(seen).followup == pytest.approx(1 / 3, rel=0.1)


def test_a_ticket_left_open_over_night_counts_as_the_longest_work_there_is() -> None:
    assert learn([Answer("ana", "refund", 900.0)]) == learn([Answer("ana", "refund", LONGEST)])


@settings(deadline=None)
@given(answers)
def test_what_is_learnt_does_not_depend_on_the_order(seen: list[Answer]) -> None:
    one, other = learn(seen), learn(seen[::-1])
    for agent in ("ana", "bo"):
        for topic in ("refund", "outage"):
            assert one.of(agent, topic) == pytest.approx(other.of(agent, topic))


@settings(deadline=None)
@given(answers)
def test_every_expectation_is_positive_and_no_longer_than_the_longest(seen: list[Answer]) -> None:
    effort: Effort = learn(seen)
    assert all(0 < minutes <= LONGEST for known in effort.agents.values() for minutes in known.values())
    assert effort.followup > 0
