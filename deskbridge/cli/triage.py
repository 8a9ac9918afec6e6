"""`deskbridge triage`: what triage makes of a text."""

import sys

import typer

from bridge.triage import new_words, readable

app = typer.Typer(help="What triage makes of a text.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """What triage makes of a text."""


@app.command()
def clean() -> None:
    """Print the new words of one message on stdin: a raw mail, an HTML body or plain text.

    Quoted text, forwarded headers, signatures and disclaimers are left out, as in everything that triage reads.
    """
    typer.echo(new_words(readable(sys.stdin.buffer.read())))
