"""Puts secrets where the settings can refer to them: files that only their owner reads, or the database's vault."""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from bridge.errors import DeskbridgeError
from bridge.ports import Clock
from bridge.sealing import KEY, Sealer
from bridge.settings import database_of
from bridge.store import Store, vault

FOLDER: Final = "secrets"
"""Beside the settings file: one file a secret."""


class CannotKeep(DeskbridgeError):
    """A secret's file cannot be written."""


class Place(StrEnum):
    """Where secrets can be put; the environment can only be referred to."""

    FILE = "file"
    DATABASE = "database"

    @classmethod
    def usual(cls, env: Mapping[str, str]) -> "Place":
        """The database where its key is there, else files."""
        return cls.DATABASE if env.get(KEY) else cls.FILE


class Keeper(Protocol):
    """Keeps secrets by name (`bridge.references.SECRET_NAME`)."""

    def keep(self, name: str, secret: str) -> str:
        """Keep the secret, in place of what the name had; the reference to it that the settings take."""


def keeper(place: Place, config: Path, env: Mapping[str, str], clock: Clock) -> Keeper:
    """What keeps secrets for a settings file. Raises BadFile and NoKey."""
    if place is Place.FILE:
        return Files(config.absolute().parent)
    return Vault(database_of(config, env), Sealer(env.get(KEY)), clock)


class Files:
    """Secrets as files, mode 0600, in a folder of mode 0700 beside the settings."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def keep(self, name: str, secret: str) -> str:
        """Write the file whole or not at all, and not where it is that already. Raises CannotKeep."""
        path, reference = self._folder / name, f"${{file:{FOLDER}/{name}}}"
        beside = path.with_name(f".{name}.new")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if path.exists() and path.read_text("utf-8") == f"{secret}\n" and not path.stat().st_mode & 0o077:
                return reference
            beside.unlink(missing_ok=True)  # left by a process that was killed here
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(f"{secret}\n")
            beside.replace(path)
        except OSError as error:
            raise CannotKeep(f"cannot write {path}: {error.strerror}") from error
        return reference


class Vault:
    """Secrets in the database, sealed; it is brought to this release's shape first."""

    def __init__(self, database: str, sealer: Sealer, clock: Clock) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock

    def keep(self, name: str, secret: str) -> str:
        """Seal the secret and put it into the database. Raises DatabaseUnusable."""
        store = Store(self._database)
        try:
            store.migrate()
            vault.put(store, self._sealer, name, secret, now=self._clock())
        finally:
            store.close()
        return f"${{secret:{name}}}"
