"""What `pip install .` gives is whole: it works in a place where the source is not."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("adapters", "bridge", "deskbridge", "rules", "sandbox", "webhooks")
JUNK = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


def done(*command: str | Path, cwd: Path) -> str:
    """What a command says that succeeds."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a wheel is built from: the build leaves traces beside it."""
    place = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, place / package, ignore=JUNK)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, place)
    return place


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", place)
    done(sys.executable, "-m", "pip", "wheel", *options, source, cwd=place)
    (found,) = place.glob("*.whl")
    return found


def test_the_wheel_has_every_file_of_every_package(source: Path, wheel: Path) -> None:
    there = {path.relative_to(source).as_posix() for each in PACKAGES for path in (source / each).rglob("*.*")}
    assert {name.rpartition(".")[2] for name in there} >= {"py", "yaml", "mako", "typed"}
    assert there - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_commands_work_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    done(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    (packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    place = ("--no-deps", "--no-index", "--quiet", "--target", packages)
    done(sys.executable, "-m", "pip", "install", *place, wheel, cwd=tmp_path)
    requirements = packages / "requirements.pth"  # a path that is added so brings no editable checkout with it
    requirements.write_text(sysconfig.get_path("purelib") + "\n")
    python = tmp_path / "venv" / "bin" / "python"
    where = done(python, "-c", "import bridge; print(bridge.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(packages)
    for command in (["--help"], ["init"], ["check"], ["policy", "test"], ["events", "list"]):
        done(python, "-m", "deskbridge", *command, cwd=tmp_path)
    done(python, "-m", "deskbridge", "backup", tmp_path / "copy.db", cwd=tmp_path)
