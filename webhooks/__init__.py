"""The receiver of desks' webhooks."""
