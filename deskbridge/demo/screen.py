"""What the demo shows: a line for each decision as it is made, and a table for each desk at the end."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.model import Decision, EventKind, Finding
from deskbridge.demo.verdict import DeskResult, Faults

_COLOURS = {"zendesk": "green", "freshdesk": "cyan", "intercom": "magenta"}


def decided(console: Console, vendor: str, subject: str, decision: Decision) -> None:
    """One line: what came, what was understood, who got it and why."""
    came = "writes again" if decision.event is EventKind.REQUESTER_REPLIED else "opens"
    line = Text.assemble(
        (f"{vendor:<10}", _COLOURS[vendor]),
        (f"{came:<13}", "dim"),
        (f"{_cut(subject, 34):<35}", "bold"),
        (f"{_understood(decision):<32}", "yellow"),
        _given(decision),
    )
    console.print(line, no_wrap=True, overflow="ellipsis", crop=True)


def results(console: Console, desks: Mapping[str, DeskResult]) -> None:
    """The table of figures."""
    table = Table(title="From the desks' own records")
    for heading in ("desk", "tickets", "assigned", "tagged", "noted", "calls per ticket", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="left" if heading == "desk" else "right")
    for name, desk in desks.items():
        table.add_row(
            name,
            str(desk.tickets),
            str(desk.assigned),
            str(desk.tagged),
            str(desk.noted),
            f"{desk.calls_per_ticket:.2f}",
            f"{desk.p50_ms:.0f}",
            f"{desk.p99_ms:.0f}",
        )
    console.print(table)
    console.print("calls: all to the vendor's API, of which reading agents and customers takes most", style="dim")
    console.print("p50 and p99: from the customer's message to our note, which ends the first write", style="dim")
    console.print("       at Zendesk not before the second of its stamp is over, so that its lock holds", style="dim")


def faults(console: Console, found: Faults) -> None:
    """Every fault in a sentence, or the one line that there is none."""
    for title, sentences in (
        ("lost", found.lost),
        ("twice", found.duplicated),
        ("overwritten", found.overwritten),
        ("in the wrong place", found.misplaced),
    ):
        for sentence in sentences:
            console.print(f"{title}: {sentence}", style="red", markup=False)
    if not found:
        console.print(
            "Every ticket is where the policy says, every effect happened once, no human edit was lost.", style="green"
        )


def _understood(decision: Decision) -> str:
    triage = decision.triage
    words = [_word(triage.automatic), _word(triage.intent), _word(triage.language)]
    if triage.urgency is not None and triage.urgency.value in {"high", "critical"}:
        words.append(triage.urgency.value)
    return _cut(" · ".join(word for word in words if word) or "nothing certain", 31)


def _word(finding: Finding | None) -> str:
    return finding.value if finding is not None else ""


def _given(decision: Decision) -> str:
    rule = next((verdict.rule for verdict in decision.verdicts if verdict.stage == "route" and verdict.matched), "")
    if decision.assignment is None:
        return f"stays where it is ({'; '.join(decision.kept) or 'already assigned'})"
    who = decision.assignment.agent or "nobody yet"
    return f"→ {decision.assignment.team}/{who}  {rule}: {decision.assignment.because}"


def _cut(text: str, most: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"
