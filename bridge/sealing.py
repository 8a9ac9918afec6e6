"""Seals secrets for the database, by keys that only the environment holds."""

import json
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bridge.errors import DeskbridgeError

KEY: Final = "DESKBRIDGE_SECRET_KEY"
"""The variable with the keys, several of them parted by commas: the first one seals, each of them opens."""

_HOW: Final = "`deskbridge secrets key` makes one"


class NoKey(DeskbridgeError):
    """The key that secrets in the database are sealed with is not there, or is none."""


class CannotUnseal(DeskbridgeError):
    """A secret in the database is sealed with another key, or is not what was sealed."""


class Sealer:
    """Seals and opens by keys of the Fernet specification (AES-128-CBC and HMAC-SHA256). Thread-safe."""

    def __init__(self, keys: str | None) -> None:
        """`keys` as the environment has them. Raises NoKey."""
        if not keys:
            raise NoKey(f"{KEY} is not set in the environment, and without it the database keeps no secret; {_HOW}")
        try:
            each = [Fernet(key.strip()) for key in keys.split(",")]
        except ValueError:
            raise NoKey(f"{KEY} holds something that is no key of 32 bytes in URL-safe base64; {_HOW}") from None
        self._first, self._all = each[0], MultiFernet(each)

    def seal(self, name: str, secret: str) -> str:
        """The secret sealed together with its name, so that one cannot be put in another's place."""
        return self._first.encrypt(json.dumps([name, secret]).encode()).decode()

    def opened(self, name: str, sealed: str) -> str:
        """The secret. Raises CannotUnseal, which holds no part of it."""
        try:
            sealed_name, secret = json.loads(self._all.decrypt(sealed.encode()))
        except InvalidToken:
            raise CannotUnseal(
                f"'{name}' in the database is sealed with a key that {KEY} does not hold; "
                "put the old key behind the new one, with a comma between"
            ) from None
        if sealed_name != name:
            raise CannotUnseal(f"what the database keeps as '{name}' was sealed as '{sealed_name}'; set it anew")
        return str(secret)

    def is_by_first(self, sealed: str) -> bool:
        """Whether the first key seals it, so that the others are not needed for it."""
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True


def new_key() -> str:
    """A new key."""
    return Fernet.generate_key().decode()
