"""`deskbridge triage models`, `rollback`, `drift` and `train --desk`: the models of a desk, and their fate."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.table import Column, Table

import rules
from bridge import labels
from bridge.budget import BudgetGate
from bridge.errors import DeskbridgeError, DeskError
from bridge.history import History, Labelled, Notebook
from bridge.labelling import SURE_ENOUGH, UnusableModel, load
from bridge.metrics import Metrics
from bridge.purpose import Rank, purpose
from bridge.settings import Settings
from bridge.store import Store, models
from bridge.store.activations import Activation, How
from bridge.triage import redact
from deskbridge.cli.database import opened
from deskbridge.cli.named import require_desk
from deskbridge.cli.outlast import patient
from deskbridge.cli.progress import stages
from deskbridge.cli.sync import span_of
from deskbridge.policies import here
from deskbridge.wiring import connect, read_settings, terms, utc_now

if TYPE_CHECKING:
    from bridge.triage.intent import Example
    from deskbridge.training import Drift, Trained

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it, for the record; user@host where it is not given.")]

OfDesk = Annotated[
    str | None, typer.Option("--desk", help="Learn from this desk's solved tickets; --label names where.")
]
At = Annotated[
    str | None,
    typer.Option(
        "--place", help="With --desk and --train: where the file's labels belong at the desk, as field:topic."
    ),
]
Since = Annotated[str, typer.Option(metavar="90d", help="With --desk: how far to look back (m, h, d).")]
Most = Annotated[int, typer.Option(min=1, help="With --desk: at most so many labelled tickets, the oldest.")]

SETTINGS: Final = Path("deskbridge.yaml")


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a training on a desk is wanted: how far back, how many tickets, which features, how long, by whom."""

    since: str
    most: int
    features: Literal["auto", "light", "ml"]
    minutes: float | None
    by: str | None

    @property
    def seconds(self) -> float | None:
        """How long embeddings may take."""
        return None if self.minutes is None else 60 * self.minutes


class ReadingFailed(DeskbridgeError):
    """A desk's past could not be read to the end; what was read is kept for the next time."""


def list_models(
    limit: Annotated[int, typer.Option(help="At most so many, the newest.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    config: Config = SETTINGS,
) -> None:
    """List the models that were trained on a desk's tickets, the newest first, and which of them is in effect."""
    with opened(read_settings(config, os.environ)) as store, store.reading() as connection:
        found, holds = models.listed(connection, limit), models.active(connection)
    rows = [_row(one, holds) for one in found]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    version = Column("version", no_wrap=True, min_width=max((len(row["version"]) for row in rows), default=0))
    table = Table(version, "desk", "label", "tickets", "learnt until", "accuracy", "in effect")
    for row in rows:
        effect = "yes" if row["in_effect"] else ""
        until = str(row["trained_until"])[:10]
        table.add_row(
            row["version"], row["desk"], row["label"], f"{row['tickets']:,}", until, f"{row['accuracy']:.1%}", effect
        )
    Console().print(table if rows else "No model has been trained yet.")


def rollback(
    version: Annotated[str | None, typer.Argument(help="Its version; the one before if not given.")] = None,
    by: By = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config: Config = SETTINGS,
) -> None:
    """Bring an earlier model, or any other that was trained, into effect in every process within seconds."""
    settings = read_settings(config, os.environ)
    with opened(settings) as store:
        with store.reading() as connection:
            wanted = version or models.before(connection)
            known, before = models.find(connection, wanted), models.active(connection)
        _require_whole(known, settings.models)
        models.activate(store, wanted, how=How.ROLLBACK, who=by or here(), now=utc_now())
    was = before.version if before is not None else None
    if as_json:
        typer.echo(json.dumps({"version": wanted, "before": was}))
    else:
        typer.echo(f"Model {wanted} is in effect" + (f"; before it was {was}." if was not in {None, wanted} else "."))


def _require_whole(known: models.Model, folder: Path) -> None:
    """Refuse a model that no process could ask. Raises NoSuchModel."""
    try:
        load(known, folder)
    except UnusableModel as error:
        raise models.NoSuchModel(str(error)) from error


def drift(
    since: Annotated[str, typer.Option(metavar="7d", help="Look at what was decided in this time (m, h, d).")] = "7d",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config: Config = SETTINGS,
) -> None:
    """Tell whether tickets have moved away from what the model in effect learnt, by four signs with their numbers."""
    from deskbridge import training  # noqa: PLC0415 - scipy, which no other command of this group needs

    settings = read_settings(config, os.environ)
    with opened(settings) as store:
        found = training.drift(store, settings.models, utc_now() - span_of(since))
    if as_json:
        typer.echo(json.dumps(_plain(found)))
    else:
        Console().print(*_drifted(found), sep="\n")


def train_on_desk(desk: str, label: str, wishes: Wishes, config: Path, *, as_json: bool) -> None:
    """Read a desk's past, train on it, and promote the model where it is better. Raises ReadingFailed and others."""
    settings = read_settings(config, os.environ)
    require_desk(settings, desk)
    place, start = _place(label), utc_now() - span_of(wishes.since)
    with opened(settings) as store:
        notebook = Notebook(settings.models / f".{desk}.reading.jsonl", f"{desk} {place}")
        found = _read(settings, store, desk, place, notebook, start, wishes.most)
        trained = _trained(found, settings, store, desk, place, wishes)
    notebook.done()
    _tell(trained, as_json=as_json)


def train_for_desk(
    desk: str, place: str | None, given: Iterable["Example"], wishes: Wishes, config: Path, *, as_json: bool
) -> None:
    """Train on a file's tickets as on a desk's past: the same newest fifth, rival and promotion. Raises TooFew."""
    if place is None:
        raise typer.BadParameter("--place is needed with --train and --desk: where the labels belong at the desk")
    settings = read_settings(config, os.environ)
    require_desk(settings, desk)
    found = list(_labelled(given))
    with opened(settings) as store:
        trained = _trained(found, settings, store, desk, _place(place), wishes)
    _tell(trained, as_json=as_json)


def _labelled(given: Iterable["Example"]) -> Iterator[Labelled]:
    """The tickets of a file that have words and a label. Raises BadParameter where they have no time."""
    for one in given:
        if one.at is None:
            raise typer.BadParameter("--time is needed with --desk: the newest tickets say whether a model is better")
        if one.text.strip() and one.label.strip():
            yield Labelled(one.ref, redact(one.text), one.label.strip(), one.at, one.thread)


def _trained(
    found: Sequence[Labelled], settings: Settings, store: Store, desk: str, place: labels.Place, wishes: Wishes
) -> "Trained":
    """A model of labelled tickets beside the desk's others, for the precision that the policy promises."""
    from bridge.triage.intent import Options  # noqa: PLC0415 - scipy, which no other command of this group needs
    from deskbridge.training import Ground, train  # noqa: PLC0415 - the same

    wanted = rules.load(settings.policy).labelling
    promise = wanted.promise if wanted is not None else SURE_ENOUGH
    ground = Ground(store, settings.models, desk, str(place), wishes.by or here(), promise)
    with stages() as watch:
        return train(found, ground, Options(wishes.features, wishes.seconds, promise), watch, utc_now())


def _place(label: str) -> labels.Place:
    try:
        return labels.place(label)
    except ValueError as error:
        raise typer.BadParameter(f"'{label}' {error}") from error


@purpose("history", Rank.BACKGROUND)
def _read(
    settings: Settings, store: Store, desk: str, place: labels.Place, notebook: Notebook, since: datetime, most: int
) -> list[Labelled]:
    gate = BudgetGate(store, terms(settings), clock=utc_now, metrics=Metrics())
    connected = connect(desk, settings.desks[desk], settings, gate, utc_now)
    whole = max((utc_now() - since).total_seconds(), 1.0)
    try:
        history = History(store, patient(connected.desk), place, notebook, most=most)
        with stages() as watch:
            for told in history.read(since):
                done = (told.reached - since).total_seconds() if told.reached is not None else 0.0
                words = f"{told.looked_at:,} tickets looked at, {told.labelled:,} labelled by people"
                watch(words, min(max(done / whole, 0.0), 1.0))
    except DeskError as error:
        words = "what was read is kept: the same command goes on from there"
        raise ReadingFailed(f"desk '{desk}': {error}; {words}") from error
    finally:
        connected.close()
    return list(notebook.examples.values())


def _tell(trained: "Trained", *, as_json: bool) -> None:
    typer.echo(json.dumps(trained.plain()) if as_json else "\n".join(_told(trained)))


def _told(trained: "Trained") -> Iterator[str]:
    """A training for a person."""
    known, figures = trained.known, trained.evaluation
    yield f"Model {known.version}: {known.tickets:,} tickets of {known.desk}, label {known.place}, {figures.features}."
    yield (
        f"On the {figures.tickets:,} newest tickets, which it did not learn from: accuracy {figures.accuracy:.1%}; "
        f"acts on {figures.coverage['0.95']:.1%} of them at a promise of 95 %."
    )
    yield f"{trained.rivals.words[0].upper()}{trained.rivals.words[1:]}."
    if trained.promoted:
        yield "It is in effect."
    else:
        yield f"It is not in effect; `deskbridge triage rollback {known.version}` would bring it there all the same."


def _row(one: models.Model, holds: Activation | None) -> dict[str, Any]:
    return {
        "version": one.version,
        "desk": one.desk,
        "label": one.place,
        "tickets": one.tickets,
        "trained_until": one.trained_until.isoformat(),
        "accuracy": one.usual.accuracy,
        "in_effect": holds is not None and holds.version == one.version,
    }


def _plain(found: "Drift") -> dict[str, Any]:
    return {
        "version": found.known.version,
        "since": found.since.isoformat(),
        "tickets": found.seen.tickets,
        "judged": found.seen.judged,
        "verdict": found.verdict,
        "signs": [{**asdict(sign), "verdict": sign.verdict.word} for sign in found.signs],
    }


def _drifted(found: "Drift") -> Iterator[Any]:
    yield f"Model {found.known.version}, {found.seen.tickets:,} tickets since {found.since:%Y-%m-%d %H:%M} UTC:"
    table = Table("sign", "then", "now", "verdict")
    for sign in found.signs:
        shown = (f"{sign.then:.1%}", f"{sign.now:.1%}") if sign.what != "mix of labels" else ("", f"{sign.now:.2f}")
        table.add_row(sign.what, *shown, sign.verdict.word)
    if found.signs:
        yield table
    yield found.words
