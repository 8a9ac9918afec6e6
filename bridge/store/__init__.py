"""Every durable thing: tables, sessions, inbox, outbox, tickets, roster, journal."""
