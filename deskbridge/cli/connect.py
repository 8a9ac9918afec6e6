"""`deskbridge connect`: an account of one's own becomes a desk of the settings, tried before anything is written."""

import os
from contextlib import suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bridge.errors import BadCredential
from bridge.ports import Introduction
from bridge.sealing import KEY, Sealer
from bridge.store.tokens import StoredTokens
from deskbridge.cli.form import Form, introduced
from deskbridge.cli.init import begin
from deskbridge.cli.interruption import BeforeWriting
from deskbridge.cli.secret import asked
from deskbridge.connecting import Answer
from deskbridge.keeping import Place

app = typer.Typer(
    cls=BeforeWriting,
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
    form = Form("zendesk", name, url, config, store)
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
    form = Form("freshdesk", name, url, config, store)
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
    if url and region:
        raise typer.BadParameter("give --url or --region, not both: a region is one of Intercom's own addresses")
    form = Form("intercom", name, url or region, config, store)
    answers: dict[str, Any] = {"access_token": form.fields.secret("access_token", access_token, "Access token")}
    if client_secret or not form.said.get("webhook_secrets"):
        answers["webhook_secrets"] = [form.fields.secret("webhook_secrets", client_secret, "Client secret")]
    chosen = {"admin_id": admin_id, "version": version}
    form.conclude(answers | {key: Answer(value, value) for key, value in chosen.items() if value is not None})


def _by_browser(redirect: str, anew: bool, desk: Any, tokens: StoredTokens) -> Introduction:
    """By the sign-in that is kept; where none is, or it holds no more, a person signs in."""
    if not anew:
        with suppress(BadCredential):
            return introduced(desk, tokens)
    invitation = desk.invite(redirect)
    typer.echo(f"Open this in a browser, as the agent in whose name to write, and allow it:\n\n{invitation.address}\n")
    typer.echo(f"Then copy the address that the browser lands on: {redirect}?code=… (no page needs to be there).")
    tokens.sign_in(desk.accept(invitation, asked("The address")))
    return introduced(desk, tokens)


def _grant_of(credentials: object) -> Grant | None:
    """How the settings sign in, None where they do not, or by a token that somebody else renews."""
    if not isinstance(credentials, dict):
        return None
    if "grant" in credentials:
        return Grant.PERSON
    return Grant.TOKEN if "api_token" in credentials else Grant.CLIENT if "client_secret" in credentials else None
