"""Every durable thing: tables, sessions, inbox, tickets, outbox, roster, journal."""

from bridge.store.session import Store

__all__ = ["Store"]
