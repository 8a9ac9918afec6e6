"""Names in a policy file that must stand elsewhere in it, checked even where the file has other faults."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from bridge.triage.entities import URL
from bridge.yamlfile import MAX_FAULTS, Document, Key, Trail, nearest
from rules.schema import PolicyFile

_TEAMS: Final = (
    ("route", "*", "to", "team"),
    ("route", "*", "to", "then"),
    ("teams", "*", "overflow"),
    ("tests", "*", "expect", "team"),
)
_CALENDARS: Final = (("teams", "*", "calendar"), ("teams", "*", "members", "*", "calendar"))
_RULES: Final = (
    ("tests", "*", "expect", "route"),
    ("tests", "*", "expect", "not_rule"),
    ("tests", "*", "expect", "rules", "*"),
)
_INTENTS: Final = (("tests", "*", "given", "intent"), ("tests", "*", "expect", "intent"))
_WEBHOOKS: Final = (
    ("annotate", "*", "then", "call"),
    ("annotate", "*", "then", "call", "*"),
    ("tests", "*", "expect", "call"),
    ("tests", "*", "expect", "call", "*"),
)
_TOLD: Final = (
    ("annotate", "*", "then", "notify", "to"),
    ("annotate", "*", "then", "notify", "to", "*"),
    ("tests", "*", "expect", "notify"),
    ("tests", "*", "expect", "notify", "*"),
)

_ASKED: Final = {
    "intent": "intent",
    "team": "team",
    "assignee": "agent",
    "previous_assignees": "agent",
    "last_agent": "agent",
    "entities": "entity",
    "within": "calendar",
}
"""Keys of conditions whose values are names of the policy, and what they name."""

_LISTED: Final = 20
"""So many names are told where one is not among them."""


def check(document: Document) -> None:
    """Add a fault for every name that leads nowhere, every rule name used twice, and a route that does not end."""
    data = document.data
    names = {
        "team": _keys(data, "teams"),
        "agent": _members(data),
        "intent": _keys(data, "triage", "words") | _model_intents(data),
        "calendar": _keys(data, "calendars"),
        "webhook": _keys(data, "webhooks"),
        "entity": _keys(data, "triage", "extract") | {URL},
    }
    rules = [(path, name) for path, name in _found(data, ("*", "*", "name")) if path[0] in {"annotate", "route"}]
    _everywhere(document, names | {"rule": {name for _, name in rules}})
    _known(document, "calendar", names["calendar"], _CALENDARS)
    for kind, path, name in asked(data):
        _one_known(document, kind, names[kind], path, name)
    _known_keys(document, "intent", names["intent"], ("modes", "categories"))
    for desk in _keys(data, "bindings"):
        _known_keys(document, "team", names["team"], ("bindings", desk, "teams"))
        _known_keys(document, "agent", names["agent"], ("bindings", desk, "agents"))
    _valued(document)
    _once(document, rules)
    _no_circle(document)
    _skilled(document)
    _ends(document)


def _model_intents(data: object) -> set[str]:
    """The intents that a trained model may name."""
    return {name for _, name in _found(data, ("triage", "model", "intents", "*"))}


def check_tests(document: Document, policy: PolicyFile) -> None:
    """Add a fault for every name in a file of tests that leads nowhere in the policy that it is about."""
    teams = policy.teams
    names = {
        "team": set(teams),
        "agent": {name for team in teams.values() for name in team.members},
        "intent": policy.triage.names,
        "webhook": set(policy.webhooks),
        "rule": {rule.name for rule in policy.annotate} | {rule.name for rule in policy.route},
    }
    _everywhere(document, names)


def _everywhere(document: Document, names: Mapping[str, set[str]]) -> None:
    _known(document, "team", names["team"], _TEAMS)
    _known(document, "rule", names["rule"], _RULES)
    _known(document, "intent", names["intent"], _INTENTS)
    _known(document, "webhook", names["webhook"], _WEBHOOKS)
    _known(document, "agent or team", names["agent"] | names["team"], _TOLD)


def _known(document: Document, kind: str, names: set[str], patterns: Iterable[Trail]) -> None:
    for pattern in patterns:
        for path, name in _found(document.data, pattern):
            _one_known(document, kind, names, path, name)


def _one_known(document: Document, kind: str, names: set[str], path: Trail, name: str) -> None:
    if name not in names and len(document.faults) < MAX_FAULTS:  # finding what was meant takes time
        document.fault(path, *_unknown(kind, name, names))


def _known_keys(document: Document, kind: str, names: set[str], path: Trail) -> None:
    for name in _keys(document.data, *path):
        if name not in names and len(document.faults) < MAX_FAULTS:
            document.fault((*path, name), *_unknown(kind, name, names), key=True)


def _unknown(kind: str, name: str, names: set[str]) -> tuple[str, str]:
    known = ", ".join([*sorted(names)[:_LISTED], *(["…"] if len(names) > _LISTED else [])]) or "none"
    return f"there is no {kind} '{name[:60]}' in this policy;", nearest(name, names) or f"there are: {known}."


def _once(document: Document, rules: list[tuple[Trail, str]]) -> None:
    seen: dict[str, Trail] = {}
    for path, name in rules:
        if name in seen:
            line = document.place(seen[name]).line
            document.fault(
                path, f"a rule in line {line} has this name too.", "Tests and explanations need one name each."
            )
        seen.setdefault(name, path)


def _valued(document: Document) -> None:
    """A key without a value would count as left out: a rule would match more than is meant, a team always work."""
    told = {(fault.line, fault.column) for fault in document.faults}
    for path, mapping in _mappings(document.data, ()):
        for key in (key for key, value in mapping.items() if value is None and path[:1] != ("tests",)):
            if document.place((*path, key)) not in told and len(document.faults) < MAX_FAULTS:
                document.fault(
                    (*path, key), f"'{key[:60]}' has no value;", "write one, or leave the key out.", key=True
                )


def _no_circle(document: Document) -> None:
    """A team that overflows into itself, or takes over from itself, takes over nothing."""
    for path, name in _found(document.data, ("teams", "*", "overflow")):
        if path[1] == name:
            document.fault(path, "a team cannot overflow into itself.")
    for path, name in _found(document.data, ("route", "*", "to", "then")):
        if _at(document.data, *path[:-1], "team") == name:
            document.fault(path, "a team cannot take over from itself.")


def _skilled(document: Document) -> None:
    """A skill that nobody in the team has would leave every ticket of the rule waiting."""
    wanted = (_found(document.data, ("route", "*", "to", key, "*")) for key in ("skills", "prefer"))
    for path, skill in chain.from_iterable(wanted):
        team = _at(document.data, *path[:3], "team")
        if not isinstance(team, str) or team not in _keys(document.data, "teams"):
            continue
        skills = {found for _, found in _found(document.data, ("teams", team, "members", "*", "skills", "*"))}
        if skill not in skills:
            hint = nearest(skill, skills) or f"their skills are {', '.join(sorted(skills)) or 'none'}."
            document.fault(path, f"nobody in team '{team}' has the skill '{skill[:60]}';", hint)


def _ends(document: Document) -> None:
    """Only the last route rule has no condition, and it has none."""
    route = _at(document.data, "route")
    if not isinstance(route, list) or not all(isinstance(rule, dict) for rule in route):
        return
    for index, rule in enumerate(route):
        if index < len(route) - 1 and "when" not in rule:
            hint = "Give it a 'when', or move it to the end."
            document.fault(("route", index), "a rule without a condition hides all rules after it.", hint)
    if route and "when" in route[-1]:
        path = ("route", len(route) - 1, "when")
        hint = "Add one without 'when', so that every ticket has a place."
        document.fault(path, "the last route rule must have no condition.", hint, key=True)


def _members(data: object) -> set[str]:
    return {name for team in _keys(data, "teams") for name in _keys(data, "teams", team, "members")}


def asked(data: object) -> Iterator[tuple[str, Trail, str]]:
    """Every name of the policy that a condition asks for, and what it should name."""
    for path, key, test in asking(data):
        kind = "calendar" if path[-2] in _TIMES and key == "calendar" else _ASKED.get(key)
        yield from ((kind, place, name) for place, name in _texts(test, path) if kind)


def asking(data: object) -> Iterator[tuple[Trail, str, object]]:
    """Every key in the conditions, operators among them: the path that leads to what stands there, itself, and that."""
    for stage in ("annotate", "route"):
        for index, _ in _items(_at(data, stage)):
            for path, when in _mappings(_at(data, stage, index, "when"), (stage, index, "when")):
                yield from (((*path, key), key, test) for key, test in when.items())


def extracts(data: object) -> Iterator[tuple[Trail, str]]:
    """The patterns by which triage extracts, each with the path that leads to it."""
    return _found(data, ("triage", "extract", "*"))


_TIMES: Final = ("age", "idle", "waiting")


def _texts(test: object, path: Trail) -> Iterator[tuple[Trail, str]]:
    """The texts of a test that is written in any of its ways."""
    if isinstance(test, str):
        yield path, test
    for key, value in _items(test):
        yield from _texts(value, (*path, key))


def _mappings(data: object, path: Trail) -> Iterator[tuple[Trail, dict[str, object]]]:
    if isinstance(data, dict):
        yield path, data
    for key, value in _items(data):
        yield from _mappings(value, (*path, key))


def _items(data: object) -> list[tuple[Key, object]]:
    if isinstance(data, dict):
        return list(data.items())
    return list(enumerate(data)) if isinstance(data, list) else []


def _keys(data: object, *path: Key) -> set[str]:
    found = _at(data, *path)
    return set(found) if isinstance(found, Mapping) else set()


def _at(data: object, *path: Key) -> object:
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def _found(data: object, pattern: Trail, path: Trail = ()) -> Iterator[tuple[Trail, str]]:
    """Every text that a pattern leads to, `*` being any key or index."""
    if not pattern:
        if isinstance(data, str):
            yield path, data
        return
    first, rest = pattern[0], pattern[1:]
    entries = _items(data) if first == "*" else [(first, _at(data, first))]
    for key, value in entries:
        yield from _found(value, rest, (*path, key))
