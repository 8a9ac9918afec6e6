"""The allowances: one row a desk, changed in transactions of their own that lock only that row."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, select, update

from bridge.allowance import Allowance
from bridge.store import codec
from bridge.store.session import Store
from bridge.store.tables import allowances

T = TypeVar("T")


def load(connection: Connection, desk: str) -> Allowance:
    """A desk's allowance as last stored; a new one where there is none."""
    text = connection.execute(select(allowances.c.body).where(allowances.c.desk == desk)).scalar_one_or_none()
    return codec.parse(Allowance, text) if text else Allowance()


def change(store: Store, desk: str, how: Callable[[Allowance], tuple[Allowance, T]]) -> tuple[Allowance, T]:
    """Replace a desk's allowance by what `how` makes of it, one process at a time; what is stored, and its answer."""
    with store.writing() as connection:
        before = _locked(connection, desk)
        if before is None:
            fresh = store.insert(allowances).values(desk=desk, body=codec.dump(Allowance()))
            connection.execute(fresh.on_conflict_do_nothing(index_elements=["desk"]))
            before = _locked(connection, desk)
        assert before is not None
        after, answer = how(before)
        if after != before:
            connection.execute(update(allowances).where(allowances.c.desk == desk).values(body=codec.dump(after)))
    return after, answer


def _locked(connection: Connection, desk: str) -> Allowance | None:
    row = connection.execute(select(allowances.c.body).where(allowances.c.desk == desk).with_for_update()).first()
    return codec.parse(Allowance, row.body) if row is not None else None
