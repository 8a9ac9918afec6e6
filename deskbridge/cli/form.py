"""What `deskbridge connect` knows of a desk: by its options, by the settings, else by asking; and what comes of it."""

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import typer

from adapters.intercom.connect import REGIONS
from bridge.metrics import CountingGate, Metrics
from bridge.ports import Introduction
from bridge.references import References
from bridge.sealing import KEY
from bridge.settings import DESK_NAME
from bridge.store.tokens import StoredTokens
from deskbridge import connecting, settingsfile
from deskbridge.cli.init import begin, sandbox_desks
from deskbridge.cli.outlast import outlast
from deskbridge.cli.secret import asked
from deskbridge.connecting import Answer, Answers
from deskbridge.keeping import Place, keeper
from deskbridge.vendors import VENDORS
from deskbridge.wiring import utc_now

ASK: Final = "-"
"""An option's value that has a secret asked for although the settings have one."""

_ASKS: Final = {
    "zendesk": "Subdomain (acme of acme.zendesk.com)",
    "freshdesk": "Subdomain (acme of acme.freshdesk.com)",
    "intercom": "Region (us, eu or au)",
}

_ADVICE: Final = {
    "zendesk": (
        "The OAuth client's identifier and secret are in Admin Center, Apps and integrations, APIs, OAuth clients; it "
        "needs the scopes read and write, and a user who is an administrator."
    ),
    "freshdesk": "The API key is in the agent's profile settings; an administrator's sees all that is needed.",
    "intercom": (
        "The access token is in the Developer Hub under Configure, Authentication, beside the app's permissions; it "
        "holds in one region only (--region)."
    ),
}
"""Where a credential is found, for one that the vendor does not take."""

_ANOTHER: Final = {
    "zendesk": f"`--client-secret {ASK}` (or `--api-token {ASK}`) asks for another.",
    "freshdesk": f"`--api-key {ASK}` asks for another.",
    "intercom": f"`--access-token {ASK}` asks for another.",
}
"""How to give another in place of the one that the settings have."""


class Fields:
    """Gets each value of a desk from an option, else from what the settings say, else by asking."""

    def __init__(self, said: Mapping[str, Any], references: References, *, copies: bool) -> None:
        self._said = said
        self._references = references
        self._copies = copies

    def inside(self, key: str) -> "Fields":
        """The same for the values under a key."""
        said = self._said.get(key)
        return Fields(said if isinstance(said, dict) else {}, self._references, copies=self._copies)

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


class Form:
    """One desk that is being connected; `said` is what the settings have of it already."""

    def __init__(self, vendor: str, name: str | None, url: str | None, config: Path, store: Place | None) -> None:
        self._vendor = vendor
        self._config = config
        self._store = store
        shape = partial(_whole, vendor)
        there = connecting.addresses(config, vendor, os.environ)
        known = name or _meant(vendor, there, url and shape(url))
        if known and not name:
            typer.echo(f"Taken for desk '{known}' of {config}; NAME or --url is there for another.")
        given = url if url or known else typer.prompt(_ASKS[vendor])
        self._name = known or _name_of(vendor, shape(given or ""))
        if not DESK_NAME.fullmatch(self._name):
            raise typer.BadParameter(f"a desk's name has only a to z, 0 to 9 and '-', not '{self._name}'")
        self.said = settingsfile.entry(config, self._name) if config.exists() else {}
        self.fields = Fields(self.said, connecting.references(config, os.environ), copies=store is not None)
        self._url = self.fields.text("url", given, _ASKS[vendor], shape)
        self._sandboxes = sandbox_desks(config, os.environ)
        if self._name in self._sandboxes and self._url.value != there[self._name]:
            raise typer.BadParameter(
                f"desk '{self._name}' of {config} is the sandbox's, as `deskbridge init` wrote it, with secrets that "
                "everybody knows: take its entry out of the file, or give yours another NAME"
            )
        self._twins = [other for other in _at(self._url.value, there) if other != self._name]

    def conclude(self, answers: Answers, meet: "Meet | None" = None) -> None:
        """Try what was answered and say what came of it; then write it down."""
        answers = {"url": self._url, **answers}
        found = self._met(answers, meet or introduced)
        typer.echo("\n".join(connecting.told(found)))
        for twin in self._twins:
            typer.echo(f"Note: desk '{twin}' is at the same address: take one of the two out of {self._config}.")
        known = self.said.keys() | answers.keys()
        suggested = {key: Answer(str(value), str(value)) for key, value in found.suggests.items() if key not in known}
        begin(self._config)
        place = self._store or Place.usual(os.environ)
        keeps = keeper(place, self._config, os.environ, utc_now)
        if connecting.write(self._config, self._name, self._vendor, {**answers, **suggested}, keeps):
            typer.echo(f"Wrote desk '{self._name}' to {self._config}. {_next(self._vendor, self._name)}")
        else:
            typer.echo(f"{self._config} has desk '{self._name}' like that; nothing was changed.")
        if self._sandboxes and self._name not in self._sandboxes:
            typer.echo(
                f"Note: {self._config} still has what `deskbridge init` wrote for the sandbox: "
                f"{', '.join(self._sandboxes)}. Take that out, or `check --live` and `serve` go on calling it."
            )

    def _met(self, answers: Answers, meet: "Meet") -> Introduction:
        options = connecting.options_of(self._vendor, answers)
        vendor = VENDORS[self._vendor]
        tokens = StoredTokens(
            connecting.database(self._config, os.environ), os.environ.get(KEY), self._name, clock=utc_now
        )
        more = {"tokens": tokens} if vendor.signs_in else {}
        desk = vendor.desk(self._name, options, gate=CountingGate(Metrics()), clock=utc_now, **more)
        advice = " ".join([_ADVICE[self._vendor], *([_ANOTHER[self._vendor]] if self.said else [])])
        advice += "" if meet is introduced else " Another person signs in by --anew."
        ask = partial(connecting.met, partial(meet, desk, tokens), self._url.value, advice)
        try:
            return outlast(self._name, ask)
        finally:
            desk.close()
            tokens.close()


Meet = Callable[[Any, StoredTokens], Introduction]
"""Has a desk introduce itself, given where its tokens are kept."""


def introduced(desk: Any, tokens: StoredTokens) -> Introduction:
    """What the desk says with the credential that it has."""
    del tokens
    found: Introduction = desk.introduce()
    return found


_REFERENCE: Final = re.compile(r"\$\{[^}]+\}")
_SUBDOMAIN: Final = re.compile(r"[A-Za-z0-9-]+")


def _next(vendor: str, name: str) -> str:
    """What comes after `connect`; a vendor that a person sets up by hand looks first whether somebody answers."""
    install, serve = f"`deskbridge install webhooks {name} --url https://…`", "`deskbridge serve`"
    order = f"{install} and {serve}" if VENDORS[vendor].installer.ways else f"{serve} and, while it runs, {install}"
    return f"Next: `deskbridge check --live`, then {order}."


def _meant(vendor: str, there: Mapping[str, str], url: str | None) -> str | None:
    """The desk of the settings that is meant where no name was given: the one at the address, else the only one."""
    if url is not None:
        return next(iter(_at(url, there)), None)
    if len(there) > 1:
        raise typer.BadParameter(
            f"say which {vendor} desk by its NAME ({', '.join(there)}), or another account by --url"
        )
    return next(iter(there), None)


def _at(url: str, there: Mapping[str, str]) -> list[str]:
    """The desks at an address; none at one of Intercom's regions, which many workspaces share."""
    return [] if url in REGIONS.values() else [name for name, address in there.items() if address == url]


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
