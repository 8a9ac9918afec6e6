"""A policy file loaded, checked and compiled: what the pipeline asks for triage and for decisions."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, cast

from bridge import labels, yamlfile
from bridge.calendars import Calendar
from bridge.model import (
    Case,
    Effect,
    Finding,
    Hook,
    Labelling,
    Member,
    Mode,
    Outcome,
    Predicted,
    Priority,
    RuleVerdict,
    Ticket,
    Triage,
    Use,
)
from bridge.plural import many
from bridge.routing.snapshot import Rules, Strategy
from bridge.triage import Extractors, Keywords, Lexicon, Phrase, Text, triage
from bridge.yamlfile import Document
from rules import account, cases, costs, engine, explain, references, sending
from rules.account import RuleAccount
from rules.cases import TestResult, run
from rules.conditions import Condition
from rules.conflicts import Conflict, conflicts
from rules.engine import Compiled, Engine, R
from rules.explain import Explanation
from rules.misses import Miss, Seeker
from rules.nodes import Compiler, Node
from rules.operators import WordsTest
from rules.schema import AnnotateRule, Binding, Names, PolicyFile, RouteRule, Team
from rules.template import Template
from rules.view import View

STARTER: Final = Path(__file__).with_name("starter.yaml")
"""The policy that `deskbridge init` writes."""

EVERY_DESK: Final = "*"
"""The entry of `bindings` that holds at every desk whose own entry does not say otherwise."""


def load(path: Path) -> "LoadedPolicy":
    """The policy in a file. Raises BadFile with every fault."""
    return checked(yamlfile.read(path))


def loads(text: str | bytes, *, file: str = "policy.yaml") -> "LoadedPolicy":
    """The policy in a text; `file` is what faults call it. Raises BadFile."""
    return checked(yamlfile.parse(text, file=file))


def checked(document: Document) -> "LoadedPolicy":
    """The policy in a document. Raises BadFile with every fault."""
    file = document.check(PolicyFile)
    references.check(document)
    costs.check(document)
    document.refuse()
    assert file is not None
    return LoadedPolicy(file, document)


class LoadedPolicy:
    """Fills bridge.ports.Policy. Pure and safe to share between threads.

    `version` is 12 hex digits that change with every change of meaning, not with comments or layout. `data` is the file
    as it was read, before defaults.
    """

    def __init__(self, file: PolicyFile, document: Document) -> None:
        self.file = file
        self.data = cast("Mapping[str, Any]", document.data)
        self.version = hashlib.sha256(json.dumps(document.data).encode()).hexdigest()[:12]
        self.calendars = {
            name: Calendar(one.timezone, one.hours, holidays=one.holidays, dates=one.dates)
            for name, one in file.calendars.items()
        }
        self._keywords = Keywords(file.triage.words)
        self._extractors = Extractors(file.triage.extract.items())
        compiler = Compiler(document, file.triage.intent.act)
        self.engine = Engine(
            tuple(_compiled("annotate", file.annotate, compiler)), tuple(_compiled("route", file.route, compiler))
        )
        self._lexicon = Lexicon(_phrases(file))
        self._overflow = {name: team.overflow for name, team in file.teams.items()}
        self._bindings = _with_defaults(file.bindings)
        self._intent_lines = {
            name: document.place(("triage", "words", name), key=True).line for name in file.triage.words
        }
        self._test_lines = [document.place(("tests", index)).line for index in range(len(file.tests))]

    def triage(self, ticket: Ticket, text: str) -> Triage:
        """What the text says; an intent less sure than the policy's `suggest` is not told."""
        suggest = self.file.triage.intent.suggest
        return triage(ticket, text, self._keywords, suggest=suggest, extractors=self._extractors)

    @property
    def acts_from(self) -> float:
        """The least confidence of an intent that rules may use: `act`."""
        return self.file.triage.intent.act

    @property
    def intents(self) -> frozenset[str]:
        """Every intent that rules may ask for."""
        return frozenset(self.file.triage.names)

    @property
    def labelling(self) -> Labelling | None:
        """What the policy wants of a trained model, None where nothing."""
        model = self.file.triage.model
        return None if model is None else Labelling(model.promise, model.mode, model.write, frozenset(model.intents))

    def over(self, found: Triage, predicted: Predicted) -> Triage:
        """What triage says once a model has been asked too: the policy's own words go first, where they suffice to act.

        The model's thresholds are told in the policy's: an intent that its precision lets rules use has at least the
        confidence `act`, one that it does not lies below.
        """
        found, act = replace(found, predicted=predicted), self.acts_from
        labelling, intent = self.labelling, found.intent
        if labelling is None or labelling.mode is Mode.SHADOW or predicted.use is Use.LEAVE:
            return found
        if intent is not None and intent.confidence >= act:
            return found
        acts = predicted.use is Use.ACT and labelling.mode is Mode.LIVE
        confidence = max(predicted.confidence, act) if acts else min(predicted.confidence, act - _BELOW)
        if intent is not None and not acts and intent.confidence >= confidence:
            return found
        return replace(found, intent=Finding(predicted.label, round(confidence, 4), predicted.because))

    def decide(self, case: Case, *, desk: str, desk_mode: Mode) -> Outcome:
        """The outcome for a case: every matching annotate rule together, and the first matching route rule."""
        view = self.view(case, desk)
        matched = self.engine.matched(view)
        every = matched.every
        mode = engine.mode(
            {one.mode for one in every},
            base=self.file.mode,
            places=(self.file.modes.desks.get(desk), self._category_mode(case.triage.intent)),
            desk_mode=desk_mode,
        )
        effect = self._labelled(engine.effect(matched.annotate, view), case.triage)
        return Outcome(
            verdicts=tuple([one.verdict for one in every]),
            effect=replace(effect, hooks=self._told(effect.hooks, view)) if effect.hooks else effect,
            target=engine.target(matched, self._overflow),
            mode=mode,
        )

    def explain(self, case: Case, *, desk: str) -> tuple[RuleAccount, ...]:
        """Every rule and every condition in it with its verdict on a case: the same that `decide` says, in full."""
        view = self.view(case, desk)
        matched = self.engine.matched(view)
        return (
            *account.of_rules("annotate", self.engine.annotate, matched, view),
            *account.of_rules("route", self.engine.route, matched, view),
        )

    def explanation(self, case: Case, *, desk: str, desk_mode: Mode = Mode.LIVE) -> Explanation:
        """Why this policy decides as it does on a case; the intents as its words weigh in the text as it stands."""
        subject, text = Text(case.ticket.subject), Text(case.text)
        return Explanation(
            triage=case.triage,
            intents=tuple(explain.intents(self._keywords, self.file.triage.intent, self._intent_lines, subject, text)),
            rules=self.explain(case, desk=desk),
            misses=self.misses(case, desk=desk),
            outcome=self.decide(case, desk=desk, desk_mode=desk_mode),
        )

    def misses(self, case: Case, *, desk: str) -> tuple[Miss, ...]:
        """The nearest miss of every rule that is not applied to a case, route rules first, each stage as in the file.

        A changed text is told only where the rule is applied also to what triage then reads in it, unless the case's
        own triage is none that this policy reads in its text.
        """

        def sound(other: Case, rule: str) -> bool:
            if other.text == case.text or self.triage(case.ticket, case.text) != case.triage:
                return True
            return seeker.applies(replace(other, triage=self.triage(other.ticket, other.text)), rule)

        seeker = Seeker(self.engine, case, partial(self.view, desk=desk))
        return tuple(seeker.misses(sound))

    def nearest_miss(self, case: Case, *, desk: str) -> str | None:
        """What would have had to be otherwise for another rule to send a case elsewhere, in one sentence."""
        found = explain.nearest(self.misses(case, desk=desk))
        return None if found is None else found.words

    def conflicts(self) -> tuple[Conflict, ...]:
        """Annotate rules that differ on a field, each pair with a ticket that both match, where one was found."""
        return tuple(conflicts(self, self.engine.annotate))

    def members(self, team: str) -> tuple[Member, ...]:
        """The members of a team in the order of the file. Raises KeyError for a team the policy lacks."""
        people = self.file.teams[team].members
        return tuple(
            Member(
                name,
                person.capacity,
                person.skills,
                person.languages,
                {channel.value: places for channel, places in person.channels.items()},
            )
            for name, person in people.items()
        )

    def hours(self, team: str, member: str) -> Calendar | None:
        """When a member of a team works, None where always. Raises KeyError for one the policy lacks."""
        found = self.file.teams[team]
        name = found.members[member].calendar or found.calendar
        return None if name is None else self.calendars[name]

    def in_turn(self, team: str, then: str | None) -> tuple[str, ...]:
        """The teams that may have a ticket by and by; a circle ends where it comes back. Raises KeyError."""
        found, follower = [team], then
        while follower is not None and follower not in found:
            found.append(follower)
            follower = self._overflow[follower]
        return tuple(found)

    def opening(self, team: str) -> Calendar | None:
        """The hours in which a team's promises count, None where it always works. Raises KeyError."""
        name = self.file.teams[team].calendar
        return None if name is None else self.calendars[name]

    def routing(self, team: str) -> Rules:
        """How a team hands out its tickets. Raises KeyError for a team the policy lacks."""
        return _rules(self.file.teams[team])

    def promise(self, priority: Priority, tier: str | None) -> timedelta | None:
        """How soon a first answer is promised, None where the policy promises nothing; no priority is a normal one."""
        if self.file.sla is None:
            return None
        wanted = Priority.NORMAL if priority is Priority.NONE else priority
        own = self.file.sla.tiers.get(tier, {}) if tier is not None else {}
        return own.get(wanted) or self.file.sla.first_response.get(wanted)

    def teams(self) -> tuple[str, ...]:
        """The policy's team names in the order of the file."""
        return tuple(self.file.teams)

    def webhook(self, name: str) -> str | None:
        """The address of one of the policy's outgoing webhooks, None where it has none of that name."""
        found = self.file.webhooks.get(name)
        return found.url if found else None

    def bindings(self, kind: str, desk: str) -> Mapping[str, str]:
        """What names of the policy (`kind`: teams, agents, tags or fields) are said to be called at a desk."""
        names: dict[str, str] = getattr(self._binding(desk), kind)
        return names

    def bound(self, kind: str, desk: str, name: str) -> str:
        """What a name of the policy is called at a desk; itself by default."""
        return self.bindings(kind, desk).get(name, name)

    def run_tests(self) -> list[TestResult]:
        """The results of the file's own tests, in the order of the file."""
        return [run(self, test, line) for test, line in zip(self.file.tests, self._test_lines, strict=True)]

    def run_cases(self, file: Path) -> list[TestResult]:
        """The results of the tests in a file beside the policy, in its order. Raises BadFile."""
        return [run(self, test, line) for test, line in cases.read(file, self.file)]

    def summary(self) -> str:
        """How much there is in the policy, in a few words."""
        rules, tests = len(self.file.annotate) + len(self.file.route), len(self.file.tests)
        return f"{many(len(self.file.teams), 'team')}, {many(rules, 'rule')}, {many(tests, 'test')}"

    def _binding(self, desk: str) -> Binding:
        return self._bindings.get(desk, self._bindings[EVERY_DESK])

    def _told(self, hooks: Sequence[Hook], view: View) -> tuple[Hook, ...]:
        """The calls with the values that their webhooks are told."""
        send = {hook.webhook: self.file.webhooks[hook.webhook].send for hook in hooks}
        return tuple(replace(hook, fields=sending.values(send[hook.webhook], view)) for hook in hooks)

    def view(self, case: Case, desk: str) -> View:
        """A case at a desk as conditions read it."""
        binding = self._binding(desk)
        return View(case, self.calendars, self._lexicon, binding.tags, binding.fields)

    def _labelled(self, effect: Effect, found: Triage) -> Effect:
        """The effect with the model's label written where the policy says, unless a rule writes there itself."""
        labelling, predicted = self.labelling, found.predicted
        if labelling is None or labelling.write is None or labelling.mode is not Mode.LIVE:
            return effect
        if predicted is None or predicted.use is not Use.ACT or not found.intent:
            return effect
        if found.intent.value != predicted.label:  # the policy's own words went first
            return effect
        place, label = labels.place(labelling.write), predicted.label
        if place.kind == "field":
            return replace(effect, fields={place.name: label, **effect.fields})
        if place.kind == "tag":
            own = labelling.write == predicted.place  # learnt from such tags, a label is what may stand in one
            return replace(
                effect, add_tags=effect.add_tags | {place.name + (label if own else "_".join(label.split()))}
            )
        return replace(effect, type=effect.type or label)

    def _category_mode(self, intent: Finding | None) -> Mode | None:
        """The mode of the ticket's category, which is its intent where triage is sure enough to act on it."""
        if intent is None or intent.confidence < self.acts_from:
            return None
        return self.file.modes.categories.get(intent.value)


def _rules(team: Team) -> Rules:
    grace, guard = team.grace / _MINUTE, team.guard / _MINUTE
    if team.assign_at_arrival:
        strategy = Strategy(team.strategy or Strategy.BALANCED)
        return Rules(strategy=strategy, when_away=team.when_away, grace=grace, guard=guard)
    return Rules(slots=team.slots or Rules().slots, when_away=team.when_away, grace=grace, guard=guard)


_MINUTE: Final = timedelta(minutes=1)


_BELOW: Final = 0.01
"""How far below `act` the confidence of a label stays that rules may not use."""


def _compiled(stage: Literal["annotate", "route"], rules: Sequence[R], compiler: Compiler) -> Iterator[Compiled[R]]:
    for index, rule in enumerate(rules):
        line = compiler.document.place((stage, index)).line
        node = _node(rule.when, (stage, index, "when"), compiler)
        verdict = RuleVerdict(stage, rule.name, True, line=line)
        yield Compiled(rule, node, verdict, rule.mode, *_prepared(rule))


def _node(when: Condition | None, path: yamlfile.Trail, compiler: Compiler) -> Node | None:
    return None if when is None else compiler.compiled(when, compiler.document.at(path), path)


def _prepared(
    rule: AnnotateRule | RouteRule,
) -> tuple[dict[str, object], Names, Names, bool, Template | None, Template | None]:
    """What `Compiled` wants to know of an annotate rule, worked out once."""
    if isinstance(rule, RouteRule):
        return {}, frozenset(), frozenset(), False, None, None
    then = rule.then
    sets = {name: value for name in engine.SINGLE if (value := getattr(then, name)) is not None}
    note = Template(then.note) if then.note else None
    notify = Template(then.notify.text) if then.notify else None
    says = bool(then.fields or then.call or note or notify)
    return sets, then.add_tags, then.remove_tags, says, note, notify


def _phrases(file: PolicyFile) -> Iterator[Phrase]:
    """All words that any condition looks for."""
    waiting = [rule.when for rule in file.annotate]
    waiting += [rule.when for rule in file.route if rule.when is not None]
    while waiting:
        when = waiting.pop()
        waiting += [*(when.all or ()), *(when.any or ()), *([when.not_] if when.not_ else [])]
        for test in (when.subject, when.text):
            if isinstance(test, WordsTest):
                yield from map(Phrase, test.phrases())


def _with_defaults(bindings: Mapping[str, Binding]) -> dict[str, Binding]:
    """Every desk's names with those of EVERY_DESK beneath them."""
    default = bindings.get(EVERY_DESK, Binding())
    merged = {
        desk: Binding(
            teams={**default.teams, **own.teams},
            agents={**default.agents, **own.agents},
            tags={**default.tags, **own.tags},
            fields={**default.fields, **own.fields},
        )
        for desk, own in bindings.items()
    }
    return {EVERY_DESK: default, **merged}
