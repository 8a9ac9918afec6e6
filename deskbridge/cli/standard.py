"""Standard input, which a shell, a service manager or cron may have closed."""

import sys
from typing import TextIO

import typer


def stdin() -> TextIO:
    """Standard input. Raises BadParameter where there is none."""
    if sys.stdin is None:
        raise typer.BadParameter("standard input is closed: send what is asked by a pipe, or `< FILE`")
    return sys.stdin
