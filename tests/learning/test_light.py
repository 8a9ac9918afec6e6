"""What a process does not load while it has no use for it: memory that every worker of a small machine would pay."""

import subprocess
import sys
from pathlib import Path

import pytest

from bridge.store import Store
from bridge.triage.intent import Options, silent
from deskbridge.training import Ground, train
from tests.conftest import Clock
from tests.learning.tickets import labelled

HEAVY = ("sklearn", "onnxruntime", "matplotlib")

ASKS = """
import sys
from pathlib import Path
import rules
from bridge.labelling import Labeller
from bridge.metrics import Metrics
from bridge.store import Store
from deskbridge import cli, wiring
folder = Path(sys.argv[1])
policy = rules.loads((folder / "policy.yaml").read_bytes())
store = Store(f"sqlite:///{folder}/bridge.sqlite3")
labeller = Labeller(store, folder / "models", policy=lambda: policy, metrics=Metrics())
labeller.refresh()
store.close()
print(labeller.version, [name for name in %r if name in sys.modules])
"""

POLICY = "policy: deskbridge/v1\nteams: {all: {members: {ana: {capacity: 1}}}}\nroute: [{name: all, to: {team: all}}]\n"


@pytest.mark.parametrize("model", ["", "triage: {model: {}}\n"], ids=["without a model", "with a model"])
def test_a_process_loads_no_training_library(model: str, sqlite_store: Store, tmp_path: Path, clock: Clock) -> None:
    ground = Ground(sqlite_store, tmp_path / "models", "acme", "team", "ana@host", 0.95)
    version = train(labelled(300), ground, Options("light"), silent, clock()).known.version
    (tmp_path / "policy.yaml").write_text(POLICY + model)
    script = [sys.executable, "-c", ASKS % (HEAVY,), str(tmp_path)]
    told = subprocess.run(script, capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split(" ", 1) == [version if model else "None", "[]\n"]
