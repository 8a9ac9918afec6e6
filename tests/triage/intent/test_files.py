"""A model's folder: what was saved is what is loaded, anything else is refused, and no ticket can be read from it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bridge.triage.intent import BadModel, Example, Model, Options, check_free, load, save, train
from tests.triage.intent.tickets import tickets

SECRETS = ("Aloysius", "ana@acme.example", "4111 1111 1111 1111", "8812034")
MANIFEST = "manifest.json"


@pytest.fixture(scope="module")
def model() -> Model:
    said = [Example(f"refund for {secret} please", "billing", ref="row 9") for secret in SECRETS]
    return train([*tickets(100), *said], Options(features="light"))


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    save(model, tmp_path / "model")
    return tmp_path / "model"


def test_what_is_loaded_says_what_was_saved(model: Model, folder: Path) -> None:
    texts = [one.text for one in tickets(30, seed=9)]
    assert load(folder).predict(texts, 0.9) == model.predict(texts, 0.9)
    assert load(folder).measured == model.measured


def test_nothing_of_one_ticket_alone_can_be_read_from_the_folder(folder: Path) -> None:
    content = b"".join(path.read_bytes() for path in folder.iterdir()).decode("utf-8", "replace").lower()
    assert "refund" in content
    for secret in SECRETS:
        assert secret.lower() not in content
    assert "aloys" not in content


def test_a_model_is_written_nowhere_twice(model: Model, folder: Path) -> None:
    with pytest.raises(BadModel, match="is there already"):
        save(model, folder)


def test_a_place_that_cannot_be_written_is_told(model: Model, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadModel, match="cannot write"):
        save(model, tmp_path / "file" / "model")


def test_a_place_is_looked_at_before_the_work_and_kept_clean(model: Model, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "model.part").mkdir()
    (tmp_path / "model.part" / "manifest.json").touch()
    with pytest.raises(BadModel, match="cannot write"):
        check_free(tmp_path / "file" / "model")
    check_free(tmp_path / "model")
    save(model, tmp_path / "model")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "model"]


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def spoil(name: str) -> Callable[[Path], None]:
    def spoilt(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:-1])

    return spoilt


def change(**facts: object) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        (folder / MANIFEST).write_text(json.dumps(manifest | facts), "utf-8")

    return changed


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (shutil.rmtree, "holds no model"),
        (remove(MANIFEST), "holds no model"),
        (remove("terms.json"), "holds no model"),
        (spoil(MANIFEST), "is not a model of this release"),
        (spoil("terms.json"), "is not what was trained"),
        (spoil("numbers.npz"), "is not what was trained"),
        (change(format=2), "is not a model of this release: format"),
        (change(classes=["a", "b"]), "is damaged"),
        (change(words=10**9), "is damaged"),
        (change(surprise=1), "is not a model of this release: surprise"),
    ],
)
def test_a_damaged_or_foreign_folder_is_refused(folder: Path, harm: Callable[[Path], None], words: str) -> None:
    harm(folder)
    with pytest.raises(BadModel, match=words):
        load(folder)


def test_no_object_of_python_is_ever_unpacked(folder: Path) -> None:
    np.savez(folder / "numbers.npz", idf=np.array([{}], dtype=object))
    digest = hashlib.sha256((folder / "numbers.npz").read_bytes()).hexdigest()
    files = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
    change(files=files | {"numbers.npz": digest})(folder)
    with pytest.raises(BadModel, match="is damaged"):
        load(folder)
