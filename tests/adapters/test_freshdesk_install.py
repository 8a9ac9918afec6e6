"""The form of a rule's webhook is copied from one that was made by hand: its keys and types, nothing of its own."""

import pytest

from adapters.freshdesk.install import shaped
from adapters.wire import differs

OURS = {"url": "https://bridge.example", "content_layout": "2", "content": {"v": 1}, "custom_headers": {"X-Ours": "s"}}


@pytest.mark.parametrize(
    ("theirs", "becomes"),
    [
        (None, OURS),
        ({"url": "https://crm.example"}, OURS),
        ({"content_layout": 1}, OURS | {"content_layout": 2}),
        ({"content": "{}"}, OURS | {"content": '{"v": 1}'}),
        ({"retry_count": 3, "push_to": "crm"}, OURS | {"retry_count": 3, "push_to": "crm"}),
        ({"api_key": "theirs", "auth_header": {"password": "theirs"}, "custom_headers": {"X-Theirs": "t"}}, OURS),
    ],
)
def test_our_webhook_takes_on_the_keys_and_types_of_theirs(
    theirs: dict[str, object] | None, becomes: dict[str, object]
) -> None:
    assert shaped(OURS, theirs) == becomes


@pytest.mark.parametrize(
    ("there", "verdict"),
    [
        ({"active": True, "members": [2, 1], "more": 1}, False),
        ({"active": True, "members": ["1", "2"]}, False),
        ({"active": False, "members": [1, 2]}, True),
        ({"active": True, "members": [1]}, True),
        ({"active": True, "members": None}, True),
        ({"active": True}, True),
        (None, True),
    ],
)
def test_what_a_desk_adds_sorts_or_writes_as_text_is_no_difference(there: object, verdict: bool) -> None:
    assert differs({"active": True, "members": [1, 2]}, there) is verdict
