"""How well a classifier learns: BANKING77's published split and its ten-shot set, where they are present."""

import csv
from collections import Counter
from pathlib import Path
from time import process_time
from typing import Final, Literal

from benchmarks.report import Figure, Report
from bridge.triage.intent import Example, Options, encoder, evaluate, train

_DATA: Final = Path(__file__).parents[1] / ".." / "shared" / "data" / "banking77"
_COLUMNS: Final = (
    "what", "tickets", "right %", "macro F1 %", "acted at 95 %", "right there %", "off by", "train s", "ms p50",
    "ms batch", "baseline %",
)  # fmt: skip


def measure() -> Report:
    """The table; without the data it is empty, without embeddings it has light features alone."""
    kinds: list[Literal["light", "ml"]] = ["light"] if encoder.missing() else ["light", "ml"]
    files = {"whole": "train.csv", "ten of a class": "fewshot_train_10.csv"} if _DATA.is_dir() else {}
    return Report(
        title="Learning: BANKING77, 77 classes, published split",
        baseline="the commonest class of what is learnt from",
        columns=_COLUMNS,
        rows=tuple(_row(what, name, kind) for what, name in files.items() for kind in kinds),
        notes=("Times of training are the processor's; off by: how far confidence is from the share that is right.",),
    )


def _row(what: str, name: str, kind: Literal["light", "ml"]) -> dict[str, Figure]:
    learnt, asked = _examples(name), _examples("test.csv")
    start = process_time()
    model = train(learnt, Options(features=kind))
    took = process_time() - start
    found = evaluate(model, asked)
    realised = found.realised["0.95"]
    ((commonest, _),) = Counter(example.label for example in learnt).most_common(1)
    figures: tuple[Figure, ...] = (
        f"{what}, {kind}",
        len(learnt),
        round(100 * found.accuracy, 2),
        round(100 * found.macro_f1, 2),
        round(100 * found.coverage["0.95"], 1),
        round(100 * realised, 2) if realised is not None else None,
        round(100 * found.calibration_error, 1),
        round(took, 1),
        round(found.ms_per_ticket_p50, 2),
        round(found.ms_per_ticket_batch, 2),
        round(100 * sum(example.label == commonest for example in asked) / len(asked), 1),
    )
    return dict(zip(_COLUMNS, figures, strict=True))


def _examples(name: str) -> list[Example]:
    with (_DATA / name).open(encoding="utf-8", newline="") as stream:
        return [Example(row["text"], row["category"], f"row {at}") for at, row in enumerate(csv.DictReader(stream), 2)]
