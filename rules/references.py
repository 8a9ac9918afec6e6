"""Names in a policy file that must stand elsewhere in it, checked even where the file has other faults."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from bridge.yamlfile import Document, Key, Trail, nearest

_TEAMS: Final = (
    ("route", "*", "to", "team"),
    ("route", "*", "to", "then"),
    ("teams", "*", "overflow"),
    ("tests", "*", "expect", "team"),
)
_RULES: Final = (
    ("tests", "*", "expect", "route"),
    ("tests", "*", "expect", "not_rule"),
    ("tests", "*", "expect", "rules", "*"),
)
_INTENTS: Final = (("tests", "*", "given", "intent"), ("tests", "*", "expect", "intent"))


def check(document: Document) -> None:
    """Add a fault for every name that leads nowhere, every rule name used twice, and a route that does not end."""
    data = document.data
    teams, intents = _keys(data, "teams"), _keys(data, "triage", "words")
    rules = [(path, name) for path, name in _found(data, ("*", "*", "name")) if path[0] in {"annotate", "route"}]
    _known(document, "team", teams, _TEAMS)
    _known(document, "rule", {name for _, name in rules}, _RULES)
    _known(document, "intent", intents, _INTENTS)
    _known(document, "intent", intents, _asked_intents(data))
    _known_keys(document, "intent", intents, ("modes", "categories"))
    for desk in _keys(data, "bindings"):
        _known_keys(document, "team", teams, ("bindings", desk, "teams"))
        _known_keys(document, "agent", _members(data), ("bindings", desk, "agents"))
    _once(document, rules)
    _no_circle(document)
    _skilled(document)
    _ends(document)


def _known(document: Document, kind: str, names: set[str], patterns: Iterable[Trail]) -> None:
    for pattern in patterns:
        for path, name in _found(document.data, pattern):
            if name not in names:
                document.fault(path, *_unknown(kind, name, names))


def _known_keys(document: Document, kind: str, names: set[str], path: Trail) -> None:
    for name in _keys(document.data, *path):
        if name not in names:
            document.fault((*path, name), *_unknown(kind, name, names), key=True)


def _unknown(kind: str, name: str, names: set[str]) -> tuple[str, str]:
    known = ", ".join(sorted(names)) or "none"
    return f"there is no {kind} '{name[:60]}' in this policy;", nearest(name, names) or f"its {kind}s are {known}."


def _once(document: Document, rules: list[tuple[Trail, str]]) -> None:
    seen: dict[str, Trail] = {}
    for path, name in rules:
        if name in seen:
            line = document.place(seen[name]).line
            document.fault(
                path, f"a rule in line {line} has this name too.", "Tests and explanations need one name each."
            )
        seen.setdefault(name, path)


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
    for path, skill in _found(document.data, ("route", "*", "to", "skills", "*")):
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


def _asked_intents(data: object) -> Iterator[Trail]:
    """The patterns of all intents that conditions ask for."""
    for path in _mappings(data, ()):
        if path[:1] in {("annotate",), ("route",)} and "when" in path:
            yield from ((*path, "intent"), (*path, "intent", "*"), (*path, "intent", "in", "*"))


def _mappings(data: object, path: Trail) -> Iterator[Trail]:
    if isinstance(data, dict):
        yield path
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
