"""The receiver of desks' webhooks: verify, keep, answer."""

from webhooks.receiver import create_app

__all__ = ["create_app"]
