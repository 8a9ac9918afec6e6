"""Where another's words begin in a mail: the line that introduces an answer, a block of headers, a desk's own line."""

import re
from collections.abc import Sequence
from typing import Final

from bridge.triage import clients
from bridge.triage.lines import COLONS, DASHES, LONGEST, WORDS, is_quoted, next_said

_WRAPPED: Final = 4
"""Lines over which clients break the line that introduces an answer."""

_BLOCK: Final = 16
"""Lines within which a block of mail headers has all that it takes to be one."""

_DIGIT: Final = re.compile(r"\d")
_CLOCK: Final = re.compile(r"\d{1,2}[:.h]\d{2}|\d{1,2}時")
_ADDRESSED: Final = re.compile(r"[<(][^<>() @]*@[^<>() @]*[>)]")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


def apart(lines: list[str]) -> list[str]:
    """Lines, with those cut in two in which a conversion put somebody's words before `On such a day Ana wrote:`."""
    return [piece for line in lines for piece in (_pieces(line) if line.endswith(":") else (line,))]


def _pieces(line: str) -> tuple[str, ...]:
    joined = len(line) <= LONGEST and line.endswith(_WROTE) and _JOINED.fullmatch(line)
    return joined.groups() if joined else (line,)


_WROTE: Final = tuple(f"{end}{space}:" for end in clients.ANSWER_ENDS for space in ("", " "))
_JOINED: Final = re.compile(r"(.*[.!?])\s+((?:On|Am|Le|El|Il|Em|Op) [^.!?]{0,40}\d.*)")


def introduction(marks: Sequence[str], at: int) -> int:
    """How many lines from `at` on say `On such a day Ana wrote:`, 0 where none does."""
    text = ""
    if not ("@" in marks[at] or _dated(marks[at])):
        return 0
    for count, line in enumerate(marks[at : at + _WRAPPED], 1):
        if not line or line.startswith(WORDS) or is_quoted(line) or (count > 1 and _opens(line) and _dated(line)):
            return 0
        text = f"{text} {line}" if text else line
        if _introduces(text, quoted=is_quoted(next_said(marks, at + count))):
            return count if count == 1 or _opens(text) or text[0].isdigit() or _stamped(marks[at]) else 0
    return 0


def _introduces(text: str, *, quoted: bool) -> bool:
    ended = text.endswith((*COLONS, "----"))
    if not (ended or quoted or "@" in text):
        return False
    core = text.strip(_LEADING).rstrip(COLONS + " ")
    if any(spoken in core for spoken in clients.SPEAKERS):
        return False
    told = core.endswith(clients.ANSWER_ENDS) or ((ended or quoted) and any(v in core for v in clients.ANSWER_VERBS))
    addressed, opened, timed = "@" in core, _opens(core), bool(_CLOCK.search(core) or _YEAR.search(core))
    if opened and addressed and timed and any(end in core for end in _ENDS_INSIDE):
        return True
    if told:
        return (ended or quoted) and (addressed or quoted or (opened and timed))
    if core.startswith(("quoting ", "zitat von ")):
        return ended and addressed
    closed = core[:1].isdigit() and timed and addressed and core.endswith((">", ")", "\uff09"))
    return (ended or quoted) and (closed or (_stamped(core) and bool(_ADDRESSED.search(core))))


_LEADING: Final = DASHES + " "
_ENDS_INSIDE: Final = tuple(f" {end}: " for end in clients.ANSWER_ENDS if end.isascii())
"""Where a conversion lost the line's end, the quote goes on behind it."""


def _opens(text: str) -> bool:
    return text.lstrip(_LEADING).startswith(clients.ANSWER_OPENINGS)


def _stamped(text: str) -> bool:
    """True for a line with a year and a time of the day, as clients write it in languages not known here."""
    return bool(_YEAR.search(text) and _CLOCK.search(text))


def _dated(text: str) -> bool:
    return bool(_DIGIT.search(text))


_DRAWN: Final = DASHES + "_="
_DROID: Final = tuple(f" {end}" for end in clients.ANSWER_ENDS)
"""Android's own client introduces an answer between dashes, without a date."""


def original(marks: Sequence[str], at: int) -> bool:
    """True for a line between dashes (or Apple's without) that says: what follows is another message.

    Dashed words of any language say so where a block of headers follows.
    """
    mark = marks[at]
    if mark[0] not in _DRAWN:
        return mark[-1] in COLONS and mark.startswith(clients.FORWARD_LINES)
    core = mark.strip(_DRAWN + " ")
    if not core:
        return False
    drawn = mark[-1] in _DRAWN
    return core.startswith(clients.ORIGINALS) or (drawn and (core.endswith(_DROID) or _headed(marks, at + 1)))


def _headed(marks: Sequence[str], at: int) -> bool:
    below = next((index for index in range(at, min(at + 2, len(marks))) if marks[index]), None)
    return below is not None and headers(marks, below) > 0


def reply_above(mark: str) -> bool:
    """True for a help desk's line above which a customer is to answer."""
    return (
        _ASK_LEAST <= len(mark) <= _ASK_MOST
        and any(words in mark for words in clients.REPLY_ABOVE)
        and any(word in mark for word in clients.REPLY_WORDS)
    )


_ASK_LEAST: Final = min(map(len, clients.REPLY_ABOVE))
_ASK_MOST: Final = 160
"""Characters of such a line."""


def headers(marks: Sequence[str], at: int) -> int:
    """How many lines from `at` on are a block of mail headers, 0 where there is none.

    One takes a sender and two more kinds of header, and among them a subject, a `Sent` or an address: enough to tell
    it from `From: Berlin` and `To: Paris`. Some clients put an empty line between headers, some break long ones.
    """
    if not _kind(marks[at]):
        return 0
    if _headers_in_one(marks[at]):
        return 1
    kinds: set[str] = set()
    last, skipped, address = at, 0, False
    for offset, line in enumerate(marks[at : at + _BLOCK]):
        kind = _kind(line)
        skipped = 0 if kind else skipped + 1
        if skipped > 2 or (not line and skipped > 1) or line.startswith(WORDS) or (kind in kinds and kind != "other"):
            break
        if kind:
            kinds.add(kind)
            last = at + offset
        address = address or ("@" in line)
    sure = len(kinds) >= 3 and "from" in kinds and (bool(kinds & {"subject", "sent"}) or address)
    return last - at + 1 if sure else 0


def after_headers(marks: Sequence[str], at: int) -> int:
    """Where the message begins whose marker or headers stand before `at`."""
    while at < len(marks) and (not marks[at] or _kind(marks[at]) or _headers_in_one(marks[at])):
        at += 1
    return at


_KINDS: Final = {
    name: kind
    for kind, names in {
        "from": clients.FROM,
        "sent": clients.SENT,
        "date": clients.DATE,
        "to": clients.TO,
        "subject": clients.SUBJECT,
        "other": clients.OTHER,
    }.items()
    for name in names
}


def _kind(mark: str) -> str | None:
    head = mark[:40]
    name = head.partition(COLONS[0])[0].partition(COLONS[1])[0]
    return _KINDS.get(name.strip()) if name != head else None


_IN_ONE: Final = tuple(f" {name}{colon}" for name in clients.SENT | clients.SUBJECT for colon in (":", " :"))


_ONE_LEAST: Final = 20
"""Characters of three headers on one line at least."""


def _headers_in_one(mark: str) -> bool:
    """True where a conversion put the whole block on one line: From: Ana Sent: Tuesday To: Bo Subject: It."""
    return len(mark) >= _ONE_LEAST and _kind(mark) == "from" and sum(name in mark for name in _IN_ONE) >= 2
