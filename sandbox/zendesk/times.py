"""Times as Zendesk writes them."""

from datetime import UTC, datetime


def stamp(seconds: float) -> str:
    """REST times: whole seconds, "2026-11-03T09:14:26Z"."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def event_time(seconds: float) -> str:
    """Event times: nine decimals, "2026-11-03T09:14:27.180442913Z"."""
    whole = int(seconds)
    return f"{stamp(whole)[:-1]}.{int((seconds - whole) * 1e9):09d}Z"


def unstamp(text: object) -> int | None:
    """Unix seconds of an ISO time, None where it cannot be read."""
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())
