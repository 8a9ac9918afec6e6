"""A model as a folder: manifest, terms, numbers. Nothing in it is ever executed; every file has its digest."""

import hashlib
import json
import shutil
import zipfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from bridge.triage.intent.encoder import SIZE
from bridge.triage.intent.faults import BadModel
from bridge.triage.intent.linear import Weights
from bridge.triage.intent.measured import Features, Measured
from bridge.triage.intent.model import Model, reachable
from bridge.triage.intent.terms import Terms
from bridge.triage.intent.thresholds import Trial
from bridge.triage.intent.waves import WAVES

_MANIFEST: Final = "manifest.json"
_TERMS: Final = "terms.json"
_NUMBERS: Final = "numbers.npz"
_LIBRARIES: Final = ("deskbridge", "numpy", "scipy", "scikit-learn")
_WEIGHTS: Final = {"terms": 2, "close": 2, "bias": 1}
_TRIAL: Final = {
    "predicted": np.int32,
    "confidence": np.float32,
    "right": np.bool_,
    "familiar": np.bool_,
    "quarter": np.int8,
}


class Thresholds(BaseModel):
    """From which confidence on a class may be acted on, or suggested, at the report's promise; None: never."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    act: float | None
    suggest: float | None


class Manifest(BaseModel):
    """What the folder holds. `thresholds` are for readers: they are worked out anew for the promise that is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    made: datetime
    features: Features
    classes: tuple[str, ...]
    folded: tuple[str, ...]
    words: int
    scale: float
    floor: float
    thresholds: dict[str, Thresholds]
    measured: Measured
    files: dict[str, str]
    libraries: dict[str, str]


def save(model: Model, folder: Path, *, now: datetime | None = None) -> None:
    """Write the model into a new folder, whole or not at all. Raises BadModel where it cannot be written."""
    check_free(folder)
    part = _part(folder)
    try:
        part.mkdir()
        _write(model, part, now or datetime.now(UTC))
        part.rename(folder)
    except OSError as error:
        raise BadModel(f"cannot write {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_free(folder: Path) -> None:
    """Raises BadModel where something is in the way of a new model, or none can be written there."""
    if folder.exists():
        raise BadModel(f"{folder} is there already; name another folder, or remove it")
    part = _part(folder)
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        part.rmdir()
    except OSError as error:
        raise BadModel(f"cannot write {folder}: {error.strerror}") from error


def _part(folder: Path) -> Path:
    """Where a model is put together before it gets its name; what a death left there goes."""
    return folder.with_name(f"{folder.name}.part")


def load(folder: Path) -> Model:
    """The model in a folder. Raises BadModel where it is none, damaged, or of another release's making."""
    try:
        manifest = Manifest.model_validate_json((folder / _MANIFEST).read_bytes())
        for name in (_TERMS, _NUMBERS):
            if manifest.files.get(name) != _digest(folder / name):
                raise BadModel(f"{folder / name} is not what was trained; copy the folder again, or train anew")
        return _model(manifest, json.loads((folder / _TERMS).read_bytes()), _numbers(folder / _NUMBERS))
    except OSError as error:
        raise BadModel(f"{folder} holds no model: {error.strerror} ({error.filename})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadModel(f"{folder / _MANIFEST} is not a model of this release: {where}: {first['msg']}") from error
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadModel(f"{folder} is damaged; copy it again, or train anew") from error


def _write(model: Model, folder: Path, now: datetime) -> None:
    (folder / _TERMS).write_text(json.dumps(model.terms.names, ensure_ascii=False), "utf-8")
    trial = {f"trial_{name}": getattr(model.trial, name) for name in _TRIAL}
    with (folder / _NUMBERS).open("wb") as stream:
        weights = {name: getattr(model.weights, name) for name in _WEIGHTS}
        np.savez_compressed(stream, idf=model.terms.idf, **weights, **trial)
    manifest = Manifest(
        made=now,
        features=model.features,
        classes=model.classes,
        folded=model.folded,
        words=model.terms.words,
        scale=model.scale,
        floor=model.floor,
        thresholds=_thresholds(model),
        measured=model.measured,
        files={name: _digest(folder / name) for name in (_TERMS, _NUMBERS)},
        libraries={name: version(name) for name in _LIBRARIES},
    )
    (folder / _MANIFEST).write_text(manifest.model_dump_json(indent=1), "utf-8")


def _thresholds(model: Model) -> dict[str, Thresholds]:
    bounds = model.bounds(model.measured.promise)
    return {
        label: Thresholds(act=reachable(act), suggest=reachable(suggest))
        for label, act, suggest in zip(model.classes, bounds.act, bounds.suggest, strict=True)
    }


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _numbers(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _model(manifest: Manifest, names: list[str], numbers: dict[str, NDArray[Any]]) -> Model:
    classes, embedded = len(manifest.classes), manifest.features == "ml"
    trial = Trial(**{name: _array(numbers[f"trial_{name}"], kind, 1) for name, kind in _TRIAL.items()})
    weights = Weights(**{name: _array(numbers[name], np.float32, axes) for name, axes in _WEIGHTS.items()})
    idf = _array(numbers["idf"], np.float32, 1)
    fitting = weights.terms.shape == (len(names), classes) and weights.bias.shape == (classes,)
    fitting &= weights.close.shape in {(rows, classes) for rows in ((SIZE, SIZE + WAVES) if embedded else (0,))}
    if not fitting or idf.shape != (len(names),) or not 0 <= manifest.words <= len(names):
        raise ValueError("the arrays do not fit the classes and terms")
    return Model(
        features=manifest.features,
        classes=manifest.classes,
        folded=manifest.folded,
        terms=Terms(names, manifest.words, idf),
        weights=weights,
        scale=manifest.scale,
        floor=manifest.floor,
        trial=trial,
        measured=manifest.measured,
    )


def _array(given: NDArray[Any], kind: type[np.generic], axes: int) -> NDArray[Any]:
    if given.dtype != kind or given.ndim != axes:
        raise ValueError("an array is of another kind")
    return given
