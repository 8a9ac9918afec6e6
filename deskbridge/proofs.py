"""What proves a desk's webhooks: made up or fetched as they are put up, kept apart, and referred to by the settings."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from bridge.ports import Clock
from bridge.settings import Settings
from deskbridge import settingsfile
from deskbridge.keeping import Keeper, Place, keeper

STAND_IN: Final = "made-up-once-it-is-put-up"
"""Instead of a secret that there is not yet, in a dry run."""

SIGNING: Final = "webhook_secrets"
"""The setting that every vendor has for what signs or accompanies its webhooks."""

COMPARE: Final = f"compare `{SIGNING}` in the settings with the secret at the vendor, then restart `deskbridge serve`"
"""What to do where a desk's calls are refused."""

LIVE_MAX: Final = 2
"""How many secrets hold at a time, so that one can take another's place."""


class Proofs:
    """The secrets of one desk's webhooks. `settings` are those that hold with them, `changed` the keys that are new."""

    def __init__(self, settings: Settings, desk: str, config: Path, env: Mapping[str, str], clock: Clock) -> None:
        self.settings = settings
        self.changed: list[str] = []
        self._desk = desk
        self._config = config
        self._env = env
        self._clock = clock

    def make_up(self, keys: Sequence[str], *, keep: bool) -> None:
        """Have a secret that nobody can guess under each key that has none, before anything is put up with it."""
        for key in keys:
            if getattr(self._options, key):
                continue
            secret = secrets.token_urlsafe(32) if keep else STAND_IN
            if keep:
                self._keep(key, secret)
            self._hold(key, secret)

    def fetched(self, secret: str | None) -> None:
        """Keep what the desk signs with, where it is not known yet; the one before holds beside it for now."""
        known = [each.get_secret_value() for each in getattr(self._options, SIGNING)]
        if secret is not None and secret not in known:
            self._keep(SIGNING, secret)
            self._hold(SIGNING, secret)

    @property
    def _options(self) -> object:
        return self.settings.desks[self._desk].options

    @property
    def _keeper(self) -> Keeper:
        return keeper(Place.usual(self._env), self._config, self._env, self._clock)

    def _keep(self, key: str, secret: str) -> None:
        """First the secret, then what refers to it: a settings file that leads nowhere could not be read again."""
        reference = self._keeper.keep(f"{self._desk}.{key}", secret)
        before = settingsfile.listed(self._config, self._desk, key)
        others = [each for each in before if each != reference]
        settingsfile.put_list(self._config, self._desk, key, [reference, *others][:LIVE_MAX])
        self.changed.append(key)

    def _hold(self, key: str, secret: str) -> None:
        desk = self.settings.desks[self._desk]
        options = desk.options.model_copy(update={key: (SecretStr(secret),)})
        desks = {**self.settings.desks, self._desk: desk.model_copy(update={"options": options})}
        self.settings = self.settings.model_copy(update={"desks": desks})
