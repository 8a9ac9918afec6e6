"""One small tree of errors. Each docstring is the message's first half; what, where and what to do is the second.

No error carries a secret or a message's body: adapters pass on the vendor's own error words, capped, and nothing else.
"""

import traceback
from dataclasses import dataclass


class DeskbridgeError(Exception):
    """Something went wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in a file: where it is (1-based line and column) and what to do about it."""

    file: str
    line: int
    column: int
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        tail = f" {self.hint}" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{tail}"


class BadFile(DeskbridgeError):
    """A file that an admin writes has mistakes; all of them are told at once, one line each."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class DeliveryRefused(DeskbridgeError):
    """A delivery is not what it claims to be; `status` is the HTTP status the desk is answered with."""

    def __init__(self, reason: str, status: int = 401) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class DeskError(DeskbridgeError):
    """The desk did not do what was asked; `words` are its own, `code` its HTTP status (None: no answer at all)."""

    def __init__(self, words: str, code: int | None = None) -> None:
        super().__init__(f"{words} (HTTP {code})" if code else words)
        self.words = words
        self.code = code


class Retryable(DeskError):
    """The desk did not act and may if asked again, not before `after` seconds (None: our own back-off decides)."""

    def __init__(self, words: str, code: int | None = None, after: float | None = None) -> None:
        super().__init__(words, code)
        self.after = after


class Unclear(DeskError):
    """The call may or may not have taken effect (time-out, reset, gateway error): read back before trying again."""


class Conflict(DeskError):
    """Somebody changed the ticket since it was read: read again and decide again."""


class Permanent(DeskError):
    """The desk will not do this however often it is asked; a person has to look."""


class NotThere(Permanent):
    """The desk has no such ticket, agent or team (deleted, archived, or out of our credential's sight)."""


class BadCredential(Permanent):
    """The desk does not accept our credential, or the credential lacks a permission."""


class Unsupported(Permanent):
    """The vendor cannot express this; a capability should have said so before."""


def whereabouts(error: BaseException) -> str:
    """Where an unexpected error arose, innermost frame first, for a log: its message may hold a ticket's words."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in reversed(frames))
