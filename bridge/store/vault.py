"""The vault: secrets that the settings refer to, kept sealed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Table, delete, inspect, select, update
from sqlalchemy.exc import DBAPIError

from bridge.sealing import CannotUnseal, NoKey, Sealer
from bridge.store.session import Store
from bridge.store.tables import secrets, tokens


@dataclass(frozen=True, slots=True)
class Kept:
    """A secret that the vault has, without the secret; `rests_on_old_key` where the first key does not open it."""

    name: str
    changed_at: datetime
    rests_on_old_key: bool


def put(store: Store, sealer: Sealer, name: str, secret: str, *, now: datetime) -> bool:
    """Keep a secret under a name; False, and nothing is changed, where that is what it has."""
    with store.writing() as connection:
        sealed = connection.scalar(select(secrets.c.body).where(secrets.c.name == name))
        if sealed is not None and _opens_to(sealer, name, sealed, secret):
            return False
        row = {"name": name, "body": sealer.seal(name, secret), "changed_at": now}
        statement = store.insert(secrets).values(row)
        connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))
        return True


def _opens_to(sealer: Sealer, name: str, sealed: str, secret: str) -> bool:
    try:
        return sealer.opened(name, sealed) == secret
    except CannotUnseal:
        return False


def kept(connection: Connection, sealer: Sealer) -> list[Kept]:
    """What the vault has, by name."""
    rows = connection.execute(select(secrets).order_by(secrets.c.name))
    return [Kept(row.name, row.changed_at, not sealer.is_by_first(row.body)) for row in rows]


def remove(store: Store, name: str) -> bool:
    """Forget a secret; False where there is none."""
    with store.writing() as connection:
        return connection.execute(delete(secrets).where(secrets.c.name == name)).rowcount == 1


def rotate(store: Store, sealer: Sealer) -> int:
    """Seal with the first key all that another one seals, secrets and token pairs; how many those were.

    What somebody else changes at that moment is left as they put it. Raises CannotUnseal, and then changes nothing.
    """
    with store.writing() as connection:
        return sum(
            connection.execute(
                update(table).where(table.c[key] == name, table.c.body == sealed).values(body=sealer.seal(name, secret))
            ).rowcount
            for table, key in ((secrets, "name"), (tokens, "desk"))
            for name, sealed, secret in list(_to_reseal(connection, sealer, table, key))
        )


def _to_reseal(connection: Connection, sealer: Sealer, table: Table, key: str) -> Iterator[tuple[str, str, str]]:
    for name, sealed in connection.execute(select(table.c[key], table.c.body)):
        if not sealer.is_by_first(sealed):
            yield name, sealed, sealer.opened(name, sealed)


class Reveal:
    """Tells the secrets of a database that may not be there yet; it is read when first asked, and not written."""

    def __init__(self, database: Callable[[], str], keys: str | None) -> None:
        """`database` is its address; raises ValueError where there is none to be had."""
        self._database = database
        self._keys = keys
        self._sealed: dict[str, str] | None = None

    def __call__(self, name: str) -> str:
        """The secret of a name. Raises ValueError, which says what to do."""
        if self._sealed is None:
            self._sealed = _all(self._database())
        if name not in self._sealed:
            raise ValueError(f"the database keeps no secret '{name}'; put it there by `deskbridge secrets set {name}`")
        try:
            return Sealer(self._keys).opened(name, self._sealed[name])
        except (NoKey, CannotUnseal) as error:
            raise ValueError(str(error)) from None


def _all(database: str) -> dict[str, str]:
    store = Store(database, connections=1)
    try:
        if store.is_sqlite and not Path(str(store.engine.url.database)).exists():  # asking would make the file
            return {}
        with store.reading() as connection:
            there = is_there(connection, secrets)
            return {row.name: row.body for row in connection.execute(select(secrets))} if there else {}
    except DBAPIError as error:
        raise ValueError(f"the database that keeps this secret cannot be read: {error.orig}") from None
    finally:
        store.close()


def is_there(connection: Connection, table: Table) -> bool:
    """Whether the database has the table, which one that this release has not met yet may lack."""
    return inspect(connection).has_table(table.name)
