"""Typical mistakes planted one by one in the starter policy: how many `deskbridge check` and its tests notice."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import rules
from benchmarks.report import Figure, Report
from bridge import yamlfile
from bridge.errors import BadFile
from rules.lint import lint
from rules.policy import checked

PLANTED: Final = 100
"""Mistakes in one run, as many of each kind as of another."""

NOTICED: Final = ("refused at load", "found by lint", "failed its tests")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: its kind, where (1-based line of the starter), what, and the policy that has it."""

    kind: str
    line: int
    what: str
    text: str


def measure(planted: int = PLANTED) -> Report:
    """What becomes of every mistake. Raises RuntimeError where the starter itself is not clean."""
    starter = rules.STARTER.read_text("utf-8")
    if noticed(starter) is not None:
        raise RuntimeError("the starter policy is not clean, so that nothing can be said of mistakes in it")
    chosen = mistakes(starter, planted)
    fates = [(one, noticed(one.text) or "missed") for one in chosen]
    counts = Counter((one.kind, fate) for one, fate in fates)
    kinds = dict.fromkeys(one.kind for one in chosen)
    rows = [_row(kind, {fate: counts[kind, fate] for fate in (*NOTICED, "missed")}) for kind in kinds]
    rows.append(_row("all", Counter(fate for _, fate in fates)))
    missed = [f"missed: line {one.line}: {one.what} ({one.kind})" for one, fate in fates if fate == "missed"]
    return Report(
        title="Mistakes in the starter policy",
        baseline="the starter as it is, of which nothing is said",
        columns=("mistake", "planted", *NOTICED, "missed"),
        rows=tuple(rows),
        notes=(*missed, "Mistakes are planted above the policy's own tests; what changes no meaning is none."),
    )


def _row(kind: str, fates: Mapping[str, int]) -> dict[str, Figure]:
    counts = {fate: fates.get(fate, 0) for fate in (*NOTICED, "missed")}
    return {"mistake": kind, "planted": sum(counts.values()), **counts}


def noticed(text: str) -> str | None:
    """What `deskbridge check --strict` notices first, None where it has nothing to say."""
    try:
        document = yamlfile.parse(text, file="policy.yaml")
        policy = checked(document)
    except BadFile:
        return NOTICED[0]
    tests = policy.run_tests()
    if any(one.severity != "hint" for one in lint(policy, document, tests)):
        return NOTICED[1]
    return NOTICED[2] if any(not result.passed for result in tests) else None


def mistakes(starter: str, wanted: int) -> list[Mistake]:
    """So many mistakes, spread evenly over the kinds and over the places of each; the same every time."""
    meaning = rules.loads(starter).file
    places = {kind: [one for one in found(kind, starter) if _means_else(one.text, meaning)] for kind in KINDS}
    chosen: list[Mistake] = []
    left = wanted
    for number, (_, candidates) in enumerate(sorted(places.items(), key=lambda one: len(one[1]))):
        share = min(-(-left // (len(places) - number)), len(candidates))
        chosen += [candidates[at * len(candidates) // share] for at in range(share)]
        left -= share
    return chosen


def _means_else(text: str, meaning: object) -> bool:
    try:
        return rules.loads(text).file != meaning
    except BadFile:
        return True


def found(kind: str, starter: str) -> Iterator[Mistake]:
    """Every place of a kind of mistake, above the policy's own tests and outside comments."""
    pattern, write = KINDS[kind]
    for match in re.finditer(pattern, starter[: starter.index("\n# What must stay true")], re.MULTILINE):
        start, end = match.span("it")
        if "#" in starter[starter.rfind("\n", 0, start) + 1 : start]:
            continue
        old, new = match["it"], write(match["it"])
        what = f"{_short(old)} → {_short(new)}"
        yield Mistake(kind, starter.count("\n", 0, start) + 1, what, starter[:start] + new + starter[end:])


def _short(text: str) -> str:
    words = " ".join(text.split())
    return repr(words if len(words) <= 40 else f"{words[:39]}…")


def _without_a_letter(word: str) -> str:
    return word[: len(word) // 2] + word[len(word) // 2 + 1 :]


def _next_team(team: str) -> str:
    return {"billing": "tech", "tech": "general", "general": "billing"}[team]


def _flipped(operator: str) -> str:
    turned = {"over": "under", "all": "any", "any": "all", "true": "false"}
    return turned.get(operator) or operator.removeprefix("not: {").removesuffix("}")


def _contradicted(when: str) -> str:
    return when + ("status: {unknown: true}, " if when.endswith("{") else "      status: {unknown: true}\n")


def _copied(rule: str) -> str:
    """The rule once more before itself, otherwise named."""
    return f"{rule.replace('name: ', 'name: more ', 1)}\n{rule}"


def _swapped(rules: str) -> str:
    first, second = rules.rstrip("\n").split("\n\n")
    return f"{second}\n\n{first}\n"


_RULE: Final = r"(?:  #.*\n)*  - name: .*\n(?:    .*\n)+"

KINDS: Final[Mapping[str, tuple[str, Callable[[str], str]]]] = {
    "a letter missing in a key": (r"[\s{](?P<it>[a-z_]{3,}):", _without_a_letter),
    "a letter missing in a name": (
        r"(?:team: |then: |overflow: |intent: |skills: \[)(?P<it>[a-z]{3,})",
        _without_a_letter,
    ),
    "a word of no closed list": (
        r"(?:priority: |mode: |sentiment: |channel: |language: )(?P<it>\w+)",
        _without_a_letter,
    ),
    "text for a number": (r": (?P<it>[\d.]+)", lambda _: "many"),
    "a list for one value": (r"(?:name|team|then|tier|priority): (?P<it>\w[\w ]*)", lambda text: f"[{text}]"),
    "one value for a list": (r"(?:skills|_tags|ments|when: \{all): (?P<it>\[.*?\])", lambda _: "7"),
    "thresholds swapped": (r"act: (?P<it>0.85, suggest: 0.55)", lambda _: "0.55, suggest: 0.85"),
    "a threshold in percent": (r"(?:act|suggest): (?P<it>0\.\d\d)", lambda text: text.removeprefix("0.")),
    "a rule that can never match": (r"(?P<it>    when: \{|    when:\n(?=      any))", _contradicted),
    "a rule twice": (rf"(?P<it>{_RULE})", _copied),
    "a last route that is none": (r"(?P<it>  - name: everything else\n    to: .*\n)", lambda _: ""),
    "a route without its condition": (r"(?P<it>    when: .*\n)    to: ", lambda _: ""),
    "the wrong team": (r"to: \{team: (?P<it>\w+)", _next_team),
    "a space too many before a line": (r"^(?P<it> *)(?=[a-z-])", lambda text: f" {text}"),
    "an operator turned round": (
        r"(?P<it>\bover(?=:)|\ball(?=:)|\bany(?=:)|\btrue\b|not: \{channel: chat\})",
        _flipped,
    ),
    "a line missing": (r"^(?P<it> *[a-z-].*\n)", lambda _: ""),
    "a line twice": (r"^(?P<it> *[a-z-].*\n)", lambda text: text * 2),
    "an item of a rule missing": (r"    (?:when|then|to): .*?(?P<it>, [^,\n]*?)(?=[\]}]+$|, )", lambda _: ""),
    "a word of a list missing": (r"(?P<it>[\w ]+,) ?\w[\w ]+(?=,)", lambda _: ""),
    "a bracket or colon missing": (r"(?P<it>[\]}]|\b:(?= ))", lambda _: ""),
    "a tab for spaces": (r"^(?P<it> +)(?=[a-z-])", lambda _: "\t"),
    "two rules in the wrong order": (r"(?P<it>  - name: billing\n(?:.*\n){6}    to: .*\n)", _swapped),
    "an ampersand before a value": (r": (?P<it>[a-z]\w+)", lambda text: f"&{text}"),
    "a digit too many": (r": (?P<it>\d+(?=[,}])|0\.\d+)", lambda text: f"{text}0"),
    "a digit lost": (r"(?P<it>\d)(?=[,}])", lambda _: ""),
}
"""Where each kind of mistake can be made (`it`), and what stands there then."""
