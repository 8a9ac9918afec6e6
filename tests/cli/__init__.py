"""The command line and its page in the docs."""
