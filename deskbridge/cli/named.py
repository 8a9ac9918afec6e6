"""The policy that an argument of a command names: a file, or a version that took effect."""

from collections.abc import Callable
from pathlib import Path

import rules
from bridge.settings import Settings
from bridge.store import Store, policies
from deskbridge.cli.database import opened
from rules import LoadedPolicy


def policy_named(wanted: str, settings: Callable[[], Settings]) -> LoadedPolicy:
    """The policy in a file of that name, which takes no settings, else the version that begins with it.

    Raises BadFile and NoSuchVersion.
    """
    if Path(wanted).is_file() or Path(wanted).suffix:
        return rules.load(Path(wanted))
    with opened(settings()) as store:
        return version_named(wanted, store)


def policy_in_effect(settings: Settings, store: Store) -> LoadedPolicy:
    """The version in effect; the settings' file where none ever was."""
    with store.reading() as connection:
        holds = policies.active(connection)
    return rules.load(settings.policy) if holds is None else version_named(holds.version, store)


def version_named(wanted: str, store: Store) -> LoadedPolicy:
    """The version that begins with these digits. Raises NoSuchVersion; BadFile where this release cannot read it."""
    with store.reading() as connection:
        version = policies.find(connection, wanted)
        body = policies.body(connection, version)
    return rules.loads(body, file=f"policy version {version}")
