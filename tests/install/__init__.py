"""Putting webhooks up and taking them down from the command line, and the check-up."""
