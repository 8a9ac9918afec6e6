"""Customers from a CSV file, also one that is broken or grows under our eyes."""

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.enrichment.csvfile import MAX_BYTES, CsvFile
from bridge.enrichment.source import SourceFault
from bridge.model import Requester
from tests.conftest import Clock
from tests.enrichment.parts import ADA, Asking, FakeDesk, ticket, values


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "customers.csv"


def source(path: Path, **more: Any) -> dict[str, Any]:
    return {"kind": "csv", "path": path, **more}


@pytest.mark.parametrize(
    ("key", "cell"), [("email", "ADA@globex.example "), ("domain", "globex.example"), ("organisation", "GLOBEX")]
)
def test_a_row_is_found_by_its_key_whatever_the_case(clock: Clock, path: Path, key: str, cell: str) -> None:
    path.write_text(f"{key},tier,plan,account_owner\nother,x,y,z\n{cell},pro,Silver,Bo\n")
    with Asking(FakeDesk(), clock, source(path, key=key)) as ask:
        assert values(ask()) == ("pro", "Silver", "Bo")


def test_the_file_of_another_program_fits_with_its_own_column_names(clock: Clock, path: Path) -> None:
    path.write_bytes('\ufeffE-Mail;x,Stufe\r\n"ada@globex.example","Größe, 1"\r\n'.encode())
    with Asking(FakeDesk(), clock, source(path, column="E-Mail;x", fields={"tier": "Stufe"})) as ask:
        assert values(ask()) == ("Größe, 1", None, None)


def test_facts_are_as_old_as_the_file(clock: Clock, path: Path) -> None:
    path.write_text("email,tier\nada@globex.example,pro\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with Asking(FakeDesk(), clock, source(path)) as ask:
        assert ask()["tier"].as_of == datetime.fromtimestamp(1_700_000_000, UTC)
    with Asking(FakeDesk(), clock, source(path, max_age_seconds=86_400)) as ask:
        tier = ask()["tier"]
    assert tier.value is None
    assert str(tier.reason).startswith("stale: true at 2023-11-14")


def test_a_changed_file_is_read_again_at_once(clock: Clock, path: Path) -> None:
    path.write_text("email,tier\nada@globex.example,pro\n")
    with Asking(FakeDesk(), clock, source(path)) as ask:
        assert ask()["tier"].value == "pro"
        path.write_text("email,tier\nada@globex.example,enterprise\n")
        assert ask()["tier"].value == "enterprise"
        path.write_text("email,tier\nbo@globex.example,enterprise\n")
        assert ask()["tier"].reason == "missing"


def test_while_the_file_is_gone_its_last_contents_hold(clock: Clock, path: Path) -> None:
    path.write_text("email,tier\nada@globex.example,pro\n")
    with Asking(FakeDesk(), clock, source(path)) as ask:
        ask()
        path.unlink()
        assert ask()["tier"].value == "pro"
        stranger = ask(ticket(Requester("r2", email="new@globex.example")))["tier"]
    assert stranger.reason == "failed: the file cannot be read (No such file or directory)"


def test_of_two_rows_for_one_customer_the_upper_holds(clock: Clock, path: Path) -> None:
    path.write_text("email,tier\nada@globex.example,pro\nADA@globex.example,free\n")
    with Asking(FakeDesk(), clock, source(path)) as ask:
        assert ask()["tier"].value == "pro"


def test_a_requester_without_the_key_is_unknown_and_never_the_row_without_one(clock: Clock, path: Path) -> None:
    path.write_text("email,tier\n,free\n\nx@y.example\n")
    desk = FakeDesk()
    desk.people["r1"] = Requester("r1")
    with Asking(desk, clock, source(path)) as ask:
        assert ask()["tier"].reason == "missing"
        assert ask(ticket(Requester("r3", email="x@y.example")))["tier"].reason == "missing"  # a short row


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file has no column 'email'"),
        (b"mail,tier\na,b\n", "the file has no column 'email'"),
        (b"email,tier\nada@globex.example,\xff\xfe\n", "the file is not CSV in UTF-8"),
        (b"email,tier\nada@globex.example," + b"x" * 200_000, "the file is not CSV in UTF-8"),
        (b"\x1f\x8b\x08\x00binary", "the file is not CSV in UTF-8"),
        (b"<html><body>Please sign in</body></html>", "the file has no column 'email'"),
    ],
)
def test_a_file_that_is_no_customer_list_leaves_facts_unknown_with_the_reason(
    clock: Clock, path: Path, content: bytes, reason: str
) -> None:
    path.write_bytes(content)
    with Asking(FakeDesk(), clock, source(path)) as ask:
        assert ask()["tier"].reason == f"failed: {reason}"


def test_a_file_too_large_to_hold_is_refused_unread(clock: Clock, path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with Asking(FakeDesk(), clock, source(path)) as ask:
        assert ask()["tier"].reason == "failed: the file is larger than 50,000,000 bytes"


def test_markup_in_a_cell_is_a_value_like_any_other(clock: Clock, path: Path) -> None:
    path.write_text("email,tier\nada@globex.example,<script>alert(1)</script>\n")
    with Asking(FakeDesk(), clock, source(path)) as ask:
        assert ask()["tier"].value == "<script>alert(1)</script>"  # whoever shows it escapes it


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(), st.binary().map(lambda rest: b"email,tier\n" + rest)))
def test_whatever_the_file_holds_only_a_source_fault_comes_out(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with contextlib.suppress(SourceFault):
        record = CsvFile(path, key="email", column="email").look_up(ADA, datetime.now(UTC)).record
        assert record.get("email", ADA.email) == ADA.email
