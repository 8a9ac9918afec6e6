"""Zendesk's credentials: OAuth tokens that expire, refresh tokens that work once, and the legacy API token."""

import base64
import binascii
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Request, Response, jsonify, request

from sandbox.zendesk.errors import Refusal
from sandbox.zendesk.state import Account, User

LIFETIME = 1800
"""Seconds an access token lives by default; a client may ask for 300 to 172,800."""

REFRESH_LIFETIME = 30 * 24 * 3600

_SCOPES = {"read", "write"}
_BASE_SCOPES = {"tickets", "users", "organizations", "triggers", "webhooks", "auditlogs", "hc", "macros"}


@dataclass
class Credentials:
    """Every token of the account; guarded by the lock of the desk.

    Which user a client-credentials token acts as is not documented: here the integration user [assumed].
    """

    account: Account
    clock: Callable[[], float]
    client_id: str
    client_secret: str
    api_token: str
    refresh_tokens: set[str] = field(default_factory=set)
    _access: dict[str, float] = field(default_factory=dict)

    def user_of(self, call: Request) -> User | None:
        """Who the Authorization header of a request says is calling, None where it does not hold."""
        scheme, _, value = call.headers.get("Authorization", "").partition(" ")
        match scheme.lower():
            case "bearer":
                return self.account.bridge if self._access.get(value, 0.0) > self.clock() else None
            case "basic":
                return self._user_of_basic(value)
        return None

    def grant(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A new access token. Raises Refusal."""
        if (asked.get("client_id"), asked.get("client_secret")) != (self.client_id, self.client_secret):
            raise _refused(401, "invalid_client", "Client authentication failed")
        lifetime = _lifetime(asked)
        scope = _scope(asked)
        match asked.get("grant_type"):
            case "client_credentials":
                return self._issue(scope, lifetime)
            case "refresh_token":
                return self._issue(scope, lifetime) | self._exchange(str(asked.get("refresh_token")))
        raise _refused(400, "unsupported_grant_type", "This sandbox grants client_credentials and refresh_token")

    def _issue(self, scope: str, lifetime: int) -> dict[str, Any]:
        token = secrets.token_hex(32)
        self._access[token] = self.clock() + lifetime
        return {"access_token": token, "token_type": "bearer", "scope": scope, "expires_in": lifetime}

    def _exchange(self, old: str) -> dict[str, Any]:
        """A refresh token works once: using it deletes it."""
        if old not in self.refresh_tokens:
            raise _refused(400, "invalid_grant", "The refresh token is invalid, expired or was used before")
        self.refresh_tokens.remove(old)
        new = secrets.token_hex(32)
        self.refresh_tokens.add(new)
        return {"refresh_token": new, "refresh_token_expires_in": REFRESH_LIFETIME}

    def _user_of_basic(self, value: str) -> User | None:
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        login, _, token = text.partition(":")
        email, kind, _ = login.rpartition("/token")
        if not kind or not secrets.compare_digest(token.encode(), self.api_token.encode()):
            return None
        return self.account.user_by_email(email)


def routes(app: Flask, credentials: Credentials) -> None:
    """The token endpoint; it takes JSON and forms."""

    @app.post("/oauth/tokens")
    def tokens() -> Response:
        asked = request.get_json(silent=True) or request.form.to_dict()
        return jsonify(credentials.grant(asked))


def _lifetime(asked: dict[str, Any]) -> int:
    lifetime = asked.get("expires_in") or LIFETIME
    if not str(lifetime).isdigit() or not 300 <= int(lifetime) <= 172_800:
        raise _refused(400, "invalid_request", "expires_in must be between 300 and 172800")
    return int(lifetime)


def _scope(asked: dict[str, Any]) -> str:
    scope = str(asked.get("scope") or "read write")
    for word in scope.split():
        base, _, right = word.rpartition(":")
        if (right or base) not in _SCOPES or (base and base not in _BASE_SCOPES):
            raise _refused(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")
    return scope


def _refused(status: int, code: str, description: str) -> Refusal:
    return Refusal(status, {"error": code, "error_description": description})
