"""Who takes part in a ticket, and who works at a desk: requester, organisation, agent, team, roster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ActorKind(StrEnum):
    """What stands behind an action. `INTEGRATION` is an API caller; whether it is us, the operations tell."""

    REQUESTER = "requester"
    AGENT = "agent"
    BOT = "bot"
    INTEGRATION = "integration"
    SYSTEM = "system"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of a message or an event; `id` is the desk's, as text, or None where the desk does not say."""

    kind: ActorKind = ActorKind.UNKNOWN
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Organisation:
    """A requester's company as the desk records it; `fields` are the desk's own custom fields by name."""

    id: str
    name: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Requester:
    """The customer who asks. A webhook often carries the id alone; the rest is then None until it is read.

    `created_at` (UTC) is since when the desk's own record of them exists; a ticket that was read tells it seldom.
    """

    id: str
    name: str | None = None
    email: str | None = None
    external_id: str | None = None
    locale: str | None = None
    organisation: Organisation | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    created_at: datetime | None = None


class AgentStatus(StrEnum):
    """Whether an agent can be given work now. `UNKNOWN`: the desk's plan hides it; `GONE`: no longer at the desk."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"
    UNKNOWN = "unknown"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """An agent as the desk knows them now.

    `load` is the number of open tickets the desk counts for them and `limit` the desk's own cap; either is None
    where the desk does not say. `inferred` is True where the status is a guess because the plan hides availability.
    `since` is when we first saw them in this status (`bridge.store.roster`).
    """

    id: str
    name: str
    email: str | None = None
    team_ids: tuple[str, ...] = ()
    status: AgentStatus = AgentStatus.UNKNOWN
    load: int | None = None
    limit: int | None = None
    inferred: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class TeamRecord:
    """A team (Zendesk and Freshdesk: group) as the desk knows it. `self_assigning` names the desk's own routing."""

    id: str
    name: str
    self_assigning: str | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody at one desk at `taken_at` (UTC), with the names the desk gives to tags and fields where it lists them.

    `acting_id` is the agent in whose name our credential writes.
    """

    desk: str
    taken_at: datetime
    agents: tuple[AgentRecord, ...]
    teams: tuple[TeamRecord, ...]
    acting_id: str | None = None
    field_names: tuple[str, ...] | None = None
