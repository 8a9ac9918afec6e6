"""Who should have a ticket: a snapshot in, an assignment with reasons out. Pure."""
