"""One POST to an address that a policy names, and to nowhere else: no redirect, no proxy, no private network.

A policy's author must not reach what only this machine can (databases, a cloud's metadata). The name is therefore
looked up here, each of its addresses judged, and the connection made to the very address that was judged: a name that
means something else a moment later gains nothing.
"""

import asyncio
import socket
import ssl
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import httpx

from bridge.errors import DeskbridgeError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

WORDS_MAX: Final = 200
"""Characters of a receiver's own words that are kept."""

_WORDS_SECONDS: Final = 2.0
"""How long the words of an answer may take once its status is known."""

_EMBED_IPV4: Final = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))
"""IPv6 addresses that lead to an IPv4 address inside them (NAT64, 6to4, Teredo, compatible): nobody's public host."""


class NotSent(DeskbridgeError):
    """A message did not get through, or nobody knows whether it did."""


class Forbidden(NotSent):
    """The address is one to which nothing may be sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's status, its first words where it did not accept, and its Retry-After as it sent it."""

    status: int
    words: str = ""
    retry_after: str | None = None


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, private: Collection[Network]) -> Answer:
    """Send JSON and wait no longer than `seconds` for the whole answer; `private` are networks that may be reached too.

    Raises NotSent, and Forbidden where none of the host's addresses may be reached.
    """
    target = httpx.URL(url)
    addresses = permitted(target, private)
    try:
        return asyncio.run(_post(target, addresses, body, headers, seconds))
    except TimeoutError:
        raise NotSent(f"no answer within {seconds:g} s") from None
    except httpx.HTTPError as error:
        raise NotSent(f"no answer ({type(error).__name__})") from None


def permitted(target: httpx.URL, private: Collection[Network]) -> list[Address]:
    """The addresses of a URL's host that may be reached. Raises Forbidden, and NotSent where there is no such host."""
    port = target.port or {"https": 443}.get(target.scheme, 80)
    try:
        found = socket.getaddrinfo(target.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotSent(f"there is no host '{target.host}'") from None
    addresses = list(dict.fromkeys(_unmapped(str(sockaddr[0])) for *_, sockaddr in found))
    allowed = [address for address in addresses if _is_public(address) or _is_in(address, private)]
    if not allowed:
        words = f"'{target.host}' is at {addresses[0]}, a private address; `outgoing.private_networks` may allow it"
        raise Forbidden(words)
    return allowed


def _unmapped(text: str) -> Address:
    """An address without its zone; an IPv4 address in IPv6 clothes as what it is."""
    address = ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not _is_in(address, _EMBED_IPV4)


def _is_in(address: Address, networks: Collection[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


async def _post(
    target: httpx.URL, addresses: Sequence[Address], body: bytes, headers: Mapping[str, str], seconds: float
) -> Answer:
    own = {"Host": target.netloc.decode("ascii"), "Content-Type": "application/json", "Accept-Encoding": "identity"}
    client = httpx.AsyncClient(verify=_trust(), trust_env=False, follow_redirects=False, timeout=seconds)
    async with client, asyncio.timeout(seconds):
        for address in addresses[:-1]:
            with suppress(httpx.ConnectError):  # nothing was sent: the host may answer at its next address
                return await _post_to(client, target, address, body, own | dict(headers))
        return await _post_to(client, target, addresses[-1], body, own | dict(headers))


async def _post_to(
    client: httpx.AsyncClient, target: httpx.URL, address: Address, body: bytes, headers: Mapping[str, str]
) -> Answer:
    """The answer of the host at one of its addresses, which must prove by its certificate that it is that host."""
    there, proves = target.copy_with(host=str(address)), {"sni_hostname": target.host}
    async with client.stream("POST", there, content=body, headers=headers, extensions=proves) as response:
        words = "" if response.is_success else await _words(response)
        return Answer(response.status_code, words, response.headers.get("retry-after"))


async def _words(response: httpx.Response) -> str:
    """The beginning of an answer as one line."""
    said = bytearray()
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_WORDS_SECONDS):
            async for chunk in response.aiter_raw():
                said += chunk
                if len(said) > 4 * WORDS_MAX:
                    break
    shown = "".join(char if char.isprintable() else " " for char in said.decode("utf-8", "replace"))
    return " ".join(shown.split())[:WORDS_MAX]


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that httpx trusts; reading them takes longer than a call."""
    return httpx.create_ssl_context(trust_env=False)
