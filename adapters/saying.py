"""What reading any vendor's rules into a policy's words takes: conditions joined, names kept apart, gaps noted."""

import re
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, Final, TypeVar

from bridge.model import Imported, Part, Roster, Unsaid

NAME_MAX: Final = 90
"""Characters of a rule's name, less than a policy takes, so that a number fits behind."""

VALUE_MAX: Final = 150
"""Characters of a text that is looked for; a pattern of more is refused by a policy."""

DECIDES: Final[Part] = {"event": ["ticket_created", "requester_replied"]}
"""What always holds: these are the events on which a policy decides."""

T = TypeVar("T")


class Unsayable(Exception):
    """A policy has no words for this; the message is the vendor's."""


class Names:
    """The policy's names of a desk's teams and agents by the desk's ids: what the desk calls them."""

    def __init__(self, roster: Roster) -> None:
        self._teams = {team.id: team.name.strip() for team in roster.teams}
        self._agents = agent_names(roster)

    def team(self, id_: object) -> str:
        """Raises Unsayable for a team that the desk does not list."""
        return self._name("team", self._teams, id_)

    def agent(self, id_: object) -> str:
        """Raises Unsayable for an agent whom the desk does not list."""
        return self._name("agent", self._agents, id_)

    @staticmethod
    def _name(kind: str, known: Mapping[str, str], id_: object) -> str:
        try:
            return known[str(id_)]
        except KeyError:
            raise Unsayable(f"{kind} {id_}, whom the desk does not list") from None


def agent_names(roster: Roster) -> dict[str, str]:
    """What a policy calls each agent, by id: their name, or their e-mail where another has the same name."""
    names = [agent.name.strip().casefold() for agent in roster.agents]
    return {
        agent.id: agent.name.strip() if agent.name.strip() and names.count(agent.name.strip().casefold()) == 1
        else agent.email or agent.id
        for agent in roster.agents
    }  # fmt: skip


def _object(row: T) -> T:
    """A row as it is. Raises Unsayable for what is no object, as in a file that was written by hand."""
    if not isinstance(row, dict):
        raise Unsayable("something that is no object")
    return row


class Reader:
    """Gathers rules as they are read; a rule keeps its title, and what cannot be said is noted with it."""

    def __init__(self) -> None:
        self._annotate: list[Part] = []
        self._route: list[Part] = []
        self._unsaid: list[Unsaid] = []
        self._names: set[str] = set()

    def lacks(self, rule: str, what: object) -> None:
        """Note what cannot be said of a rule."""
        self._unsaid.append(Unsaid(rule, " ".join(str(what).split())))

    def others(self, export: Mapping[str, object], read: Set[str]) -> None:
        """Note the lists of an export that are none of those that are read, macros say."""
        for key, rows in export.items():
            if key not in read and isinstance(rows, list) and rows:
                self.lacks(key, f"{len(rows)} of them, which are not read")

    def each(self, rule: str, rows: Iterable[T], read: Callable[[T], Part]) -> tuple[list[Part], bool]:
        """Every row that can be said, and whether that is all of them; the others are noted."""
        said, whole = [], True
        for row in rows:
            try:
                said.append(read(_object(row)))
            except Unsayable as gap:
                self.lacks(rule, gap)
                whole = False
        return said, whole

    def annotate(self, title: str, when: Part | None, then: Part) -> None:
        """Add an annotate rule."""
        self._annotate.append({"name": self._name(title), "when": when or DECIDES, "then": then})

    def route(self, title: str, when: Part | None, team: str | None, *, first: bool = False) -> None:
        """Add a route rule at the end, or before all others; without a team it leaves a ticket where it is."""
        way = {"to": {"team": team}} if team is not None else {"skip": True}
        rule = {"name": self._name(title), "when": when or DECIDES, **way}
        self._route.insert(0 if first else len(self._route), rule)

    def result(self, fields: Mapping[str, str], notes: tuple[str, ...]) -> Imported:
        """All of it."""
        return Imported(tuple(self._annotate), tuple(self._route), fields, tuple(self._unsaid), notes)

    def _name(self, title: str) -> str:
        base = " ".join(title.split())[:NAME_MAX] or "a rule without a title"
        name, number = base, 1
        while name in self._names:
            number += 1
            name = f"{base} ({number})"
        self._names.add(name)
        return name


def gap_of(kind: str, *said: object) -> str:
    """How a part of a rule is told: its kind, and what the vendor's form of it says."""
    return f"{kind} '{' '.join(filter(None, map(str, said)))}'"


def all_of(parts: list[Part]) -> Part | None:
    """A condition that holds where every part does; None of none."""
    return parts[0] if len(parts) == 1 else {"all": parts} if parts else None


def any_of(parts: list[Part]) -> Part | None:
    """A condition that holds where one part does; None of none."""
    return parts[0] if len(parts) == 1 else {"any": parts} if parts else None


def negated(part: Part, *, no: bool) -> Part:
    """The part, or its opposite."""
    return {"not": part} if no else part


def equal(key: str, value: object, *, no: bool = False) -> Part:
    """What may be unknown is a value, None being unknown; or it is not, where unknown is another value too."""
    if value is None:
        return {key: {"unknown": not no}}
    return {"any": [{key: {"unknown": True}}, {"not": {key: value}}]} if no else {key: value}


def looked_up(table: Mapping[Any, Any], value: object, words: str) -> Any:
    """A row of a mapping table. Raises Unsayable."""
    try:
        return table[value]
    except (KeyError, TypeError):
        raise Unsayable(words) from None


def words(value: object, gap: str) -> list[str]:
    """The words of a text, for a condition that looks for any of them. Raises Unsayable where there is none."""
    found = [word for word in str(value or "").split() if any(map(str.isalnum, word))]
    if not found or max(map(len, found)) > VALUE_MAX:
        raise Unsayable(gap)
    return list(dict.fromkeys(found))


def containing(value: object, gap: str) -> Part:
    """A condition on a text that has these characters somewhere, case aside. Raises Unsayable."""
    if not isinstance(value, str) or not value.strip() or len(value) > VALUE_MAX:
        raise Unsayable(gap)
    return {"pattern": f"(?i){re.escape(value)}"}


def merged(parts: Iterable[Part]) -> dict[str, Any]:
    """Several actions as one: tags and fields of all of them, else the last one's."""
    found: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            if isinstance(value, list):
                found[key] = list(dict.fromkeys([*found.get(key, []), *value]))
            elif isinstance(value, dict):
                found[key] = {**found.get(key, {}), **value}
            else:
                found[key] = value
    return found
