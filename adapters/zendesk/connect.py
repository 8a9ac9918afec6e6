"""Meeting a Zendesk account: who its credential makes us, what that allows, and a person's sign-in by OAuth."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from adapters.wire import permission, some_id
from adapters.zendesk.client import ZendeskClient
from adapters.zendesk.credentials import identity, pair_of
from adapters.zendesk.options import AccessToken, ApiToken, SignIn, ZendeskOptions
from bridge.errors import BadCredential, NotThere
from bridge.ports import Introduction, Permission, TokenPair

SCOPE: Final = "read write"
"""What we ask for; a client may be allowed less, and then says so (`Introduction.permissions`)."""

ENDING: Final = (
    "Zendesk ends API tokens on 30 April 2027, and none can be made since 27 October 2026: "
    "make an OAuth client in Admin Center and connect by it"
)
RECENT: Final = timedelta(minutes=5)
"""From when on the export is tried: not younger than it takes, and little to answer."""

SOMEBODY_RENEWS: Final = "somebody else has to renew this access token before it ends; Deskbridge cannot"
NO_ADMIN: Final = "{user} is no administrator of the account: lists that only administrators may read are missing below"


def introduce(client: ZendeskClient, options: ZendeskOptions, now: datetime) -> Introduction:
    """Ask who we are and try every kind of read that we make. Raises DeskError.

    Zendesk answers `GET /users/me` also to nobody, as an anonymous user without an id.
    """
    me = client.me()
    if some_id(me.get("id")) is None or me.get("role") == "end-user":
        raise BadCredential(
            "Zendesk knows the credential as no agent's; see that the agent's e-mail address is right", 401
        )
    user = f"{me.get('name')} <{me.get('email')}>, {me.get('role')}"
    remarks = [ENDING] if isinstance(options.credentials, ApiToken) else []
    remarks += [SOMEBODY_RENEWS] if isinstance(options.credentials, AccessToken) else []
    remarks += [NO_ADMIN.format(user=me.get("name"))] if me.get("role") != "admin" else []
    account = urlsplit(options.url).netloc
    allowed = (*_reads(client, now), *_writes(client.scope))
    return Introduction(account, user, allowed, tuple(remarks), ends=client.ends)


def _reads(client: ZendeskClient, now: datetime) -> Iterator[Permission]:
    """Each list that we read, called by its scope in Zendesk's reference or by the role that it takes."""
    recently = int((now - RECENT).timestamp())
    exports = partial(client.glance, "incremental/tickets/cursor.json", start_time=recently)
    yield permission("tickets:read", "read tickets and what is said on them", _list(client, "tickets"), needed=True)
    yield permission("incremental exports (administrator)", "find what no webhook told", exports, needed=True)
    yield permission("users:read", "know the agents", _list(client, "users"), needed=True)
    yield permission("groups", "know the teams", _list(client, "groups"), needed=True)
    yield permission("group memberships", "know who is in a team", _list(client, "group_memberships"), needed=True)
    online = partial(client.glance, "agent_availabilities")
    yield permission("agent availability (administrator)", "see who is online, with how much work", online)
    yield permission("ticket fields", "check the fields that the policy names", _list(client, "ticket_fields"))
    yield permission("triggers:read (administrator)", "import triggers as a policy", _list(client, "triggers"))
    webhooks = partial(client.glance, "webhooks")
    yield permission("webhooks:read (administrator)", "put up webhooks and see what they missed", webhooks)
    yield permission("hc:read", "suggest articles of the help centre", partial(_help_center, client))


def _help_center(client: ZendeskClient) -> None:
    with suppress(NotThere):  # an account without a help centre lacks no permission
        client.glance("help_center/articles")


def _list(client: ZendeskClient, name: str) -> Callable[[], object]:
    return partial(client.glance, f"{name}.json")


def _writes(scope: str) -> Iterator[Permission]:
    """What no read shows, by the scope that came with the token, where one did."""
    if scope:
        lacks = None if {"write", "tickets:write"} & set(scope.split()) else f"the token's scope is '{scope}'"
        yield Permission("tickets:write", "assign, tag and note on tickets", needed=False, refused=lacks)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A sign-in that was begun (RFC 6749 section 4.1 with RFC 7636): the `address` for the browser, and its proofs."""

    address: str
    redirect: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


def invite(options: ZendeskOptions, redirect: str) -> Invitation:
    """Begin a sign-in that ends at the address `redirect`, which must be one of the OAuth client's."""
    given = _sign_in(options)
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code",
        "client_id": given.client_id,
        "redirect_uri": redirect,
        "scope": SCOPE,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return Invitation(f"{options.url}/oauth/authorizations/new?{urlencode(asked)}", redirect, state, verifier)


def accept(
    client: ZendeskClient, options: ZendeskOptions, invitation: Invitation, landed: str, now: datetime
) -> TokenPair:
    """The tokens for the address that the browser `landed` on, whose code holds for two minutes. Raises DeskError."""
    told = {name: values[0] for name, values in parse_qs(urlsplit(landed.strip()).query).items()}
    if "error" in told:
        raise BadCredential(f"Zendesk did not let you sign in: {told.get('error_description') or told['error']}")
    if told.get("state") != invitation.state or "code" not in told:
        raise BadCredential("that is not the address which this sign-in leads to; copy it whole, and from this time")
    grant = {
        "grant_type": "authorization_code",
        "code": told["code"],
        "redirect_uri": invitation.redirect,
        "scope": SCOPE,
        "code_verifier": invitation.verifier,
    }
    return pair_of(client.exchange({**grant, **identity(_sign_in(options))}), now)


def _sign_in(options: ZendeskOptions) -> SignIn:
    assert isinstance(options.credentials, SignIn), "only a client of the grant authorization_code signs people in"
    return options.credentials
