"""What a workspace calls things: the ids of its tags and ticket states, and the admin that we act as, read once."""

from adapters.intercom.client import IntercomClient, Row
from bridge.errors import Permanent


class Directory:
    """Names to ids, read when first asked for and kept; thread-safe, as each table is replaced whole."""

    def __init__(self, client: IntercomClient, acting: str | None) -> None:
        self._client = client
        self._tags: dict[str, str] = {}
        self._states: list[Row] = []
        self.acting = acting
        """The admin in whose name we write, None until it was asked for."""

    def acting_id(self) -> str:
        """The admin in whose name we write: the configured one, else the owner of our credential."""
        if self.acting is None:
            self.acting = str(self._client.get("/me")["id"])
        return self.acting

    def tag_id(self, name: str) -> str | None:
        """A tag's id by its name, None where the workspace has no such tag. Case does not count."""
        if name.casefold() not in self._tags:
            rows = self._client.get("/tags").get("data") or ()
            self._tags = {str(row["name"]).casefold(): str(row["id"]) for row in rows}
        return self._tags.get(name.casefold())

    def make_tag(self, name: str) -> str:
        """A tag's id; one that the workspace lacks is created. Creating twice is harmless: the name decides."""
        known = self.tag_id(name)
        if known is None:
            known = str(self._client.write("POST", "/tags", {"name": name})["id"])
            self._tags = {**self._tags, name.casefold(): known}
        return known

    def forget_tags(self) -> None:
        """Read the tags anew when next asked: somebody deleted one."""
        self._tags = {}

    def state_id(self, category: str, ticket_type: str) -> str:
        """The first state of a category that a ticket type allows. Raises Permanent where it allows none."""
        if not self._states:
            self._states = list(self._client.get("/ticket_states").get("data") or ())
        for state in self._states:
            types = {str(row.get("id")) for row in (state.get("ticket_types") or {}).get("data") or ()}
            if state.get("category") == category and not state.get("archived") and ticket_type in types:
                return str(state["id"])
        raise Permanent(f"no ticket state of category {category} is connected to ticket type {ticket_type} at Intercom")
