"""`deskbridge triage train|evaluate|predict|report`: a CSV file in, figures and labels out, mistakes in a sentence."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bridge.errors import DeskbridgeError
from deskbridge.cli import app
from tests.triage.intent.tickets import tickets

PROMISED = {
    "accuracy", "macro_f1", "train_seconds", "ms_per_ticket_p50", "features", "coverage", "realised",
    "oos_recall_at_95",
}  # fmt: skip


def run(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["triage", *map(str, arguments)], input=given)


def written(path: Path, number: int, seed: int, delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(["id", "body", "team", "at"])
        writer.writerows(
            [row, one.text, one.label, f"2026-05-{1 + row % 28:02}T10:00:00"]
            for row, one in enumerate(tickets(number, seed))
        )
    return path


COLUMNS = ("--text", "body", "--label", "team", "--features", "light")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models")
    done = run("train", "--train", written(place / "a.csv", 400, 1), "-o", place / "model", *COLUMNS)
    assert done.exit_code == 0, done.output
    return place / "model"


def test_evaluate_prints_every_promised_figure_as_json(tmp_path: Path) -> None:
    learnt, asked = written(tmp_path / "a.csv", 200, 1, ";"), written(tmp_path / "b.csv", 100, 2, "\t")
    others = tmp_path / "others.txt"
    others.write_text("Quarterly zebra migration\n\nGrilled aubergine recipes\n", "utf-8")
    done = run("evaluate", "--train", learnt, "--test", asked, "--oos", others, "--json", *COLUMNS)
    found = json.loads(done.stdout)
    assert set(found) >= PROMISED
    assert found["accuracy"] > 0.95
    assert found["oos_recall_at_95"] == 1
    assert found["features"] == "light"
    assert set(found["coverage"]) == set(found["realised"]) == {"0.90", "0.95", "0.98", "0.99"}


def test_evaluate_tells_a_person_the_same(tmp_path: Path) -> None:
    done = run("evaluate", "--train", written(tmp_path / "a.csv", 100, 1), "--test", tmp_path / "a.csv", *COLUMNS)
    assert "on 100 tickets" in done.stdout
    assert "promise 95%: acts on" in done.stdout


def test_predict_answers_every_line_in_order(folder: Path) -> None:
    done = run(
        "predict", folder, "--json", given="refund the invoice please\n\nmy parcel, courier\xff\n".encode("latin-1")
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["label"] for one in found][::2] == ["billing", "shipping"]
    assert len(found) == 3
    assert found[1]["verdict"] == "leave"


def test_predict_says_what_to_do_and_why(folder: Path) -> None:
    verdict, why = run("predict", folder, given=b"refund the invoice please\n").stdout.rstrip().split("\t")
    assert verdict in {"act", "suggest", "leave"}
    assert why.startswith("billing ")


def test_report_shows_the_words_of_errors_only_where_the_file_is_given(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{one.text},{one.label}" for one in tickets(150, noise=0.1)]
    path.write_text("\n".join(["text,label", *rows]), "utf-8")
    run("train", "--train", path, "-o", tmp_path / "model", "--features", "light")
    told, shown = run("report", tmp_path / "model"), run("report", tmp_path / "model", "--train", path)
    row = next(line for line in told.stdout.splitlines() if line.startswith("row "))
    words = rows[int(row.split()[1]) - 2].partition(",")[0]
    assert words in shown.stdout
    assert words not in told.stdout


def test_the_page_has_a_plot_and_the_json_the_figures(folder: Path, tmp_path: Path) -> None:
    done = run("report", folder, "--html", tmp_path / "report.html", "--json")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("<svg") == page.count("</svg>") == 1
    assert "Surest errors" in page or json.loads(done.stdout)["misses"] == []
    assert json.loads(done.stdout)["tickets"] == 400


def test_times_give_the_figure_for_the_newest(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 100, 1)
    done = run("train", "--train", path, "-o", tmp_path / "model", "--time", "at", *COLUMNS)
    assert "On the newest fifth" in done.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"body,team\n", "no ticket has both a text and a label"),
        (b"text,team\nhello,a\n", "has no column 'body'; it has 'text', 'team'"),
        (b"Body,team\nhello,a\n", "has no column 'body'; did you mean 'Body'?"),
        (b"body,team,team\nhello,a,b\n", "has 2 columns 'team'"),
        (
            b'body,team\nhello,a\n"good day,b\nbye,c\n',
            "line 3: a quotation mark is opened in this row and never closed",
        ),
        (b"body,team\n" + b"hello,a\n" * 10, "have one label, 'a'"),
        (b"body,team\nhello,\xff\n", "is not UTF-8 (line 2)"),
        (b"body,team\n" + b'"' + b"x" * 10_000_001 + b'",a\n', "is not sound CSV near line"),
    ],
)
def test_a_bad_file_is_told_in_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    done = run("train", "--train", path, "-o", tmp_path / "model", *COLUMNS)
    assert isinstance(done.exception, DeskbridgeError)
    assert words in str(done.exception)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("command", [("predict", "model"), ("clean",)])
def test_closed_standard_input_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.chdir(folder.parent)
    done = subprocess.run(
        f"{sys.executable} -m deskbridge triage {' '.join(command)} <&-", shell=True, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"standard input is closed" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_full_disk_is_told_in_a_sentence() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "deskbridge", "triage", "clean"],
            input=b"hello", stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(b"no space is left")
    assert b"Traceback" not in done.stderr


def test_each_line_is_answered_before_the_next_comes(folder: Path) -> None:
    command = [sys.executable, "-m", "deskbridge", "triage", "predict", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asked:
        assert asked.stdin is not None
        assert asked.stdout is not None
        asked.stdin.write(b"where is my parcel\n")
        asked.stdin.flush()
        assert b"\t" in asked.stdout.readline()
        asked.stdin.close()
    assert asked.returncode == 0


def test_a_missing_file_a_bad_time_and_a_folder_in_the_way_are_told(folder: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 20, 1)
    for arguments, words in (
        (("train", "--train", tmp_path / "none.csv", "-o", tmp_path / "model"), "cannot read"),
        (("train", "--train", path, "-o", tmp_path / "model", "--time", "team"), "row 2: the time is not ISO 8601"),
        (("train", "--train", path, "-o", folder), "is there already"),
    ):
        assert words in str(run(*arguments, *COLUMNS).exception)
    assert "holds no model" in str(run("predict", tmp_path).exception)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--train", "a.csv", "--since", "30d"), "--since is for a desk's past: --desk without --train"),
        (("--train", "a.csv", "--place", "team"), "--place is for a desk's model; name the desk with --desk"),
        (("--desk", "acme", "--output", "model"), "--output is not for a desk's model"),
        (("--desk", "acme", "--train", "a.csv", "--promise", "0.9"), "--promise is not for a desk's model"),
        (("--desk", "acme", "--time", "at"), "--time names a column of a file; give one with --train"),
    ],
)
def test_an_option_of_which_nothing_would_come_is_refused(arguments: tuple[str, ...], words: str) -> None:
    done = run("train", *arguments)
    assert done.exit_code == 2
    assert words in str(done.exception) or words in " ".join(done.output.replace("│", " ").split())
