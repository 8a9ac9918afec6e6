"""Zendesk's credentials: OAuth tokens that expire, sign-ins by code, refresh tokens that work once, the API token."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Request, Response, g, jsonify, redirect, render_template_string, request

from sandbox.zendesk.errors import Refusal
from sandbox.zendesk.state import Account, User

LIFETIME = 1800
"""Seconds an access token lives by default; a client may ask for 300 to 172,800."""

REFRESH_LIFETIME = 30 * 24 * 3600
CODE_LIFETIME = 120

_SCOPES = {"read", "write"}
_WORDS = {"help_center": "hc"}
"""The words of paths whose scope is called otherwise."""

_BASE_SCOPES = {"tickets", "users", "organizations", "triggers", "webhooks", "auditlogs", "hc", "macros"}

_PAGE = """<!doctype html><title>Allow {{ client }}</title><h1>Allow {{ client }}?</h1>
<p>It asks for: {{ scope }}.</p>
<form method="post" action="/oauth/authorizations?{{ query }}"><button>Allow</button></form>
"""


@dataclass
class _Grant:
    """What a token or a code stands for; `refresh` is the other token of its pair."""

    user: User
    scope: str
    until: float
    refresh: str | None = None
    challenge: str | None = None
    redirect_uri: str | None = None


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
    refresh_token: str
    _access: dict[str, _Grant] = field(default_factory=dict)
    _refresh: dict[str, _Grant] = field(default_factory=dict)
    _codes: dict[str, _Grant] = field(default_factory=dict)

    def __post_init__(self) -> None:
        until = self.clock() + REFRESH_LIFETIME
        self._refresh[self.refresh_token] = _Grant(self.account.bridge, "read write", until)

    @property
    def refresh_tokens(self) -> set[str]:
        """Those that work once more."""
        return set(self._refresh)

    def user_of(self, call: Request) -> User | None:
        """Who the Authorization header of a request says is calling, None where it does not hold.

        What an OAuth token may do is left in `flask.g.scope`.
        """
        scheme, _, value = call.headers.get("Authorization", "").partition(" ")
        match scheme.lower():
            case "bearer":
                found = self._access.get(value)
                if found is None or found.until <= self.clock():
                    return None
                g.scope = found.scope
                return found.user
            case "basic":
                return self._user_of_basic(value)
        return None

    def allow(self, asked: dict[str, str], user: User) -> str:
        """Somebody presses "Allow": where their browser is sent, with a code that works for two minutes."""
        if asked.get("client_id") != self.client_id or not asked.get("redirect_uri"):
            raise _refused(400, "invalid_request", "The client or its redirect URI is unknown")
        code = secrets.token_hex(16)
        until = self.clock() + CODE_LIFETIME
        self._codes[code] = _Grant(
            user, _scope(asked), until, challenge=asked.get("code_challenge"), redirect_uri=asked["redirect_uri"]
        )
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked.get('state', '')})}"

    def grant(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A new access token. Raises Refusal."""
        if (asked.get("client_id"), asked.get("client_secret")) != (self.client_id, self.client_secret):
            raise _refused(401, "invalid_client", "Client authentication failed")
        lifetime = _lifetime(asked)
        match asked.get("grant_type"):
            case "client_credentials":
                return self._issue(_Grant(self.account.bridge, _scope(asked), 0), lifetime)
            case "authorization_code":
                return self._pair(self._redeemed(asked), lifetime)
            case "refresh_token":
                return self._pair(self._spent(str(asked.get("refresh_token"))), lifetime)
        raise _refused(
            400, "unsupported_grant_type", "Granted are client_credentials, authorization_code and refresh_token"
        )

    def _issue(self, grant: _Grant, lifetime: int, refresh: str | None = None) -> dict[str, Any]:
        token = secrets.token_hex(32)
        self._access[token] = _Grant(grant.user, grant.scope, self.clock() + lifetime, refresh)
        return {"access_token": token, "token_type": "bearer", "scope": grant.scope, "expires_in": lifetime}

    def _pair(self, grant: _Grant, lifetime: int) -> dict[str, Any]:
        refresh = secrets.token_hex(32)
        self._refresh[refresh] = _Grant(grant.user, grant.scope, self.clock() + REFRESH_LIFETIME)
        more = {"refresh_token": refresh, "refresh_token_expires_in": REFRESH_LIFETIME}
        return self._issue(grant, lifetime, refresh) | more

    def _redeemed(self, asked: dict[str, Any]) -> _Grant:
        """What a code stands for; it works once, for its own address, with the verifier of its challenge."""
        found = self._codes.pop(str(asked.get("code")), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(str(asked.get("code_verifier")).encode()).digest())
        proven = found is not None and found.challenge in {None, proof.decode().rstrip("=")}
        if (
            found is None
            or found.until <= self.clock()
            or found.redirect_uri != asked.get("redirect_uri")
            or not proven
        ):
            raise _refused(400, "invalid_grant", "The authorization code is invalid, expired or was used before")
        return found

    def _spent(self, old: str) -> _Grant:
        """A refresh token works once: using it deletes it, and the access token of its pair."""
        found = self._refresh.pop(old, None)
        if found is None or found.until <= self.clock():
            raise _refused(400, "invalid_grant", "The refresh token is invalid, expired or was used before")
        self._access = {token: each for token, each in self._access.items() if each.refresh != old}
        return found

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


def require_scope() -> None:
    """Raises the Refusal of a call that its OAuth token does not cover; RFC 6750 section 3.1 has the words [assumed].

    A path's own scope is that of the first word in it which has one; others need the broad `read` or `write`.
    """
    right = "read" if request.method == "GET" else "write"
    words = (_WORDS.get(word, word) for word in request.path.split("/")[3:5])
    base = next((word for word in words if word in _BASE_SCOPES), None)
    wanted = {right, f"{base}:{right}"}
    if "scope" in g and not wanted & set(g.scope.split()):
        said = f"The request requires higher privileges than provided by the access token: {base or ''}:{right}"
        raise Refusal(403, {"error": "insufficient_scope", "error_description": said.replace(" :", " ")})


def routes(app: Flask, credentials: Credentials) -> None:
    """The token endpoint, which takes JSON and forms, and the page on which a person allows a client to act for them.

    Who that person is the sandbox is told by `as=EMAIL`; the integration user where nothing is said.
    """

    @app.post("/oauth/tokens")
    def tokens() -> Response:
        asked = request.get_json(silent=True) or request.form.to_dict()
        return jsonify(credentials.grant(asked))

    @app.get("/oauth/authorizations/new")
    def page() -> str:
        asked = request.args.to_dict()
        client, scope = asked.get("client_id", ""), _scope(asked)
        return render_template_string(_PAGE, client=client, scope=scope, query=urlencode(asked))

    @app.post("/oauth/authorizations")
    def allowed() -> Any:
        asked = request.args.to_dict()
        user = credentials.account.user_by_email(asked.get("as", "")) or credentials.account.bridge
        return redirect(credentials.allow(asked, user))


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
