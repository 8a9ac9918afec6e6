"""A process that renews a desk's tokens again and again, as fast as it can: python -m tests.connect.refresher ..."""

import os
import sys
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import SecretStr

from adapters.zendesk.credentials import SignedIn
from adapters.zendesk.options import SignIn
from bridge.errors import BadCredential
from bridge.sealing import KEY
from bridge.store.tokens import StoredTokens
from sandbox.zendesk.desk import CLIENT_ID, CLIENT_SECRET

CLIENT = SignIn(grant="authorization_code", client_id=CLIENT_ID, client_secret=SecretStr(CLIENT_SECRET))


def utc_now() -> datetime:
    return datetime.now(UTC)


def exchanging(url: str) -> Any:
    """Posts grants to the desk at `url`."""

    def exchange(grant: dict[str, str]) -> dict[str, Any]:
        answer = httpx.post(f"{url}/oauth/tokens", json=grant, timeout=20)
        if answer.status_code != 200:
            raise BadCredential(answer.text, answer.status_code)
        return dict(answer.json())

    return exchange


def main(database: str, url: str, rounds: int) -> None:
    tokens = StoredTokens(database, os.environ[KEY], "acme", clock=utc_now)
    credential, exchange = SignedIn(CLIENT, tokens, utc_now), exchanging(url)
    for _ in range(rounds):
        header = credential.header(exchange)
        httpx.get(f"{url}/api/v2/users/me.json", headers={"authorization": header})  # refused where another renewed
        credential.renewed(header, exchange)
    tokens.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
