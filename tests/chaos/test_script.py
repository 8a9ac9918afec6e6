"""The play: the same for the same seed, of the size that was asked for, and such that every message's effect is due."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml

import rules
from benchmarks.chaos.script import LINE, LINE_AGENTS, LINE_SLOTS, SOON, WORDS, Story, policy, script
from benchmarks.chaos.stage import VENDORS

SEEDS = range(1, 6)


def play(seed: int, size: int = 400) -> list[Story]:
    return script(size, seed, vendors=VENDORS, rate=10)


def test_the_same_seed_gives_the_same_play_and_another_seed_another() -> None:
    assert play(3) == play(3)
    assert play(3) != play(4)


@pytest.mark.parametrize("size", [1, 2, 150, 401])
def test_there_are_as_many_acts_as_asked_for_at_every_desk(size: int) -> None:
    stories = play(1, size)
    assert sum(len(story.acts) for story in stories) == size
    assert {story.vendor for story in stories} == set(VENDORS[: len(stories)])


def test_no_agent_touches_a_ticket_sooner_than_a_person_could() -> None:
    firsts = [story.acts[1] for seed in SEEDS for story in play(seed) if len(story.acts) > 1]
    assert min(act.wait for act in firsts) >= SOON


def test_each_message_of_a_ticket_has_a_word_of_its_own() -> None:
    for story in play(2):
        said = [str(act.say["body"]) for act in story.acts if act.path == "customers/write"]
        words = [[word for word in WORDS if f" {word} " in body] for body in said]
        assert all(len(found) == 1 for found in words)
        assert len({found[0] for found in words}) == len(said)


def in_the_queue(story: Story) -> bool:
    return LINE in str(story.acts[0].say["subject"])


def test_the_queue_has_as_many_tickets_in_the_end_as_slots() -> None:
    line = [story for story in play(5) if in_the_queue(story)]
    assert len(line) > 2 * len(LINE_AGENTS) * LINE_SLOTS
    assert sum(len(story.acts) == 1 for story in line) == len(LINE_AGENTS) * LINE_SLOTS


def test_a_solved_ticket_is_always_written_to_again_and_answers_come_before_replies() -> None:
    for story in play(5):
        if in_the_queue(story):
            continue
        for act, after in pairwise((*story.acts, None)):
            assert act is not None
            if act.say.get("set") == {"status": "resolved"}:
                assert after is not None
                assert after.path == "customers/write"
        kinds = ["answer" if "reply" in act.say else act.path for act in story.acts]
        assert "answer" not in kinds or "customers/write" not in kinds[1 : kinds.index("answer")]


def test_every_kind_of_edit_is_played() -> None:
    edits = [act.say for seed in SEEDS for story in play(seed) for act in story.acts if act.path == "agents/edit"]
    changed = {name for say in edits for name in (say["set"] if isinstance(say["set"], dict) else ())}
    assert changed == {"assignee", "team", "status", "priority", "add_tags", "remove_tags"}
    assert {"note", "reply"} <= {name for say in edits for name in say}


def test_its_policy_is_one(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(policy(("acme-zendesk",))), "utf-8")
    assert rules.load(file).teams() == ("billing", "general", "parcel", "tech")
