"""Customers from an HTTP endpoint of the team's own that answers in JSON."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import httpx

from bridge.enrichment.source import IDENTITY, Reading, SourceFault, identity
from bridge.model import Requester
from bridge.ports import Clock

MAX_BYTES: Final = 65_536
"""A longer answer is no record of one customer."""

_WORD: Final = re.compile(r"\{(\w*)\}")
_NOBODY: Final = {204, 404}


class Endpoint:
    """One GET a customer: `params` become the query, `{email}` and the other words of `IDENTITY` in them filled in.

    `timeout` is in seconds, for the whole answer. Redirects are not followed: the bearer token is for this host alone.
    """

    def __init__(
        self, url: str, params: Mapping[str, str], *, bearer: str | None, timeout: float, clock: Clock
    ) -> None:
        self.name = httpx.URL(url).host
        self._url = url
        self._params = params
        self._uses = words_in(params)
        self._timeout = timeout
        self._clock = clock
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        self._client = httpx.Client(headers=headers, timeout=timeout, follow_redirects=False)

    def suffices(self, requester: Requester) -> bool:
        """True where everything that the parameters use is known."""
        return self._uses <= identity(requester).keys()

    def look_up(self, requester: Requester, as_of: datetime) -> Reading:
        """The JSON object of the answer, empty for 404 and 204; what is not known of the requester is empty text.

        Raises SourceFault.
        """
        del as_of
        known, now = identity(requester), self._clock()
        params = {name: _WORD.sub(lambda word: known.get(word[1], ""), text) for name, text in self._params.items()}
        try:
            with self._client.stream("GET", self._url, params=params) as response:
                return Reading(self._record(response, now), now)
        except httpx.HTTPError as error:
            raise SourceFault(f"the endpoint did not answer ({type(error).__name__})") from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _record(self, response: httpx.Response, began: datetime) -> Mapping[str, object]:
        if response.status_code in _NOBODY:
            return {}
        if response.status_code != 200:
            raise SourceFault(f"the endpoint answered {response.status_code}")
        try:
            record = json.loads(self._body(response, began))
        except (ValueError, RecursionError):
            raise SourceFault("the endpoint did not answer with JSON") from None
        if not isinstance(record, Mapping):
            raise SourceFault("the endpoint did not answer with a JSON object")
        return record

    def _body(self, response: httpx.Response, began: datetime) -> bytes:
        """The body as it is on the wire: nothing is unpacked, so nothing small can become large."""
        until = began + timedelta(seconds=self._timeout)
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise SourceFault(f"the endpoint answered with more than {MAX_BYTES:,} bytes")
            if self._clock() > until:
                raise SourceFault("the endpoint did not finish its answer in time")
        return bytes(body)


def words_in(params: Mapping[str, str]) -> frozenset[str]:
    """The words in braces. Raises ValueError for one that is none of `IDENTITY`, or where there is none."""
    words = frozenset(word for text in params.values() for word in _WORD.findall(text))
    wrong = sorted(words - set(IDENTITY))
    if wrong or not words:
        told = f"there is no {{{wrong[0]}}}" if wrong else "nobody is asked for"
        raise ValueError(f"{told}; write {{{'}, {'.join(IDENTITY)}}}")
    return words
