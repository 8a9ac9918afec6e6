"""The first router: eligible by desk, status, skill and room, then least loaded relative to capacity."""

from collections.abc import Mapping, Sequence

from bridge.model import Agent, AgentStatus, Assignment, Candidate, Target

_AT_WORK = {AgentStatus.ONLINE, AgentStatus.UNKNOWN}


def choose(target: Target, teams: Mapping[str, Sequence[Agent]], team_ids: Mapping[str, str]) -> Assignment:
    """The agent for a target, or the team in which it waits.

    `teams` gives the members of the target's teams as they are now, `team_ids` the desk's ids of the teams it has. The
    team of `target.then` is asked when the first has nobody; if it has nobody either, the ticket waits in the first.
    Deterministic: the same agents in any order give the same answer.
    """
    looked_at: list[Candidate] = []
    for team in (target.team, target.then):
        if team is None:
            continue
        candidates, winner = _rank(target.skills, teams.get(team, ()))
        looked_at += candidates
        if winner is not None:
            because = next(c.because for c in candidates if c.chosen)
            if team != target.team:
                because = f"nobody free in {target.team}; {because}"
            return Assignment(team, team_ids.get(team), winner.name, winner.id, because, tuple(looked_at))
    return Assignment(
        target.team, team_ids.get(target.team), None, None, "waits for an agent with room", tuple(looked_at)
    )


def obstacle(agent: Agent, skills: frozenset[str]) -> str | None:
    """Why an agent cannot have a ticket that needs `skills`, in a few words; None where they can."""
    if agent.id is None:
        return "not at this desk"
    if agent.status not in _AT_WORK:
        return agent.status.value
    if missing := sorted(skills - agent.skills):
        return f"lacks {', '.join(missing)}"
    if (agent.load or 0) >= agent.capacity:
        return f"full: {agent.load} of {agent.capacity}"
    return None


def _rank(skills: frozenset[str], agents: Sequence[Agent]) -> tuple[list[Candidate], Agent | None]:
    obstacles = {agent.name: obstacle(agent, skills) for agent in agents}
    able = sorted((agent for agent in agents if obstacles[agent.name] is None), key=_order)
    winner = able[0] if able else None
    candidates = [
        Candidate(
            agent.name, agent is winner, obstacles[agent.name] or _place(agent, winner), agent.load, agent.capacity
        )
        for agent in sorted(agents, key=_order)
    ]
    return candidates, winner


def _order(agent: Agent) -> tuple[float, int, str]:
    """Least loaded share first; at a tie the agent with fewer skills, so that rare ones stay free; then by name."""
    return ((agent.load or 0) / max(agent.capacity, 1), len(agent.skills), agent.name)


def _place(agent: Agent, winner: Agent | None) -> str:
    held = f"{agent.load} of {agent.capacity}" if agent.load is not None else f"unknown load, room for {agent.capacity}"
    if agent is winner:
        return f"least loaded: {held}"
    assert winner is not None
    same_share = _order(agent)[0] == _order(winner)[0]
    return f"{held}, " + (f"as free as {winner.name}, who comes first" if same_share else "busier")
