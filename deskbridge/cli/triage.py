"""`deskbridge triage`: what triage makes of a text, and models that learn more."""

from typing import Annotated

import typer

from bridge.triage import new_words, readable
from bridge.triage import redact as redacted
from deskbridge.cli import learning
from deskbridge.cli.standard import stdin

app = typer.Typer(help="What triage makes of a text, and models that learn more.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """What triage makes of a text, and models that learn more."""


@app.command()
def clean(
    redact: Annotated[
        bool, typer.Option("--redact", help="Mask cards, IBANs, passwords, tokens and addresses.")
    ] = False,
) -> None:
    """Print the new words of one message on stdin: a raw mail, an HTML body or plain text.

    Quoted text, forwarded headers, signatures and disclaimers are left out, as in everything that triage reads.
    """
    words = new_words(readable(stdin().buffer.read()))
    typer.echo(redacted(words) if redact else words)


app.command()(learning.train)
app.command()(learning.evaluate)
app.command()(learning.predict)
app.command()(learning.report)
