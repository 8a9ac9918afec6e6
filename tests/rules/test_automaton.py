"""The cost of a pattern: the same however it is written, small where its automaton is, known before any text comes."""

from itertools import pairwise

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from rules.automaton import cost

PASS = 40
"""Microseconds of one pass over 32 kB."""
GIVEN_UP = 8_000
"""Microseconds from which on a pattern is one whose automaton is too large to keep."""


@pytest.mark.parametrize(
    "ways",
    [
        (
            "abc",
            "(abc)",
            "(?:abc)",
            "(?P<name>abc)",
            "(?<name>abc)",
            r"\Qabc\E",
            "a(b)c",
            r"\x61b\x{63}",
            "((((a)))b)c",
        ),
        (r"a\.\*", r"\Qa.*\E", r"\Qa.*", "a[.][*]"),
        ("x{4}", "xxxx", "(xx){2}", "x{1}x{3}", "x{4}?"),
        ("x+y", "xx*y", "x{1,}y", "x+?y"),
        ("xy?", "x(|y)", "xy{0,1}", "xy??"),
        ("[a-z][0-9]", r"[a-z]\d", "[[:lower:]][[:digit:]]", r"[a-z][\d]", r"(?-i)[a-z]\d"),
        ("[aA][bB]c", "(?i)ab(?-i)c", "(?i:ab)c", "(?i:a(?:b))c", "((?i)ab)c"),
        (r"[]a]b", r"[\]a]b", r"(?:\]|a)b"),
        (r"\bab$", "ab", r"ab\z", r"(?m)^ab"),
        (r"^a", r"\Aa"),
        ("(a|b)c", "(?:[ab])c", "(a|(b))c", "(?:a|b|a)c"),
    ],
)
def test_a_pattern_costs_the_same_in_every_way_of_writing_it(ways: tuple[str, ...]) -> None:
    assert len({cost(way) for way in ways}) == 1


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "refund",
            "(?i)refund order",
            "[A-Z]{2}-[0-9]{6}",
            "(?i)[\\w.+-]+@[\\w-]+\\.[\\w.-]+",
            "^C-[0-9]+$",
            "(x+x+)+y",
        ),
        *("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}", "https?://[^\\s]+/orders/([0-9]+)", ".*.*.*=.*", "^a[ab]{30}c"),
    ],
)
def test_what_teams_look_for_costs_little_more_than_a_pass(pattern: str) -> None:
    assert PASS <= cost(pattern) < 2 * PASS


def test_what_must_remember_each_of_the_last_characters_doubles_with_each_until_it_is_given_up() -> None:
    made = [cost(f"a[ab]{{{count}}}c") - PASS for count in range(5, 11)]
    assert all(1.8 < more / less < 2.4 for less, more in pairwise(made))
    assert cost("a[ab]{12}c") > GIVEN_UP
    assert cost("a[ab]{300}c") > cost("a[ab]{100}c") > cost("a[ab]{12}c")


def test_a_pattern_is_read_backwards_too() -> None:
    assert cost("c(a|b){20}a(a|b)*") > GIVEN_UP
    assert cost("(a|b)*a(a|b){20}c") > GIVEN_UP


def test_characters_of_many_bytes_weigh_more() -> None:
    assert cost("a.{9}c") > 3 * cost("a[ab]{9}c")


@given(st.text(min_size=1, max_size=40))
def test_any_text_as_it_stands_costs_a_pass(text: str) -> None:
    assert cost(re2.escape(text)) < 2 * PASS


@given(st.text(alphabet="ab^$.*+?{}()[]|\\,0123:<>PpLQEisdw-", max_size=30))
def test_whatever_re2_knows_has_a_cost(written: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(written, options)
    except re2.error:
        return
    assert cost(written) >= PASS
