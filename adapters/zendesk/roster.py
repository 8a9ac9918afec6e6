"""Who works at a Zendesk account: users, groups and memberships, with availability where the plan shows it."""

from collections.abc import Iterable
from datetime import datetime

from adapters.wire import some_id
from adapters.zendesk.mapping import Json, agent_status, listing, mapping
from bridge.model import AgentRecord, AgentStatus, Roster, TeamRecord

SUPPORT = "support"
"""The channel of tickets, beside messaging and talk."""


def roster(
    desk: str,
    taken_at: datetime,
    *,
    users: Iterable[Json],
    groups: Iterable[Json],
    memberships: Iterable[Json],
    availabilities: dict[str, tuple[AgentStatus, int | None, int | None]] | None,
    acting_id: str,
    fields: Iterable[Json] | None,
) -> Roster:
    """The roster; `availabilities` (see `availability`) and `fields` are None where the account hides them."""
    teams: dict[str, list[str]] = {}
    for membership in memberships:
        teams.setdefault(str(membership["user_id"]), []).append(str(membership["group_id"]))
    return Roster(
        desk,
        taken_at,
        agents=tuple(_agent(user, tuple(teams.get(str(user["id"]), ())), availabilities) for user in users),
        teams=tuple(TeamRecord(str(group["id"]), str(group["name"])) for group in groups if not group.get("deleted")),
        acting_id=acting_id,
        field_names=None if fields is None else tuple(str(field["id"]) for field in fields),
    )


def _agent(
    user: Json, team_ids: tuple[str, ...], known: dict[str, tuple[AgentStatus, int | None, int | None]] | None
) -> AgentRecord:
    gone = user.get("suspended") or user.get("active") is False
    status, load, limit = (known or {}).get(str(user["id"]), (AgentStatus.UNKNOWN, None, None))
    return AgentRecord(
        id=str(user["id"]),
        name=str(user.get("name") or ""),
        email=user.get("email"),
        team_ids=team_ids,
        status=AgentStatus.GONE if gone else status,
        load=load,
        limit=limit,
        inferred=not gone and status is AgentStatus.UNKNOWN,
    )


def availability(pages: Iterable[Json]) -> dict[str, tuple[AgentStatus, int | None, int | None]]:
    """Status, load and limit by agent id, from the JSON:API pages of `agent_availabilities`.

    The unified status is there only with omnichannel routing; without it the support channel's own status counts.
    """
    found: dict[str, tuple[AgentStatus, int | None, int | None]] = {}
    for page in pages:
        channels = {str(item.get("id")): mapping(item.get("attributes")) for item in listing(page.get("included"))}
        for record in listing(page.get("data")):
            attributes, support = mapping(record.get("attributes")), _support(record, channels)
            agent_id = some_id(attributes.get("agent_id")) or str(record.get("id"))
            status = agent_status(attributes.get("agent_status") or support.get("status"))
            found[agent_id] = (status, support.get("work_item_count"), support.get("max_capacity"))
    return found


def _support(record: Json, channels: dict[str, Json]) -> Json:
    """The support channel among an agent's, by its name or, where it has none, by the end of its id."""
    linked = listing(mapping(mapping(record.get("relationships")).get("channels")).get("data"))
    for key in (str(link.get("id")) for link in linked):
        if (channels.get(key, {}).get("name") or key.rpartition(":")[2]) == SUPPORT:
            return channels.get(key, {})
    return {}
