"""`python -m benchmarks.routing_plot`: the plots of docs/routing.md, out of the router and the judge's figures."""

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "deskbridge"  # the same figures give the same file

from matplotlib import pyplot as plt  # noqa: E402 # the backend is chosen first

from benchmarks.routing_judge import MEASURES  # noqa: E402
from bridge.routing import Ring, WaitingTicket  # noqa: E402
from bridge.routing.worth import urgency  # noqa: E402

_FOLDER = Path(__file__).parents[1] / "docs" / "img"
_PROMISE = 240.0


def plot_urgency() -> None:
    """How the cost of a minute rises over the promise, for three weights."""
    figure, axes = plt.subplots(figsize=(6.4, 3.2))
    used = [step / 50 for step in range(76)]
    for weight in (4.0, 2.0, 1.0):
        axes.plot([100 * part for part in used], [_cost(weight, part) for part in used], label=f"weight {weight:.0f}")
    axes.axhline(1.0, color="grey", linestyle=":", label="a follow-up")
    axes.set(xlabel="% of the promised time gone", ylabel="cost of one more minute", ylim=(0, None))
    _save(figure, axes, "urgency")


def _cost(weight: float, used: float) -> float:
    rings = (Ring(frozenset({"team"})),)
    due = _PROMISE * (1 - used)
    return urgency(WaitingTicket("t", "team", "topic", rings, weight=weight, due_in=due, promise=_PROMISE))


def plot_judged(runs: list[dict[str, Any]]) -> None:
    """Every measure by load for every router, the means over the worlds."""
    figure, axes = plt.subplots(1, len(MEASURES), figsize=(3.4 * len(MEASURES), 3.2))
    routers = list(dict.fromkeys(run["router"] for run in runs))
    for axis, (words, name) in zip(axes, MEASURES.items(), strict=True):
        for router in routers:
            loads = sorted({run["load"] for run in runs})
            means = [
                fmean(run[name] for run in runs if (run["router"], run["load"]) == (router, load)) for load in loads
            ]
            axis.plot(loads, means, marker="o", label=router)
        axis.set(xlabel="load", title=words, ylim=(0, None))
    _save(figure, axes[0], "judged")


def _save(figure: Any, axes: Any, name: str) -> None:
    axes.legend(fontsize="small")
    figure.tight_layout()
    _FOLDER.mkdir(exist_ok=True)
    figure.savefig(_FOLDER / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Draw both, the second only where the judge's figures are given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routing_plot", description=__doc__)
    parser.add_argument("--judged", type=Path, help="what `python -m benchmarks.routing_judge --json` printed")
    given = parser.parse_args()
    plot_urgency()
    if given.judged is not None:
        plot_judged(json.loads(given.judged.read_text())["runs"])


if __name__ == "__main__":
    main()
