"""A number with its noun, as a person says it: 1 desk, 3 desks."""


def many(count: int, noun: str) -> str:
    """The count and the noun, with an s unless it is one."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
