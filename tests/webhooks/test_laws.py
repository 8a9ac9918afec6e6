"""Laws of the receiver: never a bare 500, whatever is answered 2xx is on disk, strange fields change nothing."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.model import Delivery
from tests.conftest import Clock
from tests.webhooks.door import GENUINE, PATHS, VENDORS, Door

FAST = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ANSWERS = {200, 400, 401, 404, 405, 413, 414, 415, 431}
"""What may be answered to nonsense; every one of them tells the sender that it is at fault."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
header_names = st.sampled_from(
    ["X-Zendesk-Webhook-Signature", "X-Zendesk-Webhook-Signature-Timestamp", "X-Zendesk-Webhook-Invocation-Id",
     "X-Hub-Signature", "X-Deskbridge-Secret", "Content-Type", "Content-Encoding", "Retry-After", "Cookie", "Range",
     "Authorization", "If-None-Match", "X-Forwarded-For", "Accept-Encoding", "Date", "X-Anything"]
)  # fmt: skip
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
paths = st.sampled_from([*PATHS.values(), "/healthz", "/metrics", "/hooks/nobody", "/", "/hooks/acme-zendesk/x/y"]) | (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(lambda text: "/hooks/" + text)
)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    door = Door(Path(tmp_path_factory.mktemp("door")), Clock())
    yield door
    door.close()


@FAST
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]),
    path=paths,
    headers=st.dictionaries(header_names, header_values, max_size=6),
    body=st.binary(max_size=200),
)
def test_no_request_whatever_gets_a_500_and_none_without_proof_is_kept(
    door: Door, method: str, path: str, headers: dict[str, str], body: bytes
) -> None:
    answer = door.client.open(path, method=method, headers=headers, data=body)
    assert answer.status_code in ANSWERS
    assert door.kept() == []


@FAST
@given(vendor=st.sampled_from(VENDORS), data=st.data())
def test_a_signed_body_of_any_shape_is_kept_before_it_is_answered_2xx(door: Door, vendor: str, data: Any) -> None:
    body = data.draw(st.binary(max_size=200) | json_values | mangled(GENUINE[vendor]))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    before = len(door.kept())
    try:
        answer = door.post(vendor, raw)
        words = answer.get_json()["status"]
        assert (answer.status_code, words) in {(200, word) for word in ("kept", "known", "not understood", "answered")}
        assert len(door.kept()) - before == (words in {"kept", "not understood"})
    finally:
        with door.bridge.store.writing() as connection:
            connection.exec_driver_sql("DELETE FROM deliveries")


@FAST
@given(
    vendor=st.sampled_from(VENDORS), extra=st.dictionaries(st.from_regex(r"new_[a-z]{1,8}"), json_values, min_size=1)
)
def test_fields_that_nobody_knows_change_nothing(door: Door, vendor: str, extra: dict[str, Any]) -> None:
    desk = door.bridge.desks[f"acme-{vendor}"].desk

    def read(body: object) -> Any:
        return desk.read(Delivery(desk.name, "k", json.dumps(body).encode(), {}, door.clock.now))

    assert read(everywhere(GENUINE[vendor], extra)) == read(GENUINE[vendor])


def everywhere(value: Any, extra: dict[str, Any]) -> Any:
    """The value with the extra keys in every object of it."""
    if isinstance(value, dict):
        return {**{key: everywhere(inner, extra) for key, inner in value.items()}, **extra}
    return [everywhere(inner, extra) for inner in value] if isinstance(value, list) else value


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, one in inner for place in places(one, (*at, key)))]


def mangled(body: dict[str, Any]) -> st.SearchStrategy[Any]:
    """The body with one value anywhere in it replaced by anything."""
    return st.builds(_replaced, st.just(body), st.sampled_from(places(body)[1:]), json_values)


def _replaced(body: dict[str, Any], place: tuple[Any, ...], value: Any) -> Any:
    copy: Any = deepcopy(body)
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return copy
