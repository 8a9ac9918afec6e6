"""`python -m deskbridge` is the same as `deskbridge`."""

from deskbridge.cli import main

main()
