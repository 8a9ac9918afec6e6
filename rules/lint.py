"""What is not wrong by the language but surely or probably not meant: rules that never act, names that nothing uses."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import combinations, islice
from operator import length_hint
from statistics import median
from typing import Final, Literal, NamedTuple

from bridge.calendars import Calendar
from bridge.errors import Fault
from bridge.model import EventKind
from bridge.plural import many
from bridge.triage import Phrase
from bridge.yamlfile import Document, Trail, nearest
from rules import references
from rules.automaton import cost
from rules.cases import TestResult, case_of
from rules.conflicts import described
from rules.costs import MAX_COST, milliseconds
from rules.engine import Compiled, Engine, disagreements
from rules.nodes import AllOf, AnyOf, Leaf, Node, leaves
from rules.policy import EVERY_DESK, LoadedPolicy
from rules.questions import Among, Lacks, Matches, fold
from rules.reasoning import NOT_TRUE, TRUE, possible, sources
from rules.schema import AnnotateRule, PolicyFile, RouteRule
from rules.witness import witness

Severity = Literal["fault", "warning", "hint"]

CODES: Final[dict[str, Severity]] = {
    "dead-rule": "fault",
    "dead-part": "fault",
    "shadowed-rule": "fault",
    "conflict": "warning",
    "redundant-rule": "warning",
    "untested-rule": "warning",
    "unused-team": "warning",
    "unused-calendar": "warning",
    "unused-webhook": "warning",
    "unused-binding": "warning",
    "unbound-agent": "warning",
    "shared-agent": "warning",
    "odd-capacity": "warning",
    "mistyped-skill": "warning",
    "idle-overflow": "warning",
    "unknown-desk": "warning",
    "shared-words": "warning",
    "low-confidence": "warning",
    "never-asked": "warning",
    "costly-pattern": "hint",
    "unrouted-intent": "hint",
    "uncovered-hours": "hint",
    "unused-skill": "hint",
    "overlap": "hint",
}
"""Everything that can be found. A fault is sure to be one, a warning most likely, a hint is worth a look."""

QUESTIONS_MAX: Final = 10_000
"""So many pairs of rules are reasoned about; of the rest of a very large policy nothing is said."""

PAIRS_MAX: Final = 1_000_000
"""So many pairs of route rules are looked at for whether they lead to different places."""

OVERLAPS_MAX: Final = 200
"""So many pairs of route rules are tried for a ticket that both match."""

TOGETHER_MAX: Final = 12
"""So many earlier rules are looked at together for whether they leave nothing to a later one.

Of more that ask for something that it asks for too, only those count that ask for nothing else."""

ODD_CAPACITY: Final = 8
"""So many times what the others of a team hold is no likely capacity."""

Rule = Compiled[AnnotateRule] | Compiled[RouteRule]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found: where (1-based line and column), what, and what to do about it."""

    file: str
    line: int
    column: int
    code: str
    message: str
    advice: str

    @property
    def severity(self) -> Severity:
        """How sure it is to be a mistake."""
        return CODES[self.code]

    @property
    def fault(self) -> Fault:
        """The same as a fault of the file."""
        return Fault(self.file, self.line, self.column, self.message, f"{self.advice} [{self.code}]")

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message} {self.advice} [{self.code}]"


class _Found(NamedTuple):
    """A finding at the key or the item to which a path leads."""

    code: str
    path: Trail
    message: str
    advice: str


@dataclass(frozen=True)
class _Subject:
    """What is looked at, with the results of its tests; `desks` are the connected desks, None where not known."""

    policy: LoadedPolicy
    document: Document
    tests: Sequence[TestResult]
    desks: frozenset[str] | None

    @property
    def rules(self) -> Sequence[Rule]:
        """All rules in the order of the file."""
        return (*self.policy.engine.annotate, *self.policy.engine.route)

    def path(self, rule: Rule) -> Trail:
        """Where a rule stands."""
        return self._paths[rule.rule.name]

    @cached_property
    def _paths(self) -> Mapping[str, Trail]:
        stages = (enumerate(self.policy.engine.annotate), enumerate(self.policy.engine.route))
        return {rule.rule.name: (rule.verdict.stage, number, "name") for stage in stages for number, rule in stage}

    def leaves(self) -> Iterator[Leaf]:
        """Every key of every condition."""
        return (leaf for rule in self.rules if rule.node is not None for leaf in leaves(rule.node))


def lint(
    policy: LoadedPolicy, document: Document, tests: Sequence[TestResult], desks: Iterable[str] | None = None
) -> list[Finding]:
    """Everything found in a policy that loaded from this document, in the order of the file.

    `tests` are the results of all that was tested. `desks` are the names of the connected desks, without which their
    use is not checked.
    """
    subject = _Subject(policy, document, tests, None if desks is None else frozenset(desks))
    found = [_placed(one, document) for check in _CHECKS for one in check(subject)]
    return sorted(found, key=lambda one: (one.line, one.column, one.code))


def _placed(found: _Found, document: Document) -> Finding:
    place = document.place(found.path, key=True)
    return Finding(document.file, place.line, place.column, found.code, found.message, found.advice)


def _dead(subject: _Subject) -> Iterator[_Found]:
    for rule in subject.rules:
        if rule.node is None:
            continue
        if _never(rule):
            advice = "Its conditions contradict each other, or ask what never is; mend or delete it."
            yield _Found("dead-rule", subject.path(rule), f"'{rule.rule.name}' can never match.", advice)
        else:
            for part in _dead_parts(rule.node, ()):
                message = f"'{part.written.words}' can never hold here in '{rule.rule.name}'."
                yield _Found("dead-part", part.written.path, message, "Mend or delete this part.")


def _never(rule: Rule) -> bool:
    return rule.node is not None and not possible([(rule.node, TRUE)])


def _dead_parts(node: Node, around: tuple[Node, ...]) -> Iterator[Node]:
    """The parts of `any` that never hold beside all that must hold around them."""
    if isinstance(node, AllOf):
        for part in node.parts:
            yield from _dead_parts(part, (*around, *(other for other in node.parts if other is not part)))
    elif isinstance(node, AnyOf):
        for part in node.parts:
            if possible([(one, TRUE) for one in (part, *around)]):
                yield from _dead_parts(part, around)
            else:
                yield part


def _shadowed(subject: _Subject) -> Iterator[_Found]:
    """Rules that earlier ones leave nothing to."""
    read = {id(rule): sources(rule.node) for rule in subject.rules if rule.node is not None}
    left = iter(range(QUESTIONS_MAX))
    for rule, earlier in _before(subject.policy.engine):
        if not length_hint(left):
            return
        reads = read[id(rule)]
        near = [one for one in earlier if not read.get(id(one), _NOTHING).isdisjoint(reads)]
        if len(near) > TOGETHER_MAX:
            near = [one for one in near if read[id(one)] <= reads]
        if not _never(rule) and (winners := _winners(rule, zip(near, left, strict=False))):
            names = " and ".join(f"'{one.rule.name}' (line {one.verdict.line})" for one in winners)
            message = f"'{rule.rule.name}' never decides: {names} always {_beats(len(winners))} first."
            advice = "Move it before, narrow the earlier, or delete it."
            yield _Found("shadowed-rule", subject.path(rule), message, advice)


_NOTHING: Final[frozenset[str]] = frozenset()


def _before(engine: Engine) -> Iterator[tuple[Rule, Sequence[Rule]]]:
    """Every rule with a condition, and what comes before it: routes before a route, and what stops or skips."""
    annotate, route = engine.annotate, engine.route
    stops = [number for number, one in enumerate(annotate) if one.rule.then.stop]
    skips = [one for one in annotate[: stops[0] + 1 if stops else None] if one.rule.then.skip]
    for number, rule in enumerate(annotate):
        yield rule, [annotate[stop] for stop in stops if stop < number]
    for number, other in enumerate(route[:-1]):
        yield other, [*skips, *route[:number]]


def _beats(winners: int) -> str:
    return "comes" if winners == 1 else "come"


def _winners(rule: Rule, earlier: Iterable[tuple[Rule, int]]) -> list[Rule]:
    """The earlier rule, or else the fewest found together, of which one matches whenever this one does."""
    node = rule.node
    assert node is not None
    near: list[tuple[Rule, Node]] = []
    for one, _ in earlier:
        assert one.node is not None
        if not possible([(node, TRUE), (one.node, NOT_TRUE)]):
            return [one]
        if possible([(node, TRUE), (one.node, TRUE)]):
            near.append((one, one.node))
    if not 1 < len(near) <= TOGETHER_MAX or _leaves_some(node, near):
        return []
    for pair in list(near):
        rest = [other for other in near if other is not pair]
        near = near if _leaves_some(node, rest) else rest
    return [rule for rule, _ in near]


def _leaves_some(node: Node, rules: Sequence[tuple[Rule, Node]]) -> bool:
    return possible([(node, TRUE), *((other, NOT_TRUE) for _, other in rules)])


def _conflicting(subject: _Subject) -> Iterator[_Found]:
    named = {rule.rule.name: rule for rule in subject.policy.engine.annotate}
    for conflict in subject.policy.conflicts():
        advice = "Let their conditions exclude each other, or keep the order if the later should win."
        yield _Found("conflict", subject.path(named[conflict.rule]), f"{conflict.words}.", advice)


def _redundant(subject: _Subject) -> Iterator[_Found]:
    """Annotate rules that do what another one does already whenever they match."""
    rules = subject.policy.engine.annotate
    alike: defaultdict[object, list[int]] = defaultdict(list)
    for number, rule in enumerate(rules):
        alike[rule.rule.then.model_dump_json(), rule.mode].append(number)
    pairs = (pair for numbers in alike.values() for pair in combinations(numbers, 2))
    for first, second in islice(pairs, QUESTIONS_MAX):
        one, later, between = rules[first], rules[second], rules[first + 1 : second]
        for less, more in ((later, one), (one, later)):
            if _within(less, more) and not (_repeats(one, between) if less is later else _precedes(one, between)):
                message = (
                    f"'{less.rule.name}' adds nothing: '{more.rule.name}' (line {more.verdict.line}) does the same."
                )
                yield _Found("redundant-rule", subject.path(less), message, "Delete it, or change what it does.")
                break


def _within(less: Rule, more: Rule) -> bool:
    """Whether a rule can match, and never without the other."""
    if less.node is None or more.node is None or _never(less):
        return False
    return not possible([(less.node, TRUE), (more.node, NOT_TRUE)])


def _repeats(rule: Compiled[AnnotateRule], between: Iterable[Compiled[AnnotateRule]]) -> bool:
    """Whether to do the same again later undoes what rules between do."""
    return any(disagreements(rule.rule.then, one.rule.then) for one in between)


def _precedes(rule: Compiled[AnnotateRule], between: Sequence[Compiled[AnnotateRule]]) -> bool:
    """Whether to do it earlier already keeps rules between from being looked at, or makes up for one that stops."""
    return bool(between) and (bool(rule.rule.then.stop) or any(one.rule.then.stop for one in between))


def _overlapping(subject: _Subject) -> Iterator[_Found]:
    routes = [one for one in subject.policy.engine.route if one.node is not None]
    known: dict[object, int] = {}
    places = [known.setdefault(one.rule.to, len(known)) for one in routes]
    pairs = islice(combinations(range(len(routes)), 2), PAIRS_MAX)
    different = ((routes[one], routes[later]) for one, later in pairs if places[one] != places[later])
    for one, later in islice(different, OVERLAPS_MAX):
        if (ticket := _ticket_for(subject.policy, one, later)) is not None:
            message = f"'{later.rule.name}' and '{one.rule.name}' (line {one.verdict.line}) both match: {ticket}."
            yield _Found("overlap", subject.path(later), message, f"'{one.rule.name}' comes first and decides.")


def _ticket_for(policy: LoadedPolicy, one: Rule, later: Rule) -> str | None:
    """A ticket that both rules match when their conditions are really asked, in words."""
    nodes = [rule.node for rule in (one, later) if rule.node is not None]
    for given in witness(nodes):
        view = policy.view(case_of(policy, given), given.desk)
        if all(node.holds(view) for node in nodes):
            return described(given)
    return None


def _untested(subject: _Subject) -> Iterator[_Found]:
    if not subject.tests:
        yield _Found("untested-rule", ("policy",), "The policy has no tests.", "Write one for each rule under 'tests'.")
        return
    tested = {verdict.rule for result in subject.tests for verdict in result.outcome.verdicts}
    for rule in subject.rules:
        if rule.rule.name not in tested:
            message = f"No test matches '{rule.rule.name}'."
            yield _Found("untested-rule", subject.path(rule), message, "Write one under 'tests'.")


def _unused_names(subject: _Subject) -> Iterator[_Found]:
    file = subject.policy.file
    asked = {kind: {name for one, _, name in references.asked(subject.document.data) if one == kind} for kind in _ASKED}
    to = [rule.to for rule in file.route if rule.to is not None]
    told = {name for rule in file.annotate if rule.then.notify for name in rule.then.notify.to}
    teams = {name for one in to for name in (one.team, one.then)} | {one.overflow for one in file.teams.values()}
    called = {name for rule in file.annotate for name in rule.then.call}
    uses = {
        "team": (("teams",), set(file.teams) - teams - told - asked["team"], "Route something to it"),
        "calendar": (
            ("calendars",),
            set(file.calendars) - _worked_by(file) - asked["calendar"],
            "Give it to a team or ask for it",
        ),
        "webhook": (("webhooks",), set(file.webhooks) - called, "Call it"),
    }
    for kind, (path, unused, advice) in uses.items():
        for name in sorted(unused):
            yield _Found(
                f"unused-{kind}", (*path, name), f"Nothing uses the {kind} '{name}'.", f"{advice}, or delete it."
            )


_ASKED: Final = ("team", "calendar")


def _worked_by(file: PolicyFile) -> set[str | None]:
    """The calendars of teams and of their members."""
    people = (person for team in file.teams.values() for person in team.members.values())
    return {team.calendar for team in file.teams.values()} | {person.calendar for person in people}


def _unused_skills(subject: _Subject) -> Iterator[_Found]:
    wanted = {skill for rule in subject.policy.file.route if rule.to for skill in rule.to.skills | rule.to.prefer}
    for team, members in ((name, one.members) for name, one in subject.policy.file.teams.items()):
        for member, person in members.items():
            for skill in sorted(person.skills - wanted):
                near = nearest(skill, wanted)
                code = "mistyped-skill" if near else "unused-skill"
                path = ("teams", team, "members", member, "skills")
                yield _Found(
                    code, path, f"No rule asks for the skill '{skill}';", near or "ask for it in a route rule."
                )


def _idle_overflows(subject: _Subject) -> Iterator[_Found]:
    """Rules whose tickets no other team can take over, though one is named, for want of the skills they ask for."""
    policy = subject.policy
    skills: dict[str, frozenset[str]] = defaultdict(frozenset)
    for member, person in (one for team in policy.file.teams.values() for one in team.members.items()):
        skills[member] |= person.skills
    for number, to in enumerate(rule.to for rule in policy.file.route):
        if to is None or not (kept := to.skills.difference(*(step.without for step in to.relax))):
            continue
        _, *others = policy.in_turn(to.team, to.then or policy.file.teams[to.team].overflow)
        helpers = [member for team in others for member in policy.file.teams[team].members]
        if helpers and not any(kept <= skills[member] for member in helpers):
            message = f"Nobody in {' or '.join(map(repr, others))} has {' and '.join(map(repr, sorted(kept)))}:"
            advice = "they never take over. Give the skill up under 'relax', or give it to somebody there."
            yield _Found("idle-overflow", ("route", number, "to", "then" if to.then else "skills"), message, advice)


def _capacities(subject: _Subject) -> Iterator[_Found]:
    for team, members in ((name, one.members) for name, one in subject.policy.file.teams.items()):
        for member, person in members.items():
            others = [other.capacity for name, other in members.items() if name != member]
            usual = median(others) if others else person.capacity
            if max(person.capacity, usual) >= ODD_CAPACITY * min(person.capacity, usual):
                message = (
                    f"'{member}' holds {many(person.capacity, 'ticket')} at once, the others of '{team}' {usual:g}."
                )
                path = ("teams", team, "members", member, "capacity")
                yield _Found("odd-capacity", path, message, "Look for a digit too many or too few.")


def _bindings(subject: _Subject) -> Iterator[_Found]:
    """Names of tags and fields that no rule has; agents that are left out or stand for the same person."""
    used = {"tags": _tags(subject), "fields": _fields(subject)}
    for desk, binding in subject.policy.file.bindings.items():
        for kind, names in used.items():
            for name in sorted(getattr(binding, kind).keys() - names):
                advice = nearest(name, names) or "delete it."
                message = f"No rule uses the {kind.removesuffix('s')} '{name}';"
                yield _Found("unused-binding", ("bindings", desk, kind, name), message, advice)
        yield from _agents(subject, desk)


def _tags(subject: _Subject) -> set[str]:
    written = {tag for rule in subject.policy.file.annotate for tag in rule.then.add_tags | rule.then.remove_tags}
    asked = (leaf for leaf in subject.leaves() if leaf.written.key in {"tags", "previous_tags"})
    return written | {str(name) for leaf in asked for name in _names(leaf)}


def _fields(subject: _Subject) -> set[str]:
    written = {name for rule in subject.policy.file.annotate for name in rule.then.fields}
    asked = {leaf.written.key for leaf in subject.leaves() if leaf.written.key.startswith("field.")}
    thens = [rule.then for rule in subject.policy.file.annotate]
    texts = [text for then in thens for text in (then.note, then.notify and then.notify.text) if text]
    said = {part.partition("}")[0] for text in texts for part in text.split("{field.")[1:]}
    return written | said | {key.removeprefix("field.") for key in asked}


def _names(leaf: Leaf) -> Iterator[object]:
    """What a key of a condition names, folded."""
    for question in (one for asked in leaf.asked for one in asked.questions):
        if isinstance(question, Among | Lacks):
            yield from question.values


def _agents(subject: _Subject, desk: str) -> Iterator[_Found]:
    bound = subject.policy.file.bindings[desk].agents
    for name, count in Counter(map(str.casefold, bound.values())).items():
        if count > 1:
            several = " and ".join(f"'{agent}'" for agent, theirs in bound.items() if theirs.casefold() == name)
            message = f"{several} are the same agent at the desk, '{name}'."
            yield _Found("shared-agent", ("bindings", desk, "agents"), message, "Give each their own.")
    everywhere = subject.policy.file.bindings[EVERY_DESK].agents if EVERY_DESK in subject.policy.file.bindings else {}
    members = {name for team in subject.policy.file.teams.values() for name in team.members}
    for name in sorted(members - bound.keys() - everywhere.keys()) if bound else ():
        message = f"Agents are bound here, but not '{name}', who is looked for by that name."
        yield _Found("unbound-agent", ("bindings", desk, "agents"), message, "Bind them too.")


def _desks(subject: _Subject) -> Iterator[_Found]:
    if subject.desks is None:
        return
    file = subject.policy.file
    places: list[tuple[str, Trail]] = [(desk, ("modes", "desks", desk)) for desk in file.modes.desks]
    places += [(desk, ("bindings", desk)) for desk in file.bindings if desk != EVERY_DESK]
    for leaf in (one for one in subject.leaves() if one.written.key == "desk"):
        places += [(str(name), leaf.written.path) for name in _names(leaf)]
    known = {str(fold(desk)) for desk in subject.desks}
    for name, path in places:
        if fold(name) not in known:
            advice = nearest(name, subject.desks) or f"The settings have {', '.join(sorted(subject.desks))}."
            yield _Found("unknown-desk", path, f"No desk of the settings is called '{name}';", advice)


def _intents(subject: _Subject) -> Iterator[_Found]:
    """Intents without a route, and words that stand for two of them."""
    routed = [rule.node for rule in subject.policy.engine.route if rule.node is not None]
    asked = {name for node in routed for leaf in leaves(node) if leaf.written.key == "intent" for name in _names(leaf)}
    last = subject.policy.file.route[-1].name
    owners: defaultdict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
    for intent, words in subject.policy.file.triage.words.items():
        path = ("triage", "words", intent)
        if fold(intent) not in asked:
            message = f"No route rule asks for the intent '{intent}': its tickets go where '{last}' says."
            yield _Found("unrouted-intent", path, message, "Write a route rule for it, or leave it so.")
        for word in words:
            owners[Phrase(word).tokens].append((intent, word))
    for (first, _), *others in owners.values():
        for intent, word in others:
            message = f"'{word}' speaks for '{intent}' and for '{first}', so that it decides for neither."
            yield _Found("shared-words", ("triage", "words", intent), message, "Leave it to one of them.")


def _confidence(subject: _Subject) -> Iterator[_Found]:
    suggest = subject.policy.file.triage.intent.suggest
    for leaf in subject.leaves():
        for asked in leaf.asked if leaf.written.key == "intent" else ():
            if float(asked.source.name.partition("@")[2] or 0) < suggest:
                message = f"An intent below {suggest} (triage.intent.suggest) is never told, whatever is asked here."
                yield _Found("low-confidence", leaf.written.path, message, "Ask for more, or lower 'suggest'.")


def _moments(subject: _Subject) -> Iterator[_Found]:
    """Conditions on moments at which no ticket is decided on: other events, and long after the last change."""
    for leaf in subject.leaves():
        if leaf.written.key == "idle":
            message = "A ticket is decided on when something just happened to it, so that it is hardly ever idle then."
            yield _Found("never-asked", leaf.written.path, message, "Ask for 'waiting' or 'age', or leave it out.")
        elif leaf.written.key == "event":
            for name in sorted({str(name) for name in _names(leaf)} - DECIDED_ON):
                message = f"No rule is asked at '{name}': tickets are decided on at {' and '.join(sorted(DECIDED_ON))}."
                yield _Found("never-asked", leaf.written.path, message, "Ask for one of these, or leave it out.")


DECIDED_ON: Final[Set[str]] = {EventKind.TICKET_CREATED, EventKind.REQUESTER_REPLIED}
"""The events of which the pipeline makes decisions (`bridge.pipeline`)."""


def _patterns(subject: _Subject) -> Iterator[_Found]:
    for leaf in subject.leaves():
        for question in (one for asked in leaf.asked for one in asked.questions if isinstance(one, Matches)):
            spent = cost(question.pattern)
            if spent > MAX_COST // 8:
                message = f"A text made for this pattern can hold its ticket up for {milliseconds(spent)}."
                yield _Found("costly-pattern", leaf.written.path, message, "Use words, or repeat less.")


def _cover(subject: _Subject) -> Iterator[_Found]:
    file = subject.policy.file
    for name, team in file.teams.items():
        covering = _covering(subject.policy, name) if team.calendar is not None else []
        if covering and (closed := sum(not any(one.is_open(at) for one in covering) for at in _QUARTERS)):
            message = f"Nobody covers team '{name}' in {closed / 4:g} of the {len(_QUARTERS) / 4:g} hours of a week."
            advice = "Give it an 'overflow' team that works then, or leave it so."
            yield _Found("uncovered-hours", ("teams", name, "calendar"), message, advice)


def _covering(policy: LoadedPolicy, team: str) -> list[Calendar]:
    """The weeks of a team and of all teams that take over from it, without holidays; none where one always works."""
    line = policy.in_turn(team, policy.file.teams[team].overflow)
    names = [
        person.calendar or team.calendar
        for team in (policy.file.teams[name] for name in line)
        for person in team.members.values()
    ]
    weeks = [policy.file.calendars[name] for name in dict.fromkeys(names) if name is not None]
    return [Calendar(one.timezone, one.hours) for one in weeks] if None not in names else []


_WEEK: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday; which one does not matter, for holidays are left out."""

_QUARTERS: Final = [_WEEK + timedelta(minutes=15 * number) for number in range(7 * 24 * 4)]

_CHECKS: Final[Sequence[Callable[[_Subject], Iterator[_Found]]]] = (
    _dead,
    _shadowed,
    _conflicting,
    _redundant,
    _overlapping,
    _untested,
    _unused_names,
    _unused_skills,
    _idle_overflows,
    _capacities,
    _bindings,
    _desks,
    _intents,
    _confidence,
    _moments,
    _patterns,
    _cover,
)
