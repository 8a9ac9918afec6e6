"""Texts that a policy says, with placeholders from a closed list filled in from the case."""

import re
from typing import Final

from bridge.yamlfile import nearest
from rules.operators import PREFIXES, own_name
from rules.view import OWN, SOURCES, Source, View, finding

MAX_TEMPLATE: Final = 1_000
"""Characters of a text as the policy writes it; an internal note holds no more anyway."""

_SUBJECT: Final = Source("subject", lambda view: view.case.ticket.subject)
_FOUND: Final = {key: finding(key, 0) for key in ("intent", "urgency", "sentiment", "language")}

PLACEHOLDERS: Final = {
    **SOURCES,
    **{key: Source(key, source.read) for key, source in _FOUND.items()},
    "subject": _SUBJECT,
}
"""What a text may name in braces, beside `field.NAME`, `fact.NAME` and the like: the keys of conditions."""

_PART: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Template:
    """A text with `{requester.name}` in it; `{{` and `}}` stand for braces.

    Raises ValueError for a placeholder that does not exist, for single braces, and where it is too long or empty.
    """

    def __init__(self, written: str) -> None:
        if not written.strip() or len(written) > MAX_TEMPLATE:
            raise ValueError(f"should be a text of at most {MAX_TEMPLATE:,} characters")
        self._parts: list[str | Source] = []
        end = 0
        for match in _PART.finditer(written):
            self._parts += [written[end : match.start()], _part(match)]
            end = match.end()
        self._parts.append(written[end:])

    def fill(self, view: View) -> str:
        """The text for a case; what is unknown says so, and long values are cut. Plain text, not escaped."""
        return "".join(part if isinstance(part, str) else part.told(view) for part in self._parts)


def _part(match: re.Match[str]) -> str | Source:
    if match[0] in {"{{", "}}"}:
        return match[0][0]
    name = match[1]
    if name is None:
        raise ValueError("has a brace by itself; write {{ or }} for one")
    source = source_of(name)
    if source is None:
        raise ValueError(f"has no placeholder {{{name[:40]}}}; {meant(name, *PLACEHOLDERS)}")
    return source


def meant(name: str, *known: str) -> str:
    """What may have been meant by a placeholder that does not exist, else all that there are, in words."""
    return nearest(name, known) or f"there are {', '.join(known)} and field.NAME"


def source_of(name: str) -> Source | None:
    """Where the value of a placeholder comes from; None where there is no such placeholder."""
    if name in PLACEHOLDERS:
        return PLACEHOLDERS[name]
    prefix = next((one for one in PREFIXES if name.startswith(f"{one}.")), None)
    return OWN[f"{prefix}.*"](name, own_name(name)) if prefix and own_name(name) else None
