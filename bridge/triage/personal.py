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
    if not sound.isascii():
        sound = sound.translate(_PLAIN)
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
    packed = "".join(char for char in written if char.isalnum()).upper()
    if not 15 <= len(packed) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in packed[4:] + packed[:4])) % 97 == 1


def _is_mixed(written: str) -> bool:
    """True for letters and digits together: a long word is no token, and neither is a long number."""
    return any(char.isdigit() for char in written) and any(char.isalpha() for char in written)


def _is_phone(written: str) -> bool:
    return 9 <= sum(char.isdigit() for char in written) <= 15


def _is_no_state(written: str) -> bool:
    """False for what is said of a password instead of the password: `password is wrong`."""
    return written.strip(".,;:!?").casefold() not in _STATES


def _always(written: str) -> bool:
    return bool(written)


_PLAIN: Final[dict[int, int | str]] = {
    **{full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)},
    **dict.fromkeys((0xA0, 0x202F, 0x3000), " "),
    **dict.fromkeys(range(0x2010, 0x2015), "-"),
}
"""Wide forms, spaces and dashes as in ASCII, each one character for one."""

_PASSWORDS: Final = (
    "password", "passcode", "passwd", "passphrase", "passwort", "kennwort", "mot de passe", "contraseña", "contrasena",
    "parola d'ordine", "senha", "palavra-passe", "wachtwoord", "パスワード", "パスコード", "暗証番号",
)  # fmt: skip
"""In eight languages, also as the end of a longer word; Italian says password too."""

_SAID: Final = (
    "wrong incorrect invalid correct expired blocked locked unlocked disabled rejected refused accepted "
    "forgotten lost needed required unknown missing empty weak compromised visible still being never always very "
    "falsch richtig nicht abgelaufen gesperrt blockiert ungültig vergessen verloren unbekannt immer wieder leider "
    "incorrecte invalide expiré oublié perdu bloqué toujours refusé faux erroné incorrecto incorrecta inválida "
    "incorreto incorreta verkeerd fout onjuist ongeldig vergeten verlopen geblokkeerd niet nooit"
)
_STATES: Final = frozenset(_SAID.split())
"""In the languages whose `is` the patterns know."""

_SHORT: Final = ("pwd", "pin", "mdp", "clave")
"""The same as words of their own: they are the end of many others."""

_NAMED: Final = rf"(?:{'|'.join(_PASSWORDS)}|(?:^|[^\pL])(?:{'|'.join(_SHORT)}))"
_OPENING: Final = r"[\"'“„「『]?"

_KEYS: Final = (
    r"(?:api|access|secret|private|auth|license|client)[ _-]?(?:key|token|secret)|secret|bearer"
    r"|authorization[:=] ?basic"
)
_PARAMETERS: Final = (
    "token|access_token|id_token|code|key|api_key|apikey|secret|sig|signature|password|pass|auth|session"
)
_CALLED: Final = "tel|phone|mobile|cell|telephone|telefon|handy|rufnummer|téléphone|portable|teléfono|móvil|telefono"

_KINDS: Final[tuple[tuple[str, Any, Callable[[str], bool]], ...]] = tuple(
    (kind, re2.compile(pattern), holds)
    for kind, pattern, holds in (
        (
            "token",
            (
                r"\b(?:sk|pk|rk)_(?:live|test)_[0-9A-Za-z]{10,}|\bsk-[0-9A-Za-z_-]{16,}|\bgh[pousr]_[0-9A-Za-z]{20,}"
                r"|\bgithub_pat_[0-9A-Za-z_]{20,}|\bxox[abprs]-[0-9A-Za-z-]{10,}|\bAKIA[0-9A-Z]{16}\b"
                r"|\bAIza[0-9A-Za-z_-]{30,}|\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}|\bglpat-[0-9A-Za-z_-]{16,}"
                r"|\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]*"
                r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[0-9A-Za-z+/=\s]*-----END [A-Z ]*PRIVATE KEY-----)?"
            ),
            _always,
        ),
        ("token", rf"(?i)\b(?:{_KEYS})\s*[:= ]\s*{_OPENING}([0-9A-Za-z_.+/=-]{{8,}})", _is_mixed),
        ("token", rf"(?i)[?&](?:{_PARAMETERS})=([^&#\s]{{6,}})", _always),
        ("password", rf"(?i){_NAMED}\s*[:=]\s*(\S{{4,}})", _always),
        ("password", rf"(?i){_NAMED}\s*\b(?:is|ist|lautet|est|es)\b\s*(\S{{4,}})", _is_no_state),
        ("password", rf"(?i){_NAMED}(?:\s+(?:è|é))?\s+{_OPENING}(\S{{6,}})", _is_mixed),
        ("password", rf"(?:パスワード|パスコード|暗証番号)は\s*{_OPENING}([!-~]{{4,}})", _always),
        ("password", r"(?i)\b(?:pw|pass)\s*[:=]\s*(\S{4,})", _always),
        ("password", r"(?i)\bpin(?: code)? ([0-9]{4,8})\b", _always),
        ("password", r"://[^\s/:@]+:([^\s/@]+)@", _always),
        ("iban", r"\b([A-Za-z]{2}[0-9]{2}(?:[ -]?[0-9A-Za-z]{4}){2,7}(?:[ -]?[0-9A-Za-z]{1,4})?)\b", _is_iban),
        ("card", r"\b([0-9](?:[ .-]?[0-9]){12,18})\b", _is_card),
        ("email", r"[\pL\pN._%+-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)+", _always),
        ("token", r"\b([0-9A-Fa-f]{32,}|[0-9A-Za-z_-]{40,})\b", _is_mixed),
        ("phone", r"(\+[0-9][0-9 ()./-]{7,20}[0-9]|\b0[0-9][0-9 ()./-]{6,18}[0-9])\b", _is_phone),
        ("phone", r"(\b[2-9][0-9]{2}[.-][0-9]{3}[.-][0-9]{4}|\([2-9][0-9]{2}\) ?[0-9]{3}[ .-][0-9]{4})\b", _always),
        ("phone", rf"(?i)\b(?:{_CALLED})[.:]+ ?([0-9][0-9 /-]{{4,18}}[0-9])\b", _always),
    )
)
"""The gravest first."""
