"""The note that agents see, as the pipeline asks for it."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import (
    NOBODY,
    Assignment,
    Change,
    Entity,
    Fact,
    Finding,
    Mode,
    Predicted,
    Priority,
    Remark,
    RuleVerdict,
    Status,
    Triage,
    Use,
)
from bridge.note import NOTE_MAX, compose

AT = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)
TRIAGE = Triage(
    intent=Finding("refund", 0.87, ("money back", "charged twice")),
    urgency=Finding("high", 0.8, ("today",)),
    language=Finding("de", 0.99),
)
FACTS = (
    Fact("requester.tier", "enterprise", "customers.csv", AT),
    Fact("requester.plan", None, "crm.example", None, "late: no answer within 2 s"),
    Fact("contacts_24h", 3, "desk history", AT),
    Fact("last_agent", "4711", "desk history", AT),
)
VERDICTS = (
    RuleVerdict("annotate", "vip", True, "tier is enterprise"),
    RuleVerdict("route", "outages", False, "intent is refund"),
    RuleVerdict("route", "refunds", True, "intent is refund"),
)
ASSIGNED = Assignment("billing", "77", "Ana Alvarez", "4711", "fewest open tickets for their capacity (2 of 10)")
WISH = Change(assignee_id="4711", team_id="77", priority=Priority.HIGH, add_tags=frozenset({"vip", "refund"}))


def note(
    *,
    mode: Mode = Mode.LIVE,
    triage: Triage = TRIAGE,
    facts: tuple[Fact, ...] = FACTS,
    assignment: Assignment | None = ASSIGNED,
    wish: Change = WISH,
    kept: tuple[str, ...] = ("status was set by somebody else",),
) -> str:
    return compose(
        mode=mode,
        triage=triage,
        acts_from=0.85,
        facts=facts,
        verdicts=VERDICTS,
        assignment=assignment,
        wish=wish,
        kept=kept,
        names={"4711": "Ana Alvarez"},
    )


def test_a_live_note_says_what_why_what_is_known_and_what_was_done() -> None:
    assert note() == (
        "<p><b>What it is</b>: refund by “money back”, “charged twice”; urgency high (80%); language de (99%)</p>"
        "<p><b>Why it is here</b>: team billing; rule “refunds”; "
        "Ana Alvarez: fewest open tickets for their capacity (2 of 10); marked by “vip”</p>"
        "<p><b>Confidence</b>: 87%, rules act on it (from 85% on)</p>"
        "<p><b>Context</b></p><ul>"
        "<li>tier: <b>enterprise</b> <i>(customers.csv, 2026-11-21 14:03 UTC)</i></li>"
        "<li>plan: unknown <i>(crm.example: late: no answer within 2 s)</i></li>"
        "<li>tickets opened within 24 hours: <b>3</b> <i>(desk history, 2026-11-21 14:03 UTC)</i></li>"
        "<li>last agent: <b>Ana Alvarez</b> <i>(desk history, 2026-11-21 14:03 UTC)</i></li></ul>"
        "<p><b>Next step</b>: Ana Alvarez to answer</p><ul>"
        "<li>Set assignee: Ana Alvarez</li><li>Set team: billing</li><li>Set priority: high</li>"
        "<li>Tags added: refund, vip</li><li>Left alone: status was set by somebody else</li></ul>"
    )


def test_how_sure_an_intent_is_is_told_beside_what_rules_need() -> None:
    told = note(triage=Triage(intent=Finding("refund", 0.6, ("money back",))))
    assert "<p><b>Confidence</b>: 60%, told only, rules do not act on it (from 85% on)</p>" in told


@pytest.mark.parametrize(
    ("use", "sure", "words"), [(Use.ACT, 0.85, "rules act on it"), (Use.SUGGEST, 0.84, "told only")]
)
def test_of_a_model_what_came_next_and_the_distance_to_its_threshold_are_told(
    use: Use, sure: float, words: str
) -> None:
    said = (
        "refund 71% for “transaction”, “kraftfahrzeughaftpfl…”, “reimbursement”; next card_payment_not_recognised 20%; "
        "2.0 points above what is acted on (69%)"
    )
    model = Predicted("refund", 0.71, use, ("money back",), said, "m1")
    told = note(triage=Triage(intent=Finding("refund", sure, ("money back",)), predicted=model))
    assert "<p><b>What it is</b>: refund by the model</p>" in told
    assert f"<p><b>Confidence</b>: {words}" in told
    assert "next card_payment_not_recognised 20%; 2.0 points above what is acted on (69%)</p>" in told


def test_a_model_that_was_not_asked_for_the_intent_does_not_speak_of_it() -> None:
    model = Predicted("billing", 0.99, Use.LEAVE, ("invoice",), "billing 99%", "m1")
    told = note(triage=replace(TRIAGE, predicted=model))
    assert "<b>What it is</b>: refund by “money back”" in told
    assert "billing 99%" not in told


def test_a_suggestion_says_what_would_have_been_written_and_that_nothing_was() -> None:
    told = note(mode=Mode.SUGGEST)
    assert "Suggestion, nothing was changed" in told
    assert "<li>Would set assignee: Ana Alvarez</li>" in told
    assert "<li>Tags to be added: refund, vip</li>" in told
    assert "<li>Set " not in told


def test_a_ticket_of_which_nothing_is_known_says_so() -> None:
    told = compose(
        mode=Mode.LIVE, triage=Triage(), acts_from=0.85, facts=(), verdicts=(), assignment=None, wish=Change(), kept=()
    )
    assert told == (
        "<p><b>What it is</b>: not understood</p><p><b>Why it is here</b>: the policy sends it nowhere else</p>"
        "<p><b>Confidence</b>: no intent is sure enough to be told</p>"
        "<p><b>Context</b>: nothing is known</p><p><b>Next step</b>: it stays with whoever has it</p>"
    )


def test_a_ticket_without_a_free_agent_waits_in_its_team() -> None:
    told = note(assignment=Assignment("billing", "77", None, None, "everybody is full"))
    assert "no agent yet: everybody is full" in told
    assert "it waits in billing until somebody has room" in told


def test_an_automatic_message_may_need_no_answer() -> None:
    told = note(triage=Triage(automatic=Finding("auto_reply", 0.95)))
    assert "automatic auto_reply (95%)" in told
    assert "there may be nothing to answer" in told


def test_signals_and_what_the_text_mentions_are_told_and_what_is_personal_in_them_is_masked() -> None:
    signal = Finding("repeat_contact", 0.8, ("third time", "still waiting", "again"))
    mentioned = (Entity("order", "A-77120", 0.95), Entity("payment", "4111 1111 1111 1111", 0.8))
    told = note(triage=Triage(signals=(signal,), entities=mentioned))
    assert "repeat contact by “third time”" in told
    assert "order A-77120; payment [card]" in told
    assert "4111" not in told


def test_fields_statuses_and_an_emptied_assignee_are_told_by_name() -> None:
    told = note(wish=Change(assignee_id=NOBODY, status=Status.OPEN, fields={"area": "api", "Region": 4}))
    assert "<li>Set assignee: nobody</li><li>Set status: open</li><li>Set Region: 4</li><li>Set area: api</li>" in told


def test_an_agent_nobody_names_is_shown_by_id() -> None:
    told = compose(
        mode=Mode.LIVE,
        triage=TRIAGE,
        acts_from=0.85,
        facts=FACTS,
        verdicts=VERDICTS,
        assignment=None,
        wish=Change(assignee_id="4711"),
        kept=(),
    )
    assert "<li>Set assignee: 4711</li>" in told
    assert "last agent: <b>4711</b>" in told


def test_what_does_not_fit_is_counted() -> None:
    told = note(kept=tuple(f"field number {number} was set by somebody else" for number in range(40)))
    assert re.search(r"<li>and \d+ more</li></ul>$", told)


def test_what_rules_say_comes_before_what_is_known_and_is_escaped() -> None:
    said = [Remark("one", "Ask <i>Ana</i> first"), Remark("two", "y" * 900), Remark("three", "not this")]
    told = compose(
        mode=Mode.LIVE,
        triage=Triage(),
        acts_from=0.85,
        facts=FACTS,
        verdicts=(),
        assignment=None,
        wish=Change(),
        kept=(),
        remarks=said,
    )
    assert "to be told</p><ul><li>Ask &lt;i&gt;Ana&lt;/i&gt; first</li><li>" in told
    assert "</li><li>and 2 more</li></ul><p><b>Context</b></p>" in told


def test_of_several_route_rules_the_first_that_matched_is_named() -> None:
    verdicts = tuple(RuleVerdict("route", name, True, "it has no condition") for name in ("one", "two"))
    told = compose(
        mode=Mode.LIVE,
        triage=Triage(),
        acts_from=0.85,
        facts=(),
        verdicts=verdicts,
        assignment=None,
        wish=Change(),
        kept=(),
    )
    assert "<p><b>Why it is here</b>: rule “one”</p>" in told


def test_a_note_full_to_the_brim_is_never_too_long() -> None:
    lengths = {len(note(facts=(Fact("x" * size, "y" * 60, "z", AT),) * 30)) for size in range(1, 41)}
    assert max(lengths) <= NOTE_MAX
    assert min(lengths) > NOTE_MAX - 200


def test_text_that_was_cut_shows_it() -> None:
    assert "“refund…”" in note(triage=Triage(intent=Finding("x", 1, ("refund" + " " * 500 + "never",))))


def test_text_that_would_turn_or_hide_the_note_loses_its_power() -> None:
    told = note(triage=Triage(intent=Finding("re\u202efund\u200b\x00\x1b[31m", 0.5, ("a\nb\u2028c",))))
    assert "re fund" in told
    assert "“a b c”" in told
    assert not set(told) & {"\u202e", "\u200b", "\x00", "\x1b", "\n", "\u2028"}


@pytest.mark.parametrize("by_model", [True, False])
def test_a_note_of_which_every_part_is_at_its_longest_is_not_too_long(by_model: bool) -> None:
    long, mode = "&" * 400, Mode.SUGGEST
    one, entity = Finding(long, 0.87, (long,) * 5), Entity(long, long, 0.9)
    model = Predicted(long, 0.5, Use.ACT, one.because, long, "m1") if by_model else None
    told = compose(
        mode=mode,
        triage=Triage(one, one, one, one, one, (one,) * 6, (entity,) * 5, model),
        acts_from=0.9,
        facts=[Fact(long, long, long, AT)] * 20,
        verdicts=[RuleVerdict("annotate", long, True, long), RuleVerdict("route", long, True, long)] * 5,
        assignment=Assignment(long, long, long, long, long),
        wish=Change(assignee_id=long, fields={long: long}),
        kept=[long] * 5,
        remarks=[Remark(long, long)] * 4,
        tier=long,
    )
    assert len(told) <= NOTE_MAX
    for section in ("What it is", "Why it is here", "Confidence", "Context", "Suggestion, nothing was changed"):
        assert f"<b>{section}</b>" in told


texts = st.one_of(
    st.text(max_size=400), st.sampled_from(["<script>alert(1)</script>", "&" * 300, "'\"><b>" * 99, "</p>"])
)
findings = st.builds(Finding, texts, st.floats(0, 1), st.lists(texts, max_size=5).map(tuple))
maybe = st.none() | findings
entities = st.lists(st.builds(Entity, texts, texts, st.floats(0, 1)), max_size=6).map(tuple)
spoken = st.builds(Predicted, texts, st.floats(0, 1), st.sampled_from(Use), st.just(()), texts, texts)
by_words = st.builds(Triage, maybe, maybe, maybe, maybe, maybe, st.lists(findings, max_size=6).map(tuple), entities)
by_model = st.builds(lambda said, one: replace(said, intent=Finding(one.label, 0.9), predicted=one), by_words, spoken)
triages = by_words | by_model
values = texts | st.integers() | st.booleans() | st.none() | st.floats()
facts = st.lists(st.builds(Fact, texts, values, texts, st.none() | st.just(AT), st.none() | texts), max_size=20)
verdicts = st.lists(
    st.builds(RuleVerdict, st.sampled_from(["annotate", "route"]), texts, st.booleans(), texts), max_size=9
)
assignments = st.none() | st.builds(Assignment, texts, st.none() | texts, st.none() | texts, st.none() | texts, texts)
tags = st.frozensets(texts, max_size=30)
changes = st.builds(
    Change,
    assignee_id=st.none() | texts,
    team_id=st.none() | texts,
    type=st.none() | texts,
    add_tags=tags,
    remove_tags=tags,
    fields=st.dictionaries(texts, texts, max_size=5),
)


calls = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(Mode),
        "triage": triages,
        "acts_from": st.floats(0, 1),
        "facts": facts,
        "verdicts": verdicts,
        "assignment": assignments,
        "wish": changes,
        "kept": st.lists(texts, max_size=20),
        "remarks": st.lists(st.builds(Remark, texts, texts), max_size=5),
    }
)


@given(calls)
def test_no_note_is_too_long_or_lets_anything_of_a_ticket_through_as_markup(call: dict[str, Any]) -> None:
    told = compose(**call)
    assert len(told) <= NOTE_MAX
    bare = re.sub(r"</?(?:p|b|i|ul|li)>", "", told)
    assert not set(bare) & set("<>\"'")
    assert re.sub(r"&(?:amp|lt|gt|quot|#x27);", "", bare).count("&") == 0
    assert balanced(told)
    told.encode()


def balanced(markup: str) -> bool:
    open_tags: list[str] = []
    for closing, tag in re.findall(r"<(/?)(\w+)>", markup):
        if not closing:
            open_tags.append(tag)
        elif not open_tags or open_tags.pop() != tag:
            return False
    return not open_tags


def test_a_short_note_leaves_the_context_out_and_no_note_leaves_what_rules_say() -> None:
    given: dict[str, Any] = {
        "mode": Mode.LIVE,
        "triage": TRIAGE,
        "acts_from": 0.85,
        "facts": FACTS,
        "verdicts": VERDICTS,
    }
    given |= {"assignment": ASSIGNED, "wish": WISH, "kept": (), "remarks": [Remark("vip", "Call them back.")]}
    short, nothing = compose(**given, length="short"), compose(**given, length="off")
    for section in ("What it is", "Why it is here", "Confidence", "Call them back.", "Next step"):
        assert section in short
    assert "Context" not in short
    assert nothing == "<ul><li>Call them back.</li></ul>"
    assert compose(**given | {"remarks": []}, length="off") == ""
