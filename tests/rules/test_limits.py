"""Hostile policies and hostile tickets: refused at load, or decided with bounded work, which is counted, not timed."""

import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from bridge import yamlfile
from bridge.errors import BadFile
from bridge.model import Case, Mode
from bridge.yamlfile import MAX_BYTES, MAX_DEPTH
from rules.lint import lint
from rules.policy import checked
from tests.rules.build import BASE, END, case, faults


def text_of(whens: Iterator[str]) -> str:
    annotate = "".join(f"  - {{name: r{n}, when: {when}, then: {{add_tags: [x]}}}}\n" for n, when in enumerate(whens))
    return f"{BASE}annotate:\n{annotate}route:\n{END}"


def policy_of(whens: Iterator[str]) -> rules.LoadedPolicy:
    return rules.loads(text_of(whens))


def calls_of(loaded: rules.LoadedPolicy, given: Case) -> int:
    """How many Python functions one decision calls: its work, on any machine."""
    loaded.decide(given, desk="d", desk_mode=Mode.LIVE)  # what is kept from the first decision on is not counted
    return counted(lambda: loaded.decide(given, desk="d", desk_mode=Mode.LIVE))


def counted(work: Callable[[], object]) -> int:
    """How many Python functions something calls."""
    calls = 0

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(
    "when",
    [
        "{{field.order: v{0}}}",
        "{{text: [word{0}, other{0}]}}",
        "{{text: {{all_words: [word{0}, again{0}]}}}}",
        "{{tags: t{0}}}",
        "{{contacts_24h: {{over: {0}}}}}",
        "{{not: {{any: [{{status: new}}, {{field.order: v{0}}}]}}}}",
        "{{all: [{{field.order: v{0}}}, {{text: {{pattern: 'A{0}'}}}}]}}",
        "{{any: [{{requester.tier: t{0}}}, {{text: [word{0}]}}, {{field.order: v{0}}}]}}",
    ],
)
def test_rules_that_fail_cost_nothing_however_many_there_are(when: str) -> None:
    few = policy_of(when.format(number) for number in range(10, 20))
    many = policy_of(when.format(number) for number in range(10, 510))
    given = case("a question about something else", fields={"order": "none"}, facts={"contacts_24h": 3})
    assert calls_of(many, given) == calls_of(few, given)


def test_a_question_that_many_rules_ask_is_answered_once() -> None:
    asking = "{{text: {{pattern: 'A[0-9]'}}, not: {{field.order: v{0}}}}}"
    few, many = (policy_of(asking.format(number) for number in range(count)) for count in (2, 200))
    given = case("none of these")
    searches = [calls_of(loaded, given) for loaded in (few, many)]
    assert searches[1] - searches[0] <= 198 * 20  # a few calls a rule, never a search of the text


def test_a_policy_of_five_megabytes_is_refused_before_it_is_read() -> None:
    start = time.process_time()
    with pytest.raises(BadFile, match=f"is larger than {MAX_BYTES:,} bytes"):
        rules.loads("a: " + "[x, " * 1_250_000)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_what_is_nested_too_deeply_is_refused_in_words(opening: str) -> None:
    (told,) = faults("teams: " + opening * 100_000 if opening != "- " else opening * 100_000)
    assert told.endswith(f"is nested deeper than {MAX_DEPTH} levels.")


def test_too_many_entries_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamlfile, "MAX_ENTRIES", 1_000)
    (told,) = faults("a: [" + "b," * 1_001 + "]")
    assert told.endswith("has more than 1,000 entries.")


@pytest.mark.parametrize("text", ["a: 1\n" * 500_000, "[" + "&a x," * 500_000 + "]"], ids=["keys twice", "anchors"])
def test_a_file_that_is_all_faults_is_not_read_to_its_end(text: str) -> None:
    start = time.process_time()
    assert len(faults(text)) == 100
    assert time.process_time() - start < 1.0


def lint_calls_of(rules_wanted: int) -> int:
    """How many Python functions lint calls for so many route rules to one team and as many rules that annotate."""
    when = "{{field.f{0}: v}}"
    annotate = [
        f"  - {{name: a{n}, when: {when.format(n)}, then: {{add_tags: [t{n}]}}}}\n" for n in range(rules_wanted)
    ]
    route = [f"  - {{name: r{n}, when: {when.format(n)}, to: {{team: general}}}}\n" for n in range(rules_wanted)]
    document = yamlfile.parse(f"{BASE}annotate:\n{''.join(annotate)}route:\n{''.join(route)}{END}", file="p.yaml")
    loaded = checked(document)
    return counted(lambda: lint(loaded, document, loaded.run_tests()))


def test_the_work_of_lint_grows_with_the_rules_and_not_with_their_pairs() -> None:
    assert lint_calls_of(400) < 2.2 * lint_calls_of(200)


def test_patterns_are_bounded_one_by_one_and_together() -> None:
    (told,) = faults(text_of(iter(["{text: {pattern: '(abc){400}'}}"])))
    assert told.endswith("is a pattern of size 1204, too costly; 1000 is the most.")
    (told,) = faults(text_of(iter(["{text: {pattern: 'a[ab]{400}c'}}"])))
    assert told.endswith("is a pattern that can hold a ticket up for 40 ms; 30 ms is the most.")
    policy_of(f"{{text: {{pattern: 'order {number}'}}}}" for number in range(600))
    (told,) = faults(text_of(f"{{text: {{pattern: 'a[ab]{{{number}}}c'}}}}" for number in range(40, 45)))
    words = "is a pattern too many: all together can hold a ticket up for more than 30 ms. Use words instead"
    assert told.startswith(f"p.yaml:11:39: {words}")


def test_a_file_of_costly_patterns_is_refused_without_working_out_what_each_would_take() -> None:
    text = text_of(f"{{text: {{pattern: '(a|b)*a(a|b){{20}}c{number}'}}}}" for number in range(2_000))
    start = time.process_time()
    assert "is a pattern too many" in faults(text)[0]
    assert time.process_time() - start < 5.0  # each takes about 10 ms


def test_every_pattern_that_alone_is_too_costly_is_told_with_all_other_faults() -> None:
    told = faults(text_of(iter(["{text: {pattern: 'a[ab]{400}c'}}", "{text: {pattern: 'b[ab]{400}c'}, subjet: x}"])))
    assert [line.partition(": ")[0] for line in told] == ["p.yaml:9:39", "p.yaml:10:39", "p.yaml:10:55"]


def test_parts_of_long_fields_are_bounded_too() -> None:
    told = faults(text_of(f"{{field.story: {{contains: 'part {number}'}}}}" for number in range(1_000, 6_000)))
    assert "is a part of a text too many: all together can hold a ticket up for more than 30 ms" in told[0]
    loaded = policy_of(f"{{field.story: {{starts_with: 'é{number}', contains: x}}}}" for number in range(2_000))
    for story in ("\ufdfa" * 64_000, "請é" * 32_000, "ab" * 32_000):
        assert spent(loaded, case(fields={"story": story})) < SLOWEST


def test_of_a_long_field_the_beginning_and_the_very_end_are_looked_at() -> None:
    asked = ("starts_with: é1", "contains: é2", "ends_with: é3")
    loaded = policy_of(f"{{field.story: {{{one}}}}}" for one in asked)
    outcome = loaded.decide(case(fields={"story": f"É1{'x' * 900}É2{'x' * 60_000}É3"}), desk="d", desk_mode=Mode.LIVE)
    assert [verdict.rule for verdict in outcome.verdicts] == ["r0", "r1", "r2", "everything else"]


def test_patterns_that_extract_count_with_those_of_rules() -> None:
    slow = "'(refund|invoice).{0,90}(twice|double)'"
    extract = f"triage:\n  extract: {{one: {slow}, two: {slow}}}\n"
    (told,) = faults(f"{BASE.replace('triage:', extract.rstrip())}route:\n{END}")
    assert told.startswith("p.yaml:7:64: is a pattern too many")


@pytest.mark.parametrize("branch", ["any", "all"])
def test_conditions_within_conditions_do_not_multiply(branch: str) -> None:
    """Written out as alternatives this tree has 2 to the 24 of them."""
    one, other = "{{all: [{{field.a{0}: 1}}, {{field.b{0}: 1}}]}}", "{{all: [{{field.c{0}: 1}}, {{field.d{0}: 1}}]}}"
    leaf = f"{{{{any: [{one}, {other}]}}}}"
    tree = f"{{{branch}: [{', '.join(leaf.format(number) for number in range(24))}]}}"
    deep = "{status: new}"
    for _ in range(28):
        deep = f"{{any: [{{channel: chat, status: open}}, {deep}]}}"
    loaded = policy_of(iter((tree, deep)))
    given = case(fields={f"{name}{number}": 1 for name in "ab" for number in range(24)})
    assert [v.rule for v in loaded.decide(given, desk="d", desk_mode=Mode.LIVE).verdicts][:2] == ["r0", "r1"]
    spoilt = case(fields={f"{name}{number}": 1 for name in "ac" for number in range(24)})
    assert [v.rule for v in loaded.decide(spoilt, desk="d", desk_mode=Mode.LIVE).verdicts][:1] == ["r1"]


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "ab", "[ab]", ".", "é", r"\pL", r"\d", "[^a]", "(?i)A", "^", "$", r"\b"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+?", "{12}", "{0,20}", "{3,}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=8,
)
"""Patterns of few parts, repeated within each other."""

HOSTILE = {
    "one word": "word " * 13_000,
    "one letter": "a" * 64_000,
    "all scripts": "".join(chr(code) for code in range(0x20, 0x10000) if not 0xD800 <= code < 0xE000),
    "emoji": "👩‍👩‍👧‍👦👍🏽🇩🇪" * 8_000,
    "han": "請求書" * 20_000,
    "marks": "e" + "\u0301" * 64_000,
    "compatibility": "ﷺ" * 32_000,
    "surrogates": "\ud83d" * 64_000,
    "turned": "\u202eabc\u202c" * 16_000,
}
WORDS = ["word word", "a a", "請求", "書請求書", "👍", "é", "ﷺ", "login が", "न", "word " * 19 + "last"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_takes_work_in_proportion_to_its_length(name: str) -> None:
    whens = [f"{{text: ['{word}']}}" for word in WORDS] + [
        f"{{text: {{pattern: '{p}'}}}}" for p in ("(a|a)+b", "(x+x+)+y")
    ]
    loaded = policy_of(iter(whens))
    text = HOSTILE[name]
    whole, half = (calls_of(loaded, case(part)) for part in (text[:32_000], text[:16_000]))
    assert whole <= 3 * half + 5_000
    assert calls_of(loaded, case(text)) <= whole + 100  # what stands further down is not looked at


MIXED = "請👍aé1 \u0301ﷺ\u05d0\u0939Ω😀-"
SLOWEST = 0.050
"""Seconds of processor that the slowest decision may take."""


def spent(loaded: rules.LoadedPolicy, given: Case) -> float:
    """Processor time of one decision, the least of five: what else the machine does is no concern here."""
    times = []
    for _ in range(5):
        re2.purge()  # so that no automaton is left from before
        start = time.thread_time()
        loaded.decide(given, desk="d", desk_mode=Mode.LIVE)
        times.append(time.thread_time() - start)
    return min(times)


@pytest.mark.parametrize("name", HOSTILE)
def test_the_slowest_decision_on_a_hostile_text_stays_under_its_bound(name: str) -> None:
    whens = [f"{{text: ['{word}']}}" for word in WORDS]
    whens += [
        f"{{text: {{pattern: '{one}'}}}}" for one in ("(a|a)+b", "(x+x+)+y", ".*.*.*=.*", "(?i)(é|請).{0,40}(x|y)")
    ]
    whens += [
        f"{{any: [{{text: [word{n}, word word{n}]}}, {{tags: t{n}}}], not: {{channel: chat}}}}" for n in range(500)
    ]
    assert spent(policy_of(iter(whens)), case(HOSTILE[name])) < SLOWEST


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(a|b|ab|ba){25}c",
            "(a|b)*a(a|b){30}c",
            "a[ab]{60}c",
            "(a|aa)+b",
            "((a+)+)+b",
            ".*.*.*=.*",
            "(.*)(.*)(.*)b=",
        ),
        *("(?i)(refund|invoice).{0,60}(twice|double)", "(?s)a.{0,90}b.{0,90}c=", "a.{100}x", "(a?){100}a{100}c"),
        *("([a-z]{2,30} ){8}x", "(?i)(ß|ss|s){20}x", r"\\pL{8}\\d", "[^x]a[^x]{90}y", "c(a|b){20}a(a|b)*", "😀.{60}é"),
    ],
)
def test_a_pattern_is_refused_at_load_or_fast_on_texts_made_for_it(pattern: str) -> None:
    try:
        loaded = policy_of(iter([f'{{text: {{pattern: "{pattern}"}}}}']))
    except BadFile:
        return
    chance = random.Random(pattern)
    for parts in (
        ["a", "b"],
        ["refund ", "invoice", "a"],
        ["ss", "ß", "x", "1"],
        ["a", "😀", "é"],
        sorted(set(pattern)),
    ):
        text = "".join(chance.choices(parts, k=64_000))
        assert spent(loaded, case(f"c{text}")) < SLOWEST


@given(seed=st.integers(), regex=PATTERNS)
@settings(max_examples=60)
def test_any_pattern_that_loads_is_fast_on_a_text_of_its_own_characters(seed: int, regex: str) -> None:
    try:
        loaded = policy_of(iter([f"{{text: {{pattern: {json.dumps(regex)}}}}}"]))
    except BadFile:
        return
    text = "".join(random.Random(seed).choices([*"ab", "ab", "é", "1"], k=32_000))
    assert spent(loaded, case(text)) < SLOWEST


def test_ten_thousand_rules_and_a_deep_tree_decide_within_the_bound() -> None:
    deep = "{status: new}"
    for number in range(9):
        deep = f"{{any: [{{channel: chat, text: [word{number}]}}, {{not: {{not: {deep}}}}}]}}"
    many = (f"{{any: [{{text: [w{n}]}}, {{field.order: v{n}}}], not: {{tags: t{n}}}}}" for n in range(10_000))
    loaded = policy_of(itertools.chain(many, [deep]))
    outcome = loaded.decide(case("W77!, w9999"), desk="d", desk_mode=Mode.LIVE)
    assert [verdict.rule for verdict in outcome.verdicts] == ["r77", "r9999", "r10000", "everything else"]
    for text in (" ".join(f"w{number}" for number in range(6_000)), MIXED * 5_000):
        assert spent(loaded, case(text, fields={"order": "v7"}, tags=frozenset({"t1", "t9"}))) < SLOWEST


def test_words_are_found_whichever_way_a_text_is_taken_apart() -> None:
    """Many different marks, or none, must not change what a word is."""
    loaded = policy_of(iter(["{text: [café crème]}", "{text: [請求書]}", "{text: ['👍']}"]))
    plain, many = "Café—crème 請求書 👍", "Café" + "".join(map(chr, range(0x2200, 0x2250))) + "crème 請求書 👍"
    for text in (plain, many):
        rules_found = [v.rule for v in loaded.decide(case(text), desk="d", desk_mode=Mode.LIVE).verdicts]
        assert rules_found == ["r0", "r1", "r2", "everything else"]
