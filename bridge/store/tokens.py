"""Token pairs: one for each desk that a person signed in to, kept before it is used, renewed by one at a time."""

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import select, update

from bridge.errors import BadCredential, DeskError, Retryable
from bridge.ports import Clock, TokenPair
from bridge.sealing import CannotUnseal, NoKey, Sealer
from bridge.store.session import AWAY, Store
from bridge.store.tables import tokens
from bridge.store.vault import is_there

T = TypeVar("T")

LEASE: Final = timedelta(seconds=60)
"""How long one may take to exchange a pair before another tries; longer than a call to a vendor takes."""

WAIT_SECONDS: Final = 30.0
"""How long a call waits for the pair that another is getting."""

_LOOK_SECONDS: Final = 0.05

SIGN_IN: Final = "sign in by `deskbridge connect`"


@dataclass(frozen=True, slots=True)
class _Row:
    pair: TokenPair
    serial: int


class StoredTokens:
    """A desk's pair in the database (`bridge.ports.Tokens`), which is opened when first asked for one.

    A refresh token works once, so whoever uses it holds a lease, and keeps the new pair before anybody sees it. Should
    the database be away at that moment, the pair stays in this process until it can be kept.
    """

    def __init__(self, database: str, keys: str | None, desk: str, *, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._desk = desk
        self._clock = clock
        self._me = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._unkept: tuple[int, TokenPair] | None = None

    def pair(self) -> TokenPair:
        """The newest pair. Raises BadCredential where nobody has signed in, Retryable while the database is away."""
        with self._lock:
            return self._guarded(self._row).pair

    def renew(self, spent: TokenPair, exchange: Callable[[TokenPair], TokenPair]) -> TokenPair:
        """See `bridge.ports.Tokens`. Raises BadCredential where the vendor takes the refresh token no more."""
        with self._lock:
            return self._guarded(lambda: self._renew(spent, exchange))

    def sign_in(self, pair: TokenPair) -> None:
        """Keep the pair of a sign-in in place of any that there was. Raises NoKey and DatabaseUnusable."""
        with self._lock:
            store = self._opened()
            store.migrate()
            row = {"body": self._sealed(pair), "changed_at": self._clock(), "lease_owner": None, "lease_until": None}
            statement = store.insert(tokens).values(desk=self._desk, serial=1, **row)
            with store.writing() as connection:
                connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["desk"], set_={**row, "serial": tokens.c.serial + 1}
                    )
                )

    def close(self) -> None:
        """End the connections to the database."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _guarded(self, work: Callable[[], T]) -> T:
        """What the work gives, the database's and the vault's errors said as the port's."""
        try:
            self._keep_unkept()
            return work()
        except AWAY as error:
            raise Retryable(f"the database that keeps the tokens is away ({type(error).__name__})") from error
        except (NoKey, CannotUnseal) as error:
            raise BadCredential(str(error)) from error

    def _renew(self, spent: TokenPair, exchange: Callable[[TokenPair], TokenPair]) -> TokenPair:
        row = self._claimed(spent)
        if row.pair.refresh != spent.refresh:
            return row.pair
        try:
            fresh = exchange(row.pair)
        except BadCredential as error:
            return self._of_another(row, error)
        except DeskError:
            self._release()
            raise
        self._unkept = (row.serial, fresh)
        self._keep_unkept()
        return self._row().pair

    def _claimed(self, spent: TokenPair) -> _Row:
        """The row, with the lease on it ours unless its pair is newer than `spent`."""
        until = time.monotonic() + WAIT_SECONDS
        while (row := self._row()).pair.refresh == spent.refresh and not self._claim(row.serial):
            if time.monotonic() > until:
                raise Retryable(f"another process is renewing the token of desk '{self._desk}'", after=1.0)
            time.sleep(_LOOK_SECONDS)
        return row

    def _claim(self, serial: int) -> bool:
        now = self._clock()
        free = tokens.c.lease_until.is_(None) | (tokens.c.lease_until < now)
        statement = update(tokens).where(tokens.c.desk == self._desk, tokens.c.serial == serial, free)
        with self._opened().writing() as connection:
            return connection.execute(statement.values(lease_owner=self._me, lease_until=now + LEASE)).rowcount == 1

    def _release(self) -> None:
        statement = update(tokens).where(tokens.c.desk == self._desk, tokens.c.lease_owner == self._me)
        with self._opened().writing() as connection:
            connection.execute(statement.values(lease_owner=None, lease_until=None))

    def _of_another(self, row: _Row, refusal: BadCredential) -> TokenPair:
        """The pair of one whose lease had run out, but who was only slow; the refusal where there is none."""
        newest = self._row()
        if newest.serial == row.serial:
            self._release()
            raise BadCredential(f"{refusal.words}; {SIGN_IN} again", refusal.code) from refusal
        return newest.pair

    def _keep_unkept(self) -> None:
        """Keep the pair that an exchange gave; that of a sign-in since then stands."""
        if self._unkept is None:
            return
        serial, pair = self._unkept
        row = {"body": self._sealed(pair), "serial": serial + 1, "changed_at": self._clock()}
        statement = update(tokens).where(tokens.c.desk == self._desk, tokens.c.serial == serial)
        with self._opened().writing() as connection:
            connection.execute(statement.values(**row, lease_owner=None, lease_until=None))
        self._unkept = None

    def _row(self) -> _Row:
        statement = select(tokens.c.body, tokens.c.serial).where(tokens.c.desk == self._desk)
        with self._opened().reading() as connection:
            row = connection.execute(statement).first() if is_there(connection, tokens) else None
        if row is None:
            raise BadCredential(f"nobody has signed in to desk '{self._desk}'; {SIGN_IN}")
        access, refresh, until, scope, last = json.loads(Sealer(self._keys).opened(self._desk, row.body))
        ends = datetime.fromisoformat(last) if last else None
        return _Row(TokenPair(access, refresh, datetime.fromisoformat(until), scope, ends), row.serial)

    def _sealed(self, pair: TokenPair) -> str:
        last = pair.refresh_until.isoformat() if pair.refresh_until else None
        told = [pair.access, pair.refresh, pair.until.isoformat(), pair.scope, last]
        return Sealer(self._keys).seal(self._desk, json.dumps(told))

    def _opened(self) -> Store:
        if self._store is None:
            self._store = Store(self._database, connections=1)
        return self._store
