"""Redaction: what is personal goes, what only looks like it stays, and nothing else of the text changes."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.triage import redact


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My card is 4111 1111 1111 1111.", "My card is [card]."),
        ("5500-0055-5555-5559", "[card]"),
        ("378282246310005", "[card]"),
        ("Order 4111 1111 1111 1112", "Order 4111 1111 1111 1112"),
        ("IBAN DE89 3704 0044 0532 0130 00, danke", "IBAN [iban], danke"),
        ("GB82WEST12345698765432", "[iban]"),
        ("GB82 WEST 1234 5698 7654 33", "GB82 WEST 1234 5698 7654 33"),
        ("password: hunter2!", "password: [password]"),
        ("mein Passwort ist geheim99", "mein Passwort ist [password]"),
        ("mot de passe : Soleil12", "mot de passe : [password]"),
        ("パスワード: abc123", "パスワード: [password]"),
        ("I forgot my password, help", "I forgot my password, help"),
        ("key sk_live_4eC39HqLyjWDarjtT1zdp7dc", "key [token]"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[token]"),
        ("AKIAIOSFODNN7EXAMPLE", "[token]"),
        ("d41d8cd98f00b204e9800998ecf8427e", "[token]"),
        ("Write to ana.alvarez+x@acme.example, please", "Write to [email], please"),
        ("Call +49 30 5550123 or (later) 020 7946 0958", "Call [phone] or (later) [phone]"),
        ("Error E-1042 on 2026-05-03 at 10:00, order 88120, 49.00 EUR", None),
        ("Version 4.2.1, 192.168.10.20, 12345678", None),
        ("", None),
    ],
)
def test_personal_data_is_masked_and_nothing_else(text: str, left: str | None) -> None:
    assert redact(text) == (text if left is None else left)


@given(st.text(alphabet="ab @.:-+0123456789pasword\n"))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(st.integers(10**14, 10**15 - 1))
def test_a_number_is_a_card_exactly_where_its_last_digit_checks(stem: int) -> None:
    masked = [last for last in range(10) if redact(f"{stem}{last}") == "[card]"]
    assert len(masked) == 1


@pytest.mark.parametrize("piece", ["4 ", "a@", "DE89 3704 ", "password: ", "+49 ", "0", "a-"])
def test_a_long_text_is_redacted_within_a_second(piece: str) -> None:
    start = time.process_time()
    redact(piece * (100_000 // len(piece)))
    assert time.process_time() - start < 1.0
