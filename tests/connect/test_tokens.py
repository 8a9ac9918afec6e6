"""The tokens of a sign-in: kept before they are used, renewed by one at a time, lost by nobody."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from adapters.zendesk import ZendeskDesk, ZendeskOptions
from adapters.zendesk.credentials import SignedIn
from bridge.errors import BadCredential, Retryable
from bridge.ports import TokenPair
from bridge.sealing import KEY, Sealer, new_key
from bridge.store import Store, vault
from bridge.store.tokens import LEASE, StoredTokens
from sandbox.common.server import Running, start
from sandbox.zendesk import ZendeskSandbox
from sandbox.zendesk.desk import REFRESH_TOKEN
from tests.conftest import Clock
from tests.connect.refresher import CLIENT, exchanging, utc_now
from tests.contract.world import OpenGate

SECRET_KEY = new_key()


@pytest.fixture
def desk(clock: Clock) -> Iterator[Running]:
    with start(ZendeskSandbox(clock=clock.unix)) as running:
        yield running


class Kept:
    """The tokens of one desk as several processes see them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.url = store.engine.url.render_as_string(hide_password=False)
        self._clock = clock
        self._all: list[StoredTokens] = []

    def seen_by_a_process(self, keys: str | None = SECRET_KEY) -> StoredTokens:
        self._all.append(StoredTokens(self.url, keys, "acme", clock=self._clock))
        return self._all[-1]

    def close(self) -> None:
        for each in self._all:
            each.close()


@pytest.fixture
def kept(store: Store, clock: Clock) -> Iterator[Kept]:
    found = Kept(store, clock)
    yield found
    found.close()


def pair(number: int, clock: Clock, minutes: float = 30) -> TokenPair:
    ends = clock() + timedelta(minutes=minutes)
    return TokenPair(f"access-{number}", f"refresh-{number}", ends, "read write", ends + timedelta(days=30))


def not_asked(spent: TokenPair) -> TokenPair:
    raise AssertionError(f"{spent} was exchanged")


def test_nobody_has_signed_in_until_somebody_has(kept: Kept, clock: Clock) -> None:
    with pytest.raises(BadCredential, match="nobody has signed in to desk 'acme'"):
        kept.seen_by_a_process().pair()
    kept.seen_by_a_process().sign_in(pair(1, clock))
    assert kept.seen_by_a_process().pair() == pair(1, clock)
    kept.seen_by_a_process().sign_in(pair(2, clock))
    assert kept.seen_by_a_process().pair() == pair(2, clock)


def test_a_pair_shows_nothing_of_itself_and_is_sealed_in_the_database(kept: Kept, store: Store, clock: Clock) -> None:
    kept.seen_by_a_process().sign_in(pair(1, clock))
    assert "access-1" not in repr(pair(1, clock))
    with store.reading() as connection:
        stored = str(connection.exec_driver_sql("SELECT * FROM tokens").all())
    assert "access-1" not in stored
    assert "refresh-1" not in stored
    with pytest.raises(BadCredential, match=f"{KEY} is not set"):
        kept.seen_by_a_process(None).pair()


def test_a_new_pair_is_kept_before_anybody_has_it(kept: Kept, clock: Clock) -> None:
    tokens, another = kept.seen_by_a_process(), kept.seen_by_a_process()
    tokens.sign_in(pair(1, clock))
    assert tokens.renew(pair(1, clock), lambda _: pair(2, clock)) == pair(2, clock)
    assert another.pair() == pair(2, clock)
    assert another.renew(pair(1, clock), not_asked) == pair(2, clock)  # what was spent is not spent again


def test_while_one_renews_the_others_wait_for_what_it_gets(kept: Kept, clock: Clock) -> None:
    slow, waiting = kept.seen_by_a_process(), kept.seen_by_a_process()
    slow.sign_in(pair(1, clock))
    asked, answered, got = threading.Event(), threading.Event(), list[TokenPair]()

    def exchange(spent: TokenPair) -> TokenPair:
        asked.set()
        assert answered.wait(10)
        return pair(2, clock)

    first = threading.Thread(target=lambda: got.append(slow.renew(pair(1, clock), exchange)))
    second = threading.Thread(target=lambda: got.append(waiting.renew(pair(1, clock), not_asked)))
    first.start()
    assert asked.wait(10)
    second.start()
    answered.set()
    first.join(10)
    second.join(10)
    assert got == [pair(2, clock)] * 2


def test_one_that_dies_while_it_renews_is_outlived_by_its_lease(kept: Kept, clock: Clock) -> None:
    dying, living = kept.seen_by_a_process(), kept.seen_by_a_process()
    dying.sign_in(pair(1, clock))

    def dies(spent: TokenPair) -> TokenPair:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dying.renew(pair(1, clock), dies)
    clock.turn(LEASE.total_seconds() + 1)
    assert living.renew(living.pair(), lambda _: pair(2, clock)) == pair(2, clock)


def test_a_vendor_that_does_not_answer_leaves_the_pair_to_be_tried_again_at_once(kept: Kept, clock: Clock) -> None:
    tokens = kept.seen_by_a_process()
    tokens.sign_in(pair(1, clock))

    def away(spent: TokenPair) -> TokenPair:
        raise Retryable("no answer")

    with pytest.raises(Retryable, match="no answer"):
        tokens.renew(pair(1, clock), away)
    assert kept.seen_by_a_process().renew(pair(1, clock), lambda _: pair(2, clock)) == pair(2, clock)


def test_a_refusal_is_told_with_what_to_do_unless_another_was_quicker(kept: Kept, clock: Clock) -> None:
    tokens, another = kept.seen_by_a_process(), kept.seen_by_a_process()
    tokens.sign_in(pair(1, clock))

    def refused(spent: TokenPair) -> TokenPair:
        raise BadCredential("invalid_grant", 400)

    with pytest.raises(BadCredential, match=r"invalid_grant; sign in by `deskbridge connect` again \(HTTP 400\)"):
        tokens.renew(pair(1, clock), refused)

    def overtaken(spent: TokenPair) -> TokenPair:
        clock.turn(LEASE.total_seconds() + 1)
        another.renew(pair(1, clock), lambda _: pair(2, clock, 29))
        raise BadCredential("invalid_grant", 400)

    assert tokens.renew(pair(1, clock), overtaken).access == "access-2"


def test_a_pair_that_the_database_cannot_take_is_kept_as_soon_as_it_can(
    sqlite_store: Store, clock: Clock, tmp_path: Path
) -> None:
    kept = Kept(sqlite_store, clock)
    tokens = kept.seen_by_a_process()
    tokens.sign_in(pair(1, clock))

    def while_the_disk_goes(spent: TokenPair) -> TokenPair:
        with sqlite_store.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE tokens RENAME TO away")
        return pair(2, clock)

    with pytest.raises(Retryable, match="the database that keeps the tokens is away"):
        tokens.renew(pair(1, clock), while_the_disk_goes)
    with sqlite_store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO tokens")
    assert tokens.pair() == pair(2, clock)
    assert kept.seen_by_a_process().pair() == pair(2, clock)
    kept.close()


def test_changing_the_key_seals_the_tokens_too(kept: Kept, store: Store, clock: Clock) -> None:
    kept.seen_by_a_process().sign_in(pair(1, clock))
    new = new_key()
    assert vault.rotate(store, Sealer(f"{new},{SECRET_KEY}")) == 1
    assert kept.seen_by_a_process(new).pair() == pair(1, clock)
    with pytest.raises(BadCredential, match="does not hold"):
        kept.seen_by_a_process().pair()


def test_a_desk_renews_its_tokens_in_time_and_when_they_are_refused(kept: Kept, clock: Clock, desk: Running) -> None:
    tokens = kept.seen_by_a_process()
    exchange = exchanging(desk.url)
    tokens.sign_in(TokenPair("unused", REFRESH_TOKEN, clock() - timedelta(minutes=1)))
    given = {
        "url": desk.url,
        "credentials": CLIENT.model_dump() | {"client_secret": SecretStr("sandbox-client-secret")},
    }
    adapter = ZendeskDesk("acme", ZendeskOptions.model_validate(given), gate=OpenGate(), clock=clock, tokens=tokens)
    assert adapter.roster().agents  # the first token had ended
    first = tokens.pair()
    clock.turn(29 * 60)
    assert adapter.roster().agents
    second = tokens.pair()
    assert first.refresh != second.refresh
    elsewhere = SignedIn(CLIENT, kept.seen_by_a_process(), clock)
    elsewhere.renewed(elsewhere.header(exchange), exchange)  # which ends what `adapter` holds
    assert adapter.roster().agents
    assert tokens.pair().refresh not in {first.refresh, second.refresh}
    adapter.close()


def test_two_processes_that_renew_at_once_never_lose_the_pair(store: Store) -> None:
    with start(ZendeskSandbox()) as desk:
        kept = Kept(store, utc_now)  # type: ignore[arg-type]  # real time, as in the processes
        kept.seen_by_a_process().sign_in(TokenPair("unused", REFRESH_TOKEN, utc_now()))
        command = [sys.executable, "-m", "tests.connect.refresher", kept.url, desk.url, "8"]
        env = os.environ | {KEY: SECRET_KEY}
        root = Path(__file__).parents[2]
        running = [subprocess.Popen(command, env=env, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        told = [process.communicate(timeout=60)[1] for process in running]
        assert [process.returncode for process in running] == [0, 0], told
        newest = kept.seen_by_a_process().pair()
        kept.close()
        grants = [call.status for call in desk.desk.calls.calls if call.path == "/oauth/tokens"]
        assert set(grants) == {200}  # none was spent twice
        assert len(grants) >= 8
        me = httpx.get(f"{desk.url}/api/v2/users/me.json", headers={"authorization": f"Bearer {newest.access}"})
        assert me.json()["user"]["email"] == "bridge@acme.example"
