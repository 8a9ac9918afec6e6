"""How we sign in to Zendesk: an OAuth client whose tokens are renewed in time, or a fixed token."""

import base64
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from adapters.zendesk.options import AccessToken, ApiToken, OAuthClient
from bridge.errors import BadCredential
from bridge.ports import Clock

RENEW_BEFORE: Final = timedelta(seconds=60)
"""How long before its end a token is renewed, so that none ends on its way."""

DEFAULT_LIFETIME: Final = 1800
"""Seconds; what Zendesk gives clients made since 30 April 2026, taken where its answer names none."""

Exchange = Callable[[dict[str, str]], dict[str, Any]]
"""Posts a grant to `/oauth/tokens` and returns the answer's JSON."""


class Credential(Protocol):
    """What stands in the Authorization header. Thread-safe: one credential serves all threads of a desk."""

    def header(self, exchange: Exchange) -> str:
        """The header's value now; gets a token first where none is valid. Raises DeskError."""

    def renewed(self, refused: str, exchange: Exchange) -> bool:
        """After a 401 to the header `refused`: True where there is another one to try."""


class Fixed:
    """A header that never changes."""

    def __init__(self, header: str) -> None:
        self._header = header

    def header(self, exchange: Exchange) -> str:
        """The header as configured."""
        del exchange
        return self._header

    def renewed(self, refused: str, exchange: Exchange) -> bool:
        """There is no other."""
        del refused, exchange
        return False


class ClientCredentials:
    """Tokens of the OAuth grant client_credentials; threads wait for the one that renews."""

    def __init__(self, client: OAuthClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._header: str | None = None
        self._until: datetime = clock()

    def header(self, exchange: Exchange) -> str:
        """The present token, or a new one where it is about to end."""
        with self._lock:
            if self._header is None or self._clock() >= self._until - RENEW_BEFORE:
                self._fetch(exchange)
            assert self._header
            return self._header

    def renewed(self, refused: str, exchange: Exchange) -> bool:
        """True: either another thread has renewed since, or this one does."""
        with self._lock:
            if self._header == refused:
                self._fetch(exchange)
            return True

    def _fetch(self, exchange: Exchange) -> None:
        answer = exchange(
            {
                "grant_type": "client_credentials",
                "client_id": self._client.client_id,
                "client_secret": self._client.client_secret.get_secret_value(),
            }
        )
        token = answer.get("access_token")
        if not token:
            raise BadCredential("/oauth/tokens answered without an access token; check the OAuth client's grant types")
        self._header = f"Bearer {token}"
        self._until = self._clock() + timedelta(seconds=float(answer.get("expires_in") or DEFAULT_LIFETIME))


def credential(desk: str, given: OAuthClient | AccessToken | ApiToken, clock: Clock) -> Credential:
    """The credential that the options describe; warns of those that Zendesk is about to end."""
    if isinstance(given, OAuthClient):
        return ClientCredentials(given, clock)
    if isinstance(given, AccessToken):
        return Fixed(f"Bearer {given.access_token.get_secret_value()}")
    structlog.get_logger(__name__).warning(
        "Zendesk ends API tokens", desk=desk, ends="2027-04-30", instead="an OAuth client (client_id, client_secret)"
    )
    pair = f"{given.email}/token:{given.api_token.get_secret_value()}"
    return Fixed("Basic " + base64.b64encode(pair.encode()).decode())
