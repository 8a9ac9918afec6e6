"""What of an Intercom workspace a policy can be made of: its teams and people, and tags by name. Pure.

Workflows and assignment rules, where Intercom keeps what others call triggers, are in no API and no export.
"""

from collections.abc import Mapping
from typing import Any, Final

from bridge.model import Imported, Unsaid

NOTES: Final = (
    "Intercom shows its workflows to no program: read them over yourself, and write a route rule for each.",
)


def said(export: Mapping[str, Any]) -> Imported:
    """No rules; the tags of an export (`{"tags": [{"name"}]}`), which may stand for rules, are told."""
    names = sorted(
        str(tag.get("name")) for tag in export.get("tags") or [] if isinstance(tag, dict) and tag.get("name")
    )
    unsaid = [Unsaid("workflows", "Intercom has no API for them")]
    unsaid += [Unsaid("tags", f"in use here, by whatever rule: {', '.join(names)}")] if names else []
    return Imported(unsaid=tuple(unsaid), notes=NOTES)
