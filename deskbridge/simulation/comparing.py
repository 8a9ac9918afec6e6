"""Policies side by side in the same worlds: as they are, and as help desks hand out tickets at arrival."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from bridge import yamlfile
from bridge.errors import DeskbridgeError
from bridge.routing import Strategy
from bridge.yamlfile import Document, Place, Spot, Trail, nearest
from deskbridge.simulation.figures import MEASURES, Estimate, Values, difference, estimate, measured
from deskbridge.simulation.replay import replay
from deskbridge.simulation.world import Source
from rules import LoadedPolicy
from rules.policy import checked
from rules.schema import PolicyFile

BASELINES: Final = {"round robin": Strategy.ROUND_ROBIN, "balanced": Strategy.BALANCED}
"""What every policy is compared with: its own people and hours, every ticket given out at arrival."""


class BadChange(DeskbridgeError):
    """A change of a policy cannot be made."""


class NothingToSimulate(DeskbridgeError):
    """There is no ticket to route."""


@dataclass(slots=True)
class Column:
    """One policy's measures, world by world."""

    name: str
    policy: LoadedPolicy
    values: list[Values] = field(default_factory=list)
    left_alone: int = 0

    def estimates(self) -> dict[str, Estimate]:
        """The means of what could be measured in any world."""
        found = {one.name: [value[one.name] for value in self.values if one.name in value] for one in MEASURES}
        return {name: estimate(values) for name, values in found.items() if values}

    def against(self, other: "Column") -> dict[str, Estimate]:
        """How much more each measure is than another policy's, in pairs of worlds."""
        found = {one.name: difference(self.values, other.values, one.name) for one in MEASURES}
        return {name: value for name, value in found.items() if value is not None}


def compare(
    policies: Mapping[str, LoadedPolicy], source: Source, seeds: int, watch: Callable[[str, float], None]
) -> list[Column]:
    """Every policy in every world, then the first one's people under `BASELINES`. Raises NothingToSimulate."""
    first = next(iter(policies.values()))
    every = {**policies, **{name: at_arrival(first, strategy) for name, strategy in BASELINES.items()}}
    columns = [Column(name, policy) for name, policy in every.items()]
    for seed in range(seeds):
        world = source.world(seed)
        for number, column in enumerate(columns):
            watch(f"world {seed + 1} of {seeds}: {column.name}", (seed + number / len(columns)) / seeds)
            run = replay(column.policy, world)
            if not run.fates:
                raise NothingToSimulate(
                    f"{column.name} routes none of the {len(world.jobs)} tickets; look further back with --since, "
                    "or give a scenario with more arrivals"
                )
            column.values.append(measured(run))
            column.left_alone += run.left_alone
    return columns


def at_arrival(policy: LoadedPolicy, strategy: Strategy) -> LoadedPolicy:
    """The policy with every team handing out its tickets at arrival by a strategy."""
    data = deepcopy(dict(policy.data))
    for team in data["teams"].values():
        team.pop("slots", None)
        team |= {"assign_at_arrival": True, "strategy": strategy.value}
    return checked(Document("policy", data, {}))


def with_changes(policy: LoadedPolicy, changes: Sequence[str]) -> LoadedPolicy:
    """The policy with changes made, each as `path.to.a.key=value`, the value in YAML.

    Raises BadFile where that is no policy any more, the line being the number of the change, and BadChange where one
    has no equals sign or leads nowhere.
    """
    data: dict[str, Any] = deepcopy(dict(policy.data))
    data.pop("tests", None)
    spots: dict[Trail, Spot] = {}
    for number, change in enumerate(changes, start=1):
        trail = _changed(data, change)
        here = Spot(Place(number, 1), Place(number, change.index("=") + 2))
        spots |= {trail[:length]: here for length in range(1, len(trail) + 1)}
    return checked(Document("--set", data, spots))


def _changed(data: dict[str, Any], change: str) -> Trail:
    """Make one change; returns the keys that lead to it."""
    path, sign, value = change.partition("=")
    if not sign:
        raise BadChange(f"'{change}' changes nothing; write it like teams.billing.members.ana.capacity=3")
    trail = tuple(path.strip().split("."))
    if len(trail) > 1 and trail[0] in PolicyFile.model_fields:
        data.setdefault(trail[0], {})
    within: Any = data
    for key in trail[:-1]:
        if not isinstance(within.get(key), dict):
            known = [name for name, inner in within.items() if isinstance(inner, dict)]
            near = nearest(key, known) or f"there are {', '.join(known) or 'none'}"
            raise BadChange(f"'{path}' leads nowhere: there is no '{key}' with keys of its own; {near}")
        within = within[key]
    within[trail[-1]] = yamlfile.parse(value.strip(), file=f"--set {path}").data
    return trail
