"""What stands around a person's own words: a gateway's banner above, signature, device and disclaimer below."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from bridge.triage import clients
from bridge.triage.lines import COLONS, DASHES, DELIMITER, SENTENCE_ENDS, STOPS, WORDS, is_rule

_SIGNATURE: Final = 14
"""Lines that a signature has at most, empty ones not counted, where nothing but its look tells that it is one."""

_POSTS: Final = 4
"""Lines of a signature that says nobody's number: name, post, department, firm."""

_NAME: Final = 40
"""Characters that a name has at most."""

_TELLING: Final = 6
"""Characters from which on a closing is one without a name below it; `best` and `att` may be words."""

_SHORT: Final = 90
"""Characters that a line of a signature has at most."""

_SENTENCE: Final = 24
"""Words of a sentence that closes a letter at most."""

_GREETING: Final = 3
"""Words before the noun with which a letter closes, in a language's many ways."""

_FIRM: Final = 80
"""Characters of a line from which on sentences below a name are a firm's about itself; people add shorter ones."""

_WISH: Final = 6
"""Words of a wish that is in no list."""

_DEVICE: Final = 12
"""Words with which a device signs at most."""

_DEVICE_LEAST: Final = min(map(len, clients.SENT_FROM))
_DEVICE_SIGNS: Final = DASHES + "[(_ "

_BANNER: Final = 8
"""Lines that a gateway's banner has at most."""

_DELIMITERS: Final = frozenset({"--", "-- --", "- -", *DASHES[1:3]})
"""The signature's as people and careless clients have it, folded."""


class Stretch:
    """Lines between two quotes, asked where the person's own words end; every question costs the same for any line."""

    def __init__(self, lines: Sequence[str], marks: Sequence[str]) -> None:
        self._lines = lines
        self._marks = marks
        self._block_ends = _block_ends(lines, marks)

    def own(self, *, said: bool, passes_on: bool) -> list[int]:
        """Which lines are the person's own; `said` where they have said something in an earlier stretch.

        Where the stretch passes another mail on (`passes_on`), a signature alone is not yet a word of its own.
        """
        at = 0 if said else self._below_banner()
        if passes_on and not said and self._only_signed(at):
            return []
        kept: list[int] = []
        end = len(self._marks)
        while at < end:
            mark = self._marks[at]
            if not mark:
                kept.append(at)
                at += 1
                continue
            signs = said and (len(mark) > 1 or mark in _DELIMITERS)
            if signs and self._says_no_more(at):
                break
            after = self._after_signature(at) if signs else at
            if after == at and not (signs and self._is_clients(at)):
                said = said or not is_rule(mark)
                kept.append(at)
            at = max(after, at + 1)
        return self._without_edges(kept)

    def _is_clients(self, at: int) -> bool:
        """True for what a device or an app wrote: its line, its site below that, a picture's place."""
        mark = self._marks[at]
        site = mark.startswith("http") and " " not in mark and at > 0 and _is_device(self._marks[at - 1])
        return site or _is_device(mark) or _is_picture(mark)

    def _below_banner(self) -> int:
        at = 0
        while at < len(self._marks) and (not self._marks[at] or self._marks[at].startswith(clients.BANNERS)):
            if self._marks[at]:
                rest = self._marks[at : at + _BANNER]
                at += rest.index("") if "" in rest else 1
            else:
                at += 1
        return at

    def _only_signed(self, at: int) -> bool:
        first = next((index for index in range(at, len(self._marks)) if self._marks[index]), None)
        if first is None:
            return True
        mark = self._marks[first]
        return self._delimits(first) or _is_device(mark) or _is_picture(mark) or self._is_card(first)

    def _delimits(self, at: int) -> bool:
        return self._marks[at] in _DELIMITERS

    def _says_no_more(self, at: int) -> bool:
        """True at the delimiter of a signature, a disclaimer or a list's foot."""
        mark = self._marks[at]
        if mark in _DELIMITERS:
            return self._lines[at] == DELIMITER or self._end(at + 1) > 0
        if _foots(mark):
            return True
        if is_rule(mark) or (mark and not mark.strip("_")):
            rest = self._marks[at + 1 : self._end(at + 1) + 1]
            return any(_reaches(line) or _foots(line) or "mailing list" in line for line in rest)
        return False

    def _after_signature(self, at: int) -> int:
        """Where what is signed at `at` ends; `at` itself where nothing is."""
        mark = self._marks[at]
        if self._ends_letter(at):
            return self._afterthoughts[at]
        if mark == WORDS or not (self._end(at) or self._end(at + 1)) or _is_polite(mark):
            return at
        if _is_polite(self._said_before(at)):
            return self._end(at) or at
        if _closes(mark) or ((_thanks(mark) or self._is_wish(at)) and self._is_named(at + 1)):
            alone = len(mark) < _TELLING and not any(self._marks[at + 1 : self._end(at + 1)])
            return at if alone else self._end(at + 1) or at
        if self._is_dashed(at) or self._is_card(at) or self._is_last_name(at):
            return self._end(at) or at
        return at

    def _ends_letter(self, at: int) -> bool:
        """True for a closing above a name with sentences below that ask nothing: a firm's, not the writer's."""
        mark = self._marks[at]
        if self._end(at + 1) or not (_TELLING <= len(mark) <= _SHORT and _closes(mark) and self._is_named(at + 1)):
            return False
        after = self._afterthoughts[at]
        if after < len(self._marks):
            return self._marks[after].startswith(clients.AFTERTHOUGHTS)
        return at < self._last_of_firm

    @cached_property
    def _afterthoughts(self) -> list[int]:
        """For every line where the writer says more, in an afterthought or a question; the end where nowhere."""
        found = len(self._marks)
        places = []
        for index in range(found - 1, -1, -1):
            if "?" in self._marks[index] or self._marks[index].startswith(clients.AFTERTHOUGHTS):
                found = index
            places.append(found)
        return places[::-1]

    @cached_property
    def _last_of_firm(self) -> int:
        """The last line that is long or says how to reach somebody, -1 where none does."""
        lines = range(len(self._marks) - 1, -1, -1)
        return next((index for index in lines if len(self._marks[index]) >= _FIRM or _reaches(self._marks[index])), -1)

    def _is_wish(self, at: int) -> bool:
        """True for a few words in a paragraph's first line that end with a comma, as in `Talk soon,`."""
        mark = self._marks[at]
        if not mark.endswith(",") or (at and self._marks[at - 1]) or self._said_before(at).endswith(tuple(COLONS)):
            return False
        words = mark[:-1].split()
        wished = len(words) <= _WISH and all(word.replace("'", "").isalpha() for word in words)
        named = all(line.istitle() and not line.endswith(",") for line in self._lines[at + 1 : at + 3] if line)
        return wished and named and (len(words) == 1 or not self._lines[at].istitle())

    def _is_dashed(self, at: int) -> bool:
        """True for a name behind a dash that is no item of a list."""
        above = self._marks[at - 1] if at else ""
        return _is_dashed_name(self._lines[at]) and not above.endswith(tuple(COLONS)) and above[:1] not in _LISTED

    def _is_last_name(self, at: int) -> bool:
        """True for a name in the last paragraph, below one that ends as a sentence does; post and firm may follow."""
        if not at or self._marks[at - 1] or not self._said_before(at).endswith(SENTENCE_ENDS):
            return False
        block = [index for index in range(at, self._end(at)) if self._marks[index]]
        if not 0 < len(block) <= _POSTS or block[-1] - at >= len(block):
            return False
        name = self._lines[at].strip()
        name = name.partition("(")[0].replace(".", " ").replace("-", " ")
        named = len(name.split()) <= 3 and name.replace(" ", "").isalpha() and name.istitle()
        posts = (self._lines[index].rstrip("0123456789 ") for index in block[1:])
        return named and not _thanks(self._marks[at]) and all(map(_is_name, posts))

    def _said_before(self, at: int) -> str:
        if at and self._marks[at - 1]:
            return self._marks[at - 1]
        return self._marks[at - 2] if at > 1 else ""

    def _is_named(self, at: int) -> bool:
        """True where the next line that says anything is somebody's name, or a closing above one."""
        following = next((index for index in range(at, min(at + 3, len(self._marks))) if self._marks[index]), None)
        return following is not None and (_is_name(self._lines[following]) or _closes(self._marks[following]))

    def _is_card(self, at: int) -> bool:
        """True for a name alone after an empty line, with a way to reach somebody in the lines below."""
        mark = self._marks[at]
        if (at and self._marks[at - 1]) or not ("|" in mark or _is_name(self._lines[at])):
            return False
        below = self._marks[at + 1 : min(self._end(at), at + 2 * _SIGNATURE)]
        reached = "|" in mark or any(map(_reaches, below))
        return reached and not self._said_before(at).endswith(tuple(COLONS))

    def _end(self, at: int) -> int:
        """Where short lines without a sentence end; 0 where there are too many of them, or a sentence."""
        return self._block_ends[at]

    def _without_edges(self, kept: list[int]) -> list[int]:
        """Without empty and drawn lines at both ends."""
        first, last = 0, len(kept)
        while last > first and self._is_edge(kept[last - 1]):
            last -= 1
        while first < last and self._is_edge(kept[first]):
            first += 1
        return kept[first:last]

    def _is_edge(self, index: int) -> bool:
        return not self._marks[index] or is_rule(self._marks[index])


def _block_ends(lines: Sequence[str], marks: Sequence[str]) -> list[int]:
    """For every line where the short lines from it on end, 0 where that is no block; one pass from the last line up."""
    end, count = len(marks), 0
    ends = [end]
    for index in range(len(marks) - 1, -1, -1):
        mark = marks[index]
        if mark:
            if mark.startswith(clients.POSTSCRIPTS) or lines[index] == DELIMITER or _foots(mark) or _is_device(mark):
                end, count = index, 0
            elif _is_prose(mark):
                end = 0
            else:
                count += 1
        ends.append(end if count <= _SIGNATURE else 0)
    return ends[::-1]


def _by_start(phrases: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Phrases by their first two characters, so that a line is compared with few of them."""
    groups: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for phrase in phrases:
        groups[phrase[:2]] += (phrase,)
    return dict(groups)


_FOOTERS: Final = _by_start(clients.FOOTERS)
_SENT_FROM: Final = _by_start(clients.SENT_FROM)


def _starts(mark: str, groups: Mapping[str, tuple[str, ...]]) -> bool:
    phrases = groups.get(mark[:2])
    return phrases is not None and mark.startswith(phrases)


def _foots(mark: str) -> bool:
    """True where a disclaimer or a list's foot begins: by its first words, or by two of those that only such have."""
    if len(mark) < _FOOT_LEAST:
        return False
    core = mark.lstrip(_FOOT_SIGNS)
    if _starts(core, _FOOTERS):
        return True
    return len(core) > _FOOT_SHORT and sum(word in core for word in clients.DISCLAIMING) > 1


_FOOT_LEAST: Final = 5
"""Characters below which no line is a foot."""

_FOOT_SHORT: Final = 60
"""Characters below which no line disclaims anything."""

_FOOT_SIGNS: Final = "([{_*#| " + DASHES + WORDS


def _is_device(mark: str) -> bool:
    """True for `Sent from my phone`; people write sentences that begin alike, which are longer or go on."""
    if len(mark) < _DEVICE_LEAST:
        return False
    words = mark.lstrip(_DEVICE_SIGNS)
    got = words.startswith("get ") and words.split("<", 1)[0].rstrip().endswith((" for android", " for ios"))
    if not _starts(words, _SENT_FROM):
        return got
    words = words.split("<", 1)[0].rstrip(".]) ")
    if words.startswith(clients.EXCUSES) or any(excused in words for excused in clients.EXCUSED):
        return True
    told = len(words.split()) > _DEVICE or any(stop in words for stop in (", ", "? ", ". ", ": "))
    goes_on = told and "://" not in words
    verb_last = words.startswith(clients.SENT_LAST)
    return not goes_on and (not verb_last or words.endswith(clients.SENT_LAST_ENDS))


def _is_picture(mark: str) -> bool:
    """True for what plain text has in the place of a logo."""
    return mark.startswith(("[cid:", "[image:", "<image")) and mark.endswith(("]", ">"))


def _closes(mark: str) -> bool:
    """True for `Best regards`, also with a place, a second language or a name on the same line."""
    core = mark.strip(_AROUND)
    if core in clients.STRONG_CLOSINGS or core.isalpha():
        return core in clients.STRONG_CLOSINGS
    sentence = core.endswith(clients.CLOSING_ENDS) and len(core.split()) <= _SENTENCE
    if sentence or core.replace(".", "") in clients.STRONG_CLOSINGS:
        return True
    if len(core) > _NAME + _SHORT or len(core.split()) > 8:
        return False
    head, comma, name = core.partition(",")
    if comma and head.strip() in clients.STRONG_CLOSINGS | {"cheers"}:
        words = name.split()
        initial = bool(words) and len(words[-1]) == 1
        return len(words) <= 4 and (initial or not mark.endswith(SENTENCE_ENDS))
    parts = next((core.split(joint) for joint in clients.JOINTS if joint in core), [core])
    before, _, noun = parts[0].rpartition(" ")
    greets = noun in clients.CLOSING_NOUNS and before.count(" ") < _GREETING and not mark.endswith(("?", *COLONS))
    if parts[0] in clients.STRONG_CLOSINGS or greets:
        return True
    return parts[0] in clients.WEAK_CLOSINGS and parts[-1] in clients.STRONG_CLOSINGS


def _thanks(mark: str) -> bool:
    core = mark.strip(_AROUND)
    if core in clients.WEAK_CLOSINGS:
        return True
    return mark.endswith(",") and len(core.split()) <= 7 and core.startswith(_THANKS)


_AROUND: Final = DASHES + STOPS + " "
_THANKS: Final = tuple(clients.WEAK_CLOSINGS)


def _is_polite(mark: str) -> bool:
    return not mark.isascii() and mark.rstrip(STOPS + " ").endswith(clients.POLITE_ENDS)


def _is_name(line: str) -> bool:
    """True for up to four words that begin with capitals, or one short word, without a sentence's sign."""
    if len(line) > _NAME or line.rstrip().endswith(_NO_NAMES_END):
        return False
    words = line.strip(_NAMES_DRAWN).replace(",", " ").split()
    if len(words) == 1:
        return words[0].isalpha()
    return 0 < len(words) <= 4 and all(word[0].isupper() or word.casefold() in _PARTICLES for word in words)


_NO_NAMES_END: Final = (*SENTENCE_ENDS[1:], *STOPS[3:])
_NAMES_DRAWN: Final = " \t*_" + DASHES
_PARTICLES: Final = frozenset(
    ("of", "van", "von", "de", "da", "di", "der", "den", "la", "le", "del", "dos", "und", "and")
)


def _is_dashed_name(line: str) -> bool:
    """True for `-Ana`, `/Ana` and `— Ana Alvarez`; a list of things has a space behind its hyphens."""
    bare = line.strip()
    name = bare.lstrip(_DASHED)
    dashes = bare[: len(bare) - len(name)]
    if not 0 < len(dashes) <= 2 or (dashes[0] == "-" and name.startswith(" ")) or bare.endswith(SENTENCE_ENDS):
        return False
    return len(name.split()) <= 3 and _is_name(name) and name.strip()[:1].isupper()


_DASHED: Final = DASHES + "/"
_LISTED: Final = frozenset(_DASHED)


def _reaches(mark: str) -> bool:
    """True for a line that says how to reach somebody: an address, a number, a site."""
    address = "@" in mark and " " not in mark and not _is_picture(mark)
    number = mark.startswith(("+", "(", "0")) and sum(char.isdigit() for char in mark) >= 6
    return address or number or "|" in mark or mark.startswith(clients.CONTACT)


def _is_prose(mark: str) -> bool:
    if len(mark) > _SHORT or mark == WORDS:
        return True
    words = mark.count(" ") + 1
    sentence = mark.endswith(SENTENCE_ENDS) and (words > 4 or not mark.endswith((".", "!")))
    return (sentence or words > 11) and not _reaches(mark)
