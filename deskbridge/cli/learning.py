"""`deskbridge triage train|evaluate|predict|report`: a classifier from labelled tickets in a file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from bridge.triage import redact
from deskbridge.cli import models
from deskbridge.cli.init import CannotWrite
from deskbridge.cli.progress import stages
from deskbridge.cli.standard import stdin

if TYPE_CHECKING:
    from bridge.triage.intent import Evaluation, Options, Prediction

# The classifier's modules are imported by the commands that need them: they bring scipy, which is slow to load.

Features = Literal["auto", "light", "ml"]
Text = Annotated[str, typer.Option("--text", help="The column with the tickets' words.")]
Label = Annotated[str, typer.Option("--label", help="The column with the label that people gave.")]
Time = Annotated[str | None, typer.Option("--time", help="The column with the time, to try on the newest tickets.")]
Thread = Annotated[str | None, typer.Option("--thread", help="The column with the thread or customer, kept together.")]
Kind = Annotated[
    Features, typer.Option("--features", help="light: words alone. ml: sentence embeddings too. auto: the better.")
]
Minutes = Annotated[
    float | None, typer.Option("--minutes", min=0, help="Leave embeddings out where they would take longer.")
]
Promise = Annotated[float, typer.Option("--promise", min=0.5, max=0.995, help="The precision that is promised.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]

_WORDS: Final = 160
"""Characters of a ticket that a report shows."""


def train(
    context: typer.Context,
    tickets: Annotated[Path | None, typer.Option("--train", help="A CSV file of labelled tickets.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write the model to.")] = Path("model"),
    text: Text = "text",
    label: Label = "label",
    time: Time = None,
    thread: Thread = None,
    features: Kind = "auto",
    minutes: Minutes = None,
    promise: Promise = 0.95,
    desk: models.OfDesk = None,
    place: models.At = None,
    since: models.Since = "90d",
    most: models.Most = 20_000,
    by: models.By = None,
    config: models.Config = models.SETTINGS,
    as_json: AsJson = False,
) -> None:
    """Learn labels from a CSV file of tickets, or from a desk's past, and say how good the model is.

    A model for a desk is promoted where it is better on fresh tickets than the one in effect.
    """
    _refuse_idle(context, file=tickets is not None, desk=desk is not None)
    wishes = models.Wishes(since, most, features, minutes, by)
    if tickets is None:
        if desk is None:
            raise typer.BadParameter("name a CSV file with --train, or a desk with --desk")
        models.train_on_desk(desk, label, wishes, config, as_json=as_json)
        return
    from bridge.triage import intent  # noqa: PLC0415 - see above
    from deskbridge import examples, reporting  # noqa: PLC0415 - see above

    given = examples.labelled(tickets, examples.Columns(text, label, time, thread))
    if desk is not None:
        models.train_for_desk(desk, place, given, wishes, config, as_json=as_json)
        return
    intent.check_free(output)
    with stages() as watch:
        model = intent.train(given, _options(features, minutes, promise), watch)
    intent.save(model, output)
    if as_json:
        typer.echo(json.dumps({"model": str(output), **model.measured.model_dump(mode="json")}))
    else:
        typer.echo("\n".join([*reporting.lines(model, {}), f"\nWrote the model to {output}."]))


def _refuse_idle(context: typer.Context, *, file: bool, desk: bool) -> None:
    """Raises BadParameter for an option that was given and of which nothing would come."""
    for idle, names, words in (
        (not file, ("text", "time", "thread"), "names a column of a file; give one with --train"),
        (desk, ("output", "promise"), "is not for a desk's model: the settings and the policy say it"),
        (not desk, ("place", "by", "config"), "is for a desk's model; name the desk with --desk"),
        (file or not desk, ("since", "most"), "is for a desk's past: --desk without --train"),
    ):
        for name in names if idle else ():
            source = context.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":
                raise typer.BadParameter(f"--{name} {words}")


def evaluate(
    tickets: Annotated[Path, typer.Option("--train", help="A CSV file of labelled tickets to learn from.")],
    test: Annotated[Path, typer.Option("--test", help="A CSV file of other tickets to try the model on.")],
    text: Text = "text",
    label: Label = "label",
    time: Time = None,
    thread: Thread = None,
    features: Kind = "auto",
    minutes: Minutes = None,
    oos: Annotated[
        Path | None, typer.Option("--oos", help="Texts of none of the classes: CSV with that column, or lines.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Learn from one CSV file, try the model on another, and print the figures. Nothing is kept."""
    from bridge.triage import intent  # noqa: PLC0415 - see above
    from deskbridge import examples  # noqa: PLC0415 - see above

    columns = examples.Columns(text, label, time, thread)
    learnt, asked = examples.labelled(tickets, columns), examples.labelled(test, examples.Columns(text, label))
    others = examples.texts(oos, text) if oos is not None else []
    with stages() as watch:
        model = intent.train(learnt, _options(features, minutes, intent.PROMISE), watch)
        watch("trying it on the test", 0.0)
        found = intent.evaluate(model, asked, others)
    typer.echo(found.model_dump_json() if as_json else "\n".join(_figures(found)))


def predict(
    model: Annotated[Path, typer.Argument(help="The model's folder.")],
    promise: Promise = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print what each line on stdin is: what to do with it (act, suggest, leave), the label, and why."""
    from bridge.triage import intent  # noqa: PLC0415 - see above

    known = intent.load(model)
    for line in stdin().buffer:
        (found,) = known.predict([line.decode("utf-8", "replace").rstrip("\r\n")], promise)
        typer.echo(json.dumps(_plain(found)) if as_json else f"{found.verdict}\t{found.explanation}")


def report(
    model: Annotated[Path, typer.Argument(help="The model's folder.")],
    html: Annotated[Path | None, typer.Option("--html", help="Write a page to this file, with the plot.")] = None,
    tickets: Annotated[
        Path | None, typer.Option("--train", help="The CSV file that it learnt from: shows the words of errors.")
    ] = None,
    text: Text = "text",
    as_json: AsJson = False,
) -> None:
    """Say how good a model is, class by class, and what it may do alone."""
    from bridge.triage import intent  # noqa: PLC0415 - see above
    from deskbridge import examples, reporting  # noqa: PLC0415 - see above

    known = intent.load(model)
    rows = examples.labelled(tickets, examples.Columns(text, text)) if tickets is not None else []
    words = {row.ref: redact(" ".join(row.text.split()))[:_WORDS] for row in rows}
    if html is not None:
        _write(html, reporting.html(known, words))
    if as_json:
        typer.echo(known.measured.model_dump_json())
    else:
        typer.echo("\n".join(reporting.lines(known, words)))


def _options(features: Features, minutes: float | None, promise: float) -> "Options":
    from bridge.triage.intent import Options  # noqa: PLC0415 - see above

    return Options(features, 60 * minutes if minutes is not None else None, promise)


def _figures(found: "Evaluation") -> Iterator[str]:
    yield f"accuracy {found.accuracy:.2%}, macro F1 {found.macro_f1:.2%} on {found.tickets:,} tickets"
    yield f"{found.features} features, {found.classes} classes, trained in {found.train_seconds:.0f} s"
    yield f"{found.ms_per_ticket_p50:.2f} ms a ticket, {found.ms_per_ticket_batch:.2f} ms in a batch"
    yield f"confidence is off by {100 * found.calibration_error:.1f} points on average"
    for promise, coverage in found.coverage.items():
        realised = found.realised[promise]
        shown = f"{realised:.2%} of them right" if realised is not None else "none to be right"
        yield f"promise {float(promise):.0%}: acts on {coverage:.1%}, {shown}"
    if found.unknown:
        yield f"{found.unknown:,} tickets are of classes that were not learnt"
    if found.oos_recall_at_95 is not None:
        yield f"out of scope: {found.oos_recall_at_95:.1%} refused where 95 % of the test's own are kept"
        yield f"by the model's own limit: {found.oos_refused:.1%} refused, {found.in_scope_kept:.1%} kept"


def _plain(found: "Prediction") -> dict[str, Any]:
    return {
        "label": found.label,
        "verdict": found.verdict,
        "confidence": round(found.confidence, 4),
        "runner_up": found.runner_up,
        "runner_up_confidence": round(found.runner_up_confidence, 4),
        "act": found.act,
        "suggest": found.suggest,
        "familiar": found.familiar,
        "because": found.because,
        "explanation": found.explanation,
    }


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, "utf-8")
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}") from error
