"""The database of the settings, opened for one command."""

from collections.abc import Iterator
from contextlib import contextmanager

from bridge.settings import Settings
from bridge.store import Store


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The store, brought to this release's shape. Raises DatabaseUnusable."""
    with opened_at(settings.database.get_secret_value(), durability=settings.durability) as store:
        yield store


@contextmanager
def opened_at(database: str, *, durability: str = "full") -> Iterator[Store]:
    """The store at an address, brought to this release's shape. Raises DatabaseUnusable."""
    store = Store(database, durability=durability)
    try:
        store.migrate()
        yield store
    finally:
        store.close()
