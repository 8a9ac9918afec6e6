"""Meeting an Intercom workspace: its region, the teammate in whose name we write, what the app may do."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from adapters.intercom.client import IntercomClient, Row
from adapters.intercom.options import VERSION, IntercomOptions
from adapters.wire import permission, some_id
from bridge.errors import BadCredential
from bridge.ports import Introduction, Permission

REGIONS: Final[Mapping[str, str]] = {
    "us": "https://api.intercom.io",
    "eu": "https://api.eu.intercom.io",
    "au": "https://api.au.intercom.io",
}
"""The API of each region (API reference, "Making a request")."""

NO_SEAT: Final = "{user} has no seat in the inbox: some writes in this name are refused; give one, or set `admin_id`"
OTHER_REGION: Final = "the workspace's data is in another region than the API that was asked: connect to {url}"
OTHER_VERSION: Final = f"Deskbridge is written for version {VERSION} of the API, and the settings ask for {{version}}"


def introduce(client: IntercomClient, options: IntercomOptions) -> Introduction:
    """Ask whose token it is and try every kind of read that we make. Raises DeskError."""
    me = client.get("/me")
    app: Row = me.get("app") or {}
    region = str(app.get("region") or "").lower()
    acting = _acting(client, me, options.admin_id)
    suggests = {"admin_id": some_id(acting.get("id")), "app_id": app.get("id_code")}
    user = f"{acting.get('name')} <{acting.get('email')}>"
    remarks = [NO_SEAT.format(user=acting.get("name"))] if acting.get("has_inbox_seat") is False else []
    remarks += [OTHER_VERSION.format(version=options.version)] if options.version != VERSION else []
    remarks += (
        [OTHER_REGION.format(url=there)] if (there := REGIONS.get(region)) and _misses(options.url, there) else []
    )
    account = f"{app.get('name') or urlsplit(options.url).netloc} ({region or 'region unknown'})"
    return Introduction(account, user, tuple(_reads(client)), tuple(remarks), {k: v for k, v in suggests.items() if v})


def _misses(url: str, there: str) -> bool:
    """Whether an address of Intercom's own is not the one of the workspace's region."""
    return url in REGIONS.values() and url != there


def _acting(client: IntercomClient, me: Row, admin_id: str | None) -> Row:
    """The teammate in whose name we write: the owner of the token, or the one whom the options name."""
    if admin_id in {None, some_id(me.get("id"))}:
        return me
    for admin in client.get("/admins").get("admins") or ():
        if some_id(admin.get("id")) == admin_id:
            return dict(admin)
    raise BadCredential(f"no teammate of this workspace has the id {admin_id}; leave `admin_id` out, or correct it")


def _reads(client: IntercomClient) -> Iterator[Permission]:
    """Each kind of read that we make, by the permission's name in the Developer Hub."""
    newest = {"field": "updated_at", "operator": ">", "value": 0}
    conversations, tickets = (
        partial(client.search, f"/{kind}/search", newest, per_page=1) for kind in ("conversations", "tickets")
    )
    contacts = partial(client.search, "/contacts/search", {"field": "email", "operator": "=", "value": ""}, per_page=1)
    yield permission(
        "Read conversations", "read conversations and find what no webhook told", conversations, needed=True
    )
    yield permission("Read tickets", "read tickets and find what no webhook told", tickets, needed=True)
    yield permission("Read admins", "know the teammates and who is away", partial(client.get, "/admins"), needed=True)
    yield permission("Read teams", "know the teams", partial(client.get, "/teams"), needed=True)
    yield permission("Read tags", "tag conversations and tickets", partial(client.get, "/tags"))
    yield permission("Read users and companies", "know the customers", contacts)
    help_center = partial(client.get, "/articles", query={"per_page": "1"})
    yield permission("Read articles", "suggest articles of the help centre", help_center)
    yield permission("Read ticket states", "set a ticket's state", partial(client.get, "/ticket_states"))
