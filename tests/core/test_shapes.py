"""What the words of the model show of themselves, as in a traceback or a log."""

from datetime import UTC, datetime

from bridge.model import Actor, Delivery, Message, RawDelivery, Visibility

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)


def test_no_shape_shows_a_customers_words_or_a_secret() -> None:
    headers = {"authorization": "Bearer planted", "x-deskbridge-secret": "planted"}
    shapes = [
        RawDelivery("POST", headers, b"planted words", NOW, secret_path="planted-path"),
        Delivery("acme", "key", b"planted words", {}, NOW),
        Message("1", Actor(), Visibility.PUBLIC, "planted words"),
    ]
    assert "planted" not in repr(shapes)
    assert "acme" in repr(shapes)
