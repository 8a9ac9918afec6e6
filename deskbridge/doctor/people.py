"""What a check-up says of a desk's people: whom the policy names, who can be seen, which teams have cover."""

from collections.abc import Iterator, Sequence

from bridge.binding import Binding, bind
from bridge.model import AgentStatus, Roster
from bridge.plural import many
from bridge.ports import DeskStatus, Diagnosis, Health, Policy


def of_roster(policy: Policy, roster: Roster, desk_writes: bool) -> Iterator[Diagnosis]:
    """Everything the roster tells against the policy."""
    found = bind(policy, roster)
    yield from _names(found)
    yield from _ourselves(found, roster)
    yield _availability(roster)
    yield from _cover(policy, found)
    yield from _own_routing(found, roster, desk_writes)


def unmapped(desk: str, statuses: Sequence[DeskStatus] | None) -> str | None:
    """A sentence of the statuses that nothing maps, None where there are none."""
    strange = [f"{status.id} '{status.name}'" for status in statuses or () if status.means is None]
    if not strange:
        return None
    return f"desk '{desk}' has statuses that nothing maps, so that no rule knows them: {', '.join(strange)}"


def of_statuses(desk: str, statuses: Sequence[DeskStatus] | None) -> Diagnosis:
    """Whether every status of the desk means something to us."""
    if statuses is None:
        return Diagnosis("statuses", Health.NOTE, "the desk does not show its statuses to this credential")
    strange = unmapped(desk, statuses)
    if strange is not None:
        advice = "Say by `status_map` in the settings what each means."
        return Diagnosis("statuses", Health.FAULT, strange, advice)
    return Diagnosis("statuses", Health.OK, f"all {len(statuses)} statuses are mapped")


def _names(found: Binding) -> Iterator[Diagnosis]:
    advice = "Mend the name in the policy, or bind it under `bindings`."
    for one in found.missing:
        yield Diagnosis("policy's names", Health.FAULT, one.words, advice)
    if not found.missing:
        words = f"{many(len(found.team_ids), 'team')} and {many(len(found.agents), 'agent')} of the policy are there"
        yield Diagnosis("policy's names", Health.OK, words)


def _ourselves(found: Binding, roster: Roster) -> Iterator[Diagnosis]:
    """Our own writes are known by the user they are made by: what that person does by hand would count as ours."""
    mine = [name for name, agent in found.agents.items() if agent.id == roster.acting_id]
    if mine:
        advice = "Make an agent of its own for the bridge and connect with that one's credential."
        words = f"the bridge writes in the name of '{mine[0]}', to whom the policy gives tickets"
        yield Diagnosis("acting user", Health.WARNING, words, advice)


def _availability(roster: Roster) -> Diagnosis:
    """Older and newer accounts show availability in different forms [T]; here is seen whether this one's is read."""
    agents = [agent for agent in roster.agents if agent.status is not AgentStatus.GONE]
    seen = sum(not agent.inferred and agent.status is not AgentStatus.UNKNOWN for agent in agents)
    words = f"of {many(len(agents), 'agent')} the desk shows {seen} as online, away or offline"
    if seen or not agents:
        return Diagnosis("availability", Health.OK, words)
    advice = "The plan or the role hides it: everybody counts as there within the policy's hours."
    return Diagnosis("availability", Health.NOTE, words, advice)


def _cover(policy: Policy, found: Binding) -> Iterator[Diagnosis]:
    """Teams of which nobody is there, and members who are in no such team at the desk (it may refuse them [I])."""
    for team in policy.teams():
        members = [found.agents[member.name] for member in policy.members(team) if member.name in found.agents]
        team_id = found.team_ids.get(team)
        outside = [agent.name for agent in members if team_id is not None and team_id not in agent.team_ids]
        if policy.members(team) and not members:
            words = f"none of the members of team '{team}' is at this desk"
            yield Diagnosis(
                "cover", Health.FAULT, words, "Its tickets wait for ever here: mend the names, or add members."
            )
        elif members and not any(agent.status in _THERE for agent in members):
            yield Diagnosis("cover", Health.NOTE, f"nobody of team '{team}' is online now")
        if outside:
            words = f"not in the desk's own team for '{team}': {', '.join(outside)}"
            advice = "Add them there: a desk may refuse to assign somebody from outside."
            yield Diagnosis("cover", Health.WARNING, words, advice)


_THERE = {AgentStatus.ONLINE, AgentStatus.UNKNOWN}


def _own_routing(found: Binding, roster: Roster, desk_writes: bool) -> Iterator[Diagnosis]:
    """Teams whose tickets the desk itself gives out: two routers, of whom neither knows of the other."""
    ours = set(found.team_ids.values())
    for team in roster.teams:
        if team.self_assigning is None:
            continue
        words = f"the desk gives out the tickets of '{team.name}' itself: {team.self_assigning}"
        fights = team.id in ours and desk_writes
        advice = (
            "Switch it off for this team at the desk, or take the team out of the policy." if team.id in ours else None
        )
        yield Diagnosis("own routing", Health.WARNING if fights else Health.NOTE, words, advice)
