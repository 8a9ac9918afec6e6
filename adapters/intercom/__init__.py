"""The Intercom adapter."""
