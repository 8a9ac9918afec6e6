"""Where `${…}` in the settings leads: the environment, a file that only its owner reads, the database's vault."""

import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

_REFERENCE: Final = re.compile(r"\$(?P<escaped>\$?)\{(?P<inside>[^}]*)(?P<end>\}?)")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ELSEWHERE: Final = re.compile(r"(?P<place>file|secret):(?P<name>[^-].*)")

SECRET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
"""What a secret can be called, in the vault and as a file."""

_NO_REFERENCE: Final = "'${' starts the name of a variable here, which is not one; write $${ for the text itself"


class References:
    """Replaces `${NAME}`, `${NAME:-text}`, `${file:path}` and `${secret:name}` in a text; `$${` is the text itself.

    Paths start from `folder`; `reveal` tells a secret of the vault or raises ValueError.
    """

    def __init__(self, env: Mapping[str, str], folder: Path, reveal: Callable[[str], str]) -> None:
        self._env = env
        self._folder = folder
        self._reveal = reveal

    def expanded(self, text: str) -> str:
        """The text with each reference replaced, once: what comes out is not looked at again.

        Raises ValueError, which names what is missing and no value.
        """
        return _REFERENCE.sub(self._value, text)

    def leads_away(self, text: str) -> bool:
        """True where anything of a text comes from elsewhere, not from a default beside it."""
        return any(self._is_away(each["inside"]) for each in _REFERENCE.finditer(text) if not each["escaped"])

    def _is_away(self, inside: str) -> bool:
        return bool(_ELSEWHERE.fullmatch(inside) or self._env.get(inside.partition(":-")[0]))

    def _value(self, reference: re.Match[str]) -> str:
        inside = reference["inside"]
        if reference["escaped"]:
            return reference[0][1:]
        if reference["end"] and (elsewhere := _ELSEWHERE.fullmatch(inside)):
            return self._from_file(elsewhere["name"]) if elsewhere["place"] == "file" else self._kept(elsewhere["name"])
        name, default, instead = inside.partition(":-")
        if not reference["end"] or not _VARIABLE.fullmatch(name):
            raise ValueError(_NO_REFERENCE)
        if not self._env.get(name) and not default:
            raise ValueError(f"${{{name}}} is not set in the environment; set it, or write $${{{name}}} for the text")
        return self._env.get(name) or instead

    def _kept(self, name: str) -> str:
        if not SECRET_NAME.fullmatch(name):
            raise ValueError("a secret's name has only a to z, 0 to 9, '.', '_' and '-'")
        return self._reveal(name)

    def _from_file(self, name: str) -> str:
        path = self._folder / name
        try:
            content = path.read_text("utf-8").rstrip("\r\n")
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            raise ValueError(f"the file {path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"the file {path} is not UTF-8 text") from None
        if mode & 0o077:
            raise ValueError(f"others than its owner may use the file {path}; `chmod 600 {path}` mends it")
        if not content:
            raise ValueError(f"the file {path} is empty")
        return content
