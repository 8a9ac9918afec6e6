"""The Zendesk adapter."""
