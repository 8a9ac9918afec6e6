"""How we sign in to Zendesk: an OAuth client whose tokens are renewed in time, or a fixed token."""

import base64
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from adapters.zendesk.options import AccessToken, ApiToken, OAuthClient, SignIn
from bridge.errors import BadCredential
from bridge.ports import Clock, TokenPair, Tokens

RENEW_BEFORE: Final = timedelta(seconds=60)
"""How long before its end a token is renewed, so that none ends on its way."""

DEFAULT_LIFETIME: Final = 1800
"""Seconds; what Zendesk gives clients made since 30 April 2026, taken where its answer names none."""

API_TOKENS_END: Final = datetime(2027, 4, 30, tzinfo=UTC)
"""After this day no API token works (Zendesk, "API token deprecation")."""

Exchange = Callable[[dict[str, str]], dict[str, Any]]
"""Posts a grant to `/oauth/tokens` and returns the answer's JSON."""


class Credential(Protocol):
    """What stands in the Authorization header. Thread-safe: one credential serves all threads of a desk."""

    @property
    def scope(self) -> str:
        """What the newest token allows, in Zendesk's words; empty where none came with it."""

    @property
    def ends(self) -> datetime | None:
        """When it holds no more if nothing is renewed before, None where it does not end or nothing says when."""

    def header(self, exchange: Exchange) -> str:
        """The header's value now; gets a token first where none is valid. Raises DeskError."""

    def renewed(self, refused: str, exchange: Exchange) -> bool:
        """After a 401 to the header `refused`: True where there is another one to try."""


class Fixed:
    """A header that never changes."""

    scope = ""

    def __init__(self, header: str, ends: datetime | None = None) -> None:
        self._header = header
        self.ends = ends

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
        self.scope = ""
        self.ends = None  # the client's secret does not

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
        answer = exchange({"grant_type": "client_credentials", **identity(self._client)})
        token = answer.get("access_token")
        if not token:
            raise BadCredential("/oauth/tokens answered without an access token; check the OAuth client's grant types")
        self._header, self.scope = f"Bearer {token}", str(answer.get("scope") or "")
        self._until = self._clock() + timedelta(seconds=float(answer.get("expires_in") or DEFAULT_LIFETIME))


class SignedIn:
    """The tokens of a person's sign-in, shared with every process of the bridge; threads wait for the one that asks."""

    def __init__(self, given: SignIn, tokens: Tokens, clock: Clock) -> None:
        self._given = given
        self._tokens = tokens
        self._clock = clock
        self._lock = threading.Lock()
        self._pair: TokenPair | None = None

    @property
    def scope(self) -> str:
        """That of the present pair."""
        return self._pair.scope if self._pair is not None else ""

    @property
    def ends(self) -> datetime | None:
        """The end of the present pair's refresh token."""
        return self._pair.refresh_until if self._pair is not None else None

    def header(self, exchange: Exchange) -> str:
        """The present token, or a new one where it is about to end."""
        with self._lock:
            if self._pair is None:
                self._pair = self._tokens.pair()
            if self._clock() >= self._pair.until - RENEW_BEFORE:
                self._renew(self._pair, exchange)
            return f"Bearer {self._pair.access}"

    def renewed(self, refused: str, exchange: Exchange) -> bool:
        """True: somebody here or elsewhere has renewed since, which ends the token before, or this one does."""
        with self._lock:
            if self._pair is not None and f"Bearer {self._pair.access}" == refused:
                self._renew(self._pair, exchange)
            return True

    def _renew(self, spent: TokenPair, exchange: Exchange) -> None:
        self._pair = self._tokens.renew(spent, lambda pair: self._exchanged(pair, exchange))

    def _exchanged(self, pair: TokenPair, exchange: Exchange) -> TokenPair:
        grant = {"grant_type": "refresh_token", "refresh_token": pair.refresh}
        return pair_of(exchange({**grant, **identity(self._given)}), self._clock())


def identity(given: OAuthClient | SignIn) -> dict[str, str]:
    """How an OAuth client names itself with a grant."""
    return {"client_id": given.client_id, "client_secret": given.client_secret.get_secret_value()}


def pair_of(answer: Mapping[str, Any], now: datetime) -> TokenPair:
    """The tokens of an answer of `/oauth/tokens`. Raises BadCredential where it has none."""
    access, refresh = answer.get("access_token"), answer.get("refresh_token")
    if not access or not refresh:
        raise BadCredential("/oauth/tokens answered without a pair of tokens; check the OAuth client's grant types")
    until = now + timedelta(seconds=float(answer.get("expires_in") or DEFAULT_LIFETIME))
    lasts = answer.get("refresh_token_expires_in")
    ends = now + timedelta(seconds=float(lasts)) if lasts else None
    return TokenPair(str(access), str(refresh), until, str(answer.get("scope") or ""), ends)


def credential(
    desk: str, given: OAuthClient | SignIn | AccessToken | ApiToken, clock: Clock, tokens: Tokens | None
) -> Credential:
    """The credential that the options describe; warns of those that Zendesk is about to end."""
    if isinstance(given, OAuthClient):
        return ClientCredentials(given, clock)
    if isinstance(given, SignIn):
        assert tokens is not None, "a sign-in needs the place where its tokens are kept"
        return SignedIn(given, tokens, clock)
    if isinstance(given, AccessToken):
        return Fixed(f"Bearer {given.access_token.get_secret_value()}")
    structlog.get_logger(__name__).warning(
        "Zendesk ends API tokens",
        desk=desk,
        ends=f"{API_TOKENS_END:%Y-%m-%d}",
        instead="an OAuth client (client_id, client_secret)",
    )
    pair = f"{given.email}/token:{given.api_token.get_secret_value()}"
    return Fixed("Basic " + base64.b64encode(pair.encode()).decode(), API_TOKENS_END)
