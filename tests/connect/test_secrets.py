"""Secrets by reference: files, the vault, keys that change, and what each mistake is told as."""

import json
import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from bridge.errors import BadFile
from bridge.sealing import KEY, CannotUnseal, NoKey, Sealer, new_key
from bridge.settings import Settings
from bridge.store import Store, vault
from deskbridge.cli import app
from deskbridge.keeping import CannotKeep, Files, Place, Vault
from deskbridge.wiring import read_settings
from tests.conftest import Clock

PLANTED = "hunter2-planted-secret"
DESK = "desks:\n  shop: {vendor: freshdesk, url: 'https://shop.freshdesk.com', api_key: '%s'}\n"


def read(folder: Path, reference: str, env: dict[str, str] | None = None, head: str = "") -> Settings:
    config = folder / "deskbridge.yaml"
    config.write_text(head + DESK % reference, "utf-8")
    return read_settings(config, env or {})


def api_key(settings: Settings) -> str:
    return str(settings.desks["shop"].options.model_dump()["api_key"].get_secret_value())


def fault(folder: Path, reference: str, env: dict[str, str] | None = None, head: str = "") -> str:
    with pytest.raises(BadFile) as caught:
        read(folder, reference, env, head)
    assert PLANTED not in str(caught.value)
    return str(caught.value)


def run(monkeypatch: pytest.MonkeyPatch, key: str | None, *arguments: str, typed: str | None = None) -> Result:
    monkeypatch.delenv(KEY, raising=False)
    if key is not None:
        monkeypatch.setenv(KEY, key)
    result = CliRunner().invoke(app, ["secrets", *arguments], input=typed)
    assert PLANTED not in result.output + str(result.exception)
    return result


def test_a_file_kept_for_its_owner_is_a_secret(tmp_path: Path) -> None:
    reference = Files(tmp_path).keep("shop.api_key", PLANTED)
    settings = read(tmp_path, reference)
    assert reference == "${file:secrets/shop.api_key}"
    assert api_key(settings) == PLANTED
    assert settings.plain_secrets == ()
    assert stat.S_IMODE((tmp_path / "secrets/shop.api_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_a_file_that_others_may_use_is_refused_with_what_mends_it(tmp_path: Path) -> None:
    reference = Files(tmp_path).keep("shop.api_key", PLANTED)
    (tmp_path / "secrets/shop.api_key").chmod(0o640)
    assert f"`chmod 600 {tmp_path}/secrets/shop.api_key` mends it" in fault(tmp_path, reference)


def test_a_file_that_is_missing_empty_or_no_text_is_told(tmp_path: Path) -> None:
    assert "none cannot be read: No such file" in fault(tmp_path, "${file:none}")
    for content, words in ((b"\n", "is empty"), (b"\xff\xfe", "is not UTF-8 text")):
        (tmp_path / "one").write_bytes(content)
        (tmp_path / "one").chmod(0o600)
        assert words in fault(tmp_path, "${file:one}")


def test_a_variable_called_file_keeps_its_default(tmp_path: Path) -> None:
    assert api_key(read(tmp_path, "${file:-fallback}")) == "fallback"


def test_keeping_goes_on_after_a_process_was_killed_in_the_middle(tmp_path: Path) -> None:
    keeper = Files(tmp_path)
    keeper.keep("shop.api_key", "before")
    (tmp_path / "secrets/.shop.api_key.new").write_text("half")
    keeper.keep("shop.api_key", PLANTED)
    assert os.listdir(tmp_path / "secrets") == ["shop.api_key"]  # noqa: PTH208 - hidden files count


def test_what_is_kept_already_is_not_written_again_unless_others_could_read_it(tmp_path: Path) -> None:
    Files(tmp_path).keep("shop.api_key", PLANTED)
    file = tmp_path / "secrets/shop.api_key"
    before = file.stat().st_ino
    Files(tmp_path).keep("shop.api_key", PLANTED)
    assert file.stat().st_ino == before
    file.chmod(0o644)
    Files(tmp_path).keep("shop.api_key", PLANTED)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("in the way")
    with pytest.raises(CannotKeep, match=r"cannot write .*shop\.api_key: File exists"):
        Files(tmp_path).keep("shop.api_key", PLANTED)


def test_the_database_keeps_a_secret_that_only_the_key_opens(tmp_path: Path, clock: Clock) -> None:
    key = new_key()
    url = f"sqlite:///{tmp_path}/deskbridge.db"
    reference = Vault(url, Sealer(key), clock).keep("shop.api_key", PLANTED)
    settings = read(tmp_path, reference, {KEY: key})
    assert api_key(settings) == PLANTED
    assert settings.plain_secrets == ()
    assert PLANTED.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert key not in repr(settings)
    assert f"{KEY} is not set" in fault(tmp_path, reference)
    assert f"a key that {KEY} does not hold" in fault(tmp_path, reference, {KEY: new_key()})
    assert "is no key of 32 bytes" in fault(tmp_path, reference, {KEY: "guessable"})


def test_a_secret_that_the_database_does_not_keep_is_told_with_the_command_for_it(tmp_path: Path) -> None:
    assert "`deskbridge secrets set shop.api_key`" in fault(tmp_path, "${secret:shop.api_key}", {KEY: new_key()})
    assert not (tmp_path / "deskbridge.db").exists()  # reading settings makes no database
    Store(f"sqlite:///{tmp_path}/deskbridge.db").migrate()
    assert "keeps no secret 'other'" in fault(tmp_path, "${secret:other}", {KEY: new_key()})
    assert "has only a to z" in fault(tmp_path, "${secret:Not a name}", {KEY: new_key()})


def test_the_databases_own_address_cannot_be_in_the_database(tmp_path: Path) -> None:
    head = "database: 'postgresql://u:${secret:pw}@h/d'\n"
    assert "the database cannot keep its own address" in fault(tmp_path, "${secret:one}", {KEY: new_key()}, head)


def test_a_sealed_secret_cannot_be_put_in_anothers_place(store: Store, clock: Clock) -> None:
    sealer = Sealer(new_key())
    vault.put(store, sealer, "weak", PLANTED, now=clock())
    vault.put(store, sealer, "strong", "another", now=clock())
    with store.writing() as connection:
        connection.execute(text("UPDATE secrets SET body = (SELECT body FROM secrets WHERE name = 'weak')"))
        sealed = connection.scalar(text("SELECT body FROM secrets WHERE name = 'strong'"))
    with pytest.raises(CannotUnseal, match="was sealed as 'weak'"):
        sealer.opened("strong", sealed)


def test_putting_what_is_there_changes_nothing(store: Store, clock: Clock) -> None:
    sealer = Sealer(new_key())
    assert vault.put(store, sealer, "one", PLANTED, now=clock())
    before = clock()
    clock.turn(60)
    assert not vault.put(store, sealer, "one", PLANTED, now=clock())
    with store.reading() as connection:
        assert [kept.changed_at for kept in vault.kept(connection, sealer)] == [before]


def test_a_key_is_changed_without_a_moment_in_which_a_secret_cannot_be_read(store: Store, clock: Clock) -> None:
    old, new = new_key(), new_key()
    vault.put(store, Sealer(old), "one", PLANTED, now=clock())
    both = Sealer(f"{new}, {old}")
    with store.reading() as connection:
        assert [kept.rests_on_old_key for kept in vault.kept(connection, both)] == [True]
    assert (vault.rotate(store, both), vault.rotate(store, both)) == (1, 0)
    with store.reading() as connection:
        assert [kept.rests_on_old_key for kept in vault.kept(connection, both)] == [False]
        sealed = connection.scalar(text("SELECT body FROM secrets"))
    assert Sealer(new).opened("one", sealed) == PLANTED
    with pytest.raises(CannotUnseal):
        Sealer(old).opened("one", sealed)


def test_a_rotation_that_meets_a_key_it_lacks_changes_nothing(store: Store, clock: Clock) -> None:
    old, lost, new = new_key(), new_key(), new_key()
    vault.put(store, Sealer(old), "a", PLANTED, now=clock())
    vault.put(store, Sealer(lost), "b", PLANTED, now=clock())
    both = Sealer(f"{new},{old}")
    with pytest.raises(CannotUnseal, match="'b'"):
        vault.rotate(store, both)
    with store.reading() as connection:
        assert [kept.rests_on_old_key for kept in vault.kept(connection, both)] == [True, True]


def test_without_a_key_there_is_no_vault() -> None:
    for keys in (None, "", "guessable", f"{new_key()},"):
        with pytest.raises(NoKey, match="deskbridge secrets key"):
            Sealer(keys)


def test_secrets_go_to_the_database_where_its_key_is_there() -> None:
    assert (Place.usual({KEY: "any"}), Place.usual({})) == (Place.DATABASE, Place.FILE)


def test_the_commands_keep_name_and_forget_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deskbridge.yaml").write_text(DESK % "${secret:shop.api_key}")
    key = run(monkeypatch, None, "key").stdout.strip()
    assert "write ${secret:shop.api_key}" in run(monkeypatch, key, "set", "shop.api_key", typed=f"{PLANTED}\n").stdout
    assert "is that already" in run(monkeypatch, key, "set", "shop.api_key", typed=f"{PLANTED}\n").stdout
    assert api_key(read_settings(tmp_path / "deskbridge.yaml", {KEY: key})) == PLANTED
    both = f"{run(monkeypatch, None, 'key').stdout.strip()},{key}"
    assert "old key" in run(monkeypatch, both, "list").stdout
    assert "Sealed 1 anew" in run(monkeypatch, both, "rotate").stdout
    assert json.loads(run(monkeypatch, both, "list", "--json").stdout)["rests_on_old_key"] is False
    assert run(monkeypatch, both, "remove", "shop.api_key").stdout == "Forgot 'shop.api_key'.\n"
    assert "keeps no secret" in str(run(monkeypatch, both, "remove", "shop.api_key").exception)
    assert run(monkeypatch, both, "set", "Not a name", typed="x\n").exit_code == 2
    assert run(monkeypatch, both, "set", "empty", typed="").exit_code == 2
