"""`deskbridge connect`: an account of one's own becomes a desk of the settings, tried before anything is written."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from adapters.intercom.connect import REGIONS
from bridge.errors import BadCredential
from bridge.metrics import CountingGate, Metrics
from bridge.ports import Introduction
from bridge.references import References
from bridge.sealing import KEY, Sealer
from bridge.settings import DESK_NAME
from bridge.store.tokens import StoredTokens
from deskbridge import connecting, settingsfile
from deskbridge.cli.init import begin
from deskbridge.cli.outlast import outlast
from deskbridge.cli.secret import asked
from deskbridge.connecting import Answer, Answers
from deskbridge.keeping import Place, keeper
from deskbridge.vendors import VENDORS
from deskbridge.wiring import utc_now

app = typer.Typer(
    help="Connect an account of your own: try the credential, say what it may do, write the desk into the settings.",
    no_args_is_help=True,
)

Name = Annotated[str | None, typer.Argument(help="What the desk is to be called; by the account if not given.")]
Url = Annotated[str | None, typer.Option(metavar="ACME", help="The account: its subdomain, or its whole address.")]
Store = Annotated[
    Place | None,
    typer.Option("--store", help="Where secrets are put; the database if its key is in the environment, else files."),
]
Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file; it is made if it is not there.")]
REFERENCE: Final = "REFERENCE"
_DEFAULT: Final = Path("deskbridge.yaml")

ASK: Final = "-"
"""An option's value that has a secret asked for although the settings have one."""

REDIRECT: Final = "http://localhost/"
"""Where a browser is sent after a sign-in: nothing needs to answer there, only the address counts."""


class Grant(StrEnum):
    """How to sign in to Zendesk."""

    CLIENT = "client-credentials"
    PERSON = "authorization-code"
    TOKEN = "api-token"  # noqa: S105 - the name of a way, not a token


class Region(StrEnum):
    """Where an Intercom workspace lives."""

    US = "us"
    EU = "eu"
    AU = "au"


@app.command()
def zendesk(
    name: Name = None,
    url: Url = None,
    grant: Annotated[Grant | None, typer.Option(help="How to sign in.")] = None,
    client_id: Annotated[str | None, typer.Option(help="The OAuth client's unique identifier.")] = None,
    client_secret: Annotated[str | None, typer.Option(metavar=REFERENCE, help="Its secret.")] = None,
    redirect: Annotated[str, typer.Option(help="authorization-code: one of the OAuth client's addresses.")] = REDIRECT,
    anew: Annotated[bool, typer.Option("--anew", help="authorization-code: sign in although somebody has.")] = False,
    email: Annotated[str | None, typer.Option(help="api-token: the agent in whose name to write.")] = None,
    api_token: Annotated[str | None, typer.Option(metavar=REFERENCE, help="api-token: the token.")] = None,
    store: Store = None,
    config: Config = _DEFAULT,
) -> None:
    """Connect a Zendesk account, by an OAuth client or, until 30 April 2027, an API token."""
    form = _Form("zendesk", name, url, config, store)
    before = _grant_of(form.said.get("credentials"))
    way = grant or before or typer.prompt(f"How to sign in ({', '.join(Grant)})", default=Grant.CLIENT, type=Grant)
    fields = form.fields.inside("credentials" if way is before else "")
    if way is Grant.TOKEN:
        address, token = (
            fields.text("email", email, "Agent's e-mail"),
            fields.secret("api_token", api_token, "API token"),
        )
        form.conclude({"credentials": {"email": address, "api_token": token}})
        return
    client = {
        "client_id": fields.text("client_id", client_id, "Unique identifier of the OAuth client"),
        "client_secret": fields.secret("client_secret", client_secret, "Secret of the OAuth client"),
    }
    if way is Grant.CLIENT:
        form.conclude({"credentials": client})
        return
    Sealer(os.environ.get(KEY))  # its absence is told before anybody signs in
    begin(config)
    code = Answer("authorization_code", "authorization_code")
    form.conclude({"credentials": {"grant": code, **client}}, partial(_by_browser, redirect, anew))


@app.command()
def freshdesk(
    name: Name = None,
    url: Url = None,
    api_key: Annotated[str | None, typer.Option(metavar=REFERENCE, help="An administrator's API key.")] = None,
    store: Store = None,
    config: Config = _DEFAULT,
) -> None:
    """Connect a Freshdesk account, by the API key of the agent in whose name to write."""
    form = _Form("freshdesk", name, url, config, store)
    form.conclude({"api_key": form.fields.secret("api_key", api_key, "API key")})


@app.command()
def intercom(
    name: Name = None,
    region: Annotated[Region | None, typer.Option(help="Where the workspace's data is.")] = None,
    url: Annotated[str | None, typer.Option(help="The API's whole address, instead of a region.")] = None,
    access_token: Annotated[str | None, typer.Option(metavar=REFERENCE, help="The app's access token.")] = None,
    client_secret: Annotated[
        str | None, typer.Option(metavar=REFERENCE, help="The app's client secret, which signs its webhooks.")
    ] = None,
    admin_id: Annotated[str | None, typer.Option(help="The teammate in whose name to write; else the token's.")] = None,
    version: Annotated[str | None, typer.Option(help="The Intercom-Version to ask for; else the newest known.")] = None,
    store: Store = None,
    config: Config = _DEFAULT,
) -> None:
    """Connect an Intercom workspace, by the access token of an app of its Developer Hub."""
    form = _Form("intercom", name, url or region, config, store)
    answers: dict[str, Any] = {"access_token": form.fields.secret("access_token", access_token, "Access token")}
    if client_secret or not form.said.get("webhook_secrets"):
        answers["webhook_secrets"] = [form.fields.secret("webhook_secrets", client_secret, "Client secret")]
    chosen = {"admin_id": admin_id, "version": version}
    form.conclude(answers | {key: Answer(value, value) for key, value in chosen.items() if value is not None})


_ASKS: Final = {
    "zendesk": "Subdomain (acme of acme.zendesk.com)",
    "freshdesk": "Subdomain (acme of acme.freshdesk.com)",
    "intercom": "Region (us, eu or au)",
}

_ADVICE: Final = {
    "zendesk": (
        "The OAuth client's identifier and secret are in Admin Center, Apps and integrations, APIs, OAuth clients; it "
        "needs the scopes read and write, and a user who is an administrator. Another signs in by --anew."
    ),
    "freshdesk": "The API key is in the agent's profile settings; an administrator's sees all that is needed.",
    "intercom": (
        "The access token is in the Developer Hub under Configure, Authentication, beside the app's permissions; it "
        "holds in one region only (--region)."
    ),
}
"""Where a credential is found, for one that the vendor does not take."""


class _Fields:
    """Gets each value of a desk from an option, else from what the settings say, else by asking."""

    def __init__(self, said: Mapping[str, Any], references: References, *, copies: bool) -> None:
        self._said = said
        self._references = references
        self._copies = copies

    def inside(self, key: str) -> "_Fields":
        """The same for the values under a key."""
        said = self._said.get(key)
        return _Fields(said if isinstance(said, dict) else {}, self._references, copies=self._copies)

    def text(self, key: str, given: str | None, question: str, shape: Callable[[str], str] = str.strip) -> Answer:
        """A value that may be seen, in its right `shape`."""
        before = self._before(key)
        if given is None and before is not None:
            return before
        value = shape(given if given is not None else typer.prompt(question))
        return before if before is not None and before.value == value else Answer(value, value)

    def secret(self, key: str, given: str | None, question: str) -> Answer:
        """A value that nobody may see: as an option only a reference to it."""
        before = self._before(key)
        if given is None and before is not None:
            return before
        if given is None or given == ASK:
            return Answer(asked(question), None)
        if not _REFERENCE.fullmatch(given):
            raise typer.BadParameter(
                f"{question}: whoever lists processes reads options. Leave it out to be asked, send it through a pipe, "
                "or write where it is: '${NAME}' of the environment, '${file:path}' or '${secret:name}'"
            )
        found = self._followed(given)
        return Answer(found.value, None) if self._copies else found

    def _before(self, key: str) -> Answer | None:
        written = self._said.get(key)
        return self._followed(written) if isinstance(written, str) else None

    def _followed(self, written: str) -> Answer:
        try:
            return Answer(self._references.expanded(written), written)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None


class _Form:
    """One desk that is being connected; `said` is what the settings have of it already."""

    def __init__(self, vendor: str, name: str | None, url: str | None, config: Path, store: Place | None) -> None:
        self._vendor = vendor
        self._config = config
        self._store = store
        shape = partial(_whole, vendor)
        given = url if url or name else typer.prompt(_ASKS[vendor])
        self._name = name or _name_of(vendor, shape(given or ""))
        if not DESK_NAME.fullmatch(self._name):
            raise typer.BadParameter(f"a desk's name has only a to z, 0 to 9 and '-', not '{self._name}'")
        self.said = settingsfile.entry(config, self._name) if config.exists() else {}
        self.fields = _Fields(self.said, connecting.references(config, os.environ), copies=store is not None)
        self._url = self.fields.text("url", given, _ASKS[vendor], shape)

    def conclude(self, answers: Answers, meet: "Meet | None" = None) -> None:
        """Try what was answered and say what came of it; then write it down."""
        answers = {"url": self._url, **answers}
        found = self._met(answers, meet or _introduced)
        typer.echo("\n".join(connecting.told(found)))
        known = self.said.keys() | answers.keys()
        suggested = {key: Answer(str(value), str(value)) for key, value in found.suggests.items() if key not in known}
        begin(self._config)
        place = self._store or Place.usual(os.environ)
        keeps = keeper(place, self._config, os.environ, utc_now)
        if connecting.write(self._config, self._name, self._vendor, {**answers, **suggested}, keeps):
            typer.echo(f"Wrote desk '{self._name}' to {self._config}. {_NEXT.format(name=self._name)}")
        else:
            typer.echo(f"{self._config} has desk '{self._name}' like that; nothing was changed.")

    def _met(self, answers: Answers, meet: "Meet") -> Introduction:
        options = connecting.options_of(self._vendor, answers)
        vendor = VENDORS[self._vendor]
        tokens = StoredTokens(
            connecting.database(self._config, os.environ), os.environ.get(KEY), self._name, clock=utc_now
        )
        more = {"tokens": tokens} if vendor.signs_in else {}
        desk = vendor.desk(self._name, options, gate=CountingGate(Metrics()), clock=utc_now, **more)
        ask = partial(connecting.met, partial(meet, desk, tokens), self._url.value, _ADVICE[self._vendor])
        try:
            return outlast(self._name, ask)
        finally:
            desk.close()
            tokens.close()


Meet = Callable[[Any, StoredTokens], Introduction]
"""Has a desk introduce itself, given where its tokens are kept."""


def _introduced(desk: Any, tokens: StoredTokens) -> Introduction:
    del tokens
    found: Introduction = desk.introduce()
    return found


def _by_browser(redirect: str, anew: bool, desk: Any, tokens: StoredTokens) -> Introduction:
    """By the sign-in that is kept; where none is, or it holds no more, a person signs in."""
    if not anew:
        with suppress(BadCredential):
            return _introduced(desk, tokens)
    invitation = desk.invite(redirect)
    typer.echo(f"Open this in a browser, as the agent in whose name to write, and allow it:\n\n{invitation.address}\n")
    typer.echo(f"Then copy the address that the browser lands on: {redirect}?code=… (no page needs to be there).")
    tokens.sign_in(desk.accept(invitation, asked("The address")))
    return _introduced(desk, tokens)


_NEXT: Final = (
    "Next: `deskbridge check --live`, then `deskbridge install webhooks {name} --url https://…` and `deskbridge serve`."
)
_REFERENCE: Final = re.compile(r"\$\{[^}]+\}")
_SUBDOMAIN: Final = re.compile(r"[A-Za-z0-9-]+")


def _whole(vendor: str, given: str) -> str:
    """The address that is meant: a region's, a subdomain's, or what was given."""
    given = given.strip().rstrip("/")
    if vendor == "intercom":
        return REGIONS.get(given.lower(), given)
    if _SUBDOMAIN.fullmatch(given):
        return f"https://{given.lower()}.{vendor}.com"
    return given if "://" in given else f"https://{given}"


def _name_of(vendor: str, url: str) -> str:
    """What a desk is called by its account: `acme-zendesk`; by its vendor where the address has no account in it."""
    host = urlsplit(url).hostname or ""
    account = host.removesuffix(f".{vendor}.com")
    return f"{account}-{vendor}" if account != host and _SUBDOMAIN.fullmatch(account) else vendor


def _grant_of(credentials: object) -> Grant | None:
    """How the settings sign in, None where they do not, or by a token that somebody else renews."""
    if not isinstance(credentials, dict):
        return None
    if "grant" in credentials:
        return Grant.PERSON
    return Grant.TOKEN if "api_token" in credentials else Grant.CLIENT if "client_secret" in credentials else None
