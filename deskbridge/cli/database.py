"""The database of the settings, opened for one command."""

from collections.abc import Iterator
from contextlib import contextmanager

from bridge.settings import Settings
from bridge.store import Store


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The store, brought to this release's shape. Raises DatabaseUnusable."""
    store = Store(settings.database.get_secret_value(), durability=settings.durability)
    try:
        store.migrate()
        yield store
    finally:
        store.close()
