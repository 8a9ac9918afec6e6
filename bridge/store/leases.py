"""Leases: whoever works on a row holds it until a time that its process keeps renewing, and loses it by silence."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.sql.elements import ColumnElement

from bridge.store.tables import bulk_jobs, callouts, operations, tickets

_LEASED: Final = (tickets, operations, bulk_jobs, callouts)
"""Always in this order, so that no two processes wait for each other's rows."""


class LeaseLost(Exception):
    """Another worker took over meanwhile; whatever was about to be stored is void."""


def renew(connection: Connection, owners: Sequence[str], until: datetime) -> None:
    """Keep what these owners hold theirs until then, or longer where they have claimed it since."""
    for table in _LEASED:
        held = table.c.lease_owner.in_(owners) & (table.c.lease_until < until)
        connection.execute(update(table).where(held).values(lease_until=until))


def take_over(connection: Connection, now: datetime) -> int:
    """Free what is held by owners who have not been heard of in time, due now; how many rows there were."""
    silent = (table.c.lease_owner.is_not(None) & (table.c.lease_until < now) for table in _LEASED)
    return sum(_free(connection, table, which, now) for table, which in zip(_LEASED, silent, strict=True))


def let_go(connection: Connection, owners: Sequence[str], now: datetime) -> None:
    """Free what these owners hold, due now."""
    for table in _LEASED:
        _free(connection, table, table.c.lease_owner.in_(owners), now)


def require(connection: Connection, table: Table, owner: str, row: str) -> None:
    """Lock a row by its id. Raises LeaseLost where it is no longer `owner`'s."""
    mine = select(table.c.id).where(table.c.id == row, table.c.lease_owner == owner).with_for_update()
    if connection.execute(mine).first() is None:
        raise LeaseLost(f"{table.name}:{row}")


def _free(connection: Connection, table: Table, which: ColumnElement[bool], now: datetime) -> int:
    free = update(table).where(which).values(lease_owner=None, lease_until=None, due_at=now)
    return connection.execute(free).rowcount
