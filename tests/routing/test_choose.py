"""Laws of the router: whom it may choose, whom it must, and that it says why."""

from collections.abc import Mapping

from hypothesis import example, given
from hypothesis import strategies as st

from bridge.model import Agent, AgentStatus, Target
from bridge.routing import choose

SKILLS = ("api", "german", "french")
TEAMS = ("billing", "tech", "general")
FREE = {AgentStatus.ONLINE, AgentStatus.UNKNOWN}

skills = st.frozensets(st.sampled_from(SKILLS))


def agents(names: str) -> st.SearchStrategy[list[Agent]]:
    """Some agents of these one-letter names, each at most once."""
    return st.lists(
        st.builds(
            Agent,
            name=st.sampled_from(list(names)),
            id=st.none() | st.sampled_from(["1", "2", "3"]),
            capacity=st.integers(0, 5),
            skills=skills,
            status=st.sampled_from(AgentStatus),
            load=st.none() | st.integers(0, 6),
        ),
        max_size=len(names),
        unique_by=lambda agent: agent.name,
    )


teams = st.fixed_dictionaries({"billing": agents("abcd"), "tech": agents("efgh")})
targets = st.builds(
    Target, rule=st.just("r"), team=st.sampled_from(TEAMS), skills=skills, then=st.none() | st.sampled_from(TEAMS)
)
TEAM_IDS = {"billing": "10", "tech": "20"}


def able(agent: Agent, needed: frozenset[str]) -> bool:
    """Whether an agent may have a ticket, said as plainly as the policy's page says it."""
    return (
        agent.id is not None
        and agent.status in FREE
        and needed <= agent.skills
        and (agent.load or 0) + 1 <= agent.capacity
    )


def share(agent: Agent) -> float:
    return (agent.load or 0) / agent.capacity


@given(targets, teams)
def test_nobody_unable_is_chosen_and_somebody_able_is_not_passed_over(
    target: Target, teams: Mapping[str, list[Agent]]
) -> None:
    found = choose(target, teams, TEAM_IDS)
    everybody = [agent for team in (target.team, target.then) if team for agent in teams.get(team, [])]
    if found.agent is None:
        assert not any(able(agent, target.skills) for agent in everybody)
        assert (found.team, found.agent_id) == (target.team, None)
    else:
        (winner,) = (agent for agent in teams[found.team] if agent.name == found.agent)
        assert able(winner, target.skills)
        assert found.agent_id == winner.id
        rivals = [agent for agent in teams[found.team] if able(agent, target.skills)]
        assert share(winner) == min(map(share, rivals))
    assert found.team_id == TEAM_IDS.get(found.team)


@given(targets, teams)
def test_the_second_team_is_asked_only_where_the_first_has_nobody(
    target: Target, teams: Mapping[str, list[Agent]]
) -> None:
    found = choose(target, teams, TEAM_IDS)
    first = any(able(agent, target.skills) for agent in teams.get(target.team, []))
    if first:
        assert found.team == target.team
    elif found.agent is not None:
        assert found.team == target.then
        assert f"nobody free in {target.team}" in found.because or found.team == target.team


@given(targets, teams, st.data())
def test_the_order_of_agents_and_teams_decides_nothing(
    target: Target, teams: Mapping[str, list[Agent]], data: st.DataObject
) -> None:
    names = data.draw(st.permutations(list(teams)))
    shuffled = {name: data.draw(st.permutations(teams[name])) for name in names}
    assert choose(target, shuffled, TEAM_IDS) == choose(target, teams, TEAM_IDS)


@given(targets, teams)
def test_everybody_who_was_looked_at_has_a_reason_and_one_at_most_is_chosen(
    target: Target, teams: Mapping[str, list[Agent]]
) -> None:
    found = choose(target, teams, TEAM_IDS)
    assert found.because
    assert all(candidate.because for candidate in found.candidates)
    assert [c.name for c in found.candidates if c.chosen] == ([found.agent] if found.agent else [])
    looked_at = {candidate.name for candidate in found.candidates}
    assert {agent.name for agent in teams.get(found.team, [])} <= looked_at


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 30))
@example([3, 3], 8)
def test_tickets_given_one_after_another_fill_everybody_evenly_and_nobody_over(
    capacities: list[int], number: int
) -> None:
    target, loads, waiting = Target("r", "billing"), [0] * len(capacities), 0
    for _ in range(number):
        team = [
            Agent(str(n), str(n), capacity, frozenset(), AgentStatus.ONLINE, loads[n])
            for n, capacity in enumerate(capacities)
        ]
        found = choose(target, {"billing": team}, TEAM_IDS)
        if found.agent is None:
            waiting += 1
        else:
            loads[int(found.agent)] += 1
    assert waiting == max(0, number - sum(capacities))
    assert all(load <= capacity for load, capacity in zip(loads, capacities, strict=True))
    shares = [load / capacity for load, capacity in zip(loads, capacities, strict=True)]
    assert max(shares) - min(shares) <= 1 / min(capacities) + 1e-9


def test_a_rarer_skill_stays_free_at_a_tie() -> None:
    versed = Agent("ana", "1", 4, frozenset({"api"}), AgentStatus.ONLINE, 1)
    plain = Agent("bo", "2", 4, frozenset(), AgentStatus.ONLINE, 1)
    found = choose(Target("r", "billing"), {"billing": [versed, plain]}, TEAM_IDS)
    assert found.agent == "bo"
    assert "as free as bo" in next(c.because for c in found.candidates if c.name == "ana")


def test_each_obstacle_is_named() -> None:
    team = [
        Agent("absent", None, 4, frozenset(), AgentStatus.ONLINE, 0),
        Agent("away", "2", 4, frozenset(), AgentStatus.AWAY, 0),
        Agent("unskilled", "3", 4, frozenset(), AgentStatus.ONLINE, 0),
        Agent("full", "4", 4, frozenset({"api"}), AgentStatus.ONLINE, 4),
    ]
    found = choose(Target("r", "billing", frozenset({"api"})), {"billing": team}, TEAM_IDS)
    said = {candidate.name: candidate.because for candidate in found.candidates}
    assert said == {"absent": "not at this desk", "away": "away", "unskilled": "lacks api", "full": "full: 4 of 4"}
