"""The policy's names against the people and teams a desk really has."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.memory import Memory
from bridge.model import AgentRecord, Fact, Roster, Standing, Ticket
from bridge.ports import Policy
from bridge.yamlfile import nearest


@dataclass(frozen=True, slots=True)
class Missing:
    """A name of the policy that a desk does not know: its kind as in `bindings`, itself, and a sentence of it."""

    kind: str
    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Binding:
    """What the policy's names mean at one desk: ids by the policy's team and agent names, and the names it lacks.

    `names` are all the desk's agents by id.
    """

    desk: str
    team_ids: Mapping[str, str]
    agents: Mapping[str, AgentRecord]
    names: Mapping[str, str]
    missing: tuple[Missing, ...]


def bind(policy: Policy, roster: Roster) -> Binding:
    """The policy's teams and agents found in a roster: teams by name, agents by e-mail or name, case aside.

    Where the desk lists its fields, those that the policy binds must be among them.
    """
    by_team = {_plain(team.name): team.id for team in roster.teams}
    by_agent = {_plain(agent.name): agent for agent in roster.agents}
    by_agent |= {_plain(agent.email): agent for agent in roster.agents if agent.email}
    there = [agent.email or agent.name for agent in roster.agents]
    team_ids: dict[str, str] = {}
    agents: dict[str, AgentRecord] = {}
    missing: list[Missing] = []
    for team in policy.teams():
        bound = policy.bound("teams", roster.desk, team)
        if (team_id := by_team.get(_plain(bound))) is not None:
            team_ids[team] = team_id
        else:
            missing.append(_missing("teams", team, bound, roster.desk, [record.name for record in roster.teams]))
        for member in policy.members(team):
            bound = policy.bound("agents", roster.desk, member.name)
            if (record := by_agent.get(_plain(bound))) is not None:
                agents[member.name] = record
            elif member.name not in agents:
                missing.append(_missing("agents", member.name, bound, roster.desk, there))
    for name, bound in policy.bindings("fields", roster.desk).items():
        if roster.field_names is not None and bound not in roster.field_names:
            missing.append(_missing("fields", name, bound, roster.desk, roster.field_names))
    names = {agent.id: agent.name for agent in roster.agents}
    return Binding(roster.desk, team_ids, agents, names, tuple(dict.fromkeys(missing)))


def _plain(name: str) -> str:
    """A name as it is compared: whoever wrote it, in whatever case and however their keyboard makes an accent."""
    return unicodedata.normalize("NFC", name).casefold()


def in_policy_words(fact: Fact, binding: Binding) -> Fact:
    """A fact that names an agent by the desk's id, with the policy's name for them in its place, as rules write it."""
    if fact.name not in NAMES_AN_AGENT:
        return fact
    known = {record.id: name for name, record in binding.agents.items()}
    return replace(fact, value=known.get(str(fact.value), fact.value))


def standing(ticket: Ticket, memory: Memory, binding: Binding) -> Standing:
    """Who has and had a ticket, by the policy's names where it has them, else the desk's; and the tags it lost."""
    agents = {**binding.names} | {record.id: name for name, record in binding.agents.items()}
    teams = {team_id: name for name, team_id in binding.team_ids.items()}
    return Standing(
        assignee=agents.get(ticket.assignee_id, ticket.assignee_id) if ticket.assignee_id else None,
        team=teams.get(ticket.team_id, ticket.team_id) if ticket.team_id else None,
        previous_assignees=frozenset(agents.get(one, one) for one in memory.past_assignees),
        previous_tags=memory.past_tags - ticket.tags,
    )


def addresses(policy: Policy, binding: Binding, names: Collection[str]) -> frozenset[str]:
    """The e-mail addresses at a desk of agents and of the members of teams, by the policy's names for them."""
    teams = {member.name for team in policy.teams() if team in names for member in policy.members(team)}
    known = (binding.agents[name].email for name in {*names} | teams if name in binding.agents)
    return frozenset(email for email in known if email)


NAMES_AN_AGENT = {"last_agent"}
"""Facts whose value is an agent's id at the desk."""


def _missing(kind: str, name: str, bound: str, desk: str, there: Sequence[str]) -> Missing:
    called = f"'{name}'" if name == bound else f"'{name}' (bound to '{bound}')"
    near = nearest(bound, there)
    known = f"; {near}" if near else f", which has: {', '.join(sorted(there)) or 'none'}"
    return Missing(kind, name, f"{kind.removesuffix('s')} {called} is not on desk '{desk}'{known}")
