"""A policy file made of what a desk's own rules say: teams from its roster, rules in a policy's words, gaps told."""

import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml

import rules
from adapters.saying import agent_names
from bridge.errors import BadFile, Fault
from bridge.model import AgentRecord, AgentStatus, Imported, Part, Roster, Unsaid
from deskbridge.policies import content_of

EXPORT_MAX: Final = 50_000_000
"""Bytes of an export file; more is none."""

CAPACITY: Final = 10
"""Open tickets that somebody can hold where the desk sets no limit."""

ELSEWHERE: Final[Part] = {"name": "everything else", "skip": True}
"""The last route rule: a ticket that no rule of the desk moved stays where it is."""

_HEAD: Final = (
    "From the rules of desk '{desk}', by `deskbridge policy import`. As it stands it writes nothing: see `mode`."
)
_WIDTH: Final = 116
_UNPRINTABLE: Final = re.compile(r"[^\S ]+|[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Plain(yaml.SafeDumper):
    """YAML without anchors, which a policy refuses."""

    def ignore_aliases(self, data: object) -> bool:
        """Whatever stands twice is written twice."""
        del data
        return True


def policy_of(found: Imported, roster: Roster) -> tuple[str, tuple[Unsaid, ...]]:
    """The text of a policy that loads clean, and everything that it does not say.

    A rule that the policy language refuses is left out and told with the reason.
    """
    teams, lonely = _teams(roster)
    base: dict[str, Any] = {"policy": "deskbridge/v1", "mode": "shadow", "teams": teams}
    if found.fields:
        base["bindings"] = {roster.desk: {"fields": dict(found.fields)}}
    refused: list[Unsaid] = []
    annotate, route = _accepted(base, found, refused)
    unsaid = (*found.unsaid, *refused, *lonely)
    bindings = {"bindings": base.pop("bindings")} if found.fields else {}
    policy = {**base, "annotate": annotate, "route": [*route, ELSEWHERE], **bindings}
    return _head(roster, replace(found, unsaid=unsaid)) + _yaml(policy), unsaid


def read_export(file: Path) -> dict[str, Any]:
    """What an export file holds, as the vendor's API lists it. Raises BadFile."""
    try:
        content = json.loads(content_of(file, most=EXPORT_MAX))
    except ValueError as error:
        place = (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (1, 1)
        raise BadFile([Fault(str(file), *place, "is not JSON.", "Export it as the vendor's API answers.")]) from error
    if not isinstance(content, dict):
        raise BadFile([Fault(str(file), 1, 1, "should be an object, like the answers of the vendor's API.")])
    lists = {name: rows for name, rows in content.items() if isinstance(rows, list)}
    odd = [f"'{name}' should hold objects only." for name, rows in lists.items() if not all(map(_is_object, rows))]
    if odd or not lists:
        words = odd or ["holds no list of rules; docs/policy-import.md tells what an export looks like."]
        raise BadFile([Fault(str(file), 1, 1, one) for one in words])
    return content


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _teams(roster: Roster) -> tuple[dict[str, Any], list[Unsaid]]:
    """Every team that has somebody in it, its members as the desk calls them, and the teams that have nobody."""
    names = agent_names(roster)
    working = [agent for agent in roster.agents if agent.status is not AgentStatus.GONE]
    teams = {
        team.name.strip(): {"members": {names[one.id]: _member(one) for one in working if team.id in one.team_ids}}
        for team in roster.teams
    }
    lonely = [Unsaid(f"team {name}", "nobody is in it") for name, team in teams.items() if not team["members"]]
    return {name: team for name, team in teams.items() if team["members"]}, lonely


def _member(agent: AgentRecord) -> dict[str, int]:
    return {"capacity": min(max(agent.limit or CAPACITY, 1), 1_000)}


def _accepted(base: Mapping[str, Any], found: Imported, refused: list[Unsaid]) -> tuple[list[Part], list[Part]]:
    """The rules that load: all at once, or, where one does not, each by itself, so that it takes no other with it."""
    if _faults({**base, "annotate": list(found.annotate), "route": [*found.route, ELSEWHERE]}) is None:
        return list(found.annotate), list(found.route)
    alone = {**base, "route": [ELSEWHERE]}
    annotate = [part for part in found.annotate if _loads(part, {**alone, "annotate": [part]}, refused)]
    route = [part for part in found.route if _loads(part, {**base, "route": [part, ELSEWHERE]}, refused)]
    return annotate, route


def _loads(part: Part, policy: Mapping[str, Any], refused: list[Unsaid]) -> bool:
    faults = _faults(policy)
    if faults is not None:
        refused.append(Unsaid(str(part["name"]), faults))
    return faults is None


def _faults(policy: Mapping[str, Any]) -> str | None:
    """Why the policy does not load, None where it does."""
    try:
        rules.loads(_yaml(policy), file="policy")
    except BadFile as error:
        return " ".join(fault.message for fault in error.faults)
    return None


def _head(roster: Roster, found: Imported) -> str:
    lines = [f"{_HEAD.format(desk=roster.desk)} Capacities are the desk's limits, or {CAPACITY}: put in your own."]
    if found.notes:
        lines += ["", "What is different here:", *(f"- {note}" for note in found.notes)]
    if found.unsaid:
        lines += ["", "What is not said here:", *(f"- {gap.rule}: {gap.what}" for gap in found.unsaid)]
    return "".join(map(_comment, lines)) + "\n"


def _comment(line: str) -> str:
    clean = _UNPRINTABLE.sub(" ", line)
    rows = textwrap.wrap(clean, _WIDTH, subsequent_indent="  " if clean.startswith("- ") else "") or [""]
    return "".join(f"# {row}".rstrip() + "\n" for row in rows)


def _yaml(data: object) -> str:
    return yaml.dump(data, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=None)
