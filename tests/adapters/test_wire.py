"""What every vendor's wire has in common: statuses to errors, waits, secrets, ids, times, text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wire import WORDS_MAX, base, fault, instant, kept, matches_any, plain, seconds, some_id
from bridge.errors import BadCredential, Conflict, DeskError, NotThere, Permanent, Retryable, Unclear, Unsupported

NOW = datetime(2026, 11, 3, 9, 14, 26, tzinfo=UTC)

READS_AND_WRITES = [
    (400, Permanent),
    (401, BadCredential),
    (402, Permanent),
    (403, BadCredential),
    (404, NotThere),
    (405, Permanent),
    (408, Retryable),
    (409, Conflict),
    (410, NotThere),
    (413, Permanent),
    (415, Permanent),
    (422, Permanent),
    (425, Retryable),
    (429, Retryable),
    (501, Unsupported),
]


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize(("status", "kind"), READS_AND_WRITES)
def test_a_status_means_one_error_whatever_was_asked(status: int, kind: type[DeskError], writes: bool) -> None:
    assert type(fault(status, "no", writes=writes)) is kind


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 599])
def test_a_broken_server_leaves_a_write_unclear_and_a_read_to_be_tried_again(status: int) -> None:
    assert type(fault(status, "no", writes=True)) is Unclear
    assert type(fault(status, "no", writes=False)) is Retryable


@given(st.integers(300, 599), st.booleans())
def test_no_status_is_without_an_error_and_each_keeps_its_code(status: int, writes: bool) -> None:
    assert fault(status, "words", writes=writes).code == status


@given(st.text(max_size=2 * WORDS_MAX))
def test_an_error_never_carries_more_than_the_cap_of_words_and_never_none(words: str) -> None:
    error = fault(422, words, writes=True)
    assert 0 < len(error.words) <= WORDS_MAX


@pytest.mark.parametrize("writes", [True, False])
def test_a_desk_that_says_when_to_come_again_has_not_acted(writes: bool) -> None:
    error = fault(503, "maintenance", "7", writes=writes)
    assert isinstance(error, Retryable)
    assert error.after == 7


def test_a_429_waits_as_long_as_the_vendor_says() -> None:
    error = fault(429, "slow down", "7", writes=True)
    assert isinstance(error, Retryable)
    assert error.after == 7


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Tue, 03 Nov 2026 09:15:26 GMT", 60.0),
        ("Tue, 03 Nov 2026 09:00:00 GMT", 0.0),
        ("Tue, 03 Nov 2026 09:15:26 -0000", 60.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date_or_nothing(header: str | None, wait: float | None) -> None:
    assert seconds(header, NOW) == wait


@given(st.text(), st.lists(st.text(), max_size=3))
def test_a_text_matches_exactly_where_it_is_one_of_the_secrets(text: str, secrets: list[str]) -> None:
    assert matches_any(text, secrets) is (text in secrets)


@pytest.mark.parametrize("nothing", [None, "", "  ", 0, "0", "null", "None"])
def test_the_ways_to_say_no_id_are_all_none(nothing: object) -> None:
    assert some_id(nothing) is None


@given(st.integers(min_value=1))
def test_an_id_is_the_same_as_a_number_and_as_text(number: int) -> None:
    assert some_id(number) == some_id(str(number)) == str(number)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])))
def test_a_time_read_back_is_the_same_instant_in_utc(moment: datetime) -> None:
    read = instant(moment.isoformat())
    assert read == moment
    assert read is not None
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2026-11-03T09:14:26Z", NOW),
        ("2026-11-03T10:14:26+01:00", NOW),
        ("2026-11-03T09:14:26", NOW),
        ("2026-11-03T09:14:26.180442913Z", NOW + timedelta(microseconds=180442)),
        (NOW.timestamp(), NOW),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        ([], None),
    ],
)
def test_a_vendors_time_is_read_in_utc_or_not_at_all(told: object, meant: datetime | None) -> None:
    assert instant(told) == meant


@given(st.one_of(st.integers(), st.floats(), st.text(), st.dates().map(str)))
def test_no_time_however_odd_stops_the_reading(told: object) -> None:
    read = instant(told)
    assert read is None or read.tzinfo is UTC


@pytest.mark.parametrize("url", ["https://desk.example/", "http://localhost:9001", "http://[::1]:9001/"])
def test_an_account_is_reached_by_https_or_on_this_machine(url: str) -> None:
    assert base(url, "https://acme.example") == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://desk.example",
        "http://127.0.0.1.example",
        "https://desk.example/api/v2",
        "https://user:pw@desk.example",
        "https://desk.example?a=b",
        "https://desk.example:port",
        "https://desk.example:0",
        "https://[::1",
        "ftp://localhost",
        "desk.example",
        "https://",
        "",
    ],
)
def test_no_other_address_is_given_a_credential(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        base(url, "https://acme.example")
    assert "pw" not in str(refused.value)


def test_of_a_deliverys_headers_none_is_kept_that_may_hold_a_secret() -> None:
    headers = {"content-type": "text/json", "authorization": "Bearer x", "cookie": "x", "x-vendor-id": "7"}
    assert kept(headers) == {"content-type": "text/json"}
    assert kept(headers, "x-vendor-") == {"content-type": "text/json", "x-vendor-id": "7"}


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", 1e20])
def test_a_time_beyond_the_calendar_is_no_time(edge: object) -> None:
    assert instant(edge) is None


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain text", "plain text"),
        ("<div>The PDF is <b>empty</b>.</div>", "The PDF is empty."),
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("a<br>b", "a\nb"),
        ("fish &amp; chips &lt;3", "fish & chips <3"),
        ("<style>p {color: red}</style><p>Seen</p><script>alert(1)</script>", "Seen"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("<p>unclosed", "unclosed"),
        ("", ""),
        (None, ""),
    ],
)
def test_html_becomes_its_text_one_line_a_block(html: str | None, text: str) -> None:
    assert plain(html) == text


@given(st.text())
def test_no_body_however_broken_stops_the_reading(body: str) -> None:
    assert isinstance(plain(body), str)
