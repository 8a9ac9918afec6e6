"""A desk's own rules in a policy's words, and what of them a policy cannot say."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Part = Mapping[str, object]
"""A rule or a condition as it stands in a policy file."""


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What could not be said of a rule, named by its title, in the vendor's words."""

    rule: str
    what: str


@dataclass(frozen=True, slots=True)
class Imported:
    """Rules of a policy's stages `annotate` and `route`, the last route rule left out, and what they leave unsaid.

    Teams and agents are called as the desk calls them; `fields` has the desk's names of the custom fields that the
    rules name otherwise. `notes` say in what the desk's way to go through its rules differs from a policy's.
    """

    annotate: tuple[Part, ...] = ()
    route: tuple[Part, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    unsaid: tuple[Unsaid, ...] = ()
    notes: tuple[str, ...] = ()
