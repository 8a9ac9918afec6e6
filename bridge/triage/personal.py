"""Personal data and secrets in a text, found for redaction: cards, IBANs, passwords, tokens, addresses, numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import re2


@dataclass(frozen=True, slots=True)
class Personal:
    """Where a text holds something personal: `kind` is card, iban, password, token, email or phone."""

    kind: str
    start: int
    end: int


def redact(text: str) -> str:
    """The text with `[card]`, `[iban]`, `[password]`, `[token]`, `[email]`, `[phone]` in place of what is personal."""
    parts, at = [], 0
    for found in personal(text):
        parts += [text[at : found.start], f"[{found.kind}]"]
        at = found.end
    return "".join(parts) + text[at:]


def personal(text: str) -> tuple[Personal, ...]:
    """What is personal in a text, from left to right, without overlaps; of two at one place the graver.

    Cards must pass Luhn's check (ISO/IEC 7812-1), IBANs that of ISO 13616 (mod 97), so that order numbers stay.
    """
    sound = text.encode(errors="replace").decode()
    return _apart([found for kind, pattern, holds in _KINDS for found in _matches(kind, pattern, holds, sound)])


def _matches(kind: str, pattern: Any, holds: Callable[[str], bool], text: str) -> Iterator[Personal]:
    for match in pattern.finditer(text):
        group = 1 if pattern.groups else 0
        if holds(match.group(group)):
            yield Personal(kind, match.start(group), match.end(group))


def _apart(taken: list[Personal]) -> tuple[Personal, ...]:
    """Without what overlaps something graver; `taken` has the gravest first."""
    kept: list[Personal] = []
    ranked = sorted(enumerate(taken), key=lambda one: (one[1].start, one[0]))
    ranks: list[int] = []
    for rank, found in ranked:
        if not kept or found.start >= kept[-1].end:
            kept.append(found)
            ranks.append(rank)
        elif rank < ranks[-1]:
            kept[-1], ranks[-1] = found, rank
    return tuple(kept)


def _is_card(written: str) -> bool:
    digits = [int(char) for char in written if char.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _is_iban(written: str) -> bool:
    packed = "".join(written.split()).upper()
    if not 15 <= len(packed) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in packed[4:] + packed[:4])) % 97 == 1


def _is_mixed(written: str) -> bool:
    """True for letters and digits together: a long word is no token, and neither is a long number."""
    return any(char.isdigit() for char in written) and any(char.isalpha() for char in written)


def _is_phone(written: str) -> bool:
    return 9 <= sum(char.isdigit() for char in written) <= 15


def _always(written: str) -> bool:
    return bool(written)


_PASSWORDS: Final = (
    "password", "passcode", "passwd", "pwd", "pin", "passwort", "kennwort", "mot de passe", "mdp", "contraseña",
    "clave", "senha", "palavra-passe", "wachtwoord", "パスワード", "暗証番号",
)  # fmt: skip
"""`password: x` and `password is x` in eight languages; Italian says password too."""

_KINDS: Final[tuple[tuple[str, Any, Callable[[str], bool]], ...]] = (
    (
        "token",
        re2.compile(
            r"\b(?:sk|pk|rk)_(?:live|test)_[0-9A-Za-z]{10,}|\bgh[pousr]_[0-9A-Za-z]{20,}|\bxox[abprs]-[0-9A-Za-z-]{10,}"
            r"|\bAKIA[0-9A-Z]{16}\b|\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]*|\bglpat-[0-9A-Za-z_-]{16,}"
        ),
        _always,
    ),
    (
        "password",
        re2.compile(rf"(?i)(?:{'|'.join(_PASSWORDS)})\s*(?:[:=\x{{ff1a}}]|\b(?:is|ist|lautet|est|es)\b)\s*(\S{{4,}})"),
        _always,
    ),
    ("iban", re2.compile(r"\b([A-Za-z]{2}[0-9]{2}(?: ?[0-9A-Za-z]{4}){2,7}(?: ?[0-9A-Za-z]{1,4})?)\b"), _is_iban),
    ("card", re2.compile(r"\b([0-9](?:[ -]?[0-9]){12,18})\b"), _is_card),
    ("email", re2.compile(r"[0-9A-Za-z._%+-]+@[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)+"), _always),
    ("token", re2.compile(r"\b([0-9A-Fa-f]{32,}|[0-9A-Za-z_-]{40,})\b"), _is_mixed),
    ("phone", re2.compile(r"(\+[0-9][0-9 ()./-]{7,20}[0-9]|\b0[0-9][0-9 ()./-]{6,18}[0-9])\b"), _is_phone),
)
"""The gravest first."""
