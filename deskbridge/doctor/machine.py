"""What a check-up says of the bridge itself: settings, policy, database, migrations, disk. Nothing is written."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from bridge import yamlfile
from bridge.errors import BadFile
from bridge.plural import many
from bridge.ports import Diagnosis, Health
from bridge.settings import Settings
from bridge.store import Store
from rules import LoadedPolicy
from rules.policy import checked

SCARCE: Final = 1_000_000_000
ALL_BUT_FULL: Final = 100_000_000
"""Bytes that are left on the database's disk; a busy desk's deliveries take some hundred megabytes a month."""


def of_settings(settings: Settings) -> Iterator[Diagnosis]:
    """The settings were read, or there would be no check-up."""
    if settings.plain_secrets:
        keys = ", ".join(settings.plain_secrets)
        advice = "Take them from the environment, a file or the database: docs/configuration.md, Secrets."
        yield Diagnosis("settings", Health.WARNING, f"secrets stand in the file itself: {keys}", advice)
    else:
        yield Diagnosis("settings", Health.OK, f"{many(len(settings.desks), 'desk')}, and no secret in the file itself")


def policy_of(settings: Settings) -> tuple[LoadedPolicy | None, Diagnosis]:
    """The policy in the file, where it can be read."""
    try:
        policy = checked(yamlfile.read(settings.policy))
    except BadFile as error:
        words = f"{settings.policy.name} has {many(len(error.faults), 'mistake')}"
        return None, Diagnosis("policy", Health.FAULT, words, "`deskbridge check` tells them, each with its line.")
    failed = [result.name for result in policy.run_tests() if not result.passed]
    if failed:
        advice = "`deskbridge policy test` tells why."
        return policy, Diagnosis("policy", Health.FAULT, f"its tests fail: {', '.join(failed)}", advice)
    return policy, Diagnosis("policy", Health.OK, f"{settings.policy.name}: {policy.summary()}")


def database_of(settings: Settings) -> tuple[Store | None, list[Diagnosis]]:
    """The database, open, where its tables are this release's; the caller closes it."""
    store = Store(settings.database.get_secret_value(), durability=settings.durability)
    where = store.engine.url.render_as_string(hide_password=True)
    file = Path(store.engine.url.database) if store.is_sqlite and store.engine.url.database else None
    if file is not None and not file.exists():
        store.close()
        return None, [Diagnosis("database", Health.NOTE, f"{where} is not there yet", "`deskbridge serve` makes it.")]
    try:
        found, newest = store.shape()
    except SQLAlchemyError as error:
        store.close()
        words = f"{where} cannot be used: {getattr(error, 'orig', None) or type(error).__name__}"
        return None, [Diagnosis("database", Health.FAULT, words, "See that it is up, and that `database` is right.")]
    told = [Diagnosis("database", Health.OK, f"{where} answers"), _migrations(found, newest)]
    told += [_disk(file)] if file is not None else []
    if found == newest:
        return store, told
    store.close()
    return None, told


def _migrations(found: str | None, newest: str) -> Diagnosis:
    if found == newest:
        return Diagnosis("migrations", Health.OK, f"the tables are this release's ({newest})")
    if found is None or found < newest:
        words = f"the tables are of revision {found or 'none'}, this release's is {newest}"
        return Diagnosis("migrations", Health.WARNING, words, "`deskbridge serve` brings them up as it starts.")
    words = f"the tables are of revision {found}, newer than this release's {newest}"
    return Diagnosis("migrations", Health.FAULT, words, "Install the release that made them.")


def _disk(file: Path) -> Diagnosis:
    free = shutil.disk_usage(file.parent).free
    health = Health.FAULT if free < ALL_BUT_FULL else Health.WARNING if free < SCARCE else Health.OK
    advice = None if health is Health.OK else "Make room: without it no webhook can be kept, and each is refused."
    return Diagnosis("disk", health, f"{free / 1e9:.1f} GB are free where the database is", advice)
