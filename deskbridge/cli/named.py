"""What an argument of a command names: desks of the settings, or a policy by its file or a version."""

from collections.abc import Callable
from pathlib import Path

import typer

import rules
from bridge.settings import Settings
from bridge.store import Store, policies
from deskbridge.cli.database import opened
from rules import LoadedPolicy


def desks_named(settings: Settings, wanted: list[str] | None) -> list[str]:
    """The desks of these names, all where none is named. Raises BadParameter."""
    if strange := set(wanted or ()) - set(settings.desks):
        raise typer.BadParameter(
            f"no desk is called {', '.join(sorted(strange))}; there are {', '.join(settings.desks)}"
        )
    return wanted or list(settings.desks)


def require_desk(settings: Settings, name: str) -> None:
    """Refuse the name of a desk that the settings do not have. Raises BadParameter."""
    if name not in settings.desks:
        raise typer.BadParameter(f"no desk is called '{name}'; there are {', '.join(settings.desks)}")


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
