"""A model's report for people: in plain words, as HTML, and its reliability as a picture."""

import io
from collections.abc import Iterator, Mapping
from html import escape
from typing import Final

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from bridge.triage.intent import Measured, Model

_SHOWN: Final = 10
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem;border-bottom:1px solid #ccc}"
)

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
Words = Mapping[str, str]
"""The texts of tickets by what the report calls them; a model holds none."""


def lines(model: Model, words: Words) -> Iterator[str]:
    """The report line by line."""
    yield from _sentences(model)
    for title, (head, rows) in _tables(model, words):
        if rows:
            yield f"\n{title}"
            widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
            for row in [head, *rows]:
                yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def html(model: Model, words: Words) -> str:
    """The report as one page that needs nothing else."""
    parts = [f"<!doctype html><meta charset=utf-8><title>Triage report</title><style>{_STYLE}</style>"]
    parts += ["<h1>Triage report</h1>", *(f"<p>{escape(line)}</p>" for line in _sentences(model))]
    parts += ["<h2>Is it as often right as it says?</h2>", plot(model.measured)]
    for title, (head, rows) in _tables(model, words):
        if rows:
            body = "".join(_row("td", row) for row in rows)
            parts.append(f"<h2>{escape(title)}</h2><table>{_row('th', head)}{body}</table>")
    return "\n".join(parts)


def plot(measured: Measured) -> str:
    """The reliability plot as SVG: a point for tickets of similar confidence, best on the line."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.plot([0, 1], [0, 1], color="grey", linestyle="dashed")
    bars = measured.reliability
    sizes = [10 + 400 * bar.tickets / measured.tickets for bar in bars]
    axes.scatter([bar.confidence for bar in bars], [bar.right for bar in bars], s=sizes)
    target = io.StringIO()
    figure.savefig(target, format="svg", metadata={"Date": None})
    return target.getvalue().partition("?>")[2].partition("<svg")[1] + target.getvalue().partition("<svg")[2]


def _row(kind: str, cells: tuple[str, ...]) -> str:
    return f"<tr>{''.join(f'<{kind}>{escape(cell)}</{kind}>' for cell in cells)}</tr>"


def _sentences(model: Model) -> Iterator[str]:
    measured = model.measured
    yield (
        f"Learnt from {measured.tickets:,} tickets in {measured.groups:,} groups of threads and templates, "
        f"{len(model.classes)} classes, {model.features} features, {measured.seconds:,.0f} seconds."
    )
    if measured.guessing:
        yield (
            f"No better than guessing: {measured.accuracy:.1%} right, {measured.by_chance:.1%} by chance. "
            "The labels do not follow from the texts; nothing is automated or suggested."
        )
    else:
        yield (
            f"On tickets it had not seen: {measured.accuracy:.1%} right ({measured.by_chance:.1%} by chance), macro F1 "
            f"{measured.macro_f1:.1%}; confidence is off by {100 * measured.calibration_error:.1f} points on average."
        )
        yield f"With twice the tickets: about +{100 * measured.doubling:.1f} points."
    if measured.newest is not None:
        yield f"On the newest fifth, after learning from the older tickets: {measured.newest:.1%} right."
    if measured.mislabelled:
        yield f"About {measured.mislabelled:,} labels ({measured.mislabelled / measured.tickets:.1%}) look wrong."
    if measured.contradictions:
        yield f"{measured.contradictions:,} tickets have the words of another that is labelled otherwise."
    if model.folded:
        yield f"Too rare to learn, folded into 'other': {', '.join(model.folded)}."
    yield from (f"{note[0].upper()}{note[1:]}." for note in measured.notes)


def _tables(model: Model, words: Words) -> Iterator[tuple[str, Table]]:
    measured = model.measured
    yield (
        "What a promise costs",
        (
            ("promised precision", "tickets acted on", "precision there"),
            [(f"{one.promise:.0%}", f"{one.coverage:.1%}", _share(one.realised)) for one in measured.coverage],
        ),
    )
    yield (
        f"Each class at a promise of {measured.promise:.0%}",
        (
            ("class", "tickets", "precision", "recall", "acted on", "precision there", "verdict"),
            [
                (
                    one.label,
                    f"{one.tickets:,}",
                    _share(one.precision),
                    _share(one.recall),
                    f"{one.acted:.0%}",
                    _share(one.acted_precision),
                    one.verdict,
                )
                for one in measured.classes
            ],
        ),
    )
    yield (
        "Most often confused",
        (
            ("class", "told to be", "tickets"),
            [(one.label, one.said, f"{one.tickets:,}") for one in measured.confusions[:_SHOWN]],
        ),
    )
    yield (
        "Surest errors",
        (
            ("ticket", "class", "told to be", "confidence", "words"),
            [
                (one.ref, one.label, one.said, f"{one.confidence:.0%}", words.get(one.ref, ""))
                for one in measured.misses[:_SHOWN]
            ],
        ),
    )
    yield (
        "Learning curve",
        (("tickets", "right"), [(f"{step.tickets:,}", f"{step.accuracy:.1%}") for step in measured.learning]),
    )


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
