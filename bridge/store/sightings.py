"""When agents were last seen to do something, where their desk hides who is at work."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from bridge.store.session import Store
from bridge.store.tables import sightings


def keep(store: Store, connection: Connection, desk: str, seen: Mapping[str, datetime]) -> None:
    """Remember when agents were seen, by their ids, unless they were seen later already."""
    rows = [{"desk": desk, "agent_id": agent, "at": at} for agent, at in sorted(seen.items())]
    if rows:
        insert = store.insert(sightings)
        later = sightings.c.at < insert.excluded.at
        anew = {"at": insert.excluded.at}
        connection.execute(
            insert.on_conflict_do_update(index_elements=["desk", "agent_id"], set_=anew, where=later), rows
        )


def load(connection: Connection) -> dict[tuple[str, str], datetime]:
    """When each agent was last seen, by desk and id."""
    return {(row.desk, row.agent_id): row.at for row in connection.execute(select(sightings))}
