"""Which API version a call speaks: the shapes, id types and words that differ between them are all decided here."""

from dataclasses import dataclass

from sandbox.intercom.errors import ApiError

NUMBERED = frozenset([f"1.{n}" for n in range(5)] + [f"2.{n}" for n in range(17)])
"""The versions in the `intercom_version` schema of Intercom's OpenAPI description."""

UNSTABLE = ("Preview", "Unstable")

_OLD_PRIORITIES = {"none": "not_priority", "low": "not_priority", "medium": "not_priority"}


@dataclass(frozen=True, order=True)
class Version:
    """A numbered version, or the preview, which is newer than all of them."""

    major: int
    minor: int
    preview: bool = False

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Raises ApiError (400) for a version that Intercom does not know."""
        if text in UNSTABLE:
            return cls(2, 16, preview=True)
        if text not in NUMBERED:
            raise ApiError(400, "intercom_version_invalid", "The requested version could not be found")
        major, _, minor = text.partition(".")
        return cls(int(major), int(minor))

    def at_least(self, minor: int) -> bool:
        """True for version 2.`minor` and newer."""
        return (self.major, self.minor) >= (2, minor)

    @property
    def plain_webhooks(self) -> bool:
        """From 2.15 on bodies and subjects in webhooks are plain text."""
        return self.at_least(15)

    @property
    def closed_means_closed(self) -> bool:
        """Before 2.15 the topic `ticket.closed` fired when a ticket became resolved."""
        return self.at_least(15)

    @property
    def has_company(self) -> bool:
        """From 2.15 on a conversation shows its company."""
        return self.at_least(15)

    def priority(self, word: str) -> str:
        """The priority of a conversation: five words from 2.16 on, `priority` and `not_priority` before."""
        return word if self.at_least(16) else _OLD_PRIORITIES.get(word, "priority")

    def conversation_admin(self, admin_id: str | None) -> int | None:
        """`admin_assignee_id`: an integer; nobody is 0 from 2.16 on, null before."""
        return int(admin_id) if admin_id else self._nobody()

    def conversation_team(self, team_id: str | None) -> int | str | None:
        """`team_assignee_id`: an integer from 2.16 on (nobody is 0), a string before (nobody is null)."""
        if not team_id:
            return self._nobody()
        return int(team_id) if self.at_least(16) else team_id

    def ticket_assignee(self, assignee_id: str | None) -> int | str:
        """Either assignee of a ticket: an integer from 2.16 on, a string before; nobody is 0 or "0"."""
        return int(assignee_id or 0) if self.at_least(16) else assignee_id or "0"

    def _nobody(self) -> int | None:
        return 0 if self.at_least(16) else None
