"""Formatting a policy changes neither what it says nor its comments, and formatting it again changes nothing."""

import random
import re
from itertools import count
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from bridge import yamlfile
from bridge.errors import BadFile
from rules.layout import WIDTH, formatted
from tests.rules.test_docs import EXAMPLES
from tests.rules.test_reasoning import bounded

SCALARS = [
    "a",
    "42",
    "true",
    "",
    "null",
    "'it''s'",
    '"a # b"',
    '"tab\\t\\u00e9"',
    "Störung",
    "a-b: c",
    "'- x'",
    '"[a]"',
    "'a: b'",
]
PLAIN = [one for one in SCALARS if ": " not in one or one[0] in "'\""]


class Writer:
    """Writes some YAML in some layout, with comments wherever YAML allows them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.numbers = count(1)

    def text(self) -> str:
        lines = [*self.between(0), *self.mapping(0, 3), *self.between(0)]
        return "\n".join(lines) + "\n"

    def comment(self) -> str:
        return f"# comment {next(self.numbers)}{self.random.choice(['', ' [x]', ' # {y: 1}', '  '])}"

    def beside(self) -> str:
        return f" {self.comment()}" if self.random.random() < 0.2 else ""

    def between(self, indent: int) -> list[str]:
        kinds = self.random.choices(["", "#", "blank"], [6, 2, 2], k=self.random.choice([0, 1, 2]))
        pad = " " * max(indent + self.random.choice([0, 0, 0, 1, -2]), 0)
        return [pad + self.comment() if kind == "#" else "" for kind in kinds if kind]

    def mapping(self, indent: int, depth: int) -> list[str]:
        lines = []
        for number in range(self.random.randint(1, 4)):
            key = self.random.choice([f"k{number}", f"'k {number}'", f'"k{number}"'])
            lines += [*self.between(indent), *self.value(f"{' ' * indent}{key}:", indent, depth)]
        return lines

    def sequence(self, indent: int, depth: int) -> list[str]:
        lines = []
        for _ in range(self.random.randint(1, 4)):
            lines += [*self.between(indent), *self.value(f"{' ' * indent}-", indent, depth)]
        return lines

    def value(self, head: str, indent: int, depth: int) -> list[str]:  # noqa: PLR0911 - one way of writing each
        step = self.random.randint(1, 4)
        match self.random.choice(["plain", "flow", "wrapped", "literal", "folded", "mapping", "sequence", "long"]):
            case "mapping" if depth:
                return [head + self.beside(), *self.mapping(indent + step, depth - 1)]
            case "sequence" if depth:
                return [head + self.beside(), *self.sequence(indent + step, depth - 1)]
            case "flow":
                return [f"{head} {self.flow(2)}{self.beside()}"]
            case "wrapped":
                return self.wrapped(head, indent)
            case "literal" | "folded" as kind:
                mark = "|>"[kind == "folded"] + self.random.choice(["", "-", "+"])
                body = [" " * (indent + step) + word for word in ("some: text", " # no comment", "", "more")]
                return [f"{head} {mark}{self.beside()}", *body[: self.random.randint(1, 4)]]
            case "long":
                words = ", ".join(self.random.choice(PLAIN) or "b" for _ in range(60))
                return [f"{head} [{words}]{self.beside()}"]
        return [f"{head} {self.random.choice(PLAIN)}{self.beside()}"]

    def flow(self, depth: int) -> str:
        items = [self.flow(depth - 1) if depth and self.random.random() < 0.3 else self.random.choice(PLAIN) or "b"
                 for _ in range(self.random.randint(0, 3))]  # fmt: skip
        if self.random.random() < 0.5:
            return f"[{', '.join(items)}]"
        return f"{{{', '.join(f'f{number}: {item}' for number, item in enumerate(items))}}}"

    def wrapped(self, head: str, indent: int) -> list[str]:
        pad = " " * (indent + 1)
        lines = [f"{head} [{self.beside()}"]
        for _ in range(self.random.randint(0, 3)):
            lines += [*self.between(indent + 1), f"{pad}{self.flow(1)},{self.beside()}"]
        return [*lines, *self.between(indent + 1), f"{pad}]{self.beside()}"]


def comments(text: str) -> list[str]:
    return sorted(re.findall(r"# comment \d+", text))


@bounded
@given(st.integers(0, 10**9))
def test_the_meaning_and_every_comment_stay_and_a_second_time_changes_nothing(seed: int) -> None:
    written = Writer(seed).text()
    once = formatted(written, file="p.yaml")
    assert yamlfile.parse(once, file="p.yaml").data == yamlfile.parse(written, file="p.yaml").data
    assert comments(once) == comments(written)
    assert formatted(once, file="p.yaml") == once
    assert "\n\n\n" not in once


@pytest.mark.parametrize("text", [rules.STARTER.read_text("utf-8"), EXAMPLES[0]])
def test_the_starter_and_the_page_are_laid_out_so(text: str) -> None:
    assert formatted(text, file="p.yaml") == text


def test_a_policy_keeps_its_version() -> None:
    shaken = rules.STARTER.read_text("utf-8").replace("  - name", "\n\n  - name").replace(": {", ":   {")
    laid_out = formatted(shaken, file="p.yaml")
    assert laid_out != shaken
    assert rules.loads(laid_out).version == rules.load(rules.STARTER).version


def test_the_layout_is_this_one() -> None:
    written = """\
        teams:   {a:   {members: {x: {capacity: 1}, y: {capacity: 2, skills: [german, french, spanish, italian]},
           z: {capacity: 3}, zz: {capacity: 4}}}}
        triage:
            words: {b: ['c' , "d", 'say "e"']} # found
        annotate:
        - {name: n,   # why
           when: {status: new}, then: {type: t}}
        # last words
        """
    assert formatted(dedent(written), file="p.yaml") == dedent("""\
        teams:
          a:
            members:
              x: {capacity: 1}
              y: {capacity: 2, skills: [german, french, spanish, italian]}
              z: {capacity: 3}
              zz: {capacity: 4}

        triage:
          words: {b: ["c", "d", 'say "e"']}  # found

        annotate:
          - name: n  # why
            when: {status: new}
            then: {type: t}
        # last words
        """)


def test_a_long_list_is_filled_to_the_width() -> None:
    lines = formatted(f"words: [{', '.join(['invoice'] * 40)}]\n", file="p.yaml").splitlines()
    assert [len(line) <= WIDTH for line in lines] == [True] * 4
    assert lines[1].startswith(" " * 8 + "invoice")


@pytest.mark.parametrize("text", ["a: &b 1\n", "a: 1\na: 2\n", "a: [\n"])
def test_what_is_refused_elsewhere_is_refused_here(text: str) -> None:
    with pytest.raises(BadFile, match=r"p\.yaml:\d+:\d+: "):
        formatted(text, file="p.yaml")


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}\n", "word\n"])
def test_what_has_no_sections_is_left_as_it_is(text: str) -> None:
    assert formatted(text, file="p.yaml") == text
