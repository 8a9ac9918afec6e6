"""What a command says when it cannot do its work: every fault at once, exit 2, no traceback."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deskbridge.cli import init, main
from tests.processes.command import Command

Start = Callable[..., Command]
Run = Callable[..., tuple[int, str]]
SECRET = "planted-secret"


def refused(command: Command) -> str:
    """What a command says that must end with 2."""
    assert command.ended() == 2, command.err
    assert "Traceback" not in command.err
    assert SECRET not in command.err + command.out
    return command.err


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command that ends by itself inside this process: exit code and everything said."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["deskbridge", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, out + err

    return run


def test_settings_with_several_mistakes_are_refused_with_all_of_them_and_their_lines(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "deskbridge.yaml").write_text(
        "listen: everywhere\nworkers: none\ndatabse: x\ndesks:\n  acme:\n    vendor: zendesk\n    url: ftp://x\n"
        f"    credentials: {{client_id: a, client_secret: {SECRET}}}\n    webhook_secrets: ['']\n"
    )
    for command in [start("serve"), start("worker"), start("check")]:
        said = refused(command)
        for line in (1, 2, 3, 7, 9):
            assert f"deskbridge.yaml:{line}:" in said, said
        assert "did you mean 'database'" in said.lower()


def test_a_policy_with_several_mistakes_is_refused_with_all_of_them_and_their_lines(
    start: Start, run: Run, tmp_path: Path
) -> None:
    init.write(tmp_path)
    policy = tmp_path / "policy.yaml"
    text = policy.read_text("utf-8").replace("team: billing}", "team: biling}", 1)
    text = text.replace("\nmode: shadow", "\nmode: slow", 1)
    policy.write_text(text, "utf-8")
    serve = start("serve")
    wrong = [n for n, line in enumerate(text.splitlines(), 1) if "team: biling}" in line or line == "mode: slow"]
    code, said = run("check")
    assert code == 2
    assert len(wrong) == 2
    for line in wrong:
        assert f"policy.yaml:{line}:" in said
    assert refused(serve) == said


def test_a_policy_whose_own_test_fails_is_refused_with_the_difference(run: Run, tmp_path: Path) -> None:
    init.write(tmp_path)
    policy = tmp_path / "policy.yaml"
    text = policy.read_text("utf-8").replace(
        "expect: {intent: billing, route: billing", "expect: {intent: outage, route: billing"
    )
    policy.write_text(text, "utf-8")
    code, said = run("check")
    assert code == 2
    assert "policy test 'a double charge goes to billing'" in said


def test_init_refuses_to_write_over_files_and_obeys_force(run: Run, tmp_path: Path) -> None:
    assert run("init")[0] == 0
    (tmp_path / "policy.yaml").write_text("mine")
    code, said = run("init")
    assert code == 2
    assert "deskbridge.yaml, policy.yaml already in" in said
    assert (tmp_path / "policy.yaml").read_text() == "mine"
    assert run("init", "--force")[0] == 0
    code, said = run("check")
    assert code == 0
    assert "are in order: 3 desks" in said


def test_a_folder_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, said = run("init", "file/below")
    assert code == 2
    assert "cannot write to" in said


def test_a_taken_port_is_told(start: Start, run: Run, tmp_path: Path) -> None:
    init.write(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serve = start("serve", DESKBRIDGE_LISTEN=f"127.0.0.1:{port}")
        sandbox = start("sandbox", "zendesk", "--port", str(port))
        assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in refused(serve)
        assert f"cannot listen on port {port}" in refused(sandbox)


def test_a_database_that_cannot_be_used_is_told_without_its_password(start: Start, tmp_path: Path) -> None:
    init.write(tmp_path)
    text = (tmp_path / "deskbridge.yaml").read_text("utf-8")
    databases = {
        "unable to open database file": "sqlite:////nowhere/at/all.db",
        "postgresql+psycopg://me:***@127.0.0.1:1/x cannot be used": f"postgresql://me:{SECRET}@127.0.0.1:1/x",
    }
    commands = []
    for number, database in enumerate(databases.values()):
        (tmp_path / f"{number}.yaml").write_text(text.replace("sqlite:///deskbridge.db", database), "utf-8")
        commands.append(start("serve", "-c", f"{number}.yaml"))
    for words, command in zip(databases, commands, strict=True):
        assert words in refused(command)


@pytest.mark.parametrize(
    ("word", "arguments"),
    [
        ("deskbridge.yaml", ["check"]),
        ("frobnicate", ["frobnicate"]),
        ("acme", ["sandbox", "acme"]),
        ("gold", ["sandbox", "freshdesk", "--plan", "gold"]),
        ("nowhere.yaml", ["events", "list", "-c", "nowhere.yaml"]),
    ],
)
def test_missing_files_and_unknown_words_are_told(word: str, arguments: list[str], run: Run) -> None:
    code, said = run(*arguments)
    assert code == 2
    assert word in said
    assert "Traceback" not in said


def test_help_lists_every_command(start: Start) -> None:
    command = start("--help")
    assert command.ended() == 0
    for name in ("init", "check", "serve", "worker", "sandbox", "demo", "events"):
        assert f" {name} " in command.out
